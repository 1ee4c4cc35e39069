"""Grows a served trail through every tile edge and has strangers' tools verify each size."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from base64 import b64decode
from pathlib import Path

from served import free_port, run, wait_for

BINARY, TOOLS = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
SIZES = [1, 255, 256, 257, 65_536, 70_000]
EDGES = [0, 1, 254, 255, 256, 257, 511, 512, 65_279, 65_280, 65_535, 65_536, 69_999]


def append(base, token, first, last):
    lines = [
        json.dumps(
            {
                "id": f"c-{number}",
                "occurred_at": "2026-01-01T00:00:00Z",
                "source": {"system": "clients"},
                "action": "sample.update",
                "target": {"type": "sample", "id": f"S-{number}"},
            }
        )
        for number in range(first, last)
    ]
    request = urllib.request.Request(
        f"{base}/api/v1/trails/lab/events?wait=published",
        data="\n".join(lines).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"},
    )
    answer = json.load(urllib.request.urlopen(request, timeout=60))
    indexes = [receipt["index"] for receipt in answer["receipts"]]
    assert indexes == list(range(first, last)), "indexes follow the order of the request"


def witness(folder, origin, vkey):
    port = free_port()
    config = folder / "witness.json"
    env = dict(os.environ, AICS_WITNESS_CONFIG=str(config), HOME=str(folder))
    run(TOOLS / "aics-witness", "init", "--name", "witness.example/w1", env=env)
    run(TOOLS / "aics-witness", "add-log", "--origin", origin, "--vkey", vkey, env=env)
    process = subprocess.Popen(
        [str(TOOLS / "aics-witness"), "serve", "--listen", f"127.0.0.1:{port}"],
        env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    return process, f"http://127.0.0.1:{port}"


def cosign(url, base, token, note, old, new):
    proof = []
    if 0 < old < new:
        request = urllib.request.Request(
            f"{base}/api/v1/trails/lab/proof/consistency?from={old}&to={new}",
            headers={"Authorization": f"Bearer {token}"},
        )
        proof = json.load(urllib.request.urlopen(request, timeout=30))["hashes"]
    body = f"old {old}\n" + "".join(line + "\n" for line in proof) + "\n" + note
    for attempt in range(50):
        try:
            request = urllib.request.Request(f"{url}/add-checkpoint", data=body.encode())
            line = urllib.request.urlopen(request, timeout=10).read().decode()
            break
        except urllib.error.HTTPError as error:
            sys.exit(f"the witness refused size {new}: {error.code} {error.read()}")
        except (urllib.error.URLError, ConnectionError):
            if attempt == 49:
                raise
            time.sleep(0.2)
    name, signature = line.removeprefix("\u2014 ").split()[:2]
    assert name == "witness.example/w1" and len(b64decode(signature)) == 76, line


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data, state = folder / "data", folder / "state"
        env = dict(os.environ, INDELIBLE_STATE_DIR=str(state))
        run(BINARY, "init", data, "--origin", "clients.example", env=env)
        vkey = run(BINARY, "trail", "create", "lab", "--data", data, env=env).strip()
        token = run(
            BINARY, "token", "create", "--data", data, "--trail", "lab", "--scope", "append,read", env=env
        ).strip()
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        server = subprocess.Popen(
            [str(BINARY), "serve", "--data", str(data), "--listen", f"127.0.0.1:{port}", "--public-read-path"],
            env=env,
        )
        witness_process = None
        try:
            wait_for(f"{base}/livez")
            witness_process, witness_url = witness(folder, "clients.example/lab", vkey)
            key_file = folder / "vkey"
            key_file.write_text(vkey + "\n")
            tiles = f"{base}/trails/lab/"
            held, old_size = None, 0
            checks = 0
            for size in SIZES:
                for first in range(old_size, size, 1000):
                    append(base, token, first, min(size, first + 1000))
                note = wait_for(f"{tiles}checkpoint").decode()
                assert note.split("\n")[1] == str(size), note
                run(TOOLS / "aics-tlog", "verify-checkpoint", "--tiles", tiles, "--vkey-file", key_file)
                edges = {edge for edge in EDGES if edge < size} | {size - 1}
                for index in sorted(edges):
                    run(
                        TOOLS / "aics-tlog", "verify-inclusion", "--tiles", tiles,
                        "--vkey-file", key_file, "--index", index,
                    )
                    checks += 1
                if held is not None:
                    run(
                        TOOLS / "aics-tlog", "verify-consistency", "--tiles", tiles,
                        "--vkey-file", key_file, "--old-checkpoint", held,
                    )
                    checks += 1
                cosign(witness_url, base, token, note, old_size, size)
                held = folder / f"checkpoint-{size}"
                held.write_text(note)
                old_size = size
                print(f"{size} entries: verified and cosigned")
            run(BINARY, "verify", "--vkey", vkey, f"{base}/trails/lab", env=env)
            receipt = folder / "r.tlog-proof"
            request = urllib.request.Request(
                f"{base}/api/v1/trails/lab/events/255/receipt",
                headers={"Authorization": f"Bearer {token}"},
            )
            receipt.write_bytes(urllib.request.urlopen(request).read())
            run(BINARY, "verify", "--vkey", vkey, receipt, env=env)
        finally:
            server.terminate()
            code = server.wait(30)
            if witness_process is not None:
                witness_process.kill()
        assert code == 0, f"the server stopped with {code}"
        run(BINARY, "check", "--data", data, env=env)
        run(BINARY, "verify", "--vkey", vkey, data / "trails" / "lab", env=env)
        print(f"{checks} proofs checked by aics-tlog; {len(SIZES)} checkpoints cosigned by aics-witness")


main()

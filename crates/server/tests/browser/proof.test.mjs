// The verifier of the pages, against trees, notes and receipts made here: what is right verifies, and
// every change of it does not. Run with `node --test`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const source = readFileSync(new URL("../../assets/proof.js", import.meta.url), "utf8");
const proof = await import(`data:text/javascript,${encodeURIComponent(source)}`);

const utf8 = new TextEncoder();
const sha = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", Buffer.concat(parts.map((part) => Buffer.from(part)))));
const node = (left, right) => sha([1], left, right);
const split = (size) => 2 ** Math.floor(Math.log2(size - 1));

// RFC 6962 section 2.1, by its recursive definitions, which the verifier does not use.
const root = async (leaves) => {
  if (leaves.length === 1) return leaves[0];
  const k = split(leaves.length);
  return node(await root(leaves.slice(0, k)), await root(leaves.slice(k)));
};
const path = async (index, leaves) => {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return index < k
    ? [...await path(index, leaves.slice(0, k)), await root(leaves.slice(k))]
    : [...await path(index - k, leaves.slice(k)), await root(leaves.slice(0, k))];
};
const subproof = async (m, leaves, whole) => {
  if (m === leaves.length) return whole ? [] : [await root(leaves)];
  const k = split(leaves.length);
  return m <= k
    ? [...await subproof(m, leaves.slice(0, k), whole), await root(leaves.slice(k))]
    : [...await subproof(m - k, leaves.slice(k), false), await root(leaves.slice(0, k))];
};

const leaves = await Promise.all([...Array(37).keys()].map((n) => proof.leafHash(`{"n":${n}}`)));

test("every_inclusion_proof_verifies_and_no_other_place_does", async () => {
  for (const size of [1, 2, 3, 4, 7, 8, 9, 31, 32, 33, 37]) {
    const tree = leaves.slice(0, size);
    const top = await root(tree);
    for (let index = 0; index < size; index++) {
      const hashes = await path(index, tree);
      const found = await proof.rootFrom(tree[index], BigInt(index), BigInt(size), hashes);
      assert.ok(proof.equal(found, top), `${index} of ${size}`);
      const bad = await proof.rootFrom(tree[index], BigInt((index + 1) % size), BigInt(size), hashes).catch(() => null);
      if (size > 1) assert.ok(!bad || !proof.equal(bad, top), `${index} of ${size} at another place`);
      await assert.rejects(proof.rootFrom(tree[index], BigInt(index), BigInt(size), [...hashes, top]), proof.Wrong);
      if (hashes.length) await assert.rejects(proof.rootFrom(tree[index], BigInt(index), BigInt(size), hashes.slice(1)), proof.Wrong);
    }
  }
});

test("every_consistency_proof_verifies_and_a_rewritten_trail_does_not_continue", async () => {
  for (let older = 1; older <= leaves.length; older++) {
    for (let newer = older; newer <= leaves.length; newer++) {
      const tree = leaves.slice(0, newer);
      const hashes = await subproof(older, tree, true);
      const [one, other] = [await root(tree.slice(0, older)), await root(tree)];
      assert.ok(await proof.isContinued(BigInt(older), one, BigInt(newer), other, hashes), `${older} to ${newer}`);
      const forged = await sha(one);
      assert.ok(!await proof.isContinued(BigInt(older), forged, BigInt(newer), other, hashes), `${older} to ${newer}, forged`);
    }
  }
});

const origin = "example.org/lab";
const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
const typed = new Uint8Array([1, ...raw]);
const id = (await sha(utf8.encode(`${origin}\n`), typed)).slice(0, 4);
const vkey = `${origin}+${Buffer.from(id).toString("hex")}+${proof.base64(typed)}`;
const sign = async (text) => {
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, utf8.encode(text)));
  return `${text}\n— ${origin} ${proof.base64(new Uint8Array([...id, ...signature]))}\n`;
};

test("a_signed_checkpoint_opens_and_a_changed_one_does_not", async () => {
  const key = await proof.readKey(vkey);
  const note = await sign(`${origin}\n37\n${proof.base64(await root(leaves))}\n`);
  const opened = await proof.openCheckpoint(note, key, origin);
  assert.equal(opened.size, 37n);
  await assert.rejects(proof.openCheckpoint(note.replace("\n37\n", "\n38\n"), key, origin), proof.Wrong);
  await assert.rejects(proof.openCheckpoint(note, key, "example.org/other"), proof.Wrong);
  await assert.rejects(proof.openCheckpoint(note.replace(/— .*\n$/, ""), key, origin), proof.Wrong);
  await assert.rejects(proof.readKey(vkey.replace("example", "exemple")), proof.Wrong);
});

test("a_receipt_reads_and_a_detached_value_must_be_the_committed_one", async () => {
  const note = await sign(`${origin}\n1\n${proof.base64(leaves[0])}\n`);
  const extra = Buffer.from(JSON.stringify({ entry: '{"n":0}' })).toString("base64");
  const receipt = proof.readReceipt(`c2sp.org/tlog-proof@v1\nextra ${extra}\nindex 0\n\n${note}`);
  assert.deepEqual([receipt.entry, receipt.index, receipt.hashes], ['{"n":0}', 0n, []]);
  assert.equal(receipt.note, note);
  assert.ok(proof.equal(await proof.leafHash(receipt.entry), leaves[0]));
  assert.throws(() => proof.readReceipt("nonsense"), proof.Wrong);
  const [salt, at, value] = [new Uint8Array(32).fill(7), "/after", '"big"'];
  const length = Buffer.alloc(4);
  length.writeUInt32BE(at.length);
  const digest = proof.base64(await sha(utf8.encode("indelible/detached/v1\0"), salt, length, utf8.encode(at), utf8.encode(value)));
  const opening = { at, salt: proof.base64(salt), value };
  assert.ok(await proof.admits({ at, size: 5, digest }, opening));
  assert.ok(!await proof.admits({ at, size: 5, digest }, { ...opening, value: '"bag"' }));
  assert.ok(!await proof.admits({ at, size: 6, digest }, opening));
});

test("values_are_put_back_where_they_were_detached_and_nowhere_else", () => {
  const entry = '{"actor":{"id":"ana"},"params":null,"a/b":{"~c":null},"detached":[{"at":"/params"},{"at":"/a~1b/~0c"}]}';
  const params = { at: "/params", value: '{"n":1}' };
  assert.equal(
    proof.restored(entry, [params, { at: "/a~1b/~0c", value: "[2]" }]),
    '{"actor":{"id":"ana"},"params":{"n":1},"a/b":{"~c":[2]},"detached":[{"at":"/params"},{"at":"/a~1b/~0c"}]}',
  );
  assert.equal(proof.restored(entry, [params]), proof.restored(entry, []).replace('"params":null', '"params":{"n":1}'));
  for (const forged of [
    [params, { at: "/actor/id", value: '"eve"' }],
    [params, { ...params, value: '{"n":2}' }],
    [{ at: "/nowhere", value: "1" }],
    [{ at: "", value: "1" }],
  ]) {
    assert.throws(() => proof.restored(entry, forged), proof.Wrong, JSON.stringify(forged));
  }
});

"""Reads real OpenCGA records through the unmodified pyopencga, and compares with a plain scan.

The expected answers are told from the dumps alone: nothing of the server's is asked for them.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

from pyopencga.exceptions import OpencgaAuthorisationError, OpencgaInvalidToken
from pyopencga.opencga_client import OpencgaClient
from pyopencga.opencga_config import ClientConfiguration

from served import free_port, run, wait_for

BINARY = Path(sys.argv[1]).resolve()
DUMPS = Path(__file__).resolve().parents[2] / "crates/dialect/tests/data/opencga"
TRAILS = {
    "test": ["v3.0.0_test.json", "v3.1.0_test.json"],
    "opencga": ["v3.0.0_opencga.json", "v3.1.0_opencga.json"],
}


def plain(value):
    """A value of Extended JSON as the service shows it."""
    if isinstance(value, dict):
        if len(value) == 1:
            (name, inner), = value.items()
            if name in ("$numberInt", "$numberLong"):
                return int(inner)
            if name == "$numberDouble":
                return float(inner)
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value


def without_tokens(value):
    """A value without members called `token`, which no import lets in."""
    if isinstance(value, dict):
        kept = {n: inner for n, inner in value.items() if n != "token" or inner is None}
        return {n: without_tokens(inner) for n, inner in kept.items()}
    return [without_tokens(inner) for inner in value] if isinstance(value, list) else value


def scan(name):
    """The records of a dump, as the service would show them, in their order."""
    text = (DUMPS / name).read_text()
    text = re.sub(r'ObjectId\(\s*("[0-9a-f]+")\s*\)', r"\1", text)
    text = re.sub(r'Number(?:Long|Int)\(\s*"?(-?\d+)"?\s*\)', r"\1", text)
    decoder, at, records = json.JSONDecoder(), 0, []
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        record, at = decoder.raw_decode(text, at)
        record = plain(record)
        record.pop("_id")
        record["params"] = without_tokens(record["params"])
        if record["status"]["error"] is None:
            record["status"].pop("error")
        if record["userId"] is None:
            record.pop("userId")
        records.append(record)
    return records


def ids(records):
    return [record["id"] for record in records]


def difference(one, other, at=""):
    """Where two values differ first."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = [*one, *other]
        if alone := sorted(one.keys() ^ other.keys()):
            return f"{at}: {alone} on one side only"
        pairs = ((f"{at}/{name}", one.get(name), other.get(name)) for name in names)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = ((f"{at}/{place}", a, b) for place, (a, b) in enumerate(zip(one, other)))
    else:
        return None if one == other else f"{at}: {one!r} and {other!r}"
    return next((found for at, a, b in pairs if (found := difference(a, b, at))), None)


class Checks:
    """One client at one trail, and the records that the trail was filled with."""

    def __init__(self, client, records):
        self.client, self.records, self.count = client, records, 0

    def search(self, study, **options):
        options.setdefault("limit", 1000)
        if study == "*":
            # The imports themselves are events of the trail, and no records of OpenCGA.
            options.setdefault("action", "!import")
        response = self.client.studies.search_audit(study, **options)
        self.count += 1
        return response.get_results(), response.get_response()

    def same(self, study, wanted, **options):
        """The answer has exactly the records for which `wanted` holds, in the order of the trail."""
        expected = [record for record in self.records if wanted(record)]
        results, response = self.search(study, count=True, **options)
        assert ids(results) == ids(expected), (study, options, len(results), len(expected))
        assert response["numMatches"] == response["numResults"] == len(expected), options
        return expected

    def group(self, fields, entity, **options):
        response = self.client.admin.group_by_audit(fields, entity, count=True, **options)
        self.count += 1
        return [
            (tuple(group["_id"][name] for name in fields.split(",")), group["count"])
            for group in response.get_results()
        ]


def moment(millis):
    return datetime.fromtimestamp(millis / 1000, timezone.utc)


def check_filters(checks, study, inside):
    """Each filter with every value that a client can write into a URL without escapes."""
    fields = {
        "operation_id": "operationId",
        "user_id": "userId",
        "action": "action",
        "resource_": "resource",
        "resource_id": "resourceId",
        "resource_uuid": "resourceUuid",
    }
    for option, member in fields.items():
        values = {record.get(member) for record in checks.records if inside(record)} - {"", None}
        writable = sorted(value for value in values if not re.search(r"[,;&#%+!~^$=<>]", value))
        assert writable, member
        for value in writable[:25]:
            found = checks.same(
                study, lambda r: inside(r) and r.get(member) == value, **{option: value}
            )
            assert found, (member, value)
    for status in ("SUCCESS", "ERROR"):
        checks.same(study, lambda r: inside(r) and r["status"]["name"] == status, status=status)


def check_grammar(checks, study, inside):
    of = lambda holds: lambda record: inside(record) and holds(record["action"])
    for text, holds in {
        "CREATE,UPDATE_ACLS": lambda a: a in ("CREATE", "UPDATE_ACLS"),
        "!CREATE": lambda a: a != "CREATE",
        "!=CREATE": lambda a: a != "CREATE",
        "!CREATE;!UPDATE_ACLS": lambda a: a not in ("CREATE", "UPDATE_ACLS"),
        "~^UPDATE": lambda a: a.startswith("UPDATE"),
        "=~ACLS": lambda a: "ACLS" in a,
        "~/acls/i": lambda a: "ACLS" in a,
        "~/acls/": lambda a: "acls" in a,
        "~C.*E$,INFO": lambda a: re.search("C.*E$", a) or a == "INFO",
        "create": lambda a: a == "create",
        "INFO,!CREATE": lambda a: a != "CREATE",
    }.items():
        checks.same(study, of(holds), action=text)
    checks.same(
        study,
        lambda r: inside(r) and r.get("userId") == "owner" and r["action"] == "CREATE"
        and r["resource"] == "FILE" and r["status"]["name"] == "SUCCESS",
        user_id="owner", action="CREATE", resource_="FILE", status="SUCCESS",
    )


def check_dates(checks, study, inside):
    """What the original cannot do: its dates are numbers, and it compares them with dates."""
    dates = sorted(record["date"] for record in checks.records if inside(record))
    first, last, middle = moment(dates[0]), moment(dates[-1]), moment(dates[len(dates) // 2])
    stamp = lambda at, size: at.strftime("%Y%m%d%H%M%S")[:size]
    whole = {
        4: lambda at: (at.year,),
        6: lambda at: (at.year, at.month),
        8: lambda at: (at.year, at.month, at.day),
        10: lambda at: (at.year, at.month, at.day, at.hour),
        12: lambda at: (at.year, at.month, at.day, at.hour, at.minute),
        14: lambda at: (at.year, at.month, at.day, at.hour, at.minute, at.second),
    }
    for at in (first, middle, last):
        for size, part in whole.items():
            text = stamp(at, size)
            found = checks.same(
                study, lambda r: inside(r) and part(moment(r["date"])) == part(at), date=text
            )
            assert found, text
    second = middle.replace(microsecond=0)
    bounds = {
        f">{stamp(middle, 14)}": lambda at: at > second,
        f">={stamp(middle, 14)}": lambda at: at >= second,
        f"<{stamp(middle, 14)}": lambda at: at < second,
        f"<={stamp(middle, 14)}": lambda at: at <= second,
        f"{stamp(first, 8)}-{stamp(last + timedelta(days=1), 8)}": lambda at: True,
        f"{stamp(first, 14)}-{stamp(middle, 14)}":
            lambda at: first.replace(microsecond=0) <= at < second,
        f"<={stamp(first, 14)},>{stamp(middle, 14)}":
            lambda at: at <= first.replace(microsecond=0) or at > second,
        f"{stamp(first, 12)},1999,{stamp(last, 14)}":
            lambda at: stamp(at, 12) == stamp(first, 12) or stamp(at, 14) == stamp(last, 14),
        ">2999": lambda at: False,
        "<201805": lambda at: False,
        f">={stamp(first, 4)};<{stamp(middle, 14)}": lambda at: at < second,
    }
    for text, holds in bounds.items():
        checks.same(study, lambda r: inside(r) and holds(moment(r["date"])), date=text)


def check_pages(checks, study, inside):
    expected = [record for record in checks.records if inside(record)]
    for size in (1, 7, 50, len(expected), len(expected) + 1):
        pages, skip = [], 0
        while True:
            results, response = checks.search(study, limit=size, skip=skip, count=True)
            assert response["numMatches"] == len(expected)
            pages += results
            if len(results) < size:
                break
            skip += size
        assert ids(pages) == ids(expected), f"pages of {size}: each record once, in order"
        for page, record in zip(pages, expected):
            assert page == record, f"the whole record: {difference(page, record)}"
    results, response = checks.search(study, limit=5)
    assert len(results) == 5 and response["numMatches"] == -1, "not counted unless asked"
    results, response = checks.search(study, limit=0, count=True)
    assert results == [] and response["numMatches"] == len(expected)
    results, _ = checks.search(study, sort="date", order="DESCENDING")
    assert [r["date"] for r in results] == sorted((r["date"] for r in expected), reverse=True)


def check_members(checks, study, inside):
    expected = [record for record in checks.records if inside(record)]
    results, _ = checks.search(study, include="id,status.name")
    assert results == [
        {"id": r["id"], "status": {"name": r["status"]["name"]}} for r in expected
    ]
    results, _ = checks.search(study, exclude="params,attributes,status.error")
    for record, result in zip(expected, results, strict=True):
        kept = {n: v for n, v in record.items() if n not in ("params", "attributes")}
        kept["status"] = {"name": record["status"]["name"]}
        assert result == kept


def check_groups(checks):
    """Groups are of the whole organization, those without a study too; `entity` counts."""
    for fields in (
        "action", "userId", "userId,action", "status.name", "studyId,action,userId", "studyUuid",
        "apiVersion,studyUuid", "year", "year,month,day", "userId,year,month",
    ):
        def key(record):
            at = moment(record["date"])
            values = {
                **record, "status.name": record["status"]["name"],
                "year": at.year, "month": at.month, "day": at.day,
            }
            return tuple(values.get(name) for name in fields.split(","))

        for entity in sorted({record["resource"] for record in checks.records}):
            counts = Counter(key(r) for r in checks.records if r["resource"] == entity)
            groups = checks.group(fields, entity)
            assert dict(groups) == counts and len(groups) == len(counts), (fields, entity)
            assert [n for _, n in groups] == sorted(counts.values(), reverse=True)
    creates = Counter(
        (r.get("userId"),) for r in checks.records
        if r["resource"] == "FILE" and r["action"] == "CREATE"
    )
    assert dict(checks.group("userId", "FILE", action="CREATE")) == creates
    assert checks.group("userId", "FILE", action="CREATE", date=">2999") == []
    assert len(checks.group("action", "STUDY", limit=1)) == 1
    # A day has its month and its year, as in the original.
    assert set(checks.group("year,month,day", "FILE")) == {
        (tuple(group["_id"][name] for name in ("year", "month", "day")), group["count"])
        for group in checks.client.admin.group_by_audit("day", "FILE", count=True).get_results()
    }
    checks.count += 1


def refused(kind, call, words):
    try:
        call()
    except kind as error:
        assert words in str(error), (words, str(error))
        return
    raise AssertionError(f"nothing was refused, where {words!r} was expected")


def check_refusals(checks, host, study, tokens):
    search = checks.client.studies.search_audit
    for words, options in {
        "colour": {"colour": "red"},
        "is a date": {"date": "yesterday"},
        "skip": {"skip": -1},
        "true or false": {"count": "maybe"},
        "cannot stand in one filter": {"action": "A,B;C"},
        "regular expression": {"action": "~(?=x)"},
    }.items():
        refused(Exception, lambda: search(study, **options), words)
    refused(Exception, lambda: search("nowhere"), "no record of this trail names the study")
    refused(Exception, lambda: checks.client.admin.group_by_audit("colour", "FILE"), "fields")
    config = ClientConfiguration({"rest": {"host": host}})
    blind = OpencgaClient(config, token=tokens["append"])
    refused(OpencgaAuthorisationError, lambda: blind.studies.search_audit(study), "may not")
    nobody = OpencgaClient(config, token="nobody")
    refused(OpencgaInvalidToken, lambda: nobody.studies.search_audit(study), "token")
    everyone = OpencgaClient(config, token=tokens["all"])
    refused(Exception, lambda: everyone.studies.search_audit(study), "x-indelible-trail")
    refused(OpencgaInvalidToken, lambda: OpencgaClient(config).login("ana", "wrong"), "password")
    # Beyond what this client would ever send.
    for query in ("limit=5001", "limit=-1", "skip=99999999999999999999", "limit=1&limit=2"):
        url = f"{host}/webservices/rest/v2/studies/{study}/audit/search?{query}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {tokens['test']}"})
        try:
            urllib.request.urlopen(request, timeout=10)
            raise AssertionError(query)
        except urllib.error.HTTPError as error:
            answer = json.load(error)
            assert error.code == 400 and answer["events"][0]["type"] == "ERROR", query


def check_test_trail(host, tokens, records):
    config = ClientConfiguration({"rest": {"host": host}})
    checks = Checks(OpencgaClient(config, token=tokens["test"]), records)
    inside = lambda record: record["studyId"] == "phase1"
    study = "test@1000G:phase1"
    for spelling in ("phase1", "1000G:phase1", study):
        checks.same(spelling, inside)
    for uuid in {record["studyUuid"] for record in records} - {""}:
        checks.same(uuid, lambda record: record["studyUuid"] == uuid)
    checks.same("*", lambda record: True)
    checks.same("*", lambda record: record["action"] == "LOGIN", action="LOGIN")
    check_filters(checks, study, inside)
    check_filters(checks, "*", lambda record: True)
    check_grammar(checks, study, inside)
    check_dates(checks, study, inside)
    check_dates(checks, "*", lambda record: True)
    check_pages(checks, study, inside)
    check_members(checks, study, inside)
    check_groups(checks)
    check_refusals(checks, host, study, tokens)
    return checks.count


def check_login(host, tokens, records):
    """The same with a login, after which this client refreshes its token at every call."""
    client = OpencgaClient(ClientConfiguration({"rest": {"host": host}}))
    client.login("ana", tokens["opencga"], organization="opencga")
    checks = Checks(client, records)
    checks.same("*", lambda record: True)
    checks.same("admin", lambda record: record["studyId"] == "admin")
    check_groups(checks)
    check_pages(checks, "*", lambda record: True)
    return checks.count


def is_found(base, token, trail):
    request = urllib.request.Request(
        f"{base}/api/v1/trails/{trail}/status", headers={"Authorization": f"Bearer {token}"}
    )
    seen = json.load(urllib.request.urlopen(request, timeout=10))
    return seen["projected_size"] >= seen["committed_size"]


def check_access(base, token, count):
    """Everything that was read is on the `access` trail."""
    query = urllib.parse.urlencode({"q": 'params:"facade opencga"'})
    request = urllib.request.Request(
        f"{base}/api/v1/trails/access/count?{query}", headers={"Authorization": f"Bearer {token}"}
    )
    deadline = time.monotonic() + 30
    while (recorded := json.load(urllib.request.urlopen(request, timeout=10))["count"]) < count:
        assert time.monotonic() < deadline, (recorded, count)
        time.sleep(0.2)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "data"
        os.environ["INDELIBLE_STATE_DIR"] = str(folder / "state")
        tokens = {"all": run(BINARY, "init", data, "--origin", "audit.example.org").strip()}
        records = {}
        for trail, files in TRAILS.items():
            run(BINARY, "trail", "create", trail, "--data", data)
            for file in files:
                run(BINARY, "import", "opencga", DUMPS / file, "--data", data, "--trail", trail)
            records[trail] = [record for file in files for record in scan(file)]
            create = [BINARY, "token", "create", "--data", data, "--trail", trail, "--scope"]
            tokens[trail] = run(*create, "read").strip()
        create = [BINARY, "token", "create", "--data", data, "--trail", "test", "--scope", "append"]
        tokens["append"] = run(*create).strip()
        port = free_port()
        server = subprocess.Popen(
            [str(BINARY), "serve", "--data", str(data), "--listen", f"127.0.0.1:{port}"],
            stderr=(folder / "server.log").open("w"),
        )
        try:
            base = f"http://127.0.0.1:{port}"
            wait_for(f"{base}/readyz")
            for trail in TRAILS:
                while not is_found(base, tokens["all"], trail):
                    time.sleep(0.1)
            host = f"{base}/opencga"
            count = check_test_trail(host, tokens, records["test"])
            count += check_login(host, tokens, records["opencga"])
            check_access(base, tokens["all"], count)
        except BaseException:
            sys.stderr.write((folder / "server.log").read_text()[-4000:])
            raise
        finally:
            server.terminate()
            server.wait(timeout=30)
    print(f"pyopencga: {count} answers are those of a plain scan")


main()

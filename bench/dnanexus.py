#!/usr/bin/env python3
"""Writes a DNAnexus audit CSV of made-up rows, the same ones each time: dnanexus.py ROWS FILE"""

import datetime
import random
import sys

HEADER = (
    "Timestamp,IP Address,User Agent,Acting User ID,Action,Object ID,Object Name,Project ID,"
    "Project Name,Success Status,Info,Label,Auth Token"
)
AGENT = "dxpy/0.413.0 (Linux-6.8.0-45-generic-x86_64-with-glibc2.39) Python/3.12.3"
LETTERS = "0123456789BFGJKPQVXYZbfgjkpqvxyz"
ACTIONS = [
    "applet-run", "file-close", "file-describe", "file-download", "file-new",
    "file-remove", "job-new", "project-describe", "project-invite", "workflow-run",
]


def identifier(kind):
    return f"{kind}-{''.join(random.choices(LETTERS, k=24))}"


def rows(count):
    users = [f"user-{name}{number}" for number in range(150) for name in ("asmith", "bwong")]
    projects = [(identifier("project"), f"WES Cohort {number}") for number in range(60)]
    moment = datetime.datetime(2025, 1, 1)
    for number in range(count):
        moment += datetime.timedelta(seconds=random.randrange(30))
        project, name = random.choice(projects)
        info = '"{""fields"":{""name"":true,""size"":%d}}"' % random.randrange(10**9)
        yield ",".join((
            f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            f"203.0.113.{random.randrange(250)}",
            AGENT,
            random.choice(users),
            random.choice(ACTIONS),
            identifier("file"),
            f"sample {random.randrange(99999)} lane {number % 8}.fastq.gz",
            project,
            name,
            random.choice(("Yes", "Yes", "Yes", "No")),
            info,
            random.choice(("ci-pipeline", "", "nightly")),
            f"{random.randrange(65536):04x}",
        ))


def main():
    count, path = int(sys.argv[1]), sys.argv[2]
    random.seed(5)
    with open(path, "w", newline="", encoding="utf-8") as out:
        out.write(HEADER + "\r\n")
        for row in rows(count):
            out.write(row + "\r\n")


if __name__ == "__main__":
    main()

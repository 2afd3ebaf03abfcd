#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No resident code and no Individual Number outside the databases.

A network takes residents whose numbers are known, numbers it generates itself, bad rows that hold numbers, and
refused changes. Then everything that was written outside the databases and the door's own deliveries is searched for
every one of those numbers: logs, sockets' answers, configuration, names of files, what the commands printed.
"""
import csv
import os
import pathlib
import re
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import Checks, Network  # noqa: E402
from traffic import rows_of, write_events  # noqa: E402

AREA = "282049"
COUNT = 300


def known_numbers(path):
    rows = rows_of(path)
    return {r[k] for r in rows for k in ("resident_code", "individual_number") if r[k]}, rows


def bad_file(net, rows):
    """Rows that are refused for a reason that stands beside a number: a wrong check digit, a doubled code."""
    path = net.folder / "bad.csv"
    wrong = []
    with open(path, "w", encoding="utf-8", newline="") as f:
        out = csv.DictWriter(f, rows[0].keys())
        out.writeheader()
        for i, row in enumerate(rows[:20]):
            changed = dict(row, record=f"canary-{i}")
            if i % 2:
                last = changed["resident_code"][-1]
                changed["resident_code"] = changed["resident_code"][:-1] + str((int(last) + 1) % 10)
            else:
                last = changed["individual_number"][-1]
                changed["individual_number"] = changed["individual_number"][:-1] + str((int(last) + 3) % 10)
            wrong += [changed["resident_code"], changed["individual_number"]]
            out.writerow(changed)
    return path, set(wrong)


def generated_numbers(folder):
    """What the registers know by now, read from their databases."""
    found = set()
    for db in folder.glob("register.*/data/*.db"):
        c = sqlite3.connect(f"file:{db}?mode=ro", uri=True)
        for code, number in c.execute("SELECT code, number FROM register_resident"):
            found.add(f"{code:011d}")
            if number is not None:
                found.add(f"{number:012d}")
        c.close()
    return found


def written_outside(root, printed):
    yield "printed", "\n".join(printed).encode()
    for folder, _, files in os.walk(root):
        for name in files:
            path = pathlib.Path(folder) / name
            relative = path.relative_to(root)
            yield f"name of {relative.parent}", str(relative).encode()
            if ".db" in name or "door" in relative.parts or not path.is_file() or path.is_socket():
                continue
            yield str(relative), path.read_bytes()


NUMBER = re.compile(rb"(?<![0-9])[0-9]{11,12}(?![0-9])")


def search(checks, root, printed, numbers):
    numbers = {n.encode() for n in numbers}
    looked = 0
    for what, content in written_outside(root, printed):
        looked += 1
        leaked = sum(1 for n in NUMBER.findall(content) if n in numbers)
        checks.check(f"no number in {what}", not leaked, f"{leaked} numbers")
    checks.check("something was searched", looked > 20, looked)


def demonstration(checks, net):
    """The demonstration's people are canaries too: they come with numbers, and get new ones."""
    folder = net.folder / "demo"
    try:
        r = net.run("demo", "--residents", "600", str(folder))
        checks.check("the demonstration runs", r.returncode == 0, r.stdout + r.stderr)
    finally:
        net.run("down", str(folder), "--kill")
    numbers = generated_numbers(folder)
    checks.check("its people have numbers", len(numbers) > 1200, len(numbers))
    search(checks, folder, [r.stdout, r.stderr], numbers)


def main():
    checks = Checks()
    printed = []
    with Network(AREA) as net:
        printed.append(net.up())
        path = net.residents(AREA, COUNT, extra=("--with-codes",))
        numbers, rows = known_numbers(path)
        fresh = net.residents(AREA, 50, seed=2)
        bad, wrong = bad_file(net, rows)
        for file in (path, fresh, bad, path):
            r = net.run("register", "load", str(net.dir), AREA, str(file))
            printed += [r.stdout, r.stderr]
        net.check_equal(checks, "residents with and without numbers arrive", 60)
        changes = write_events(net.folder / "changes.jsonl", [event for i, row in enumerate(rows[:30]) for event in (
            {"event": f"e{i}", "reason": "death" if i % 2 else "code_change_request", "change_date": "2026-11-20",
             "record": row["record"]},
            {"event": f"x{i}", "reason": "death", "change_date": "2026-11-20", "resident_code": row["individual_number"][:11]})])
        r = net.run("register", "apply", str(net.dir), AREA, str(changes))
        printed += [r.stdout, r.stderr]
        net.check_equal(checks, "changes arrive", 60)
        for words in (["status", str(net.dir)], ["status", str(net.dir), "--json"], ["compare", str(net.dir)],
                      ["register", "problems", str(net.dir), AREA], ["trace", str(net.dir), AREA, "5"],
                      ["check", "resident-code", rows[0]["resident_code"]],
                      ["check", "individual-number", sorted(wrong)[0]]):
            r = net.run(*words)
            printed += [r.stdout, r.stderr]
        numbers |= wrong | generated_numbers(net.dir)
        checks.check("numbers were generated too", len(numbers) > 2 * COUNT + 40, len(numbers))
        net.down()
        search(checks, net.dir, printed, numbers)
        demonstration(checks, net)
    checks.end()


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGKILL of each server at random moments while residents are loaded and changed.

Residents with codes, residents whose codes are drawn and numbers generated, and five changes of name in a row for some
of both. Afterwards, without help: nothing acknowledged is lost, nothing applied twice (each level has exactly one version
a change), the order of each person kept (a version out of order would be parked, and the last name differ between the
levels), and every log proves itself.
"""
import csv
import json
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import Checks, Network  # noqa: E402

AREA = "282049"
ROUNDS = 1000 if "--long" in sys.argv else 20
CODED, FRESH, RENAMED, RENAMES = 150, 20, 5, 5
NODES = ["agency", "prefecture.28", f"cs.{AREA}", f"register.{AREA}"]


def feed(net, files, stop):
    """Gives each file again and again until one call ran through: what was taken before is refused as known."""
    for verb, path in files:
        while not stop.is_set():
            answer = net.ask(f"register.{AREA}", do=verb, path=str(path))
            if answer and answer.get("ok"):
                break
            time.sleep(0.05)


def renames(net, round_number, records):
    """Five changes of name in a row for each of some people: their order can be seen in the last one."""
    path = net.folder / f"renames-{round_number}.jsonl"
    with open(path, "w", encoding="utf-8") as f:
        for turn in range(RENAMES):
            for i, record in enumerate(records):
                f.write(json.dumps({"event": f"r{round_number}-{turn}-{i}", "reason": "ex_officio_amendment",
                                    "change_date": "2026-11-20", "record": record,
                                    "set": {"name": f"第{round_number}　{'一二三四五'[turn]}"}},
                                   ensure_ascii=False) + "\n")
    return path


def records_of(path):
    with open(path, encoding="utf-8-sig", newline="") as f:
        return [row["record"] for row in csv.DictReader(f)]


def settled(net, seconds):
    """Every change of the register has its outcome."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        s = net.ask(f"register.{AREA}", do="status")
        if s and s["changes"]["queued"] == s["changes"]["applied"] + s["changes"]["refused"]:
            return s
        time.sleep(0.2)
    return net.ask(f"register.{AREA}", do="status")


def main():
    checks = Checks()
    seed = int(time.time())
    print(f"seed {seed}, {ROUNDS} rounds")
    chance = random.Random(seed)
    changed = 0
    with Network(AREA) as net:
        net.up()
        for round_number in range(ROUNDS):
            coded = net.residents(AREA, CODED, seed=2 * round_number + 1, extra=("--with-codes",))
            fresh = net.residents(AREA, FRESH, seed=2 * round_number + 2)
            people = records_of(coded)[:RENAMED] + records_of(fresh)[:RENAMED]
            files = [("load", coded), ("load", fresh), ("apply", renames(net, round_number, people))]
            changed += RENAMES * len(people)
            stop = threading.Event()
            feeder = threading.Thread(target=feed, args=(net, files, stop))
            feeder.start()
            time.sleep(chance.uniform(0, 0.4))
            node = NODES[round_number % len(NODES)]
            net.kill(node)
            time.sleep(chance.uniform(0, 0.2))
            net.up(node)
            feeder.join(timeout=60)
            checks.check(f"round {round_number}: {node} comes back and what was given is taken", not feeder.is_alive())
            stop.set()
        status = settled(net, 180)
        checks.check("every change was applied nationally",
                     status and status["changes"]["queued"] == status["changes"]["applied"], status)
        equal = net.wait_equal(60)
        checks.check("every level agrees", equal.returncode == 0, equal.stdout + equal.stderr)
        want = {"current": (CODED + FRESH) * ROUNDS, "versions": (CODED + FRESH) * ROUNDS + changed}
        for node in NODES[:3]:
            persons = net.ask(node, do="status")["persons"]
            seen = {k: persons[k] for k in want}
            checks.check(f"{node}: everybody once, every change once and in order", seen == want, (seen, want))
        net.down()
        verified = net.run("log", "verify", str(net.dir))
        checks.check("every log proves itself", verified.returncode == 0, verified.stdout + verified.stderr)
    checks.end()


main()

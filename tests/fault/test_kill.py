#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGKILL of each server while residents are loaded and changed: at random moments, and, with the build of the tests, at
the named points of src/base/fault.h, in migrations, checkpoints and the signing of heads among them.

Residents with codes, residents whose codes are drawn and numbers generated, and five changes of name in a row for some
of both. Afterwards, without help: nothing acknowledged is lost, nothing applied twice (each level has exactly one version
a change), the order of each person kept (a version out of order would be parked, and the last name differ between the
levels), and every log proves itself.
"""
import contextlib
import csv
import json
import os
import pathlib
import random
import signal
import sqlite3
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import BIN, Checks, Network  # noqa: E402

AREA = "282049"
ROUNDS = int(os.environ.get("JUKI_ROUNDS", 1000 if "--long" in sys.argv else 20))
CODED, FRESH, RENAMED, RENAMES = 150, 20, 5, 5
NODES = ["agency", "prefecture.28", f"cs.{AREA}", f"register.{AREA}"]
SERVERS = NODES[:3]
COMMITS = ("before_commit", "after_commit")
POINTS = [(point, node) for point in COMMITS for node in NODES]
POINTS += [(point, node) for node in SERVERS for point in (
    "before_batch_send", "after_batch_send", "before_receipt", "after_receipt", "receipt_kept", "after_head_sign")]
AT_THE_END = [(point, node) for point in ("before_checkpoint", "after_checkpoint") for node in NODES]
MIGRATIONS = 3  # that every server has at least


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


def rows_of(path):
    with open(path, encoding="utf-8-sig", newline="") as f:
        return list(csv.DictReader(f))


def records_of(path):
    return [row["record"] for row in rows_of(path)]


def anothers(net, paths):
    """Records that were rightly refused: invented codes meet each other, and those that the agency gives out, once in some
    hundred thousand residents. So a record that is missing must have a code that is another's."""
    with contextlib.closing(sqlite3.connect(f"file:{net.dir / NODES[3] / 'data' / 'juki.db'}?mode=ro", uri=True)) as db:
        known = {record for record, in db.execute("SELECT record FROM register_record")}
        codes = {code for code, in db.execute("SELECT code FROM register_code")}
    missing = [row for path in paths for row in rows_of(path) if row["record"] not in known]
    return {row["record"] for row in missing if row["resident_code"] and int(row["resident_code"]) in codes}


def settled(net, seconds):
    """Every change of the register has its outcome."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        s = net.ask(f"register.{AREA}", do="status")
        if s and s["changes"]["queued"] == s["changes"]["applied"] + s["changes"]["refused"]:
            return s
        time.sleep(0.2)
    return net.ask(f"register.{AREA}", do="status")


def knows_points():
    return b"JUKI_KILL_AT" in (BIN / "juki-cs").read_bytes()


def start_to_die(net, node, point, nth):
    """Starts a server that will kill itself; it may have done so before it was ready."""
    net.run("up", str(net.dir), node, env={"JUKI_KILL_AT": f"{point}:{nth}"})


def dies(net, node, seconds):
    end = time.monotonic() + seconds
    try:
        pid = net.pid(node)
    except FileNotFoundError:  # it did not come so far
        return True
    while net.alive(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def kill_at_random(net, chance, node):
    time.sleep(chance.uniform(0, 0.4))
    if chance.random() < 0.5:
        os.kill(net.pid(node), signal.SIGKILL)  # juki up finds it dying, and starts it when it is gone
    else:
        net.kill(node)
        time.sleep(chance.uniform(0, 0.2))
    net.up(node)


def kill_at_point(net, checks, chance, what, begin):
    """The server goes down in order and comes up to die where it is told to. The round's work begins while it is down, so
    that there is some left for it."""
    ending = chance.random() < 0.2
    point, node = chance.choice(AT_THE_END if ending else POINTS)
    nth = chance.randint(1, 4) if point in COMMITS else 1  # of the others one is sure to come
    net.down(node)
    begin()
    start_to_die(net, node, point, nth)
    if ending:
        net.run("down", str(net.dir), node)
    died = dies(net, node, 60)
    checks.check(f"{what}: {node} dies at {point}:{nth}", died)
    if not died:
        net.kill(node)
    net.up(node)


def migrations(net, checks, chance):
    """Each server is killed in one of its migrations, at its first start."""
    for node in NODES:
        nth = chance.randint(1, MIGRATIONS)
        start_to_die(net, node, "in_migration", nth)
        checks.check(f"{node} dies in migration {nth}", dies(net, node, 60))


def main():
    checks = Checks()
    seed = int(os.environ.get("JUKI_SEED", time.time()))
    print(f"seed {seed} (JUKI_SEED), {ROUNDS} rounds")
    chance = random.Random(seed)
    paths, changed = [], []
    with Network(AREA) as net:
        named = knows_points()
        checks.check("the build of the tests has the named points", named or "asan" not in str(BIN), BIN)
        if named:
            migrations(net, checks, chance)
        net.up()
        for round_number in range(ROUNDS):
            coded = net.residents(AREA, CODED, seed=2 * round_number + 1, extra=("--with-codes",))
            fresh = net.residents(AREA, FRESH, seed=2 * round_number + 2)
            people = records_of(coded)[:RENAMED] + records_of(fresh)[:RENAMED]
            files = [("load", coded), ("load", fresh), ("apply", renames(net, round_number, people))]
            paths += [coded, fresh]
            changed += people
            stop = threading.Event()
            feeder = threading.Thread(target=feed, args=(net, files, stop))
            if named and round_number % 2:
                kill_at_point(net, checks, chance, f"round {round_number}", feeder.start)
            else:
                feeder.start()
                kill_at_random(net, chance, NODES[round_number // 2 % len(NODES)])
            feeder.join(timeout=60)
            checks.check(f"round {round_number}: what was given is taken", not feeder.is_alive())
            stop.set()
        status = settled(net, 180)
        checks.check("every change was applied nationally",
                     status and status["changes"]["queued"] == status["changes"]["applied"], status)
        equal = net.wait_equal(60)
        checks.check("every level agrees", equal.returncode == 0, equal.stdout + equal.stderr)
        refused = anothers(net, paths)
        taken = (CODED + FRESH) * ROUNDS - len(refused)
        want = {"current": taken, "versions": taken + RENAMES * sum(record not in refused for record in changed)}
        for node in NODES[:3]:
            persons = net.ask(node, do="status")["persons"]
            seen = {k: persons[k] for k in want}
            checks.check(f"{node}: everybody once, every change once and in order", seen == want, (seen, want))
        net.down()
        verified = net.run("log", "verify", str(net.dir))
        checks.check("every log proves itself", verified.returncode == 0, verified.stdout + verified.stderr)
    checks.end()


main()

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
import os
import pathlib
import random
import signal
import sqlite3
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import BIN, Checks, Network, until  # noqa: E402
from traffic import Round, check_everywhere, rows_of  # noqa: E402

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


def anothers(net, paths):
    """Records that were rightly refused: invented codes meet each other, and those that the agency gives out, once in some
    hundred thousand residents. So a record that is missing must have a code that is another's."""
    with contextlib.closing(sqlite3.connect(f"file:{net.dir / NODES[3] / 'data' / 'juki.db'}?mode=ro", uri=True)) as db:
        known = {record for record, in db.execute("SELECT record FROM register_record")}
        codes = {code for code, in db.execute("SELECT code FROM register_code")}
    missing = [row for path in paths for row in rows_of(path) if row["record"] not in known]
    return {row["record"] for row in missing if row["resident_code"] and int(row["resident_code"]) in codes}


def knows_points():
    return b"JUKI_KILL_AT" in (BIN / "juki-cs").read_bytes()


def start_to_die(net, node, point, nth):
    """Starts a server that will kill itself; it may have done so before it was ready."""
    net.run("up", str(net.dir), node, env={"JUKI_KILL_AT": f"{point}:{nth}"})


def dies(net, node, seconds):
    try:
        pid = net.pid(node)
    except FileNotFoundError:  # it did not come so far
        return True
    return until(lambda: not net.alive(pid), seconds, 0.01)


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
    rounds = []
    with Network(AREA) as net:
        named = knows_points()
        checks.check("the build of the tests has the named points", named or "asan" not in str(BIN), BIN)
        if named:
            migrations(net, checks, chance)
        net.up()
        for round_number in range(ROUNDS):
            rounds.append(work := Round(net, AREA, round_number, CODED, FRESH, RENAMED, RENAMES))
            stop = threading.Event()
            feeder = threading.Thread(target=work.feed, args=(stop,))
            if named and round_number % 2:
                kill_at_point(net, checks, chance, f"round {round_number}", feeder.start)
            else:
                feeder.start()
                kill_at_random(net, chance, NODES[round_number // 2 % len(NODES)])
            feeder.join(timeout=60)
            checks.check(f"round {round_number}: what was given is taken", not feeder.is_alive())
            stop.set()
        refused = anothers(net, [path for work in rounds for path in work.loads])
        check_everywhere(checks, net, AREA, (CODED + FRESH) * ROUNDS - len(refused),
                         RENAMES * sum(record not in refused for work in rounds for record in work.renamed))
        net.down()
        net.check_logs(checks)
    checks.end()


main()

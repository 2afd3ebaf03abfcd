#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGKILL of each server at random moments while residents are loaded and changed.

Afterwards, without help: nothing acknowledged is lost, nothing applied twice, the order of each person kept (every
level has the same version of every episode), and every log proves itself.
"""
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import Checks, Network  # noqa: E402

AREA = "282049"
ROUNDS = 1000 if "--long" in sys.argv else 20
NODES = ["agency", "prefecture.28", f"cs.{AREA}", f"register.{AREA}"]


def feed(net, path, verb, stop):
    """Loads a file again and again until a load ran through: what was taken before is refused as known."""
    while not stop.is_set():
        answer = net.ask(f"register.{AREA}", do=verb, path=str(path))
        if answer and answer.get("ok"):
            return
        time.sleep(0.05)


def main():
    checks = Checks()
    seed = int(time.time())
    print(f"seed {seed}, {ROUNDS} rounds")
    chance = random.Random(seed)
    per_round = 300
    with Network(AREA) as net:
        net.up()
        for round_number in range(ROUNDS):
            path = net.residents(AREA, per_round, seed=round_number + 1, extra=("--with-codes",))
            stop = threading.Event()
            feeder = threading.Thread(target=feed, args=(net, path, "load", stop))
            feeder.start()
            time.sleep(chance.uniform(0, 0.4))
            node = NODES[round_number % len(NODES)]
            net.kill(node)
            time.sleep(chance.uniform(0, 0.2))
            net.up(node)
            feeder.join(timeout=60)
            checks.check(f"round {round_number}: {node} comes back and the load ends", not feeder.is_alive())
            stop.set()
        equal = net.wait_equal(180)
        checks.check("every level agrees", equal.returncode == 0, equal.stdout + equal.stderr)
        status = net.ask("agency", do="status")
        current = status["persons"]["current"] if status else -1
        checks.check("everybody is there once", current == per_round * ROUNDS, f"{current} of {per_round * ROUNDS}")
        net.down()
        verified = net.run("log", "verify", str(net.dir))
        checks.check("every log proves itself", verified.returncode == 0, verified.stdout + verified.stderr)
    checks.end()


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A bad line between a register and its CS: a proxy in front of the door, while changes run.

Connections are cut at random bytes in both directions (in the handshake, in a body of changes, behind a request and before
its answer), slowed, half open, and vanish without a FIN: nobody hears of it, or one end only. Afterwards every change that the
register took stands once at every level, each person's in order, and nobody had to help. JUKI_SEED repeats the positions;
with --long they are many, and half-open lines are given up by the programs themselves.
"""
import os
import pathlib
import random
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from line import check_given_back, held, put_before  # noqa: E402
from network import Checks, Network, until  # noqa: E402
from traffic import Town, check_end  # noqa: E402

AREA = "282049"
CS, REGISTER = f"cs.{AREA}", f"register.{AREA}"
LONG = "--long" in sys.argv
CUTS = 100 if LONG else 8  # in each direction
GIVEN_UP = 200  # a register waits 90 s for an answer, and a CS 75 s for a word


def usual(line, town):
    """Bytes that a connection of this size of work carries, each way."""
    line.break_all()
    town.rename(4)
    town.settled()
    with line.lock:
        return {way: max(c.counts[way] for c in line.connections) for way in ("up", "down")}


def cuts(checks, line, town, chance):
    """One position in each stretch of what a connection carries; then in the midst of a long body of changes."""
    missed = []
    for way, most in usual(line, town).items():
        for i in range(CUTS):
            at = 1 + (i * most + chance.randrange(most)) // CUTS
            before = line.cuts
            line.cut_next(way, at, hard=chance.random() < 0.5, times=3)  # whoever comes first: three connections
            town.rename(4)
            if not until(lambda: line.cuts > before, 3):
                missed.append((way, at))
            line.heal()
            town.settled(30)  # and the register does not wait longer and longer
        town.check_settled(checks, f"after cuts at random bytes, {way}")
    checks.check("most positions were reached", len(missed) <= CUTS // 4, missed)


def cut_bodies(checks, net, line, town, chance):
    for i in range(20 if LONG else 3):
        before = line.cuts
        line.cut_next("up", chance.randrange(5000, 60000), hard=i % 2 == 1, times=3)
        town.persons += Town(net, AREA, 200, seed=100 + i).persons  # one register, one row of changes
        checks.check("a body of changes was cut", until(lambda: line.cuts > before, 10), line.cuts)
        line.heal()
        town.check_settled(checks, "after a cut in a body of changes")


def slow(checks, line, town):
    line.rate = 100  # a handshake would take half a minute: it is given up
    line.break_all()
    town.rename(2)
    s = until(lambda: (town.status() or {}).get("trouble"), 20)
    checks.check("the register says that it does not reach its CS", s, town.status())
    line.heal()
    line.rate = 20000
    town.rename(4)
    town.check_settled(checks, "a slow line is only slow")
    line.heal()


def half_open(checks, line, town):
    """One end speaks and hears nothing, in either direction."""
    for way in ("up", "down"):
        line.swallow = way
        town.rename(3)
        time.sleep(GIVEN_UP if LONG else 0.3)
        c = town.status()["changes"]
        checks.check(f"a line that swallows what goes {way}: nothing has an outcome", c["queued"] - c["applied"] == 3, c)
        line.swallow = None
        if not LONG:
            line.break_all(hard=True)
        town.rename(2)
        town.check_settled(checks, f"what a half-open line swallowed {way} comes again", GIVEN_UP)


def vanished(checks, line, town):
    """Gone without a FIN; the one that hears of it begins anew while the other still holds the old connection."""
    for told in ("up", "down", "none") if LONG else ("up",):
        town.rename(3)
        checks.check("connections vanish", line.vanish(None if told == "none" else told) > 0)
        town.rename(3)
        town.check_settled(checks, f"connections vanished, told {told}", GIVEN_UP)
    line.break_all()


def in_order(checks, net):
    """Every name change of a person once, and in the order in which it was made."""
    for node in ("agency", "prefecture.28", CS):
        said = net.sql(node, "SELECT code || ' ' || name FROM store_version ORDER BY id")
        turns = {}
        for code, turn in re.findall(r"^(\d+) 第(\d+)", said, re.MULTILINE):
            turns.setdefault(code, []).append(int(turn))
        wrong = [t for t in turns.values() if t != sorted(set(t))]
        checks.check(f"{node}: each person's changes are in order", turns and not wrong, wrong)


def main():
    checks = Checks()
    seed = int(os.environ.get("JUKI_SEED", time.time()))
    print(f"seed {seed} (JUKI_SEED)")
    chance = random.Random(seed)
    with Network(AREA) as net:
        line = put_before(net, CS, "door")
        net.up()
        town = Town(net, AREA, 8)  # few, so that each changes often
        town.check_settled(checks, "the beginning")
        before = held(net, (CS, REGISTER))
        cuts(checks, line, town, chance)
        cut_bodies(checks, net, line, town, chance)
        slow(checks, line, town)
        half_open(checks, line, town)
        vanished(checks, line, town)
        town.rename()
        town.check_settled(checks, "a good line again")
        check_given_back(checks, net, before)
        in_order(checks, net)
        check_end(checks, net, [town])
        line.close()
    checks.end()


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad lines between real servers, a proxy in front of one prefecture and in front of the agency.

Connections are cut at a grid of byte positions in both directions (in the handshake, in HELLO, in the middle of frames,
behind a batch and before its receipt), slowed to some bytes a second, half open, stalled; recorded bytes come again and
strangers hold connections. Meanwhile another prefecture works on, and afterwards everything has arrived once and in order, and
the servers have given back their threads and descriptors.
"""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from line import check_given_back, held, put_before  # noqa: E402
from network import Checks, Network, until  # noqa: E402
from traffic import Town, check_end, servers  # noqa: E402

BAD, GOOD = "282049", "131016"
LONG = "--long" in sys.argv


def cuts(checks, net, line, town):
    """Handshake, HELLO, batch and receipt lie one after another; a change is under way at each cut."""
    step, missed = (20, []) if LONG else (240, [])
    for way, most in (("up", 3700), ("down", 1530)):
        for at in range(1, most, step):
            before = line.cuts
            line.cut_next(way, at, hard=at // step % 2 == 1)
            town.rename(4)
            if not until(lambda: line.cuts > before, 1.5):
                missed.append((way, at))
            line.heal()
            town.settled(30)  # and the dialler does not wait longer and longer
        town.check_settled(checks, f"after cuts at each position, {way}")
    checks.check("most positions were reached", len(missed) < 3, missed)


def others_go_on(checks, bad, good, what):
    """The bad line keeps its own changes, and nobody else's."""
    good.rename(3)
    good.check_settled(checks, f"{what}: another prefecture works on", 30)
    upper = bad.net.peer(f"cs.{BAD}", "prefecture.28")
    checks.check(f"{what}: what is behind it waits for a receipt", upper.get("waiting"), upper)


def slow(checks, line, town, good):
    line.rate = 100  # a handshake would take a minute: it is given up after five seconds
    line.break_all()
    town.rename(2)
    others_go_on(checks, town, good, "a line of bytes a second")
    line.heal()
    line.rate = 20000
    town.rename(4)
    town.check_settled(checks, "a slow line is only slow")
    line.heal()


def half_open(checks, line, town, good):
    for way in ("up", "down"):
        line.swallow = way
        town.rename(2)
        others_go_on(checks, town, good, f"a line that swallows what goes {way}")
        time.sleep(65 if LONG else 0)  # --long: the dialler gives the answer up by itself
        line.swallow = None
        if not LONG:
            line.break_all(hard=True)
        town.check_settled(checks, f"what a half-open line swallowed {way} comes again", 120)


def stalled(checks, line, town, good):
    line.flowing.clear()
    town.rename(2)
    others_go_on(checks, town, good, "a line that stands still")
    line.flowing.set()
    town.check_settled(checks, "a line that stood still goes on")


def strangers(checks, net, line, town):
    with line.lock:
        recorded = [r for r in line.records if len(r) > 2000] + [c.record for c in line.connections]
    checks.check("conversations were recorded", recorded)
    before = net.ask("prefecture.28", do="status")["peers"]
    for record in recorded[:3]:
        line.replay(record)
    after = net.ask("prefecture.28", do="status")["peers"]
    checks.check("recorded bytes say nothing when they come again",
                 [(p["node"], p["received"]) for p in before] == [(p["node"], p["received"]) for p in after], after)
    idle = line.hold(80)  # more than there are places for strangers
    line.break_all()
    town.rename(3)
    town.check_settled(checks, "eighty strangers who say nothing do not keep a neighbour out", 60)
    for s in idle:
        s.close()


def main():
    checks = Checks()
    with Network(BAD, GOOD) as net:
        line, upper = put_before(net, "prefecture.28"), put_before(net, "agency")
        net.up()
        town, good = Town(net, BAD, 30), Town(net, GOOD, 30, seed=2)
        for t in (town, good):
            t.check_settled(checks, "the beginning")
        before = held(net, servers(net))
        cuts(checks, net, line, town)
        slow(checks, line, town, good)
        half_open(checks, line, town, good)
        stalled(checks, line, town, good)
        strangers(checks, net, line, town)
        upper.cut_next("up", 2500, hard=True, times=4)  # every neighbour of the agency once
        for t in (town, good):
            t.rename()
            t.check_settled(checks, "after cuts before the agency")
        check_given_back(checks, net, before)
        check_end(checks, net, [town, good])
        line.close()
        upper.close()
    checks.end()


main()

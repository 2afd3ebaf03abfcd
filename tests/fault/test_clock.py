#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clocks that are wrong, and time that passes.

Each server's clock in turn jumps two days back and forty days ahead while changes go on: nothing is lost, doubled or
refused, and heads are signed all the same. The agency is away for seven days while municipalities of two prefectures work on
every day, people without a number among them, and catches up in order. What was sent months ago is sent again and changes nothing. A certificate that has ended by one server's
clock is refused with the reason, and the work goes on when the clock is right.
"""
import os
import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import Checks, Network, until  # noqa: E402
from traffic import Town, check_end, servers  # noqa: E402

AREA, OTHER = "282049", "131016"
DAY = 86400
OLD = -60 * DAY  # the network was made two months ago: no certificate is too young for a clock that is late
CS, PREFECTURE, REGISTER = f"cs.{AREA}", "prefecture.28", f"register.{AREA}"
LONG = "--long" in sys.argv


def shift(net, days, *nodes):
    for node in nodes:
        answer = net.ask(node, do="clock_shift", seconds=int(days * DAY))
        if not answer or not answer["ok"]:
            raise AssertionError(f"{node}: {answer}")


def jumps(checks, net, town):
    for node in ["agency", PREFECTURE, CS, REGISTER]:
        for days in (-2, 40, 0):
            town.rename()
            shift(net, days, node)
            for _ in range(5 if LONG else 1):
                town.rename()
            town.check_settled(checks, f"{node} at {days} days")
            if node != REGISTER:
                signed = net.ask(node, do="sign_head")
                age = net.ask(node, do="status")["log"]["head_age_seconds"]
                checks.check(f"{node} at {days} days: its head is signed", signed["ok"] and 0 <= age < 60, (signed, age))
    troubled = [(n, p["node"], p.get("trouble")) for n in servers(net) for p in net.ask(n, do="status")["peers"]
                if p.get("trouble")]
    checks.check("no neighbour has trouble with another's clock", not troubled, troubled)


def works_on(town, newcomers):
    """One day of a municipality: names change, also of those whose number the agency has yet to give, and somebody comes."""
    town.rename(6)
    if newcomers:
        town.rename(len(newcomers), newcomers)
    newcomers += town.enter(1, seed=1000 + len(newcomers))


def away(checks, net, towns):
    """Counted in what waits: 6 notices a day at each prefecture, and at each CS a request for a number, behind which stand a
    birth and its changes."""
    newcomers = {town: [] for town in towns}
    everybody = [*(n for n in servers(net) if n != "agency"), *(town.register for town in towns)]
    net.down("agency")
    for day in range(1, 8):
        shift(net, day, *everybody)
        for town in towns:
            works_on(town, newcomers[town])
            upper = f"prefecture.{town.area[:2]}"
            until(lambda: net.peer(upper, "agency").get("waiting", 0) >= 6 * day)
    for town in towns:
        upper = f"prefecture.{town.area[:2]}"
        waits = net.peer(upper, "agency")
        checks.check(f"after seven days {upper} holds all of them", waits.get("waiting") == 6 * 7, waits)
        checks.check("and says for how long, and why", waits.get("oldest_waiting_seconds", 0) > 5 * DAY and waits.get("trouble"),
                     waits)
        asks = until(lambda: (p := net.peer(f"cs.{town.area}", "agency")).get("waiting", 0) >= 7 and p)
        checks.check(f"and cs.{town.area} asks for seven numbers", asks, net.peer(f"cs.{town.area}", "agency"))
        c = town.status()["changes"]
        checks.check("the register knows that they are on their way",
                     c["queued"] - c["applied"] == 6 * 7 + sum(range(1, 8)) and not c["refused"], c)
    os.environ["JUKI_CLOCK_SHIFT"] = str(7 * DAY)
    net.up("agency")
    os.environ["JUKI_CLOCK_SHIFT"] = "0"
    for town in towns:
        town.check_settled(checks, f"the agency catches up with {town.area}")
    net.check_equal(checks, "in order: every level has the same last names")


def came_again(net, node, to, ranges):
    """Does the log of `to` say that every notice of the ranges came again from the node, as often as it was asked for?"""
    shown = net.juki("log", "show", str(net.dir), to, "--last", "1000")
    said = [(int(a), int(b)) for a, b in re.findall(rf"resend received {re.escape(node)} (\d+) (\d+)$", shown, re.M)]
    return all(sum(a <= n <= b for a, b in said) >= sum(a <= n <= b for a, b in ranges)
               for n in range(1, ranges[0][1] + 1))


def months_later(checks, net, town):
    everybody = [*servers(net), REGISTER]
    shift(net, 150, *everybody)
    before = [net.ask(n, do="census")["areas"] for n in servers(net)]
    for node, to in ((CS, PREFECTURE), (PREFECTURE, "agency"), ("agency", PREFECTURE), (PREFECTURE, CS)):
        sent = net.peer(node, to)["sent"]
        ranges = ((1, sent), (1, 1), (max(sent - 3, 1), sent))
        for first, last in ranges:
            r = net.ask(node, do="resend", peer=to, first=first, last=last)
            checks.check(f"{node} sends {first} to {last} again to {to}", r["ok"], r)
        came = until(lambda: came_again(net, node, to, ranges))
        checks.check(f"{to} logs that all of {ranges} came again from {node}", came, net.peer(node, to))
    town.rename()
    town.check_settled(checks, "work goes on behind what was sent again")
    after = [net.ask(n, do="census")["areas"] for n in servers(net)]
    same = [sum(a["versions"] for a in x) + 5 == sum(a["versions"] for a in y) for x, y in zip(before, after)]  # those five
    checks.check("what was sent again months later changed nothing", all(same), (before, after))
    shift(net, 0, *everybody)


def ended(checks, net, town):
    """A certificate for 30 days from now, and a server whose clock is 40 days ahead or two days late."""
    net.juki("network", "renew", str(net.dir), CS, "--days", "30")
    town.rename()
    town.check_settled(checks, "with the renewed certificate")
    for days, why in ((40, "40 days ahead"), (-2, "two days late")):
        net.down(PREFECTURE)
        os.environ["JUKI_CLOCK_SHIFT"] = str(days * DAY)
        net.up(PREFECTURE)
        os.environ["JUKI_CLOCK_SHIFT"] = "0"
        before = len(net.log(PREFECTURE))
        town.rename()
        told = until(lambda: net.peer(CS, PREFECTURE).get("trouble", ""))
        checks.check(f"who speaks to a server {why} is told that it was turned away", told, told)
        minutes = iter(range(2, 1000, 2))  # refusals are written when their minute is over

        def written():
            shift(net, days + next(minutes) * 60 / DAY, PREFECTURE)
            time.sleep(0.3)
            return "connections_refused" in net.log(PREFECTURE)[before:]
        said = until(written)
        checks.check(f"the server {why} logs that the certificate does not hold by its clock",
                     said and "last=CERTIFICATE" in net.log(PREFECTURE)[before:], net.log(PREFECTURE)[before:])
        shift(net, 0, PREFECTURE)
        town.check_settled(checks, f"the clock that was {why} is right again")


def main():
    checks = Checks()
    os.environ["JUKI_CLOCK_SHIFT"] = str(OLD)
    with Network(AREA) as net:
        os.environ["JUKI_CLOCK_SHIFT"] = "0"
        net.up()
        town = Town(net, AREA, 40)
        town.check_settled(checks, "the beginning")
        jumps(checks, net, town)
        months_later(checks, net, town)
        ended(checks, net, town)
        check_end(checks, net, [town])
    with Network(AREA, OTHER) as net:
        net.up()
        towns = [Town(net, AREA, 30), Town(net, OTHER, 30, seed=2)]
        for town in towns:
            town.check_settled(checks, "the beginning")
        away(checks, net, towns)
        check_end(checks, net, towns)
    del os.environ["JUKI_CLOCK_SHIFT"]
    with Network(AREA) as net:
        net.up("agency")
        refused = net.ask("agency", do="clock_shift", seconds=DAY)
        checks.check("nobody moves the clock of a server that is not under test", not refused["ok"], refused)
    checks.end()


main()

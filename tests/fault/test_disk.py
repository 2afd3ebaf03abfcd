#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that fills: a communication server, a register, then the servers above, whose databases lie on small filesystems of
their own.

While it fills, 30 % and 10 % are said once each; below the configured share new work is refused with DISK_LOW, and what is
on its way goes on. When it is full to the last byte each change is refused with DB_FULL, in the language of whoever asked, and
the status says why. With room again all goes on without help, nobody is started again, nothing is lost, nothing doubled.

--long also fills the server's log of changes, until nothing can be copied from it into the database file."""
import os
import pathlib
import re
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from disk import Disk, need_own_mounts  # noqa: E402
from network import Checks, Network, until  # noqa: E402
from traffic import Town, check_end  # noqa: E402

AREA = "282049"
CS, PREFECTURE, REGISTER = f"cs.{AREA}", "prefecture.28", f"register.{AREA}"
SIZE = 48  # MiB; the log of changes takes 8 from the start
LONG = "--long" in sys.argv
ENGLISH, JAPANESE = "no space is left for the database", "データベースの空き容量がありません"
LOW, LOW_JA = "too little of the disk is free", "ディスクの空きが規定の割合を下回ったため"


def watch_disk(net, node, percent):
    net.configure(node, r"least_percent: \d+", f"least_percent: {percent}")


def said(net, event):
    return len(re.findall(event, net.log(CS)))


def pool_level(net):
    s = net.ask(CS, do="status")
    return next((p["level"] for p in s["pools"] if p["pool"] == "disk"), None) if s and s["ok"] else None


def waiting(net):
    """What the CS could not pass on yet."""
    return net.peer(CS, PREFECTURE).get("waiting")


def it_fills(checks, net, town, disk):
    checks.check("at first the disk is wide", until(lambda: pool_level(net) == 0), disk.free())
    disk.leave(25)
    checks.check("30 % is said", until(lambda: pool_level(net) == 1), disk.free())
    shown = net.run("status", str(net.dir)).stdout
    checks.check("juki status shows it", re.search(r"! disk: \d+ % left", shown), shown)
    town.rename(2)
    town.check_settled(checks, "with a quarter of the disk")
    net.down(PREFECTURE)
    town.rename(3)
    checks.check("the server takes what it cannot pass on yet", until(lambda: waiting(net) == 3))
    disk.leave(8)
    checks.check("10 % is said", until(lambda: pool_level(net) == 2), disk.free())
    checks.check("new work is refused from now on", until(lambda: said(net, "event=disk_low") == 1))
    shown = net.run("status", str(net.dir), CS).stdout
    checks.check("and juki status says so", "no new work is taken" in shown, shown)
    town.rename(4)
    checks.check("the register hears why", until(lambda: said(net, "door_refused error=DISK_LOW")), net.log(CS)[-600:])
    net.up(PREFECTURE)
    checks.check("what was taken leaves, and its receipts are kept", until(lambda: waiting(net) == 0))
    s = town.status()["changes"]
    checks.check("nothing of the new work was taken", s["queued"] - s["applied"] >= 4, s)
    checks.check("each level was said once", said(net, "event=pool_low pool=disk") == 2, net.log(CS)[-600:])
    disk.clear()
    town.check_settled(checks, "with room again")


def without_room(net, node, disk):
    """To the last byte, with none in reserve: the next commit finds no room. Made while the server stands still."""
    os.kill(net.pid(node), signal.SIGSTOP)
    try:
        disk.forget_room(net.dir / node / "data" / "juki.db-wal")
    finally:
        os.kill(net.pid(node), signal.SIGCONT)


def it_is_full(checks, net, town, disk):
    """The share is not watched here: only the disk itself says no."""
    net.down(CS)
    watch_disk(net, CS, 0)
    net.up(CS)
    pid = net.pid(CS)
    without_room(net, CS, disk)
    told = until(lambda: (a := net.ask(CS, do="status")) and not a["ok"] and a)
    checks.check("a full server does not say that it is ready", told and not told["ok"] and told["name"] == "DB_FULL", told)
    shown = net.run("status", str(net.dir))
    checks.check("juki status says why", f"not ready: {ENGLISH}" in shown.stdout, shown.stdout)
    before = town.status()["changes"]["applied"]
    town.rename(3)
    checks.check("the register hears why", until(lambda: "DB_FULL" in town.status().get("trouble", "") or
                                                 ENGLISH in town.status().get("trouble", "")), town.status())
    more = Town(net, AREA, 1500, seed=2) if LONG else None
    checks.check("nothing is taken", town.status()["changes"]["applied"] == before, town.status())
    disk.clear()
    if more:
        town.persons += more.persons
        fill_its_log(checks, net, town, disk)
    town.check_settled(checks, "after the full disk", 120)
    checks.check("the server lived through it", net.alive(pid) and net.pid(CS) == pid, net.log(CS)[-600:])


def fill_its_log(checks, net, town, disk):
    """Persons come until the log of changes finds no room to grow, and meanwhile none of it can be copied back."""
    disk.leave(0)
    for seed in range(3, 12):
        town.persons += Town(net, AREA, 1500, seed=seed).persons
        if until(lambda: (a := net.ask(CS, do="status")) and not a["ok"], 5):
            break
    told = net.ask(CS, do="status")
    checks.check("a log that cannot grow is a full disk", not told["ok"] and told["name"] == "DB_FULL", told)
    disk.clear()


def above_is_full(checks, net, town, node, below, disk):
    """Whoever sends to it keeps what it cannot take."""
    pid = net.pid(node)
    without_room(net, node, disk)
    town.rename(3)
    waits = until(lambda: (p := net.peer(below, node)).get("waiting", 0) == 3 and p.get("trouble") and p)
    checks.check(f"{below} keeps what {node} has no room for", waits, net.peer(below, node))
    told = until(lambda: (a := net.ask(node, do="status")) and not a["ok"] and a)
    checks.check(f"{node} does not say that it is ready", told and told["name"] == "DB_FULL", (told, net.log(node)[-600:]))
    disk.clear()
    town.check_settled(checks, f"after the full disk of {node}")
    checks.check(f"{node} lived through it", net.alive(pid) and net.pid(node) == pid, net.log(node)[-600:])


def apply(net, town, language):
    """One change of name at the register, as a person gives it."""
    path = town.write(1)
    r = net.run("register", "apply", str(net.dir), AREA, str(path), env={"LANG": language, "LC_ALL": language})
    town.changes += r.returncode == 0
    return r


def refused(checks, net, town, what, texts):
    for language, text in zip(("C.UTF-8", "ja_JP.UTF-8"), texts):
        r = apply(net, town, language)
        checks.check(f"{what}: a change is refused, and why ({language})", r.returncode == 1 and text in r.stderr,
                     r.stdout + r.stderr)


def register_fills(checks, net, town, disk):
    """Below the share new changes are refused."""
    watch_disk(net, REGISTER, 10)
    net.down(REGISTER)
    net.up(REGISTER)
    disk.leave(8)
    refused(checks, net, town, "little room", (LOW, LOW_JA))
    shown = net.run("status", str(net.dir), REGISTER).stdout
    checks.check("juki status shows the register's disk", re.search(r"! disk: \d+ % left", shown), shown)
    disk.clear()
    checks.check("with room again it takes changes", apply(net, town, "C.UTF-8").returncode == 0)
    net.down(REGISTER)
    watch_disk(net, REGISTER, 0)
    net.up(REGISTER)


def register_is_full(checks, net, town, disk):
    """What was acknowledged before stays, and what the CS says of it meanwhile is heard afterwards."""
    pid = net.pid(REGISTER)
    net.down(CS)
    acknowledged = apply(net, town, "C.UTF-8")
    checks.check("the last change that there is room for is taken", acknowledged.returncode == 0, acknowledged.stderr)
    without_room(net, REGISTER, disk)
    refused(checks, net, town, "no room", (ENGLISH, JAPANESE))
    told = until(lambda: not (a := town.status())["ready"] and a)
    checks.check("its status says so", told and told["ok"] and ENGLISH in told["trouble"] and
                 JAPANESE in told["trouble_ja"], told or town.status())
    shown = net.run("status", str(net.dir), REGISTER, env={"LANG": "ja_JP.UTF-8", "LC_ALL": "ja_JP.UTF-8"}).stdout
    checks.check("juki status says so, in Japanese too", f"! {JAPANESE}" in shown, shown)
    net.up(CS)
    checks.check("what it had acknowledged goes up all the same", until(
        lambda: town.versions("agency") == (town.persons, town.persons + town.changes)), town.versions("agency"))
    disk.clear()
    checks.check("with room again it is ready", until(lambda: town.status()["ready"]), town.status())
    checks.check("and takes changes", apply(net, town, "C.UTF-8").returncode == 0)
    town.check_settled(checks, "after the register's full disk")
    checks.check("the register lived through it", net.alive(pid) and net.pid(REGISTER) == pid)


def main():
    need_own_mounts()
    checks = Checks()
    with Network(AREA) as net:
        disks = {}
        for node in (CS, REGISTER, PREFECTURE, "agency"):
            (net.dir / node / "data").mkdir(exist_ok=True)
            disks[node] = Disk(net.dir / node / "data", SIZE)
        try:
            watch_disk(net, CS, 10)
            net.up()
            town = Town(net, AREA, 20)
            town.check_settled(checks, "the beginning")
            it_fills(checks, net, town, disks[CS])
            it_is_full(checks, net, town, disks[CS])
            register_fills(checks, net, town, disks[REGISTER])
            register_is_full(checks, net, town, disks[REGISTER])
            above_is_full(checks, net, town, PREFECTURE, CS, disks[PREFECTURE])
            above_is_full(checks, net, town, "agency", PREFECTURE, disks["agency"])
            check_end(checks, net, [town])
        finally:
            net.run("down", str(net.dir), "--kill")
            for disk in disks.values():
                disk.release()
    checks.end()


main()

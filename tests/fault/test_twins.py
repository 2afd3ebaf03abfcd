#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Copies of servers that nobody restored: beside the original, which goes on in the same life, and in its place.

Each stops, is alarmed (a server also where it calls) and sends nothing; who is called by mistake where it answers sends it
nothing. One that has all the original has is level: its log forks with its first entry, and a register's is found out when
the original goes on. With --long more of them, and copies that were first, so that the original's head is refused or its
register stops.
Afterwards nothing is lost and nothing doubled. Twins from before a restore: test_restore.py.
"""
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from lives import AGENCY, AREA, CALLED, CS, NODES, PAIRS, PREFECTURE, REGISTER, Twin, copied, copies  # noqa: E402
from network import Checks, Network  # noqa: E402
from restoring import Restorable  # noqa: E402

LONG = "--long" in sys.argv
CALLER = {AGENCY: PREFECTURE, PREFECTURE: CS}  # who calls it when residents are loaded
LEVEL = PAIRS if LONG else ((CS, PREFECTURE),)
INSTEAD = NODES if LONG else [CS]  # in the others' place: test_restore.py


def again(folder, name):
    """A copy of the copy, which stays as it is."""
    return pathlib.Path(shutil.copytree(folder, folder.with_name(name)))


def is_found_out(w, node, twin):
    """The twin stops its stream, shows it, and its neighbour alarms."""
    upper = CALLED[node]
    w.alarms(twin, "stream_stopped", f"peer={upper}", "error=STREAM_FORK")
    w.alarms(upper, "peer_stopped", f"peer={node}", "error=STREAM_FORK")
    w.checks.check(f"the log of {upper} says so", f"peer stopped {node} STREAM_FORK" in
                   w.net.juki("log", "show", str(w.net.dir), upper, "-n", "40"))
    peers = {p["node"]: p for p in (twin.ask(do="status") or {}).get("peers", [])}
    w.checks.check(f"the status of the twin of {node} shows it", peers.get(upper, {}).get("stopped"), peers)


def is_an_old_register(w, twin):
    w.alarms(twin, "register_old")
    w.wait("its status shows it", lambda: "old copy" in (twin.ask(do="status") or {}).get("trouble", ""))


def beside(w, saved):
    """Each at other ports, all at once, while the originals go on."""
    twins = {node: Twin(node, again(folder, f"beside.{node}")) for node, folder in saved.items()}
    for node in NODES:
        is_found_out(w, node, twins[node])
    is_an_old_register(w, twins[REGISTER])
    w.load(2, drawn=1)
    w.counted("beside the twins")
    for twin in twins.values():
        twin.end()


def in_its_place(w, node, saved):
    """The original is stopped and its copy answers: it stops too, and who calls there keeps what there is to send."""
    net = w.net
    net.down(node)
    twin = Twin(node, saved, same_ports=True)
    w.alarms(twin, "stream_stopped", "error=STREAM_FORK")
    w.load(2, drawn=1)
    if node in CALLER:
        w.alarms(CALLER[node], "old_twin", f"peer={node}", "error=STREAM_FORK")
    twin.end()
    net.up(node)
    w.counted(f"{node} is back")


def head_kept(w, node, upper, size):
    w.wait(f"{upper} keeps the head with which {node} began", lambda: w.kept(upper, node) >= size)


def level(w):
    """Started beside originals that have told nothing since: the logs fork with the twins' first entries, and a register
    hears of a change that it never made."""
    net = w.net
    saved = copies(w, [node for node, _ in LEVEL] + [REGISTER], "level")
    for node, upper in LEVEL:
        head_kept(w, node, upper, net.ask(node, do="status")["log"]["entries"])
    twins = {node: Twin(node, again(folder, f"beside.level.{node}")) for node, folder in saved.items()}
    for node, upper in LEVEL:
        w.alarms(twins[node], "head_forked")
        w.alarms(upper, "refused", f"peer={node}", "error=FORK")
        forks = net.juki("log", "forks", str(net.dir), upper, "--notes")
        w.checks.check(f"{upper} keeps both heads of {node}", forks.count(f"juki/{node}\n") >= 2, forks)
        shown = net.juki("status", str(net.dir), upper)
        w.checks.check(f"juki status {upper} shows the fork", f"the log of {node} forked" in shown, shown)
    w.checks.check("the level register is quiet", "alarm" not in twins[REGISTER].said(), twins[REGISTER].said())
    w.load(2)
    is_an_old_register(w, twins[REGISTER])
    w.counted("beside the level twins")
    for twin in twins.values():
        twin.end()
    for node, upper in LEVEL:
        w.heads_shown(node, upper)


def fed(w):
    """Somebody works at the twin of the register: then it is the original that stops, and takes back what the twin did."""
    net, checks = w.net, w.checks
    twin = Twin(REGISTER, copies(w, [REGISTER], "fed")[REGISTER])
    path = net.residents(AREA, 2, seed=900, extra=("--with-codes",))
    w.wait("the twin runs", lambda: twin.ask(do="status"))
    answer = twin.ask(do="load", path=str(path))
    checks.check("the twin is fed", answer and answer.get("taken") == 2, answer)
    w.people += 2
    w.alarms(REGISTER, "register_old")
    shown = net.juki("status", str(net.dir), REGISTER)
    checks.check("juki status shows it", "old copy" in shown, shown)
    twin.end()
    net.down(REGISTER)
    net.juki("restore", "--raise-epoch", str(net.dir), REGISTER)
    net.up(REGISTER)
    w.wait("it takes back what the twin did", lambda: (net.ask(REGISTER, do="status") or {}).get("lacking") == 2)
    w.load(2)
    w.counted("taken back from the twin")


def first_in_its_place(w, node, upper):
    """The head of a level copy was kept, so the original's is refused. In a new life its heads go on; notices always did."""
    net, checks = w.net, w.checks
    net.down(node)
    twin = Twin(node, copied(w, node, "first"), same_ports=True)
    w.wait("the copy runs", lambda: twin.ask(do="status"))
    head_kept(w, node, upper, twin.ask(do="status")["log"]["entries"])
    twin.end()
    net.up(node)
    w.alarms(node, "head_forked")
    shown = net.juki("status", str(net.dir), node)
    checks.check(f"juki status {node} shows it", f"{upper} refuses the head of this log" in shown, shown)
    w.load(2)
    w.counted(f"{node}: its head is refused")
    net.down(node)
    epoch = w.new_life(node)
    w.wait(f"{node}: heads go on in the new life",
           lambda: int(w.query(upper, f"SELECT max(epoch) FROM ledger_kept WHERE node = '{node}'")) == epoch)
    w.load(2)
    w.heads_shown(node, upper)
    w.counted(f"{node}: in a new life")


def main():
    checks = Checks()
    with Network(AREA) as net:
        w = Restorable(net, checks)
        net.up()
        w.load(12, drawn=3)
        w.counted("at first")
        saved = copies(w, NODES + [REGISTER], "old")
        w.load(4, drawn=2)
        w.counted("gone on")
        beside(w, saved)
        for node in INSTEAD:
            in_its_place(w, node, saved[node])
        level(w)
        if LONG:
            fed(w)
            for node, upper in PAIRS:
                first_in_its_place(w, node, upper)
        net.down()
        net.check_logs(checks)
    checks.end()


main()

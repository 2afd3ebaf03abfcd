#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A register is destroyed and restored from an hour ago, and takes back from its CS what that has taken since.

Killed at every point of it, it ends level with its CS: every level has everybody and every change once, `juki compare`
says equal, loads go on. What the CS does not know is listed; the same files given again fill it in and double nothing.
"""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from lives import AREA, CS, REGISTER  # noqa: E402
from network import Checks, Network  # noqa: E402
from restoring import Restorable, destroy  # noqa: E402

PAGE = 1000  # changes that the door gives at once


def status(w):
    return w.net.ask(REGISTER, do="status") or {}


def level(w):
    """Nothing is left to be taken back."""
    answer = status(w)
    return answer.get("ok") and "taking_back" not in answer


def complete_backup(w):
    """A backup that lacks nothing: the register asks its CS, and goes on."""
    net, checks = w.net, w.checks
    path = w.backup(REGISTER, "register.now")
    destroy(net, REGISTER)
    r = w.restore(REGISTER, path)
    checks.check("the register is restored", r.returncode == 0, r.stdout + r.stderr)
    net.up(REGISTER)
    w.wait("it finds that nothing is missing", lambda: level(w))
    checks.check("and lacks nothing", status(w).get("lacking") == 0, status(w))
    w.load(3, drawn=2)
    w.counted("register restored")


def copied_by_hand(w, path):
    """An old copy that nobody restored sends nothing, and is brought in by one command."""
    net, checks = w.net, w.checks
    net.down(REGISTER)
    aside = net.dir / REGISTER / "aside"
    (net.dir / REGISTER / "data").rename(aside)
    r = w.restore(REGISTER, path)
    checks.check("a copy for the hand", r.returncode == 0, r.stderr)
    net.sql(REGISTER, "UPDATE register_mark SET value = 0 WHERE id = 7")
    net.up(REGISTER)
    w.wait("an old copy alarms", lambda: " alarm event=register_old" in w.net.log(REGISTER))
    before = net.ask(CS, do="status")
    w.wait("it says so", lambda: "old copy" in status(w).get("trouble", ""))
    checks.check("and sends nothing", net.ask(CS, do="status")["notices"] == before["notices"], before["notices"])
    w.no_new_life_yet(REGISTER)
    net.down(REGISTER)
    net.juki("restore", "--raise-epoch", str(net.dir), REGISTER)


def kills_while_taking_back(w):
    """Each time it goes on behind what is on disk."""
    net, checks = w.net, w.checks
    left = None
    for point in ("before_commit:1", "after_commit:1", "before_commit:2", "page_taken_back:1", "before_commit:3"):
        net.run("up", str(net.dir), REGISTER, env={"JUKI_KILL_AT": point})
        w.wait(f"{point}: killed", lambda: not net.ask(REGISTER, do="status"))
        net.run("down", str(net.dir), REGISTER)
        now = int(net.sql(REGISTER, "SELECT (SELECT value FROM register_mark WHERE id = 7) - "
                                    "(SELECT value FROM register_mark WHERE id = 2)"))
        checks.check(f"{point}: nothing comes twice", left is None or left < 0 or now <= left, (left, now))
        left = now


def restored_from_an_hour_ago(w, old, by_hand=False):
    net, checks = w.net, w.checks
    changes = status(w)["changes"]["queued"]
    if by_hand:
        copied_by_hand(w, old)
    else:
        destroy(net, REGISTER)
        r = w.restore(REGISTER, old)
        checks.check("restored from an hour ago", r.returncode == 0 and "register_old" in r.stdout, r.stdout + r.stderr)
    kills_while_taking_back(w)
    net.up(REGISTER)
    w.wait("all is taken back", lambda: level(w), 120)
    checks.check("it alarmed", " alarm event=register_old" in w.net.log(REGISTER))
    answer = status(w)
    checks.check("every number is back", answer["changes"]["queued"] == answer["changes"]["taken"] == changes,
                 (answer["changes"], changes))
    w.counted("taken back")
    shown = net.juki("status", str(net.dir), REGISTER)
    checks.check("juki status says what lacks", f"{answer['lacking']} changes taken back lack" in shown, shown)
    listed = net.juki("register", "lacking", str(net.dir), AREA)
    checks.check("and a list names each", listed.count(" are as before it\n") + listed.count(" are not known\n") ==
                 answer["lacking"] > PAGE, listed[-600:])
    japanese = net.run("register", "lacking", str(net.dir), AREA, env={"LC_ALL": "ja_JP.UTF-8"}).stdout
    checks.check("in Japanese too", "バックアップにない住民票" in japanese, japanese[-600:])
    w.load(3, drawn=2)
    w.counted("loads go on")


def given_again(w):
    """The feeder begins anew with all of its files: what is there is known, and what lacked is filled in."""
    changes = status(w)["changes"]["queued"]
    for verb, path in w.given:
        answer = w.net.ask(REGISTER, do=verb, path=str(path)) or {}
        w.checks.check(f"{path.name}: nothing is queued", answer.get("ok") and not answer["last_change"], answer)
    answer = status(w)
    w.checks.check("no change was made", answer["changes"]["queued"] == changes, (answer["changes"], changes))
    w.checks.check("nothing lacks", answer["lacking"] == 0, w.net.juki("register", "lacking", str(w.net.dir), AREA)[-600:])
    left = w.query(REGISTER, "SELECT COUNT(*) FROM register_person p JOIN register_resident r ON r.id = p.latest "
                             "WHERE r.relationship = '（未復元）' OR r.household LIKE 'restored-%' OR r.record LIKE 'restored-%'")
    w.checks.check("every record is whole", left.strip() == "0", left)
    w.counted("given again")


def main():
    checks = Checks()
    os.environ["JUKI_CLOCK_SHIFT"] = "0"
    with Network(AREA) as net:
        w = Restorable(net, checks)
        net.up()
        w.load(30, drawn=6)
        w.counted("at first")
        complete_backup(w)
        old = w.backup(REGISTER, "register.hour", "--rate", "8")
        w.an_hour_passes()
        w.move(4, of=0)
        w.load(PAGE + 60)
        w.move(20)
        w.load_file(8)
        w.counted("an hour later")
        restored_from_an_hour_ago(w, old)
        given_again(w)
        restored_from_an_hour_ago(w, old, by_hand=True)
        net.down()
        net.check_logs(checks)
    checks.end()


main()

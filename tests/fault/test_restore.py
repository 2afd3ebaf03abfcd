#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Backups made while changes go on; each kind of server destroyed and restored from an hour ago; its old twin.

Nothing may be lost and nothing doubled (every level has exactly one version a change, compare says equal, the logs prove
themselves), the fork of a restored server's log is alarmed and recorded at both ends, an old copy of a server that is
started again is refused and does no harm, and whatever is wrong with a backup is refused before anything is touched.
"""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from lives import AGENCY, AREA, CALLED, CS, NODES, PAIRS, PREFECTURE, REGISTER, Twin, copies, twins_beside  # noqa: E402
from network import Checks, Network  # noqa: E402
from restoring import Restorable, destroy  # noqa: E402
from traffic import rows_of  # noqa: E402

CALLERS = {AGENCY: [PREFECTURE], PREFECTURE: [CS]}  # who has something to say where a twin answers


def backups_while_changes_run(w):
    """Each server is copied in the midst of a load: what a copy holds is one state that was committed."""
    loads = threading.Thread(target=lambda: [w.load(40) for _ in range(4)])
    loads.start()
    made = {node: w.backup(node, f"{node}.hour", "--rate", "8") for node in NODES + [REGISTER]}
    loads.join()
    for node, path in made.items():
        r = w.net.run("backup", "check", str(path), "--key", str(w.key), "--json")
        w.checks.check(f"{node}: the backup is proved", r.returncode == 0 and f'"node":"{node}"' in r.stdout,
                       r.stdout + r.stderr)
        says_of_its_log(w, node, json.loads(r.stdout))
    return made


def says_of_its_log(w, node, backup):
    """The server's life, and the newest head of its log, which counts no more than the copy holds."""
    if node == REGISTER:
        w.checks.check("a register's backup tells of no log", (backup["epoch"], backup["entries"], backup["head"]) == (0, 0, ""),
                       backup)
        return
    now = w.net.ask(node, do="status")
    origin, size, *_ = backup["head"].splitlines() or ["", "0"]
    w.checks.check(f"{node}: epoch and head of its log are in the backup",
                   backup["epoch"] == now["epoch"] and origin == f"juki/{node}" and
                   0 < int(size) <= backup["entries"] <= now["log"]["entries"], (backup, now["log"]))


def names_nobody(w, made):
    """What stands in every database stands in no backup of it."""
    names = [row["name"].encode() for row in rows_of(w.given[0][1])]
    for node, path in made.items():
        held = b"".join(p.read_bytes() for p in (w.net.dir / node / "data").iterdir() if p.name.startswith("juki.db"))
        sealed = path.read_bytes()
        w.checks.check(f"{node}: the database names people", sum(name in held for name in names) > len(names) // 2)
        w.checks.check(f"{node}: its backup names nobody", not any(name in sealed for name in names) and
                       b"SQLite format" in held and b"SQLite format" not in sealed)


def restored_from_an_hour_ago(w, node, path, upper):
    net, checks = w.net, w.checks
    if upper:  # it may itself have been restored just now: until it is shown a head again, nothing forks there
        w.heads_shown(node, upper)
    destroy(net, node)
    r = w.restore(node, path)
    checks.check(f"{node}: restored", r.returncode == 0 and "epoch" in r.stdout, r.stdout + r.stderr)
    database = net.dir / node / "data" / "juki.db"
    sound = subprocess.run(["sqlite3", "-readonly", str(database), "PRAGMA integrity_check"], capture_output=True, text=True)
    checks.check(f"{node}: the restored database is sound", sound.stdout.strip() == "ok", sound.stdout + sound.stderr)
    net.up(node)
    w.load(8, drawn=4)
    w.counted(f"{node} restored")
    if upper:
        w.fork_is_told(node, upper)


def old_twin_instead(w, node, saved):
    """In the place of the new server: refused and alarmed, and whoever calls there keeps what there is to send."""
    net = w.net
    net.down(node)
    twin = Twin(node, saved, same_ports=True)
    w.alarms(twin, "stream_stopped", f"peer={CALLED[node]}", "error=EPOCH_OLD")
    w.load(2, drawn=1)
    for caller in CALLERS.get(node, ()):
        w.alarms(caller, "old_twin", f"peer={node}", "error=EPOCH_OLD")
    twin.end()
    net.up(node)
    w.counted(f"{node}: after the twin")


def fingerprint(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted((folder / "data").iterdir())
            if not p.name.endswith(("-lock", "-shm"))}


def refusals(w, node, path):
    """What is wrong with a backup is said, and nothing is touched."""
    net, checks = w.net, w.checks
    other_key = net.folder / "other"
    net.juki("backup", "key", str(other_key))
    r = w.restore(node, path)
    checks.check("a running server is not restored over", r.returncode == 1 and "stop it first" in r.stderr, r.stderr)
    net.down(node)
    before = fingerprint(net.dir / node)
    data = path.read_bytes()
    cut, flipped, header = (net.folder / name for name in ("cut", "flipped", "header"))
    cut.write_bytes(data[:-1000])
    flipped.write_bytes(data[:len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1:])
    header.write_bytes(data.replace(b'"epoch":', b'"epocH":', 1))
    cases = [("another key", path, other_key, "another key"), ("a cut file", cut, None, "changed, cut"),
             ("a flipped byte", flipped, None, "changed, cut"), ("a changed header", header, None, "changed, cut"),
             ("another server's", net.folder / f"{AGENCY}.hour", None, "of another server"),
             ("no backup at all", net.dir / "network.json", None, "not a file that juki backup made"),
             ("no such file", net.folder / "none", None, "no such thing")]
    for what, file, key, said in cases:
        r = w.restore(node, file, key)
        checks.check(f"{what} is refused", r.returncode == 1 and said in r.stderr, (r.returncode, r.stderr))
        checks.check(f"{what}: nothing was touched", fingerprint(net.dir / node) == before, what)
    newer_database(w, node)
    japanese = net.run("restore", str(net.dir), node, str(cut), "--key", str(w.key), env={"LC_ALL": "ja_JP.UTF-8"})
    checks.check("in Japanese too", "改変" in japanese.stderr, japanese.stderr)
    net.up(node)


def newer_database(w, node):
    """A newer release had the database open: this one does not start on it, makes no backup of it, and leaves it alone."""
    net, checks, path = w.net, w.checks, w.net.dir / node / "data" / "juki.db"

    def change(statement):
        subprocess.run(["sqlite3", str(path), statement], check=True, capture_output=True, timeout=30)
    change("INSERT INTO db_schema SELECT module, MAX(number) + 1, 'newer', 1 FROM db_schema WHERE module = 'link'")
    before, said = hashlib.sha256(path.read_bytes()).hexdigest(), len(w.net.log(node))
    r = net.run("up", str(net.dir), node)
    checks.check("no server starts on a newer release's database", r.returncode == 3 and "DB_NEWER" in w.net.log(node)[said:],
                 (r.returncode, w.net.log(node)[said:]))
    r = net.run("backup", "make", str(net.dir), node, str(net.folder / "newer"), "--key", str(w.key))
    checks.check("nor is it backed up", r.returncode == 3 and "newer program" in r.stderr, (r.returncode, r.stderr))
    checks.check("it stays as it was", hashlib.sha256(path.read_bytes()).hexdigest() == before)
    change("DELETE FROM db_schema WHERE name = 'newer'")


def noted(net, node, what):
    """Is it among the newest entries of the node's log?"""
    return what in net.juki("log", "show", str(net.dir), node, "-n", "6")


def stopped_in_a_backup(w, node):
    """A server that is stopped ends the hold at once, and says that the backup counts for nothing."""
    net, checks = w.net, w.checks
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(str(net.socket(node)))
        s.sendall(b'{"do":"backup"}\n')
        lines = s.makefile()
        checks.check("the file is held", "progress" in lines.readline())
        net.down(node)
        said = json.loads(lines.readline() or "{}")
    checks.check("a stopped server breaks the backup off", said.get("name") == "STOPPING", said)
    net.up(node)
    w.wait("and notes it", lambda: noted(net, node, "backup broken off"))


def kills(w, node):
    """SIGKILL in the midst of a backup and of a restore."""
    net, checks = w.net, w.checks
    target = net.folder / "killed"
    r = net.run("backup", "make", str(net.dir), node, str(target), "--key", str(w.key),
                env={"JUKI_KILL_AT": "backup_piece:2"})
    checks.check("a killed backup has no name", r.returncode == -signal.SIGKILL and not target.exists(), r)
    w.wait("the server hears that its client is gone", lambda: noted(net, node, "backup broken off"))
    stopped_in_a_backup(w, node)
    path = w.backup(node, "killed")
    w.wait("the log says that it ended", lambda: noted(net, node, "backup ended"))
    w.load(5)
    w.counted("before the kills")
    epoch = net.ask(node, do="status")["epoch"]
    for point in ("restore_piece:2", "restore_proved", "restore_raised"):
        net.down(node)
        before = fingerprint(net.dir / node)
        r = w.restore(node, path, env={"JUKI_KILL_AT": point})
        after = fingerprint(net.dir / node)
        checks.check(f"{point}: killed", r.returncode == -signal.SIGKILL, (r.returncode, r.stderr))
        checks.check(f"{point}: the database is the old one", after["juki.db"] == before["juki.db"], point)
        net.up(node)
        checks.check(f"{point}: it works on in its own life", net.ask(node, do="status")["epoch"] == epoch, point)
        w.load(2)
    w.counted("after kills before the change of place")
    for point in ("replace_marked", "replace_aside", "replace_placed"):
        net.down(node)
        r = w.restore(node, path, env={"JUKI_KILL_AT": point})
        checks.check(f"{point}: killed", r.returncode == -signal.SIGKILL, (r.returncode, r.stderr))
        r = net.run("up", str(net.dir), node)
        checks.check(f"{point}: no server opens what is half done", r.returncode != 0 and "DB_RESTORING" in w.net.log(node),
                     (r.returncode, r.stderr))
        r = w.restore(node, path, env={"JUKI_CLOCK_SHIFT": "-9000"})  # the clock does not tell the epoch: what was there does
        checks.check(f"{point}: restored again", r.returncode == 0, r.stderr)
        net.up(node)
        now = net.ask(node, do="status")["epoch"]
        checks.check(f"{point}: each time a new life", now > epoch, (now, epoch))
        epoch = now
        w.load(2)
        w.counted(f"killed at {point} and restored")


def raised_by_hand(w, node):
    """A database that came back by other means begins a new life by one command."""
    epoch = w.net.ask(node, do="status")["epoch"]
    w.no_new_life_yet(node)
    w.net.down(node)
    w.checks.check("raised by hand", w.new_life(node) > epoch, epoch)
    w.load(3)
    w.counted("raised by hand")


def on_postgresql(checks):
    """The way out is named; nothing is tried."""
    with Network(AREA, options=("--postgresql", "postgresql://127.0.0.1:1")) as net:
        key = net.folder / "key"
        net.juki("backup", "key", str(key))
        for words in (("backup", "make", str(net.dir), CS, str(net.folder / "b")), ("restore", str(net.dir), CS, str(key))):
            r = net.run(*words, "--key", str(key))
            checks.check(f"{words[0]} of PostgreSQL names pg_dump", r.returncode == 1 and "pg_dump" in r.stderr, r.stderr)


def main():
    checks = Checks()
    os.environ["JUKI_CLOCK_SHIFT"] = "0"
    on_postgresql(checks)
    with Network(AREA) as net:
        w = Restorable(net, checks)
        net.up()
        w.load(30, drawn=6)
        w.counted("at first")
        for node, upper in PAIRS:
            w.heads_shown(node, upper)
        made = backups_while_changes_run(w)
        names_nobody(w, made)
        w.an_hour_passes()
        w.load(25, drawn=5)
        w.counted("an hour later")
        for node, upper in PAIRS:
            w.heads_shown(node, upper)
        saved = copies(w, NODES, "old")
        for node, upper in ((AGENCY, None), *PAIRS):
            restored_from_an_hour_ago(w, node, made[node], upper)
        twins_beside(w, {node: shutil.copytree(folder, net.folder / f"beside.{node}") for node, folder in saved.items()})
        for node in NODES:
            old_twin_instead(w, node, saved[node])
        refusals(w, CS, made[CS])
        kills(w, CS)
        raised_by_hand(w, CS)
        net.down()
        net.check_logs(checks)
    checks.end()


main()

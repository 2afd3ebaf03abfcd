#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two processes of one server on one PostgreSQL: one works, the other stands by.

The agency (which receives, generates numbers and codes), a CS (which dials, has a door and asks for stock) and a register
(which numbers its changes and feeds the door) run twice, each behind a port that a balancer points at the one that works. Under
load the working one is killed, and the next stands still (SIGSTOP) while its session ends and the other takes over, and wakes
up again. Afterwards: every person once, every change once, no sequence twice, no fork, every log proves itself. With --long the
prefecture too, and each in several rounds. On SQLite a second process is refused.
"""
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import BIN, Checks, Network, until  # noqa: E402
from ports import free_port  # noqa: E402
from postgres import Postgres, Wire, database_of, wanted  # noqa: E402

AREA = "282049"
REGISTER = f"register.{AREA}"
NODES = ["agency", "prefecture.28", f"cs.{AREA}", REGISTER]
LONG = "--long" in sys.argv
PAIRS = NODES if LONG else [n for n in NODES if n != "prefecture.28"]
ROUNDS = 4 if LONG else 1
CODED, FRESH = 120, 15


class Replica:
    """One process of a server: a folder with the server's keys and database, and ports of its own."""

    def __init__(self, net, node, name, ports):
        self.net, self.node, self.program = net, node, "juki-" + node.split(".")[0]
        self.folder = net.folder / f"{node}-{name}"
        shutil.copytree(net.dir / node, self.folder)
        self.ports = {old: free_port() for old in ports}
        path = self.folder / "juki.yaml"
        text = path.read_text().replace("codes: 10000", "codes: 200")
        for old, new in self.ports.items():
            text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
        lines = [line for line in text.splitlines() if not line.startswith("control:")]
        self.control = net.folder / f"{name}{node[0]}.sock"
        path.write_text("\n".join(lines + [f'control: "{self.control}"']) + "\n")
        self.process, self.stands_still = None, False

    def start(self):
        with open(self.folder / "err", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([BIN / self.program, self.folder], stderr=log)  # pylint: disable=consider-using-with

    def stand_still(self):
        self.stands_still = True
        self.process.send_signal(signal.SIGSTOP)

    def wake(self):
        """Returns the code with which it ends; None when it does not."""
        self.process.send_signal(signal.SIGCONT)
        try:
            return self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            return None
        finally:
            self.stands_still = False

    def log(self):
        return (self.folder / "err").read_text()

    def status(self):
        return self.net.ask_at(self.control, timeout=5, do="status")

    def wait(self, **wanted_members):
        """Until its status says so; its last word otherwise, what it logged last if it has ended."""
        until = time.monotonic() + 60
        while True:
            s = self.status() or {}
            if all(s.get(k) == v for k, v in wanted_members.items()) or time.monotonic() > until:
                return s
            if self.process.poll() is not None:
                return {"ended": self.log()[-400:]}
            time.sleep(0.1)


class Pair:
    """A server's two processes, and the balancer before them."""

    def __init__(self, net, node):
        row = net.node(node)
        ports = [p for p in (row.get("port"), row.get("door_port")) if p]
        self.node, self.a, self.b = node, Replica(net, node, "a", ports), Replica(net, node, "b", ports)
        self.wires = {p: Wire(self.a.ports[p], p) for p in ports}

    def point(self, replica):
        for port, wire in self.wires.items():
            wire.point(replica.ports[port])

    def ask(self, **question):
        """The answer of the one that works; None while neither does."""
        for replica in (self.a, self.b):
            answer = None if replica.stands_still else Network.ask_at(replica.control, **question)
            if answer and answer.get("ok") and not answer.get("standby"):
                return answer
        return None

    def close(self):
        for replica in (self.a, self.b):
            if replica.process and replica.process.poll() is None:
                replica.process.send_signal(signal.SIGCONT)
                replica.process.kill()
                replica.process.wait()
        for wire in self.wires.values():
            wire.close()


def feed(register, path, stop):
    """Given again until one call ran through: what was taken before is refused as known."""
    while not stop.is_set():
        if register.ask(do="load", path=str(path)):
            return
        time.sleep(0.1)


class Load:
    """Residents with and without codes, fed while something happens."""

    def __init__(self, net, register, number):
        self.stop = threading.Event()
        self.files = [net.residents(AREA, CODED, seed=2 * number + 1, extra=("--with-codes",)),
                      net.residents(AREA, FRESH, seed=2 * number + 2)]
        self.threads = [threading.Thread(target=feed, args=(register, p, self.stop)) for p in self.files]

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        for t in self.threads:
            t.join(timeout=120)
        self.taken = not any(t.is_alive() for t in self.threads)
        self.stop.set()


def take_turns(checks, net, postgres, pair, register, number):
    """a works at first and at last. Returns how many persons were fed."""
    a, b, node = pair.a, pair.b, pair.node
    b.start()
    s = b.wait(standby=True)
    checks.check(f"{node}: the second process waits and says so", s.get("standby") is True and s.get("ready") is False, s)
    checks.check(f"{node}: also in its log", "standby" in b.log(), b.log())
    with Load(net, register, number) as killed:
        time.sleep(0.3)
        a.process.kill()
        a.process.wait()
        s = b.wait(ready=True)
        checks.check(f"{node}: it takes over from the one that was killed", s.get("ready") is True and
                     "taken_over" in b.log(), (s, b.log()[-800:]))
        pair.point(b)
    a.start()
    s = a.wait(standby=True)
    checks.check(f"{node}: the killed one comes back as the standby", s.get("standby") is True, s)
    with Load(net, register, number + 1) as stopped:
        time.sleep(0.3)
        b.stand_still()
        postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database ="
                     f" (SELECT oid FROM pg_database WHERE datname = '{database_of(node)}')")
        s = a.wait(ready=True)
        checks.check(f"{node}: the standby takes over from one that stands still", s.get("ready") is True, s)
        pair.point(a)
        code = b.wake()
        checks.check(f"{node}: which ends with exit code 3 when it wakes up", code == 3 and "database_lost" in b.log(),
                     (code, b.log()[-800:]))
    checks.check(f"{node}: all that was fed is taken", killed.taken and stopped.taken)
    return 2 * (CODED + FRESH)


def proved(checks, net, postgres, pairs, persons):
    until(lambda: ((pairs[-1].ask(do="status") or {}).get("changes") or {}).get("applied") == persons, 120, 0.2)
    status = pairs[-1].ask(do="status")
    checks.check("every change was applied nationally once", status and status["changes"]["applied"] == persons ==
                 status["changes"]["queued"], status)
    for node in NODES[:3]:
        pair = next((p for p in pairs if p.node == node), None)
        s = pair.a.status() if pair else net.ask(node, do="status")
        seen = (s or {}).get("persons", s)
        checks.check(f"{node}: everybody once", seen and seen.get("current") == seen.get("versions") == persons, seen)
    postgres.check_streams(checks, NODES[:3])
    logs = [p.log() for pair in pairs for p in (pair.a, pair.b)]
    logs += [net.log(n) for n in NODES if n not in PAIRS]
    bad = [line for log in logs for line in log.splitlines()
           if re.search("stream_stopped|FORK|door_fed_by_another|register_old", line)]
    checks.check("nobody saw a fork, and the door no second register", not bad, bad[:3])
    net.check_logs(checks)


def no_new_life_meanwhile(checks, net):
    """Its process runs elsewhere, as far as the command can see: the database knows."""
    r = net.run("restore", "--raise-epoch", str(net.dir), "agency")
    checks.check("no new life while a process works", r.returncode == 3 and "another process uses" in r.stderr, r)


def on_postgresql(checks):
    with Postgres() as postgres, Network(AREA, options=("--postgresql", postgres.url())) as net:
        postgres.make_databases(NODES)
        pairs = [Pair(net, node) for node in PAIRS]
        try:
            for pair in pairs:
                pair.a.start()
            for node in (n for n in NODES if n not in PAIRS):
                net.up(node)
            for pair in pairs:
                pair.a.wait(ready=True)
            persons = sum(take_turns(checks, net, postgres, pair, pairs[-1], 10 * (len(pairs) * turn + i))
                          for turn in range(ROUNDS) for i, pair in enumerate(pairs))
            no_new_life_meanwhile(checks, net)
            proved(checks, net, postgres, pairs, persons)
        finally:
            for pair in pairs:
                pair.close()


def on_sqlite(checks):
    with Network(AREA) as net:
        net.up("agency")
        second = subprocess.run([BIN / "juki-agency", net.dir / "agency"], capture_output=True, text=True, timeout=60)
        checks.check("on SQLite a second process is refused", second.returncode == 3 and "DB_LOCKED" in second.stderr, second)
        s = net.ask("agency", do="status")
        checks.check("and the first one answers as before", s and s.get("ready") is True, s)


def main():
    checks = Checks()
    on_sqlite(checks)
    if wanted():
        on_postgresql(checks)
    else:
        print("left out on PostgreSQL: JUKI_TEST_NO_POSTGRES is set")
    checks.end()


main()

# SPDX-License-Identifier: Apache-2.0
"""A network whose servers are restored: what must stand afterwards at every level, the fork of a restored log, old twins."""
import collections
import os
import re
import shutil
import signal
import subprocess

from network import BIN, Network, until
from traffic import rows_of, write_events

AREA = "282049"
CS, REGISTER, PREFECTURE, AGENCY = f"cs.{AREA}", f"register.{AREA}", "prefecture.28", "agency"
NODES = [AGENCY, PREFECTURE, CS]
CALLED = {AGENCY: PREFECTURE, PREFECTURE: AGENCY, CS: PREFECTURE}  # whom a server calls at its start
PAIRS = ((PREFECTURE, AGENCY), (CS, PREFECTURE))  # who shows its heads to whom


class World:
    """The network, and how many people and changes there must be. query(node, sql) asks a server's database."""

    def __init__(self, net, checks, query):
        self.net, self.checks, self.query = net, checks, query
        self.people, self.events, self.seed = 0, 0, 0
        self.forked = collections.Counter()  # how often a server's log
        self.given = []  # files that the register took, in order: verb, path
        for node in NODES:  # heads every second, so that there is always one above that a restore loses
            net.configure_more(node, "ledger:\n  head_interval: 1s\n")

    def load(self, coded, drawn=0):
        """Loads invented people with codes, and some whose codes are drawn; each is one change and one version."""
        self.load_file(coded, ("--with-codes",))
        if drawn:
            self.load_file(drawn)

    def load_file(self, count, extra=()):
        self.seed += 1
        path = self.net.residents(AREA, count, seed=self.seed, extra=extra)
        answer = self.net.ask(REGISTER, do="load", path=str(path))
        self.checks.check(f"load {self.seed} is taken", answer and answer.get("taken") == count, answer)
        self.people += count
        self.given.append(("load", path))

    def move(self, count, of=-1):
        """The first people of a file that was loaded move within the town: one change and one version each."""
        rows = rows_of([path for verb, path in self.given if verb == "load"][of])[:count]
        self.seed += 1
        path = write_events(self.net.folder / f"moves-{self.seed}.jsonl", [
            {"event": f"{self.seed}-{n}", "reason": "move_within", "change_date": "2026-11-20", "record": row["record"],
             "set": {"address": f"兵庫県西宮市甲子園口{n + 1}番{self.seed}号", "household_number": f"{AREA}-moved-{self.seed}-{n}"}}
            for n, row in enumerate(rows)])
        answer = self.net.ask(REGISTER, do="apply", path=str(path))
        self.checks.check(f"moves {self.seed} are taken", answer and answer.get("taken") == count, answer)
        self.events += count
        self.given.append(("apply", path))

    def an_hour_passes(self):
        """By every clock, also of what is started later. Whoever calls this has set JUKI_CLOCK_SHIFT before anything ran."""
        shift = int(os.environ["JUKI_CLOCK_SHIFT"]) + 3600
        for node in NODES + [REGISTER]:
            answer = self.net.ask(node, do="clock_shift", seconds=shift)
            self.checks.check(f"{node}: an hour passes", answer and answer["ok"], answer)
        os.environ["JUKI_CLOCK_SHIFT"] = str(shift)

    def persons(self, node):
        counts = (self.net.ask(node, do="status") or {}).get("persons", {})
        return {k: counts.get(k) for k in ("current", "versions")}

    def counted(self, what):
        """Every level has everybody once, and every change once."""
        want = {"current": self.people, "versions": self.people + self.events}
        until(lambda: all(self.persons(node) == want for node in NODES))  # asking costs less than comparing
        self.net.check_equal(self.checks, f"{what}: every level agrees", 30)
        for node in NODES:
            seen = self.persons(node)
            self.checks.check(f"{what}: {node} has everybody once", seen == want, (seen, want))

    def wait(self, what, condition, seconds=30):
        self.checks.check(what, until(condition, seconds), "never")

    def alarms(self, who, event, *words):
        """A server, by its name, or a twin alarms; the words stand in the same line."""
        said = who.said if isinstance(who, Twin) else lambda: self.net.log(who)
        self.wait(f"{who} alarms {event} {' '.join(words)}", lambda: any(
            f" alarm event={event}" in line and all(word in line for word in words) for line in said().splitlines()))

    def heads_shown(self, node, upper):
        """The upper server has co-signed a head that counts all there is now, but for what its showing adds."""
        size = self.net.ask(node, do="status")["log"]["entries"]
        self.wait(f"{upper} keeps a head of {node}", lambda: self.kept(upper, node) >= size - 3)

    def kept(self, upper, node):
        """Entries of the newest head of node that upper keeps."""
        return int(self.query(upper, f"SELECT size FROM ledger_kept WHERE node = '{node}'"
                                     " ORDER BY epoch DESC, size DESC LIMIT 1") or 0)

    def no_new_life_yet(self, node):
        """Not while it runs."""
        r = self.net.run("restore", "--raise-epoch", str(self.net.dir), node)
        self.checks.check(f"{node}: no new life while it runs", r.returncode == 1 and "stop it first" in r.stderr, r.stderr)

    def new_life(self, node):
        """A server that is stopped begins it by one command, and runs. Its epoch."""
        r = self.net.run("restore", "--raise-epoch", str(self.net.dir), node)
        self.checks.check(f"{node}: begins a new life", r.returncode == 0 and "epoch" in r.stdout, r.stdout + r.stderr)
        self.net.up(node)
        return self.net.ask(node, do="status")["epoch"]

    def fork_is_told(self, node, upper):
        """The restored server's heads go on; that its log forked is alarmed, shown and kept as evidence at both ends."""
        net, checks = self.net, self.checks
        self.forked[node] += 1
        self.wait(f"{node}: its heads go on at {upper}, an alarm at both ends",
                  lambda: 0 < self.kept(upper, node) and
                  all(" alarm event=head_forked" in self.net.log(n) for n in (node, upper)))
        for at in (node, upper):
            status = net.run("status", str(net.dir), at).stdout
            checks.check(f"{node}: juki status {at} shows the fork", f"the log of {node} forked" in status, status)
            listed = net.run("log", "forks", str(net.dir), at, "--notes").stdout
            heads = listed.count(f"\njuki/{node}\n") + listed.startswith(f"juki/{node}\n")
            checks.check(f"{node}: {at} keeps both heads of each fork it has heard of",
                         heads in range(2, 2 * self.forked[node] + 1, 2), listed)
        net.juki("log", "forks", str(net.dir), upper, "--seen")
        status = net.run("status", str(net.dir), upper).stdout
        checks.check(f"{node}: seen, it is shown no longer", "forked" not in status, status)


def copied(w, node, name):
    """A copy of the folder of a stopped server."""
    return shutil.copytree(w.net.dir / node, w.net.folder / f"{name}.{node}", ignore=shutil.ignore_patterns("*.sock", "pid"))


def copies(w, nodes, name):
    """The folders of the servers as they are now; by node."""
    w.net.down(*nodes)
    made = {node: copied(w, node, name) for node in nodes}
    w.net.up(*nodes)
    return made


class Twin:
    """A process on a copy of a server's folder, on other ports or on the same."""

    def __init__(self, node, folder, same_ports=False):
        self.node, self.folder = node, folder
        if not same_ports:
            text = (folder / "juki.yaml").read_text()
            text = re.sub(r'(listen: "127\.0\.0\.1:)\d+"', r'\g<1>0"', text)
            (folder / "juki.yaml").write_text(text)
        self.out = open(folder / "twin.log", "w+", encoding="utf-8")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [BIN / f"juki-{node.split('.', maxsplit=1)[0]}", folder], stdout=self.out, stderr=self.out)

    def __str__(self):
        return f"the twin of {self.node}"

    def said(self):
        return (self.folder / "twin.log").read_text()

    def ask(self, **question):
        return Network.ask_at(self.folder / "run" / "control.sock", **question)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.out.close()


def twins_beside(w, folders):
    """Beside the new servers: each is refused and alarmed where it calls, and nobody else has to do anything."""
    twins = {node: Twin(node, folder) for node, folder in folders.items()}
    for node, twin in twins.items():
        w.alarms(twin, "stream_stopped", f"peer={CALLED[node]}", "error=EPOCH_OLD")
        w.alarms(CALLED[node], "refused", f"peer={node}", "error=EPOCH_OLD")
    w.load(3)
    w.counted("beside the twins")
    for twin in twins.values():
        twin.end()

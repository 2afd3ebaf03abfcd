# SPDX-License-Identifier: Apache-2.0
"""Steady work of one municipality in tests: invented residents, changes of name in a row, and what must stand in the end."""
import csv
import json
import time

from network import until

TURNS = "一二三四五六七八九十"


def rows_of(path):
    """Of a CSV of residents."""
    with open(path, encoding="utf-8-sig", newline="") as f:
        return list(csv.DictReader(f))


def write_events(path, events):
    """The file that a register applies; its path."""
    path.write_text("".join(json.dumps(e, ensure_ascii=False) + "\n" for e in events), encoding="utf-8")
    return path


def renaming(event, record, name):
    return {"event": event, "reason": "ex_officio_amendment", "change_date": "2026-11-20", "record": record,
            "set": {"name": name}}


class Round:
    """Work to be given in the midst of faults: residents with codes, residents whose codes are drawn and numbers generated, and
    changes of name in a row for some of both. Their order can be seen in the last one."""

    def __init__(self, net, area, number, coded, fresh, renamed, turns):
        self.net, self.register = net, f"register.{area}"
        self.loads = [net.residents(area, coded, seed=2 * number + 1, extra=("--with-codes",)),
                      net.residents(area, fresh, seed=2 * number + 2)]
        self.renamed = [row["record"] for path in self.loads for row in rows_of(path)[:renamed]]
        names = write_events(net.folder / f"renames-{number}.jsonl", [
            renaming(f"r{number}-{turn}-{i}", record, f"第{number}　{TURNS[turn]}")
            for turn in range(turns) for i, record in enumerate(self.renamed)])
        self.files = [("load", path) for path in self.loads] + [("apply", names)]
        self.persons, self.changes = coded + fresh, turns * len(self.renamed)

    def feed(self, stop=None):
        """Gives each file again until one call ran through: what was taken before is refused as known."""
        for verb, path in self.files:
            while not (stop and stop.is_set()):
                answer = self.net.ask(self.register, do=verb, path=str(path))
                if answer and answer.get("ok"):
                    break
                time.sleep(0.05)


def settled(net, area, seconds):
    """Waits until every change of the register has its outcome, as long as outcomes come at all: after many faults in a row
    the agency has much to catch up with. The status then, or the last one."""
    end, applied = time.monotonic() + seconds, -1
    while True:
        s = net.ask(f"register.{area}", do="status")
        c = s["changes"] if s and s.get("ok") else {}
        if c and c["queued"] == c["applied"] + c["refused"]:
            return s
        if c and c["applied"] > applied:
            end, applied = time.monotonic() + seconds, c["applied"]
        if time.monotonic() > end:
            return s
        time.sleep(0.2)


def check_everywhere(checks, net, area, persons, changes, what="at the end"):
    """Once all of it has its outcome: everybody stands at every level once, and every change once."""
    s = settled(net, area, 120)
    c = s["changes"] if s and s.get("ok") else {}
    checks.check(f"{what}: every change was applied nationally", c and c["queued"] == c["applied"] == persons + changes, s)
    net.check_equal(checks, f"{what}: every level agrees", 60)
    want = {"current": persons, "versions": persons + changes}
    for node in above(area):
        answer = net.ask(node, do="status")
        seen = {k: answer["persons"][k] for k in want} if answer and answer.get("ok") else answer
        checks.check(f"{what}: {node} has everybody once and every change once", seen == want, (seen, want))


class Town:
    """Counts what was given, so that the end can be compared with it: everybody once, every change once."""

    def __init__(self, net, area, persons, seed=1):
        self.net, self.area, self.register = net, area, f"register.{area}"
        path = net.residents(area, persons, seed=seed, extra=("--with-codes",))
        self.records = [row["record"] for row in rows_of(path)]
        self.persons, self.changes, self.turn = persons, 0, 0
        self.ask("load", path=str(path))

    def ask(self, verb, **question):
        answer = self.net.ask(self.register, do=verb, **question)
        if not answer or not answer.get("ok"):
            raise AssertionError(f"{self.register} {verb}: {answer}")
        return answer

    def enter(self, count, seed):
        """People who have neither code nor number come; their records, for changes that stand behind the number."""
        path = self.net.residents(self.area, count, seed=seed)
        self.persons += count
        self.ask("load", path=str(path))
        return [row["record"] for row in rows_of(path)]

    def rename(self, count=5, records=None):
        """One more change of name for some people, or for these; the order of a person's changes shows in the last one."""
        path = self.write(count, records)
        self.changes += count
        try:
            return self.ask("apply", path=str(path))
        finally:
            path.unlink()

    def write(self, count, records=None):
        self.turn += 1
        records = records or self.records
        return write_events(self.net.folder / f"names-{self.area}-{self.turn}.jsonl", [
            renaming(f"n{self.turn}-{i}", records[(self.turn * 7 + i) % len(records)],
                     f"第{self.turn}　{TURNS[i % len(TURNS)]}") for i in range(count)])

    def burst(self, count):
        """As rename, of a register that may be killed meanwhile: given again until one call ran through."""
        path = self.write(count)
        self.changes += count
        while not (answer := self.net.ask(self.register, do="apply", path=str(path))) or not answer.get("ok"):
            time.sleep(0.05)
        path.unlink()

    def status(self):
        return self.net.ask(self.register, do="status")

    def settled(self, seconds=60):
        """Waits until every change has its outcome; the status then, or the last one."""
        status = None

        def all_told():
            nonlocal status
            status = self.status()
            c = status["changes"] if status else {}
            return c and c["queued"] == c["applied"] + c["refused"] == self.persons + self.changes
        until(all_told, seconds)
        return status

    def check_settled(self, checks, what, seconds=60):
        s = self.settled(seconds)
        c = s["changes"] if s else {}
        want = self.persons + self.changes
        checks.check(f"{what}: every change is applied, none refused", c.get("applied") == want and not c.get("refused"),
                     (want, c))

    def versions(self, node):
        """Current persons and versions of this municipality at a server."""
        for area in self.net.ask(node, do="census")["areas"]:
            if area["area"] == int(self.area):
                return area["current"], area["versions"]
        return 0, 0

    def check_once(self, checks, nodes):
        want = (self.persons, self.persons + self.changes)
        for node in nodes:
            seen = self.versions(node)
            checks.check(f"{node}: everybody of {self.area} once, every change once", seen == want, (seen, want))


def check_end(checks, net, towns, seconds=60):
    """Every level agrees, nobody waits, and after the end every log proves itself."""
    net.check_equal(checks, seconds=seconds)
    for town in towns:
        town.check_once(checks, above(town.area))
    for node in servers(net):
        s = net.ask(node, do="status")
        checks.check(f"{node}: nothing waits on the error list, no stream stopped",
                     s and s["error_list"] == 0 and not any(p["stopped"] for p in s["peers"]), s)
    net.down()
    net.check_logs(checks)


def above(area):
    """The servers that hold what a register told."""
    return ["agency", f"prefecture.{area[:2]}", f"cs.{area}"]


def servers(net):
    return [n["name"] for n in net.nodes() if not n["name"].startswith("register.")]

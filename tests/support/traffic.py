# SPDX-License-Identifier: Apache-2.0
"""Steady work of one municipality in tests: invented residents, changes of name in a row, and what must stand in the end."""
import csv
import json
import time

TURNS = "一二三四五六七八九十"


class Town:
    """Counts what was given, so that the end can be compared with it: everybody once, every change once."""

    def __init__(self, net, area, persons, seed=1):
        self.net, self.area, self.register = net, area, f"register.{area}"
        path = net.residents(area, persons, seed=seed, extra=("--with-codes",))
        with open(path, encoding="utf-8-sig", newline="") as f:
            self.records = [row["record"] for row in csv.DictReader(f)]
        self.persons, self.changes, self.turn = persons, 0, 0
        self.ask("load", path=str(path))

    def ask(self, verb, **question):
        answer = self.net.ask(self.register, do=verb, **question)
        if not answer or not answer.get("ok"):
            raise AssertionError(f"{self.register} {verb}: {answer}")
        return answer

    def rename(self, count=5):
        """One more change of name for some people; the order of a person's changes shows in the last one."""
        path = self.write(count)
        self.changes += count
        try:
            return self.ask("apply", path=str(path))
        finally:
            path.unlink()

    def write(self, count):
        self.turn += 1
        path = self.net.folder / f"names-{self.area}-{self.turn}.jsonl"
        with open(path, "w", encoding="utf-8") as f:
            for i in range(count):
                record = self.records[(self.turn * 7 + i) % len(self.records)]
                f.write(json.dumps({"event": f"n{self.turn}-{i}", "reason": "ex_officio_amendment",
                                    "change_date": "2026-11-20", "record": record,
                                    "set": {"name": f"第{self.turn}　{TURNS[i % len(TURNS)]}"}}, ensure_ascii=False) + "\n")
        return path

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
        end = time.monotonic() + seconds
        while True:
            s = self.status()
            c = s["changes"] if s else {}
            if s and c["queued"] == c["applied"] + c["refused"] == self.persons + self.changes:
                return s
            if time.monotonic() > end:
                return s
            time.sleep(0.05)

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
    equal = net.wait_equal(seconds)
    checks.check("every level agrees", equal.returncode == 0, equal.stdout + equal.stderr)
    for town in towns:
        town.check_once(checks, ["agency", f"prefecture.{town.area[:2]}", f"cs.{town.area}"])
    for node in servers(net):
        s = net.ask(node, do="status")
        checks.check(f"{node}: nothing waits on the error list, no stream stopped",
                     s and s["error_list"] == 0 and not any(p["stopped"] for p in s["peers"]), s)
    net.down()
    verified = net.run("log", "verify", str(net.dir))
    checks.check("every log proves itself", verified.returncode == 0, verified.stdout + verified.stderr)


def servers(net):
    listed = json.loads((net.dir / "network.json").read_text())["nodes"]
    return [n["name"] for n in listed if not n["name"].startswith("register.")]

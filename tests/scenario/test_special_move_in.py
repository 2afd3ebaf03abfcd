#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A family moves by card (転入届の特例) between real servers: 転出届, 転出証明書情報, the card and its PIN, 転入届, 転入通知;
one of them stays, a line is down meanwhile, somebody stays after all, somebody arrives elsewhere."""
import csv
import datetime
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import BIN, Checks, Network, until  # noqa: E402
from test_move import KOBE, NADA, NISHINOMIYA, TOYONAKA, Town  # noqa: E402
from traffic import rows_of  # noqa: E402

TODAY = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=9)).date()
PLANNED = str(TODAY + datetime.timedelta(days=2))
HERE = "大阪府豊中市本町一丁目２番３号"


class Counter(Town):
    """A town that knows cards."""

    def load_family(self, count, seed):
        """Invented residents, the first four of them one household, with what a 転出証明書 also states."""
        path = self.net.residents(self.area, count, seed=seed, extra=("--with-codes",))
        rows = rows_of(path)
        for i, row in enumerate(rows[:4]):
            row.update(household_number="family", relationship="世帯主" if i == 0 else "子", health_insurance="被保険者",
                       pension_category="第１号被保険者", basic_pension_number=f"012345678{i}", child_allowance="受給")
        with open(path, "w", encoding="utf-8", newline="") as f:
            writer = csv.DictWriter(f, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        return self.net.ask(f"register.{self.area}", do="load", path=str(path)), rows

    def juki(self, *words, pin=""):
        return subprocess.run([BIN / "juki", *words], input=pin + "\n", capture_output=True, text=True, timeout=120,
                              env={"LC_ALL": "ja_JP.UTF-8", "LANG": "ja_JP.UTF-8", "PATH": "/usr/bin:/bin"})

    def give_card(self, row, pin):
        """The counter gives a card out."""
        card = self.net.folder / f"card-{row['record']}"
        said = self.net.folder / "card.json"
        said.write_text(json.dumps({"resident_code": row["resident_code"], "issued_on": "2024-05-01", "valid_until":
                                    "2034-01-02", "form": "1", "authenticity_code": "0A1B", "pin": pin}))
        made = self.juki("card", "make", str(card), str(said))
        noted = self.juki("card", "note", str(self.net.dir), self.area, row["record"], str(card), pin=pin)
        return card, made.returncode == 0 and noted.returncode == 0, made.stderr + noted.stderr

    def leave_by_card(self, rows, group, to=TOYONAKA):
        return self.apply(*({"reason": "domestic_move_out", "record": row["record"], "change_date": PLANNED, "planned": True,
                             "special": True, "group": group, "moved_to_area_code": to, "moved_to_address": HERE}
                            for row in rows))

    def certificates(self):
        answer = self.net.ask(f"register.{self.area}", do="certificates")
        return {c["certificate"]: c for c in answer["certificates"]} if answer and answer["ok"] else {}

    def arrive(self, group, rows, card, pin, area=None):
        filing = self.net.folder / "filing.json"
        filing.write_text(json.dumps({
            "from": NISHINOMIYA, "certificate": group, "event": f"{self.area}-{group}", "change_date": str(TODAY),
            "set": {"area_code": area or self.area, "address": HERE, "household_number": f"h-{group}"},
            "persons": [{"resident_code": row["resident_code"], "record": f"{group}-{i}"} for i, row in enumerate(rows)]},
            ensure_ascii=False))
        words = ["certificate", "enter", str(self.net.dir), self.area, str(filing)]
        return self.juki(*words, *(["--card", str(card)] if card else []), pin=pin)


def a_family(checks, net, a, b, family):
    card, given, said = a.give_card(family[0], "0429")
    checks.check("a card is given out", given, said)
    left = a.leave_by_card(family, "g-1")
    checks.check("a family of four files one 転出届 by card", left and left["taken"] == 4, left)
    came = until(lambda: b.certificates().get("g-1", {}).get("persons") == 4, 30)
    checks.check("its content is at the planned destination at once", came, b.certificates())
    shown = net.ask(f"register.{TOYONAKA}", do="certificate", **{"from": NISHINOMIYA}, certificate="g-1")
    first = shown["certificate"]["certificate"]["persons"][0]
    checks.check("with what the register knows of each", (first["basic_pension_number"], first["child_allowance"],
                 first["card_issued_on"]) == ("0123456780", "receiving", "2024-05-01"), first)
    refused = b.arrive("g-1", family[:3], None, "")
    checks.check("without the card nobody enters, and is told what to bring",
                 refused.returncode == 1 and "転出証明書" in refused.stderr, refused)
    refused = b.arrive("g-1", family[:3], card, "0428")
    checks.check("nor with a wrong PIN", refused.returncode == 1 and "暗証番号が違います" in refused.stderr, refused)
    refused = b.arrive("g-1", family[1:3], card, "0429")
    checks.check("nor without the card's holder", refused.returncode == 1 and "名義人" in refused.stderr, refused)
    entered = b.arrive("g-1", family[:3], card, "0429")
    checks.check("three of them enter by the card", entered.returncode == 0, entered)
    checks.check("with their codes, and what came", (b.record("g-1-1") or {}).get("basic_pension_number") == "0123456781" and
                 b.record("g-1-1")["resident_code"] == family[1]["resident_code"], b.record("g-1-1"))
    gone = until(lambda: all(a.life(row["record"]) == "removed" for row in family[:3]), 30)
    checks.check("the 転入通知 reaches the old municipality", gone, [a.record(row["record"]) for row in family])
    bodies = net.sql(f"register.{NISHINOMIYA}", "SELECT body FROM register_message WHERE kind = 'move_in_notice'")
    checks.check("and says that the move in was special", bodies.count('"special":true') == 3, len(bodies))
    checks.check("who was not with them is still awaited", a.life(family[3]["record"]) == "leaving" and
                 [w["record"] for w in a.awaited()] == [family[3]["record"]], a.awaited())
    due = net.ask(f"register.{TOYONAKA}", do="card", record="g-1-0")
    checks.check("the card is to be continued within 90 days", due and due["card"].get("continuation_due") ==
                 str(TODAY + datetime.timedelta(days=90)), due)
    return card


def one_stays(checks, a, b, row):
    """The fourth stays after all: the certificate names nobody with a card any more."""
    a.apply({"reason": "cancelled_removal", "record": row["record"], "change_date": str(TODAY),
             "cancels": f"{NISHINOMIYA}-t-{a.events}"})
    checks.check("one of them stays", a.life(row["record"]) == "current", a.record(row["record"]))
    told = until(lambda: b.certificates()["g-1"]["persons"] == 3, 30)
    checks.check("which the new municipality hears", told, b.certificates())


def locked(checks, b, card, row):
    tries = [b.arrive("g-1", [row], card, "9999") for _ in range(3)]
    checks.check("three wrong PINs lock a card", "ロック" in tries[2].stderr and "ロック" not in tries[1].stderr,
                 [t.stderr for t in tries])
    checks.check("for the right one too", "ロック" in b.arrive("g-1", [row], card, "0429").stderr)


def line_down(checks, net, a, b, row):
    card, given, said = a.give_card(row, "1234")
    net.down(f"cs.{TOYONAKA}")
    left = a.leave_by_card([row], "g-2")
    checks.check("the line is down when a 転出届 is filed: it is taken", given and left["taken"] == 1, (said, left))
    net.up(f"cs.{TOYONAKA}")
    checks.check("and arrives when the line is back", until(lambda: "g-2" in b.certificates(), 90), b.certificates())
    entered = b.arrive("g-2", [row], card, "1234")
    checks.check("in time for the 転入届", entered.returncode == 0, entered)


def stays_after_all(checks, a, b, row):
    card, _, _ = a.give_card(row, "1111")
    a.leave_by_card([row], "g-3")
    until(lambda: "g-3" in b.certificates(), 30)
    a.apply({"reason": "cancelled_removal", "record": row["record"], "change_date": str(TODAY),
             "cancels": f"{NISHINOMIYA}-t-{a.events}"})
    checks.check("転出取りやめ withdraws it", until(lambda: b.certificates()["g-3"]["withdrawn"], 30), b.certificates())
    refused = b.arrive("g-3", [row], card, "1111")
    checks.check("and nobody enters by it", refused.returncode == 1 and "取り消し" in refused.stderr, refused)


def arrives_elsewhere(checks, net, a, b, c, row):
    card, _, _ = a.give_card(row, "2222")
    a.leave_by_card([row], "g-4")
    until(lambda: "g-4" in b.certificates(), 30)
    said = net.ask(f"register.{NISHINOMIYA}", do="certificate_answer",
                   question={"name": row["name"], "birth_date": row["birth_date"], "sex": row["sex"], "area_code": NADA})
    checks.check("the old municipality answers another place that asks", said and said["ok"] and
                 said["certificate"]["destination_area_code"] == NADA, said)
    kept = net.ask(f"register.{KOBE}", do="certificate_keep", id="asked-1", certificate=said["certificate"])
    entered = c.arrive("g-4", [row], card, "2222", area=NADA)
    checks.check("and the person enters there by card", kept["ok"] and entered.returncode == 0, (kept, entered))
    checks.check("and has left", until(lambda: a.life(row["record"]) == "removed", 60), a.record(row["record"]))
    checks.check("arrival elsewhere takes it back where it was planned",
                 until(lambda: b.certificates()["g-4"]["withdrawn"], 60), b.certificates())
    refused = b.arrive("g-4", [row], card, "2222")
    checks.check("so that nobody enters twice", refused.returncode == 1, refused)


def outside_the_network(checks, net, a, row):
    """By letter, then: the paper says that it was done by card, and a person who stays leaves nothing behind."""
    a.give_card(row, "3333")
    a.leave_by_card([row], "g-5", to="131016")

    def refused():
        return [p for p in net.ask(f"register.{NISHINOMIYA}", do="problems")["problems"] if p["name"] == "NODE_UNKNOWN"]
    first = until(refused, 30)
    checks.check("a destination outside the network: refused, by letter then", len(first) == 1, first)
    paper = a.juki("certificate", "paper", str(net.dir), NISHINOMIYA, row["record"])
    checks.check("a paper says that the special move out was done", paper.returncode == 0 and
                 "特例による転出処理済" in paper.stdout and row["name"] in paper.stdout, paper)
    again = net.ask(f"register.{NISHINOMIYA}", do="replace", change=first[0]["change"])
    second = until(lambda: [p for p in refused() if p["change"] == again["change"]], 30)
    checks.check("tried again it is refused again, in the place of the first", second and len(refused()) == 1, (again, second))
    a.apply({"reason": "cancelled_removal", "record": row["record"], "change_date": str(TODAY),
             "cancels": f"{NISHINOMIYA}-t-{a.events}"})
    third = until(lambda: [p for p in refused() if p["change"] > again["change"]], 30)
    checks.check("and so is what takes it back", third and len(refused()) == 1, refused())
    given_up = net.ask(f"register.{NISHINOMIYA}", do="replace", change=third[0]["change"], withdraw=True)
    checks.check("until it is given up", given_up["ok"] and until(lambda: not refused(), 30), (given_up, refused()))


def nowhere_above(checks, net, code):
    """Kept by the CSs of the two municipalities alone."""
    for node in (f"cs.{NISHINOMIYA}", f"cs.{TOYONAKA}", "agency", "prefecture.27", "prefecture.28"):
        read = net.run("log", "show", "--payload", "--last", "100000", str(net.dir), node)
        said = "move_out_certificate" in read.stdout and "0123456780" in read.stdout
        checks.check(f"転出証明書情報 in the log of {node}", read.returncode == 0 and said == node.startswith("cs."),
                     read.stdout[-2000:] + read.stderr)
    logs = "".join(net.log(row["name"]) for row in net.nodes())
    checks.check("what servers write of their work names nobody", code not in logs and "0429" not in logs)


def main():
    checks = Checks()
    with Network(NISHINOMIYA, TOYONAKA, KOBE) as net:
        net.up()
        a, b, c = Counter(net, NISHINOMIYA), Counter(net, TOYONAKA), Counter(net, KOBE)
        loaded, rows = a.load_family(20, 31)
        checks.check("residents are loaded", loaded and loaded["taken"] == 20 and a.quiet(), loaded)
        card = a_family(checks, net, a, b, rows[:4])
        one_stays(checks, a, b, rows[3])
        locked(checks, b, card, rows[0])
        line_down(checks, net, a, b, rows[5])
        stays_after_all(checks, a, b, rows[6])
        arrives_elsewhere(checks, net, a, b, c, rows[7])
        outside_the_network(checks, net, a, rows[8])
        checks.check("all is quiet", a.quiet() and b.quiet() and c.quiet(),
                     [net.ask(f"register.{t}", do="problems") for t in (NISHINOMIYA, TOYONAKA, KOBE)])
        net.check_equal(checks, "every level agrees at the end")
        nowhere_above(checks, net, rows[0]["resident_code"])
        net.check_logs(checks)
    checks.end()


if __name__ == "__main__":
    main()

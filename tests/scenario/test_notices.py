#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Notices between real servers: every change reason, numbers that are waited for, resend, order, stock, refusals.

Two municipalities of one prefecture; what is looked at is what a person would ask for: the control sockets' answers.
"""
import csv
import json
import pathlib
import socket
import ssl
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import Checks, Network, early_in_a_minute, until  # noqa: E402
from traffic import rows_of, write_events  # noqa: E402

A, B = "282049", "282022"


class Town:
    def __init__(self, net, area):
        self.net, self.area, self.events = net, area, 0

    def load(self, count, seed, *extra):
        path = self.net.residents(self.area, count, seed=seed, extra=extra)
        return self.net.ask(f"register.{self.area}", do="load", path=str(path)), rows_of(path)

    def apply(self, *events):
        path = write_events(self.net.folder / f"events-{self.area}-{self.events}.jsonl", [
            {"event": f"{self.area}-t-{self.events + i}", "change_date": "2026-11-20", **e} for i, e in enumerate(events, 1)])
        self.events += len(events)
        return self.net.ask(f"register.{self.area}", do="apply", path=str(path))

    def quiet(self, seconds=60):
        """Every change of this register has its outcome, also those that come of numbers it asked for."""
        def done():
            s = self.net.ask(f"register.{self.area}", do="status")
            return (s and s["changes"]["queued"] == s["changes"]["applied"] + s["changes"]["refused"] and
                    not s["persons"]["awaiting_number"])
        return until(done, seconds)


def newborn(record, row):
    keep = ("household_number", "nationality_kind", "area_code", "town", "address", "postal_code",
            "honseki_area_code", "honseki", "honseki_head")
    row = {k: row[k] for k in keep if row.get(k)}
    return {"reason": "birth", "record": record,
            "set": {**row, "relationship": "子", "name": "西宮　はるか", "name_kana": "ニシノミヤ　ハルカ",
                    "birth_date": "2026-11-19", "sex": "female"}}


def every_reason(checks, net, town, rows):
    japanese = [r for r in rows if r["nationality_kind"] in ("", "japanese")]
    foreign = [r for r in rows if r["nationality_kind"] == "foreign" and not r["alias"]]
    r = iter(japanese)
    events = [
        {"reason": "domestic_move_out", "planned": True, "moved_to_area_code": B, "moved_to_address": "尼崎市東七松町１"},
        {"reason": "move_out_abroad"}, {"reason": "death"}, {"reason": "removal_nationality_loss"},
        {"reason": "ex_officio_removal"},
        {"reason": "move_within", "set": {"address": "兵庫県西宮市六湛寺町１０番３号"}},
        {"reason": "minor_correction", "set": {"address": "兵庫県西宮市六湛寺町１０番４号"}},
        {"reason": "ex_officio_amendment", "set": {"name": "髙橋　花子", "name_kana": "タカハシ　ハナコ"}},
        {"reason": "clerical_correction", "set": {"birth_date": "1950-02-30"}},
        {"reason": "former_name_entry", "set": {"former_name": "旧田", "former_name_kana": "キュウダ"}},
        {"reason": "code_change_request"}, {"reason": "number_change_request"}, {"reason": "number_correction"},
    ]
    events = [{**e, "record": next(r)["record"]} for e in events]
    if foreign:
        events.append({"reason": "alias_entry", "record": foreign[0]["record"], "set": {"alias": "山田　太郎"}})
    events.append(newborn(f"{A}-newborn-1", japanese[-1]))
    answer = town.apply(*events)
    checks.check("every reason is taken", answer and answer.get("refused") == 0 and answer["taken"] == len(events),
                 json.dumps(answer, ensure_ascii=False))
    checks.check("every reason is applied nationally", town.quiet(), net.ask(f"register.{A}", do="problems"))


def other_numbers_come(checks, net, town, rows):
    """番号法7条2項: the change is made when the agency has generated the new number; life goes on meanwhile."""
    queued = net.ask(f"register.{A}", do="status")["changes"]["queued"]
    versions = net.ask("agency", do="status")["persons"]["versions"]
    record = [r["record"] for r in rows[:4]]
    net.down("agency")
    answer = town.apply({"reason": "number_change_request", "record": record[0]},
                        {"reason": "number_correction", "record": record[1]},
                        {"reason": "number_entry", "record": record[2]},
                        {"reason": "number_change_request", "record": record[3]},
                        {"reason": "ex_officio_amendment", "record": record[0], "set": {"name": "番号　待子"}},
                        {"reason": "code_change_request", "record": record[1]},
                        {"reason": "death", "record": record[3]})
    checks.check("requests for other numbers, and what happens meanwhile, are taken",
                 answer and answer.get("taken") == 7, answer)
    again = town.apply({"reason": "number_change_request", "record": record[0]})
    checks.check("who waits for a number is not given a second", again and again["refused"] == 1, again)

    def seen():
        return net.ask(f"register.{A}", do="status")["changes"]
    checks.check("only what needs no number is sent so far", seen()["queued"] == queued + 3, seen())
    waiting = net.ask(f"register.{A}", do="status")["persons"]["awaiting_number"]
    checks.check("the register says how many wait for a number", waiting == 4, waiting)
    net.up("agency")
    until(lambda: seen()["queued"] == queued + 6, 30)
    checks.check("three get their numbers; the dead keep theirs", town.quiet() and seen()["queued"] == queued + 6, seen())
    checks.check("and all of it is applied nationally",
                 net.ask("agency", do="status")["persons"]["versions"] == versions + 6 and seen()["refused"] == 0, seen())
    net.check_equal(checks, "every level agrees about the numbers", 30)


def numbers_are_waited_for(checks, net, town, row):
    net.down("agency")
    town.apply(newborn(f"{A}-newborn-2", row), {"reason": "ex_officio_amendment", "record": f"{A}-newborn-2",
                                                "set": {"name": "西宮　はる", "name_kana": "ニシノミヤ　ハル"}})
    def waiting():
        w = net.ask(f"cs.{A}", do="waiting")
        return w if w and w["waiting"] else None
    seen = until(waiting, 20)
    checks.check("a birth waits for its number while the agency is away", bool(seen), seen)
    if seen:
        checks.check("those that wait are listed with masked code and age",
                     "*" in seen["waiting"][0]["resident_code"] and seen["waiting"][0]["seconds"] >= 0, seen)
    net.up("agency")
    checks.check("the number comes, and what waited goes out in order", town.quiet(),
                 net.ask(f"register.{A}", do="problems"))
    left = net.ask(f"cs.{A}", do="waiting")
    checks.check("nobody waits any more", left and not left["waiting"], left)


def provisional_stays_inside(checks, net, town, row):
    """仮登録 is the register's own business; only 本登録 reaches the CS."""
    def entries():
        status = net.ask(f"cs.{A}", do="status")
        return net.ask(f"register.{A}", do="status")["changes"]["queued"], status["notices"], status.get("waiting_for_number")

    def heard():
        upper = net.peer(f"cs.{A}", "prefecture.28")
        return upper and upper["applied"] == upper["sent"]
    until(heard)  # word of the last ones came ahead of their outcomes
    path = net.folder / "provisional.jsonl"
    birth = {"event": "birth-1", "change_date": "2026-11-20", **newborn(f"{A}-newborn-3", row)}
    write_events(path, [birth])
    census, before = net.ask(f"cs.{A}", do="census"), entries()
    entered = net.run("register", "enter", str(net.dir), A, str(path))
    checks.check("a birth is entered provisionally", entered.returncode == 0, entered.stdout + entered.stderr)
    again = net.ask(f"register.{A}", do="enter", path=str(path))
    checks.check("once", again and again["refused"] == 1 and again["refusals"][0]["name"] == "EXISTS", again)
    listed = net.ask(f"register.{A}", do="provisional")["provisional"]
    checks.check("it is listed without a name",
                 [(p["id"], p["record"], p["reason"], p["date"]) for p in listed]
                 == [("birth-1", f"{A}-newborn-3", "birth", "2026-11-20")] and "西宮" not in str(listed), listed)
    text = net.run("register", "provisional", str(net.dir), A)
    checks.check("for a clerk too", text.returncode == 0 and f"{A}-newborn-3" in text.stdout, text.stdout + text.stderr)
    time.sleep(2)
    checks.check("nothing of it reaches the CS", net.ask(f"cs.{A}", do="census") == census and entries() == before,
                 (before, entries()))
    confirmed = net.run("register", "confirm", str(net.dir), A, "birth-1")
    checks.check("it is confirmed", confirmed.returncode == 0, confirmed.stdout + confirmed.stderr)
    checks.check("and now it is applied nationally", town.quiet() and net.ask(f"cs.{A}", do="census") != census
                 and entries()[0] == before[0] + 1, entries())
    gone = net.run("register", "confirm", str(net.dir), A, "birth-1")
    checks.check("what is confirmed no longer waits", gone.returncode == 1, gone.stdout + gone.stderr)
    write_events(path, [{**birth, "event": "birth-2", "record": f"{A}-newborn-4"}])
    entered = net.ask(f"register.{A}", do="enter", path=str(path))
    dropped = net.run("register", "withdraw", str(net.dir), A, "birth-2")
    left = net.ask(f"register.{A}", do="provisional")["provisional"]
    checks.check("what is withdrawn is gone", entered["taken"] == 1 and dropped.returncode == 0 and not left,
                 (entered, dropped.stderr, left))


def order_of_a_person(checks, net, town, row):
    before = net.ask("agency", do="status")["persons"]["versions"]
    town.apply(*[{"reason": "ex_officio_amendment", "record": row["record"],
                  "set": {"name": f"並木　順{'一二三四五六七八九'[i % 9]}"}} for i in range(200)])
    checks.check("200 changes of one person arrive", town.quiet())
    after = net.ask("agency", do="status")["persons"]["versions"]
    checks.check("each as a version of its own", after - before == 200, after - before)


def resend_changes_nothing(checks, net, town):
    before = {n: net.ask(n, do="census") for n in ("agency", "prefecture.28", f"cs.{A}")}
    entries = net.ask("prefecture.28", do="status")["notices"]["received"]
    sent = net.peer(f"cs.{A}", "prefecture.28")["acknowledged"]
    one = net.ask(f"cs.{A}", do="resend", peer="prefecture.28", first=sent, last=sent)
    many = net.ask(f"cs.{A}", do="resend", peer="prefecture.28", first=1, last=sent)
    register = net.ask(f"register.{A}", do="resend", first=1, last=20)
    checks.check("one notice, a range, and a range of register changes are sent again",
                 one["ok"] and many["ok"] and register["ok"], (one, many, register))
    none = net.ask(f"cs.{A}", do="resend", peer="prefecture.28", first=sent + 1000, last=sent + 1001)
    checks.check("what was never sent cannot be sent again", not none["ok"] and none["name"] == "RESEND_MISSING", none)
    time.sleep(1)
    checks.check("a resend changes nothing", all(net.ask(n, do="census") == before[n] for n in before))
    checks.check("nor counts twice", net.ask("prefecture.28", do="status")["notices"]["received"] == entries)


def a_taken_number_parks_only_its_person(checks, net, a, b, rows):
    thief = net.folder / "thief.csv"
    _, other = b.load(30, 9, "--with-codes")
    checks.check("the neighbour's residents arrive", b.quiet())
    row = dict(other[0], record="thief-1", household_number="999001",
               individual_number=rows[40]["individual_number"], resident_code="")
    with open(thief, "w", encoding="utf-8", newline="") as f:
        out = csv.DictWriter(f, other[0].keys())
        out.writeheader()
        out.writerow(row)
    net.ask(f"register.{B}", do="load", path=str(thief))
    def parked():
        e = net.ask("agency", do="errors")
        return e if e and e["errors"] else None
    seen = until(parked, 30)
    checks.check("a number that is another's goes on the agency's error list", bool(seen), seen)
    b.apply({"reason": "ex_officio_amendment", "record": "thief-1", "set": {"name": "後続　花子"}},
            {"reason": "ex_officio_amendment", "record": other[1]["record"], "set": {"name": "無関　係子"}})
    def behind():
        e = net.ask("agency", do="errors")
        return e if e and len(e["errors"]) == 2 else None
    seen = until(behind, 30)
    checks.check("a later notice of the same person waits behind it", bool(seen) and seen["errors"][1]["behind"], seen)
    problems = net.ask(f"register.{B}", do="problems")
    checks.check("the register sees which changes wait, whose, and why",
                 problems and any(p["name"] == "NUMBER_TAKEN" and p["record"] == "thief-1" and p["text"] and p["text_ja"]
                                  for p in problems["problems"]), problems)
    if seen:
        refused = net.ask("agency", do="error_release", id=seen["errors"][0]["id"])
        checks.check("a release tries again and finds the same", refused["ok"] and refused["applied"] == 0, refused)
        for item in seen["errors"]:
            net.ask("agency", do="error_refuse", id=item["id"])
    left = net.ask("agency", do="errors")
    checks.check("what is given up leaves the list", left and not left["errors"], left)
    def told():
        p = net.ask(f"register.{B}", do="problems")["problems"]
        return p if p and all(q["state"] == "refused" for q in p) else None
    problems = until(told, 30) or []
    checks.check("the register keeps the reason of what was given up",
                 any(p["name"] == "NUMBER_TAKEN" and p["record"] == "thief-1" for p in problems)
                 and all(p["name"] != "PEER_REFUSED" for p in problems), problems)


def strangers_knock_at_the_door(net):
    """Three connections without a certificate, within one minute."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    early_in_a_minute(10)
    port = net.node(f"cs.{A}")["door_port"]
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", port), 10) as plain, context.wrap_socket(plain) as s:
            s.sendall(b"GET /v1/status HTTP/1.1\r\nHost: cs\r\n\r\n")
            assert b" 403 " in s.recv(4096)


def stock_is_refilled(checks, net, town):
    before = net.ask(f"cs.{A}", do="status")["stock"]
    answer, _ = town.load(before["unused"] - 20, 77)
    checks.check("residents without codes draw nearly the whole stock", answer and answer.get("ok"), answer)
    checks.check("and get codes and numbers", town.quiet(120), net.ask(f"register.{A}", do="status"))
    def refilled():
        s = net.ask(f"cs.{A}", do="status")["stock"]
        return s if s["unused"] > 20 and s["level"] == 0 else None
    checks.check("the agency refilled the stock before it ran dry", bool(until(refilled, 30)),
                 net.ask(f"cs.{A}", do="status")["stock"])
    log = net.log(f"cs.{A}")
    checks.check("and the falling stock was said", "stock" in log, log[-300:])


def main():
    checks = Checks()
    with Network(A, B) as net:
        for area in (A, B):
            net.configure(f"cs.{area}", "codes: 10000", "codes: 300")
        net.up()
        a, b = Town(net, A), Town(net, B)
        answer, rows = a.load(400, 5, "--with-codes")
        checks.check("400 residents are loaded", answer and answer["taken"] == 400, answer)
        checks.check("and applied nationally", a.quiet())
        every_reason(checks, net, a, rows)
        other_numbers_come(checks, net, a, rows[100:])
        numbers_are_waited_for(checks, net, a, rows[50])
        provisional_stays_inside(checks, net, a, rows[55])
        order_of_a_person(checks, net, a, rows[60])
        resend_changes_nothing(checks, net, a)
        stock_is_refilled(checks, net, a)
        net.check_equal(checks, seconds=60)
        a_taken_number_parks_only_its_person(checks, net, a, b, rows)
        strangers_knock_at_the_door(net)
        net.down()
        shown = net.run("log", "show", str(net.dir), f"cs.{A}", "--last", "50")
        checks.check("who was turned away at the door stands in the ledger, counted in one entry",
                     shown.stdout.count("source door 127.0.0.1") == 1 and "count 3 last DOOR_CERTIFICATE" in shown.stdout,
                     shown.stdout + shown.stderr)
        net.check_logs(checks)
    checks.end()


main()

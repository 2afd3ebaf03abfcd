#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A person moves between municipalities, between real servers: 転出届, 転入届, 転入通知, 転出確定通知, and the everyday cases.

Three municipalities of two prefectures, one of them a designated city with wards."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import Checks, Network, until  # noqa: E402
from town import Town  # noqa: E402

NISHINOMIYA, TOYONAKA, KOBE = "282049", "272035", "281000"
NADA, HYOGO = "281026", "281051"  # wards of Kobe


def a_move(checks, net, a, b, row):
    """By certificate: the plan and what became of it stand side by side."""
    taken = a.leave(row, "2026-03-31", TOYONAKA, "大阪府豊中市中桜塚三丁目１番１号")
    checks.check("a move out is taken", taken and taken["taken"] == 1, taken)
    checks.check("the person is leaving", a.life(row["record"]) == "leaving", a.record(row["record"]))
    awaited = a.awaited()
    checks.check("and stands on the list of those whose notice has not come, with a due date",
                 [(w["record"], w["planned_on"], w["due"], w["to"]) for w in awaited] ==
                 [(row["record"], "2026-03-31", "2026-04-14", TOYONAKA)], awaited)
    entered = b.enter(row, "2026-03-29", TOYONAKA, "t-1", "大阪府豊中市本町一丁目２番３号", NISHINOMIYA)
    checks.check("the person enters with the same code", entered and entered["taken"] == 1, entered)
    until(lambda: a.life(row["record"]) == "removed", 30)
    was = a.record(row["record"])
    checks.check("the notice completes the removed record", was.get("life") == "removed", was)
    checks.check("plan and fact are kept apart",
                 (was["planned_on"], was["moved_to_area_code"], was["moved_to_address"], was["confirmed_on"],
                  was["confirmed_area_code"], was["confirmed_address"]) ==
                 ("2026-03-31", TOYONAKA, "大阪府豊中市中桜塚三丁目１番１号", "2026-03-29", TOYONAKA,
                  "大阪府豊中市本町一丁目２番３号"), was)
    checks.check("the earlier day executes the move", was["left_on"] == "2026-03-29", was)
    checks.check("nobody is waited for any more", a.awaited() == [], a.awaited())
    checks.check("both ends hear that all was applied", a.quiet() and b.quiet(),
                 (net.ask(f"register.{NISHINOMIYA}", do="problems"), net.ask(f"register.{TOYONAKA}", do="problems")))
    net.check_equal(checks, "every level agrees about the move")


def elsewhere_than_planned(checks, net, a, b, c, row):
    a.leave(row, "2026-04-10", TOYONAKA)
    entered = c.enter(row, "2026-04-05", NADA, "k-1", "兵庫県神戸市灘区桜口町四丁目２番１号", NISHINOMIYA)
    until(lambda: a.life(row["record"]) == "removed", 30)
    was = a.record(row["record"])
    checks.check("arrival elsewhere than planned: the plan stays, the fact is Kobe",
                 (was["moved_to_area_code"], was["confirmed_area_code"]) == (TOYONAKA, NADA), (entered, was))


def without_notification(checks, net, a, b, row):
    b.enter(row, "2026-04-02", TOYONAKA, "t-3", "大阪府豊中市刀根山元町５番１号", NISHINOMIYA)
    until(lambda: a.life(row["record"]) == "removed", 30)
    was = a.record(row["record"])
    checks.check("arrival without 転出届 removes ex officio and confirms",
                 was["life"] == "removed" and was["confirmed_on"] == "2026-04-02" and not was.get("planned_on"), was)


def cancelled_before(checks, net, a, row):
    left = a.leave(row, "2026-04-20", TOYONAKA)
    back = a.apply({"reason": "cancelled_removal", "record": row["record"], "change_date": "2026-04-12",
                    "cancels": f"{NISHINOMIYA}-t-{a.events}"})
    checks.check("転出取りやめ: the person lives here as before", a.life(row["record"]) == "current", (left, back))
    checks.check("and is not waited for", row["record"] not in str(a.awaited()), a.awaited())


def cancelled_after(checks, net, a, b, planned, unplanned):
    a.leave(planned, "2026-04-15", TOYONAKA)
    b.enter(planned, "2026-04-15", TOYONAKA, "t-5", "大阪府豊中市蛍池中町三丁目２番１号", NISHINOMIYA)
    event = b.events
    until(lambda: a.life(planned["record"]) == "removed", 30)
    b.apply({"reason": "cancelled_entry", "record": "t-5", "change_date": "2026-04-16",
             "cancels": f"{TOYONAKA}-t-{event}"})
    until(lambda: a.life(planned["record"]) == "leaving", 30)
    was = a.record(planned["record"])
    checks.check("a move in cancelled after its notice: the person is leaving again",
                 was["life"] == "leaving" and not was.get("confirmed_on") and was["planned_on"] == "2026-04-15", was)
    b.enter(unplanned, "2026-04-16", TOYONAKA, "t-6", "大阪府豊中市庄内西町二丁目１番１号", NISHINOMIYA)
    event = b.events
    until(lambda: a.life(unplanned["record"]) == "removed", 30)
    b.apply({"reason": "cancelled_entry", "record": "t-6", "change_date": "2026-04-17",
             "cancels": f"{TOYONAKA}-t-{event}"})
    until(lambda: a.life(unplanned["record"]) == "current", 30)
    checks.check("and who had filed no 転出届 lives here again", a.life(unplanned["record"]) == "current",
                 a.record(unplanned["record"]))


def corrected(checks, net, a, b, row):
    a.leave(row, "2026-04-18", TOYONAKA)
    b.enter(row, "2026-04-18", TOYONAKA, "t-7", "大阪府豊中市服部元町一丁目１番１号", NISHINOMIYA)
    until(lambda: a.life(row["record"]) == "removed", 30)
    b.apply({"reason": "clerical_correction", "record": "t-7", "change_date": "2026-04-20",
             "set": {"address": "大阪府豊中市服部元町一丁目１番２号", "resident_since": "2026-04-17"}})
    until(lambda: a.record(row["record"]).get("confirmed_on") == "2026-04-17", 30)
    was = a.record(row["record"])
    checks.check("a notice already taken is corrected by a newer one",
                 (was["confirmed_on"], was["confirmed_address"]) == ("2026-04-17", "大阪府豊中市服部元町一丁目１番２号"), was)


def ward_to_ward(checks, net, c, row):
    left = c.leave(row, "2026-05-01", HYOGO)
    entered = c.enter(row, "2026-05-01", HYOGO, "k-2", "兵庫県神戸市兵庫区荒田町一丁目２１番１号", NADA)
    until(lambda: c.life(row["record"]) == "removed", 30)
    was = c.record(row["record"])
    checks.check("from ward to ward inside one city", was["life"] == "removed" and was["confirmed_area_code"] == HYOGO,
                 (left, entered, was))
    checks.check("with the record of the new ward", c.life("k-2") == "current", c.record("k-2"))


def there_and_back(checks, net, a, b, row):
    """B's notice comes after the person is back: A's stay goes on, and the governor hears of it."""
    a.leave(row, "2026-05-10", TOYONAKA)
    net.down(f"cs.{TOYONAKA}")
    b.enter(row, "2026-05-10", TOYONAKA, "t-8", "大阪府豊中市岡町１番１号", NISHINOMIYA)
    b.leave({"record": "t-8"}, "2026-06-01", NISHINOMIYA)
    back = a.enter(row, "2026-06-01", NISHINOMIYA, "n-8", "兵庫県西宮市池田町９番７号", TOYONAKA)
    checks.check("the person is back before the first notice came", back["taken"] == 1 and a.life("n-8") == "current", back)
    net.up(f"cs.{TOYONAKA}")
    until(lambda: b.life("t-8") == "removed" and a.life(row["record"]) == "removed", 60)
    checks.check("both moves are settled", (b.life("t-8"), a.life(row["record"]), a.life("n-8")) ==
                 ("removed", "removed", "current"), (b.record("t-8"), a.record(row["record"]), a.record("n-8")))


def code_changed_on_the_way(checks, net, a, b, row):
    a.leave(row, "2026-06-10", TOYONAKA)
    a.apply({"reason": "code_change_request", "record": row["record"], "change_date": "2026-06-08"})
    entered = b.enter(row, "2026-06-10", TOYONAKA, "t-9", "大阪府豊中市曽根東町一丁目１番１号", NISHINOMIYA)
    until(lambda: a.life(row["record"]) == "removed", 30)
    checks.check("a notice under the code before a change finds the person", a.life(row["record"]) == "removed",
                 (entered, a.record(row["record"])))


def what_cannot_be_taken(checks, net, a, b, row, other):
    stranger = dict(row, resident_code=other["resident_code"], individual_number=other["individual_number"],
                    birth_date="1911-11-11")
    b.enter(stranger, "2026-06-12", TOYONAKA, "t-10", "大阪府豊中市上野東二丁目１番１号", NISHINOMIYA)
    errors = until(a.intake, 30)
    checks.check("a notice whose person is another here goes on the list of intake errors",
                 len(errors) == 1 and errors[0]["name"] == "MESSAGE_PERSON" and errors[0]["from"] == TOYONAKA, errors)
    checks.check("with a reason a clerk understands, and no number",
                 "生年月日" in errors[0]["text_ja"] and other["resident_code"] not in json.dumps(errors), errors)
    checks.check("nothing happened to the person", a.life(other["record"]) == "current", a.record(other["record"]))
    b.apply({"reason": "clerical_correction", "record": "t-10", "change_date": "2026-06-13",
             "set": {"birth_date": other["birth_date"]}})
    until(lambda: a.life(other["record"]) == "removed", 30)
    checks.check("the corrected notice is taken", a.life(other["record"]) == "removed", a.record(other["record"]))
    seen = net.ask(f"register.{NISHINOMIYA}", do="intake_seen", id=errors[0]["id"])
    checks.check("the error is looked at and gone", seen and seen["ok"] and a.intake() == [], (seen, a.intake()))
    b.enter(dict(row, resident_code="", individual_number=""), "2026-06-12", TOYONAKA, "t-11",
            "大阪府豊中市新千里東町一丁目１番", NISHINOMIYA)
    errors = until(a.intake, 30)
    checks.check("so does one whose person nobody knows", len(errors) == 1 and errors[0]["name"] == "EPISODE_UNKNOWN",
                 errors)
    again = net.ask(f"register.{NISHINOMIYA}", do="intake_again", id=errors[0]["id"])
    checks.check("tried again it says the same", again and not again["ok"] and again["name"] == "EPISODE_UNKNOWN", again)
    net.ask(f"register.{NISHINOMIYA}", do="intake_seen", id=errors[0]["id"])


def outside_the_network(checks, net, b, row):
    entered = b.enter(dict(row, resident_code="", individual_number=""), "2026-06-20", TOYONAKA, "t-12",
                      "大阪府豊中市玉井町一丁目１番１号", "131016")
    def problem():
        return [p for p in net.ask(f"register.{TOYONAKA}", do="problems")["problems"] if p["name"] == "NODE_UNKNOWN"]
    refused = until(problem, 30)
    checks.check("a municipality that is not in the network: refused, by letter then", len(refused) == 1,
                 (entered, refused))
    later = b.apply({"reason": "ex_officio_amendment", "record": "t-12", "change_date": "2026-06-21",
                     "set": {"name": "転入　済"}})
    checks.check("which stops nothing of the person", later["taken"] == 1 and until(
        lambda: net.ask(f"register.{TOYONAKA}", do="status")["changes"]["waiting"] == 0, 30), later)
    newer = until(lambda: [p for p in problem() if p["change"] > refused[0]["change"]], 30)
    checks.check("a corrected message stands in the place of the refused one", len(newer) == len(problem()) == 1, newer)
    given_up = net.ask(f"register.{TOYONAKA}", do="replace", change=newer[0]["change"], withdraw=True)
    checks.check("and is given up", given_up["ok"] and until(lambda: not problem(), 30), (given_up, net.ask(f"register.{TOYONAKA}", do="problems"), net.sql(f"register.{TOYONAKA}", "SELECT * FROM register_range")))


def nowhere_above(checks, net, *texts):
    """Notices between municipalities are kept by their CSs alone."""
    for node in ("agency", "prefecture.27", "prefecture.28"):
        kinds = net.run("log", "export", str(net.dir), node, str(net.folder / f"{node}.log"))
        checks.check(f"the log of {node} is read", kinds.returncode == 0, kinds.stderr)
        text = (net.folder / f"{node}.log").read_bytes()
        checks.check(f"no 転入通知 in it", b"move_in_notice" not in text, node)
        tables = net.sql(node, "SELECT count(*) FROM door_message").strip()
        checks.check(f"nor in the database of {node}", tables == "0", tables)


def main():
    checks = Checks()
    with Network(NISHINOMIYA, TOYONAKA, KOBE) as net:
        net.up()
        a, b, c = Town(net, NISHINOMIYA), Town(net, TOYONAKA), Town(net, KOBE)
        loaded, rows = a.load(NISHINOMIYA, 40, 11)
        _, kobe = c.load(NADA, 5, 12)
        checks.check("residents are loaded", loaded["taken"] == 40 and a.quiet() and c.quiet(), loaded)
        rows = iter(rows)
        a_move(checks, net, a, b, next(rows))
        elsewhere_than_planned(checks, net, a, b, c, next(rows))
        without_notification(checks, net, a, b, next(rows))
        cancelled_before(checks, net, a, next(rows))
        cancelled_after(checks, net, a, b, next(rows), next(rows))
        corrected(checks, net, a, b, next(rows))
        ward_to_ward(checks, net, c, kobe[0])
        there_and_back(checks, net, a, b, next(rows))
        code_changed_on_the_way(checks, net, a, b, next(rows))
        what_cannot_be_taken(checks, net, a, b, next(rows), next(rows))
        outside_the_network(checks, net, b, next(rows))
        checks.check("all is quiet", a.quiet() and b.quiet() and c.quiet(),
                     [net.ask(f"register.{t}", do="problems") for t in (NISHINOMIYA, TOYONAKA, KOBE)])
        net.check_equal(checks, "every level agrees at the end")
        nowhere_above(checks, net)
        net.check_logs(checks)
    checks.end()


if __name__ == "__main__":
    main()

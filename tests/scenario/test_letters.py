#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A clerk's letters at a real register: made, printed, sent, answered, and one that came from elsewhere."""
import datetime
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import Checks, Network  # noqa: E402

NISHINOMIYA, TOYONAKA = "282049", "272035"
WHO = "市民課　灘"
MARK = "cs.272035/cs.282049/17"


def letters(net, which):
    said = net.run("letter", "list", str(net.dir), NISHINOMIYA, "--filter", which, "--json")
    return json.loads(said.stdout)["letters"]


def step(net, verb, letter, *note):
    return net.run("letter", verb, str(net.dir), NISHINOMIYA, letter, WHO, *note)


def one_that_is_answered(checks, net):
    register = f"register.{NISHINOMIYA}"
    made = net.ask(register, do="letter_make", kind="move_in_inquiry", to=TOYONAKA, mark="event-1", who=WHO,
                   content={"氏名": "西宮　太郎"})
    checks.check("an inquiry is made", made["ok"] and made["letter"].endswith("-000001"), made)
    number = made["letter"]
    again = net.ask(register, do="letter_make", kind="move_in_inquiry", to=TOYONAKA, mark="event-1", who=WHO)
    checks.check("the same is not made twice", again["name"] == "EXISTS", again)
    lost = net.ask(register, do="letter_make", kind="move_in_inquiry", to="272036", mark="event-2", who=WHO)
    checks.check("a place that is none is refused", lost["name"] == "AREA_CODE_CHECK", lost)
    early = step(net, "sent", number)
    checks.check("it is not sent before it is printed", early.returncode == 1, early)
    checks.check("it is printed", step(net, "print", number).returncode == 0)
    checks.check("it is sent", step(net, "sent", number).returncode == 0)
    waiting = letters(net, "open")
    checks.check("its answer is waited for", [(w["letter"], w["state"]) for w in waiting] == [(number, "sent")] and
                 waiting[0]["due"] > waiting[0]["date"], waiting)
    checks.check("a list says nothing of its content", "太郎" not in str(waiting), waiting)
    checks.check("it is answered", step(net, "answered", number, "転入の届出あり").returncode == 0)
    checks.check("nothing is open", letters(net, "open") == [] and letters(net, "overdue") == [])
    shown = json.loads(net.run("letter", "show", str(net.dir), NISHINOMIYA, number).stdout)
    checks.check("its content and every step are kept", shown["content"] == {"氏名": "西宮　太郎"} and
                 [s["state"] for s in shown["steps"]] == ["made", "printed", "sent", "answered"] and
                 shown["steps"][3]["note"] == "転入の届出あり" and shown["steps"][0]["who"] == WHO, shown)


def one_that_came(checks, net):
    words = ("letter", "receive", str(net.dir), NISHINOMIYA, "move_in_notice_paper", TOYONAKA)
    today = datetime.date.today() - datetime.timedelta(days=1)
    came = net.run(*words, today.isoformat(), MARK, WHO)
    checks.check("a letter from elsewhere is entered", came.returncode == 0, came)
    checks.check("and stands on its list", [(x["letter"], x["from"], x["mark"]) for x in letters(net, "received")] ==
                 [(came.stdout.strip(), TOYONAKA, MARK)], letters(net, "received"))
    checks.check("once", net.run(*words, today.isoformat(), MARK, WHO).returncode == 1)
    checks.check("not with a day to come", net.run(*words, "2999-01-01", "other", WHO).returncode == 1)
    checks.check("nor a kind that is none", net.run("letter", "receive", str(net.dir), NISHINOMIYA, "postcard", TOYONAKA,
                                                    today.isoformat(), "other", WHO).returncode == 1)


def main():
    checks = Checks()
    with Network(NISHINOMIYA) as net:
        net.up()
        one_that_is_answered(checks, net)
        one_that_came(checks, net)
    checks.end()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Supplements of the family register follow their persons, between real servers: 戸籍の附票記載事項通知.

Three municipalities; afterwards every supplement is where the 本籍 is, by both registers' sums and by SQL."""
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import Checks, Network, until  # noqa: E402
from town import Town  # noqa: E402

NISHINOMIYA, TOYONAKA, ASHIYA = "282049", "272035", "282065"
TOWNS = (NISHINOMIYA, TOYONAKA, ASHIYA)
SEED = 20260401
PLACES = {NISHINOMIYA: "兵庫県西宮市池田町", TOYONAKA: "大阪府豊中市本町", ASHIYA: "兵庫県芦屋市精道町"}


def koseki(row, area, head):
    return dict(row, honseki_area_code=area, honseki=PLACES[area] + "１番地", honseki_head=head)


def kept(net, area, row):
    """The persons of a 戸籍 as the register of its 本籍 has them."""
    answer = net.ask(f"register.{area}", do="supplement_list", honseki=row["honseki"], head=row["honseki_head"])
    return answer["persons"] if answer and answer["ok"] else []


def stands(net, area, row, address):
    def there():
        return [p.get("address", "") for p in kept(net, area, row) if not p["removed"]] == [address]
    return until(there, 30)


def an_address(checks, net, a, b, row):
    """Lives in 豊中, 本籍 in 芦屋: moves within, then to 西宮, which alone tells of it."""
    b.enter(row, "2026-04-01", TOYONAKA, "t-1", "大阪府豊中市本町一丁目１番", "131016")
    checks.check("an entry is told where the 本籍 is", stands(net, ASHIYA, row, "大阪府豊中市本町一丁目１番"),
                 (kept(net, ASHIYA, row), net.ask(f"register.{ASHIYA}", do="intake", state="error")))
    b.apply({"reason": "move_within", "record": "t-1", "change_date": "2026-04-10",
             "set": {"address": "大阪府豊中市本町二丁目２番"}})
    checks.check("so is a move within", stands(net, ASHIYA, row, "大阪府豊中市本町二丁目２番"), kept(net, ASHIYA, row))
    b.leave({"record": "t-1"}, "2026-05-01", NISHINOMIYA)
    row = dict(row, resident_code=b.record("t-1")["resident_code"])
    a.enter(row, "2026-05-01", NISHINOMIYA, "n-1", "兵庫県西宮市池田町９番７号", TOYONAKA)
    checks.check("and the next place", stands(net, ASHIYA, row, "兵庫県西宮市池田町９番７号"), kept(net, ASHIYA, row))
    person = kept(net, ASHIYA, row)[0]["person"]
    shown = net.ask(f"register.{ASHIYA}", do="supplement_show", person=person)["supplement"]
    checks.check("with the history of addresses, newest last",
                 [(h["address"], h["address_since"]) for h in shown["history"]] ==
                 [("大阪府豊中市本町一丁目１番", "2026-04-01"), ("大阪府豊中市本町二丁目２番", "2026-04-10"),
                  ("兵庫県西宮市池田町９番７号", "2026-05-01")], shown)
    listed = net.run("supplement", "list", str(net.dir), ASHIYA, row["honseki"])
    told = net.run("supplement", "show", str(net.dir), ASHIYA, str(person))
    checks.check("a clerk lists them without codes, and looks at one with its code",
                 row["name"] in listed.stdout and row["resident_code"] not in listed.stdout
                 and row["resident_code"] in told.stdout, (listed, told.stderr))
    return row


def abroad_and_back(checks, net, a, b, row):
    a.apply({"reason": "move_out_abroad", "record": "n-1", "change_date": "2026-06-01"})
    checks.check("who goes abroad has no address on the supplement", stands(net, ASHIYA, row, ""), kept(net, ASHIYA, row))
    checks.check("but that he went", kept(net, ASHIYA, row)[0]["event"] == "abroad", kept(net, ASHIYA, row))
    values = {k: row[k] for k in ("name", "birth_date", "sex", "honseki_area_code", "honseki", "honseki_head",
                                  "resident_code")}
    back = b.apply({"reason": "move_in_from_abroad", "record": "t-2", "change_date": "2026-09-01", "set": {
        **values, "household_number": "h-t-2", "relationship": "世帯主", "area_code": TOYONAKA,
        "address": "大阪府豊中市岡町１番１号"}})
    checks.check("and has one again when he is back", stands(net, ASHIYA, row, "大阪府豊中市岡町１番１号"),
                 (back, kept(net, ASHIYA, row)))


def code_change(checks, net, b, row):
    b.apply({"reason": "code_change_request", "record": "t-2", "change_date": "2026-09-10"})
    b.apply({"reason": "move_within", "record": "t-2", "change_date": "2026-09-20",
             "set": {"address": "大阪府豊中市岡町２番２号"}})
    checks.check("a changed code finds the same person", stands(net, ASHIYA, row, "大阪府豊中市岡町２番２号")
                 and len(kept(net, ASHIYA, row)) == 1, kept(net, ASHIYA, row))


def line_down(checks, net, b, row):
    net.down(f"cs.{ASHIYA}")
    b.apply({"reason": "move_within", "record": "t-2", "change_date": "2026-10-01",
             "set": {"address": "大阪府豊中市岡町３番３号"}})
    net.up(f"cs.{ASHIYA}")
    checks.check("what was said while the line was down comes later", stands(net, ASHIYA, row, "大阪府豊中市岡町３番３号"),
                 kept(net, ASHIYA, row))


def own_honseki(checks, net, b, row):
    own = koseki(row, TOYONAKA, row["name"])
    b.apply({"reason": "ex_officio_amendment", "record": "t-2", "change_date": "2026-10-10", "set": {
        k: own[k] for k in ("honseki_area_code", "honseki", "honseki_head")}})
    checks.check("another 戸籍: the new one has the person", stands(net, TOYONAKA, own, "大阪府豊中市岡町３番３号"),
                 kept(net, TOYONAKA, own))
    checks.check("and the former one keeps a 除票", until(
        lambda: [p["removed"] for p in kept(net, ASHIYA, row)] == [True], 30), kept(net, ASHIYA, row))


def random_moves(checks, net, towns, rows):
    """People with their 本籍 anywhere move about; whoever is told late is told."""
    dice = random.Random(SEED)
    at = {i: NISHINOMIYA for i in range(len(rows))}
    record = {i: row["record"] for i, row in enumerate(rows)}
    for step in range(60):
        if step == 15:
            net.down(f"cs.{TOYONAKA}")
        if step == 40:
            net.up(f"cs.{TOYONAKA}")
        i = dice.randrange(len(rows))
        day = f"2027-{1 + step // 25:02d}-{1 + step % 25:02d}"
        here, there = at[i], dice.choice(TOWNS)
        address = f"{PLACES[there]}{step + 1}番"
        if here == there:
            taken = towns[here].apply({"reason": "move_within", "record": record[i], "change_date": day,
                                       "set": {"address": address}})
        else:
            towns[here].leave({"record": record[i]}, day, there)
            taken = towns[there].enter(rows[i], day, there, f"r-{step}", address, here)
            at[i], record[i] = there, f"r-{step}"
        if not taken or taken["taken"] != 1:
            checks.check(f"step {step} (seed {SEED}) is taken", False, taken)


def sums(net, homes):
    """By place of address and of 本籍, of all registers; who looks at one end has seen nothing of the other."""
    found = {}
    for area in TOWNS:
        for s in net.ask(f"register.{area}", do="supplement_census", homes=homes)["sums"]:
            if s["honseki_area_code"] in TOWNS and s["area_code"] in TOWNS:
                key = (s["area_code"], s["honseki_area_code"])
                count, digest = found.get(key, (0, 0))
                found[key] = (count + s["count"], digest ^ int(s["digest"], 16))
    return found


def by_sql(net, text):
    marks = ",".join(TOWNS)
    rows = []
    for area in TOWNS:
        rows += net.sql(f"register.{area}", text.format(marks=marks)).split("\n")
    return sorted(r for r in rows if r.strip())


SUPPLEMENTS = """SELECT s.code, s.area, s.address, s.address_since, p.area FROM register_supplement_person p
 JOIN register_supplement s ON s.id = p.standing WHERE p.state = 1 AND s.address <> '' AND s.area IN ({marks})"""
RESIDENTS = """SELECT r.code, r.area, r.address, r.address_since, r.honseki_area FROM register_person p
 JOIN register_resident r ON r.id = p.latest WHERE p.life = 1 AND r.foreigner = 0 AND r.honseki_area IN ({marks})"""


def every_supplement(checks, net):
    until(lambda: sums(net, True) == sums(net, False), 60)
    checks.check("every supplement is where the 本籍 is, by sums", sums(net, True) == sums(net, False) != {},
                 (sums(net, True), sums(net, False)))
    checks.check("and by what both ends hold", by_sql(net, SUPPLEMENTS) == by_sql(net, RESIDENTS),
                 set(by_sql(net, SUPPLEMENTS)) ^ set(by_sql(net, RESIDENTS)))


def main():
    checks = Checks()
    with Network(*TOWNS) as net:
        net.up()
        towns = {area: Town(net, area) for area in TOWNS}
        a, b = towns[NISHINOMIYA], towns[TOYONAKA]
        dice = random.Random(SEED)
        path = net.residents(NISHINOMIYA, 20, seed=31, extra=("--with-codes",))
        rows = rehome(path, lambda: dice.choice(TOWNS))
        loaded = net.ask(f"register.{NISHINOMIYA}", do="load", path=str(path))
        checks.check("residents are loaded", loaded["taken"] == 20 and a.quiet(), loaded)
        for area in TOWNS:
            told = net.ask(f"register.{area}", do="supplement_announce")
            japanese = sum(1 for r in rows if r["honseki"]) if area == NISHINOMIYA else 0
            checks.check(f"{area} announces its residents", told and told["told"] == japanese, told)
        every_supplement(checks, net)
        some = next(r for r in rows if r["honseki"])
        person = koseki(dict(some, name="芦屋　旅人", name_kana="", birth_date="1977-07-07", resident_code="",
                             individual_number=""), ASHIYA, "芦屋　旅人")
        person = an_address(checks, net, a, b, person)
        abroad_and_back(checks, net, a, b, person)
        code_change(checks, net, b, person)
        line_down(checks, net, b, person)
        own_honseki(checks, net, b, person)
        random_moves(checks, net, towns, [r for r in rows if r["honseki"]])
        every_supplement(checks, net)
        checks.check("nothing could not be taken", all(t.intake() == [] for t in towns.values()),
                     [t.intake() for t in towns.values()])
        nowhere_above(checks, net)
        net.check_logs(checks)
    checks.end()


def rehome(path, draw):
    """The 本籍 of the loaded residents in the municipalities of this network, household by household."""
    import csv
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        names, rows = reader.fieldnames, list(reader)
    homes = {}
    for row in rows:
        if row["honseki"]:
            area = homes.setdefault(row["honseki_head"], draw())
            row.update(koseki(row, area, row["honseki_head"]))
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    return rows


def nowhere_above(checks, net):
    for node in ("agency", "prefecture.27", "prefecture.28"):
        exported = net.run("log", "export", str(net.dir), node, str(net.folder / f"{node}.log"))
        text = (net.folder / f"{node}.log").read_bytes() if exported.returncode == 0 else b"koseki_supplement"
        checks.check(f"no supplement in the log of {node}", b"koseki_supplement" not in text, exported.stderr)


if __name__ == "__main__":
    main()

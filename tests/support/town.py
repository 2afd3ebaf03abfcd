# SPDX-License-Identifier: Apache-2.0
"""A municipality's register, as tests of moves speak with it."""
from network import until
from traffic import rows_of, write_events

KEPT = ("name", "name_kana", "birth_date", "sex", "nationality_kind", "nationality", "residence_status",
        "residence_period", "residence_until", "honseki_area_code", "honseki", "honseki_head", "alias", "alias_kana",
        "former_name", "former_name_kana", "individual_number", "resident_code")


class Town:
    def __init__(self, net, area):
        self.net, self.area, self.events = net, area, 0

    def load(self, area, count, seed):
        path = self.net.residents(area, count, seed=seed, extra=("--with-codes",))
        answer = self.net.ask(f"register.{self.area}", do="load", path=str(path))
        return answer, rows_of(path)

    def apply(self, *events):
        path = write_events(self.net.folder / f"events-{self.area}-{self.events}.jsonl", [
            {"event": f"{self.area}-t-{self.events + i}", **e} for i, e in enumerate(events, 1)])
        self.events += len(events)
        return self.net.ask(f"register.{self.area}", do="apply", path=str(path))

    def leave(self, row, day, to, address="新しい住所１番地"):
        return self.apply({"reason": "domestic_move_out", "record": row["record"], "change_date": day, "planned": True,
                           "moved_to_area_code": to, "moved_to_address": address})

    def enter(self, row, day, area, record, address, source, **more):
        values = {k: row[k] for k in KEPT if row.get(k)}
        return self.apply({"reason": "domestic_move_in", "record": record, "change_date": day, "set": {
            **values, "household_number": f"h-{record}", "relationship": "世帯主", "area_code": area, "address": address,
            "moved_from_area_code": source, "moved_from_address": row["address"], **more}})

    def record(self, name):
        answer = self.net.ask(f"register.{self.area}", do="record", record=name)
        return answer.get("record") if answer and answer["ok"] else answer

    def life(self, name):
        return (self.record(name) or {}).get("life")

    def quiet(self, seconds=60):
        def done():
            s = self.net.ask(f"register.{self.area}", do="status")
            return s and s["changes"]["queued"] == s["changes"]["applied"] + s["changes"]["refused"] + \
                s["changes"]["replaced"]
        return until(done, seconds)

    def intake(self, state="error"):
        return self.net.ask(f"register.{self.area}", do="intake", state=state)["messages"]

    def awaited(self):
        return self.net.ask(f"register.{self.area}", do="awaited")["awaited"]

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""支援措置 at a real register: applied for, decided, released for one act, ended; and nothing of it leaves."""
import datetime
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import Checks, Network  # noqa: E402
from traffic import rows_of  # noqa: E402

AREA = "282049"
WHO = {"who": "市民課　灘"}
TARGETS = ["resident_record", "removed_record", "supplement", "removed_supplement"]


def main():
    checks = Checks()
    with Network(AREA) as net:
        net.up()
        path = net.residents(AREA, 3, seed=5, extra=("--with-codes",))
        record = rows_of(path)[0]["record"]

        def ask(**question):
            return net.ask(f"register.{AREA}", **question)

        ask(do="load", path=str(path))
        queued = ask(do="status")["changes"]["queued"]
        application = {"do": "restraint_apply", "records": [record], "targets": TARGETS, "whom": "某",
                       "applied": (datetime.date.today() - datetime.timedelta(days=1)).isoformat(), **WHO}
        wrong = ask(**{**application, "targets": ["koseki"]})
        checks.check("a target that is none is refused", wrong["name"] == "FIELD_RANGE", wrong)
        lost = ask(**{**application, "records": ["nobody"]})
        checks.check("so is a record that is none", lost["name"] == "NOT_FOUND", lost)
        made = ask(**application)
        checks.check("an application is taken", made["ok"], made)
        step = {"do": "restraint_step", "restraint": made["restraint"], **WHO}
        early = ask(**step, step="extend")
        checks.check("it is not extended before it is decided", early["name"] == "STATE", early)
        silent = ask(**step, step="accept")
        checks.check("nor accepted without an opinion", silent["name"] == "FIELD_MISSING", silent)
        checks.check("it is accepted", ask(**step, step="accept", note="西宮警察署")["ok"])
        listed = ask(do="restraints")["restraints"]
        checks.check("it is listed with its year", len(listed) == 1 and listed[0]["state"] == "accepted" and
                     listed[0]["targets"] == TARGETS and listed[0]["first"] < listed[0]["last"] and
                     not listed[0]["ends_soon"], listed)
        checks.check("a list says nothing of from whom", "某" not in str(listed), listed)
        late = ask(do="restraint_release", restraint=made["restraint"], minutes=1440, note="本人の請求", **WHO)
        checks.check("no release lasts into the next day", late["name"] == "FIELD_RANGE", late)
        checks.check("it is ended", ask(**step, step="end", note="本人の申出")["ok"])
        checks.check("and only listed with all", ask(do="restraints")["restraints"] == [] and
                     ask(do="restraints", all=True)["restraints"][0]["state"] == "ended")
        checks.check("the CS was told nothing", ask(do="status")["changes"]["queued"] == queued)
    checks.end()


if __name__ == "__main__":
    main()

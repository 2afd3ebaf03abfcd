#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Servers on PostgreSQL: each by one line of its configuration beside others on SQLite, then all; and what faults do to them.

Residents with codes, residents whose codes are drawn and numbers generated, and changes of name are fed while sessions are
ended, answers to COMMIT are swallowed, and PostgreSQL is stopped in order, crashed, and kept away for longer than a lost
commit is asked for when a program ends. No server is started again for it. Afterwards: nothing lost, nothing doubled (each
level has exactly one version a change), every log proves itself.
"""
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import Checks, Network  # noqa: E402
from postgres import Postgres, Wire, database_of, need_postgres  # noqa: E402
from traffic import Round, check_everywhere  # noqa: E402

AREA = "282049"
NODES = ["agency", "prefecture.28", f"cs.{AREA}", f"register.{AREA}"]
LONG = "--long" in sys.argv
ROUNDS = 30 if LONG else 1
CODED, FRESH, RENAMED, RENAMES = 100, 15, 4, 4


def small_stock(net):
    """A few resident codes at a time: ten thousand are ten thousand trips through a wire of Python."""
    net.configure(f"cs.{AREA}", "codes: 10000", "codes: 200")


def work(net, number):
    return Round(net, AREA, number, CODED, FRESH, RENAMED, RENAMES)


def by_one_line(checks, postgres, moved):
    """One line in each of these; the others stay on SQLite, so that neighbours are on different stores."""
    what = " and ".join(moved) + " on PostgreSQL"
    with Network(AREA) as net:
        small_stock(net)
        for node in moved:
            postgres.move(net, node)
        net.up()
        one = work(net, 0)
        one.feed()
        check_everywhere(checks, net, AREA, one.persons, one.changes, what)
        net.check_logs(checks, f"{what}: every log proves itself")
        for node in NODES:
            on_sqlite = (net.dir / node / "data" / "juki.db").exists()
            tables = node in moved and int(postgres.sql("SELECT count(*) FROM db_schema", database_of(node)))
            checks.check(f"{what}: {node} keeps its records there", on_sqlite == (node not in moved) == (not tables),
                         (on_sqlite, tables))
        net.down()
        net.check_logs(checks, f"{what}: every log proves itself when it is stopped")
    for node in moved:
        postgres.sql(f"DROP DATABASE {database_of(node)}")


def end_sessions(postgres, wire, chance):
    for _ in range(6):
        postgres.terminate(chance.choice(NODES))
        time.sleep(chance.uniform(0, 0.15))


def swallow_answers(postgres, wire, chance):
    wire.swallow(10)


def restart(mode, away):
    def fault(postgres, wire, chance):
        postgres.stop(mode)
        time.sleep(away)
        postgres.start()
    return fault


FAULTS = [
    ("sessions are ended", end_sessions),
    ("answers to COMMIT are swallowed", swallow_answers),
    ("PostgreSQL starts again", restart("fast", 0)),
    ("PostgreSQL crashes", restart("immediate", 0)),
]
AWAY = ("PostgreSQL is away for 12 s", restart("immediate", 12))


def with_faults(checks, postgres, chance):
    wire = Wire(postgres.port)
    postgres.make_databases(NODES)
    with Network(AREA, options=("--postgresql", postgres.url(wire.port))) as net:
        small_stock(net)
        net.up()
        backends = {n: (net.ask(n, do="status") or {}).get("database", {}).get("backend") for n in NODES[:3]}
        checks.check("all servers are on PostgreSQL", set(backends.values()) == {"postgresql"}, backends)
        pids = {n: net.pid(n) for n in NODES}
        rounds = []
        for number in range(ROUNDS):
            for what, fault in FAULTS + ([AWAY] if number == 0 else []):
                rounds.append(one := work(net, 100 * number + FAULTS.index((what, fault)) if what != AWAY[0] else 99))
                stop = threading.Event()
                feeder = threading.Thread(target=one.feed, args=(stop,))
                feeder.start()
                time.sleep(chance.uniform(0.05, 0.4))
                fault(postgres, wire, chance)
                feeder.join(timeout=120)
                checks.check(f"round {number}: {what}, and what is given is taken", not feeder.is_alive())
                stop.set()
        check_everywhere(checks, net, AREA, sum(r.persons for r in rounds), sum(r.changes for r in rounds), "after the faults")
        net.check_logs(checks, "after the faults: every log proves itself")
        checks.check("answers were really swallowed", wire.swallowed >= 5, wire.swallowed)
        alive = {n: pathlib.Path(f"/proc/{p}").exists() for n, p in pids.items()}
        checks.check("no server was started again for it", all(alive.values()) and pids == {n: net.pid(n) for n in NODES},
                     alive)
        postgres.check_streams(checks, NODES[:3])
        net.down()
        net.check_logs(checks, "every log proves itself when all are stopped")
    wire.close()


def main():
    need_postgres()
    checks = Checks()
    seed = int(time.time())
    print(f"seed {seed}, {ROUNDS} rounds")
    with Postgres() as postgres:
        for moved in (NODES[0::2], NODES[1::2]):  # every server, and every two neighbours on different stores
            by_one_line(checks, postgres, moved)
        with_faults(checks, postgres, random.Random(seed))
    checks.end()


main()

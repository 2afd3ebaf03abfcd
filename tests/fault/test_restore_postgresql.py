#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server on PostgreSQL comes back from an hour ago by pg_dump and pg_restore, and `juki restore --raise-epoch`.

The dump is made while changes run. It is restored under the server that still runs, which must notice and write nothing more.
In its new life nothing is lost and nothing doubled, and the fork of its log is told at both ends. The same dump in a second
database, with a process of its own, is the old twin: refused and alarmed. With --long every server, each twice from one dump.
"""
import os
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from lives import AGENCY, AREA, CS, NODES, PREFECTURE, REGISTER, World, copied, twins_beside  # noqa: E402
from network import Checks, Network  # noqa: E402
from postgres import Postgres, database_of, need_postgres  # noqa: E402

LONG = "--long" in sys.argv
TWIN = "juki_twin"
RESTORED = ([(AGENCY, None), (PREFECTURE, AGENCY)] if LONG else []) + [(CS, PREFECTURE)]


def dumps_while_changes_run(w, postgres):
    loads = threading.Thread(target=lambda: [w.load(20) for _ in range(3)])
    loads.start()
    made = {node: postgres.dump(node) for node, _ in RESTORED}
    loads.join()
    return made


def restored_under_it(w, postgres, node, path):
    """An operator forgot to stop it: it must not work on with what it remembers."""
    net, checks, pid = w.net, w.checks, w.net.pid(node)
    w.no_new_life_yet(node)
    postgres.restore(path, database_of(node))
    before = postgres.sql("SELECT max(number) FROM db_commit", database_of(node))
    w.wait(f"{node}: ends when another database is under it", lambda: not net.alive(pid), 60)
    checks.check(f"{node}: and says why", "event=database_lost" in w.net.log(node), w.net.log(node)[-800:])
    after = postgres.sql("SELECT max(number) FROM db_commit", database_of(node))
    checks.check(f"{node}: it wrote nothing into it", before == after, (before, after))


def restored_from_an_hour_ago(w, postgres, node, upper, path):
    if upper:
        w.heads_shown(node, upper)
    epoch = w.net.ask(node, do="status")["epoch"]
    restored_under_it(w, postgres, node, path)
    w.checks.check(f"{node}: an epoch above those before", w.new_life(node) > epoch, epoch)
    w.load(8, drawn=4)
    w.counted(f"{node} restored")
    if upper:
        w.fork_is_told(node, upper)


def old_twin(w, postgres, node, path):
    """The folder's copy on a database of its own, which is the dump as it was."""
    folder = copied(w, node, "twin")
    postgres.restore(path, TWIN)
    yaml = folder / "juki.yaml"
    yaml.write_text(yaml.read_text().replace(f"/{database_of(node)}\"", f"/{TWIN}\""))
    w.checks.check("the twin has a database of its own", TWIN in yaml.read_text(), yaml.read_text())
    twins_beside(w, {node: folder})


def scenario(checks, postgres, net):
    w = World(net, checks, lambda node, sql: postgres.sql(sql, database_of(node)))
    net.up()
    w.load(30, drawn=6)
    w.counted("at first")
    for node, upper in RESTORED:
        if upper:
            w.heads_shown(node, upper)
    made = dumps_while_changes_run(w, postgres)
    w.an_hour_passes()
    w.load(12, drawn=3)
    w.counted("an hour later")
    for node, upper in RESTORED * (2 if LONG else 1):
        restored_from_an_hour_ago(w, postgres, node, upper, made[node])
    old_twin(w, postgres, CS, made[CS])
    postgres.check_streams(checks, NODES)
    net.down()
    net.check_logs(checks)


def main():
    need_postgres()
    checks = Checks()
    os.environ["JUKI_CLOCK_SHIFT"] = "0"
    with Postgres() as postgres, Network(AREA, options=("--postgresql", postgres.url())) as net:
        postgres.make_databases(NODES + [REGISTER])
        scenario(checks, postgres, net)
    checks.end()


main()

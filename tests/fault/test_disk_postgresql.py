#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server on a PostgreSQL whose disk fills to the last byte, beside neighbours on SQLite.

The server takes nothing, says that it is not ready, and lives on; its neighbours keep what they have and go on. PostgreSQL itself
may end when its own log finds no room: then this script starts it again when there is room, as an administrator would. After
that all goes on without help: nothing is lost, nothing doubled.

Once with the communication server; --long also with each other server, and with the register."""
import os
import pathlib
import pwd
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from disk import Disk, need_own_mounts  # noqa: E402
from network import Checks, Network, until  # noqa: E402
from postgres import Postgres, database_of, need_postgres  # noqa: E402
from traffic import Town, check_end  # noqa: E402

AREA = "282049"
CS, REGISTER = f"cs.{AREA}", f"register.{AREA}"
SIZE = 128  # MiB
MOVED = [CS, "prefecture.28", "agency", REGISTER] if "--long" in sys.argv else [CS]


def ready(net, node):
    s = net.ask(node, do="status")
    return s and s["ok"] and s["ready"]


def fill(net, town, node, disk):
    """People are renamed until the server says that it cannot write, or the register that it has no room for more: PostgreSQL
    has some pages and logs in reserve. What was refused, to be given again later."""
    disk.leave(0)
    for _ in range(200):
        answer = net.ask(REGISTER, do="apply", path=str(path := town.write(20)))
        if not answer or not answer["ok"]:
            return path, answer
        town.changes += 20
        path.unlink()
        if until(lambda: not ready(net, node), 0.2):
            break
        disk.leave(0)
    return None, None


def with_full_disk(checks, postgres, disk, node):
    what = f"{node} on a full PostgreSQL"
    with Network(AREA) as net:
        postgres.move(net, node)
        net.up()
        town = Town(net, AREA, 40)
        town.check_settled(checks, f"{what}: the beginning")
        pids = {n: net.pid(n) for n in ("agency", "prefecture.28", CS, REGISTER)}
        left, refused = fill(net, town, node, disk)
        told = net.ask(node, do="status")
        checks.check(f"{what}: it says that it is not ready, or has no room for this change",
                     told and not (told["ok"] and told.get("ready")) or refused and refused["name"] == "DB_FULL", (told, refused))
        others = {n: bool(ready(net, n)) for n in pids if n != node}
        checks.check(f"{what}: its neighbours are", all(others.values()), others)
        checks.check(f"{what}: all live on", all(net.alive(p) and net.pid(n) == p for n, p in pids.items()), pids)
        ended = postgres.process.poll() is not None
        disk.clear()
        if ended:
            postgres.stop("immediate")
            postgres.start()
        print(f"{what}: {told.get('name') if told else None}; PostgreSQL {'ended' if ended else 'lived on'}, {town.changes} changes")
        if left:
            town.changes += 20
            checks.check(f"{what}: what was refused is taken now", until(
                lambda: (a := net.ask(REGISTER, do="apply", path=str(left))) and a["ok"]))
        checks.check(f"{what}: with room again it is ready", until(lambda: ready(net, node)), net.ask(node, do="status"))
        town.check_settled(checks, f"{what}: with room again")
        checks.check(f"{what}: nobody was started again", all(net.alive(p) and net.pid(n) == p for n, p in pids.items()), pids)
        check_end(checks, net, [town])
    postgres.sql(f"DROP DATABASE {database_of(node)}")


def main():
    need_postgres()
    need_own_mounts()
    checks = Checks()
    disks = []
    user = pwd.getpwnam("postgres") if os.getuid() == 0 else None

    def on_disk(folder):
        disks.append(Disk(folder, SIZE, user))

    with Postgres(small=on_disk) as postgres:
        try:
            for node in MOVED:
                with_full_disk(checks, postgres, disks[0], node)
        finally:
            postgres.stop("immediate")
            disks[0].release()
    checks.end()


main()

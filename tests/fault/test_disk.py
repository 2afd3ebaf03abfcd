#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that fills: a communication server whose database lies on a small filesystem of its own (a tmpfs, so this needs
the right to mount).

While it fills, 30 % and 10 % are said once each; below the configured share new work is refused with DISK_LOW, and what is
on its way goes on. When it is full to the last byte a write fails and the server ends. With room again all goes on without
help: nothing is lost, nothing doubled."""
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import Checks, Network  # noqa: E402
from traffic import Town, check_end  # noqa: E402

AREA = "282049"
CS, PREFECTURE, REGISTER = f"cs.{AREA}", "prefecture.28", f"register.{AREA}"
MIB = 1 << 20
SIZE = 48  # MiB; the log of changes takes 8 from the start


def until(question, seconds=60):
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.05)


class Disk:
    def __init__(self, folder):
        self.folder, self.ballast = folder, folder / "ballast"
        self.mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}m,mode=700", "tmpfs", str(folder)],
                                      capture_output=True, check=False).returncode == 0

    def leave(self, percent):
        """Fills it until so much is free; 0: to the last byte."""
        with open(self.ballast, "ab", buffering=0) as f:
            while percent < self.free():
                try:
                    f.write(bytes(MIB // 16))
                except OSError:
                    break

    def free(self):
        s = os.statvfs(self.folder)
        return s.f_bavail * 100 / s.f_blocks

    def clear(self):
        self.ballast.unlink()

    def release(self):
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=False)


def watch_disk(net, percent):
    path = net.dir / CS / "juki.yaml"
    text, count = re.subn(r"least_percent: \d+", f"least_percent: {percent}", path.read_text())
    assert count == 1
    path.write_text(text)


def log(net):
    return (net.dir / CS / "log" / "juki.log").read_text()


def said(net, event):
    return len(re.findall(event, log(net)))


def pool_level(net):
    s = net.ask(CS, do="status")
    return next((p["level"] for p in s["pools"] if p["pool"] == "disk"), None) if s and s["ok"] else None


def peer(net, node, name):
    s = net.ask(node, do="status")
    return next((p for p in s["peers"] if p["node"] == name), {}) if s and s["ok"] else {}


def it_fills(checks, net, town, disk):
    checks.check("at first the disk is wide", until(lambda: pool_level(net) == 0), disk.free())
    disk.leave(25)
    checks.check("30 % is said", until(lambda: pool_level(net) == 1), disk.free())
    shown = net.run("status", str(net.dir)).stdout
    checks.check("juki status shows it", re.search(r"! disk: \d+ % left", shown), shown)
    town.rename(2)
    town.check_settled(checks, "with a quarter of the disk")
    net.down(PREFECTURE)
    town.rename(3)
    checks.check("the server takes what it cannot pass on yet", until(lambda: peer(net, CS, PREFECTURE).get("waiting") == 3))
    disk.leave(8)
    checks.check("10 % is said", until(lambda: pool_level(net) == 2), disk.free())
    checks.check("new work is refused from now on", until(lambda: said(net, "event=disk_low") == 1))
    town.rename(4)
    checks.check("the register hears why", until(lambda: said(net, "door_refused error=DISK_LOW")), log(net)[-600:])
    net.up(PREFECTURE)
    checks.check("what was taken leaves, and its receipts are kept", until(lambda: peer(net, CS, PREFECTURE).get("waiting") == 0))
    s = town.status()["changes"]
    checks.check("nothing of the new work was taken", s["queued"] - s["applied"] >= 4, s)
    checks.check("each level was said once", said(net, "event=pool_low pool=disk") == 2, log(net)[-600:])
    disk.clear()
    town.check_settled(checks, "with room again")


def it_is_full(checks, net, disk):
    """The share is not watched here: only the disk itself says no."""
    net.down(CS)
    watch_disk(net, 0)
    net.up(CS)
    pid = net.pid(CS)
    disk.leave(0)
    towns = [Town(net, AREA, 1500, seed=2)]
    while not until(lambda: not net.alive(pid), 5) and len(towns) < 8:
        towns.append(Town(net, AREA, 1500, seed=2 + len(towns)))
    checks.check("a server that cannot write ends", not net.alive(pid), disk.free())
    checks.check("and says why", said(net, "alarm event=storage_broken"), log(net)[-600:])
    net.run("up", str(net.dir), CS)  # whether it comes up or not, it does no harm
    disk.clear()
    net.up(CS)
    return sum(t.persons for t in towns)


def main():
    checks = Checks()
    with Network(AREA) as net:
        data = net.dir / CS / "data"
        data.mkdir(exist_ok=True)
        disk = Disk(data)
        if not disk.mounted:
            print("left out: mounting a small filesystem is not allowed here\n0 passed, 0 failed, 1 skipped")
            return
        try:
            watch_disk(net, 10)
            net.up()
            town = Town(net, AREA, 20)
            town.check_settled(checks, "the beginning")
            it_fills(checks, net, town, disk)
            town.persons += it_is_full(checks, net, disk)  # one register, one row of changes
            town.check_settled(checks, "after the full disk", 120)
            check_end(checks, net, [town])
        finally:
            net.run("down", str(net.dir), "--kill")
            disk.release()
    checks.end()


main()

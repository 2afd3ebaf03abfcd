#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The network under steady load and faults for as long as one likes: an hour with --long, some seconds otherwise.

    test_soak.py [--long] [--seconds N] [--seed N]

Two municipalities, each with its prefecture. One works steadily, a change at a time with its outcome waited for, and a stream of
others beside it. The other works in bursts and has the accidents: its servers are killed and started, its line is cut; sent notices
are sent again, clocks jump, backups are made, all of it also on the steady side. Memory (without SQLite's page caches, which are bounded and
fill slowly), descriptors, threads and WAL of the servers that are never killed are sampled and must level off: the slope of the second half is taken by medians. From ten
minutes on that is asserted; with --long so is the p99 of the last ten minutes, within 1.2 of the first ten.
"""
import argparse
import os
import pathlib
import random
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from line import put_before  # noqa: E402
from network import Checks, Network  # noqa: E402
from traffic import Town, check_end, servers  # noqa: E402

STEADY, SHAKY = "282049", "131016"
KEPT = ["agency", "prefecture.28", f"cs.{STEADY}", f"register.{STEADY}"]
KILLED = ["prefecture.13", f"cs.{SHAKY}", f"register.{SHAKY}"]
BURST, STREAM = 20, 10
# who lives there: a city, of which an hour's changes do not make another, and a town; or some people, when it is to be short
PERSONS = {True: (50000, 5000), False: (200, 200)}
# what may be added in the second half: memory that is not SQLite's KiB, descriptors, threads, WAL KiB; and in parts of what is there
ALLOWED = {"memory": (4096, 0.1), "descriptors": (4, 0), "threads": (4, 0), "wal": (4096, 0.25)}
CACHES = 96 * 1024  # KiB: SQLite's page caches (64 MiB of the writer, 2 of each reader) fill before they level off


def options():
    p = argparse.ArgumentParser()
    p.add_argument("--long", action="store_true")
    p.add_argument("--seconds", type=float)
    p.add_argument("--seed", type=int, default=int(time.time()))
    o = p.parse_args()
    o.seconds = o.seconds or (3600 if o.long else 15)
    return o


class Loop(threading.Thread):
    """Calls again and again until the end; an error of one call is kept and ends it. A call may return what it was; what ran when is kept."""

    def __init__(self, what, call, pause):
        super().__init__(daemon=True)
        self.what, self.call, self.pause, self.error = what, call, pause, None
        self.ran = []  # (what, begin, end)
        self.ended = threading.Event()
        self.start()

    def run(self):
        try:
            while not self.ended.is_set():
                at = time.monotonic()
                self.ran.append((self.call() or self.what, at, time.monotonic()))
                self.ended.wait(self.pause())
        except Exception as e:  # noqa: BLE001  (it is reported as a failed check)
            self.error = repr(e)

    def end(self, checks):
        self.ended.set()
        self.join(120)
        checks.check(f"{self.what} went on to the end", not self.error and not self.is_alive(), self.error)


class Probe:
    """One change at a time in the steady municipality: how long until its outcome is back at the register."""

    def __init__(self, town, lock):
        self.town, self.lock, self.begin, self.times = town, lock, time.monotonic(), []

    def once(self):
        with self.lock:
            answer = self.town.rename(1)
        at = time.monotonic()
        change = answer["last_change"]
        back = self.town.ask("outcome", first=change, last=change, wait=60)
        if back["applied"] != 1:
            raise AssertionError(f"change {change}: {back}")
        self.times.append((at - self.begin, time.monotonic() - at))


class Disk:
    """What a flush costs without the network: a page appended and on disk, now and then. To read the latency beside it."""

    def __init__(self, folder):
        self.file, self.begin, self.times = open(folder / "flushed", "wb", buffering=0), time.monotonic(), []

    def once(self):
        at = time.monotonic()
        self.file.write(bytes(4096))
        os.fdatasync(self.file.fileno())
        self.times.append((at - self.begin, time.monotonic() - at))


def quantile(times, first, last, q=0.99):
    """Of what began within these seconds, in milliseconds."""
    took = sorted(t for at, t in times if first <= at < last)
    return round(took[int((len(took) - 1) * q)] * 1000, 2) if took else None


def sample(net, node):
    """What one server holds now; None when it does not answer."""
    try:
        proc = pathlib.Path(f"/proc/{net.pid(node)}")
        status = (proc / "status").read_text()
        rss = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
        held = {"rss": rss, "descriptors": len(list((proc / "fd").iterdir())), "threads": len(list((proc / "task").iterdir()))}
    except (OSError, ValueError, StopIteration):
        return None
    answer = net.ask(node, do="status")
    if answer and answer.get("ok"):
        held["wal"] = answer["database"]["wal_bytes"] // 1024
        held["sqlite"] = answer["database"]["memory_bytes"] // 1024
        held["memory"] = held["rss"] - held["sqlite"]
    return held


class Accidents:
    """One thing that goes wrong at a time, in a random order that the seed gives."""

    def __init__(self, net, line, seed):
        self.net, self.line, self.chance, self.done = net, line, random.Random(seed), {}
        self.key = net.folder / "backup.key"
        self.backups = net.run("backup", "key", str(self.key)).returncode == 0

    def once(self):
        what = self.chance.choice([self.kill, self.cut, self.resend, self.clock, self.backup])
        self.done[what.__name__] = self.done.get(what.__name__, 0) + 1
        node = what()
        return f"{what.__name__} {node.split('.')[0]}" if node else what.__name__

    def kill(self):
        node = self.chance.choice(KILLED)
        self.net.kill(node)
        self.net.up(node)
        return node

    def cut(self):
        self.line.cut_next(self.chance.choice(["up", "down"]), self.chance.randrange(4000), self.chance.random() < 0.5)

    def resend(self):
        node = self.chance.choice(servers(self.net))
        status = self.net.ask(node, do="status")
        peers = [p for p in status["peers"] if p["acknowledged"]] if status and status.get("ok") else []
        if peers:
            p = self.chance.choice(peers)
            first = self.chance.randint(1, p["acknowledged"])
            self.net.ask(node, do="resend", peer=p["node"], first=first, last=min(first + 50, p["acknowledged"]))
        return node

    def clock(self):
        node = self.chance.choice(servers(self.net))
        self.net.ask(node, do="clock_shift", seconds=self.chance.choice([-2, 40, 0]) * 86400)
        return node

    def backup(self):
        if self.backups:
            node = self.chance.choice(servers(self.net))
            path = self.net.folder / "backup.sealed"
            self.net.run("backup", "make", str(self.net.dir), node, str(path), "--key", str(self.key))
            path.unlink(missing_ok=True)
            return node
        return None


def slope(values):
    """Theil–Sen: the median of the slopes of all pairs, in units a sample; few samples are enough."""
    step = max(1, len(values) // 120)
    v = values[::step]
    pairs = [(v[j] - v[i]) / (j - i) for i in range(len(v)) for j in range(i + 1, len(v))]
    return statistics.median(pairs) / step if pairs else 0


def level(checks, node, samples, judged):
    rows = []
    for what, (allowed, part) in ALLOWED.items():
        values = [s[what] for s in samples if what in s]
        if not values:
            continue
        half = values[len(values) // 2:]
        grown = slope(half) * len(half)
        rows.append(f"{what} {values[0]} → {int(statistics.median(half))} (slope {grown:+.0f}, most {max(values)})")
        if judged:
            most = max(allowed, part * statistics.median(half))
            checks.check(f"{node}: {what} levels off", grown <= most, (grown, most, values[:: max(1, len(values) // 20)]))
    rss, sqlite = (max(s[what] for s in samples if what in s) for what in ("rss", "sqlite"))
    print(f"{node}: " + ", ".join(rows) + f"; KiB resident at most {rss}, SQLite's of it {sqlite}")
    checks.check(f"{node}: SQLite's memory stays within its caches", sqlite < CACHES, sqlite)


def beside(probe, loops, first, last):
    """What ran beside the slowest hundredth of the changes of these seconds, and beside all of them: where a slope comes from."""
    times = sorted((t, at) for at, t in probe.times if first <= at < last)
    slow = times[int(len(times) * 0.99):]
    kinds = sorted({what for loop in loops for what, _, _ in loop.ran} - {"the probe", "the disk"})
    for kind in kinds:
        ran = [(b - probe.begin, e - probe.begin) for loop in loops for what, b, e in loop.ran if what == kind]
        ran = [(b, e) for b, e in ran if e > first and b < last]
        met = [sum(any(b < at + t and at < e for b, e in ran) for t, at in group) / len(group) for group in (slow, times)]
        if met[0]:
            print(f"  {kind}: {met[0]:.1%} of them, {met[1]:.1%} of all; ran {len(ran)} times, "
                  f"{statistics.median(e - b for b, e in ran) * 1000:.0f} ms each")


def latency(checks, probe, disk, loops, seconds, judged):
    part = min(600, seconds / 3)
    ends = [(0, part), (seconds - part, seconds + 1)]
    first, last = [quantile(probe.times, *end) for end in ends]
    ratio = last / first if first and last else None
    print(f"latency of {len(probe.times)} changes, the first and the last {part:.0f} s: p99 {first} and {last} ms, ratio {ratio}; p50 "
          f"{[quantile(probe.times, *end, 0.5) for end in ends]}; a page on disk: p99 {[quantile(disk.times, *end) for end in ends]}, "
          f"p50 {[quantile(disk.times, *end, 0.5) for end in ends]} ms")
    for name, end in zip(("first", "last"), ends):
        print(f"beside the slowest hundredth of the {name} {part:.0f} s:")
        beside(probe, loops, *end)
    checks.check("the probe measured at both ends", ratio)
    if judged and ratio:
        checks.check("p99 of the last ten minutes is within 1.2 of the first ten", ratio <= 1.2, ratio)


def main():
    o, checks = options(), Checks()
    print(f"seed {o.seed}, {o.seconds:.0f} s")
    with Network(STEADY, SHAKY, options=("--prefecture", "27")) as net:
        line = put_before(net, "prefecture.13")
        net.up()
        many, few = PERSONS[o.seconds >= 600]
        steady, shaky = Town(net, STEADY, many), Town(net, SHAKY, few, seed=2)
        for town in (steady, shaky):
            town.check_settled(checks, "the beginning", 600)
        lock, samples = threading.Lock(), {node: [] for node in KEPT}
        probe, disk, accidents = Probe(steady, lock), Disk(net.folder), Accidents(net, line, o.seed)

        def stream():
            with lock:
                steady.rename(STREAM)

        def burst():
            shaky.burst(BURST)

        def watch():
            for node in KEPT:
                if (s := sample(net, node)):
                    samples[node].append(s)
        loops = [Loop("the steady stream", stream, lambda: 0.5), Loop("the bursts", burst, lambda: 1),
                 Loop("the probe", probe.once, lambda: 0.05), Loop("the disk", disk.once, lambda: 0.25),
                 Loop("the accidents", accidents.once, lambda: min(5, o.seconds / 20)),
                 Loop("the samples", watch, lambda: max(0.5, o.seconds / 600))]
        time.sleep(o.seconds)
        for loop in loops:
            loop.end(checks)
        line.heal()
        for node in [*servers(net), *[r for r in KEPT + KILLED if r.startswith("register")]]:
            net.ask(node, do="clock_shift", seconds=0)
        print("accidents:", accidents.done)
        for node in KEPT:
            level(checks, node, samples[node], o.seconds >= 600)
        latency(checks, probe, disk, loops, o.seconds, o.long and o.seconds >= 3600)
        for town in (steady, shaky):
            town.check_settled(checks, f"{town.area} at the end", 180)
        check_end(checks, net, [steady, shaky], 120)
        line.close()
    checks.end()


main()

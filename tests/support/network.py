# SPDX-License-Identifier: Apache-2.0
"""A real network of daemons for tests: made by `juki network init`, driven by the juki command; and what every script of tests
needs: to wait until something holds, to count what did, to be left out."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from ports import free_ports

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("JUKI_BUILD", ROOT / "build"))
BIN = pathlib.Path(os.environ.get("JUKI_BIN", BUILD / "src" / "program"))


def until(question, seconds=60, pause=0.05):
    """Asks until the answer is true or the time is over; the last answer."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(pause)


def early_in_a_minute(left):
    """Waits for the next minute when less than so many seconds of this one are left: refusals are logged by the minute."""
    second = time.time() % 60
    if second > 60 - left:
        time.sleep(61 - second)


class Network:
    def __init__(self, *municipalities, options=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="juki-"))
        self.dir = self.folder / "n"
        self.municipalities = municipalities
        base = free_ports(8 + 3 * len(municipalities))
        words = ["network", "init", str(self.dir), "--base-port", str(base), "--disk-least", "0", *options]
        for code in municipalities:
            words += ["--municipality", code]
        self.juki(*words)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run([BIN / "juki", "down", str(self.dir), "--kill"], capture_output=True, timeout=120)
        if os.environ.get("JUKI_KEEP"):
            print("kept:", self.dir)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *words, timeout=300, env=None):
        return subprocess.run([BIN / "juki", *words], capture_output=True, text=True, timeout=timeout,
                              env={**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **(env or {})})

    def juki(self, *words, timeout=300):
        r = self.run(*words, timeout=timeout)
        if r.returncode != 0:
            raise AssertionError(f"juki {' '.join(words)}: exit {r.returncode}\n{r.stdout}{r.stderr}")
        return r.stdout

    def up(self, *nodes):
        return self.juki("up", str(self.dir), *nodes)

    def down(self, *nodes):
        return self.juki("down", str(self.dir), *nodes)

    def configure(self, node, pattern, value):
        """Something else in a server's juki.yaml, for its next start."""
        path = self.dir / node / "juki.yaml"
        text, count = re.subn(pattern, value, path.read_text())
        if count != 1:
            raise AssertionError(f"{node}: {pattern} stands {count} times in juki.yaml")
        path.write_text(text)

    def configure_more(self, node, lines):
        with open(self.dir / node / "juki.yaml", "a", encoding="utf-8") as f:
            f.write(lines)

    def log(self, node):
        """What a server wrote there in all its lives."""
        return (self.dir / node / "log" / "juki.log").read_text()

    def sql(self, node, statement):
        """What a server's SQLite database answers; only a stopped one's may be changed."""
        return subprocess.run(["sqlite3", "-cmd", ".timeout 20000", str(self.dir / node / "data" / "juki.db"), statement],
                              capture_output=True, text=True, timeout=30, check=True).stdout

    def ask(self, node, timeout=60, **question):
        """One question at a daemon's control socket; None when it does not answer."""
        return self.ask_at(self.socket(node), timeout, **question)

    @staticmethod
    def ask_at(at, timeout=60, **question):
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(timeout)
                s.connect(str(at))
                s.sendall(json.dumps(question).encode() + b"\n")
                data = b""
                while chunk := s.recv(65536):
                    data += chunk
        except OSError:
            return None
        lines = data.decode().strip().splitlines()
        return json.loads(lines[-1]) if lines else None

    def peer(self, node, name):
        """What the status of one server says of its neighbour; {} when it does not answer."""
        status = self.ask(node, do="status") or {}
        return next((p for p in status.get("peers", []) if p["node"] == name), {})

    def nodes(self):
        """The rows of network.json."""
        return json.loads((self.dir / "network.json").read_text())["nodes"]

    def node(self, name):
        return next(row for row in self.nodes() if row["name"] == name)

    def socket(self, node):
        return self.dir / node / "run" / "control.sock"

    def pid(self, node):
        return int((self.dir / node / "run" / "pid").read_text().split()[0])

    def kill(self, node):
        """SIGKILL, and wait until it is gone."""
        pid = self.pid(node)
        os.kill(pid, signal.SIGKILL)
        while self.alive(pid):
            time.sleep(0.005)

    @staticmethod
    def alive(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False

    def residents(self, area, count, seed=1, extra=()):
        """A CSV of invented residents. Other seeds give other people under other record names."""
        path = self.folder / f"residents-{area}-{seed}.csv"
        made = subprocess.run([BIN / "juki", "simulate", "residents", "--area", area, "--count", str(count), "--seed",
                               str(seed), *extra], capture_output=True, check=True, timeout=300).stdout.decode()
        path.write_text(made.replace(f"\n{area}-", f"\n{area}-s{seed}-"))
        return path

    def wait_equal(self, seconds=120):
        """Until every level agrees. The last answer of `juki compare` otherwise."""
        end = time.monotonic() + seconds
        while (r := self.run("compare", str(self.dir))).returncode and time.monotonic() < end:
            time.sleep(0.2)
        return r

    def check_equal(self, checks, what="every level agrees", seconds=120):
        equal = self.wait_equal(seconds)
        checks.check(what, equal.returncode == 0, equal.stdout + equal.stderr)

    def check_logs(self, checks, what="every log proves itself"):
        verified = self.run("log", "verify", str(self.dir))
        checks.check(what, verified.returncode == 0, verified.stdout + verified.stderr)


class Checks:
    """Counts what held and what did not; ends with the line the test runner reads."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, held, detail=""):
        if held:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {what}: {detail}")

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed")
        raise SystemExit(1 if self.failed else 0)


def leave_out(why):
    """Ends a script that cannot run here."""
    print(f"left out: {why}\n0 passed, 0 failed, 1 skipped")
    raise SystemExit(0)

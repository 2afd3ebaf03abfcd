# SPDX-License-Identifier: Apache-2.0
"""A real network of daemons for tests: made by `juki network init`, driven by the juki command."""
import json
import os
import pathlib
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

    def socket(self, node):
        listed = json.loads((self.dir / "network.json").read_text())
        for row in listed["nodes"]:
            if row.get("name", row.get("node")) == node and row.get("control"):
                return pathlib.Path(row["control"])
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
        until = time.monotonic() + seconds
        while True:
            r = self.run("compare", str(self.dir))
            if r.returncode == 0 or time.monotonic() > until:
                return r
            time.sleep(0.2)


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

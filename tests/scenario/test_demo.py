#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demonstration ended by Ctrl-C: its servers are stopped, it says so, and the same folder serves again."""
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import BIN, Checks  # noqa: E402


def servers_of(folder):
    """Command lines of processes that name the folder."""
    found = []
    for p in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = p.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if any(w.startswith(str(folder)) for w in words) and "juki-" in words[0]:
            found.append(words)
    return found


def interrupted(checks, folder, line, sign):
    """Ended when a line of its output says so many words."""
    demo = subprocess.Popen([BIN / "juki", "demo", str(folder), "--residents", "3000"], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for said in demo.stdout:
        if line in said:
            break
    demo.send_signal(sign)
    _, errors = demo.communicate(timeout=120)
    checks.check(f"ended at '{line}' it says so", demo.returncode == 130 and "interrupted" in errors,
                 (demo.returncode, errors))
    checks.check(f"and leaves no server after '{line}'", not servers_of(folder), servers_of(folder))


def main():
    checks = Checks()
    home = pathlib.Path(tempfile.mkdtemp(prefix="juki-"))
    folder = home / "nation"
    folder.mkdir()  # an empty folder serves
    try:
        interrupted(checks, folder, "The network stands", signal.SIGINT)
        interrupted(checks, folder, "is killed", signal.SIGTERM)
        whole = subprocess.run([BIN / "juki", "demo", str(folder), "--residents", "300", "--exit"], capture_output=True,
                               text=True, timeout=300)
        checks.check("then it plays to its end", whole.returncode == 0 and "Everything agrees" in whole.stdout, whole)
        checks.check("and --exit leaves no server", not servers_of(folder), servers_of(folder))
        other = home / "other"
        other.mkdir()
        (other / "mine").write_text("not the demonstration's\n")
        kept = subprocess.run([BIN / "juki", "demo", str(other)], capture_output=True, text=True, timeout=60)
        checks.check("a folder of others is refused", kept.returncode == 1 and (other / "mine").exists(), kept)
    finally:
        subprocess.run([BIN / "juki", "down", str(folder), "--kill"], capture_output=True, timeout=120)
        shutil.rmtree(home, ignore_errors=True)
    checks.end()


main()

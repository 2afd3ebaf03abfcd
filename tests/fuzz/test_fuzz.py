#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The fuzzers: every target of tests/fuzz under libFuzzer with address and undefined sanitizers, for a fixed number of
inputs from a fixed seed; --long for forty times as many from a seed of its own. The corpus in the tree is read and never
written. What a target breaks on is kept beside the build and told; it belongs into the corpus with the mending.
test_fuzz.py TARGET... runs some, --runs N another number."""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build-fuzz"
sys.path.insert(0, str(HERE.parent / "support"))
from network import Checks  # noqa: E402

# target: inputs in a short run (about three seconds of processor time), longest input
TARGETS = {
    "answer": (5000, 4096),
    "backup": (1500, 2048),
    "card": (2000, 1024),
    "certificate": (6000, 4096),
    "change_event": (40000, 4096),
    "config": (30000, 4096),
    "control": (6000, 4096),
    "conversation": (700, 4096),
    "csv": (15000, 8192),
    "directory": (4000, 4096),
    "door": (5000, 4096),
    "door_answers": (1800, 4096),
    "encode": (50000, 512),
    "evidence_log": (15000, 8192),
    "evidence_piece": (15000, 4096),
    "filing": (800, 4096),
    "frame": (150000, 4096),
    "header": (6000, 2048),
    "identity": (30000, 4096),
    "json": (40000, 4096),
    "messages": (20000, 4096),
    "names": (150000, 128),
    "note": (8000, 4096),
    "notices": (25000, 4096),
    "outcome": (40000, 4096),
    "paper": (60000, 4096),
    "paper_wire": (400000, 1024),
    "question": (5000, 4096),
    "receipt": (5000, 2048),
    "sealed": (1500, 2048),
    "telegram": (60000, 2400),
    "values": (60000, 256),
}
FLAGS = "-O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"


def build(names):
    """A build folder of its own, by clang; the error's text when it fails."""
    env = {**os.environ, "CC": "clang"}
    stamp, want = BUILD / ".stamp", f"{ROOT}\n{FLAGS}\n"  # Ninja's files hold absolute paths
    if not stamp.exists() or stamp.read_text() != want:
        shutil.rmtree(BUILD, ignore_errors=True)
    steps = [["ninja", "-C", str(BUILD), *(f"tests/fuzz/fuzz_{n}" for n in names)]]
    if not (BUILD / "build.ninja").exists():
        steps.insert(0, ["meson", "setup", str(BUILD), str(ROOT), "--buildtype=debug", "-Dfuzzers=true", "-Dwerror=false",
                         "-Db_lundef=false", f"-Dc_args={FLAGS}", "-Dc_link_args=-fsanitize=address,undefined"])
    for step in steps:
        done = subprocess.run(step, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        if done.returncode:
            return done.stdout[-3000:]
        stamp.write_text(want)
    return None


def fuzz(name, runs, longest, seed):
    """Exit status and what libFuzzer said. New inputs go into a folder that is thrown away."""
    kept = BUILD / "found"
    kept.mkdir(exist_ok=True)
    dictionary = HERE / "corpus" / f"{name}.dict"
    env = {**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8",
           "ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=1:handle_abort=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
    with tempfile.TemporaryDirectory(prefix="juki-fuzz-") as made:
        command = [str(BUILD / "tests" / "fuzz" / f"fuzz_{name}"), f"-runs={runs}", f"-seed={seed}", f"-max_len={longest}",
                   "-timeout=120", "-rss_limit_mb=1500", "-print_final_stats=1", "-verbosity=1",
                   f"-artifact_prefix={kept}/{name}-", made, str(HERE / "corpus" / name)]
        if dictionary.exists():
            command.insert(1, f"-dict={dictionary}")
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace")
    return done.returncode, done.stdout


def told(text):
    lines = [l for l in text.splitlines() if re.search(r"ERROR|Assertion|runtime error|Test unit written|SUMMARY", l)]
    return "\n    ".join(lines[:12] or text.splitlines()[-12:])


def find_the_canary(checks):
    """The fuzzers find what is broken: or all the others would say nothing."""
    status, text = fuzz("canary", 300000, 16, 1)
    checks.check("a target that breaks is found", status != 0 and "Assertion" in text, told(text))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("target", nargs="*", choices=[*TARGETS, []])
    options.add_argument("--long", action="store_true")
    options.add_argument("--runs", type=int)
    options.add_argument("--build", action="store_true", help="no more than that")
    o = options.parse_args()
    checks = Checks()
    names = o.target or list(TARGETS)
    sources = {p.stem for p in HERE.glob("*.c")} - {"fuzz_main", "canary"}
    checks.check("every target is in the table", sources == set(TARGETS), sources ^ set(TARGETS))
    failure = build([*names, "canary"])
    checks.check("the fuzzers are built", not failure, failure)
    if failure or o.build:
        checks.end()
    find_the_canary(checks)
    seed = int(time.time()) % 1000000 + 1 if o.long else 1
    for name in names:
        runs, longest = TARGETS[name]
        runs = o.runs or runs * (40 if o.long else 1)
        begin = os.times()
        status, text = fuzz(name, runs, longest, seed)
        end = os.times()
        used = end.children_user + end.children_system - begin.children_user - begin.children_system
        done = re.search(r"stat::number_of_executed_units:\s+(\d+)", text)
        count = int(done[1]) if done else 0
        checks.check(f"{name} holds", status == 0 and count >= runs, f"seed {seed}\n    {told(text)}")
        print(f"{name:<16} {count:>8} inputs {used:6.1f} s of processor time")
    checks.end()


main()

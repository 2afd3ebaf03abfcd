# SPDX-License-Identifier: Apache-2.0
"""figures.py BENCH GROUP SIZE: a group of the measurements runs to its end, and prints the figures that are asked for, by name and
with their goals.

So little is measured that the values say nothing, and under sanitizers: they are only looked at for being there. What must stand
beside a figure: its unit, the machine and the day, the baseline of the same run that it tells of, and a line in
docs/BENCHMARKS.md."""
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOALS = {  # of the network's plan; "": shown without one
    "load.persons_per_s": ">= 10 000", "load.new_per_s": ">= 5 000", "load.rss_max_mib": "<= 256.0",
    "load.new_rss_max_mib": "<= 256.0", "load.bytes_written_per_person": "", "load.bytes_stored_per_person": "",
    "load.wal_bytes_most": "", "change.p50_ms": "<= 5.00", "change.p99_ms": "<= 20.00", "change.busy_p99_ms": "<= 20.00",
    "change.busy_p99_ratio": "<= 1.20", "number.ff1_per_s": ">= 300 000", "number.per_s": ">= 50 000",
    "ledger.append_per_s": ">= 200 000", "ledger.append_waiting_per_s": ">= 20 000", "ledger.verify_per_s": ">= 1 000 000",
    "certificate.pdf_ms": "<= 60.00", "certificate.pdf_p99_ms": "<= 60.00",
    "peers.rss_mib": "<= 256.0", "peers.change_p99_ratio": "<= 1.20",
}
for what in ("persons_per_s", "cpu_us_per_person", "bytes_written_per_person", "bytes_stored_per_person", "wal_bytes_most",
             "rss_max_mib"):
    GOALS |= {f"slope.{what}.{n}": "" for n in (1, 2, 3)}  # side by side
BASELINES = {"load.persons_per_s": "bare SQLite", "load.persons_per_s_beside_pg": "PostgreSQL",
             "load.new_per_s": "bare SQLite", "load.new_per_s_beside_pg": "PostgreSQL"}


def wrong_with(figure, described):
    """What is wrong with one figure; None."""
    name, told = figure["name"], figure["baseline_is"]
    left_out = "PostgreSQL" in told and os.environ.get("JUKI_TEST_NO_POSTGRES")
    if told and not figure["baseline"] and not left_out:
        return "tells of a baseline and has none"
    if BASELINES.get(name, "") not in told:
        return f"does not stand beside {BASELINES[name]}"
    if figure["goal"] != GOALS.get(name, figure["goal"]):
        return f"has the goal {figure['goal']} instead of {GOALS[name]}"
    if not re.search(r"\d+ cores, .*, \d{4}-\d\d-\d\d$", figure["machine"]):
        return "does not say where and when"
    if not name.startswith(("load.new_", "slope.")) and f"`{name}`" not in described:
        return "is not in docs/BENCHMARKS.md"
    return None


def main():
    bench, group, size = sys.argv[1:]
    run = subprocess.run([bench, group, "--size", size, "--json"], stdout=subprocess.PIPE, text=True, check=False)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    figures = {line["name"]: line for line in lines if "name" in line}
    described = (ROOT / "docs" / "BENCHMARKS.md").read_text(encoding="utf-8")
    problems = [f"{name} {problem}" for name, figure in figures.items() if (problem := wrong_with(figure, described))]
    problems += [f"{name} is not printed" for name in GOALS if name.startswith(f"{group}.") and name not in figures]
    print(*(problems or [f"{len(figures)} figures"]), sep="\n")
    return 1 if run.returncode or problems or not figures else 0


sys.exit(main())

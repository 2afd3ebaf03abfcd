#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the tables of docs/PROTOCOL.md that say what messages between municipalities hold, from their .def files.

    messages.py [--check]

A table stands between `<!-- message NAME -->` and `<!-- end -->`; NAME.def lies somewhere under src/flow. With --check
nothing is written: exit 1 when a table is not what its .def says, or a .def has no table."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "PROTOCOL.md"
ROW = re.compile(r'^(FIELD|LIST)\((\w+), (\w+), (MUST|MAY), (\d+), "([^"]*)", "([^"]*)"\)', re.M)
PLACE = re.compile(r"(<!-- message (\w+) -->\n).*?(<!-- end -->)", re.S)
KINDS = {"TEXT": "text, at most {} characters", "CODE": "resident code", "NUMBER": "Individual Number",
         "AREA": "area code", "DAY": "day", "BIRTH": "birth date", "SEX": "sex", "FLAG": "true, or absent",
         "COUNT": "whole number"}


def value_of(row):
    kind, _, most = row[0], row[2], int(row[4])
    return f"up to {most} objects, {row[1]}" if kind == "LIST" else KINDS[row[1]].format(most)


def table(path):
    rows = ROW.findall(path.read_text(encoding="utf-8"))
    lines = [f"| {row[2]}{'' if row[3] == 'MUST' else '?'} | {row[5]} | {value_of(row)} | {row[6]} |\n" for row in rows]
    return "| member | | value | source |\n|---|---|---|---|\n" + "".join(lines)


def definitions():
    """The .def files that hold fields."""
    return {p.stem: p for p in (ROOT / "src" / "flow").rglob("*.def") if ROW.search(p.read_text(encoding="utf-8"))}


def main():
    text, found = DOCUMENT.read_text(encoding="utf-8"), definitions()
    missing = sorted(set(found) - set(name for _, name, _ in PLACE.findall(text)))
    new = PLACE.sub(lambda m: m.group(1) + table(found[m.group(2)]) + m.group(3), text)
    if "--check" not in sys.argv:
        DOCUMENT.write_text(new, encoding="utf-8")
        return 0
    for name in missing:
        print(f"docs/PROTOCOL.md has no table for {found[name].relative_to(ROOT)}")
    if new != text:
        print("docs/PROTOCOL.md: tables of messages are not what src/flow says; tools/messages.py writes them")
    return 1 if missing or new != text else 0


if __name__ == "__main__":
    sys.exit(main())

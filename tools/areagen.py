#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""areagen.py CODES.tsv CHANGES.tsv OUT.h: makes the tables of area codes into C rows.

Refuses a wrong check digit, a wrong order, a ward without its city: the program trusts the tables it is built with."""
import csv
import sys

RUNS_CS = {"designated_city", "special_ward", "city", "town", "village"}
HOLDS_ADDRESSES = {"designated_ward", "special_ward", "city", "town", "village"}


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def must(true, what):
    if not true:
        sys.exit(f"areagen: {what}")


def check_code(code):
    weighed = sum(int(digit) * weight for digit, weight in zip(code, (6, 5, 4, 3, 2)))
    must(len(code) == 6 and int(code[5]) == (11 - weighed % 11) % 10, f"{code}: wrong check digit")
    return str(int(code))


def text(s):
    must('"' not in s and "\\" not in s, f"{s}: a quote in a name")
    return f'"{s}"'


def area(row, types):
    must((row["type"] == "designated_ward") == (types.get(row["city"]) == "designated_city"), f"{row}: ward and city")
    flags = [str(row["type"] in kinds).lower() for kinds in (HOLDS_ADDRESSES, RUNS_CS)]
    city = check_code(row["city"]) if row["city"] else "0"
    return (f'AREA({check_code(row["code"])}, {row["type"].upper()}, {city}, {text(row["name"])}, '
            f'{text(row["kana"])}, {text(row["prefecture"])}, {", ".join(flags)})')


def change(row):
    new = check_code(row["new_code"]) if row["new_code"] else "0"
    return f'CHANGE({check_code(row["old_code"])}, {new}, {text(row["old_name"])}, {text(row["new_name"])})'


def main():
    codes, changes = read(sys.argv[1]), read(sys.argv[2])
    must([r["code"] for r in codes] == sorted({r["code"] for r in codes}), "codes are not ascending")
    must([r["old_code"] for r in changes] == sorted({r["old_code"] for r in changes}), "changes are not ascending")
    types = {row["code"]: row["type"] for row in codes}
    with open(sys.argv[3], "w", encoding="utf-8") as out:
        out.write("/* Made by tools/areagen.py from data/. */\n#ifdef AREA\n")
        out.writelines(area(row, types) + "\n" for row in codes)
        out.write("#endif\n#ifdef CHANGE\n")
        out.writelines(change(row) + "\n" for row in changes)
        out.write("#endif\n")


main()

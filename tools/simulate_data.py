#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Condense the public tables named in data/SOURCES.md into the small ones that src/simulate reads.

usage: simulate_data.py SOURCE_FOLDER data/simulate
Run by hand when a source is renewed; its results are kept in the tree, so that building needs no download."""
import collections
import csv
import os
import sys
import unicodedata

SOURCE, OUT = sys.argv[1:3]


def rows(name, delimiter='\t'):
    with open(os.path.join(SOURCE, name), encoding='utf-8-sig', newline='') as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def write(name, header, lines):
    with open(os.path.join(OUT, name), 'w', encoding='utf-8', newline='\n') as file:
        file.write(''.join(line + '\n' for line in [header, *lines]))


def katakana(text):
    return ''.join(chr(ord(c) + 0x60) if 'ぁ' <= c <= 'ゖ' else c for c in text)


# Wards and towns whose code is younger than the census; the share of the divided ward is a guess.
RENAMED = {'04216': [('04423', 1)], '40231': [('40305', 1)], '22139': [('22136', 1), ('22135', .5)],
           '22138': [('22131', 1), ('22132', 1), ('22133', 1), ('22134', 1), ('22135', .5)], '22140': [('22137', 1)]}


def areas():
    census = {row['code5']: int(row['population_2015'] or 0) for row in rows('population/municipality_population_2015.tsv')}
    found = []
    for row in rows('lgcode/lgcode_20240101.tsv'):
        if row['type'] in ('prefecture', 'designated_city') or row['northern_territories'] == '1':
            continue  # a designated city's residents carry its wards' codes; nobody is registered in the north
        former = RENAMED.get(row['code5'], [(row['code5'], 1)])
        people = int(sum(census.get(code, 0) * share for code, share in former))
        found.append((row['code6'], row['pref'], row['name'], str(people)))
    write('areas.tsv', 'area_code\tprefecture\tname\tpopulation', ['\t'.join(area) for area in found])
    return [area[0][:5] for area in found]


def towns(codes):
    postal = collections.defaultdict(dict)
    for row in rows('address/postal_20260701.tsv'):
        postal[row['code5']].setdefault(row['town'], row['zip7'])
    named = collections.defaultdict(list)
    for row in rows('address/towns_subset.tsv'):
        named[row['code5']].append(row['town'])
    lines = []
    for code in codes:
        by_zip = collections.OrderedDict()
        known = postal[code]
        for town in named[code] or [town for town in known if town][:40]:
            if ' ' in town or '、' in town or '(' in town:
                continue
            prefix = max((name for name in known if town.startswith(name)), key=len, default='')
            by_zip.setdefault(known.get(prefix) or min(known.values(), default=''), []).append(town)
        lines += ['\t'.join((code, zip7, ' '.join(names))) for zip7, names in by_zip.items()]
    write('towns.tsv', 'code5\tpostal_code\ttowns', lines)


def names():
    write('surnames.tsv', 'surname\tkana\tcount',
          ['\t'.join((row['kanji'], katakana(row['hiragana']), str(int(row['est_count']) // 100)))
           for row in rows('names/surnames.tsv')])
    lines = []
    for sex, source in (('male', 'names/given_male.tsv'), ('female', 'names/given_female.tsv')):
        readings = sorted(rows(source), key=lambda row: -len(row['kanji_space_separated'].split()))[:500]
        for row in readings:
            spread = row['kanji_space_separated'].split()
            step = max(1, len(spread) // 12)
            lines.append('\t'.join((sex, katakana(row['hiragana']), str(len(spread)), ' '.join(spread[::step][:12]))))
    write('given.tsv', 'sex\tkana\tweight\twritings', lines)


def plain(text):
    text = unicodedata.normalize('NFD', text.split('/')[0].replace('đ', 'd').replace('Đ', 'D'))
    return ''.join(c for c in text if 'A' <= c.upper() <= 'Z' or c in " '-").upper()


# Nationality, its name in the register, its share of foreign residents in per mille (rounded, from public statistics).
NATIONS = [('CN', '中国', 300), ('VN', 'ベトナム', 210), ('KR', '韓国', 150), ('PH', 'フィリピン', 120), ('BR', 'ブラジル', 80),
           ('NP', 'ネパール', 65), ('TW', '台湾', 25), ('US', '米国', 25), ('PE', 'ペルー', 15), ('IN', 'インド', 10)]
VIETNAMESE = {'male': 'MINH TUAN HUNG DUC NAM LONG HAI SON QUANG DAT', 'female': 'ANH HUONG LINH THUY LAN MAI HOA NGOC TRANG HA'}


def foreign():
    sexes = {'M': 'male', 'F': 'female'}
    given, family = collections.defaultdict(list), collections.defaultdict(list)
    for row in rows('names/foreign_forenames.csv', ','):
        given[row['Country'], sexes.get(row['Gender'])].append(plain(row['Romanized Name'] or row['Localized Name']))
    for row in rows('names/foreign_surnames.csv', ','):
        family[row['Country']].append(plain(row['Romanized Name'] or row['Localized Name']))
    lines = []
    for code, name, share in NATIONS:
        for sex in ('male', 'female'):
            given.setdefault((code, sex), VIETNAMESE[sex].split())
        lists = [family[code], given[code, 'male'], given[code, 'female']]
        lines.append('\t'.join([name, str(share)] + [';'.join(dict.fromkeys(n for n in some if n)) for some in lists]))
    write('foreign.tsv', 'nationality\tshare\tsurnames\tmale\tfemale', lines)


def pyramid():
    groups = collections.OrderedDict()
    for row in rows('population/pyramid_1920_2020.csv', ','):
        if row['year'] == '2020':
            age = row['age'].split('~')[0].split('歳')[0]
            groups.setdefault(int(age), {})[row['sex']] = row['value']
    write('pyramid.tsv', 'age\tmale\tfemale', [f"{age}\t{value['男性']}\t{value['女性']}" for age, value in groups.items()])


towns(areas())
names()
foreign()
pyramid()

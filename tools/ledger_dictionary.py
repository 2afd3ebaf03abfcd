#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains a dictionary for the bodies of ledger entries, from invented entries only.

Usage: ledger_dictionary.py VERSION OUT.zdict      (needs the zstd command; the dictionary itself is kept in the tree)

Entries stored with a dictionary can be read only with that very file: a dictionary that was ever released is never
changed. A better one gets the next version, data/ledger/dictionary-VERSION.zdict, beside the former ones.
The people are invented from the frequency tables of data/simulate; codes are random digits."""
import csv
import json
import os
import random
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SAMPLES, SIZE = 6000, 16 * 1024
REASONS = ['move_in', 'birth', 'ex_officio_entry', 'move_out', 'death', 'ex_officio_removal', 'move_within',
           'minor_correction', 'ex_officio_amendment', 'code_change_request', 'number_change_request']
WEIGHTS = [30, 6, 1, 28, 9, 1, 20, 2, 2, 1, 1]


def table(name):
    with open(os.path.join(ROOT, 'data', 'simulate', name), encoding='utf-8') as file:
        return list(csv.DictReader(file, delimiter='\t'))


def digits(r, n):
    return ''.join(r.choice('0123456789') for _ in range(n))


class Nation:
    def __init__(self, r):
        self.r = r
        self.areas = table('areas.tsv')
        self.populations = [int(a['population']) for a in self.areas]
        self.towns = {}
        for row in table('towns.tsv'):
            self.towns.setdefault(row['code5'], []).append((row['postal_code'], row['towns'].split(';')[0].split()[0]))
        self.surnames = table('surnames.tsv')
        self.surname_counts = [int(s['count']) for s in self.surnames]
        self.given = table('given.tsv')
        self.given_counts = [int(g['weight']) for g in self.given]

    def identity(self):
        r = self.r
        area = r.choices(self.areas, self.populations)[0]
        postal, town = r.choice(self.towns.get(area['area_code'][:5], [('0000000', '本町')]))
        surname = r.choices(self.surnames, self.surname_counts)[0]
        given = r.choices(self.given, self.given_counts)[0]
        record = {'resident_code': digits(r, 11)}
        if r.random() < 0.95:
            record['individual_number'] = digits(r, 12)
        record.update({'foreign': False, 'name': surname['surname'] + '　' + r.choice(given['writings'].split()),
                       'name_kana': surname['kana'] + '　' + given['kana'],
                       'birth_date': f'{r.randint(1925, 2026)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}',
                       'sex': given['sex'], 'area_code': area['area_code'],
                       'address': area['prefecture'] + area['name'] + town + f'{r.randint(1, 40)}番{r.randint(1, 30)}号',
                       'town_code': digits(r, 7), 'postal_code': postal,
                       'change': {'change_reason': r.choices(REASONS, WEIGHTS)[0],
                                  'change_date': f'2027-{r.randint(1, 12):02}-{r.randint(1, 28):02}'}})
        return record


def stamp(r):
    return f'2027-{r.randint(1, 12):02}-{r.randint(1, 28):02}T{r.randint(0, 23):02}:{r.randint(0, 59):02}:' \
           f'{r.randint(0, 59):02}.{r.randint(0, 999999):06}Z'


def entry(r, nation):
    area = r.choices(nation.areas, nation.populations)[0]['area_code']
    cs, prefecture, number = 'cs.' + area, 'prefecture.' + area[:2], r.randint(1, 2000000)
    kind = r.random()
    if kind < 0.08:
        what, word = r.choice(['search', 'view', 'print', 'sign_in', 'sign_out']), 'operation'
        payload = {'authority_id': digits(r, 8), 'affair_code': digits(r, 4), 'use_reason': digits(r, 3),
                   'case': str(number), 'terminal': 't' + digits(r, 2)}
        return f'{word} {stamp(r)} {what}\n' + dump(payload)
    peers = [(cs, prefecture), (prefecture, 'agency')]
    origin, destination = r.choice(peers)
    direction = r.choice([f'sent {destination}', f'received {origin}'])
    name, body = 'identity_notice', nation.identity()
    if kind < 0.18:
        name, origin, destination = 'number_request', cs, 'agency'
        body = {'resident_code': digits(r, 11), 'old_resident_code': digits(r, 11), 'area_code': area}
    elif kind < 0.28:
        name, origin, destination = 'number_notice', 'agency', cs
        body = {'resident_code': digits(r, 11), 'individual_number': digits(r, 12)}
    elif kind < 0.34:
        name, origin, destination = 'outcome', 'agency', cs
        body = {'ranges': [{'first': number, 'last': number + r.randint(0, 4000), 'state': 'applied'}]}
    payload = {'id': f'{origin}/{destination}/{number}', 'time': 1800000000000000 + r.randint(0, 10**14), 'body': body}
    return f'communication {stamp(r)} {direction} {number} {name}/1\n' + dump(payload)


def dump(payload):
    return json.dumps(payload, ensure_ascii=False, separators=(',', ':'))


def main(version, out):
    r = random.Random(int(version))
    nation = Nation(r)
    with tempfile.TemporaryDirectory() as folder:
        for i in range(SAMPLES):
            with open(os.path.join(folder, f'{i:05}'), 'w', encoding='utf-8') as file:
                file.write(entry(r, nation))
        subprocess.run(['zstd', '-q', '-f', '--train', '-r', folder, '--maxdict', str(SIZE), '--dictID', version,
                        '-o', out], check=True)


if __name__ == '__main__':
    if len(sys.argv) != 3 or not sys.argv[1].isdigit():
        sys.exit(__doc__)
    main(*sys.argv[1:])

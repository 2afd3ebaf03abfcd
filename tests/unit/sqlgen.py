#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What tools/sqlgen.py translates, and that a mistake in a .sql file stops it with the file's name."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'tools', 'sqlgen.py')


def read(path):
    if not os.path.exists(path):
        return ''
    with open(path, encoding='utf-8') as file:
        return file.read()


def generate(files):
    """Runs the tool on {path: text}; gives (exit status, error text, header, source)."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            path = os.path.join(folder, 'm', path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w', encoding='utf-8') as file:
                file.write(text)
        out = [os.path.join(folder, name) for name in ('m_sql.h', 'm_sql.c')]
        run = subprocess.run([sys.executable, TOOL, 'm'] + out + [os.path.join(folder, 'm')],
                             capture_output=True, text=True, check=False)
        return run.returncode, run.stderr, read(out[0]), read(out[1])


class Translation(unittest.TestCase):
    def check(self, text, sqlite, postgres, files=None):
        status, errors, _, source = generate(dict(files or {}, **{'x.sql': '-- what\n' + text}))
        self.assertEqual(status, 0, errors)
        for dialect, want in (('sqlite', sqlite), ('postgres', postgres)):
            got = re.search(r'\.%s = "((?:[^"\\]|\\.)*)"' % dialect, source).group(1)
            self.assertEqual(got.replace('\\"', '"'), want)
        return source

    def test_parameters(self):
        source = self.check('-- in: a int64, b text?,\n--     c bytes\nSELECT $2,\n  $1, $3 -- $9\n',
                            'SELECT ?2, ?1, ?3', 'SELECT $2, $1, $3')
        self.assertIn('.params = "iTb"', source)
        self.assertIn('.results = ""', source)

    def test_quotes_are_left_alone(self):
        self.check("-- in: nothing\n-- out: x text\nSELECT 'INT64  $1 -- it''s' AS \"TEXT\"",
                   "SELECT 'INT64  $1 -- it''s' AS \"TEXT\"", "SELECT 'INT64  $1 -- it''s' AS \"TEXT\"")

    def test_types(self):
        self.check('-- in:\nCREATE TABLE t (a INT64, b TEXT NOT NULL, c BYTES) WIDE;',
                   'CREATE TABLE t (a INTEGER, b TEXT NOT NULL, c BLOB) STRICT',
                   'CREATE TABLE t (a BIGINT, b TEXT COLLATE "C" NOT NULL, c BYTEA)')
        self.check('-- in:\nCREATE TABLE t (a INT64 PRIMARY KEY) NARROW',
                   'CREATE TABLE t (a INTEGER PRIMARY KEY) STRICT, WITHOUT ROWID',
                   'CREATE TABLE t (a BIGINT PRIMARY KEY)')
        self.check('-- in:\n-- out: x text\nSELECT CAST(1 AS TEXT)', 'SELECT CAST(1 AS TEXT)', 'SELECT CAST(1 AS TEXT)')

    def test_override(self):
        self.check('-- in: a int64\nSELECT $1', 'SELECT ?1', 'SELECT $1 + 0',
                   {'x.postgres.sql': '-- because\nSELECT $1 + 0'})

    def test_subfolders_and_migrations(self):
        status, errors, header, source = generate({
            'deep/er/y.sql': '-- what y does\n-- in: nothing\nSELECT 1', 'migration/001_a.sql': 'CREATE TABLE t (a INT64) WIDE;',
            'migration/002_b.sql': 'DROP TABLE t; -- gone'})
        self.assertEqual(status, 0, errors)
        self.assertIn('/* what y does */\nextern const struct db_stmt sql_y;', header)
        self.assertIn('extern const struct db_module m_module;', header)
        self.assertIn('{1, "a",', source)
        self.assertIn('"CREATE TABLE t (a INTEGER) STRICT;"', source)
        self.assertIn('.migration_count = 2', source)


MISTAKES = [
    # file, text, what the message says
    ('x.sql', '-- what\nSELECT 1', 'no "-- in:" line'),
    ('x.sql', '-- in: nothing\nSELECT 1', 'first line'),
    ('x.sql', 'SELECT 1', 'first line'),
    ('x.sql', '-- what\n-- in: a integer\nSELECT $1', 'unknown type integer'),
    ('x.sql', '-- what\n-- in: int64\nSELECT $1', 'not "name type"'),
    ('x.sql', '-- what\n-- in: a int64, b int64\nSELECT $2', '$1 is declared'),
    ('x.sql', '-- what\n-- in: a int64\nSELECT $1, $2', '$2 is used'),
    ('x.sql', '-- what\n-- in: nothing\nSELECT 1; SELECT 2', 'more than one'),
    ('x.sql', '-- what\n-- in: nothing\n', 'no statement'),
    ('x.sql', '-- what\n-- in: nothing\nSELECT WIDE FROM t', 'WIDE stands only'),
    ('X.sql', '-- what\n-- in: nothing\nSELECT 1', 'small letters'),
    ('x.postgres.sql', 'SELECT 1', 'no x.sql'),
    ('migration/002_a.sql', 'SELECT 1', 'migration 001 comes next'),
    ('migration/first.sql', 'SELECT 1', 'NNN_what'),
]


class Mistakes(unittest.TestCase):
    def test_each_stops_with_the_files_name(self):
        for path, text, message in MISTAKES:
            with self.subTest(message):
                status, errors, _, _ = generate({path: text})
                self.assertNotEqual(status, 0)
                self.assertIn('m/' + path, errors)
                self.assertIn(message, errors)

    def test_two_files_of_one_name(self):
        text = '-- what\n-- in: nothing\nSELECT 1'
        status, errors, _, _ = generate({'a/x.sql': text, 'b/x.sql': text})
        self.assertNotEqual(status, 0)
        self.assertIn('the name is taken', errors)


if __name__ == '__main__':
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes C constants of a module's .sql files, in both dialects.

    sqlgen.py MODULE OUT.h OUT.c [--depfile FILE] FILES-OR-FOLDERS...

A folder stands for every .sql file under it. A file NAME.sql is one statement and becomes `sql_NAME`:

    -- what it does, one line
    -- in: code int64, area int64, note text?      (order = $1, $2 ...; ? = may be NULL; "-- in: nothing")
    -- out: id int64, version int64                (no such line: the statement gives no rows)
    SELECT id, version FROM store_episode WHERE code = $1 AND area = $2

A list that ends with a comma goes on in the next comment line. NAME.postgres.sql replaces the text for PostgreSQL.
A file migration/NNN_what.sql is migration NNN of the module (001, 002 ... without gap); it may hold many statements.

What is translated, outside of quotes and comments:
    word            SQLite                      PostgreSQL
    INT64           INTEGER                     BIGINT
    BYTES           BLOB                        BYTEA
    TEXT            TEXT                        TEXT COLLATE "C"  (after AS, in a cast: TEXT)
    ) WIDE          ) STRICT                    )
    ) NARROW        ) STRICT, WITHOUT ROWID     )
    $1              ?1                          $1
(SQLite would bind $1 by name, numbered by first appearance.)

Any mistake stops the build with the file's name."""
import os
import re
import sys

LETTERS = {'int64': 'i', 'text': 't', 'bytes': 'b'}
TOKEN = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$\d+|\w+|\s+|.", re.S)
WORDS = {
    'sqlite': {'INT64': 'INTEGER', 'BYTES': 'BLOB', 'TEXT': 'TEXT', 'WIDE': 'STRICT',
               'NARROW': 'STRICT, WITHOUT ROWID'},
    'postgres': {'INT64': 'BIGINT', 'BYTES': 'BYTEA', 'TEXT': 'TEXT COLLATE "C"', 'WIDE': '', 'NARROW': ''},
}


class Bad(Exception):
    pass


def tokens(text):
    """The text without comments, each run of blanks one blank."""
    before = ' '
    for token in TOKEN.findall(text.strip()):
        if token.isspace() or token.startswith(('--', '/*')):
            token = ' '
        if token != ' ' or before != ' ':
            yield token
        before = token


def translate(text, dialect):
    out, before = [], ''
    for token in tokens(text):
        new = token
        if token in ('WIDE', 'NARROW') and before != ')':
            raise Bad('%s stands only after the ) that ends a table' % token)
        if token in WORDS[dialect] and not (token == 'TEXT' and before.upper() == 'AS'):
            new = WORDS[dialect][token]
        elif re.fullmatch(r'\$\d+', token) and dialect == 'sqlite':
            new = '?' + token[1:]
        if token != ' ':
            before = token
        if not new and out and out[-1] == ' ':
            out.pop()
        out.append(new)
    return ''.join(out).strip()


def header_of(text):
    """First comment line, and the lists of `in:` and `out:` (None when the line is missing)."""
    comments = []
    for line in text.splitlines():
        if not line.startswith('--'):
            break
        comments.append(line[2:].strip())
    if not comments or re.match(r'(in|out):', comments[0]):
        raise Bad('the first line must be a comment that says what the statement does')
    lists, current = {'in': None, 'out': None}, None
    for line in comments[1:]:
        match = re.match(r'(in|out):(.*)', line)
        if match:
            current, line = match.group(1), match.group(2).strip()
            lists[current] = ''
        elif not current or not lists[current].endswith(','):
            current = None
            continue
        lists[current] += ' ' + line if lists[current] else line
    return comments[0], lists['in'], lists['out']


def letters_of(declared, what):
    declared = re.sub(r'\([^)]*\)', '', declared or '').strip()
    if declared in ('', 'nothing', 'none'):
        return ''
    letters = ''
    for item in declared.split(','):
        parts = item.split()
        if len(parts) != 2:
            raise Bad('%s: "%s" is not "name type"' % (what, item.strip()))
        kind, null = parts[1].rstrip('?'), parts[1].endswith('?')
        if kind not in LETTERS:
            raise Bad('%s: unknown type %s (int64, text or bytes)' % (what, parts[1]))
        letters += LETTERS[kind].upper() if null else LETTERS[kind]
    return letters


def check_numbers(text, count):
    used = {int(token[1:]) for token in tokens(text) if re.fullmatch(r'\$\d+', token)}
    for n in range(1, count + 1):
        if n not in used:
            raise Bad('$%d is declared by "-- in:" but not used' % n)
    if used and max(used) > count or 0 in used:
        raise Bad('$%d is used but "-- in:" declares %d' % (max(used), count))


def c_string(text):
    return '"%s"' % text.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n')


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def statement(path, override):
    text = read(path)
    what, declared_in, declared_out = header_of(text)
    if declared_in is None:
        raise Bad('there is no "-- in:" line')
    params, results = letters_of(declared_in, 'in'), letters_of(declared_out, 'out')
    check_numbers(text, len(params))
    body = translate(text, 'sqlite').rstrip(';')
    if not body:
        raise Bad('there is no statement')
    if ';' in re.sub(r"'(?:[^']|'')*'", '', body):
        raise Bad('more than one statement')
    postgres = text
    if override:
        postgres = read(override)
        check_numbers(postgres, len(params))
    return {'what': what.replace('*/', ''), 'params': params, 'results': results, 'sqlite': body,
            'postgres': translate(postgres, 'postgres').rstrip(';')}


def walk(paths):
    """All .sql files named or under the folders named, and all folders seen (for the dependency file)."""
    files, folders = [], []
    for path in paths:
        if not os.path.isdir(path):
            files.append(path)
            continue
        for folder, below, names in os.walk(path):
            below.sort()
            folders.append(folder)
            files += [os.path.join(folder, name) for name in sorted(names) if name.endswith('.sql')]
    return files, folders


def sort_files(files):
    """{statement name: path}, {migration stem: path}, {path without dialect: path of the override}."""
    statements, migrations, overrides = {}, {}, {}
    for path in files:
        stem = os.path.basename(path)[:-len('.sql')]
        if stem.endswith('.postgres'):
            overrides[path[:-len('.postgres.sql')] + '.sql'] = path
            continue
        table = migrations if os.path.basename(os.path.dirname(path)) == 'migration' else statements
        if stem in table:
            raise SystemExit('%s: the name is taken by %s' % (path, table[stem]))
        if not re.fullmatch(r'[a-z0-9_]+', stem):
            raise SystemExit('%s: names are small letters, digits and _' % path)
        table[stem] = path
    for base, path in overrides.items():
        if base not in files:
            raise SystemExit('%s: there is no %s that it could replace' % (path, os.path.basename(base)))
    return statements, migrations, overrides


def load_migrations(table, overrides):
    rows = []
    for stem, path in sorted(table.items()):
        match = re.fullmatch(r'(\d{3})_(\w+)', stem)
        if not match:
            raise SystemExit('%s: a migration is named NNN_what.sql' % path)
        if int(match.group(1)) != len(rows) + 1:
            raise SystemExit('%s: migration %03d comes next' % (path, len(rows) + 1))
        try:
            rows.append((len(rows) + 1, match.group(2), translate(read(path), 'sqlite'),
                         translate(read(overrides.get(path, path)), 'postgres')))
        except Bad as bad:
            raise SystemExit('%s: %s' % (path, bad))
    return rows


def load_statements(table, overrides):
    rows = []
    for name, path in sorted(table.items()):
        try:
            rows.append((name, statement(path, overrides.get(path))))
        except Bad as bad:
            raise SystemExit('%s: %s' % (path, bad))
    return rows


def write_header(module, statements):
    guard = 'JUKI_%s_SQL_H' % module.upper()
    lines = ['/* Made by tools/sqlgen.py. */', '#ifndef ' + guard, '#define ' + guard, '', '#include "db/db.h"', '']
    for name, row in statements:
        lines += ['/* %s */' % row['what'], 'extern const struct db_stmt sql_%s;' % name]
    lines += ['extern const struct db_module %s_module;' % module, '', '#endif', '']
    return '\n'.join(lines)


def write_source(module, header, statements, migrations):
    lines = ['/* Made by tools/sqlgen.py. */', '#include "%s"' % os.path.basename(header), '']
    for index, (name, row) in enumerate(statements):
        lines += ['const struct db_stmt sql_%s = {' % name, '    .name = "%s",' % name,
                  '    .sqlite = %s,' % c_string(row['sqlite']), '    .postgres = %s,' % c_string(row['postgres']),
                  '    .params = "%s", .results = "%s", .index = %d,' % (row['params'], row['results'], index), '};']
    if statements:
        lines += ['static const struct db_stmt *const stmts[] = {']
        lines += ['    &sql_%s,' % name for name, _ in statements] + ['};']
    if migrations:
        lines += ['static const struct db_migration migrations[] = {']
        for number, name, sqlite, postgres in migrations:
            lines += ['    {%d, "%s",' % (number, name), '     %s,' % c_string(sqlite),
                      '     %s},' % c_string(postgres)]
        lines += ['};']
    lines += ['const struct db_module %s_module = {' % module, '    .name = "%s",' % module]
    if migrations:
        lines += ['    .migrations = migrations, .migration_count = %d,' % len(migrations)]
    if statements:
        lines += ['    .stmts = stmts, .stmt_count = %d,' % len(statements)]
    return '\n'.join(lines + ['};', ''])


def main(args):
    depfile = None
    if '--depfile' in args:
        at = args.index('--depfile')
        depfile = args[at + 1]
        del args[at:at + 2]
    if len(args) < 4:
        raise SystemExit('usage: sqlgen.py MODULE OUT.h OUT.c [--depfile FILE] FILES-OR-FOLDERS...')
    module, header, source = args[:3]
    files, folders = walk(args[3:])
    statements, migrations, overrides = sort_files(files)
    statements, migrations = load_statements(statements, overrides), load_migrations(migrations, overrides)
    with open(header, 'w', encoding='utf-8') as file:
        file.write(write_header(module, statements))
    with open(source, 'w', encoding='utf-8') as file:
        file.write(write_source(module, header, statements, migrations))
    if depfile:
        with open(depfile, 'w', encoding='utf-8') as file:
            file.write('%s: %s\n' % (header, ' '.join(path.replace(' ', '\\ ') for path in files + folders)))


if __name__ == '__main__':
    main(sys.argv[1:])

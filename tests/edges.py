#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The shape of the tree, checked: docs/ARCHITECTURE.md says who may use whom, and this test holds the code to it.

The table is the fenced block that begins with ```edges there, one line a folder: `store: base identity db ledger`.
A name may be narrowed to headers, `register(csv.h)`. `*` means every folder, `-` none. A line `program/juki-verify.c:`
replaces its folder's line for that one file. A folder may always use itself.
The rules are functions below, each yielding one line per offence; every rule counts as one test."""
import collections
import os
import re
import subprocess
import sys

ROOT = os.environ.get('JUKI_SOURCE') or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
SYSTEM_INCLUDE = re.compile(r'^\s*#\s*include\s*<([^>]+)>', re.M)
# identity is pure: values in, values out. Headers that open files, sockets, threads or processes stay out.
IO_HEADERS = re.compile(r'^(unistd|fcntl|dirent|pthread|threads|poll|netdb|sqlite3|libpq-fe|syslog|signal|curl/.*|'
                        r'gnutls/.*|dlfcn|arpa/.*|net/.*|netinet/.*|sys/(socket|stat|mman|file|wait|epoll|random|un)|'
                        r'microhttpd|systemd/.*)\.h$|^(sqlite3|libpq-fe|microhttpd)$')
IO_BASE = {'base/file.h', 'base/log.h', 'base/library.h', 'base/progress.h', 'base/random.h', 'base/config.h'}
REPEATABLE = {'meson.build', 'README.md'}  # names that tools demand in each folder


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as f:
        return f.read()


def tree(top, *endings):
    for folder, folders, names in os.walk(os.path.join(ROOT, top)):
        folders[:] = sorted(d for d in folders if not d.startswith('.') and d != '__pycache__')
        for name in sorted(names):
            if name.endswith(endings or ('',)):
                yield os.path.relpath(os.path.join(folder, name), ROOT)


def allowed_edges():
    block = re.search(r'^```edges\n(.*?)^```', read('docs/ARCHITECTURE.md'), re.M | re.S)
    if not block:
        sys.exit('docs/ARCHITECTURE.md has no ```edges block')
    table = {}
    for line in block.group(1).splitlines():
        folder, _, names = line.partition(':')
        targets = {}
        for name, headers in re.findall(r'([\w*]+)(?:\(([^)]*)\))?', names):
            targets[name] = set(headers.split()) if headers else None
        table[folder.strip()] = targets
    return table


EDGES = allowed_edges()
C_FILES = list(tree('src', '.c', '.h', '.def'))
SQL_FILES = list(tree('src', '.sql'))
INCLUDES = [(path, name) for path in C_FILES for name in INCLUDE.findall(read(path))]


def includes_follow_the_table():
    for path, name in INCLUDES:
        inside = path.split('/', 1)[1]
        folder = inside.split('/')[0]
        targets = EDGES.get(inside, EDGES.get(folder, {}))
        if '/' not in name:  # a header beside its file, or a generated one of the same folder
            continue
        target, header = name.split('/')[0], name.split('/', 1)[1]
        if target == folder or '*' in targets:
            continue
        if target not in targets:
            yield f'{path} includes {name}: {folder} may use {" ".join(sorted(targets)) or "nothing"}'
        elif targets[target] is not None and header not in targets[target]:
            yield f'{path} includes {name}: of {target} only {" ".join(sorted(targets[target]))}'


def every_folder_is_in_the_table():
    for folder in sorted(os.listdir(os.path.join(ROOT, 'src'))):
        if os.path.isdir(os.path.join(ROOT, 'src', folder)) and folder not in EDGES:
            yield f'src/{folder} has no line in the edges table'
    for folder, targets in EDGES.items():
        for target in targets:
            if target != '*' and target not in EDGES:
                yield f'the edges table lets {folder} use {target}, which has no line'


def edges_make_no_circle():
    done, path = set(), []

    def walk(folder):
        if folder in path:
            yield ' -> '.join(path[path.index(folder):] + [folder])
        elif folder not in done:
            path.append(folder)
            for target, headers in EDGES.get(folder, {}).items():
                if target != '*' and headers is None:
                    yield from walk(target)
            path.pop()
            done.add(folder)
    for folder in EDGES:
        yield from walk(folder)


def flows_do_not_know_each_other():
    for path, name in INCLUDES:
        own = re.match(r'src/flow/(\w+)/', path)
        other = re.match(r'flow/(\w+)/', name)
        if own and other and own.group(1) != other.group(1):
            yield f'{path} includes {name}'


def included_headers_exist():
    recipes = '\n'.join(read(p) for p in tree('src', 'meson.build'))  # a generated header stands in one
    for path, name in INCLUDES:
        beside = os.path.join(ROOT, os.path.dirname(path), name)
        if not (os.path.exists(beside) or os.path.exists(os.path.join(ROOT, 'src', name)) or
                name.endswith('_sql.h') or f"'{os.path.basename(name)}'" in recipes):
            yield f'{path} includes {name}, which is nowhere'


def file_names_are_unique():
    seen = collections.defaultdict(list)
    for path in C_FILES + list(tree('tools')) + list(tree('policy') if os.path.isdir(os.path.join(ROOT, 'policy')) else []):
        if os.path.basename(path) not in REPEATABLE:
            seen[os.path.basename(path)].append(path)
    for path in SQL_FILES:  # a migration's number starts again in each module
        if '/migration/' not in path:
            seen[os.path.basename(path)].append(path)
    for name, paths in seen.items():
        if len(paths) > 1:
            yield f'{name}: {" ".join(paths)}'


def identity_does_no_io():
    for path in (p for p in C_FILES if p.startswith('src/identity/')):
        text = read(path)
        for name in SYSTEM_INCLUDE.findall(text):
            if IO_HEADERS.match(name):
                yield f'{path} includes <{name}>'
        for name in INCLUDE.findall(text):
            if name in IO_BASE:
                yield f'{path} includes "{name}"'


def statements_are_used():
    words = set(re.findall(r'\bsql_\w+', '\n'.join(read(p) for p in C_FILES if not p.endswith('_sql.h'))))
    for path in SQL_FILES:
        if '/migration/' in path:
            continue
        name = os.path.basename(path)[:-4].removesuffix('.postgres').removesuffix('.sqlite')
        if 'sql_' + name not in words:
            yield f'{path}: nothing uses sql_{name}'


def migrations_are_numbered_without_gaps():
    numbers = collections.defaultdict(list)
    for path in SQL_FILES:
        if '/migration/' in path:
            folder, name = os.path.split(path)
            if not re.match(r'\d{3}_[a-z0-9_]+(\.postgres|\.sqlite)?\.sql$', name):
                yield f'{path}: not 001_what.sql'
            elif '.postgres' not in name and '.sqlite' not in name:
                numbers[folder].append(int(name[:3]))
    for folder, found in numbers.items():
        if sorted(found) != list(range(1, len(found) + 1)):
            yield f'{folder}: numbers {sorted(found)}'


def headers_have_their_guard():
    for path in C_FILES + list(tree('tests', '.h')):
        if not path.endswith('.h') or path == 'src/base/poison.h':
            continue
        inside = path.removeprefix('src/')
        want = 'JUKI_' + re.sub(r'[^A-Z0-9]', '_', inside.upper())
        short = re.sub(r'_(\w+)_\1_H$', r'_\1_H', want)  # flow/number/number.h
        text = read(path)
        if not any(f'#ifndef {guard}\n#define {guard}\n' in text for guard in (want, short)):
            yield f'{path}: guard is not {want}'


def files_name_their_licence():
    sources = C_FILES + list(tree('tests', '.c', '.h', '.py', '.sh')) + list(tree('tools', '.py', '.sh'))
    for path in sources + ['run', '.ci/run']:
        if 'SPDX-License-Identifier: Apache-2.0' not in '\n'.join(read(path).splitlines()[:3]):
            yield f'{path}: no SPDX line at the top'


def c_files_include_their_header_first():
    for path in (p for p in C_FILES if p.endswith('.c')):
        own = path.removeprefix('src/')[:-2] + '.h'
        first = INCLUDE.search(read(path))
        if os.path.exists(os.path.join(ROOT, 'src', own)) and (not first or first.group(1) != own):
            yield f'{path}: its first include is not {own}'


def messages_are_documented():
    said = subprocess.run([sys.executable, os.path.join(ROOT, 'tools', 'messages.py'), '--check'], capture_output=True,
                          text=True, check=False)
    yield from said.stdout.splitlines() or ([said.stderr] if said.returncode else [])


RULES = [includes_follow_the_table, every_folder_is_in_the_table, edges_make_no_circle, flows_do_not_know_each_other,
         included_headers_exist, file_names_are_unique, identity_does_no_io, statements_are_used,
         migrations_are_numbered_without_gaps, headers_have_their_guard, files_name_their_licence,
         c_files_include_their_header_first, messages_are_documented]


def main():
    failed = 0
    for rule in RULES:
        offences = list(rule())
        failed += bool(offences)
        for offence in offences:
            print(f'{rule.__name__.replace("_", " ")}: {offence}')
    print(f'{len(RULES) - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())

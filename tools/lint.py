#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Static analysis of our own C files: cppcheck and clang-tidy, with --long also gcc -fanalyzer.

With --long clang's analyser follows the paths of a function to its own limit, without to a quarter of it, which takes
half the time.

A file that was found clean is not analysed again until it, a header it includes, a setting or a tool changes: the
hash of all that names an empty file in build-asan/lint/. Each tool counts as one test."""
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, 'build-asan')
CACHE = os.path.join(BUILD, 'lint')
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
KNOWLEDGE = os.path.join(ROOT, 'tools', 'analyser.h')
KEEP_DAYS = 14
CPPCHECK = ['cppcheck', '--quiet', '--std=c11', '--enable=warning,performance,portability', '--inline-suppr',
            '--error-exitcode=1', '--suppress=missingInclude', '--suppress=missingIncludeSystem',
            '--suppress=*:/usr/include/*', '-D__GNUC__=12',
            # fires on each comparison with a pointer that may be NULL; clang-analyzer follows the paths instead
            '--suppress=nullPointerRedundantCheck']
# False alarms, by file: the check and why it is wrong there. Everything else must be mended.
KNOWN = {
    'src/keys/ff1.c': ['clang-analyzer-core.DivideZero', 'clang-analyzer-core.CallAndMessage',
                       'clang-analyzer-core.UndefinedBinaryOperatorResult',
                       'ctuuninitvar'],  # lengths of 1 and more and radixes of 2 and more are checked before
    'src/keys/certificate.c': ['clang-analyzer-core.NonNullParamChecker',
                               'uninitStructMember'],  # set whenever the call before returned ERR_OK
    'src/db/sqlite.c': ['clang-analyzer-core.NullDereference'],  # sqlite_fail never returns ERR_OK
    'src/base/json_read.c': ['bugprone-sizeof-expression'],  # an array of pointers: a pointer's size is meant
    'src/link/peer.c': ['bugprone-sizeof-expression'],  # arrays of pointers: a pointer's size is meant
    'src/register/register_apply.c': ['clang-analyzer-core.NonNullParamChecker'],  # where bytes are left, p is set
    'src/print/paper.c': ['comparePointers'],  # both ends of one embedded file
    'src/simulate/table.c': ['comparePointers'],  # both ends of one embedded file
}
LONG = '--long' in sys.argv[1:]
DEPTH = [] if LONG else ['-Xclang', '-analyzer-config', '-Xclang', 'max-nodes=60000']
# cmocka's assertions leave by longjmp, which cppcheck cannot see
CPPCHECK_TESTS = ['--suppress=nullPointer']


def our_files():
    """Each C file of ours that is built: path and the flags that analysers understand."""
    with open(os.path.join(BUILD, 'compile_commands.json'), encoding='utf-8') as f:
        for entry in json.load(f):
            path = os.path.relpath(os.path.join(entry['directory'], entry['file']), ROOT)
            if re.match(r'(src|tests)/.*\.c$', path):
                yield path, flags_of(entry)


def flags_of(entry):
    words, flags = shlex.split(entry['command']), []
    for i, word in enumerate(words):
        if word.startswith('-I'):
            flags.append('-I' + os.path.normpath(os.path.join(entry['directory'], word[2:])))
        elif word.startswith(('-D', '-std')):
            flags.append(word)
        elif word in ('-include', '-isystem'):
            flags += [word, words[i + 1]]
    return flags


def text_of(path):
    with open(path, encoding='utf-8', errors='replace') as f:
        return f.read()


def with_headers(path, folders, seen):
    """Every file of ours that path includes, itself first; folders as the compiler searches them."""
    if path in seen:
        return
    seen[path] = text_of(path)
    for name in INCLUDE.findall(seen[path]):
        for folder in [os.path.dirname(path)] + folders:
            candidate = os.path.normpath(os.path.join(folder, name))
            if os.path.exists(candidate):
                with_headers(candidate, folders, seen)
                break


def fingerprint(tool, path, flags):
    seen = {}
    folders = [flag[2:] for flag in flags if flag.startswith('-I')]
    with_headers(os.path.join(ROOT, path), folders, seen)
    digest = hashlib.sha256((tool.stamp + repr(KNOWN.get(path))).encode())
    for name in sorted(seen):
        digest.update(os.path.relpath(name, ROOT).encode() + b'\0' + seen[name].encode() + b'\0')
    digest.update(' '.join(flags).replace(ROOT, '').encode())
    return digest.hexdigest()


class Tool:
    def __init__(self, name, command, ours, version, settings=''):
        self.name, self.command, self.ours = name, command, ours
        out = subprocess.run(version, capture_output=True, text=True, check=False).stdout
        self.stamp = name + out + settings + text_of(KNOWLEDGE)


def cppcheck(path, flags):
    extra = CPPCHECK_TESTS if path.startswith('tests/') else []
    extra = extra + ['--suppress=' + check for check in KNOWN.get(path, [])]
    return CPPCHECK + extra + [f for f in flags if f.startswith(('-I', '-D'))] + [path]


def knowledge(path):
    """What an analyser is told beforehand; the file that defines the functions in question does without."""
    return [] if path == 'src/base/err.c' else ['-include', KNOWLEDGE]


def clang_tidy(path, flags):
    checks = '--checks=' + ','.join('-' + check for check in KNOWN.get(path, []))
    return ['clang-tidy', '--quiet', checks, path, '--'] + flags + knowledge(path) + ['-Wno-unknown-warning-option'] + DEPTH


def gcc_analyzer(path, flags):
    return ['gcc', '-fanalyzer', '-O1', '-Werror', '-c', '-o', '/dev/null'] + flags + knowledge(path) + [path]


def check(tool, path, flags):
    """None when clean, else what the tool said."""
    mark = os.path.join(CACHE, tool.name + '-' + fingerprint(tool, path, flags))
    if os.path.exists(mark):
        os.utime(mark)
        return None
    run = subprocess.run(tool.command(path, flags), cwd=ROOT, text=True, check=False, errors='replace',
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if run.returncode == 0:
        with open(mark, 'w', encoding='utf-8'):
            return None
    return f'{path}:\n{run.stdout}' if run.stdout.strip() else f'{path}: exit status {run.returncode}'


def forget_old_marks():
    for name in os.listdir(CACHE):
        path = os.path.join(CACHE, name)
        if time.time() - os.stat(path).st_mtime > KEEP_DAYS * 86400:
            os.unlink(path)


def main():
    os.makedirs(CACHE, exist_ok=True)
    files = dict(our_files())
    all_files, sources = list(files), [p for p in files if p.startswith('src/')]
    tools = [Tool('cppcheck', cppcheck, all_files, ['cppcheck', '--version'], ' '.join(CPPCHECK + CPPCHECK_TESTS)),
             Tool('clang-tidy', clang_tidy, sources, ['clang-tidy', '--version'],
                  text_of(os.path.join(ROOT, '.clang-tidy')) + repr(DEPTH))]
    if LONG:
        tools.append(Tool('gcc-analyzer', gcc_analyzer, sources, ['gcc', '--version']))
    failed = 0
    for tool in tools:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            found = [said for said in pool.map(lambda path, t=tool: check(t, path, files[path]), tool.ours) if said]
        failed += bool(found)
        for said in found:
            print(f'{tool.name}: {said}')
    forget_old_marks()
    print(f'{len(tools) - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())

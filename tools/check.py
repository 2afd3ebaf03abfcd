#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every test of the tree and counts them; ./run test builds first and then comes here.

One line a group with its time, details only of what failed, and at the end `N passed, N failed`.
The unit tests come first; then lint and the scripts, three at a time, since most of them wait more than they work, the
longest first. The count is honest: cmocka test functions one by one (their plan says how many there should be, so that a program
that dies half-way has the rest counted as failed), and for scripts the sum of what each says in its last line. A
program that dies, hangs, prints no count or ran nothing counts as a failure."""
import argparse
import concurrent.futures
import glob
import json
import os
import re
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, 'build-asan')
SHORT, LONG = 600, 5400  # seconds a script may take
AT_ONCE = 3
UNIT_PROGRAMS_AT_ONCE = 3  # many of them wait for a peer to give up
# these take longest; in order, so that none of them is left for the end
LONGEST = ['lint', 'tests/fuzz/test_fuzz.py', 'tests/scenario/test_network.py', 'tests/fault/test_restore_register.py',
           'tests/fault/test_disk.py', 'tests/scenario/test_postgresql.py', 'tests/fault/test_restore.py',
           'tests/scenario/test_standby.py']
COUNT = re.compile(r'^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$')
TAP = re.compile(r'^(not )?ok \d+ - (.*?)( # SKIP.*)?$', re.M)
MEASURED = {'tests/fault/test_soak.py'}  # with --long on the build that is used: sanitizers hold back what was freed
PLAN = re.compile(r'^1\.\.(\d+)$', re.M)


class Tally:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped
        self.details = self.name = ''

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def show(self, title, text, lines=40):
        self.details += f'--- {title}\n' + ''.join(f'    {line}\n' for line in text.rstrip().splitlines()[-lines:])

    def __str__(self):
        skipped = f', {self.skipped} skipped' if self.skipped else ''
        return f'{self.passed} passed, {self.failed} failed{skipped}'


def environment(long=False):
    env = dict(os.environ, JUKI_SOURCE=ROOT, JUKI_BUILD=BUILD, LC_ALL='C.UTF-8', CMOCKA_MESSAGE_OUTPUT='TAP',
               PYTHONDONTWRITEBYTECODE='1')
    env.setdefault('ASAN_OPTIONS', 'halt_on_error=1:abort_on_error=1:detect_leaks=1:print_summary=1')
    env.setdefault('UBSAN_OPTIONS', 'halt_on_error=1:abort_on_error=1:print_stacktrace=1')
    if long:
        env['JUKI_LONG'] = '1'
    return env


def unit_program_tally(entry):
    """What one program of the meson log did; entry is a line of testlog.json."""
    out, done = entry.get('stdout') or '', entry['result']
    planned = sum(int(n) for n in PLAN.findall(out))
    skipped = sum(1 for bad, _, skip in TAP.findall(out) if skip and not bad)
    passed = sum(1 for bad, _, skip in TAP.findall(out) if not skip and not bad)
    if not planned:  # not a cmocka program: its exit status is its only test
        return Tally(passed=int(done == 'OK'), failed=int(done not in ('OK', 'SKIP')), skipped=int(done == 'SKIP'))
    failed = max(planned - passed - skipped, 0)
    return Tally(passed, failed or int(done != 'OK'), skipped)


def unit_group(long):
    log = os.path.join(BUILD, 'meson-logs', 'testlog.json')
    if os.path.exists(log):
        os.unlink(log)
    command = ['meson', 'test', '-C', BUILD, '--no-rebuild', '--num-processes', str(UNIT_PROGRAMS_AT_ONCE)]
    if long:
        command += ['--timeout-multiplier', '20']
    run = subprocess.run(command, env=environment(long), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors='replace')
    tally = Tally()
    if not os.path.exists(log):
        tally.failed = 1
        tally.show('meson test', run.stdout)
        return tally
    with open(log, encoding='utf-8') as f:
        for line in f:
            entry = json.loads(line)
            one = unit_program_tally(entry)
            tally.add(one)
            if one.failed:
                bad = ' '.join(name for bad, name, _ in TAP.findall(entry.get('stdout') or '') if bad)
                tally.show(f'{entry["name"]}: {entry["result"]} {bad}',
                           (entry.get('stdout') or '') + '\n' + (entry.get('stderr') or ''))
    if run.returncode and not tally.failed:
        tally.show('meson test', run.stdout)
        tally.failed = 1
    return tally


def finish(process, seconds):
    """The output of a script of its own process group, which is killed with it when the time is over."""
    try:
        return process.communicate(timeout=seconds)[0], False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0], True


def script_tally(path, long, *args):
    if not os.access(path, os.X_OK):
        tally = Tally(failed=1)
        tally.show(os.path.relpath(path, ROOT), 'is not executable')
        return tally
    seconds = LONG if long else SHORT
    env = environment(long)
    if long and os.path.relpath(path, ROOT) in MEASURED:
        env['JUKI_BUILD'] = os.path.join(ROOT, 'build')
    process = subprocess.Popen([path, *args, *(['--long'] if long else [])], cwd=ROOT, env=env, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               errors='replace', start_new_session=True)
    out, late = finish(process, seconds)
    lines = out.strip().splitlines()
    last = COUNT.match(lines[-1].strip()) if lines else None
    tally = Tally(*(int(n or 0) for n in last.groups())) if last else Tally()
    problem = (f'not done after {seconds} s' if late else
               'says no count in its last line' if not last else
               'ran nothing' if not (tally.passed or tally.failed or tally.skipped) else
               f'exit status {process.returncode}' if process.returncode and not tally.failed else None)
    if problem:
        tally.failed += 1
    if tally.failed:
        tally.show(f'{os.path.relpath(path, ROOT)}: {problem or tally}', out)
    return tally


def scripts():
    return sorted(glob.glob(os.path.join(ROOT, 'tests', '*', 'test_*.py')))


def side_by_side(long):
    """Lint and the scripts: name and what to run."""
    found = {os.path.relpath(path, ROOT): lambda path=path: script_tally(path, long) for path in scripts()}
    found['lint'] = lambda: script_tally(os.path.join(ROOT, 'tools', 'lint.py'), long)
    return sorted(found.items(), key=lambda each: LONGEST.index(each[0]) if each[0] in LONGEST else len(LONGEST))


def timed(name, run):
    start = time.monotonic()
    tally = run()
    tally.name = name
    print(tally.details + f'{name:<42} {tally!s:<32} {time.monotonic() - start:7.1f} s', flush=True)
    return tally


def main():
    options = argparse.ArgumentParser(prog='./run test')
    options.add_argument('--long', action='store_true', help='also the tests that take long, and gcc -fanalyzer')
    long = options.parse_args().long
    total = Tally()
    done = [timed('unit tests under sanitizers', lambda: unit_group(long)),
            timed('tests/edges.py', lambda: script_tally(os.path.join(ROOT, 'tests', 'edges.py'), False))]
    print('lint begins: what is unchanged since the last run is skipped, a whole tree takes some minutes', flush=True)
    with concurrent.futures.ThreadPoolExecutor(1 if long else AT_ONCE) as pool:  # what --long measures is to be alone
        done += pool.map(lambda each: timed(*each), side_by_side(long))
    for tally in done:
        total.add(tally)
    if total.skipped:  # what is not proved here is said where everybody looks
        print(f'{total.skipped} skipped, not proved: ' + ', '.join(f'{t.name} ({t.skipped})' for t in done if t.skipped))
    print(f'{total.passed} passed, {total.failed} failed')
    return 1 if total.failed else 0


if __name__ == '__main__':
    sys.exit(main())

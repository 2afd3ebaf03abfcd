# SPDX-License-Identifier: Apache-2.0
"""Ports of loopback for servers that a script starts, stops and starts again.

Each script has a row of its own, which it holds by a lock while it runs, so that two at once never meet; all rows lie below
the ports that the system gives to whoever connects (32768 on), since such a one may be taken when the server comes again.
"""
import fcntl
import itertools
import os
import pathlib
import socket
import tempfile

FIRST, EACH, ROWS = 20000, 400, 30


def take_row():
    """The lock ends with the process; children do not inherit it."""
    folder = pathlib.Path(tempfile.gettempdir()) / f"juki-test-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for row in range(ROWS):
        lock = os.open(folder / str(row), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return FIRST + row * EACH
        except OSError:
            os.close(lock)
    raise RuntimeError("too many scripts at once")


BEGIN = take_row()
PORTS = itertools.count(BEGIN)


def is_free(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def free_ports(count):
    """The first of so many in a row; none is given twice."""
    found = 0
    for port in itertools.takewhile(lambda port: port < BEGIN + EACH, PORTS):
        found = found + 1 if is_free(port) else 0
        if found == count:
            return port - count + 1
    raise RuntimeError("no free ports")


def free_port():
    return free_ports(1)

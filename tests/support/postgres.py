# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL for scenarios, as an operator would run it (fsync, whole pages), and wires that can be cut.

JUKI_TEST_NO_POSTGRES=1 leaves it out: a script says so and counts what it skipped."""
import glob
import os
import pathlib
import pwd
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from network import leave_out
from ports import free_port


def wanted():
    return not os.environ.get("JUKI_TEST_NO_POSTGRES")


def need_postgres():
    if not wanted():
        leave_out("JUKI_TEST_NO_POSTGRES is set")


class Postgres:
    def __init__(self, small=None):
        """small(folder): puts a small disk over the folder of its data, which is kept small itself then."""
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not found:
            raise SystemExit("no /usr/lib/postgresql/*/bin; install postgresql, or set JUKI_TEST_NO_POSTGRES=1")
        self.bin = pathlib.Path(found[-1])
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="juki-postgres-"))
        self.port = free_port()
        self.process = None
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self.settings = []
        words = []
        if small:
            (self.folder / "data").mkdir()
            small(self.folder / "data")
            words = ["--wal-segsize=1"]
            self.settings = ["-c", "min_wal_size=2MB", "-c", "max_wal_size=4MB"]
        self.run("initdb", "-D", self.folder / "data", "-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "trust",
                 "--no-sync", "--no-instructions", *words)
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def words(self, program, *arguments):
        """PostgreSQL refuses to run as root; it dies with this script."""
        user = ["--reuid", "postgres", "--regid", "postgres", "--init-groups"] if os.getuid() == 0 else []
        return ["setpriv", *user, "--pdeathsig", "QUIT", str(self.bin / program), *map(str, arguments)]

    def run(self, program, *arguments):
        r = subprocess.run(self.words(program, *arguments), capture_output=True, text=True, cwd="/", timeout=120)
        if r.returncode:
            raise AssertionError(f"{program}: {r.stdout}{r.stderr}")
        return r.stdout

    def start(self):
        log = open(self.folder / "log", "a", encoding="utf-8")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            self.words("postgres", "-D", self.folder / "data", "-p", self.port, "-c", "listen_addresses=127.0.0.1", "-c",
                       f"unix_socket_directories={self.folder}", "-c", "max_connections=300", "-c", "autovacuum=off", *self.settings),
            stdout=log, stderr=log, cwd="/")
        log.close()
        until = time.monotonic() + 60
        while subprocess.run([self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False).returncode:
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError("PostgreSQL does not start: " + (self.folder / "log").read_text()[-2000:])
            time.sleep(0.05)

    def stop(self, mode):
        """"fast" ends sessions in order, "immediate" is a crash."""
        if self.process:
            self.process.send_signal({"fast": 2, "immediate": 3}[mode])
            self.process.wait(timeout=60)
        self.process = None

    def sql(self, text, database="postgres"):
        r = subprocess.run([self.bin / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p",
                            str(self.port), "-U", "postgres", "-d", database, "-c", text], capture_output=True, text=True,
                           timeout=60)
        if r.returncode:
            raise AssertionError(f"{text}: {r.stderr}")
        return r.stdout.strip()

    def make_databases(self, nodes):
        for node in nodes:
            self.sql(f"CREATE DATABASE {database_of(node)} TEMPLATE template0")

    def move(self, net, node):
        """One line in a server's configuration: its records are kept here."""
        self.make_databases([node])
        net.configure_more(node, f'database: "{self.url()}/{database_of(node)}"\n')

    def check_streams(self, checks, nodes):
        """Each stream has exactly the sequences 1 to n."""
        for node in nodes:
            gaps = self.sql("SELECT peer, count(*), max(sequence) FROM link_out GROUP BY peer HAVING count(*) <> max(sequence)",
                            database_of(node))
            checks.check(f"{node}: its sequences are without gap", gaps == "", gaps)

    def dump(self, node):
        """pg_dump of a server's database, which may be in use: the file."""
        path = self.folder / f"{node}.dump"
        self.run("pg_dump", "-Fc", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", "-f", path, database_of(node))
        return path

    def restore(self, path, database):
        """In the place of what stands there; whoever is connected to it is sent away."""
        self.sql(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        self.sql(f"CREATE DATABASE {database} TEMPLATE template0")
        self.run("pg_restore", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", "-d", database, path)

    def terminate(self, node):
        """Ends every session of a server's database: the number of sessions."""
        return int(self.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = "
                            f"'{database_of(node)}' AND pid <> pg_backend_pid()"))

    def url(self, port=None):
        return f"postgresql://postgres@127.0.0.1:{port or self.port}"


def database_of(node):
    return "juki_" + node.replace(".", "_")


class Wire:
    """Passes connections on to a port that can be changed. swallow(n): the next n answers to COMMIT do not arrive, and
    their connections end."""

    def __init__(self, target, port=None):
        self.target, self.lock, self.pairs = target, threading.Lock(), set()
        self.swallowing = self.swallowed = 0
        self.listener = socket.create_server(("127.0.0.1", port or 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.target), 5)
        except OSError:
            client.close()
            return
        pair = (client, server)
        with self.lock:
            self.pairs.add(pair)
        try:
            self.pump(client, server)
        except OSError:
            pass
        with self.lock:
            self.pairs.discard(pair)
        client.close()
        server.close()

    def pump(self, client, server):
        committing = False
        while True:
            for s in select.select([client, server], [], [])[0]:
                data = s.recv(65536)
                if not data:
                    return
                if s is client:
                    committing = committing or b"COMMIT\0" in data
                elif committing:
                    committing = False
                    if self.takes():
                        return
                (server if s is client else client).sendall(data)

    def takes(self):
        with self.lock:
            if not self.swallowing:
                return False
            self.swallowing -= 1
            self.swallowed += 1
            return True

    def swallow(self, count):
        with self.lock:
            self.swallowing += count

    def point(self, target):
        """Elsewhere from now on; what runs is cut."""
        self.target = target
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            for s in pair:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.point(self.target)

# SPDX-License-Identifier: Apache-2.0
"""A bad line between neighbours: a TCP proxy in front of one server.

The directory names the proxy's port as the server's address; the server itself is told to listen on another. Up is what the
dialler sends, down what comes back. Faults: cut after a number of bytes (with FIN or RST), slow to some bytes a second, swallow
one direction (half open), stall, vanish without a FIN, play recorded bytes again, hold idle connections. Threads, one a direction.
"""
import pathlib
import socket
import struct
import threading
import time

from network import until
from ports import free_port

CHUNK = 65536


class Connection:
    def __init__(self, line, client, server, cut):
        self.line, self.sockets, self.cut = line, {"up": client, "down": server}, cut
        self.counts, self.record = {"up": 0, "down": 0}, b""
        self.open, self.vanished = True, False

    def close(self, hard=False):
        self.open = False
        for s in self.sockets.values():
            try:
                if hard:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def vanish(self, told):
        """Nothing more is carried, and no end hears of it but the one whose words went the way that is told."""
        self.vanished = True
        if told:
            s = self.sockets[told]
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.shutdown(socket.SHUT_RDWR)  # wakes who reads it here
            s.close()

    def pump(self, way):
        source, sink = self.sockets[way], self.sockets["down" if way == "up" else "up"]
        try:
            while data := source.recv(self.line.take(way)):
                if not self.pass_on(way, data, sink):
                    break
        except OSError:
            pass
        if not self.vanished:
            self.close()
            self.line.forget(self)

    def pass_on(self, way, data, sink):
        line = self.line
        line.wait_while_stalled()
        if self.vanished or line.swallow == way:
            return True
        if self.cut and self.cut[0] == way and self.counts[way] + len(data) >= self.cut[1]:
            sink.sendall(data[:self.cut[1] - self.counts[way]])
            line.cuts += 1
            self.close(hard=self.cut[2])
            return False
        if way == "up" and len(self.record) < 1 << 20:
            self.record += data
        self.counts[way] += len(data)
        sink.sendall(data)
        if line.rate:
            time.sleep(len(data) / line.rate)
        return True


class Line:
    def __init__(self, port, target):
        self.target, self.rate, self.swallow, self.cuts = target, None, None, 0
        self.flowing = threading.Event()
        self.flowing.set()
        self.lock, self.connections, self.armed, self.records = threading.Lock(), [], [], []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def take(self, _way):
        return max(1, min(CHUNK, self.rate // 4)) if self.rate else CHUNK

    def wait_while_stalled(self):
        self.flowing.wait()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target), 10)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            with self.lock:
                cut = self.armed.pop(0) if self.armed else None
                c = Connection(self, client, server, cut)
                self.connections.append(c)
            for way in ("up", "down"):
                threading.Thread(target=c.pump, args=(way,), daemon=True).start()

    def forget(self, connection):
        with self.lock:
            if connection in self.connections:
                self.connections.remove(connection)
                self.records.append(connection.record)
                del self.records[:-8]

    def break_all(self, hard=False):
        with self.lock:
            all_of_them = list(self.connections)
        for c in all_of_them:
            c.close(hard)
            self.forget(c)

    def vanish(self, told=None):
        """The connections that there are carry nothing more. told "up": the dialler is reset, the server hears nothing; "down":
        the other way about; None: neither hears. New connections are good ones."""
        with self.lock:
            all_of_them = list(self.connections)
        for c in all_of_them:
            c.vanish(told)
        return len(all_of_them)

    def cut_next(self, way, count, hard, times=1):
        """The next connections end when so many bytes have gone that way."""
        with self.lock:
            self.armed = [(way, count, hard)] * times
        self.break_all()

    def heal(self):
        self.rate = self.swallow = None
        with self.lock:
            self.armed = []
        self.flowing.set()

    def replay(self, record):
        """Bytes that a dialler once sent, sent again by somebody who only has the bytes. What the server answered in all."""
        answered = 0
        with socket.create_connection(("127.0.0.1", self.target), 10) as s:
            try:
                s.sendall(record)
                s.settimeout(15)
                while data := s.recv(CHUNK):
                    answered += len(data)
            except OSError:
                pass
        return answered

    def hold(self, count):
        """Connections that say nothing; close them."""
        return [socket.create_connection(("127.0.0.1", self.target), 10) for _ in range(count)]

    def close(self):
        self.heal()
        self.listener.close()
        self.break_all()


def put_before(net, node, what="link"):
    """The server's link or door listens elsewhere; the address that others know leads to the line that is returned."""
    known, own = net.node(node)["port" if what == "link" else "door_port"], free_port()
    net.configure(node, f'listen: "127.0.0.1:{known}"', f'listen: "127.0.0.1:{own}"')
    return Line(known, own)


def held(net, nodes):
    """Threads and descriptors of each server."""
    proc = {node: pathlib.Path(f"/proc/{net.pid(node)}") for node in nodes}
    return {node: [len(list((p / what).iterdir())) for what in ("task", "fd")] for node, p in proc.items()}


def check_given_back(checks, net, before):
    """What a server held before the faults it holds again, but for two of each."""
    for node, had in before.items():
        back = until(lambda: all(n <= most + 2 for n, most in zip(held(net, [node])[node], had)), 20)
        checks.check(f"{node} has given back its threads and descriptors", back, (had, held(net, [node])[node]))

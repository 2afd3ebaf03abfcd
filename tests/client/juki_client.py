# SPDX-License-Identifier: Apache-2.0
"""The other end of `juki/1`, written from docs/PROTOCOL.md alone: a node that dials, sends, asks, shows its head, and one
that is dialled and takes notices. It shares no code with the servers, so that what both understand is what the document
says. It keeps everything in memory and is as strict about what it receives as the document asks.

Codec: frames, JWS, the tree of a batch, heads. `Node` is what a node knows; `Dialler` one connection that asks;
`Acceptor` the port that answers. Misbehaviour is for tests: they use the same pieces and bend one."""
import base64
import collections
import hashlib
import json
import os
import pathlib
import socket
import ssl
import struct
import threading
import time

import ed25519

(HELLO, HELLO_ANSWER, BATCH, RECEIPT, RESEND, FETCH, FETCHED, HEAD, HEAD_ANSWER, HEAD_SIZE, BUSY, REFUSED) = range(1001, 1013)
QUESTION, ANSWER, BYE, AHEAD = 1013, 1014, 1015, 1016
DIRECTORY, OUTCOME, IDENTITY_NOTICE, NUMBER_REQUEST, NUMBER_NOTICE, STOCK_REQUEST, STOCK_NOTICE = 1, 2, 10, 11, 12, 13, 14
FRAME_MOST, BATCH_MOST, BATCH_BYTES, HEADER_MOST, DEPTH_MOST = 1 << 20, 4000, 4 << 20, 4096, 16
ERRORS = {"EPOCH_OLD": 513, "FRAME": 509, "FRAME_SIZE": 510, "FRAME_UNEXPECTED": 511, "PROTOCOL": 512, "STREAM_FORK": 514,
          "STREAM_GAP": 515, "BATCH": 516, "KIND_UNKNOWN": 517, "NOTICE_FORM": 520, "ORIGIN": 521, "NOT_FOUND": 5}
NONE = bytes(32)


class Refusal(Exception):
    """What the other end refused (its REFUSED frame), or what we refuse in what it sent."""

    def __init__(self, name, field="", error=None, text=""):
        super().__init__(f"{name} {field} {text}".strip())
        self.name, self.field, self.error, self.text = name, field, error if error is not None else ERRORS.get(name), text


class Busy(Exception):
    def __init__(self, milliseconds):
        super().__init__(f"busy {milliseconds} ms")
        self.milliseconds = milliseconds


class Closed(Exception):
    """The other end closed the connection."""


def stamp():
    return time.time_ns() // 1000


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def b64(data):
    return base64.b64encode(data).decode()


def hash_of(text):
    data = base64.b64decode(text, validate=True)
    if len(data) != 32:
        raise Refusal("FRAME", "hash")
    return data


# ---- JSON, as narrow as the document asks

def depth(text):
    """How deep brackets nest, outside of strings."""
    most = deep = 0
    inside = escaped = False
    for c in text:
        if inside:
            inside, escaped = escaped or c != '"', not escaped and c == "\\"
        elif c == '"':
            inside = True
        elif c in "[{":
            deep += 1
            most = max(most, deep)
        elif c in "]}":
            deep -= 1
    return most


def once(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def read_json(data, error="FRAME"):
    try:
        text = data.decode()
        if depth(text) > DEPTH_MOST:
            raise ValueError("too deep")
        value = json.loads(text, object_pairs_hook=once)
    except ValueError as e:
        raise Refusal(error, "json", text=str(e)) from e
    if not isinstance(value, dict):
        raise Refusal(error, "json")
    return value


def write_json(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


# ---- JWS

def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64url_bytes(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def jws_header(kid):
    return b64url(b'{"alg":"EdDSA","kid":"%s"}' % kid.encode())


def jws_sign(seed, kid, payload):
    signed = jws_header(kid) + "." + b64url(payload)
    return signed + "." + b64url(ed25519.sign(seed, signed.encode()))


def jws_payload(text, kid, keys):
    """The payload, when one of the keys signed it as `kid`."""
    parts = text.split(".")
    if len(parts) != 3 or parts[0] != jws_header(kid):
        raise Refusal("SIGNATURE_FORM")
    signed = (parts[0] + "." + parts[1]).encode()
    if not any(ed25519.verify(key, signed, b64url_bytes(parts[2])) for key in keys):
        raise Refusal("SIGNATURE")
    return read_json(b64url_bytes(parts[1]))


# ---- trees (RFC 6962)

def leaf(kind, version, payload):
    return sha256(b"\0", struct.pack(">HH", kind, version), payload)


def half(n):
    """The largest power of two below n."""
    return 1 << (n - 1).bit_length() - 1


def tree_root(leaves):
    if not leaves:
        return sha256()
    if len(leaves) == 1:
        return leaves[0]
    k = half(len(leaves))
    return sha256(b"\1", tree_root(leaves[:k]), tree_root(leaves[k:]))


def consistency(leaves, size):
    """The proof that the tree of the first `size` leaves is the beginning of this one (RFC 6962, 2.1.2)."""
    def part(size, leaves, whole):
        if size == len(leaves):
            return [] if whole else [tree_root(leaves)]
        k = half(len(leaves))
        if size <= k:
            return part(size, leaves[:k], whole) + [tree_root(leaves[k:])]
        return part(size - k, leaves[k:], False) + [tree_root(leaves[:k])]
    return part(size, leaves, True) if size else []


# ---- heads: C2SP tlog-checkpoint, a signed note

def note_key_id(name, key, form=1):
    return sha256(name.encode(), b"\n", bytes([form]), key)[:4]


def head_note(node, seed, leaves):
    name = f"juki/{node}"
    text = f"{name}\n{len(leaves)}\n{b64(tree_root(leaves))}\n"
    signature = note_key_id(name, ed25519.public(seed)) + ed25519.sign(seed, text.encode())
    return f"{text}\n\u2014 {name} {b64(signature)}\n"


# ---- frames

def frame(kind, payload, correlation, version=1):
    return struct.pack(">IHHQ", len(payload), kind, version, correlation) + payload


def read_exactly(s, count):
    data = b""
    while len(data) < count:
        try:
            more = s.recv(count - len(data))
        except (ConnectionError, ssl.SSLEOFError) as e:
            raise Closed(str(e)) from e
        if not more:
            raise Closed("in the middle of a frame" if data else "between frames")
        data += more
    return data


def read_frame(s):
    length, kind, version, correlation = struct.unpack(">IHHQ", read_exactly(s, 16))
    if length > FRAME_MOST:
        raise Refusal("FRAME_SIZE")
    if kind == 0:
        raise Refusal("FRAME")
    return kind, version, correlation, read_exactly(s, length)


# ---- what a node knows

class Directory:
    def __init__(self, text, roots=None):
        """`roots` are the keys of the directory in force; a first one is trusted as it was handed over."""
        self.text = text
        if roots is None:
            first = json.loads(b64url_bytes(text.split(".")[1]))
            roots = [b64url_bytes(k) for k in first["root"]["keys"]]
        tree = jws_payload(text, "directory", roots)
        self.version, self.ca, self.permits = tree["version"], tree["ca"], tree["permits"]
        self.roots = [b64url_bytes(k) for k in tree["root"]["keys"]]
        self.nodes = {n["name"]: n for n in tree["nodes"]}

    def keys(self, node, time):
        """The keys of a node that counted then."""
        found = self.nodes.get(node)
        if not found:
            raise Refusal("NODE_UNKNOWN", node)
        return [b64url_bytes(k["key"]) for k in found["keys"] if k["from"] <= time and time < (k.get("until") or time + 1)]

    def address(self, node):
        host, _, port = self.nodes[node]["address"].rpartition(":")
        return host, int(port)

    def read_signed(self, text, kid):
        """A batch header or a receipt: signed by a key that counted at the time it names."""
        claimed = read_json(b64url_bytes(text.split(".")[1]))
        return jws_payload(text, kid, self.keys(kid, claimed["time"]))


class Batch:
    def __init__(self, header, fields, notices, exceptions=()):
        self.header, self.notices, self.exceptions = header, notices, list(exceptions)
        self.first, self.count, self.last = fields["first"], fields["count"], fields["first"] + fields["count"] - 1
        self.hash = sha256(header.encode())


class Stream:
    """One direction between two nodes: the batches, in order."""

    def __init__(self):
        self.batches = []

    @property
    def sequence(self):
        return self.batches[-1].last if self.batches else 0

    @property
    def hash(self):
        return self.batches[-1].hash if self.batches else NONE

    def holding(self, sequence):
        return next((b for b in self.batches if b.first <= sequence <= b.last), None)


class Node:
    def __init__(self, name, folder, seed, certificate, key, directory):
        self.name, self.folder, self.seed, self.certificate, self.key = name, pathlib.Path(folder), seed, certificate, key
        self.directory, self.epoch = Directory(directory), 1
        self.sent, self.taken, self.epochs = {}, {}, {}
        self.log = []  # hashes of our own log's leaves; each notice sent or taken is one
        self.inbox, self.refusals = [], []
        self.ahead = []  # (peer, first, last) of words ahead of outcomes
        self.changed = threading.Condition()

    def stream(self, table, peer):
        return table.setdefault(peer, Stream())

    def context(self, side):
        """TLS 1.3, both certificates, no tickets, one protocol."""
        c = ssl.SSLContext(side)
        c.minimum_version = ssl.TLSVersion.TLSv1_3
        c.load_cert_chain(self.certificate, self.key)
        c.load_verify_locations(cadata=self.directory.ca)
        c.verify_mode = ssl.CERT_REQUIRED
        c.set_alpn_protocols(["juki/1"])
        if side == ssl.PROTOCOL_TLS_SERVER:
            c.num_tickets = 0
        return c

    def peer_name(self, tls):
        if tls.selected_alpn_protocol() != "juki/1":
            raise Refusal("ALPN")
        shown = tls.getpeercert()
        name = next(v for row in shown["subject"] for k, v in row if k == "commonName")
        known = self.directory.nodes.get(name)
        if not known or ("DNS", f"{name}.juki") not in shown["subjectAltName"]:
            raise Refusal("NODE_UNKNOWN", name)
        if known["revoked"] or shown["serialNumber"].lower() in known["revoked_serials"]:
            raise Refusal("NODE_REVOKED", name)
        return name

    def header(self, peer, notices, first=None, previous=None, **other):
        stream = self.stream(self.sent, peer)
        fields = {"origin": self.name, "destination": peer, "epoch": self.epoch,
                  "first": stream.sequence + 1 if first is None else first, "count": len(notices),
                  "root": b64(tree_root([leaf(*n) for n in notices])),
                  "previous": b64(stream.hash if previous is None else previous), "time": stamp(), **other}
        return jws_sign(self.seed, self.name, write_json(fields)), fields

    def notice(self, peer, kind, body, sequence=None, ahead=0, replaces=None):
        sequence = self.stream(self.sent, peer).sequence + 1 + ahead if sequence is None else sequence
        fields = {"id": f"{self.name}/{peer}/{sequence}", "time": stamp()}
        if replaces:
            fields["replaces"] = replaces
        return kind, 1, write_json({**fields, "body": body})

    def wait(self, seconds, question):
        """The answer of `question` once it is true, asked whenever something came; the last answer when time is over."""
        with self.changed:
            self.changed.wait_for(question, seconds)
            return question()

    def bodies(self, kind, peer=None):
        return [b for k, b, p in self.inbox if k == kind and peer in (None, p)]


# ---- the end that asks

class Dialler:
    def __init__(self, node, peer, hello=True, alpn="juki/1", version=None):
        self.node, self.peer, self.correlation = node, peer, 0
        context = node.context(ssl.PROTOCOL_TLS_CLIENT)
        context.set_alpn_protocols([alpn] if alpn else [])
        if version:
            context.minimum_version = context.maximum_version = version
        plain = socket.create_connection(node.directory.address(peer), 60)
        try:
            self.tls = context.wrap_socket(plain, server_hostname=f"{peer}.juki")
        except BaseException:
            plain.close()
            raise
        if hello:
            self.hello()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tls.close()

    def raw(self, data):
        self.tls.sendall(data)

    def question(self, kind, value, more=()):
        """One question, its further frames, and the first frame of the answer."""
        self.correlation += 1
        frames = [frame(kind, write_json(value) if isinstance(value, dict) else value, self.correlation)]
        frames += [frame(k, payload, self.correlation, v) for k, v, payload in more]
        try:
            self.raw(b"".join(frames))
        except (ConnectionError, ssl.SSLError):
            pass  # refused in the middle: the answer says why
        return self.answer()

    def answer(self):
        kind, version, correlation, payload = read_frame(self.tls)
        if version != 1 or correlation != self.correlation:
            raise Refusal("FRAME", "correlation")
        fields = read_json(payload)
        if kind == REFUSED:
            raise Refusal(fields["name"], fields["field"], fields["error"], fields["text"])
        if kind == BUSY:
            raise Busy(fields["milliseconds"])
        return kind, fields

    def ask(self, kind, value, wanted, more=()):
        got, fields = self.question(kind, value, more)
        if got != wanted:
            raise Refusal("FRAME_UNEXPECTED", str(got))
        return fields

    def hello(self, **other):
        stream = self.node.stream(self.node.sent, self.peer)
        answer = self.ask(HELLO, {"node": self.node.name, "protocol": [1, 1], "epoch": self.node.epoch,
                                  "sequence": stream.sequence, "hash": b64(stream.hash),
                                  "directory": self.node.directory.version, **other}, HELLO_ANSWER)
        if answer["node"] != self.peer or answer["protocol"] != 1:
            raise Refusal("ORIGIN", "node")
        if answer["epoch"] < self.node.epochs.get(self.peer, 0):
            raise Refusal("EPOCH_OLD", self.peer)
        self.node.epochs[self.peer] = answer["epoch"]
        self.compare(answer["sequence"], hash_of(answer["hash"]), stream)
        return answer

    def compare(self, sequence, hash, stream):
        """The table of the document, as far as a node without backups needs it."""
        if sequence == stream.sequence and hash != stream.hash:
            raise Refusal("STREAM_FORK", "hash")
        if sequence > stream.sequence:
            for batch in self.fetch_from(stream.sequence + 1, sequence):
                stream.batches.append(batch)
            if hash != stream.hash:
                raise Refusal("STREAM_FORK", "hash")
        if sequence < stream.sequence:
            kept = stream.holding(sequence)
            if (kept and (kept.last != sequence or kept.hash != hash)) or (not kept and (sequence or hash != NONE)):
                raise Refusal("STREAM_FORK", "hash")
            for batch in [b for b in stream.batches if b.first > sequence]:
                self.check_receipt(self.ask(BATCH, {"header": batch.header}, RECEIPT, batch.notices), batch)

    def fetch_from(self, first, last):
        while first <= last:
            batch = self.fetch(first)
            yield batch
            first = batch.last + 1

    def send(self, notices, header=None):
        """A batch; the receipt's fields. It is ours once the receipt is checked."""
        header, fields = header or self.node.header(self.peer, notices)
        batch = Batch(header, fields, notices)
        receipt = self.check_receipt(self.ask(BATCH, {"header": header}, RECEIPT, notices), batch)
        batch.exceptions = receipt["refused"]
        self.node.stream(self.node.sent, self.peer).batches.append(batch)
        self.node.log += [leaf(*n) for n in notices]
        return receipt

    def resend(self, batch):
        return self.check_receipt(self.ask(RESEND, {"header": batch.header}, RECEIPT, batch.notices), batch)

    def check_receipt(self, answer, batch):
        receipt = self.node.directory.read_signed(answer["receipt"], self.peer)
        if receipt["from"] != self.peer or receipt["to"] != self.node.name:
            raise Refusal("ORIGIN", "receipt")
        if hash_of(receipt["header"]) != batch.hash or receipt["sequence"] < batch.last:
            raise Refusal("BATCH", "receipt")
        return receipt

    def fetch(self, sequence):
        """Our own batch that holds `sequence`, as the other end has it."""
        answer = self.ask(FETCH, {"sequence": sequence}, FETCHED)
        fields = self.node.directory.read_signed(answer["header"], self.node.name)
        notices = []
        for _ in range(fields["count"]):
            kind, version, correlation, payload = read_frame(self.tls)
            if correlation != self.correlation:
                raise Refusal("FRAME", "correlation")
            notices.append((kind, version, payload))
        if hash_of(fields["root"]) != tree_root([leaf(*n) for n in notices]):
            raise Refusal("BATCH", "root")
        return Batch(answer["header"], fields, notices, answer["refused"])

    def head(self):
        """Shows our log's head; the note with the other end's signature below ours."""
        size = self.ask(HEAD_SIZE, {}, HEAD_ANSWER)["size"]
        leaves = list(self.node.log)
        note = head_note(self.node.name, self.node.seed, leaves)
        proof = [b64(h) for h in consistency(leaves, size)]
        return size, note, self.ask(HEAD, {"note": note, "proof": proof}, HEAD_ANSWER)["note"]

    def signed_question(self, kind, body, **other):
        """The text of a question to the other end; `other` bends it."""
        return jws_sign(self.node.seed, self.node.name, write_json(
            {"id": os.urandom(16).hex(), "origin": self.node.name, "destination": self.peer, "kind": kind, "version": 1,
             "epoch": self.node.epoch, "time": stamp(), "deadline": 10000, "body": body, **other}))

    def put(self, text):
        """Asks on a connection without HELLO: what the signed answer to exactly this text says, its body or its error."""
        asked = read_json(b64url_bytes(text.split(".")[1]))
        answer = self.ask(QUESTION, {"question": text}, ANSWER)["answer"]
        fields = self.node.directory.read_signed(answer, self.peer)
        if (fields["id"], fields["from"], fields["to"]) != (asked["id"], self.peer, self.node.name):
            raise Refusal("ANSWER_OTHER", "id")
        if hash_of(fields["question"]) != sha256(text.encode()):
            raise Refusal("ANSWER_OTHER", "question")
        if ("body" in fields) == ("error" in fields):
            raise Refusal("QUESTION_FORM", "body")
        return fields

    def bye(self):
        """True when the other end then closes."""
        self.correlation += 1
        self.raw(frame(BYE, b"{}", self.correlation))
        return self.closed()

    def closed(self):
        try:
            read_frame(self.tls)
        except Closed:
            return True
        return False


# ---- the end that answers

class Acceptor:
    """Listens at the node's address and takes notices. `busy` counts batches to be put off first."""

    def __init__(self, node):
        self.node, self.busy, self.connections, self.asked = node, 0, [], collections.Counter()
        self.listening = socket.create_server(node.directory.address(node.name))
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def close(self):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.thread.join()
        for s in self.connections:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def listen(self):
        while True:
            try:
                plain, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, plain):
        try:
            plain.settimeout(5)
            context = self.node.context(ssl.PROTOCOL_TLS_SERVER)  # anew: the certificate may have been renewed
            with context.wrap_socket(plain, server_side=True) as tls:
                tls.settimeout(300)
                self.connections.append(tls)
                Conversation(self, tls, self.node.peer_name(tls)).run()
        except (OSError, Closed):
            pass
        except Refusal as e:
            self.refused(e)

    def refused(self, refusal):
        with self.node.changed:
            self.node.refusals.append(refusal)
            self.node.changed.notify_all()


class Conversation:
    """One connection that was dialled to us."""

    def __init__(self, acceptor, tls, peer):
        self.acceptor, self.node, self.tls, self.peer, self.epoch = acceptor, acceptor.node, tls, peer, None
        self.stream = self.node.stream(self.node.taken, peer)
        self.can = {BATCH: self.batch, RESEND: self.batch, FETCH: self.fetch, HEAD_SIZE: self.head, HEAD: self.head,
                    AHEAD: self.ahead}

    def run(self):
        while True:
            kind, _, correlation, payload = read_frame(self.tls)
            with self.node.changed:
                self.acceptor.asked[kind] += 1
                self.node.changed.notify_all()
            try:
                if kind == BYE:
                    return
                does = self.hello if kind == HELLO and self.epoch is None else self.can.get(kind) if self.epoch else None
                if not does:
                    raise Refusal("FRAME_UNEXPECTED", str(kind))
                does(read_json(payload), correlation)
            except Refusal as e:
                self.acceptor.refused(e)
                self.answer(REFUSED, {"error": e.error or 0, "name": e.name, "field": e.field, "text": str(e)}, correlation)
                return

    def answer(self, kind, value, correlation, more=()):
        self.tls.sendall(b"".join([frame(kind, write_json(value), correlation)] +
                                  [frame(k, payload, correlation, v) for k, v, payload in more]))

    def hello(self, fields, correlation):
        if fields["node"] != self.peer:
            raise Refusal("ORIGIN", "node")
        least, most = fields["protocol"]
        if not least <= 1 <= most:
            raise Refusal("PROTOCOL")
        if fields["epoch"] < self.node.epochs.get(self.peer, 0):
            raise Refusal("EPOCH_OLD")
        self.epoch = self.node.epochs[self.peer] = fields["epoch"]
        self.answer(HELLO_ANSWER, {"node": self.node.name, "protocol": 1, "epoch": self.node.epoch,
                                   "sequence": self.stream.sequence, "hash": b64(self.stream.hash),
                                   "directory": self.node.directory.version, "ahead": True}, correlation)

    def ahead(self, fields, _):
        with self.node.changed:
            self.node.ahead += [(self.peer, r["first"], r["last"]) for r in fields["applied"]]
            self.node.changed.notify_all()

    def batch(self, fields, correlation):
        header = fields["header"]
        if len(header) > HEADER_MOST:
            raise Refusal("BATCH", "header")
        signed = self.node.directory.read_signed(header, self.peer)
        if not 1 <= signed["count"] <= BATCH_MOST:
            raise Refusal("BATCH", "count")
        notices = self.read_notices(signed["count"], correlation)
        if self.acceptor.busy > 0:
            self.acceptor.busy -= 1
            self.answer(BUSY, {"milliseconds": 50}, correlation)
            return
        self.check(signed, notices)
        batch = self.take(Batch(header, signed, notices), signed)
        receipt = write_json({"from": self.node.name, "to": self.peer, "epoch": self.node.epoch,
                              "sequence": self.stream.sequence, "header": b64(batch.hash), "refused": batch.exceptions,
                              "time": stamp()})
        self.answer(RECEIPT, {"receipt": jws_sign(self.node.seed, self.node.name, receipt)}, correlation)

    def read_notices(self, count, correlation):
        notices, size = [], 0
        for _ in range(count):
            kind, version, repeated, payload = read_frame(self.tls)
            size += len(payload)
            if repeated != correlation or kind > 1000 or size > BATCH_BYTES:
                raise Refusal("BATCH", "notice")
            notices.append((kind, version, payload))
        return notices

    def check(self, signed, notices):
        if signed["origin"] != self.peer or signed["destination"] != self.node.name or signed["epoch"] > self.epoch:
            raise Refusal("BATCH", "header")
        if hash_of(signed["root"]) != tree_root([leaf(*n) for n in notices]):
            raise Refusal("BATCH", "root")

    def take(self, batch, signed):
        """The batch, or the one that was taken before under the same header."""
        with self.node.changed:
            kept = self.stream.holding(batch.first)
            if kept:
                if kept.header != batch.header:
                    raise Refusal("STREAM_FORK")
                return kept
            if batch.first != self.stream.sequence + 1:
                raise Refusal("STREAM_GAP")
            if hash_of(signed["previous"]) != self.stream.hash:
                raise Refusal("STREAM_FORK", "previous")
            for i, notice in enumerate(batch.notices):
                self.take_notice(batch, batch.first + i, *notice)
            self.stream.batches.append(batch)
            self.node.log += [leaf(*n) for n in batch.notices]
            self.node.changed.notify_all()
        return batch

    def take_notice(self, batch, sequence, kind, version, payload):
        try:
            if kind not in (DIRECTORY, OUTCOME, NUMBER_NOTICE, STOCK_NOTICE) or version != 1:
                raise Refusal("KIND_UNKNOWN")
            fields = read_json(payload, "NOTICE_FORM")
            if fields["id"] != f"{self.peer}/{self.node.name}/{sequence}":
                raise Refusal("ORIGIN", "id")
            self.node.inbox.append((kind, fields["body"], self.peer))
        except Refusal as e:
            batch.exceptions.append({"sequence": sequence, "error": e.error, "field": e.field})

    def fetch(self, fields, correlation):
        batch = self.stream.holding(fields["sequence"])
        if not batch:
            raise Refusal("NOT_FOUND", "sequence")
        self.answer(FETCHED, {"header": batch.header, "refused": batch.exceptions}, correlation, batch.notices)

    def head(self, *_):
        raise Refusal("FRAME_UNEXPECTED", "nobody stands below this node")


def seed_of(path):
    """The seed of an Ed25519 key in PKCS #8 (RFC 8410): the last 32 bytes of its 48."""
    text = pathlib.Path(path).read_text()
    data = base64.b64decode("".join(text.split("-----")[2].split()))
    if len(data) != 48 or data[:16] != bytes.fromhex("302e020100300506032b657004220420"):
        raise ValueError(f"{os.fspath(path)}: not an Ed25519 key in PKCS #8")
    return data[16:]

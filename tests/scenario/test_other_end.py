#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The other end: a client that was written from docs/PROTOCOL.md alone plays the CS of a second municipality in a real
network. It sends and receives, loses receipts, forgets and comes back; then it misbehaves in every way the document
names, and sees the refusal the document names, and the server's log has it."""
import base64
import collections
import json
import pathlib
import re
import ssl
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "client")]
import ed25519  # noqa: E402
import juki_client as juki  # noqa: E402
from network import ROOT, Checks, Network, early_in_a_minute, until  # noqa: E402

A, B = "282049", "282022"  # B is played
CS, PREFECTURE, AGENCY = f"cs.{B}", "prefecture.28", "agency"
SECONDS = 60


def worked_example(checks):
    """Each value of the document's example, made by the client."""
    text = (ROOT / "docs" / "PROTOCOL.md").read_text()
    seed = bytes(range(32))
    checks.check("the example's key", ed25519.public(seed).hex() in text)
    bodies = [(1763797500000000, 1), (1763797500000001, 2)]
    notices = [(10, 1, juki.write_json({"id": f"cs.282049/prefecture.28/{n}", "time": t, "body": {"a": n}}))
               for t, n in bodies]
    for n in notices:
        checks.check("the example's notice, frame and leaf",
                     n[2].decode() in text and juki.frame(n[0], n[2], 2)[:16].hex() in text and juki.leaf(*n).hex() in text, n)
    root = juki.tree_root([juki.leaf(*n) for n in notices])
    header = juki.jws_sign(seed, "cs.282049", juki.write_json(
        {"origin": "cs.282049", "destination": "prefecture.28", "epoch": 1, "first": 1, "count": 2,
         "root": juki.b64(root), "previous": juki.b64(juki.NONE), "time": 1763797501000000}))
    checks.check("the example's root", root.hex() in text, root.hex())
    checks.check("the example's header", header in text, header)
    checks.check("the example's hash", juki.sha256(header.encode()).hex() in text)
    identity = "00112233445566778899aabbccddeeff"
    asked = juki.jws_sign(seed, "cs.282049", juki.write_json(
        {"id": identity, "origin": "cs.282049", "destination": "cs.131016", "kind": "wide_area_certificate", "version": 1,
         "epoch": 1, "time": 1763797501000000, "deadline": 10000, "body": {"a": 1}}))
    answered = juki.jws_sign(bytes(range(32, 64)), "cs.131016", juki.write_json(
        {"id": identity, "from": "cs.131016", "to": "cs.282049", "question": juki.b64(juki.sha256(asked.encode())), "epoch": 1,
         "time": 1763797501200000, "body": {"b": 2}}))
    checks.check("the example's question", asked in text, asked)
    checks.check("the example's answer", answered in text, answered)


def open_node(net):
    folder = net.dir / CS
    return juki.Node(CS, folder, juki.seed_of(folder / "keys/signing.key"), folder / "keys/tls.pem",
                     folder / "keys/tls.key", (folder / "directory.jws").read_text().strip())


def person(code, number, name="尼崎　太郎", version=1, **other):
    reason = other.pop("reason", "move_in")
    return {"version": version, "state": "current", "opened": "2026-11-20", "source": other.pop("source", version),
            "identity": {"resident_code": code, "individual_number": number, "foreign": False, "name": name,
                         "birth_date": "1990-01-00", "sex": "male", "area_code": other.pop("area_code", B),
                         "address": "兵庫県尼崎市東七松町１丁目２３番１号",
                         "change": {"change_reason": reason, "change_date": "2026-11-20"}}, **other}


def state_of(node, sequence):
    """The newest word about a notice to the prefecture, with its error."""
    for body in reversed(node.bodies(juki.OUTCOME, PREFECTURE)):
        for r in body["ranges"]:
            if r["first"] <= sequence <= r["last"]:
                return r["state"], r.get("error")
    return None, None


def became(node, sequence, state):
    return node.wait(SECONDS, lambda: state_of(node, sequence)[0] == state)


def versions(net):
    """The sum of all episodes' newest versions."""
    return net.ask(AGENCY, do="status")["persons"]["versions"]


# ---- what a node lives on

def stock_and_numbers(checks, node):
    with juki.Dialler(node, AGENCY) as d:
        receipt = d.send([node.notice(AGENCY, juki.STOCK_REQUEST, {"count": 20})])
        checks.check("a receipt says what is on disk", receipt["sequence"] == 1 and receipt["refused"] == [], receipt)
        node.wait(SECONDS, lambda: node.bodies(juki.STOCK_NOTICE))
        stock = node.bodies(juki.STOCK_NOTICE)
        checks.check("the codes that were asked for come", len(stock) == 1 and stock[0]["area_code"] == B and
                     len(set(stock[0]["resident_codes"])) == stock[0]["filling"] == 20, stock)
        codes = stock[0]["resident_codes"]
        asked = [node.notice(AGENCY, juki.NUMBER_REQUEST, {"resident_code": c, "request": "new", "change": i + 1}, ahead=i)
                 for i, c in enumerate(codes[:5])]
        d.send(asked)
        node.wait(SECONDS, lambda: len(node.bodies(juki.NUMBER_NOTICE)) == 5)
        numbers = {b["resident_code"]: b for b in node.bodies(juki.NUMBER_NOTICE)}
        checks.check("numbers come, each with the change that asked",
                     [numbers.get(c, {}).get("change") for c in codes[:5]] == [1, 2, 3, 4, 5], numbers)
        d.send([node.notice(AGENCY, juki.NUMBER_REQUEST, {"resident_code": codes[0], "request": "new", "change": 1})])
        node.wait(SECONDS, lambda: len(node.bodies(juki.NUMBER_NOTICE)) == 6)
        again = node.bodies(juki.NUMBER_NOTICE)[-1]
        checks.check("the same question gets the same number", again == numbers[codes[0]], again)
        checks.check("BYE ends a connection", d.bye())
    return [(c, numbers[c]["individual_number"]) for c in codes[:5]]


def identities(checks, net, node, people):
    with juki.Dialler(node, PREFECTURE) as d:
        d.send([node.notice(PREFECTURE, juki.IDENTITY_NOTICE, person(*p), ahead=i) for i, p in enumerate(people[:3])])
        checks.check("three persons are applied nationally", all(became(node, s, "applied") for s in (1, 2, 3)),
                     node.bodies(juki.OUTCOME))
        counts = net.ask(AGENCY, do="status")["persons"]
        checks.check("and the agency has them", counts["current"] == 3 and counts["versions"] == 3, counts)
        d.send([node.notice(PREFECTURE, juki.IDENTITY_NOTICE,
                            person(*people[0], name="尼崎　次郎", version=2, reason="ex_officio_amendment"))])
        checks.check("word of it comes ahead", node.wait(SECONDS, lambda: (PREFECTURE, 4, 4) in node.ahead), node.ahead)
        checks.check("and is true", versions(net) == 4, net.ask(AGENCY, do="status")["persons"])
        checks.check("a change of one is applied", became(node, 4, "applied"))


def corrected(checks, net, node, people):
    """A number that is another's waits, and its person with it; a correction takes its place, or a person gives it up."""
    code, number = people[3]
    given_up, name = people[4][0], "尼崎　五郎"
    with juki.Dialler(node, PREFECTURE) as d:
        d.send([node.notice(PREFECTURE, juki.IDENTITY_NOTICE, person(code, people[0][1], name="尼崎　三郎")),
                node.notice(PREFECTURE, juki.IDENTITY_NOTICE, person(given_up, people[0][1], name=name), ahead=1),
                node.notice(PREFECTURE, juki.IDENTITY_NOTICE,
                            person(given_up, people[0][1], name=name, version=2, reason="ex_officio_amendment"), ahead=2)])
        became(node, 7, "waiting")
        checks.check("another's number waits, and the same person's next notice behind it",
                     [state_of(node, s) for s in (5, 6, 7)] == [("waiting", 620), ("waiting", 620), ("waiting", 522)],
                     node.bodies(juki.OUTCOME))
        d.send([node.notice(PREFECTURE, juki.IDENTITY_NOTICE, replaces=f"{CS}/{PREFECTURE}/5", body=person(
            code, number, name="尼崎　三郎", version=2, replaces_version=1))])
        checks.check("a correction is applied", became(node, 8, "applied"), node.bodies(juki.OUTCOME))
    items = net.ask(AGENCY, do="errors")["errors"]
    checks.check("what it replaced is off the error list", [i["behind"] for i in items] == [False, True], items)
    for item in items:
        net.ask(AGENCY, do="error_refuse", id=item["id"])
    checks.check("what a person gives up is refused, with the reason it waited for", became(node, 6, "refused") and
                 became(node, 7, "refused") and state_of(node, 6) == ("refused", 620), node.bodies(juki.OUTCOME))
    checks.check("the correction alone is in the store", versions(net) == 6 and
                 net.ask(AGENCY, do="status")["persons"]["current"] == 4, net.ask(AGENCY, do="status")["persons"])


def again(checks, net, node):
    """Resend, fetch, and a receipt that was lost on the way."""
    before = versions(net)
    first = node.sent[PREFECTURE].batches[0]
    with juki.Dialler(node, PREFECTURE) as d:
        receipt = d.resend(first)
        checks.check("a resend gets the watermark of now", receipt["sequence"] == node.sent[PREFECTURE].sequence, receipt)
        back = d.fetch(2)
        checks.check("what was sent can be fetched back, byte for byte",
                     (back.header, back.notices, back.exceptions) == (first.header, first.notices, []))
        notices = [node.notice(PREFECTURE, juki.IDENTITY_NOTICE, {"nonsense": True})]
        lost = node.header(PREFECTURE, notices)
        d.question(juki.BATCH, {"header": lost[0]}, notices)  # its receipt is thrown away
    last = node.sent[PREFECTURE].sequence
    with juki.Dialler(node, PREFECTURE):
        batch = node.sent[PREFECTURE].batches[-1]
        checks.check("a lost receipt is made good by HELLO and FETCH", batch.last == last + 1 and batch.header == lost[0]
                     and batch.notices == notices and batch.exceptions[0]["sequence"] == last + 1, batch.exceptions)
    checks.check("nothing of it changed anything", versions(net) == before)


def heads(checks, node):
    with juki.Dialler(node, PREFECTURE) as d:
        size, note, kept = d.head()
        checks.check("a first head is taken from 0", size == 0 and kept.startswith(note), kept)
        name, key = f"juki/{PREFECTURE}", node.directory.keys(PREFECTURE, juki.stamp())[0]
        line = kept[len(note):].split()
        signed = base64.b64decode(line[2]) if len(line) == 3 else b""
        body = note.split("\n\n")[0] + "\n"
        checks.check("and co-signed in the name of the node above", line[:2] == ["\u2014", name] and
                     signed[:4] == juki.note_key_id(name, key) and ed25519.verify(key, body.encode(), signed[4:]), kept)
        d.send([node.notice(PREFECTURE, juki.IDENTITY_NOTICE, {"nonsense": True})])
        before = len(node.log) - 1
        size, note, kept = d.head()
        checks.check("a longer one is proved from there", size == before > 1 and kept.startswith(note), (size, before))
    forked = list(node.log)
    node.log[0] = juki.NONE
    with juki.Dialler(node, PREFECTURE) as d:
        checks.check("a log that was rewritten is a fork", error_of(lambda: d.head()) == "FORK")
    node.log = forked


def revoked(checks, net, node):
    """A new certificate, the old one on the list: the directory that says so comes as a notice, and counts at once. Who
    says nothing for a second finds the line closed."""
    with juki.Dialler(node, PREFECTURE) as d:
        net.juki("network", "renew", str(net.dir), CS, "--revoke-old")
        node.wait(SECONDS, lambda: node.bodies(juki.DIRECTORY))
        newer = juki.Directory(node.bodies(juki.DIRECTORY)[-1]["directory"], node.directory.roots)
        checks.check("a new directory comes as a notice", newer.version == node.directory.version + 1 and
                     len(newer.nodes[CS]["revoked_serials"]) == 1, newer.nodes[CS])
        until(lambda: net.ask(PREFECTURE, do="status")["directory"]["version"] >= newer.version, SECONDS)
        said = error_of(lambda: d.resend(node.sent[PREFECTURE].batches[0]))
        checks.check("a certificate that was revoked meanwhile is refused", said == "NODE_REVOKED" or
                     said.startswith(("Closed", "ConnectionResetError", "BrokenPipeError")), said)
    node.directory = newer


# ---- the end that answers

def ask_stock(node):
    """Asks for one code; the notice that brings it is the next of the agency's stream."""
    with juki.Dialler(node, AGENCY) as d:
        d.send([node.notice(AGENCY, juki.STOCK_REQUEST, {"count": 1})])


def acknowledged(net, sequence):
    """Until the agency believes that we have all up to there."""
    return until(lambda: net.peer(AGENCY, CS).get("acknowledged", 0) >= sequence, SECONDS)


def answers(checks, net, node, acceptor):
    """Busy, away, a receipt the agency cannot believe, and a memory that lost its newest batch."""
    stream, count = node.taken[AGENCY], len(node.bodies(juki.STOCK_NOTICE))

    def come(more):
        return node.wait(SECONDS, lambda: len(node.bodies(juki.STOCK_NOTICE)) >= count + more)
    acceptor.busy = 1
    ask_stock(node)
    checks.check("after BUSY the notices come again", come(1) and acceptor.busy == 0)
    acceptor.close()
    ask_stock(node)
    acceptor = juki.Acceptor(node)
    checks.check("who was away is dialled again", come(2))
    seed, node.seed = node.seed, bytes(32)
    with juki.Dialler(node, AGENCY) as d:
        node.seed = seed
        header = node.header(AGENCY, [n := node.notice(AGENCY, juki.STOCK_REQUEST, {"count": 1})])
        node.seed = bytes(32)  # only what answers signs with a key that is not ours
        d.send([n], header)
        come(3)
        fetched = acceptor.asked[juki.FETCH]
        node.seed = seed
    checks.check("a receipt that another key signed is not believed: the agency asks for its batch back",
                 node.wait(SECONDS, lambda: acceptor.asked[juki.FETCH] > fetched), acceptor.asked)
    checks.check("and keeps it", acknowledged(net, stream.sequence), net.ask(AGENCY, do="status"))
    checks.check("and what came was taken once", len(node.bodies(juki.STOCK_NOTICE)) == count + 3)
    acceptor.close()
    lost = stream.batches.pop()
    lost_bodies = len(node.bodies(juki.STOCK_NOTICE))
    acceptor = juki.Acceptor(node)
    ask_stock(node)
    checks.check("what a restored acceptor lost is sent again, and then the new", node.wait(
        SECONDS, lambda: len(node.bodies(juki.STOCK_NOTICE)) == lost_bodies + 2) and
        any(b.header == lost.header for b in stream.batches), (lost.first, lost.count, [(b.first, b.count) for b in stream.batches], node.refusals))
    return acceptor


# ---- misbehaviour

def error_of(act):
    """What was refused; or what else happened, in words."""
    try:
        act()
    except juki.Refusal as e:
        return e.name if e.error else f"{e.name} without its number"
    except (OSError, juki.Busy, juki.Closed) as e:
        return f"{type(e).__name__} {e}"
    return "nothing"


def one(node, **other):
    return [node.notice(PREFECTURE, juki.IDENTITY_NOTICE, {"nonsense": True}, **other)]


def batch(kind=juki.BATCH, notices=None, alter=lambda text: text, **fields):
    """A batch whose header says something else; or whose text is altered after signing."""
    def act(node, d):
        sent = one(node) if notices is None else notices(node)
        header, _ = node.header(PREFECTURE, sent, **fields)
        d.question(kind, {"header": alter(header)}, sent)
    return act


def other_header(text):
    """The same payload under a protected header that names no algorithm."""
    return juki.b64url(b'{"alg":"none","kid":"%s"}' % CS.encode()) + "." + text.split(".")[1] + "."


def forged(text):
    head, payload, signature = text.split(".")
    return ".".join((head, payload, ("B" if signature[0] == "A" else "A") + signature[1:]))


def question(kind, value):
    return lambda node, d: d.question(kind, value)


def raw(data, correlation=0):
    """Bytes as they are; the answer comes under `correlation`."""
    def act(node, d):
        d.raw(data)
        d.correlation = correlation
        d.answer()
    return act


def asks(alter=lambda text: text, **fields):
    """A question on a connection of its own, that says something else; or whose text is altered after signing."""
    def act(node, d):
        d.question(juki.QUESTION, {"question": alter(d.signed_question("wide_area_certificate", **{"body": {}, **fields}))})
    return act


def other_correlation(node, d):
    sent = one(node)
    d.raw(juki.frame(juki.BATCH, juki.write_json({"header": node.header(PREFECTURE, sent)[0]}), 7)
          + juki.frame(*sent[0][::2], 8))
    d.correlation = 7
    d.answer()


def question_in_batch(node, d):
    sent = one(node)
    d.raw(juki.frame(juki.BATCH, juki.write_json({"header": node.header(PREFECTURE, sent)[0]}), 7)
          + juki.frame(juki.HEAD_SIZE, b"{}", 7))
    d.correlation = 7
    d.answer()


def hello(**other):
    return lambda node, d: d.hello(**other)


def head_of_another(node, d):
    d.question(juki.HEAD, {"note": juki.head_note(f"cs.{A}", node.seed, [juki.NONE]), "proof": []})


LATER = 10**15
# what, HELLO first?, what is done, the error the document names
MISDEEDS = [
    ("a wrong root", True, batch(root=juki.b64(juki.NONE)), "BATCH"),
    ("a wrong signature", True, batch(alter=forged), "SIGNATURE"),
    ("no algorithm", True, batch(alter=other_header), "SIGNATURE_FORM"),
    ("a header without its parts", True, batch(alter=lambda t: t.split(".")[1]), "SIGNATURE_FORM"),
    ("a time before the key", True, batch(time=1), "SIGNATURE"),
    ("another's origin", True, batch(origin=f"cs.{A}"), "ORIGIN"),
    ("for another", True, batch(destination=AGENCY), "BATCH"),
    ("an epoch HELLO did not say", True, batch(epoch=9), "BATCH"),
    ("no notices", True, batch(count=0), "FIELD_RANGE"),
    ("too many notices", True, batch(count=4001), "FIELD_RANGE"),
    ("a header above 4 KiB", True, batch(unknown="x" * 4000), "LIMIT"),
    ("no header", True, question(juki.BATCH, {}), "FIELD_MISSING"),
    ("a gap", True, batch(first=LATER), "STREAM_GAP"),
    ("a fork: another batch under the first number", True, batch(first=1, previous=juki.NONE), "STREAM_FORK"),
    ("a fork: another chain", True, batch(previous=b"1" * 32), "STREAM_FORK"),
    ("an oversize frame", True, raw(struct.pack(">IHHQ", juki.FRAME_MOST + 1, juki.BATCH, 1, 5)), "FRAME_SIZE"),
    ("an oversize first frame", False, raw(struct.pack(">IHHQ", 0xFFFFFFFF, juki.HELLO, 1, 5)), "FRAME_SIZE"),
    ("kind 0", True, raw(juki.frame(0, b"{}", 5)), "FRAME"),
    ("version 2 of a frame", True, raw(juki.frame(juki.HEAD_SIZE, b"{}", 5, 2), 5), "FRAME"),
    ("a notice of another question", True, other_correlation, "FRAME"),
    ("a question inside a batch", True, question_in_batch, "FRAME_UNEXPECTED"),
    ("2,000 brackets", True, question(juki.BATCH, b'{"header":' + b"[" * 2000 + b"]" * 2000 + b"}"), "JSON_DEPTH"),
    ("17 levels", True, question(juki.HEAD_SIZE, b'{"x":' + b"[" * 16 + b"]" * 16 + b"}"), "JSON_DEPTH"),
    ("a key twice", True, question(juki.HEAD_SIZE, b'{"x":1,"x":2}'), "JSON"),
    ("bytes behind the end", True, question(juki.FETCH, b'{"sequence":1}{}'), "JSON"),
    ("invalid UTF-8", True, question(juki.FETCH, b'{"sequence":1,"x":"\xff"}'), "JSON"),
    ("a second HELLO", True, hello(), "FRAME_UNEXPECTED"),
    ("no HELLO", False, batch(), "FRAME_UNEXPECTED"),
    ("a notice outside of a batch", True, lambda node, d: d.question(juki.IDENTITY_NOTICE, one(node)[0][2]),
     "FRAME_UNEXPECTED"),
    ("a question behind HELLO", True, asks(), "FRAME_UNEXPECTED"),
    ("an answer that nobody asked for", True, question(juki.ANSWER, {}), "FRAME_UNEXPECTED"),
    ("a question with a wrong signature", False, asks(forged), "SIGNATURE"),
    ("a question without an algorithm", False, asks(other_header), "SIGNATURE_FORM"),
    ("another's question", False, asks(origin=f"cs.{A}"), "ORIGIN"),
    ("a question for another", False, asks(destination=AGENCY), "ORIGIN"),
    ("a question of epoch 0", False, asks(epoch=0), "FIELD_RANGE"),
    ("a question that waits for nothing", False, asks(deadline=0), "FIELD_RANGE"),
    ("a question with a short id", False, asks(id="00"), "QUESTION_FORM"),
    ("a question of more than 64 KiB", False, asks(body={"x": "x" * 65536}), "LIMIT"),
    ("an unknown kind", True, question(1099, {}), "FRAME_UNEXPECTED"),
    ("another's HELLO", False, hello(node=f"cs.{A}"), "ORIGIN"),
    ("a protocol to come", False, hello(protocol=[2, 3]), "PROTOCOL"),
    ("epoch 0", False, hello(epoch=0), "FIELD_RANGE"),
    ("a batch that was never sent", True, question(juki.FETCH, {"sequence": LATER}), "NOT_FOUND"),
    ("a head that is none", True, question(juki.HEAD, {"note": "x", "proof": []}), "MALFORMED"),
    ("another's head", True, head_of_another, "SIGNATURE"),
]


def misbehaves(checks, node):
    """Each on a connection of its own, which the server then closes. Gives what must stand in its log."""
    expected = collections.Counter()
    for what, greets, act, name in MISDEEDS:
        with juki.Dialler(node, PREFECTURE, hello=greets) as d:
            seen = error_of(lambda: act(node, d))
            checks.check(f"{what} is refused", seen == name, f"{seen} instead of {name}")
            checks.check(f"after {what} the line is closed", d.closed())
        expected[name] += 1
    with juki.Dialler(node, PREFECTURE) as d:
        depth_16 = b'{"x":' + b"[" * 15 + b"]" * 15 + b"}"
        checks.check("16 levels are none too many", d.question(juki.HEAD_SIZE, depth_16)[0] == juki.HEAD_ANSWER)
    return expected


def bad_notices(checks, net, node, people):
    """They keep their numbers, stand in the receipt, and stop nobody."""
    def as_id(text, **other):
        return lambda s: (10, 1, juki.write_json({"id": text.format(s), "time": 1, "body": {}, **other}))

    def identity(*args, **other):
        return lambda s: node.notice(PREFECTURE, juki.IDENTITY_NOTICE, person(*args, **other), sequence=s)
    mine = f"{CS}/{PREFECTURE}/{{}}"
    good = people[1]
    rows = [
        ("a person of another municipality", identity(*good, version=2, area_code=A), 519),
        ("an unknown kind", lambda s: (99, 1, as_id(mine)(s)[2]), 517),
        ("a version to come", lambda s: (10, 2, as_id(mine)(s)[2]), 517),
        ("a kind that a CS may not send", lambda s: (juki.OUTCOME, 1, as_id(mine)(s)[2]), 518),
        ("a kind for another", lambda s: (juki.STOCK_REQUEST, 1, as_id(mine)(s)[2]), 518),
        ("another number in its id", as_id(mine + "0"), 521),
        ("another origin in its id", as_id(f"cs.{A}/{PREFECTURE}/{{}}"), 521),
        ("no id of the form", as_id("x"), 520),
        ("bytes", lambda s: (10, 1, b"\xff\xfe"), 9),
        ("2,000 brackets", lambda s: (10, 1, b"[" * 2000), 10),
    ]
    before = versions(net)
    first = node.stream(node.sent, PREFECTURE).sequence + 1
    with juki.Dialler(node, PREFECTURE) as d:
        first = node.sent[PREFECTURE].sequence + 1
        notices = [make(first + i) for i, (_, make, _) in enumerate(rows)]
        last = first + len(rows)
        notices.append(identity(*good, name="尼崎　四郎", version=2, reason="ex_officio_amendment")(last))
        notices.append(identity(good[0][:10] + str((int(good[0][10]) + 1) % 10), good[1])(last + 1))
        refused = {r["sequence"]: r["error"] for r in d.send(notices)["refused"]}
    for i, (what, _, error) in enumerate(rows):
        checks.check(f"{what} is an exception", refused.get(first + i) == error, f"{refused.get(first + i)}, not {error}")
    checks.check("the good one among them is applied", last not in refused and became(node, last, "applied"), refused)
    checks.check("what is wrong inside an identity is an outcome", last + 1 not in refused and
                 became(node, last + 1, "refused") and state_of(node, last + 1) == ("refused", 101), state_of(node, last + 1))
    checks.check("and nothing else of it was taken", versions(net) == before + 1)
    checks.check("no outcome repeats an exception", all(state_of(node, first + i)[0] is None for i in range(len(rows))))


def strangers(checks, node):
    """Before it is known who they are nobody answers; the log counts them."""
    early_in_a_minute(15)
    rows = [("an older TLS", {"version": ssl.TLSVersion.TLSv1_2}), ("another protocol", {"alpn": "http/1.1"}),
            ("no protocol", {"alpn": None})]
    for what, words in rows:
        try:
            with juki.Dialler(node, PREFECTURE, hello=False, **words) as d:
                answered = not d.closed()
        except (ssl.SSLError, ConnectionError):
            answered = False
        checks.check(f"{what} gets no answer", not answered)
    return len(rows)


def lives(checks, node, expected):
    """An older life than one that was seen is a twin."""
    node.epoch = 2
    with juki.Dialler(node, PREFECTURE):
        node.epoch = 1
        with juki.Dialler(node, PREFECTURE, hello=False) as d:
            checks.check("an old twin is refused", error_of(d.hello) == "EPOCH_OLD")
    expected["EPOCH_OLD"] += 1
    node.epoch = 2
    with juki.Dialler(node, PREFECTURE) as old:
        with juki.Dialler(node, PREFECTURE):
            checks.check("a newer connection ends the older", old.closed())


def disagrees(checks, net, node, acceptor, person_of):
    """We say that we have something else from the prefecture: it stops its stream and calls a person."""
    acceptor.close()
    node.taken[PREFECTURE].batches[-1].hash = b"1" * 32
    acceptor = juki.Acceptor(node)
    with juki.Dialler(node, PREFECTURE) as d:
        d.send([node.notice(PREFECTURE, juki.IDENTITY_NOTICE,
                            person(*person_of, name="尼崎　五郎", version=3, reason="ex_officio_amendment"))])

    def stopped():
        return re.search(r"alarm event=stream_stopped .*" + CS, net.log(PREFECTURE))
    checks.check("a fork stops the stream with an alarm", until(stopped, SECONDS))
    acceptor.close()


def questions(checks, node):
    """No question is permitted to a prefecture: it says so, signed, for each, on a connection that stays."""
    with juki.Dialler(node, PREFECTURE, hello=False) as d:
        text = d.signed_question("wide_area_certificate", {"a": 1})
        for what in ("a question has its signed answer", "and has it again, as the same bytes"):
            said = d.put(text)
            checks.check(what, said.get("error", {}).get("number") == 518, said)
        identity = juki.read_json(juki.b64url_bytes(text.split(".")[1]))["id"]
        for what, number, asked in (
                ("other content under its id is told", 532, d.signed_question("wide_area_certificate", {}, id=identity)),
                ("so is an unknown kind", 531, d.signed_question("something_else", {})),
                ("and a version to come", 531, d.signed_question("wide_area_certificate", {}, version=3))):
            said = d.put(asked)
            checks.check(what, said.get("error", {}).get("number") == number, said)
        checks.check("after BYE the line of questions is closed", d.bye())


def in_the_log(checks, net, expected, strange):
    net.down()
    shown = net.juki("log", "show", str(net.dir), PREFECTURE, "--last", "1000")
    seen = collections.Counter(re.findall(rf"operation +refused {CS} (\w+)$", shown, re.M))
    if re.search(rf"operation +disconnected {CS} NODE_REVOKED$", shown, re.M):
        seen["NODE_REVOKED"] = 1  # the server may have parted before we spoke, or after it refused
    checks.check("every refusal stands in the server's log, once", seen == expected, f"{seen - expected} {expected - seen}")
    counted = re.findall(r"refused before authentication source 127\.0\.0\.1 minute \d+ count (\d+) last (\w+)", shown)
    checks.check("and who was not known is counted", sum(int(n) for n, _ in counted) == strange, counted)
    resent = re.search(rf"resend received {CS} 1 3\b", shown)
    checks.check("so is a resend", resent, shown[-500:])
    verified = net.run("log", "verify", str(net.dir), PREFECTURE, "--json")
    findings = [x["findings"] for x in json.loads(verified.stdout)["logs"]]
    checks.check("and the log proves itself", verified.returncode == 0 and findings == [[]], findings)


def main():
    checks = Checks()
    worked_example(checks)
    with Network(A, B) as net:
        net.up(AGENCY, PREFECTURE)
        node = open_node(net)
        acceptor = juki.Acceptor(node)
        people = stock_and_numbers(checks, node)
        identities(checks, net, node, people)
        corrected(checks, net, node, people)
        again(checks, net, node)
        heads(checks, node)
        questions(checks, node)
        expected = misbehaves(checks, node)
        expected["FORK"] += 1
        bad_notices(checks, net, node, people)
        strange = strangers(checks, node)
        revoked(checks, net, node)
        expected["NODE_REVOKED"] += 1
        acceptor = answers(checks, net, node, acceptor)
        lives(checks, node, expected)
        checks.check("we had nothing to refuse", not node.refusals, [str(r) for r in node.refusals])
        disagrees(checks, net, node, acceptor, people[2])
        in_the_log(checks, net, expected, strange)
    checks.end()


main()

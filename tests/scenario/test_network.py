#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A network's life by the juki command alone: made, started, fed, looked at, grown, renewed, stopped; and each wrong
word answered with its reason and exit status."""
import base64
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import BIN, Checks, Network, until  # noqa: E402

A, B, NEW = "282049", "272035", "131016"


def servers(net):
    r = net.run("status", str(net.dir), "--json")
    return r, {s["node"]: s for s in json.loads(r.stdout)["servers"]}


def made(checks, net):
    again = net.run("network", "init", str(net.dir))
    checks.check("a second init is refused", again.returncode == 1 and "not empty" in again.stderr, again)
    loose = [str(p) for p in net.dir.rglob("*") if p.is_file() and p.parent.name in ("keys", "authority")
             and stat.S_IMODE(p.stat().st_mode) != 0o600]
    checks.check("secrets are the owner's alone", not loose, loose)
    read = [p.name for p in net.dir.rglob("*") if p.is_file() and stat.S_IMODE(p.stat().st_mode) & 0o077]
    checks.check("and nothing is for others", not read, read)
    shown = json.loads(net.juki("network", "show", str(net.dir), "--json"))
    checks.check("the servers are listed", [n["name"] for n in shown["nodes"]] ==
                 ["agency", "prefecture.27", "prefecture.28", f"cs.{B}", f"cs.{A}", f"register.{B}", f"register.{A}"],
                 shown["nodes"])
    down, _ = servers(net)
    checks.check("before up, status says down", down.returncode == 1 and "juki up" in down.stderr, down.stderr)


def started(checks, net):
    first, second = net.up(), net.up()
    checks.check("up starts every server", first.count("started") == 7, first)
    checks.check("up again leaves them alone", second.count("runs already") == 7, second)
    r, all_servers = servers(net)
    checks.check("every server is ready", r.returncode == 0 and all(s["ready"] for s in all_servers.values()), r.stderr)
    checks.check("certificates have their days", all_servers["agency"]["certificate_days"] > 390, all_servers["agency"])
    table = net.juki("status", str(net.dir))
    checks.check("which fits 100 columns", max(map(len, table.splitlines())) <= 100, table)
    checks.check("the table has a row for each", all(name in table for name in all_servers), table)


def fed(checks, net):
    path = net.residents(A, 500, extra=("--with-codes",))
    loaded = net.run("register", "load", str(net.dir), A, str(path))
    checks.check("500 residents are loaded", loaded.returncode == 0 and "500 taken, 0 refused" in loaded.stdout, loaded)
    net.check_equal(checks, "every level agrees")
    r, all_servers = servers(net)
    counts = {n: s["persons"]["current"] for n, s in all_servers.items()}
    checks.check("the counts are right", counts["agency"] == counts["prefecture.28"] == counts[f"cs.{A}"] ==
                 counts[f"register.{A}"] == 500 and counts[f"cs.{B}"] == 0, counts)
    again = net.run("register", "load", str(net.dir), A, str(path))
    checks.check("the same file again is refused row by row", again.returncode == 1 and "500 refused" in again.stdout, again)
    status = json.loads(net.juki("register", "status", str(net.dir), A, "--json"))
    checks.check("the register knows its outcomes", status["changes"]["applied"] == 500, status)


def traced(checks, net):
    t = json.loads(net.juki("trace", str(net.dir), A, "77", "--json"))
    hops = [h["node"] for h in t["hops"]]
    times = [h["received"] for h in t["hops"]]
    checks.check("a change is traced to the agency", hops == [f"cs.{A}", "prefecture.28", "agency"], hops)
    checks.check("in the order of time", times == sorted(times), times)
    checks.check("and is applied", t["state"] == "applied", t)
    unknown = net.run("trace", str(net.dir), A, "99999")
    checks.check("an unknown change is refused", unknown.returncode == 1, unknown)


def certificate_text(net, node):
    return (net.dir / node / "keys" / "tls.pem").read_text()


def shown_certificate(net, node):
    """The certificate that the running server shows on its port (DER); it refuses us afterwards."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["juki/1"])
    with socket.create_connection(("127.0.0.1", net.node(node)["port"]), 10) as s:
        with context.wrap_socket(s) as tls:
            return tls.getpeercert(binary_form=True)


def renewed(checks, net):
    node, pid = "prefecture.28", net.pid("prefecture.28")
    before, shown = certificate_text(net, node), shown_certificate(net, node)
    r = net.run("network", "renew", str(net.dir), node, "--days", "30", "--revoke-old")
    checks.check("a certificate is renewed", r.returncode == 0 and "30 days" in r.stdout, r)
    checks.check("it is another one", certificate_text(net, node) != before)
    checks.check("the server shows the new one", until(lambda: shown_certificate(net, node) != shown, 10))
    checks.check("and was not stopped for it", net.pid(node) == pid and pathlib.Path(f"/proc/{pid}").exists())
    _, all_servers = servers(net)
    checks.check("status counts its days", all_servers[node]["certificate_days"] in (29, 30), all_servers[node])
    told = until(lambda: all(s["directory"]["version"] == 2 for n, s in servers(net)[1].items()
                             if not n.startswith("register.")), 20)
    checks.check("everybody has the directory that revokes the old one", told, servers(net)[1])
    door = net.run("network", "renew", str(net.dir), f"cs.{A}", "--door")
    checks.check("a door's certificate is renewed", door.returncode == 0, door)


def grown(checks, net):
    r = net.run("network", "add", str(net.dir), NEW)
    checks.check("a municipality is added", r.returncode == 0, r)
    told = until(lambda: servers(net)[1][f"cs.{A}"]["directory"]["version"] == 3, 20)
    checks.check("the directory reaches a CS that runs", told, servers(net)[1][f"cs.{A}"]["directory"])
    up = net.up()
    checks.check("up starts the new servers alone", up.count("started") == 3 and up.count("runs already") == 7, up)
    path = net.residents(NEW, 50, seed=3, extra=("--with-codes",))
    net.juki("register", "load", str(net.dir), NEW, str(path))
    equal = net.wait_equal()
    checks.check("its residents reach the nation", equal.returncode == 0 and f"✓ {NEW}" in equal.stdout, equal.stdout)
    after = net.residents(A, 40, seed=9, extra=("--with-codes",))
    net.run("register", "load", str(net.dir), A, str(after))
    net.check_equal(checks, "notices pass the renewed server")
    again = net.run("network", "add", str(net.dir), NEW)
    checks.check("adding it again is refused", again.returncode == 1 and "already" in again.stderr, again)


def verified(checks, net, when):
    r = net.run("log", "verify", str(net.dir), "--json")
    logs = json.loads(r.stdout)["logs"]
    checks.check(f"every log proves itself {when}", r.returncode == 0 and not any(x["findings"] for x in logs), r)
    checks.check(f"also against the head kept above {when}",
                 all(x["upper_head"] for x in logs if x["node"].startswith("cs.")), logs)


def evidence(checks, net):
    out = net.folder / "evidence.jsonl"
    r = net.run("log", "export", str(net.dir), "agency", str(out))
    checks.check("a log is exported", r.returncode == 0 and out.stat().st_size > 0, r)
    again = net.run("log", "export", str(net.dir), "agency", str(out))
    checks.check("never over a file", again.returncode == 1, again)
    lines = net.juki("log", "show", str(net.dir), f"cs.{A}", "--last", "5", "--payload")
    codes = [w for w in "".join(c if c.isdigit() else " " for c in lines).split() if len(w) in (11, 12)]
    checks.check("a log is shown", "identity_notice" in lines, lines)
    checks.check("without a number in full", not codes, len(codes))


def verify(net, form, text, key):
    """juki-verify's word on evidence; the file is written as an auditor would get it."""
    path = net.folder / f"{form}.json"
    path.write_text(text)
    return subprocess.run([BIN / "juki-verify", form, str(path), "--key", key], capture_output=True, text=True, timeout=60)


def one_piece(checks, net, what, form, words, signer, when):
    """Evidence of one notice or receipt: proved with its signer's key, refused when a byte or the key is another."""
    r = net.run("log", "evidence", str(net.dir), *words)
    checks.check(f"{what} is given out {when}", r.returncode == 0, r)
    if r.returncode:
        return
    key = net.juki("network", "key", str(net.dir), signer).strip()
    other = net.juki("network", "key", str(net.dir), "prefecture.27").strip()
    good = verify(net, form, r.stdout, key)
    checks.check(f"and is proved {when}", good.returncode == 0 and "proved" in good.stdout, good)
    checks.check(f"not with another's key {when}", verify(net, form, r.stdout, other).returncode == 1)
    tree = json.loads(r.stdout)
    if form == "notice":
        payload = bytearray(base64.b64decode(tree["notice"]["payload"]))
        payload[len(payload) // 2] ^= 1
        tree["notice"]["payload"] = base64.b64encode(payload).decode()
    else:
        head, payload, signature = tree["receipt"].split(".")
        tree["receipt"] = ".".join((head, payload[:20] + ("A" if payload[20] != "A" else "B") + payload[21:], signature))
    checks.check(f"altered it is refused {when}", verify(net, form, json.dumps(tree), key).returncode == 1)


def pieces(checks, net, when):
    cs = f"cs.{A}"
    for sequence in ("1", "77", "500"):
        one_piece(checks, net, f"notice {sequence} that a CS sent", "notice", (cs, "notice", "prefecture.28", sequence), cs, when)
    one_piece(checks, net, "the notice a prefecture received", "notice", ("prefecture.28", "notice", cs, "77", "--received"),
              cs, when)
    one_piece(checks, net, "the notice it passed on", "notice", ("prefecture.28", "notice", "agency", "77"), "prefecture.28",
              when)
    one_piece(checks, net, "the receipt", "receipt", (cs, "receipt", "prefecture.28", "77"), "prefecture.28", when)
    none = net.run("log", "evidence", str(net.dir), cs, "notice", "prefecture.28", "900000")
    checks.check(f"of nothing there is no evidence {when}", none.returncode == 1 and not none.stdout, none)


def stocked(checks, net):
    before = json.loads(net.juki("stock", str(net.dir), A, "--json"))
    net.juki("stock", "request", str(net.dir), A, "100")

    def more():
        return json.loads(net.juki("stock", str(net.dir), A, "--json"))["unused"] == before["unused"] + 100
    checks.check("codes that are asked for come", until(more, 20), before)
    checks.check("the stock is told in words", "codes left" in net.juki("stock", str(net.dir), A))
    waiting = net.juki("waiting", str(net.dir), A)
    checks.check("nobody waits for a number", "nobody" in waiting and
                 json.loads(net.juki("waiting", str(net.dir), A, "--json")) == {"waiting": []}, waiting)


def stopped(checks, net):
    cs = f"cs.{A}"
    os.kill(net.pid(cs), signal.SIGSTOP)
    r = net.run("down", str(net.dir), cs)
    checks.check("what does not stop is said", r.returncode == 3 and "--kill" in r.stderr, r)
    r = net.run("down", str(net.dir), cs, "--kill")
    checks.check("--kill ends it", r.returncode == 0, r)
    r, all_servers = servers(net)
    checks.check("status shows it as down", r.returncode == 1 and not all_servers[cs]["running"], r.stderr)
    net.up(cs)
    net.check_equal(checks, "nothing is lost")
    net.down("prefecture.28")
    told = net.run("compare", str(net.dir))
    checks.check("compare with a server down compares the others", told.returncode == 3 and f"✓ {A}" in told.stdout and
                 "down" in told.stdout, told)
    net.up("prefecture.28")
    net.down("agency")
    half = net.run("trace", str(net.dir), A, "77")
    checks.check("trace without the agency tells the way to there", half.returncode == 3 and "prefecture.28" in half.stdout,
                 half)
    net.up("agency")
    down = net.down()
    checks.check("down stops all", down.count("stopped") == 10, down)


TAMPERINGS = [  # on the agency, which nobody stands above; (what, SQL, kind)
    ("bodies taken away", "UPDATE ledger_entry SET body = NULL, salt = NULL WHERE id = (SELECT max(id) FROM ledger_entry "
     "WHERE id <= 100)", "body_gone"),
    ("an entry behind the last head", "INSERT INTO ledger_entry SELECT max(id) + 1, form, salt, body, entries FROM ledger_entry",
     "inserted"),
    ("the end cut off with heads and tiles",
     "DELETE FROM ledger_entry WHERE id > 100; DELETE FROM ledger_head WHERE size > 100; DELETE FROM ledger_tile;"
     "DELETE FROM ledger_edge", "truncated"),
    ("every head deleted", "DELETE FROM ledger_head", "head_bad"),
    ("the last entry changed", "UPDATE ledger_entry SET salt = zeroblob(16) WHERE id = (SELECT max(id) FROM ledger_entry)",
     "changed"),
]


def tampered(checks, net):
    database = next((net.dir / "agency").rglob("*.db"))
    for path in database.parent.glob(database.name + "*"):
        shutil.copy(path, net.folder)
    for what, sql, kind in TAMPERINGS:
        raw = sqlite3.connect(database)
        raw.executescript(sql)
        raw.close()
        r = net.run("log", "verify", str(net.dir), "agency", "--json")
        found = json.loads(r.stdout)["logs"][0]["findings"]
        checks.check(f"found when stopped: {what}", r.returncode == 1 and [f["kind"] for f in found] == [kind] and
                     (kind != "changed" or found[0]["first"] == found[0]["last"]), (r, found[:3]))
        for path in database.parent.glob(database.name + "*"):
            path.unlink()
        for path in net.folder.glob(database.name + "*"):
            shutil.copy(path, database.parent)
    r = net.run("log", "verify", str(net.dir), "agency", "--json")
    log = json.loads(r.stdout)["logs"][0]
    checks.check("and nothing in the honest one", r.returncode == 0 and log["behind"] == 0, log)


WRONG = [
    (("up", "DIR", "cs.999999"), 1, "juki network show"),
    (("down", "/nonexistent"), 1, "juki network init"),
    (("status", "DIR", "agencie"), 1, "juki network show"),
    (("network", "renew", "DIR", "cs.999999"), 1, "juki network show"),
    (("network", "renew", "DIR", "agency", "--door"), 2, "has no door"),
    (("network", "add", "DIR", "281018"), 1, "281000"),
    (("register", "load", "DIR", A, "/nonexistent.csv"), 1, "nonexistent"),
    (("register", "load", "DIR", "999999", "/dev/null"), 1, "area code"),
    (("register", "resend", "DIR", A, "2", "1"), 2, "FIRST"),
    (("trace", "DIR", A, "one"), 2, "CHANGE"),
    (("errors", "release", "DIR", "agency", "x"), 2, "ID"),
    (("errors", "release", "DIR", "agency", "99"), 1, "refused"),
    (("errors", "list", "DIR", f"register.{A}"), 1, "problems"),
    (("link", "resend", "DIR", f"cs.{A}", "prefecture.28", "900000", "900001"), 1, "refused"),
    (("log", "verify", "DIR", f"register.{A}"), 1, "no such log"),
    (("log", "show", "DIR", "agency", "--last", "0"), 2, "--last"),
    (("check", "date", "2026-02-30"), 0, ""),
    (("check", "resident-code", "123"), 1, "11"),
]


def wrong_words(checks, net):
    for words, status, says in WRONG:
        r = net.run(*(str(net.dir) if w == "DIR" else w for w in words))
        checks.check(f"juki {' '.join(words)}", r.returncode == status and says in r.stderr + r.stdout, r)


def main():
    checks = Checks()
    with Network(A, B) as net:
        made(checks, net)
        started(checks, net)
        fed(checks, net)
        traced(checks, net)
        renewed(checks, net)
        grown(checks, net)
        wrong_words(checks, net)
        until(lambda: all(x["upper_head"] for x in json.loads(net.run("log", "verify", str(net.dir), "--json").stdout)
                          ["logs"] if x["node"].startswith("cs.")), 30)
        verified(checks, net, "while the servers run")
        evidence(checks, net)
        pieces(checks, net, "while the servers run")
        stocked(checks, net)
        stopped(checks, net)
        pieces(checks, net, "when they are stopped")
        verified(checks, net, "when they are stopped")
        tampered(checks, net)
    checks.end()


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Health means: can sign, log and commit now. A server with a key that nobody knows, and one whose disk takes no more, say so
instead of "ready"; nothing is lost, and both are well again when the cause is gone."""
import pathlib
import resource
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import Checks, Network, until  # noqa: E402
from traffic import Town, check_end  # noqa: E402

AREA = "282049"
CS = f"cs.{AREA}"


def anothers_key(checks, net, town):
    """The directory comes to name another key than the one the server signs with: nobody could check what it signs. It says
    so, signs no head any more, and does not start again with that key."""
    own, kept = net.dir / CS / "keys" / "signing.key", net.folder / "signing.key"
    shutil.copy(own, kept)
    shutil.copy(net.dir / "agency" / "keys" / "signing.key", own)
    net.juki("network", "renew", str(net.dir), "agency", "--revoke-old")  # signs a directory with the keys that lie there
    told = until(lambda: (a := net.ask(CS, do="status")) and not a["ok"] and a)
    checks.check("a server that signs with a key nobody knows does not say that it is ready",
                 told and told["name"] == "SIGNING_KEY" and "ready" not in told, told)
    head = net.ask(CS, do="sign_head")
    checks.check("it signs no head", not head["ok"] and head["name"] == "SIGNING_KEY", head)
    town.rename(2)
    net.down(CS)
    before = len(net.log(CS))
    shutil.copy(kept, own)
    refused = net.run("up", str(net.dir), CS)
    checks.check("it does not start with a key that the directory does not name",
                 refused.returncode == 3 and "SIGNING_KEY" in net.log(CS)[before:], refused.stdout + refused.stderr)
    net.juki("network", "renew", str(net.dir), "agency", "--revoke-old")
    net.up(CS)
    well = until(lambda: (a := net.ask(CS, do="status")) and a["ok"] and a)
    checks.check("when the directory knows its key again it is", well and well["ready"], well)
    town.check_settled(checks, "what was given meanwhile")


def full_disk(checks, net, town):
    """No file may grow: writes fail as on a full disk. The server must not say that it is well."""
    pid = net.pid("prefecture.28")
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    told = net.ask("prefecture.28", do="status")
    checks.check("a server that cannot commit does not once say that it is ready", not told or not told["ok"], told)
    town.rename(2)
    gone = until(lambda: not pathlib.Path(f"/proc/{pid}/fd").exists() or not net.ask("prefecture.28", do="status"))
    checks.check("it ends instead of going on with what it cannot keep", gone)
    net.up("prefecture.28")
    well = net.ask("prefecture.28", do="status")
    checks.check("with room again it is ready, without help", well["ok"] and well["ready"], well)
    town.check_settled(checks, "what was given meanwhile")


def main():
    checks = Checks()
    with Network(AREA) as net:
        net.up()
        town = Town(net, AREA, 20)
        town.check_settled(checks, "the beginning")
        entries = net.ask(CS, do="status")["log"]["entries"]
        for _ in range(3):
            net.ask(CS, do="status")
        checks.check("asking for health writes no entries", net.ask(CS, do="status")["log"]["entries"] == entries)
        anothers_key(checks, net, town)
        full_disk(checks, net, town)
        check_end(checks, net, [town])
    checks.end()


main()

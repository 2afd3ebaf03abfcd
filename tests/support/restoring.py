# SPDX-License-Identifier: Apache-2.0
"""Backup and restore of servers on SQLite."""
import shutil

from lives import World


class Restorable(World):
    """A network with the operator's backup key."""

    def __init__(self, net, checks):
        super().__init__(net, checks, net.sql)
        self.key = net.folder / "key"
        net.juki("backup", "key", str(self.key))

    def backup(self, node, name, *options):
        path = self.net.folder / name
        self.net.juki("backup", "make", str(self.net.dir), node, str(path), "--key", str(self.key), *options)
        return path

    def restore(self, node, path, key=None, env=None):
        return self.net.run("restore", str(self.net.dir), node, str(path), "--key", str(key or self.key), env=env)


def destroy(net, node):
    """The disk with the records is gone."""
    if net.ask(node, do="status"):
        net.kill(node)
    shutil.rmtree(net.dir / node / "data")

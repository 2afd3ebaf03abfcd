# SPDX-License-Identifier: Apache-2.0
"""Small disks for tests that fill them: each a tmpfs over a folder, in a mount namespace of this process and what it starts,
so that none outlives them.

Whoever may not mount gets a user namespace of his own to do it in; where that is forbidden too a script says that it was left
out."""
import ctypes
import os
import subprocess

from network import leave_out

MIB = 1 << 20
NEWNS, NEWUSER, REC_PRIVATE = 0x20000, 0x10000000, 0x4000 | 0x40000
C = ctypes.CDLL(None, use_errno=True)


def mount(what, at, kind, flags, options):
    return C.mount(what.encode(), str(at).encode(), kind, flags, options.encode()) == 0


def enter():
    if C.unshare(NEWNS) == 0:
        return True
    user, group = os.getuid(), os.getgid()
    if not user or C.unshare(NEWUSER | NEWNS):  # who is root without the right to mount would be root in there as well
        return False
    for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as f:
            f.write(line)
    return True


def need_own_mounts():
    """Once, before anything is started."""
    try:
        allowed = enter() and mount("none", "/", None, REC_PRIVATE, "")
    except OSError:
        allowed = False
    if not allowed:
        leave_out("mounting a small filesystem is not allowed here")


def log_bytes(log):
    """Of a write-ahead log of SQLite, up to the last frame since it was last begun anew."""
    page, salts, at = int.from_bytes(log[8:12], "big"), log[16:24], 32
    while log[at + 8:at + 16] == salts:
        at += 24 + page
    return at


class Disk:
    """Over an empty folder."""

    def __init__(self, folder, mib, user=None):
        self.folder, self.ballast = folder, folder / "ballast"
        s = folder.stat()
        owner = f"uid={user.pw_uid},gid={user.pw_gid}" if user else f"uid={s.st_uid},gid={s.st_gid}"
        if not mount("tmpfs", folder, b"tmpfs", 0, f"size={mib}m,mode=700,{owner}"):
            raise OSError(ctypes.get_errno(), "mount")

    def leave(self, percent):
        """Fills it until so much is free; 0: to the last byte."""
        with open(self.ballast, "ab", buffering=0) as f:
            while percent < self.free():
                try:
                    f.write(bytes(MIB // 16))
                except OSError:
                    break

    def free(self):
        s = os.statvfs(self.folder)
        return s.f_bavail * 100 / s.f_blocks

    def clear(self):
        self.ballast.unlink()

    def release(self):
        C.umount2(str(self.folder).encode(), 2)  # also under somebody who still has it open

    def forget_room(self, file):
        """Full to the last byte, and behind what is in use of it SQLite's log has no bytes in reserve any more: as on disks that
        write nothing in its old place. Nobody may write meanwhile."""
        start = -(-log_bytes(file.read_bytes()) // 4096) * 4096
        subprocess.run(["fallocate", "--punch-hole", "--offset", str(start), "--length", str(file.stat().st_size - start),
                        str(file)], check=True)
        self.leave(0)

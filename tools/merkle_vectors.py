#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes proof vectors, good and bad, in the layout that src/ledger/selftest_merkle.h reads.

Usage: merkle_vectors.py FOLDER
The trees, paths and proofs are computed here by the recursive definitions of RFC 6962 section 2.1, word for word and
slowly, so that they share nothing with src/ledger/merkle.c, which walks. The bad vectors change one thing each.
"""
import base64
import hashlib
import json
import os
import sys


def leaf(data):
    return hashlib.sha256(b"\0" + data).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def root(d):
    if not d:
        return hashlib.sha256(b"").digest()
    if len(d) == 1:
        return leaf(d[0])
    k = split(len(d))
    return node(root(d[:k]), root(d[k:]))


def path(m, d):
    if len(d) == 1:
        return []
    k = split(len(d))
    return path(m, d[:k]) + [root(d[k:])] if m < k else path(m - k, d[k:]) + [root(d[:k])]


def subproof(m, d, known):
    if m == len(d):
        return [] if known else [root(d)]
    k = split(len(d))
    if m <= k:
        return subproof(m, d[:k], known) + [root(d[k:])]
    return subproof(m - k, d[k:], False) + [root(d[:k])]


def text(b):
    return base64.b64encode(b).decode()


def write(folder, name, vector):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name + ".json"), "w", encoding="ascii") as f:
        json.dump(vector, f, indent=1)
        f.write("\n")


def inclusion(folder, index, size, d):
    proof, top, own = path(index, d[:size]), root(d[:size]), leaf(d[index])
    where = os.path.join(folder, "inclusion", f"{index}-of-{size}")
    good = {"leafIdx": index, "treeSize": size, "root": top, "leafHash": own, "proof": proof}
    bad = {
        "index-below": {"leafIdx": (index - 1) % 2**64},
        "index-above": {"leafIdx": index + 1},
        "index-other-pair": {"leafIdx": index ^ 2},
        "index-is-size": {"leafIdx": size},
        "size-doubled": {"treeSize": size * 2},
        "size-zero": {"treeSize": 0},
        "root-of-empty": {"root": root([])},
        "root-short": {"root": top[:31]},
        "leaf-short": {"leafHash": own[:16]},
        "leaf-changed": {"leafHash": leaf(d[index] + b"!")},
        "spare-root-last": {"proof": proof + [top]},
        "spare-root-first": {"proof": [top] + proof},
        "spare-nothing-last": {"proof": proof + [b""]},
        "spare-nothing-first": {"proof": [b""] + proof},
    }
    if proof:
        bad["hash-missing-last"] = {"proof": proof[:-1]}
        bad["hash-missing-first"] = {"proof": proof[1:]}
        bad["bit-flipped"] = {"proof": proof[:-1] + [bytes([proof[-1][0] ^ 4]) + proof[-1][1:]]}
    if len(proof) > 1:
        bad["order-turned"] = {"proof": proof[::-1]}
    emit(where, good, bad)


def consistency(folder, old, new, d):
    proof, top1, top2 = subproof(old, d[:new], True), root(d[:old]), root(d[:new])
    where = os.path.join(folder, "consistency", f"{old}-to-{new}")
    good = {"size1": old, "size2": new, "root1": top1, "root2": top2, "proof": proof}
    bad = {
        "old-above-new": {"size1": new + 1},
        "old-zero": {"size1": 0},
        "old-wraps": {"size1": 2**64 - 1},
        "new-doubled": {"size2": new * 2},
        "new-zero": {"size2": 0},
        "root1-changed": {"root1": root(d[:old] + [b"!"])},
        "root2-changed": {"root2": root(d[:new] + [b"!"])},
        "root1-short": {"root1": top1[:5]},
        "spare-last": {"proof": proof + [top2]},
        "spare-first": {"proof": [top1] + proof},
        "spare-nothing": {"proof": proof + [b""]},
    }
    if proof:
        bad["roots-turned"] = {"root1": top2, "root2": top1}
        bad["old-above"] = {"size1": old + 1}
        bad["proof-empty"] = {"proof": []}
        bad["hash-missing-last"] = {"proof": proof[:-1]}
        bad["hash-missing-first"] = {"proof": proof[1:]}
        bad["hash-doubled"] = {"proof": [proof[0]] + proof}
        bad["bit-flipped"] = {"proof": [bytes([proof[0][0] ^ 4]) + proof[0][1:]] + proof[1:]}
    emit(where, good, bad)


def encoded(v):
    return {k: text(x) if isinstance(x, bytes) else [text(h) for h in x] or None if isinstance(x, list) else x
            for k, x in v.items()}


def emit(where, good, bad):
    write(where, "good", {**encoded(good), "desc": "good", "wantErr": False})
    for name, change in bad.items():
        write(where, name, {**encoded({**good, **change}), "desc": name.replace("-", " "), "wantErr": True})


def special(folder, d):
    where = os.path.join(folder, "consistency", "special")
    empty, one = root([]), root(d[:1])
    rows = [
        ("both-empty", 0, 0, empty, empty, [], False),
        ("both-empty-placeholder", 0, 0, b"anything", b"anything", [], False),
        ("both-empty-other-roots", 0, 0, empty, one, [], True),
        ("both-empty-spare-hash", 0, 0, empty, empty, [empty], True),
        ("same-size-placeholder", 1, 1, b"anything", b"anything", [], False),
        ("same-size-other-roots", 1, 1, b"anything", b"something", [], True),
        ("same-size-spare-hash", 1, 1, one, one, [one], True),
        ("from-nothing", 0, 1, empty, one, [], True),
        ("from-nothing-with-proof", 0, 1, empty, one, [one], True),
        ("into-the-past", 2, 1, root(d[:2]), one, [], True),
    ]
    for name, size1, size2, root1, root2, proof, refused in rows:
        write(where, name, {"size1": size1, "size2": size2, "root1": text(root1), "root2": text(root2),
                            "proof": [text(h) for h in proof], "desc": name.replace("-", " "), "wantErr": refused})


def main():
    folder = sys.argv[1]
    d = [f"entry {i} of an invented log".encode() for i in range(70)]
    for index, size in [(0, 1), (0, 2), (1, 3), (2, 3), (0, 8), (5, 8), (4, 5), (6, 7), (17, 33), (69, 70)]:
        inclusion(folder, index, size, d)
    for old, new in [(1, 1), (1, 2), (2, 3), (3, 7), (4, 8), (6, 8), (7, 8), (8, 13), (33, 70), (64, 70), (69, 70)]:
        consistency(folder, old, new, d)
    special(folder, d)


if __name__ == "__main__":
    main()

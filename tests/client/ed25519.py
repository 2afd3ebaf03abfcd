# SPDX-License-Identifier: Apache-2.0
"""Ed25519 by RFC 8032 in plain Python, so that the other end shares no line with the servers. For tests alone: slow, and
its time depends on the key."""
import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)


def add(a, b):
    """Extended coordinates (X, Y, Z, T), RFC 8032, 5.1.4; complete, so doubling is the same."""
    x = (a[1] - a[0]) * (b[1] - b[0]) % P
    y = (a[1] + a[0]) * (b[1] + b[0]) % P
    t = 2 * a[3] * b[3] * D % P
    z = 2 * a[2] * b[2] % P
    e, f, g, h = y - x, z - t, z + t, y + x
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, point):
    out = NEUTRAL
    while n:
        if n & 1:
            out = add(out, point)
        point = add(point, point)
        n >>= 1
    return out


def x_of(y, odd):
    """The x of the point with that y and that parity; None when there is none."""
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and odd):
        return None
    return P - x if x & 1 != odd else x


def point(y, odd):
    x = x_of(y, odd)
    return None if x is None else (x, y, 1, x * y % P)


BASE = point(4 * pow(5, -1, P) % P, 0)


def encode(a):
    z = pow(a[2], -1, P)
    x, y = a[0] * z % P, a[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(data):
    n = int.from_bytes(data, "little")
    return point(n & (1 << 255) - 1, n >> 255)


def number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % ORDER


def halves(seed):
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little")
    return scalar & (1 << 254) - 8 | 1 << 254, digest[32:]


def public(seed):
    return encode(times(halves(seed)[0], BASE))


def sign(seed, message):
    scalar, prefix = halves(seed)
    key = encode(times(scalar, BASE))
    r = number(prefix, message)
    commitment = encode(times(r, BASE))
    s = (r + number(commitment, key, message) * scalar) % ORDER
    return commitment + s.to_bytes(32, "little")


def verify(key, message, signature):
    if len(key) != 32 or len(signature) != 64:
        return False
    a, r, s = decode(key), decode(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    return encode(times(s, BASE)) == encode(add(r, times(number(signature[:32], key, message), a)))

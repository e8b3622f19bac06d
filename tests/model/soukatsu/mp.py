"""Canonical bytes (P2): the strict reader and writer. python3-msgpack is only an oracle of the tests."""
from . import Refused

STR_BYTES_MAX = 8192
DEPTH_MAX = 4


def _head(small, n, codes, limit):
    """A length: inside the first byte below `limit`, else in the shortest of 1, 2 and 4 bytes."""
    if n < limit:
        return bytes([small | n])
    for code, size in codes:
        if n < 1 << (8 * size):
            return bytes([code]) + n.to_bytes(size, "big")
    raise ValueError("P2.1 too long")


def _put(out, value, depth, deepest):
    if value is None:
        out.append(b"\xc0")
    elif isinstance(value, bool):
        raise ValueError("P2.1 no boolean")
    elif isinstance(value, int):
        out.append(_int(value))
    elif isinstance(value, str):
        raw = value.encode("utf-8")
        if len(raw) > STR_BYTES_MAX or 0 in raw:
            raise ValueError("P2.2 str")
        out.append(_head(0xA0, len(raw), ((0xD9, 1), (0xDA, 2)), 32) + raw)
    elif isinstance(value, (bytes, bytearray)):
        out.append(_head(0, len(value), ((0xC4, 1), (0xC5, 2), (0xC6, 4)), 0) + bytes(value))
    elif isinstance(value, (list, tuple)):
        if depth == deepest:
            raise ValueError("P2.3 too deep")
        out.append(_head(0x90, len(value), ((0xDC, 2), (0xDD, 4)), 16))
        for member in value:
            _put(out, member, depth + 1, deepest)
    else:
        raise ValueError("P2.1 no such type: %r" % type(value))


def _int(n):
    if n >= 0:
        if n < 0x80:
            return bytes([n])
        for code, size in ((0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8)):
            if n < 1 << (8 * size):
                return bytes([code]) + n.to_bytes(size, "big")
    else:
        if n >= -32:
            return n.to_bytes(1, "big", signed=True)
        for code, size in ((0xD0, 1), (0xD1, 2), (0xD2, 4), (0xD3, 8)):
            if n >= -(1 << (8 * size - 1)):
                return bytes([code]) + n.to_bytes(size, "big", signed=True)
    raise ValueError("P2.1 integer out of range")


def encode(value, depth_max=DEPTH_MAX):
    out = []
    _put(out, value, 0, depth_max)
    return b"".join(out)


class _Reader:
    def __init__(self, data, depth_max):
        self.data, self.at, self.depth_max = data, 0, depth_max

    def take(self, n):
        if n > len(self.data) - self.at:
            raise Refused("P2.4 cut short")
        self.at += n
        return self.data[self.at - n : self.at]

    def length(self, size, shorter):
        """A length of `size` bytes that does not fit in a shorter form, whose largest is `shorter`."""
        n = int.from_bytes(self.take(size), "big")
        if n <= shorter:
            raise Refused("P2.1 not the shortest form")
        return n

    def value(self, depth):
        c = self.take(1)[0]
        if c < 0x80:
            return c
        if c >= 0xE0:
            return c - 0x100
        if c == 0xC0:
            return None
        if 0xA0 <= c < 0xC0:
            return self.text(c & 31)
        if c in (0xD9, 0xDA, 0xDB):
            return self.text(self.length(1 << (c - 0xD9), (31, 0xFF, 0xFFFF)[c - 0xD9]))
        if c in (0xC4, 0xC5, 0xC6):
            return bytes(self.take(self.length(1 << (c - 0xC4), (-1, 0xFF, 0xFFFF)[c - 0xC4])))
        if 0xCC <= c <= 0xCF:
            size = 1 << (c - 0xCC)
            return self.length(size, (0x7F, 0xFF, 0xFFFF, 0xFFFFFFFF)[c - 0xCC])
        if 0xD0 <= c <= 0xD3:
            size = 1 << (c - 0xD0)
            n = int.from_bytes(self.take(size), "big", signed=True)
            if n >= (-32, -0x80, -0x8000, -0x80000000)[c - 0xD0]:
                raise Refused("P2.1 not the shortest form")
            return n
        if 0x90 <= c < 0xA0:
            return self.array(c & 15, depth)
        if c in (0xDC, 0xDD):
            return self.array(self.length(2 << (c - 0xDC), (15, 0xFFFF)[c - 0xDC]), depth)
        raise Refused("P2.1 no such form: %02x" % c)

    def text(self, n):
        if n > STR_BYTES_MAX:
            raise Refused("P2.2 str too long")
        raw = bytes(self.take(n))
        if 0 in raw:
            raise Refused("P2.2 NUL")
        try:
            return raw.decode("utf-8", "strict")
        except UnicodeDecodeError:
            raise Refused("P2.2 not UTF-8") from None

    def array(self, n, depth):
        if depth == self.depth_max:
            raise Refused("P2.3 too deep")
        if n > len(self.data) - self.at:
            raise Refused("P2.4 count above the bytes left")
        return [self.value(depth + 1) for _ in range(n)]


def decode(data, depth_max=DEPTH_MAX):
    """The value of `data`: None, int, str, bytes or list. Everything else is refused."""
    reader = _Reader(bytes(data), depth_max)
    value = reader.value(0)
    if reader.at != len(reader.data):
        raise Refused("P2.4 trailing bytes")
    return value


# What positions hold. Each gives the value back or refuses it under the rule that is named.


def uint(x, rule, top=2**64 - 1, low=0):
    if not isinstance(x, int) or not low <= x <= top:
        raise Refused(rule)
    return x


def text(x, rule, top=STR_BYTES_MAX):
    if not isinstance(x, str) or len(x.encode()) > top:
        raise Refused(rule)
    return x


def raw(x, n, rule):
    if not isinstance(x, bytes) or len(x) != n:
        raise Refused(rule)
    return x


def array(x, rule, n=None, top=None, low=0):
    if (
        not isinstance(x, list)
        or (n is not None and len(x) != n)
        or len(x) < low
        or (top is not None and len(x) > top)
    ):
        raise Refused(rule)
    return x


def ascending(xs, n, rule, top=None, low=0):
    """A list of distinct ids or hashes of n bytes in order (P1.1)."""
    array(xs, rule, top=top, low=low)
    for x in xs:
        raw(x, n, rule)
    if any(a >= b for a, b in zip(xs, xs[1:])):
        raise Refused(rule)
    return xs

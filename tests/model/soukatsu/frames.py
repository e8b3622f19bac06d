"""Frames (P11.1 to P11.3): the stream, and the bodies of all kinds that a session takes."""
from . import Refused, authority, mp
from .names import C, H

BODY_BYTES_MAX = 1048576
(
    HELLO,
    AUTHORITY,
    HEADERS,
    NEWS,
    ACK,
    REFUSE,
    POSITIONS_WANT,
    POSITIONS,
    HEADS,
    WANT,
    SIGNATURES_WANT,
    SIGNATURES,
    DIGEST,
    PING,
    PONG,
    BYE,
    JOIN,
    JOINED,
) = range(1, 19)
NAMES = {
    v: k.lower().replace("_", "-")
    for k, v in list(globals().items())
    if k.isupper() and isinstance(v, int) and v < 19
}

OWN_WANTED, EVERY_SIGNATURE = 1, 2  # hello flags
ANSWER = 2  # news flag
BYE_CODES = (
    "",
    "version",
    "net",
    "not enrolled",
    "withdrawn",
    "limit",
    "format",
    "signature",
    "instance",
    "stopping",
    "busy",
    "rate",
    "order",
    "invite unknown",
    "invite used",
    "invite expired",
    "rolled back",
)
HELLO_POSITIONS_MAX, POSITIONS_MAX, LEAVES_MAX, HEADS_MAX, WANT_MAX, PAIRS_MAX, FRAME_OPS_MAX = (
    16,
    16384,
    16,
    1024,
    256,
    1024,
    4096,
)
ARRIVAL_MAX = 2**40 - 1


def frame(kind, body):
    return (1 + len(body)).to_bytes(4, "big") + bytes([kind]) + body


def take(stream):
    """(kind, body, rest) of the first whole frame, or None; Refused where the length is broken."""
    if len(stream) < 4:
        return None
    n = int.from_bytes(stream[:4], "big")
    if not 1 <= n <= BODY_BYTES_MAX + 1:
        raise Refused("P11.1 length")
    if len(stream) < 4 + n:
        return None
    return stream[4], bytes(stream[5 : 4 + n]), stream[4 + n :]


def positions_out(positions):
    """{scope: (position, digest or None)} as the flat list."""
    return [x for scope in sorted(positions) for x in (scope, *positions[scope])]


def positions_in(flat, top=POSITIONS_MAX):
    mp.array(flat, "P11.3 positions", top=3 * top)
    if len(flat) % 3:
        raise Refused("P11.3 positions")
    out, last = {}, b""
    for scope, upto, digest in zip(flat[::3], flat[1::3], flat[2::3]):
        if mp.raw(scope, 16, "P11.3 scope") <= last:
            raise Refused("P11.3 not ascending")
        out[scope] = (
            mp.uint(upto, "P11.3 position", top=ARRIVAL_MAX),
            digest if digest is None else mp.raw(digest, 16, "P11.3 digest"),
        )
        last = scope
    return out


def positions_hash(positions):
    return H(C("positions"), mp.encode(positions_out(positions)))


_NUMBERS = {
    "u": 2**64 - 1,
    "bool": 1,
    "u32": 2**32 - 1,
    "position": ARRIVAL_MAX,
    "time": 2**48 - 1,
    "raw": 4 << 20,
}


# Shapes of members: what each letter of a body's description takes.
def _check(shape, x, rule):
    if shape in _NUMBERS:
        mp.uint(x, rule, top=_NUMBERS[shape])
    elif shape in ("b16", "b32", "b64"):
        mp.raw(x, int(shape[1:]), rule)
    elif shape == "b32?":
        x is None or mp.raw(x, 32, rule)
    elif shape[0] == "s":
        mp.text(x, rule, top=int(shape[1:]))
    elif shape == "bin":
        if not isinstance(x, bytes):
            raise Refused(rule)
    elif shape.startswith("["):
        size, top = shape[1:].split("]")
        mp.ascending(x, int(size), rule, top=int(top))
    elif shape == "positions":
        positions_in(x)
    elif shape == "positions or hash":
        mp.raw(x, 32, rule) if isinstance(x, bytes) else positions_in(x, HELLO_POSITIONS_MAX)
    elif shape == "pairs":
        if len(mp.array(x, rule, top=2 * PAIRS_MAX)) % 2:
            raise Refused(rule)
        for i, s in zip(x[::2], x[1::2]):
            mp.raw(i, 32, rule), mp.raw(s, 64, rule)
    else:
        assert shape == "ops"
        for pair in mp.array(x, rule, top=FRAME_OPS_MAX):
            mp.array(pair, rule, n=2)
            if not isinstance(pair[0], bytes) or not 1 <= len(pair[0]) <= authority.OP_BYTES_MAX:
                raise Refused(rule)
            authority.unpack_signatures(pair[1])


BODIES = {
    HELLO: ("u", "u", "b16", "b16", "b16", "b16", "b16", "u32", "s64", "[32]16", "positions or hash"),
    AUTHORITY: ("bool", "ops"),
    HEADERS: ("b16", "u32", "raw", "bin"),
    NEWS: ("b16", "position", "position", "u32", "raw", "bin"),
    ACK: ("b16", "position", "time"),
    REFUSE: ("b16", "position", "u32", "s16", "b32?"),
    POSITIONS_WANT: (),
    POSITIONS: ("positions",),
    HEADS: ("b16", "[32]1024"),
    WANT: ("b16", "[16]256"),
    SIGNATURES_WANT: ("b16", "b32", "b32"),
    SIGNATURES: ("b16", "pairs"),
    DIGEST: ("b16", "position", "u", "b32", "b32", "b32"),
    PING: ("u",),
    PONG: ("u",),
    BYE: ("u32", "s16", "s256"),
    JOIN: ("u", "b16", "b16", "b16", "b32", "b32", "b64", "b64"),
    JOINED: ("b32",),
}


def unpack_body(kind, raw):
    """The members of a body, each checked; the kind is one of BODIES."""
    body, shapes, rule = mp.decode(raw, 5 if kind == AUTHORITY else 4), BODIES[kind], "P11.2 " + NAMES[kind]
    mp.array(body, rule, n=len(shapes))
    for shape, x in zip(shapes, body):
        _check(shape, x, rule)
    if kind in (NEWS, HEADERS):
        flags, raw_bytes, data = body[-3:]
        if not flags & 1 and raw_bytes != len(data):
            raise Refused("P11.6 raw bytes")
    if kind == NEWS:
        after, upto = body[1:3]
        if after > upto or bool(flags & ANSWER) != (upto == 0):
            raise Refused("P11.6 positions")
    return body


def pack_body(kind, body):
    return mp.encode(body, 5 if kind == AUTHORITY else 4)


def examples():
    """(name, kind, body) for vectors and tests: each kind at its bounds."""
    a, b = bytes(15) + b"\1", b"\xff" * 16
    h, k, sig = bytes(31) + b"\1", b"\xff" * 32, b"\x5a" * 64
    ids = lambda n, size: [i.to_bytes(size, "big") for i in range(1, n + 1)]
    hello = [0, 1, a, b, a, b, a, 3, "soukatsu 0.1.0", [h, k], [a, 0, None, b, 2**40 - 1, b]]
    return [
        ("hello", HELLO, hello),
        ("hello, nothing known", HELLO, hello[:9] + [[], []]),
        ("hello, hashed", HELLO, hello[:10] + [k]),
        (
            "hello at its bounds",
            HELLO,
            [
                2**64 - 1,
                2**64 - 1,
                a,
                b,
                a,
                b,
                a,
                2**32 - 1,
                "a" * 64,
                ids(16, 32),
                [x for i in ids(16, 16) for x in (i, 1, i)],
            ],
        ),
        ("authority", AUTHORITY, [1, [[b"op", [[a, sig], [b, sig]]], [b"x", []]]]),
        ("authority, the end", AUTHORITY, [0, []]),
        ("authority, 32 signatures", AUTHORITY, [0, [[b"op", [[i, sig] for i in ids(32, 16)]]]]),
        ("headers", HEADERS, [a, 2, 5, b"12345"]),
        ("headers, zstd", HEADERS, [b, 3, 2**22, b"12345"]),
        ("news", NEWS, [a, 5, 9, 0, 3, b"123"]),
        ("an answer", NEWS, [b, 0, 0, 3, 300, b"z"]),
        ("ack", ACK, [a, 2**40 - 1, 2**48 - 1]),
        ("refuse", REFUSE, [a, 7, 1, "P9.7", h]),
        ("refuse, no entry", REFUSE, [a, 0, 7, "", None]),
        ("positions-want", POSITIONS_WANT, []),
        ("positions", POSITIONS, [[x for i in ids(40, 16) for x in (i, 7, None)]]),
        ("positions, none", POSITIONS, [[]]),
        ("heads", HEADS, [a, [h, k]]),
        ("heads, none", HEADS, [a, []]),
        ("heads, 1,024", HEADS, [a, ids(1024, 32)]),
        ("want", WANT, [a, [a, b]]),
        ("want, 256", WANT, [a, ids(256, 16)]),
        ("signatures-want", SIGNATURES_WANT, [a, h, k]),
        ("signatures", SIGNATURES, [a, [k, sig, h, sig]]),
        ("signatures, none", SIGNATURES, [a, []]),
        ("digest", DIGEST, [a, 9, 1, h, k, h]),
        ("ping", PING, [0]),
        ("pong", PONG, [2**64 - 1]),
        ("bye", BYE, [4, "R8", "withdrawn"]),
        ("bye, unknown code", BYE, [2**32 - 1, "", ""]),
        ("bye, long", BYE, [1, "c" * 16, "t" * 256]),
        ("join", JOIN, [0, a, b, a, h, k, sig, sig]),
        ("joined", JOINED, [h]),
    ]


def bad_examples():
    a, b = bytes(15) + b"\1", b"\xff" * 16
    h, k, sig = bytes(31) + b"\1", b"\xff" * 32, b"\x5a" * 64
    ids = lambda n, size: [i.to_bytes(size, "big") for i in range(1, n + 1)]
    hello = [0, 1, a, b, a, b, a, 3, "soukatsu", [], []]
    swap = lambda body, i, x: body[:i] + [x] + body[i + 1 :]
    return [
        ("hello, net of 32", HELLO, swap(hello, 2, h)),
        ("hello, software of 65", HELLO, swap(hello, 8, "a" * 65)),
        ("hello, 17 leaves", HELLO, swap(hello, 9, ids(17, 32))),
        ("hello, leaves not ascending", HELLO, swap(hello, 9, [k, h])),
        ("hello, positions of 16 bytes", HELLO, swap(hello, 10, a)),
        ("hello, positions nil", HELLO, swap(hello, 10, None)),
        ("hello, positions cut", HELLO, swap(hello, 10, [a, 1])),
        ("hello, scopes not ascending", HELLO, swap(hello, 10, [b, 1, None, a, 1, None])),
        ("hello, a scope twice", HELLO, swap(hello, 10, [a, 1, None, a, 1, None])),
        ("hello, position -1", HELLO, swap(hello, 10, [a, -1, None])),
        ("hello, digest of 32", HELLO, swap(hello, 10, [a, 1, h])),
        ("authority, more 2", AUTHORITY, [2, []]),
        ("authority, ops nil", AUTHORITY, [0, None]),
        ("authority, an empty op", AUTHORITY, [0, [[b"", []]]]),
        ("authority, op of 49,153", AUTHORITY, [0, [[b"x" * 49153, []]]]),
        ("authority, op alone", AUTHORITY, [0, [[b"x"]]]),
        ("authority, 33 signatures", AUTHORITY, [0, [[b"x", [[i, sig] for i in ids(33, 16)]]]]),
        ("headers, data as str", HEADERS, [a, 1, 0, "x"]),
        ("headers, plain of another length", HEADERS, [a, 2, 4, b"12345"]),
        ("news, plain of another length", NEWS, [a, 5, 9, 0, 2, b"123"]),
        ("news, after above upto", NEWS, [a, 10, 9, 0, 3, b"123"]),
        ("news up to 0", NEWS, [a, 0, 0, 0, 3, b"123"]),
        ("an answer with a position", NEWS, [a, 0, 1, 2, 3, b"123"]),
        ("news, scope of 32", NEWS, [h, 0, 0, 0, 0, b""]),
        ("hello, 17 positions", HELLO, swap(hello, 10, [x for i in ids(17, 16) for x in (i, 1, None)])),
        ("hello, position 2^40", HELLO, swap(hello, 10, [a, 2**40, None])),
        ("news, upto 2^40", NEWS, [a, 0, 2**40, 0, 0, b""]),
        ("news, flags 2^32", NEWS, [a, 0, 0, 2**32, 0, b""]),
        ("news, raw bytes above 4 MiB", NEWS, [a, 0, 0, 1, (4 << 20) + 1, b""]),
        ("ack, upto 2^40", ACK, [a, 2**40, 0]),
        ("ack, time 2^48", ACK, [a, 0, 2**48]),
        ("bye, clause of 17", BYE, [1, "c" * 17, ""]),
        ("bye, text of 257", BYE, [1, "", "t" * 257]),
        ("news, data nil", NEWS, [a, 0, 0, 0, 0, None]),
        ("news, after -1", NEWS, [a, -1, 0, 0, 0, b""]),
        ("ack, time nil", ACK, [a, 0, None]),
        ("refuse, entry of 16", REFUSE, [a, 0, 1, "P9.7", a]),
        ("refuse, clause nil", REFUSE, [a, 0, 1, None, None]),
        ("heads, 1,025", HEADS, [a, ids(1025, 32)]),
        ("heads not ascending", HEADS, [a, [k, h]]),
        ("heads of 16", HEADS, [a, [a]]),
        ("want, 257", WANT, [a, ids(257, 16)]),
        ("want of 32", WANT, [a, [h]]),
        ("want twice", WANT, [a, [a, a]]),
        ("signatures, a half pair", SIGNATURES, [a, [h]]),
        ("signatures, short", SIGNATURES, [a, [h, sig[:63]]]),
        ("signatures, 1,025 pairs", SIGNATURES, [a, [x for i in ids(1025, 32) for x in (i, sig)]]),
        ("digest, state of 16", DIGEST, [a, 0, 1, h, k, a]),
        ("ping -1", PING, [-1]),
        ("bye, code nil", BYE, [None, "", ""]),
        ("join, key of 31", JOIN, [0, a, b, a, h[:31], k, sig, sig]),
        ("join, signature of 65", JOIN, [0, a, b, a, h, k, sig, sig + b"x"]),
        ("joined nil", JOINED, [None]),
        ("positions-want with one", POSITIONS_WANT, [0]),
        ("a str", PING, "x"),
    ]

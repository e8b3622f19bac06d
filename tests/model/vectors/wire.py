"""Authority ops as bytes, batches of entries, frames' bodies (P8.1 to P8.4, P11)."""
from soukatsu import Refused, authority as au, batch, frames, mp, schema
from soukatsu.batch import Item
from soukatsu.names import ZERO16, ZERO32
from soukatsu.world import Feed, World, drawn, set_op

ID, ID2 = sorted((drawn("id a"), drawn("id b")))
H1, H2, H3 = sorted(drawn("hash %d" % n, 32) for n in range(3))
SIG = drawn("sig", 32) + drawn("sig 2", 32)
ITEM = drawn("item")

EFFECTS = [
    ("1 keys", [1, 1, [H1], H2]),
    ("1 sixteen root keys", [1, 16, sorted(drawn("k%d" % n, 32) for n in range(16)), H2]),
    ("2 org, parent by id", [2, ID, 4, "h", "名", "略", "131000"]),
    ("2 org, parent by index", [2, 0, 2, "h", "", "", ""]),
    ("2 headquarters", [2, None, 1, "hq", "東社協", "東社協", ""]),
    ("2 kind of organisation 9", [2, ID, 9, "h", "n", "s", "c"]),
    ("3 org-name", [3, ID, "名", "略", "2023-04-01"]),
    ("4 org-move", [4, ID, ID2]),
    ("5 org-close", [5, ID]),
    ("6 invite", [6, H1, ID, "本館", 3, 2**64 - 1]),
    ("7 invite-end", [7, ID]),
    ("8 enrol", [8, ID, ID2, H1, H2, SIG]),
    ("9 open", [9, ID, H1, H2, ID2, "分室"]),
    ("9 open, known site", [9, ID, H1, H2, None, ""]),
    ("10 grant", [10, ID, 255, 0, ID2, []]),
    ("10 grant, roles 65,535", [10, ID, 65535, 2, ID2, []]),
    ("15 redact, value index 65,535", [15, 1, [H1, 65535]]),
    ("10 grant with after", [10, ID, 1, 3, ZERO16, [ID, H1, ID, H2, ID2, H1]]),
    ("11 narrow", [11, H1, ID, 1, None, 1, []]),
    ("11 narrow with pairs", [11, H1, ID, 1, ID2, 0, [ID, 0, ID2, 2, H1, H2]]),
    ("12 cut", [12, ID, ID2, []]),
    ("12 cut with pairs", [12, ID, ID2, [ID, 1, H1, ID2, 1, H2]]),
    ("13 recut", [13, ID, ID2, ID, [H1, H2]]),
    ("13 recut to the start", [13, ID, ID2, ID, []]),
    ("14 decide", [14, ID, ID2, ID, [H1]]),
    ("15 redact", [15, 1, [H1, 0, H1, 5, H2, 0]]),
    ("15 redact of nothing", [15, 0, []]),
    ("16 recover", [16]),
    ("17 hub", [17, H1, H2]),
    ("18 too new", [18]),
    ("18 too new with members", [18, "x", [1, b"", None]]),
    ("2^64-1 too new", [2**64 - 1, []]),
]
BAD_EFFECTS = [
    ("an effect that is no array", 5),
    ("an empty effect", []),
    ("type as str", ["keys"]),
    ("type -1", [-1]),
    ("keys without root keys", [1, 1, [], H2]),
    ("keys with 17", [1, 1, sorted(drawn("k%d" % n, 32) for n in range(17)), H2]),
    ("keys not ascending", [1, 1, [H2, H1], H3]),
    ("keys twice", [1, 1, [H1, H1], H3]),
    ("keys of 16", [1, 1, [ID], H2]),
    ("org with six members", [2, ID, 4, "h", "n", "s"]),
    ("org with a bin name", [2, ID, 4, "h", b"n", "s", "c"]),
    ("org with a negative parent", [2, -1, 4, "h", "n", "s", "c"]),
    ("org with a str parent", [2, "x", 4, "h", "n", "s", "c"]),
    ("org-move with one", [4, ID]),
    ("org-close of 32", [5, H1]),
    ("invite of 16", [6, ID, ID, "", 3, 0]),
    ("enrol with a short signature", [8, ID, ID2, H1, H2, SIG[:63]]),
    ("open with a number for organisation", [9, ID, H1, H2, 0, ""]),
    ("grant, roles 65,536", [10, ID, 65536, 0, ID2, []]),
    ("invite, roles 65,536", [6, H1, ID, "", 65536, 0]),
    ("narrow, roles 65,536", [11, H1, ID, 65536, None, 1, []]),
    ("redact, value index 65,536", [15, 1, [H1, 65536]]),
    ("grant with a pair cut", [10, ID, 1, 0, ID2, [ID]]),
    ("grant, after not ascending", [10, ID, 1, 0, ID2, [ID, H2, ID, H1]]),
    ("grant, after twice", [10, ID, 1, 0, ID2, [ID, H1, ID, H1]]),
    ("grant, scopes not ascending", [10, ID, 1, 0, ID2, [ID2, H1, ID, H2]]),
    ("grant with nil after", [10, ID, 1, 0, ID2, None]),
    ("narrow, count above", [11, H1, ID, 1, None, 1, [ID, 2, H1]]),
    ("narrow without count", [11, H1, ID, 1, None, 1, [ID]]),
    ("narrow, scope twice", [11, H1, ID, 1, None, 1, [ID, 0, ID, 0]]),
    ("cut, scopes not ascending", [12, ID, ID2, [ID2, 0, ID, 0]]),
    ("cut, ids not ascending", [12, ID, ID2, [ID, 2, H2, H1]]),
    ("cut, count 2^64-1", [12, ID, ID2, [ID, 2**64 - 1, H1]]),
    ("recut without list", [13, ID, ID2, ID]),
    ("decide, twice the same", [14, ID, ID2, ID, [H1, H1]]),
    ("redact not ascending", [15, 1, [H1, 5, H1, 0]]),
    ("redact cut", [15, 1, [H1]]),
    ("redact in a flat effect", [15, 1, H1, 0]),
    ("recover with a member", [16, 0]),
    ("hub with one", [17, H1]),
]


def authops_json():
    rows = []
    base = lambda effects, **kw: mp.encode(
        [
            kw.get(k, v)
            for k, v in (("version", 0), ("net", ID), ("seq", 7), ("prev", H1), ("tier", 1), ("counter", 0))
        ]
        + [effects]
    )
    accept = [("P8.4 " + n, base([e])) for n, e in EFFECTS]
    accept += [
        ("P8.2 genesis", base([], seq=0, prev=ZERO32, tier=0)),
        ("P8.2 root", base([[16]], tier=2, counter=2**64 - 1)),
        ("P8.2 hub", base([EFFECTS[11][1]], tier=3)),
        ("P8.1 no effects", base([])),
        ("P8.2 seq 2^64-1", base([], seq=2**64 - 1)),
        ("P8.1 1,024 effects", base([[16]] * 1024)),
    ]
    ops = [[15, 1, [x for n in range(45) for x in (drawn("r", 31) + bytes([n]), 0)]]] * 30
    room = 49152 - len(base(ops + [[3, ID, "", "", ""]]))
    long = ops + [[3, ID, "a" * (room - 2 if room > 257 else room - 1 if room > 32 else room), "", ""]]
    fill = 49152 - len(base(long))
    long[-1] = [3, ID, "a" * (len(long[-1][2]) + fill), "", ""]
    assert len(base(long)) == 49152
    accept.append(("P8.1 49,152 bytes", base(long)))
    for name, raw in accept:
        op = au.unpack(raw)
        rows.append(
            dict(
                name=name,
                op=raw,
                id=op.id,
                seq=str(op.seq),
                prev=op.prev,
                tier=op.tier,
                counter=str(op.counter),
                effects=len(op.effects),
                too_new=op.too_new,
            )
        )
    bad = [("P8.4 " + n, base([e])) for n, e in BAD_EFFECTS]
    long[-1] = [3, ID, long[-1][2] + "a", "", ""]
    bad += [
        ("P8.1 49,153 bytes", base(long)),
        ("P8.1 1,025 effects", base([[16]] * 1025)),
        ("P5.4 version 1", base([], version=1)),
        ("P8.1 net of 32", base([], net=H1)),
        ("P8.1 prev of 16", base([], prev=ID)),
        ("P8.2 tier 4", base([], tier=4)),
        ("P8.2 genesis with seq 1", base([], tier=0, prev=ZERO32, seq=1)),
        ("P8.2 genesis with prev", base([], tier=0, seq=0)),
        ("P8.2 seq 0", base([], seq=0)),
        ("P8.2 prev zero", base([], prev=ZERO32)),
        ("P8.2 counter in an operational op", base([], counter=1)),
        ("P8.2 counter in genesis", base([], tier=0, seq=0, prev=ZERO32, counter=1)),
        ("P8.2 counter in a hub op", base([], tier=3, counter=1)),
        ("P2.6 six members", mp.encode([0, ID, 7, H1, 1, 0])),
        ("P2.6 eight members", mp.encode([0, ID, 7, H1, 1, 0, [], 0])),
        ("P2.4 trailing byte", base([]) + b"\0"),
        ("P8.1 effects nil", base(None)),
    ]
    whole = base([EFFECTS[0][1], EFFECTS[17][1]])
    bad += [("P2.4 cut at %d" % n, whole[:n]) for n in range(0, len(whole), 9)]
    refused(au.unpack, bad)
    kids = sorted(drawn("kid %d" % n) for n in range(33))
    lists = [("P8.1 no signatures", []), ("P8.1 one", [[kids[0], SIG]]), ("P8.1 32", [[k, SIG] for k in kids[:32]])]
    bad_lists = [
        ("P8.1 33 signatures", [[k, SIG] for k in kids]),
        ("P8.1 not ascending", [[kids[1], SIG], [kids[0], SIG]]),
        ("P8.1 twice", [[kids[0], SIG], [kids[0], SIG]]),
        ("P8.1 short", [[kids[0], SIG[:63]]]),
        ("P8.1 three members", [[kids[0], SIG, 0]]),
        ("P8.1 key id of 32", [[H1, SIG]]),
        ("P8.1 flat", [kids[0], SIG]),
        ("P8.1 nil", None),
    ]
    for name, x in lists:
        au.unpack_signatures(x)
    refused(au.unpack_signatures, bad_lists)
    return dict(
        accept=rows,
        refuse=[dict(name=n, op=x) for n, x in bad],
        signatures=[dict(name=n, list=mp.encode(x)) for n, x in lists],
        bad_signatures=[dict(name=n, list=mp.encode(x)) for n, x in bad_lists],
    )


def refused(read, rows):
    for name, x in rows:
        try:
            read(x)
        except Refused:
            continue
        raise AssertionError(name)


# --- batches


def _text(n, value=None):
    return set_op(schema.KIND_ITEM, ITEM, "text", value or "段落 %d" % n)


def batches_json():
    w = World("batches")
    org = w.hq
    scope = drawn("scope")
    f = Feed(w, "s1", "s1", scope, drawn("opening", 32), org)
    run = [f.data(_text(n)) for n in range(70)]
    g = Feed(w, "s2", "s2", scope, drawn("opening 2", 32), org)
    other = [
        g.data(_text(0), flags=3),
        g.data(_text(1)),
        g.data(_text(2), head=drawn("new head")),
        g.control(schema.HEARTBEAT),
        g.control(schema.EPOCH_OPEN, "例"),
        g.data(_text(3), hlc=5),
        g.data(_text(4), hlc=2**64 - 1),
    ]
    full = lambda ms: [Item(m.header, m.payload.pack(), m.signature) for m in ms]
    red = [Item(m.header, m.payload.redact([1]).pack(), m.signature) for m in other[:2]]
    alone = [Item(m.header, None, m.signature) for m in other]
    mixed = [full(other)[0], red[1], alone[2], full(other)[3]]
    big = Feed(w, "s3", "s3", scope, drawn("opening 3", 32), org)
    many = [
        big.data(*(set_op(schema.KIND_ITEM, drawn("i%d" % k), "text", "あ" * 2700) for k in range(5)))
        for _ in range(2)
    ]
    made = [
        ("P11.8 one entry", [full(other[:1])]),
        ("P11.8 nothing", []),
        ("P11.8 control, flags, a new head, epoch-open", batch.runs_of(full(other))),
        ("P11.8 64 entries and 6 more", batch.runs_of(full(run))),
        ("P11.10 signatures left out", [batch.thin(r) for r in batch.runs_of(full(run))]),
        ("P11.8 headers alone", batch.runs_of(alone)),
        ("P11.8 redacted forms", batch.runs_of(red)),
        ("P11.8 all forms in one run", [mixed]),
        ("P11.8 no signature at all", [[Item(m.header, m.payload.pack()) for m in run[:3]]]),
        ("P11.8 two large payloads", batch.runs_of(full(many))),
    ]
    accept = []
    for name, runs in made:
        raw = batch.pack(runs)
        back = batch.unpack(raw, w.net, scope)
        assert back == runs, name
        accept.append(
            dict(
                name=name,
                raw=raw,
                runs=[len(r) for r in runs],
                entries=[
                    dict(header=i.header.pack(), id=i.header.id, payload=i.payload, signature=i.signature)
                    for r in runs
                    for i in r
                ],
            )
        )
    refuse = _bad_batches(full(other), red)
    refused(lambda raw: batch.unpack(raw, w.net, scope), refuse)
    return dict(
        net=w.net,
        scope=scope,
        accept=accept,
        refuse=[dict(name=n, raw=x) for n, x in refuse],
        data=_data_rows(
            batch.pack([full([Feed(w, "s5", "s5", scope, drawn("opening 5", 32), org).data(_text(0, "a" * 1000))])])
        ),
    )


def _bad_batches(other, red):
    one = batch.pack_run(other[:2])

    def first(i, x=None, cut=False, more=None):
        e = list(one[5][0])
        if cut:
            e = e[:i]
        elif more is not None:
            e = e + [more]
        else:
            e[i] = x
        return [one[:5] + [[e] + one[5][1:]]]

    swap = lambda i, x: [one[:i] + [x] + one[i + 1 :]]
    m0 = one[5][0][0]
    bad = {
        "P11.8 no run in an array": one,
        "P11.8 run of five": [one[:5]],
        "P11.8 run of seven": [one + [0]],
        "P11.8 site of 15": swap(0, bytes(15)),
        "P11.8 key id nil": swap(1, None),
        "P11.8 epoch of 32": swap(2, bytes(32)),
        "P11.8 seq 0": swap(3, 0),
        "P11.8 seq 2^48": swap(3, 2**48),
        "P11.8 second at 2^48": swap(3, 2**48 - 1),
        "P11.8 prev of 16": swap(4, bytes(16)),
        "P11.8 no entries": swap(5, []),
        "P11.8 entries nil": swap(5, None),
        "P11.8 an entry of two": first(2, cut=True),
        "P11.8 m 64": first(0, 64 + m0),
        "P11.8 m without its member": first(0, m0 | 32),
        "P11.8 a member without its bit": first(0, more=b"x"),
        "P11.8 d negative": first(1, -1),
        "P11.8 the second with d 0": [one[:5] + [[one[5][0], [one[5][1][0], 0] + one[5][1][2:]]]],
        "P11.8 hlc past 2^64": [one[:5] + [[one[5][0][:1] + [2**64 - 1] + one[5][0][2:], one[5][1]]]],
        "P11.8 p nil": first(2, None),
        "P11.8 p as str": first(2, "x"),
        "P6.7 p of no shape": first(2, mp.encode([0])),
        "P11.8 no authority head": [
            batch.pack_run(other[1:2])[:5] + [[[8, 1, other[1].payload, other[1].signature]]]
        ],
        "P11.8 redacted without its bit": first(2, red[0].payload),
        "P11.8 its bit without redacted": [one[:5] + [[[4 | 32, 1, other[0].payload, ZERO16, 9]]]],
        "P11.8 header only and redacted": [one[:5] + [[[4 | 16 | 32, 1, None, ZERO16, 9, H1, 9]]]],
        "P11.8 header only with p": [one[:5] + [[[4 | 16, 1, other[0].payload, ZERO16, 9, H1]]]],
        "P11.8 payload length 0": [one[:5] + [[[4 | 16, 1, None, ZERO16, 0, H1]]]],
        "P11.8 payload length 49,153": [one[:5] + [[[4 | 16, 1, None, ZERO16, 49153, H1]]]],
        "P11.8 kind 3": [one[:5] + [[[1 | 4 | 16, 1, None, 3, ZERO16, 9, H1]]]],
        "P11.8 clock flags 256": [one[:5] + [[[2 | 4 | 16, 1, None, 256, ZERO16, 9, H1]]]],
        "P11.8 signature of 63": [one[:5] + [[[4 | 8 | 16, 1, None, ZERO16, SIG[:63], 9, H1]]]],
        "P11.9 an entry after epoch-open": [
            one[:5] + [[[1 | 4 | 16, 1, None, 2, ZERO16, 9, H1], [16, 1, None, 9, H1]]]
        ],
        "P11.10 65 entries": [one[:5] + [[[4 | 16, 1, None, ZERO16, 9, H1]] + [[16, 1, None, 9, H1]] * 64]],
    }
    rows = [(n, mp.encode(x)) for n, x in bad.items()]
    whole = mp.encode([one])
    return (
        rows
        + [("P2.4 cut at %d" % n, whole[:n]) for n in range(0, len(whole), 31)]
        + [("P2.4 trailing byte", whole + b"\0")]
    )


def _data_rows(raw):
    """P11.6: zstd frames made by hand of raw and run-length blocks, so that no library's version shows."""
    magic, n = bytes.fromhex("28b52ffd"), len(raw)

    def block(kind, size, body, last=1):
        return (last | kind << 1 | size << 3).to_bytes(3, "little") + body

    def frame(size, *blocks, tail=b""):  # single segment, content size of 4 bytes
        return magic + b"\xa0" + size.to_bytes(4, "little") + b"".join(blocks) + tail

    at, whole = raw.index(b"a" * 1000), block(0, n, raw)
    parts = block(0, at, raw[:at], 0) + block(1, 1000, b"a", 0) + block(0, n - at - 1000, raw[at + 1000 :])
    zeros = [block(1, 131072, b"\0", 0)] * 32 + [block(1, 1, b"\0")]
    rows = [
        ("P11.6 plain", 0, n, raw, raw),
        ("P11.6 zstd, raw block", 1, n, frame(n, whole), raw),
        ("P11.6 zstd, two blocks", 1, n, frame(n, block(0, 50, raw[:50], 0), block(0, n - 50, raw[50:])), raw),
        ("P11.6 zstd, run-length block", 1, n, frame(n, parts), raw),
        ("P11.6 plain of another length", 0, n + 1, raw, None),
        ("P11.6 plain too long", 0, n - 1, raw, None),
        ("P11.6 zstd, other raw bytes", 1, n + 1, frame(n, whole), None),
        ("P11.6 zstd, content size above what comes", 1, n + 1, frame(n + 1, whole), None),
        ("P11.6 zstd, content size below what comes", 1, n - 1, frame(n - 1, whole), None),
        ("P11.6 zstd, no content size", 1, n, magic + b"\x00\x58" + whole, None),
        ("P11.6 zstd, bytes behind", 1, n, frame(n, whole, tail=b"\0"), None),
        ("P11.6 zstd, a second frame", 1, n, frame(n, whole) * 2, None),
        ("P11.6 zstd, cut", 1, n, frame(n, whole)[:-1], None),
        ("P11.6 zstd, nothing", 1, 0, b"", None),
        ("P11.6 plain bytes called zstd", 1, n, raw, None),
        ("P11.6 zstd called plain", 0, n, frame(n, whole), None),
        ("P11.6 raw bytes above 4 MiB", 1, (4 << 20) + 1, frame((4 << 20) + 1, *zeros), None),
        ("P11.6 raw bytes 2^64-1", 1, 2**64 - 1, frame(n, whole), None),
    ]
    out = []
    for name, flags, size, data, want in rows:
        try:
            got = batch.data_of(flags, size, data)
        except Refused:
            got = None
        assert got == want, name
        out.append(dict(name=name, flags=flags, raw_bytes=str(size), data=data, raw=want and len(want)))
    return out


# --- frames


FIELDS = {
    frames.HELLO: "wire rule net site log instance your_log flags software - -",
    frames.HEADERS: "scope flags raw_bytes data",
    frames.NEWS: "scope after upto flags raw_bytes data",
    frames.ACK: "scope upto received_ms",
    frames.REFUSE: "scope upto code clause entry",
    frames.SIGNATURES_WANT: "scope first last",
    frames.DIGEST: "scope upto rule authority entries state",
    frames.BYE: "code clause text",
    frames.JOIN: "wire invite_key net site key tls enrol_signature join_signature",
}


def named():
    """A body of each kind whose members might be taken one for the other: all different, and named."""
    rows = []
    for kind, names in FIELDS.items():
        body, fields = [], {}
        for n, (name, shape) in enumerate(zip(names.split(), frames.BODIES[kind])):
            size = {"b16": 16, "b32": 32, "b32?": 32, "b64": 64}.get(shape)
            if name == "-":
                body.append([])
            elif size:
                body.append((drawn(name, 32) * 2)[:size])
            elif shape[0] == "s":
                body.append("%s %d" % (name[:6], n))
            else:
                body.append(b"data" if name == "data" else 4 if name == "raw_bytes" else 10 * kind + n)
            if name == "flags" and kind != frames.HELLO:
                body[-1] = 4  # a flag of later software: neither zstd nor an answer
            if name != "-":
                fields[name] = str(body[-1]) if isinstance(body[-1], int) else body[-1]
        if kind in (frames.NEWS, frames.HEADERS):
            body[-1] = b"12345"
            body[-2] = 5
            fields.update(data=body[-1], raw_bytes="5")
        rows.append(
            dict(
                name="P11.2 members of " + frames.NAMES[kind],
                kind=kind,
                body=frames.pack_body(kind, body),
                fields=fields,
            )
        )
        frames.unpack_body(kind, rows[-1]["body"])
    return rows


def frames_json():
    accept, refuse = [], []
    for name, kind, body in frames.examples():
        raw = mp.encode(body, 5)
        assert frames.pack_body(kind, frames.unpack_body(kind, raw)) == raw, name
        accept.append(dict(name="P11.2 " + name, kind=kind, body=raw))
    for name, kind, body in frames.bad_examples():
        refuse.append(("P11.2 " + name, kind, mp.encode(body, 5)))
    for name, kind, body in frames.examples():
        raw = mp.encode(body, 5)
        if len(raw) < 400:
            refuse += [
                ("P2.4 %s cut at %d" % (name, n), kind, raw[:n]) for n in range(0, len(raw), 1 + len(raw) // 8)
            ]
        refuse.append(("P2.4 %s, trailing byte" % name, kind, raw + b"\0"))
        refuse.append(("P2.6 %s, a member more" % name, kind, mp.encode(list(body) + [0], 5)))
    for name, kind, raw in refuse:
        refused(lambda x: frames.unpack_body(kind, x), [(name, raw)])
    return dict(accept=accept, refuse=[dict(name=n, kind=k, body=x) for n, k, x in refuse], named=named())

"""Headers, payloads in both forms, whole entries (P5, P6)."""
from dataclasses import astuple

from soukatsu import Refused, entry, mp, payload, schema
from soukatsu.crypto import Key
from soukatsu.names import C, H, ZERO16
from soukatsu.payload import Op, Payload
from soukatsu.schema import ADOPT, ANCHOR, CLOSE, CONSENT, DELETE, EPOCH_OPEN, HEARTBEAT, PROXY, SET
from soukatsu.world import drawn

NAMES = [f for f in entry.Header.__dataclass_fields__]
NET, SITE, ORG, PROJECT = drawn("net"), drawn("site"), drawn("org"), drawn("project")
E1, E2 = sorted((drawn("item a"), drawn("item b")))
H1, H2, H3 = sorted(drawn("hash %d" % n, 32) for n in range(3))
V1, V2 = sorted((drawn("version 1"), drawn("version 2")))
SALT = drawn("entry salt")


def base_header(**kw):
    fields = dict(
        version=0,
        kind=0,
        net=NET,
        site=SITE,
        scope=drawn("scope"),
        epoch=drawn("epoch"),
        seq=1,
        prev=drawn("prev", 32),
        hlc=1_700_000_000_000 << 16,
        clock_flags=0,
        authority_head=drawn("head"),
        key_id=drawn("key"),
        payload_length=100,
        payload_hash=drawn("payload", 32),
    )
    fields.update(kw)
    return entry.Header(**fields)


def fields_json(h):
    out = dict(zip(NAMES, astuple(h)))
    for wide in ("seq", "hlc"):
        out[wide] = str(out[wide])
    return out


def headers_json():
    accept = [
        ("P5.1 plain", {}),
        ("P5.1 control", dict(kind=1)),
        ("P5.1 epoch-open", dict(kind=2)),
        ("P5.1 seq 2^48-1", dict(seq=2**48 - 1)),
        ("P5.1 hlc 0", dict(hlc=0)),
        ("P5.1 hlc 2^64-1", dict(hlc=2**64 - 1)),
        ("P5.1 clock flags 255", dict(clock_flags=255)),
        ("P5.1 payload length 1", dict(payload_length=1)),
        ("P5.1 payload length 49,152", dict(payload_length=49152)),
        (
            "P5.1 all zero ids",
            dict(
                net=ZERO16,
                site=ZERO16,
                scope=ZERO16,
                epoch=ZERO16,
                prev=bytes(32),
                authority_head=ZERO16,
                key_id=ZERO16,
            ),
        ),
    ]
    rows = []
    for name, kw in accept:
        h = base_header(**kw)
        assert entry.unpack(h.pack()) == h
        rows.append(dict(name=name, bytes=h.pack(), id=h.id, fields=fields_json(h)))
    good = list(astuple(base_header()))
    swap = lambda i, x: good[:i] + [x] + good[i + 1 :]
    bad = {
        "P5.4 version 1": swap(0, 1),
        "P5.4 version 2^64-1": swap(0, 2**64 - 1),
        "P5.1 version as str": swap(0, "0"),
        "P5.4 kind 3": swap(1, 3),
        "P5.1 kind 255": swap(1, 255),
        "P5.1 kind -1": swap(1, -1),
        "P5.1 kind nil": swap(1, None),
        "P5.1 net of 15": swap(2, bytes(15)),
        "P5.1 site of 17": swap(3, bytes(17)),
        "P5.1 scope as str": swap(4, "a" * 16),
        "P5.1 epoch of 32": swap(5, bytes(32)),
        "P5.1 seq 0": swap(6, 0),
        "P5.1 seq 2^48": swap(6, 2**48),
        "P5.1 seq 2^64-1": swap(6, 2**64 - 1),
        "P5.1 prev of 16": swap(7, bytes(16)),
        "P5.1 prev nil": swap(7, None),
        "P5.1 hlc negative": swap(8, -1),
        "P5.1 clock flags 256": swap(9, 256),
        "P5.1 authority head of 32": swap(10, bytes(32)),
        "P5.1 key id of 0": swap(11, b""),
        "P5.1 payload length 0": swap(12, 0),
        "P5.1 payload length 49,153": swap(12, 49153),
        "P5.1 payload hash of 31": swap(13, bytes(31)),
        "P2.6 13 members": good[:-1],
        "P2.6 15 members": good + [0],
        "P5.1 no array": "x",
    }
    raws = [(n, mp.encode(x)) for n, x in bad.items()]
    raws += [
        ("P2.1 seq not shortest", mp.encode(swap(6, 5)).replace(b"\x05\xc4\x20", b"\xcc\x05\xc4\x20", 1)),
        ("P2.4 trailing byte", mp.encode(good) + b"\0"),
    ]
    whole = mp.encode(good)
    raws += [("P2.4 cut at %d" % n, whole[:n]) for n in range(0, len(whole), 7)]
    for name, raw in raws:
        try:
            entry.unpack(raw)
        except Refused:
            continue
        raise AssertionError(name)
    return dict(accept=rows, refuse=[dict(name=n, bytes=x) for n, x in raws])


def data(*ops, by="例 花子", for_=ORG, cites=(), part=0, salt=SALT):
    return Payload(for_, by, cites, part, ops, salt=salt)


def control(type_, value, **kw):
    return data(Op(type_, 0, ZERO16, 0, value), by="", **kw)


TEXT = Op(SET, 16, E1, 1, "段落 𠮷㌻ ")
PLACE = Op(SET, 16, E1, 2, b"\x80" + E1[:4])
PAYLOADS = [
    # name, header kind, payload
    ("P6.1 one text", 0, data(TEXT)),
    ("P6.1 no ops", 0, data()),
    ("P6.1 by empty", 0, data(TEXT, by="")),
    ("P6.1 by of 200 bytes", 0, data(TEXT, by="a" * 200)),
    (
        "P6.1 a new item",
        0,
        data(
            TEXT,
            PLACE,
            Op(SET, 16, E1, 3, drawn("project")),
            Op(SET, 16, E1, 4, drawn("column")),
            Op(SET, 16, E1, 5, drawn("round")),
            Op(SET, 16, E1, 6, None),
        ),
    ),
    ("P6.2 replaces", 0, data(Op(SET, 16, E1, 1, "次の版", (V1, V2)))),
    ("P6.1 cites", 0, data(Op(PROXY, 16, E1, 1, "代理修正", (V1,)), cites=(H1, H2, H3))),
    ("P6.1 a part", 0, data(TEXT, part=1)),
    ("P6.1 closes parts", 0, data(part=(H1, H2))),
    ("P6.2 delete", 0, data(Op(DELETE, 16, E1, 0, None, (V1, V2)))),
    ("P6.3 consent is not committed", 0, data(Op(CONSENT, 20, E1, 1, "2023-09-01"), Op(CONSENT, 20, E1, 2, 16))),
    ("P6.3 consent beside a text", 0, data(TEXT, Op(CONSENT, 20, E1, 1, None))),
    (
        "P7.6 submission",
        0,
        data(
            Op(
                SET,
                32,
                drawn("submission"),
                1,
                [1, drawn("column"), E1, V1, 1, drawn("column 3"), 1, drawn("indicator"), V2, -125, 1],
            ),
            Op(SET, 34, E1, 1, "写し"),
            for_=ORG,
        ),
    ),
    ("P7.4 withdrawn", 0, data(Op(SET, 32, drawn("submission"), 1, None, (V1,)))),
    ("P7.4 any flat list is an L", 0, data(Op(SET, 17, E1, 1, ["x", None]))),
    ("P7.4 state of a round", 0, data(Op(SET, 4, E1, 8, 2**64 - 1), for_=drawn("hq"))),
    ("P7.4 place of 64 bytes", 0, data(Op(SET, 16, E1, 2, b"\x80" * 64))),
    ("P7.2 adopt", 1, control(ADOPT, [H1, H2])),
    ("P7.2 anchor of 1,024", 1, control(ANCHOR, sorted(drawn("head %d" % n, 32) for n in range(1024)))),
    ("P7.2 epoch-open", 2, control(EPOCH_OPEN, "復元 例")),
    ("P7.2 close", 1, control(CLOSE, None)),
    ("P7.2 heartbeat", 1, control(HEARTBEAT, None)),
    # lacking (P6.8): a committed value of another type
    ("P6.8 text is an integer", 0, data(Op(SET, 16, E1, 1, 5), PLACE)),
    ("P6.8 text is nil", 0, data(Op(SET, 16, E1, 1, None))),
    ("P6.8 place of 4 bytes", 0, data(Op(SET, 16, E1, 2, bytes(4)))),
    ("P6.8 place of 65 bytes", 0, data(Op(SET, 16, E1, 2, bytes(65)))),
    ("P6.8 id of 32 bytes", 0, data(Op(SET, 16, E1, 3, H1))),
    ("P6.8 negative state", 0, data(Op(SET, 18, E1, 1, -1))),
    ("P6.8 content is a str", 0, data(Op(SET, 19, E1, 1, "x"))),
    ("P6.8 proxy of another type", 0, data(Op(PROXY, 16, E1, 1, b"x"))),
    ("P6.8 delete with a value", 0, data(Op(DELETE, 16, E1, 0, "x"))),
    # malformed
    ("P6.8 set of field 0", 0, data(Op(SET, 16, E1, 0, None))),
    ("P6.8 consent of field 0", 0, data(Op(CONSENT, 20, E1, 0, None))),
    ("P6.8 proxy of field 0", 0, data(Op(PROXY, 16, E1, 0, None))),
    ("P6.8 delete of field 1", 0, data(Op(DELETE, 16, E1, 1, None))),
    ("P6.8 consent until is an integer", 0, data(Op(CONSENT, 20, E1, 1, 5))),
    ("P6.8 consent about is nil", 0, data(Op(CONSENT, 20, E1, 2, None))),
    ("P6.8 written twice", 0, data(TEXT, Op(SET, 16, E1, 1, "y"))),
    ("P6.8 deleted twice", 0, data(Op(DELETE, 16, E1, 0, None, (V1,)), Op(DELETE, 16, E1, 0, None, (V2,)))),
    ("P6.8 set and proxy of one field", 0, data(TEXT, Op(PROXY, 16, E1, 1, "y"))),
    ("P6.8 data with a control op", 0, data(TEXT, Op(HEARTBEAT, 0, ZERO16, 0, None))),
    ("P6.8 data with epoch-open", 0, control(EPOCH_OPEN, "x")),
    ("P6.8 control without ops", 1, data()),
    ("P6.8 control with two ops", 1, data(Op(HEARTBEAT, 0, ZERO16, 0, None), Op(CLOSE, 0, ZERO16, 0, None))),
    ("P6.8 control with a set", 1, data(TEXT)),
    ("P6.8 control with kind", 1, data(Op(CLOSE, 16, ZERO16, 0, None))),
    ("P6.8 control with entity", 1, data(Op(CLOSE, 0, E1, 0, None))),
    ("P6.8 control with field", 1, data(Op(CLOSE, 0, ZERO16, 1, None))),
    ("P6.8 control with replaces", 1, data(Op(CLOSE, 0, ZERO16, 0, None, (V1,)))),
    ("P6.8 control that cites", 1, control(CLOSE, None, cites=(H1,))),
    ("P6.8 control as a part", 1, control(CLOSE, None, part=1)),
    ("P6.8 control that closes", 1, control(CLOSE, None, part=(H1,))),
    ("P6.8 epoch-open of kind 1", 1, control(EPOCH_OPEN, "x")),
    ("P6.8 close of kind 2", 2, control(CLOSE, None)),
    ("P7.2 adopt of nothing", 1, control(ADOPT, [])),
    ("P7.2 adopt not ascending", 1, control(ADOPT, [H2, H1])),
    ("P7.2 adopt twice the same", 1, control(ADOPT, [H1, H1])),
    ("P7.2 adopt of 16 bytes", 1, control(ADOPT, [V1])),
    ("P7.2 anchor of 1,025", 1, control(ANCHOR, sorted(drawn("head %d" % n, 32) for n in range(1025)))),
    ("P7.2 anchor nil", 1, control(ANCHOR, None)),
    ("P7.2 epoch-open nil", 2, control(EPOCH_OPEN, None)),
    ("P7.2 heartbeat 0", 1, control(HEARTBEAT, 0)),
    # too new
    ("P6.9 op type 3", 0, data(Op(3, 16, E1, 1, "x"))),
    ("P6.9 op type 6", 0, data(TEXT, Op(6, 16, E2, 0, "x"))),
    ("P6.9 op type 32", 0, data(Op(32, 16, E1, 1, "x"))),
    ("P6.9 op type 65,535", 0, data(Op(65535, 65535, E1, 65535, "x"))),
    ("P6.9 kind 8", 0, data(Op(SET, 8, E1, 1, "x"))),
    ("P6.9 kind 24", 0, data(Op(SET, 24, E1, 1, "x"))),
    ("P6.9 delete of kind 35", 0, data(Op(DELETE, 35, E1, 0, None))),
    ("P6.9 field 7 of an item", 0, data(Op(SET, 16, E1, 7, "x"))),
    ("P6.9 control type 21", 1, control(21, "x")),
    ("P6.9 control type 31", 1, control(31, None)),
    ("P6.8 malformed goes before too new", 0, data(Op(SET, 16, E1, 0, None), Op(6, 16, E2, 1, "x"))),
]


def state_of(p, kind):
    return "malformed" if payload.malformed(p, kind) else "too-new" if payload.too_new(p) else "ok"


def payload_row(name, kind, p):
    raw, forms = p.pack(), []
    assert payload.unpack(raw) == p
    every = sorted(p.commitments())
    big = len(raw) > 10000
    for gone in ([0], every, every[1:2], []) if not big else (every,):
        q = p.redact(gone)
        back = payload.unpack(q.pack())
        assert back == q and q.hash() == p.hash() and state_of(q, kind) == state_of(p, kind)
        forms.append(dict(gone=sorted(q.gone), bytes=q.pack(), lacking=sorted(payload.lacking(q))))
    return dict(
        name=name,
        kind=kind,
        full=raw,
        hash=p.hash(),
        state=state_of(p, kind),
        lacking=sorted(payload.lacking(p)),
        forms=forms,
        commitments=[
            dict(index=i, salt=payload.salt_of(p.salt, i), commitment=c) for i, c in list(p.commitments().items())[:5]
        ],
    )


def payloads_json():
    rows = [payload_row(*x) for x in PAYLOADS]
    rows += [payload_row("P6.1 the largest", 0, largest())]
    raws = refused_payloads()
    for name, raw in raws:
        try:
            payload.unpack(raw)
        except Refused:
            continue
        raise AssertionError(name)
    return dict(rows=rows, refuse=[dict(name=n, bytes=x) for n, x in raws])


def largest():
    """49,152 bytes exactly, 512 ops, 64 cites, redacted whole above the full form's limit."""
    op = lambda n, text: Op(SET, 16, drawn("item %d" % n), 1, text)
    cites = tuple(sorted(drawn("cite %d" % n, 32) for n in range(64)))
    ops = [op(n, "") for n in range(512)]
    room = 49152 - len(data(*ops, cites=cites).pack())
    for n in range(512):
        if room < 34:
            break
        take = min(room - 2, 200)
        ops[n] = op(n, "a" * (take if take >= 32 else 31))
        room = 49152 - len(data(*ops, cites=cites).pack())
    p = data(*ops, cites=cites, by="例 花子" + "a" * room)
    assert len(p.pack()) == 49152, len(p.pack())
    return p


def refused_payloads():
    full = [0, SALT, ORG, "例", [], 0, [[SET, 16, E1, 1, "x", []]]]
    swap = lambda i, x: full[:i] + [x] + full[i + 1 :]
    op = lambda i, x: swap(6, [full[6][0][:i] + [x] + full[6][0][i + 1 :]])
    bad = {
        "P6.1 form 2": swap(0, 2),
        "P6.1 form 1 with an entry salt": swap(0, 1),
        "P6.1 salt of 15": swap(1, bytes(15)),
        "P6.1 salt of 32": swap(1, bytes(32)),
        "P6.1 salts in full form": swap(1, [bytes(16), bytes(16)]),
        "P6.1 for of 32": swap(2, bytes(32)),
        "P6.1 for nil": swap(2, None),
        "P6.1 by nil in full form": swap(3, None),
        "P6.1 by of 201 bytes": swap(3, "a" * 201),
        "P6.1 by as bin": swap(3, b"x"),
        "P6.1 cites of 16": swap(4, [bytes(16)]),
        "P6.1 cites not ascending": swap(4, [H2, H1]),
        "P6.1 cites twice": swap(4, [H1, H1]),
        "P6.1 cites nil": swap(4, None),
        "P6.1 65 cites": swap(4, sorted(drawn("c%d" % n, 32) for n in range(65))),
        "P6.1 part 2": swap(5, 2),
        "P6.1 part nil": swap(5, None),
        "P6.1 part empty": swap(5, []),
        "P6.1 part not ascending": swap(5, [H2, H1]),
        "P6.1 1,025 parts": swap(5, sorted(drawn("p%d" % n, 32) for n in range(1025))),
        "P6.1 ops nil": swap(6, None),
        "P6.1 513 ops": swap(6, [[SET, 16, drawn("i%d" % n), 1, "", []] for n in range(513)]),
        "P6.2 five members": swap(6, [full[6][0][:5]]),
        "P6.2 seven members": swap(6, [full[6][0] + [0]]),
        "P6.2 type 65,536": op(0, 65536),
        "P6.2 type -1": op(0, -1),
        "P6.2 kind 65,536": op(1, 65536),
        "P6.2 entity of 32": op(2, bytes(32)),
        "P6.2 field 65,536": op(3, 65536),
        "P6.2 field nil": op(3, None),
        "P6.2 list of 4,097": op(4, [0] * 4097),
        "P6.2 replaces nil": op(5, None),
        "P6.2 replaces of 32": op(5, [H1]),
        "P6.2 replaces not ascending": op(5, [V2, V1]),
        "P6.2 replaces twice": op(5, [V1, V1]),
        "P6.2 257 replaced": op(5, sorted(drawn("v%d" % n) for n in range(257))),
        "P2.6 six members": full[:6],
        "P2.6 eight members": full + [0],
    }
    red = [1, [bytes(16), bytes(16)], ORG, "例", [], 0, [[SET, 16, E1, 1, "x", []]]]
    rswap = lambda i, x: red[:i] + [x] + red[i + 1 :]
    bad.update(
        {
            "P6.1 a salt too few": rswap(1, [bytes(16)]),
            "P6.1 a salt too many": rswap(1, [bytes(16)] * 3),
            "P6.1 salt of 17": rswap(1, [bytes(16), bytes(17)]),
            "P6.7 by beside its commitment": rswap(1, [bytes(32), bytes(16)]),
            "P6.7 a value beside its commitment": rswap(1, [bytes(16), bytes(32)]),
            "P6.7 by nil with a salt": rswap(3, None),
            "P6.1 salts as one": rswap(1, bytes(16)),
        }
    )
    raws = [(n, mp.encode(x)) for n, x in bad.items()]
    over = data(TEXT, part=0).pack()
    raws.append(("P2.4 trailing byte", over + b"\0"))
    raws.append(("P6.2 a list in a list", mp.encode(full).replace(b"\xa1x", b"\x91\x90")))
    ops = [[SET, 16, drawn("i%d" % n), 1, "a" * 8192, []] for n in range(6)]
    raws.append(("P6.1 49,153 bytes", _exactly(full, ops, 49153)))
    raws += [("P2.4 cut at %d" % n, over[:n]) for n in range(0, len(over), 5)]
    return raws


def _exactly(full, ops, size):
    x = full[:6] + [ops]
    spare = len(mp.encode(x)) - size
    ops[-1] = ops[-1][:4] + ["a" * (8192 - spare)] + [[]]
    raw = mp.encode(full[:6] + [ops])
    assert len(raw) == size, len(raw)
    return raw


def entries_json():
    """Whole entries: header, payload, id, signature."""
    rows, key = [], Key(H(C("test"), b"entries"))
    for name, kind, p in PAYLOADS[:22]:
        h = base_header(kind=kind, key_id=key.id, payload_length=len(p.pack()), payload_hash=p.hash())
        rows.append(
            dict(
                name=name,
                header=h.pack(),
                payload=p.pack(),
                id=h.id,
                public=key.public,
                signature=key.sign("entry", NET, h.id),
            )
        )
    return dict(net=NET, rows=rows)


assert schema.roles_for(3, SET, 16)[0]

"""Names, canonical bytes, keys and signatures, place keys, clocks, invites (P2, P3, P4, P7.7, P10.9, P12)."""
import random

from soukatsu import clock, crypto, invite, mp, names, place
from soukatsu.crypto import Key
from soukatsu.names import C, H, u32be, u64be
from soukatsu.world import drawn


def names_json():
    org, project, round_, indicator = (drawn(n) for n in ("org", "project", "round", "indicator"))
    site, opening, op = drawn("site"), drawn("opening", 32), drawn("op", 32)
    entities = [
        ("P3.3 submission", 32, org + project + round_),
        ("P3.3 review", 33, org + project + round_),
        ("P3.3 approval", 19, org + project + round_),
        ("P3.3 mark", 18, org + project + round_),
        ("P3.3 measurement", 17, indicator + org + round_),
        ("P3.3 edition 1", 7, round_ + u64be(1)),
        ("P3.3 edition 2^40", 7, round_ + u64be(2**40)),
        ("P3.3 organisation", 64, op + u32be(0)),
        ("P3.3 organisation of effect 3", 64, op + u32be(3)),
        ("P3.3 item, counter 1", 16, site + opening + u64be(1)),
        ("P3.3 item, counter 2^32", 16, site + opening + u64be(2**32)),
        ("P3.3 project, the same key", 3, site + opening + u64be(1)),
    ]
    publics = [Key(H(b"seed", u32be(n))).public for n in range(3)]
    scopes = [
        ("P3.2 authority", 1, names.ZERO16),
        ("P3.2 plan", 2, names.ZERO16),
        ("P3.2 org", 3, org),
        ("P3.2 project", 4, project),
        ("P3.2 project with the org's entity id", 4, org),
    ]
    return dict(
        key_ids=[dict(name="P3.1 key %d" % n, public=p, id=names.key_id(p)) for n, p in enumerate(publics)],
        scopes=[dict(name=n, kind=k, entity=e, id=names.scope_id(k, e)) for n, k, e in scopes],
        entities=[dict(name=n, kind=k, key=key, id=names.entity_id(k, key)) for n, k, key in entities],
        entry_ids=[
            dict(
                name="P5.2 id of %d bytes" % len(raw),
                header=raw,
                id=names.entry_id(raw),
                version=names.half(names.entry_id(raw)),
            )
            for raw in (b"\x90", b"x" * 300)
        ],
        authority_ids=[dict(name="P8.1 id", op=b"\x97", id=names.authority_id(b"\x97"))],
    )


def canonical_json():
    accept = [
        None,
        0,
        1,
        127,
        128,
        255,
        256,
        65535,
        65536,
        2**32 - 1,
        2**32,
        2**64 - 1,
        -1,
        -32,
        -33,
        -128,
        -129,
        -32768,
        -32769,
        -(2**31),
        -(2**31) - 1,
        -(2**63),
        "",
        "a",
        "a" * 31,
        "a" * 32,
        "a" * 255,
        "a" * 256,
        "a" * 8192,
        "総括",
        "𠮷㌻ ",
        "\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff",
        b"",
        b"\0" * 16,
        b"\1" * 32,
        b"\2" * 255,
        b"\3" * 256,
        b"\4" * 65535,
        b"\5" * 65536,
        [],
        [None] * 15,
        [None] * 16,
        [0] * 65535,
        [0] * 65536,
        [[[[]]]],
        [[[[1, "x", b"y", None, -5]]]],
        [[], [[], [[]]]],
    ]
    rows = [_short("P2.1 accept %d" % n, mp.encode(x)) for n, x in enumerate(accept)]
    bad = {
        "P2.1 uint8 for 127": "cc7f",
        "P2.1 uint16 for 255": "cd00ff",
        "P2.1 uint32 for 65535": "ce0000ffff",
        "P2.1 uint64 for 2^32-1": "cf00000000ffffffff",
        "P2.1 int8 for -32": "d0e0",
        "P2.1 int8 for 5": "d005",
        "P2.1 int16 for -128": "d1ff80",
        "P2.1 int16 for 300": "d1012c",
        "P2.1 int32 for -32768": "d2ffff8000",
        "P2.1 int64 for -2^31": "d3ffffffff80000000",
        "P2.1 int64 for 1": "d30000000000000001",
        "P2.1 str8 for 31": "d91f" + "61" * 31,
        "P2.1 str16 for 255": "da00ff" + "61" * 255,
        "P2.1 str32 for 1": "db0000000161",
        "P2.1 bin16 for 1": "c5000101",
        "P2.1 bin16 for 255": "c500ff" + "00" * 255,
        "P2.1 bin32 for 1": "c60000000101",
        "P2.1 array16 for 15": "dc000f" + "c0" * 15,
        "P2.1 array32 for 1": "dd00000001c0",
        "P2.1 true": "c3",
        "P2.1 false": "c2",
        "P2.1 never used": "c1",
        "P2.1 float32": "ca00000000",
        "P2.1 float64": "cb0000000000000000",
        "P2.1 fixmap": "80",
        "P2.1 fixmap of one": "81c0c0",
        "P2.1 map16": "de0000",
        "P2.1 map32": "df00000000",
        "P2.1 fixext1": "d40000",
        "P2.1 fixext2": "d5000000",
        "P2.1 fixext4": "d60000000000",
        "P2.1 fixext8": "d7" + "00" * 9,
        "P2.1 fixext16": "d8" + "00" * 17,
        "P2.1 ext8": "c70000",
        "P2.1 ext16": "c8000000",
        "P2.1 ext32": "c90000000000",
        "P2.2 NUL": "a100",
        "P2.2 NUL inside": "a3610062",
        "P2.2 lone continuation": "a180",
        "P2.2 overlong slash": "a2c0af",
        "P2.2 overlong NUL": "a2c080",
        "P2.2 overlong in three": "a3e080af",
        "P2.2 overlong in four": "a4f08080af",
        "P2.2 surrogate": "a3eda080",
        "P2.2 low surrogate": "a3edb080",
        "P2.2 above U+10FFFF": "a4f4908080",
        "P2.2 five bytes": "a5f888808080",
        "P2.2 fe": "a1fe",
        "P2.2 cut sequence": "a2e380",
        "P2.2 8193 bytes": "da2001" + "61" * 8193,
        "P2.3 five deep": "9191919190",
        "P2.3 six deep": "919191919190",
        "P2.4 trailing": "c0c0",
        "P2.4 trailing after array": "90c0",
        "P2.4 nothing": "",
        "P2.4 array16 count above": "dc0010",
        "P2.4 array32 count above": "ddffffffff",
        "P2.4 fixarray cut": "92c0",
        "P2.4 str cut": "a26f",
        "P2.4 bin cut": "c40500",
        "P2.4 bin32 of 4 GiB": "c6ffffffff",
        "P2.4 str32 of 4 GiB": "dbffffffff",
        "P2.4 uint64 cut": "cf00",
    }
    rows_bad = [_short(n, bytes.fromhex(x)) for n, x in bad.items()]
    long = mp.encode([1, 300, "総括", b"\0" * 20, [-70000, None, [2**40]]])
    rows_bad += [dict(name="P2.4 cut at %d" % n, bytes=long[:n]) for n in range(1, len(long))]
    return dict(accept=rows, refuse=rows_bad)


def _short(name, raw):
    """A long tail of one byte is written as `fill` and how many `times`."""
    times = len(raw) - len(raw.rstrip(raw[-1:])) if raw else 0
    if times < 40:
        return dict(name=name, bytes=raw)
    return dict(name=name, bytes=raw[:-times], fill=raw[-1:], times=times)


def keys_json():
    p, order = crypto.P, crypto.ORDER
    enc = lambda y, sign=0: (y | sign << 255).to_bytes(32, "little")
    unfit = []
    for y in sorted(crypto.SMALL_ORDER_Y):
        for k in range(2):
            for sign in range(2):
                if y + k * p < 2**255:
                    unfit.append(
                        dict(
                            name="P4.2 small order, y %d + %d p, sign %d" % (y if y < 2 else -1, k, sign),
                            public=enc(y + k * p, sign),
                        )
                    )
    unfit += [dict(name="P4.2 y = p + %d" % k, public=enc(p + k)) for k in range(2, 19)]
    seeds = [
        dict(name="P4 seed %d" % n, seed=s, public=Key(s).public, id=Key(s).id)
        for n, s in enumerate([bytes(32), b"\xff" * 32, H(b"seed"), H(b"seed 2")])
    ]
    key, net, other = Key(H(b"seed")), drawn("net"), drawn("other net")
    good, bad = [], []
    for context in crypto.CONTEXTS:
        for data in (b"", bytes(32), b"soukatsu" * 20):
            good.append(
                dict(
                    name="P4.1 %s of %d bytes" % (context, len(data)),
                    context=context,
                    net=net,
                    bytes=data,
                    public=key.public,
                    signature=key.sign(context, net, data),
                )
            )
    for context in ("entry", "receipt"):
        data = b"\x07" * 32
        sig = key.sign(context, net, data)
        s = int.from_bytes(sig[32:], "little")
        row = dict(context=context, net=net, bytes=data, public=key.public, signature=sig)
        bad += [
            dict(
                row,
                name="P4.3 S above the order, " + context,
                signature=sig[:32] + (s + order).to_bytes(32, "little"),
            ),
            dict(row, name="P4.1 other net, " + context, net=other),
            dict(row, name="P4.1 other bytes, " + context, bytes=b"\x08" + data[1:]),
            dict(row, name="P4.1 other key, " + context, public=Key(bytes(32)).public),
            dict(row, name="P4.1 R changed, " + context, signature=bytes([sig[0] ^ 1]) + sig[1:]),
            dict(row, name="P4.1 S changed, " + context, signature=sig[:40] + bytes([sig[40] ^ 1]) + sig[41:]),
            dict(row, name="P4.1 zero, " + context, signature=bytes(64)),
        ]
    return dict(unfit=unfit, seeds=seeds, good=good, bad=bad, contexts=list(crypto.CONTEXTS))


def places_json():
    r = random.Random(7)
    pairs, entity = [(None, None)], drawn("entity")
    listed = [place.between(None, None, entity)]
    for n in range(60):
        e = drawn("placed %d" % n)
        at = r.randrange(len(listed) + 1) if n % 3 else r.choice([0, len(listed)])
        low, high = listed[at - 1] if at else None, listed[at] if at < len(listed) else None
        pairs.append((low, high))
        listed.insert(at, place.between(low, high, e))
    pairs += [
        (bytes.fromhex(a) if a else None, bytes.fromhex(b) if b else None)
        for a, b in [
            ("8061626364", "817a7a7a7a"),
            (None, "01000000aa"),
            (None, "0000000001"),
            ("ffffffffff", None),
            ("7fffffffff", "8000000000"),
            ("00ff626364", "0101626364"),
            ("80" * 64, "80" * 63 + "81"),
            (None, "00" * 63 + "01"),
            ("ff" * 64, None),
            ("80" * 59 + "0001020304", "80" * 59 + "0201020304"),
            ("8061626364", "8061626365"),
            ("1000000000", "10000000000005"),
        ]
    ]
    rows = []
    for n, (a, b) in enumerate(pairs):
        got = place.between(a, b, entity)
        assert got is None or ((a is None or a < got) and (b is None or got < b) and len(got) <= 64)
        rows.append(dict(name="P7.7 between %d" % n, low=a, high=b, entity=entity, place=got))
    assert listed == sorted(listed) and any(x["place"] is None for x in rows)
    return dict(rows=rows)


def clocks_json():
    ms, rows = 1_700_000_000_000, []
    for name, last, wall in [
        ("first", 0, ms),
        ("wall ahead", (ms - 5) << 16, ms),
        ("wall behind", (ms + 5) << 16, ms),
        ("same millisecond", ms << 16, ms),
        ("counter full", (ms << 16) + 0xFFFF, ms),
        ("wall at zero", 9, 0),
    ]:
        rows.append(
            dict(name="P10.9 own, " + name, last=str(last), wall_ms=str(wall), own=str(clock.own(last, wall)))
        )
    got = []
    for name, last, hlc, wall in [
        ("older", ms << 16, (ms - 1) << 16, ms),
        ("newer", ms << 16, (ms + 1) << 16, ms),
        ("10 minutes ahead", ms << 16, ((ms + 600000) << 16) + 0xFFFF, ms),
        ("one millisecond more", ms << 16, (ms + 600001) << 16, ms),
        ("largest", 0, 2**64 - 1, ms),
        ("wall far behind", ms << 16, (ms + 1) << 16, 0),
    ]:
        got.append(
            dict(
                name="P10.9 received, " + name,
                last=str(last),
                hlc=str(hlc),
                wall_ms=str(wall),
                after=str(clock.received(last, hlc, wall)),
            )
        )
    return dict(own=rows, received=got)


def invites_json():
    x = invite.Invite("hub.example:4980", drawn("tls", 32), drawn("genesis", 32), drawn("net"), drawn("secret"))
    accept = []
    for n, address in enumerate(["hub.example:4980", "[2001:db8::1]:4980", "a" * 250 + ":4980"]):
        i = invite.Invite(address, x.tls_hash, x.genesis, x.net, x.secret)
        accept.append(
            dict(
                name="P12.5 %d" % n,
                text=i.text(),
                address=address,
                tls_hash=i.tls_hash,
                genesis=i.genesis,
                net=i.net,
                secret=i.secret,
                seed=H(C("invite"), i.secret),
                public=i.key.public,
            )
        )
    t = x.text()
    made = lambda members: _invite_text(mp.encode(members))
    good = [0, x.address, x.tls_hash, x.genesis, x.net, x.secret]
    refuse = {
        "P12.5 other prefix": "soukatsu2-" + t[10:],
        "P12.5 upper case prefix": "SOUKATSU1-" + t[10:],
        "P12.5 padded": t + "=",
        "P12.5 a letter changed": t[:30] + ("A" if t[30] != "A" else "B") + t[31:],
        "P12.5 a letter less": t[:-1],
        "P12.5 a letter more": t + "A",
        "P12.5 not base64url": t[:20] + "+" + t[21:],
        "P12.5 blank inside": t[:20] + " " + t[20:],
        "P12.5 nothing": "soukatsu1-",
        "P12.5 empty": "",
        "P12.5 version 1": made([1] + good[1:]),
        "P12.5 a member less": made(good[:-1]),
        "P12.5 a member more": made(good + [0]),
        "P12.5 short secret": made(good[:-1] + [x.secret[:15]]),
        "P12.5 address of 256 bytes": made([0, "a" * 251 + ":4980"] + good[2:]),
        "P12.5 address as bin": made([0, b"hub:1"] + good[2:]),
        "P2.1 not canonical": _invite_text(mp.encode(good).replace(b"\xc4\x10", b"\xc5\x00\x10")),
    }
    return dict(accept=accept, refuse=[dict(name=n, text=v) for n, v in refuse.items()])


def _invite_text(raw):
    import base64

    return "soukatsu1-" + base64.urlsafe_b64encode(raw + H(C("invite-check"), raw)[:4]).rstrip(b"=").decode()

"""Rows of keys.py: what a peer with real keys can do by the bytes, entries and keys that it sends (R1 to R5)."""
import secrets

import bed as b
from deeds import HELD, case, control, idle_op, near_entry, one, rows
from soukatsu import authority as au
from soukatsu import batch, mp, names, schema
from soukatsu.crypto import ORDER, Key
from soukatsu.names import SCOPE_PLAN, ZERO16, half
from soukatsu.payload import Op, Payload


# --- R1: who may, and on what it stands


@case("R1", "forged: another site's feed under our signature", r"refuse 6 P11\.11", r"P11\.11")
def _(bed, peer):
    h = near_entry(bed).header
    return one(peer, peer.entry(b.text_op(), site=h.site, key_id=h.key_id, seq=1, prev=h.prev, epoch=h.epoch))


@case("R1", "another site's name over our key", HELD, r"P9\.3")
def _(bed, peer):
    return one(peer, peer.entry(b.text_op(), site=near_entry(bed).header.site))


@case("R1", "on an entry of another site", HELD, r"P9\.3")
def _(bed, peer):
    h = near_entry(bed)
    return one(peer, peer.entry(b.text_op(), seq=h.header.seq + 1, prev=h.id, epoch=h.header.epoch))


@case("R1", "a withheld predecessor", HELD, r"P9\.3")
def _(bed, peer):
    return one(peer, peer.chain(2, b.text_op())[1])


@case("R1", "a place left out", HELD, r"P9\.3")
def _(bed, peer):
    item = peer.entry(b.text_op(), seq=5, prev=secrets.token_bytes(32))
    return rows(peer, [item])


@case("R1", "out of role: approving as an editor", HELD, r"P9\.7")
def _(bed, peer):
    return one(peer, peer.entry(b.text_op(kind=schema.KIND_APPROVAL, field=2)))


@case("R1", "for another organisation", HELD, r"P9\.7")
def _(bed, peer):
    return one(peer, peer.entry(b.text_op(), for_=bed.book.org_by_handle("chiiki")))


@case("R1", "out of scope: the plan", r"refuse 1 P11\.12", r"P11\.12")
def _(bed, peer):
    item = peer.entry(b.text_op(kind=schema.KIND_PLAN, field=2), scope=SCOPE_PLAN)
    return one(peer, item)


@case("R1", "out of scope: another organisation's", r"refuse 1 P11\.12", r"P11\.12")
def _(bed, peer):
    org = bed.book.org_by_handle("chiiki")
    return one(peer, peer.entry(b.text_op(), scope=names.scope_id(names.ORG, org), for_=org))


@case("R1", "a ground that nobody has", HELD, r"P9\.8")
def _(bed, peer):
    return one(peer, peer.entry(b.text_op(), cites=[secrets.token_bytes(32)]))


REVIEWER = dict(roles=schema.REVIEWER, reach=au.REACH_SUBTREE)


@case("R1", "other people's words changed without consent", HELD, r"P9\.8", **REVIEWER)
def _(bed, peer):
    return one(peer, peer.entry(b.text_op(type_=schema.PROXY)))


@case("R1", "adopting without being a reviewer", HELD, r"P9\.[37]")
def _(bed, peer):
    held = peer.entry(b.text_op(), seq=2, prev=secrets.token_bytes(32))
    return rows(peer, [held], [control(peer, schema.ADOPT, [held.header.id])])


@case("R1", "adopting its own", HELD, r"P9\.7", **REVIEWER)
def _(bed, peer):
    held = peer.entry(b.text_op())
    adopt = control(peer, schema.ADOPT, [held.header.id], seq=2, prev=held.header.id, hlc=b.wall_hlc() + 99)
    return rows(peer, [held, adopt])


@case("R1", "anchoring without being the anchor", HELD, r"P9\.7")
def _(bed, peer):
    return one(peer, control(peer, schema.ANCHOR, [near_entry(bed).id]))


@case("R1", "a part that nobody closes", HELD, None)
def _(bed, peer):
    return one(peer, peer.entry(b.text_op(), part=1))


@case("R1", "closing parts of another site", HELD, None)
def _(bed, peer):
    return one(peer, peer.entry(b.text_op(), part=(near_entry(bed).id,)))


# --- R2: bytes. Each twin says the same as a canonical entry, or more


def body_with(peer, change):
    """The bytes of a payload that `change` made from canonical ones; the hash stays that of the good one."""
    p = Payload(peer.org, "例", ops=(b.text_op("a" * 40, b"\7" * 16),), salt=secrets.token_bytes(16))
    body = change(p.pack())
    assert body != p.pack()
    return peer.entry(body=body, digest=p.hash())


WORDS = b"\xc4\x10" + b"\7" * 16 + b"\1\xd9\x28"  # entity, field and the length of the text of 40 bytes


def twin(name, change, expect=r"bye format P11\.8", log=r"P11\.8"):
    case("R2", "not canonical: " + name, expect, log)(lambda bed, peer: one(peer, body_with(peer, change)))


twin("an integer one byte longer", lambda x: x[:1] + b"\xcc\x00" + x[2:])
twin("an array in the longer form", lambda x: b"\xdc\x00\x07" + x[1:])
twin("an array in the longest form", lambda x: b"\xdd\x00\x00\x00\x07" + x[1:])
twin("a bin in the longer form", lambda x: x.replace(b"\xc4\x10", b"\xc5\x00\x10", 1))
twin("a str in the longer form", lambda x: x.replace(WORDS, WORDS[:-2] + b"\xda\x00\x28"))
twin("a byte after it", lambda x: x + b"\xc0")
twin("the last byte gone", lambda x: x[:-1])
twin("a map", lambda x: b"\x87" + x[1:])
twin("a float", lambda x: x[:1] + b"\xca\x00\x00\x00\x00" + x[2:])
twin("a boolean", lambda x: x[:1] + b"\xc2" + x[2:])
twin("an ext", lambda x: x[:1] + b"\xd4\x01\x00" + x[2:])
twin("UTF-8 in a longer form", lambda x: x.replace(WORDS + b"aa", WORDS + b"\xc1\xa1"))
twin("a surrogate", lambda x: x.replace(WORDS + b"aaa", WORDS + b"\xed\xa0\x80"))
twin("a NUL", lambda x: x.replace(WORDS + b"a", WORDS + b"\0"))
twin("nested deeper than four", lambda x: x.replace(WORDS, WORDS[:-2] + b"\x91\x91\x91\x91\xd9\x28"))
twin("a negative integer", lambda x: x[:1] + b"\xff" + x[2:])


def raw_news(name, make, expect=r"bye (format|limit) P11\.[68]", log=r"P11\.[68]", flags=0):
    def run(bed, peer):
        talk = peer.talk()
        try:
            return talk.news(peer.scope, raw=make(peer), upto=1, flags=flags)
        finally:
            talk.close()

    case("R2", "news: " + name, expect, log)(run)


def run_of(peer, **over):
    item = peer.entry(b.text_op())
    raw = mp.decode(b.pack([[item]]))
    for place, value in over.items():
        if place[0] == "r":
            raw[0][int(place[1:])] = value
        else:
            raw[0][5][0][int(place[1:])] = value
    return mp.encode(raw)


raw_news("an unknown bit of an entry", lambda p: run_of(p, e0=12 | 64))
raw_news("no signature at the end of a run", lambda p: mp.encode([[*mp.decode(run_of(p))[0][:5], [
    [4, *mp.decode(run_of(p))[0][5][0][1:4]]]]]))
raw_news("a signature of 63 bytes", lambda p: run_of(p, e4=bytes(63)))
raw_news("a header kind that nobody knows", lambda p: mp.encode([[*mp.decode(run_of(p))[0][:5], [
    [13, *mp.decode(run_of(p))[0][5][0][1:3], 3, *mp.decode(run_of(p))[0][5][0][3:]]]]]))
raw_news("seq 0", lambda p: run_of(p, r3=0))
raw_news("seq 2^48", lambda p: run_of(p, r3=2**48))
raw_news("an hlc that is no number", lambda p: run_of(p, e1=b"x"))
raw_news("an empty run", lambda p: run_of(p, r5=[]))
raw_news("a run of 65", lambda p: run_of(p, r5=mp.decode(run_of(p))[0][5] * 65))
raw_news("a second entry of the same time", lambda p: run_of(p, r5=[mp.decode(run_of(p))[0][5][0], [0, 0, b"x"]]))
raw_news("replaces that do not ascend", lambda p: b.pack([[p.entry(
    body=bad_replaces(p, [b"\2" * 16, b"\1" * 16]), digest=bytes(32))]]))
raw_news("replaces twice", lambda p: b.pack([[p.entry(body=bad_replaces(p, [b"\2" * 16] * 2), digest=bytes(32))]]))
raw_news("513 ops", lambda p: b.pack([[p.entry(body=mp.encode(
    [0, bytes(16), p.org, "", [], 0, [[1, 16, bytes(14) + i.to_bytes(2, "big"), 1, "", []] for i in range(513)]]),
    digest=bytes(32))]]))
raw_news("65 grounds", lambda p: b.pack([[p.entry(body=mp.encode(
    [0, bytes(16), p.org, "", [i.to_bytes(32, "big") for i in range(1, 66)], 0, []]), digest=bytes(32))]]))
raw_news("zstd that says another size", lambda p: batch.compress(bytes(100)) + b"", flags=1)


def bad_replaces(peer, ids):
    return mp.encode([0, bytes(16), peer.org, "", [], 0, [[1, 16, b"\1" * 16, 1, "x", ids]]])


@case("R2", "one field twice in an entry", HELD, r"P9\.3")
def _(bed, peer):
    entity = secrets.token_bytes(16)
    return one(peer, peer.entry(b.text_op("一", entity), b.text_op("二", entity)))


@case("R2", "a control op among data", HELD, r"P9\.3")
def _(bed, peer):
    return one(peer, peer.entry(b.text_op(), Op(schema.CLOSE, 0, ZERO16, 0, None)))


@case("R2", "an op of no software", HELD, r"P6\.9")
def _(bed, peer):
    return one(peer, peer.entry(b.text_op(type_=9)))


@case("R2", "a redacted form without a redaction", HELD, r"P9\.3")
def _(bed, peer):
    p = Payload(peer.org, "例", ops=(b.text_op("消した文"),), salt=secrets.token_bytes(16))
    item = peer.entry(body=p.redact({1}).pack(), length=len(p.pack()))
    return one(peer, item)


@case("R2", "an honest entry again, its words redacted by nobody", HELD, None)
def _(bed, peer):
    r = near_entry(bed)
    item = batch.Item(r.header, r.payload.redact({1}).pack(), r.signature)
    return one(peer, item)


@case("R2", "an honest entry again: replayed", HELD, None)
def _(bed, peer):
    r = near_entry(bed)
    return one(peer, batch.Item(r.header, r.payload_raw, r.signature))


# --- R3, R4: signatures and keys


def context_row(context):
    case("R3", "signed as " + context, r"refuse 6 P11\.11", r"P11\.11")(
        lambda bed, peer: one(peer, peer.entry(b.text_op(), context=context))
    )


for other in ("authority", "enrol", "join", "checkpoint", "receipt", "cosign", "snapshot"):
    context_row(other)


@case("R3", "signed for another network", r"refuse 6 P11\.11", r"P11\.11")
def _(bed, peer):
    return one(peer, peer.entry(b.text_op(), net=secrets.token_bytes(16)))


@case("R4", "a signature with S above the group order", r"refuse 6 P11\.11", r"P11\.11")
def _(bed, peer):
    item = peer.entry(b.text_op())
    s = int.from_bytes(item.signature[32:], "little") + ORDER
    return one(peer, batch.Item(item.header, item.payload, item.signature[:32] + s.to_bytes(32, "little")))


def opening(bed, public, tls_hash=None):
    org = bed.book.org_by_handle("tvac")
    return [au.OPEN, secrets.token_bytes(16), public, tls_hash or secrets.token_bytes(32), org, "例"]


def unfit(name, public):
    case("R4", "enrolling " + name, r"pong", r"P8\.5", once="P8.5")(
        lambda bed, peer: idle_op(bed, peer, opening(bed, public))
    )


unfit("the neutral point", b"\1" + bytes(31))
SMALL = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
unfit("a point of small order", SMALL)
unfit("the same with its sign turned", SMALL[:31] + b"\x85")
unfit("a y that is not below p", (2**255 - 18).to_bytes(32, "little"))


@case("R4", "enrolling another site's key", r"pong", r"P8\.5")
def _(bed, peer):
    return idle_op(bed, peer, opening(bed, peer.key.public))


@case("R4", "enrolling the operational key as a site's", r"pong", r"P8\.5")
def _(bed, peer):
    return idle_op(bed, peer, opening(bed, bed.operational.public))


@case("R4", "enrolling with another site's TLS key", r"pong", r"P8\.5")
def _(bed, peer):
    return idle_op(bed, peer, opening(bed, Key(secrets.token_bytes(32)).public, peer.tls_hash))


# --- R5: chains and epochs


@case("R5", "an epoch that nobody opened", HELD, r"P9\.3")
def _(bed, peer):
    return one(peer, peer.entry(b.text_op(), epoch=secrets.token_bytes(16)))


@case("R5", "on the opening of another site's key", HELD, r"P9\.3")
def _(bed, peer):
    r = bed.book.authority
    other = next(i for i, x in r.openings.items() if x[0] != peer.site)
    return one(peer, peer.entry(b.text_op(), prev=other, epoch=half(other)))


@case("R5", "an epoch opened at seq 1 twice over", HELD, r"P9\.3")
def _(bed, peer):
    opened = control(peer, schema.EPOCH_OPEN, "例")
    second = peer.entry(b.text_op(), seq=2, prev=opened.header.id, epoch=half(opened.header.id), hlc=b.wall_hlc() + 9)
    return rows(peer, [opened], [second])

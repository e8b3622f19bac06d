"""Rows of keys.py: authority, cuts, state, forks, time, limits and standing (R7 to R18)."""
import secrets
import time

import bed as b
from deeds import HELD, case, control, idle_op, near_entry, one, rows, send_op
from soukatsu import authority as au
from soukatsu import frames, mp, names, schema
from soukatsu.crypto import Key
from soukatsu.names import ZERO16, ZERO32, half
from soukatsu.payload import Op, Payload


# --- R7: authority


@case("R7", "an op signed by a site's key", r"bye signature P13\.4", r"P13\.4")
def _(bed, peer):
    raw, signatures, _ = bed.op(
        [au.GRANT, peer.site, schema.ADMIN, au.REACH_ALL, ZERO16, []], signers=[peer.key]
    )
    return send_op(bed, peer, raw, signatures)


@case("R7", "an op with a second signature that is bad", r"bye signature P13\.4", r"P13\.4")
def _(bed, peer):
    raw, signatures, _ = bed.op([au.GRANT, peer.site, schema.READER, au.REACH_SUBTREE, bed.book.my_org(), []])
    signatures[peer.key.id] = bytes(64)
    return send_op(bed, peer, raw, signatures)


@case("R7", "an op on a predecessor that nobody has", r"bye format P11\.2", r"P11\.2")
def _(bed, peer):
    raw, signatures, _ = bed.op([au.ORG_CLOSE, peer.org], prev=secrets.token_bytes(32))
    return send_op(bed, peer, raw, signatures)


@case("R7", "a second genesis", r"bye (format P11\.2|signature P13\.4)", r"P1[13]\.[24]")
def _(bed, peer):
    raw = au.pack(bed.book.net, 0, ZERO32, au.GENESIS, 0, [])
    i = au.authority_id(raw)
    return send_op(bed, peer, raw, {peer.key.id: peer.key.sign("authority", bed.book.net, i)})


@case("R7", "a root op by the operational key", r"bye signature P13\.4", r"P13\.4")
def _(bed, peer):
    keys = [au.KEYS, 1, [peer.key.public], Key(secrets.token_bytes(32)).public]
    raw, signatures, _ = bed.op(keys, tier=au.ROOT, counter=1)
    return send_op(bed, peer, raw, signatures)


@case("R7", "an op with a map in it: a role named twice", r"bye format P1[13]\.[24]", r"P1[13]\.[24]")
def _(bed, peer):
    raw, signatures, _ = bed.op([au.GRANT, peer.site, schema.READER, 0, bed.book.my_org(), []])
    return send_op(bed, peer, raw[:-1] + b"\x82\x01\x08\x01\x7f", signatures)


@case("R7", "the hub's key, stolen: an enrolment without the invite's signature", r"pong", r"P8\.5")
def _(bed, peer):
    secret = Key(secrets.token_bytes(32))
    bed.admin([au.INVITE, secret.public, peer.org, "例", schema.EDITOR, 2**48 - 1])
    public = Key(secrets.token_bytes(32)).public
    enrol = [au.ENROL, secret.id, secrets.token_bytes(16), public, secrets.token_bytes(32)]
    forged = peer.key.sign("enrol", bed.book.net, au.enrol_statement(*enrol[1:]))
    return idle_op(bed, peer, [*enrol, forged], tier=au.HUB, signers=[bed.checkpoint])


@case("R7", "the hub's key, stolen: a grant", r"pong", r"P8\.5")
def _(bed, peer):
    grant = [au.GRANT, peer.site, schema.ADMIN, au.REACH_ALL, ZERO16, []]
    return idle_op(bed, peer, grant, tier=au.HUB, signers=[bed.checkpoint])


@case("R7", "an editor's grant that reaches other organisations", r"pong", r"P8\.5")
def _(bed, peer):
    grant = [au.GRANT, peer.site, schema.EDITOR, au.REACH_ALL, ZERO16, []]
    return idle_op(bed, peer, grant)


def join_row(name, change, expect, log):
    def run(bed, peer):
        secret, stranger = Key(secrets.token_bytes(32)), b.Peer(bed, "例", peer.org)
        bed.admin([au.INVITE, secret.public, peer.org, "例", schema.EDITOR, 2**48 - 1])
        stranger.address = peer.address
        talk = stranger.talk(hello=False)
        try:
            talk.send(frames.JOIN, *change(bed, stranger, talk, secret))
            got = talk.until(frames.JOINED)
            return got if isinstance(got, str) else "joined"
        finally:
            talk.close()

    case("R7", "joining " + name, expect, log)(run)


def joining(bed, peer, talk, secret, public=None, tls_hash=None, enrol=None, exporter=None, site=None, net=None):
    members = [secret.id, site or peer.site, public or peer.key.public, tls_hash or peer.tls_hash]
    statement = au.enrol_statement(*members)
    said = (enrol or secret).sign("enrol", bed.book.net, statement)
    proof = secret.sign("join", bed.book.net, statement + (exporter or talk.link.exporter))
    return [0, members[0], net or bed.book.net, *members[1:], said, proof]


join_row("with a statement that the invite did not sign", lambda bed, p, t, s: joining(
    bed, p, t, s, enrol=p.key), r"bye signature P1?[28]\.\d+", r"P1?[28]\.\d+")
join_row("with what was signed on another connection", lambda bed, p, t, s: joining(
    bed, p, t, s, exporter=bytes(32)), r"bye signature P12\.\d", r"P12\.\d")
join_row("for another TLS key", lambda bed, p, t, s: joining(
    bed, p, t, s, tls_hash=bytes(32)), r"bye .*", r"P12\.\d")
join_row("with a point of small order", lambda bed, p, t, s: joining(
    bed, p, t, s, public=b"\1" + bytes(31)), r"bye .*", r"P\d+\.\d")
join_row("with the key of another site", lambda bed, p, t, s: joining(
    bed, p, t, s, public=near_key(bed)), r"bye .*", r"P\d+\.\d")
join_row("under the name of another site", lambda bed, p, t, s: joining(
    bed, p, t, s, site=near_entry(bed).header.site), r"bye invite used P\d+\.\d", r"P\d+\.\d")
join_row("with an invite that nobody made", lambda bed, p, t, s: joining(
    bed, p, t, Key(secrets.token_bytes(32))), r"bye invite unknown P12\.\d", r"P12\.\d")
join_row("another network", lambda bed, p, t, s: joining(
    bed, p, t, s, net=bytes(16)), r"bye net P1[23]\.\d", r"P1[23]\.\d")


def near_key(bed):
    a = bed.book.authority
    return next(x[2] for x in a.openings.values() if a.sites[x[0]]["name"] == "near")


# --- R8: after the cut


def cut(bed, peer, *ids, scope=None):
    pairs = au.pack_pairs({scope or peer.scope: ids}) if ids else []
    bed.admin([au.CUT, peer.site, peer.key.id, pairs])


@case("R8", "past the cut, dated long before it", HELD, r"P8\.12")
def _(bed, peer):
    first = peer.entry(b.text_op("切る前 例"), part=1)
    assert one(peer, first) == "ack"
    cut(bed, peer, first.header.id)
    later = peer.entry(b.text_op(), seq=2, prev=first.header.id, hlc=first.header.hlc + 1)
    return one(peer, later)


@case("R8", "another history below the cut", HELD, r"P8\.12")
def _(bed, peer):
    first = peer.entry(b.text_op("切る前 例"), part=1)
    assert one(peer, first) == "ack"
    cut(bed, peer, first.header.id)
    return one(peer, peer.entry(b.text_op(), hlc=1 << 16))


@case("R8", "short of the cut: its pin is never sent", HELD, r"P8\.12")
def _(bed, peer):
    first, second = peer.chain(2, b.text_op("切る前 例"))
    cut(bed, peer, second.header.id)
    return one(peer, first)


@case("R8", "a scope that the cut does not list", HELD, r"P8\.12")
def _(bed, peer):
    cut(bed, peer)
    return one(peer, peer.entry(b.text_op()))


@case("R8", "an epoch opened after the cut", HELD, r"P8\.12")
def _(bed, peer):
    cut(bed, peer)
    opened = control(peer, schema.EPOCH_OPEN, "例")
    return rows(peer, [opened], [peer.entry(b.text_op(), prev=opened.header.id, epoch=half(opened.header.id))])


@case("R8", "withdrawn: asks for what it may not have", r"passed over, no news", r"P13\.13")
def _(bed, peer):
    cut(bed, peer)
    talk = peer.talk()
    try:
        talk.send(frames.WANT, peer.scope, [half(near_entry(bed).id)])
        talk.send(frames.POSITIONS_WANT)
        talk.send(frames.HEADS, peer.scope, [])
        talk.send(frames.PING, 3)
        heard = []
        while not heard or heard[-1] != frames.PONG:
            heard.append(talk.next()[0])
        return "passed over, no news" if set(heard) <= {frames.AUTHORITY, frames.PONG} else repr(heard)
    finally:
        talk.close()


@case("R8", "withdrawn while it is linked: within 5 s", r"no news", r"P13\.13")
def _(bed, peer):
    talk = peer.talk()
    try:
        cut(bed, peer)
        begin = time.monotonic()
        while talk.until(frames.AUTHORITY) and not bed.book.authority.withdrawn(peer.site, peer.key.id):
            pass
        assert time.monotonic() - begin < 5
        talk.send(frames.POSITIONS_WANT)
        bed.honest()
        talk.send(frames.PING, 3)
        heard = []
        while not heard or heard[-1] != frames.PONG:
            heard.append(talk.next()[0])
        return "no news" if not {frames.NEWS, frames.POSITIONS} & set(heard) else repr(heard)
    finally:
        talk.close()


# --- R9, R10: state


@case("R9", "a held entry over an honest version", HELD, r"P9\.7")
def _(bed, peer):
    r = near_entry(bed)
    op = r.payload.ops[0]
    bad = Op(schema.SET, op.kind, op.entity, op.field, "書いてはならない文 例", (half(r.id),))
    return one(peer, peer.entry(bad, for_=bed.book.org_by_handle("chiiki")))


@case("R9", "a delete that is held", HELD, r"P9\.7")
def _(bed, peer):
    r = near_entry(bed)
    op = r.payload.ops[0]
    return one(peer, peer.entry(Op(schema.DELETE, op.kind, op.entity, 0, None, (half(r.id),)),
                                for_=bed.book.org_by_handle("chiiki")))


@case("R10", "a digest that lies", r"alarm", r"P13\.12")
def _(bed, peer):
    talk = peer.talk()
    try:
        r = bed.book
        bed.sync()
        st = r.state(peer.scope)
        talk.send(frames.HEADS, peer.scope, r.tops(peer.scope))
        talk.take_all()
        talk.send(frames.DIGEST, peer.scope, 0, 1, r.authority.set_hash(), st.entries_digest(), bytes(32))
        talk.send(frames.PING, 1)
        return "alarm" if not isinstance(talk.until(frames.PONG), str) else "closed"
    finally:
        talk.close()


@case("R10", "heads that nobody has", r"pong", None)
def _(bed, peer):
    talk = peer.talk()
    try:
        for _ in range(3):
            talk.send(frames.HEADS, peer.scope, sorted(secrets.token_bytes(32) for _ in range(1024)))
        talk.send(frames.PING, 1)
        got = talk.until(frames.PONG)
        return got if isinstance(got, str) else "pong"
    finally:
        talk.close()


@case("R10", "heads of all that there is: nothing is kept back from others", r"pong", None)
def _(bed, peer):
    bed.sync()
    talk = peer.talk()
    try:
        talk.send(frames.HEADS, peer.scope, bed.book.tops(peer.scope))
        talk.send(frames.PING, 1)
        got = talk.until(frames.PONG)
        return got if isinstance(got, str) else "pong"
    finally:
        talk.close()


# --- R11: forks


@case("R11", "siblings at seq 1", HELD, r"P9\.6")
def _(bed, peer):
    return rows(peer, [peer.entry(b.text_op("甲 例"))], [peer.entry(b.text_op("乙 例"))])


@case("R11", "siblings in mid-chain: what stands before stays", HELD, r"P9\.6")
def _(bed, peer):
    first = peer.entry(b.text_op("例"), part=1)
    sons = [peer.entry(b.text_op(x), seq=2, prev=first.header.id, hlc=b.wall_hlc() + 99) for x in "甲乙"]
    return rows(peer, [first], *[[s] for s in sons])


@case("R11", "a sibling below an anchor", HELD, r"P9\.6", keeps=True)
def _(bed, peer):
    first = peer.entry(b.text_op("錨の下 例"), part=1)
    assert one(peer, first) == "ack"
    if not hasattr(bed, "anchorer"):
        (bed.anchorer,) = bed.peers(("anchor", schema.ANCHORER, au.REACH_ALL))
    assert one(bed.anchorer, control(bed.anchorer, schema.ANCHOR, [first.header.id], scope=peer.scope)) == "ack"
    said = one(peer, peer.entry(b.text_op(), hlc=1 << 16))
    bed.sync()
    r = bed.book
    r.add(first.header.pack(), first.payload, first.signature)
    verdict = r.state(peer.scope).scope.verdict(first.header.id)
    assert not verdict, verdict
    return said


@case("R11", "forty branches", HELD, r"P9\.6")
def _(bed, peer):
    return rows(peer, *[[peer.entry(b.text_op("枝 %d 例" % i))] for i in range(40)])


# --- R12, R13


@case("R12", "two machines of one site: both are told", r"bye instance P13\.2 · refuse 8 P13\.2", r"P13\.2|R12")
def _(bed, peer):
    first = peer.talk()
    second = peer.talk(instance=secrets.token_bytes(16))
    try:
        said = second.until(frames.POSITIONS)
        told = first.until(frames.REFUSE)
        return "%s · refuse %s" % (said, "%d %s" % (told[2], told[3]) if not isinstance(told, str) else told)
    finally:
        first.close()
        second.close()


@case("R12", "a ninth opening of its own", HELD, r"P9\.3")
def _(bed, peer):
    at, runs = dict(), []
    for n in range(9):
        opened = control(peer, schema.EPOCH_OPEN, "例 %d" % n, hlc=b.wall_hlc() + n, **at)
        runs.append([opened])
        at = dict(seq=1, prev=opened.header.id, epoch=half(opened.header.id))
    return rows(peer, *runs)


@case("R12", "an entry that is said to be the hub's own", HELD, r"P9\.[34]")
def _(bed, peer):
    r = bed.book.authority
    hub = r.openings[bed.book.store.genesis][0]
    said = one(peer, peer.entry(b.text_op(), site=hub, hlc=2**64 - 1))
    assert b.lib.status(bed.hub)["mode"] == "normal"
    return said


@case("R13", "lying positions, again and again: the hub signs on", r"5 of 5", r"P13\.8")
def _(bed, peer):
    good = 0
    for n in range(5):
        hub = peer.talk()
        log = hub.hub[4]
        hub.close()
        talk = peer.talk(your_log=log, positions=[peer.scope, 2**40 - 1 - n, None])
        try:
            talk.send(frames.PING, n)
            good += not isinstance(talk.until(frames.PONG), str)
        finally:
            talk.close()
        assert b.lib.status(bed.hub)["mode"] == "normal"
    return "%d of 5" % good


@case("R13", "an ack of what was never sent", r"bye order P11\.7", r"P11\.7")
def _(bed, peer):
    talk = peer.talk()
    try:
        talk.send(frames.ACK, peer.scope, 2**40 - 1, 0)
        return talk.until(frames.PONG)
    finally:
        talk.close()


@case("R13", "a gap in its news", r"bye order P13\.6", r"P13\.6")
def _(bed, peer):
    talk = peer.talk()
    try:
        return talk.news(peer.scope, [peer.entry(b.text_op())], after=9)
    finally:
        talk.close()


# --- R14, R15: freshness and time


@case("R14", "a heartbeat without the right", HELD, r"P9\.7")
def _(bed, peer):
    return one(peer, control(peer, schema.HEARTBEAT))


@case("R15", "a forward-dated entry drags no clock", HELD, None)
def _(bed, peer):
    said = one(peer, peer.entry(b.text_op(), hlc=4102444800000 << 16, part=1))
    bed.honest()
    bed.sync()
    assert near_entry(bed).header.hlc >> 16 < time.time() * 1000 + 600000
    return said


@case("R15", "back-dated: before what it stands on", HELD, r"P9\.3")
def _(bed, peer):
    first = peer.entry(b.text_op("例"), part=1)
    second = peer.entry(b.text_op(), seq=2, prev=first.header.id, hlc=first.header.hlc - 1)
    return rows(peer, [first], [second])


# --- R17: too much


@case("R17", "three bad signatures end the session, and the next is refused for a while",
      r"refuse 6, refuse 6, bye signature P11\.11, lost", r"P11\.11")
def _(bed, peer):
    talk, said = peer.talk(), []
    try:
        for _ in range(3):
            item = peer.entry(b.text_op(), context="cosign")
            said.append(talk.news(peer.scope, [item]))
    finally:
        talk.close()
    again = peer.talk(hello=False)
    try:
        again.hello()
        got = again.until(frames.HELLO)
        said.append(got if isinstance(got, str) else "hello")
    except b.tls.Lost:
        said.append("lost")
    finally:
        again.close()
    return ", ".join(x.replace(" P11.11", "") if x.startswith("refuse") else x for x in said)


@case("R17", "more under way than it may", r"bye limit P13\.9|lost", r"P13\.9")
def _(bed, peer):
    talk = peer.talk()
    try:
        item = peer.entry(b.text_op(), part=1)
        raw = b.pack([[item]])
        body = frames.pack_body(frames.NEWS, [peer.scope, 0, 1, 0, len(raw), raw])
        talk.bytes(frames.frame(frames.NEWS, body) * 1500)
        end = "nothing"
        while end == "nothing" or end == "more":
            got = talk.until(frames.REFUSE, seconds=5)
            end = got if isinstance(got, str) else "more"
        return end
    except b.tls.Lost:
        return "lost"
    finally:
        talk.close()


@case("R17", "a series of authority without an end", r"bye limit P13\.4|lost", r"P13\.4")
def _(bed, peer):
    talk = peer.talk()
    try:
        body = frames.pack_body(frames.AUTHORITY, [1, [[bytes(49000), []]] * 20])
        for _ in range(6):
            talk.body(frames.AUTHORITY, body)
        return talk.until(frames.PONG)
    except b.tls.Lost:
        return "lost"
    finally:
        talk.close()


@case("R17", "a payload of 48 KiB and one byte", r"bye limit P11\.8", r"P11\.8")
def _(bed, peer):
    return one(peer, sized(peer, 49153))


@case("R17", "a payload of 48 KiB", HELD, None)
def _(bed, peer):
    return one(peer, sized(peer, 49152))


@case("R17", "a string of 8 KiB and one byte", r"bye limit P11\.8", r"P11\.8")
def _(bed, peer):
    body = mp.encode([0, bytes(16), peer.org, "", [], 1, [[1, 16, b"\1" * 16, 1, b"x" * 8193, []]]])
    head = b"\xc5\x20\x01"
    return one(peer, peer.entry(body=body.replace(head, b"\xda\x20\x01"), digest=bytes(32)))


@case("R17", "a string of 8 KiB", HELD, None)
def _(bed, peer):
    return one(peer, peer.entry(b.text_op("x" * 8192), part=1))


def sized(peer, size):
    """An entry whose payload has so many bytes; a part, so that it shows nothing."""
    ops = [b.text_op("x" * 8000) for _ in range(6)]
    p = Payload(peer.org, "", (), 1, tuple(ops), salt=bytes(16))
    left = size - len(p.pack())
    ops.append(b.text_op("y" * (left - 50)))
    p = Payload(peer.org, "", (), 1, tuple(ops), salt=bytes(16))
    ops[-1] = b.text_op("y" * (left - 50 + size - len(p.pack())))
    p = Payload(peer.org, "", (), 1, tuple(ops), salt=bytes(16))
    body = p.pack()
    assert len(body) == size
    return peer.entry(body=body, digest=p.hash())


# --- R18: standing


def order_row(name, act, expect, log=None, **hello):
    def run(bed, peer):
        talk = peer.talk(hello=False)
        try:
            act(bed, peer, talk)
            got = talk.until(frames.POSITIONS, frames.PONG)
            return got if isinstance(got, str) else "answered"
        finally:
            talk.close()

    case("R18", name, expect, log or expect.split()[-1])(run)


order_row("a hello under another site's name", lambda bed, p, t: t.hello(site=near_entry(bed).header.site),
          r"bye not enrolled P13\.2")
order_row("a hello of another network", lambda bed, p, t: t.hello(net=bytes(16)), r"bye net P13\.2")
order_row("a hello of another wire version", lambda bed, p, t: t.hello(wire=7), r"bye version P13\.2")
order_row("hello twice", lambda bed, p, t: (t.hello(), t.hello()), r"bye order P13\.1")
order_row("news before hello", lambda bed, p, t: t.send(frames.PING, 1), r"bye order P13\.1")
order_row("join from a site that is enrolled", lambda bed, p, t: t.send(
    frames.JOIN, *joining(bed, p, t, Key(secrets.token_bytes(32)))), r"bye invite unknown P12\.\d", r"P12\.\d")


@case("R18", "a request for a scope that it may not read", r"refuse 4 P13\.11", None)
def _(bed, peer):
    talk = peer.talk()
    try:
        scope = names.scope_id(names.ORG, bed.book.org_by_handle("hq"))
        talk.send(frames.WANT, scope, [bytes(15) + b"\1"])
        got = talk.until(frames.REFUSE)
        return got if isinstance(got, str) else "refuse %d %s" % (got[2], got[3])
    finally:
        talk.close()


@case("R18", "signatures of a scope that it may not read", r"refuse 4 P13\.11", None)
def _(bed, peer):
    talk = peer.talk()
    try:
        scope = names.scope_id(names.ORG, bed.book.org_by_handle("hq"))
        talk.send(frames.SIGNATURES_WANT, scope, bytes(32), bytes(32))
        got = talk.until(frames.REFUSE)
        return got if isinstance(got, str) else "refuse %d %s" % (got[2], got[3])
    finally:
        talk.close()


@case("R18", "positions, heads and digests of a scope that it may not read tell it nothing", r"nothing told", None)
def _(bed, peer):
    scope = names.scope_id(names.ORG, bed.book.org_by_handle("chiiki"))
    talk = peer.talk(positions=[scope, 3, bytes(16)])
    try:
        talk.send(frames.HEADS, scope, [])
        talk.send(frames.DIGEST, scope, 0, 1, bytes(32), bytes(32), bytes(32))
        talk.send(frames.PING, 1)
        while True:
            kind, body = talk.next()
            if kind == frames.PONG:
                return "nothing told"
            told = kind in (frames.NEWS, frames.DIGEST) or (kind == frames.HEADS and body[1])
            if told and body[0] == scope:
                return "told by frame %d" % kind
    finally:
        talk.close()


@case("R18", "a frame of a kind that nobody knows", r"pong", r"P11\.1")
def _(bed, peer):
    talk = peer.talk()
    try:
        talk.body(99, b"\x90")
        talk.body(25, b"\x90")
        talk.send(frames.PING, 1)
        got = talk.until(frames.PONG)
        return got if isinstance(got, str) else "pong"
    finally:
        talk.close()

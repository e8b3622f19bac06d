"""What rows of keys.py have in common. A row gets the bed and a peer of its own with real, enrolled keys: an editor of
tvac, where honest people write too. What it gives back is what the hub said.
"""
import secrets
import time

from rules import Table
from soukatsu import frames, schema, tls
from soukatsu.entry import CONTROL, OPENING
from soukatsu.names import ZERO16
from soukatsu.payload import Op, Payload

CASES = case = Table()
HELD = r"ack"


def one(peer, item, scope=None):
    talk = peer.talk()
    try:
        return talk.news(scope or item.header.scope, [item])
    finally:
        talk.close()


def rows(peer, *runs):
    talk = peer.talk()
    try:
        return talk.news(runs[0][0].header.scope, *runs)
    finally:
        talk.close()


def near_entry(bed):
    """An honest entry of the organisation as the spy has it."""
    r = bed.book
    bed.sync()
    site = next(s for s, x in r.authority.sites.items() if x["name"] == "near")
    return next(x for x in r.store.records.values() if x.header.site == site and x.payload and x.payload.ops)


def control(peer, type_, value=None, **how):
    p = Payload(peer.org, "", ops=(Op(type_, 0, ZERO16, 0, value),), salt=secrets.token_bytes(16))
    return peer.entry(payload=p, kind=OPENING if type_ == schema.EPOCH_OPEN else CONTROL, **how)


def send_op(bed, peer, raw, signatures):
    """What the hub says to an op: it may be silent, and log that it has no effect; then a ping is answered."""
    talk, mark, until = peer.talk(), bed.log_at(), time.monotonic() + 15
    try:
        talk.send(frames.AUTHORITY, 0, [[raw, [[k, s] for k, s in sorted(signatures.items())]]])
        while True:
            talk.send(frames.PING, 7)
            got = talk.until(frames.PONG)
            if isinstance(got, str):
                return got
            if any("P8.5" in x for x in bed.log(mark, peer.address)) or time.monotonic() > until:
                return "pong"
            time.sleep(0.02)
    except tls.Lost:
        return talk.until(frames.PONG)
    finally:
        talk.close()


def idle_op(bed, peer, *effects, **how):
    """An op with a good signature and no effect: the chain goes on over it, so the book keeps it too."""
    raw, signatures, i = bed.op(*effects, **how)
    said = send_op(bed, peer, raw, signatures)
    bed.book.add_op(raw, signatures)
    assert i in bed.book.authority.known and not bed.book.authority.admissible(bed.book.authority.known[i])
    return said

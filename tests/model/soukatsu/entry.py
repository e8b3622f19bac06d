"""The entry header (P5)."""
from dataclasses import astuple, dataclass

from . import Refused, mp, names

DATA, CONTROL, OPENING = 0, 1, 2
HEADER_BYTES_MAX = 2048
PAYLOAD_BYTES_MAX = 49152
SEQ_MAX = 2**48 - 1


@dataclass(frozen=True)
class Header:
    version: int
    kind: int
    net: bytes
    site: bytes
    scope: bytes
    epoch: bytes
    seq: int
    prev: bytes
    hlc: int
    clock_flags: int
    authority_head: bytes
    key_id: bytes
    payload_length: int
    payload_hash: bytes

    def pack(self):
        return mp.encode(list(astuple(self)))

    @property
    def id(self):
        return names.entry_id(self.pack())

    @property
    def opening(self):
        return self.kind == OPENING


def unpack(data):
    """The header of `data`, every type and bound checked (P5.1)."""
    if len(data) > HEADER_BYTES_MAX:
        raise Refused("P5.2 header too long")
    x = mp.decode(data)
    if not isinstance(x, list) or len(x) < 8:
        raise Refused("P5.1")
    if mp.uint(x[0], "P5.1 version") != 0:
        raise Refused("P5.4 version")
    mp.array(x, "P5.1 members", n=14)
    mp.uint(x[1], "P5.1 kind", top=OPENING)
    for i in (2, 3, 4, 5, 10, 11):
        mp.raw(x[i], 16, "P5.1 member %d" % i)
    mp.uint(x[6], "P5.1 seq", top=SEQ_MAX, low=1)
    mp.raw(x[7], 32, "P5.1 prev")
    mp.uint(x[8], "P5.1 hlc")
    mp.uint(x[9], "P5.1 clock flags", top=255)
    mp.uint(x[12], "P5.1 payload length", top=PAYLOAD_BYTES_MAX, low=1)
    mp.raw(x[13], 32, "P5.1 payload hash")
    return Header(*x)


def fits(e, p, p_id):
    """P5.3: does e fit on the stored entry p?"""
    if (e.site, e.key_id, e.scope) != (p.site, p.key_id, p.scope) or e.prev != p_id:
        return False
    if p.opening:
        return e.epoch == names.half(p_id) and e.seq == 1
    return e.epoch == p.epoch and e.seq == p.seq + 1 and e.hlc > p.hlc


def fits_opening(e, site, key_id):
    """P5.3: does e fit on the authority op e.prev, which opens key_id for site?"""
    return (e.site, e.key_id) == (site, key_id) and e.epoch == names.half(e.prev) and e.seq == 1

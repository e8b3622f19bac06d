"""News data (P11.6, P11.8 to P11.11): runs of consecutive entries, and what a frame carries of them."""
from dataclasses import dataclass

import zstandard

from . import Refused, mp, payload
from .entry import OPENING, PAYLOAD_BYTES_MAX, SEQ_MAX, Header
from .names import half

RUN_ENTRIES_MAX, RUN_PAYLOAD_BYTES_MAX, RAW_BYTES_MAX = 64, 524288, 4 << 20
KIND, FLAGS, HEAD, SIGNATURE, HEADER_ONLY, REDACTED = 1, 2, 4, 8, 16, 32
ZSTD = 1  # flag of the frame (P11.6)


@dataclass(frozen=True)
class Item:
    """One entry on its way: header, payload bytes in either form or None, signature or None."""

    header: Header
    payload: bytes = None
    signature: bytes = None

    @property
    def redacted(self):
        return self.payload is not None and not payload.unpack(self.payload).full


def pack_run(items):
    first, out, head, hlc = items[0].header, [], None, 0
    for item in items:
        h, m, tail = item.header, 0, []
        for bit, there, members in (
            (KIND, h.kind != 0, [h.kind]),
            (FLAGS, h.clock_flags != 0, [h.clock_flags]),
            (HEAD, h.authority_head != head, [h.authority_head]),
            (SIGNATURE, item.signature is not None, [item.signature]),
            (HEADER_ONLY, item.payload is None, [h.payload_length, h.payload_hash]),
            (REDACTED, item.redacted, [h.payload_length]),
        ):
            if there:
                m |= bit
                tail += members
        out.append([m, h.hlc - hlc, item.payload] + tail)
        head, hlc = h.authority_head, h.hlc
    return [first.site, first.key_id, first.epoch, first.seq, first.prev, out]


def runs_of(items):
    """Cut a list of entries into runs: one chain's consecutive entries, within the bounds of P11.10."""
    runs, last, size = [], None, 0
    for item in items:
        h, n = item.header, len(item.payload or b"")
        follows = (
            last is not None
            and not last.opening
            and h.prev == last.id
            and h.epoch == last.epoch
            and (h.site, h.key_id, h.seq) == (last.site, last.key_id, last.seq + 1)
            and h.hlc > last.hlc
        )
        if not follows or len(runs[-1]) == RUN_ENTRIES_MAX or size + n > RUN_PAYLOAD_BYTES_MAX:
            runs.append([])
            size = 0
        runs[-1].append(item)
        last, size = h, size + n
    return runs


def thin(run):
    """Leave out what P11.10 allows: signatures that are neither the run's last nor at a seq divisible by 64."""
    return [
        Item(i.header, i.payload, i.signature if n == len(run) - 1 or i.header.seq % 64 == 0 else None)
        for n, i in enumerate(run)
    ]


def pack(runs):
    return mp.encode([pack_run(r) for r in runs])


def _unpack_entry(x, n, state):
    """One entry array; state: (net, scope, site, key id, epoch, seq, prev, hlc, head) of what comes."""
    net, scope, site, key_id, epoch, seq, prev, hlc, head = state
    mp.array(x, "P11.8 entry", low=3)
    m, d, p = mp.uint(x[0], "P11.8 m", top=63), mp.uint(x[1], "P11.8 d", low=1 if n else 0), x[2]
    tail = list(x[3:])

    def take():
        if not tail:
            raise Refused("P11.8 members of an entry")
        return tail.pop(0)

    kind = mp.uint(take(), "P5.1 kind", top=OPENING) if m & KIND else 0
    flags = mp.uint(take(), "P5.1 clock flags", top=255) if m & FLAGS else 0
    if m & HEAD:
        head = mp.raw(take(), 16, "P11.8 authority head")
    if head is None:
        raise Refused("P11.8 the first gives the authority head")
    signature = mp.raw(take(), 64, "P11.8 signature") if m & SIGNATURE else None
    if m & HEADER_ONLY:
        if p is not None or m & REDACTED:
            raise Refused("P11.8 header only")
        length = mp.uint(take(), "P5.1 payload length", low=1, top=PAYLOAD_BYTES_MAX)
        digest = mp.raw(take(), 32, "P5.1 payload hash")
    else:
        if not isinstance(p, bytes):
            raise Refused("P11.8 payload")
        got = payload.unpack(p)
        if got.full == bool(m & REDACTED):
            raise Refused("P11.8 form of the payload")
        digest = got.hash()
        length = mp.uint(take(), "P5.1 payload length", low=1, top=PAYLOAD_BYTES_MAX) if m & REDACTED else len(p)
    if tail:
        raise Refused("P11.8 members of an entry")
    hlc = mp.uint(hlc + d, "P5.1 hlc")
    header = Header(
        0,
        kind,
        net,
        site,
        scope,
        epoch,
        mp.uint(seq, "P5.1 seq", top=SEQ_MAX, low=1),
        prev,
        hlc,
        flags,
        head,
        key_id,
        length,
        digest,
    )
    return Item(header, p, signature)


def unpack(raw, net, scope):
    """P11.9: the runs of raw data as lists of Items, headers rebuilt."""
    runs = []
    for run in mp.array(mp.decode(raw), "P11.8 runs"):
        mp.array(run, "P11.8 run", n=6)
        site, key_id, epoch = (mp.raw(x, 16, "P11.8 run") for x in run[:3])
        seq, prev = mp.uint(run[3], "P11.8 seq", low=1, top=SEQ_MAX), mp.raw(run[4], 32, "P11.8 prev")
        items, hlc, head, size = [], 0, None, 0
        for n, x in enumerate(mp.array(run[5], "P11.8 entries", low=1, top=RUN_ENTRIES_MAX)):
            if items and items[-1].header.opening:
                raise Refused("P11.9 an epoch-open ends its run")
            item = _unpack_entry(x, n, (net, scope, site, key_id, epoch, seq + n, prev, hlc, head))
            items.append(item)
            prev, hlc, head = item.header.id, item.header.hlc, item.header.authority_head
            size += len(item.payload or b"")
            if size > RUN_PAYLOAD_BYTES_MAX:
                raise Refused("P11.10 run too long")
        runs.append(items)
    return runs


def compress(raw):
    return zstandard.ZstdCompressor(level=3, write_content_size=True).compress(raw)


def data_of(flags, raw_bytes, data):
    """P11.6: the raw bytes of a frame's data; sizes are looked at before anything is unpacked."""
    if raw_bytes > RAW_BYTES_MAX:
        raise Refused("P11.6 raw bytes")
    if not flags & ZSTD:
        if raw_bytes != len(data):
            raise Refused("P11.6 raw bytes")
        return data
    try:
        said = zstandard.frame_content_size(data)
        if said != raw_bytes:
            raise Refused("P11.6 content size")
        reader = zstandard.ZstdDecompressor().decompressobj()
        raw = reader.decompress(data)
        if not reader.eof or reader.unused_data or len(raw) != raw_bytes:
            raise Refused("P11.6 one zstd frame")
    except zstandard.ZstdError:
        raise Refused("P11.6 zstd") from None
    return raw


def version_ids(runs):
    return [half(i.header.id) for run in runs for i in run]

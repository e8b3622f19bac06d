"""What a replica keeps of entries (P6.7, P9.1) and of authority: sets, fed in any order, with repeats."""
from . import Refused, authority, entry, payload
from .crypto import verify


class Record:
    """One entry as it is stored: the header always; payload and signature when they came."""

    def __init__(self, raw):
        self.raw = bytes(raw)
        self.header = entry.unpack(raw)
        self.id = self.header.id
        self.payload = None
        self.payload_raw = None
        self.malformed = self.too_new = False
        self.lacking = frozenset()
        self.signature = None  # bytes as they came
        self.checked = False  # and verified

    def attach(self, raw):
        """Take a payload in either form; Refused where it is not this header's."""
        p = payload.unpack(raw)
        if p.full and len(raw) != self.header.payload_length:
            raise Refused("P6.7 payload length")
        if p.hash() != self.header.payload_hash:
            raise Refused("P6.6 payload hash")
        if self.payload is not None and not len(p.gone) < len(self.payload.gone):
            return
        self.payload, self.payload_raw = p, bytes(raw)
        self.malformed = payload.malformed(p, self.header.kind)
        self.too_new = not self.malformed and payload.too_new(p)
        self.lacking = payload.lacking(p)


class Store:
    def __init__(self, genesis):
        self.genesis = genesis
        self.ops = {}  # op id -> (bytes, {key id: signature})
        self.records = {}  # entry id -> Record
        self._authority = None

    def add_op(self, raw, signatures):
        op = authority.unpack(raw)
        if op.id not in self.ops:
            self.ops[op.id] = (bytes(raw), dict(signatures))
            self._authority = None
        return op.id

    def add(self, header, payload_raw=None, signature=None):
        """Store what came of one entry; returns its Record. A bad signature is refused as such."""
        new = Record(header)
        record = self.records.get(new.id, new)
        if payload_raw is not None:
            record.attach(payload_raw)
        if signature is not None and not record.checked:
            public = self.key_of(record.header)
            if public is not None and not verify(public, signature, "entry", record.header.net, record.id):
                raise Refused("P4.1 bad signature")
            record.signature, record.checked = signature, public is not None
        self.records[record.id] = record
        return record

    @property
    def authority(self):
        """The authority by all stored ops; those not known by it are forgotten, as P8.3 has it."""
        if self._authority is None:
            self._authority = authority.Authority(self.ops, self.genesis)
            for r in self.records.values():
                self._check(r)
        return self._authority

    def key_of(self, header):
        a = self.authority
        opening = a.opened.get((header.site, header.key_id))
        return a.openings[opening][2] if opening else None

    def _check(self, r):
        if r.signature is None or r.checked:
            return
        opening = self._authority.opened.get((r.header.site, r.header.key_id))
        if opening:
            public = self._authority.openings[opening][2]
            r.checked = verify(public, r.signature, "entry", r.header.net, r.id)
            if not r.checked:
                r.signature = None

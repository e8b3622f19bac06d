"""The payload (P6): both forms, its hash, and what of it is malformed, too new or lacking."""
from dataclasses import dataclass, field, replace

from . import Refused, mp, schema
from .entry import DATA, OPENING, PAYLOAD_BYTES_MAX
from .crypto import hmac_sha256
from .names import C, H, ZERO16, u32be

REDACTED_BYTES_MAX = 67584
OPS_MAX, CITES_MAX, PARTS_MAX, REPLACES_MAX, LIST_MAX, BY_BYTES_MAX = 512, 64, 1024, 256, 4096, 200


@dataclass(frozen=True)
class Op:
    type: int
    kind: int
    entity: bytes
    field: int
    value: object
    replaces: tuple = ()

    def members(self, value):
        return [self.type, self.kind, self.entity, self.field, value, list(self.replaces)]


@dataclass(frozen=True)
class Payload:
    for_: bytes
    by: object  # str, or None where it went
    cites: tuple = ()
    part: object = 0  # 0, 1 or a tuple of the parts' ids
    ops: tuple = ()
    salt: bytes = None  # the entry salt: full form
    salts: tuple = None  # redacted form: salts and commitments in order of value index
    gone: frozenset = field(default=frozenset())  # value indexes whose value went

    @property
    def full(self):
        return self.salt is not None

    def values(self):
        """(value index, value) of every committed value."""
        yield 0, self.by
        for i, op in enumerate(self.ops):
            if schema.committed(op.type):
                yield i + 1, op.value

    def commitments(self):
        """value index -> commitment (P6.5)."""
        out = {}
        for n, (i, value) in enumerate(self.values()):
            if self.full:
                out[i] = commitment(salt_of(self.salt, i), value)
            elif i in self.gone:
                out[i] = self.salts[n]
            else:
                out[i] = commitment(self.salts[n], value)
        return out

    def hash(self):
        """P6.6"""
        c = self.commitments()
        ops = [op.members(c.get(i + 1, op.value)) for i, op in enumerate(self.ops)]
        return H(C("payload"), mp.encode([self.for_, c[0], list(self.cites), part_out(self.part), ops]))

    def pack(self):
        return mp.encode(
            [
                0 if self.full else 1,
                self.salt if self.full else list(self.salts),
                self.for_,
                self.by,
                list(self.cites),
                part_out(self.part),
                [op.members(op.value) for op in self.ops],
            ]
        )

    def redact(self, indexes):
        """The redacted form in which the committed values of `indexes` went too."""
        c = self.commitments()
        gone = self.gone | {i for i in indexes if i in c}
        keep = {}
        for n, (i, _) in enumerate(self.values()):
            keep[i] = salt_of(self.salt, i) if self.full else self.salts[n]
        return replace(
            self,
            by=None if 0 in gone else self.by,
            salt=None,
            gone=frozenset(gone),
            salts=tuple(c[i] if i in gone else keep[i] for i in c),
            ops=tuple(replace(op, value=None) if i + 1 in gone else op for i, op in enumerate(self.ops)),
        )


def salt_of(entry_salt, index):
    return hmac_sha256(entry_salt, u32be(index))[:16]


def commitment(salt, value):
    return H(C("commit"), salt, mp.encode(value))


def part_out(part):
    return part if isinstance(part, int) else list(part)


def _op(x):
    mp.array(x, "P6.2 op", n=6)
    type_, kind, entity, field_, value, replaces = x
    for n in (type_, kind, field_):
        mp.uint(n, "P6.2 number", top=65535)
    mp.raw(entity, 16, "P6.2 entity")
    if isinstance(value, list):
        mp.array(value, "P6.2 list too long", top=LIST_MAX)
        if any(isinstance(m, list) for m in value):
            raise Refused("P6.2 list not flat")
    return Op(
        type_, kind, entity, field_, value, tuple(mp.ascending(replaces, 16, "P6.2 replaces", top=REPLACES_MAX))
    )


def unpack(data):
    """The payload of `data`, if it is of the shape of P6.1 to P6.3."""
    if len(data) > REDACTED_BYTES_MAX:
        raise Refused("P6.1 payload too long")
    form, salts, for_, by, cites, part, ops = mp.array(mp.decode(data), "P6.1 members", n=7)
    if mp.uint(form, "P6.1 form", top=1) == 0 and len(data) > PAYLOAD_BYTES_MAX:
        raise Refused("P6.1 payload too long")
    mp.raw(for_, 16, "P6.1 for")
    if by is not None:
        mp.text(by, "P6.1 by", top=BY_BYTES_MAX)
    elif form == 0:
        raise Refused("P6.1 by")
    mp.ascending(cites, 32, "P6.1 cites", top=CITES_MAX)
    if isinstance(part, list):
        part = tuple(mp.ascending(part, 32, "P6.1 part", top=PARTS_MAX, low=1))
    else:
        mp.uint(part, "P6.1 part", top=1)
    ops = tuple(_op(x) for x in mp.array(ops, "P6.1 ops", top=OPS_MAX))
    got = Payload(for_, by, tuple(cites), part, ops)
    if form == 0:
        return replace(got, salt=mp.raw(salts, 16, "P6.1 salt"))
    indexes = dict(got.values())
    mp.array(salts, "P6.1 salts", n=len(indexes))
    gone = set()
    for (i, value), s in zip(indexes.items(), salts):
        if isinstance(s, bytes) and len(s) == 32:
            if value is not None:
                raise Refused("P6.1 a value beside its commitment")
            gone.add(i)
        else:
            mp.raw(s, 16, "P6.1 salts")
            if i == 0 and value is None:
                raise Refused("P6.1 by")
    return replace(got, salts=tuple(salts), gone=frozenset(gone))


def too_new(p):
    """P6.9"""
    for op in p.ops:
        if op.type not in schema.TYPES:
            return True
        if op.type in schema.CONTROL:
            continue
        if op.kind not in schema.KINDS:
            return True
        if op.type != schema.DELETE and op.field != 0 and (op.kind, op.field) not in schema.FIELDS:
            return True
    return False


def malformed(p, header_kind):
    """P6.8 but for the types of committed values, which `lacking` tells: the same in both forms."""
    if header_kind == DATA:
        if any(op.type in schema.CONTROL for op in p.ops):
            return True
    else:
        if len(p.ops) != 1 or p.cites or p.part != 0:
            return True
        op = p.ops[0]
        if op.type not in schema.CONTROL or op.kind or op.entity != ZERO16 or op.field or op.replaces:
            return True
        if (header_kind == OPENING) != (op.type == schema.EPOCH_OPEN):
            return True
        if op.type in schema.TYPES and not schema.control_value_fits(op.type, op.value):
            return True
    places = [(op.kind, op.entity, op.field) for op in p.ops]
    if len(set(places)) != len(places):
        return True
    for op in p.ops:
        if op.type == schema.DELETE and op.field != 0:
            return True
        if op.type in (schema.SET, schema.CONSENT, schema.PROXY) and op.field == 0:
            return True
        if (
            op.type == schema.CONSENT
            and (op.kind, op.field) in schema.FIELDS
            and not schema.value_fits(schema.FIELDS[op.kind, op.field][2], op.value)
        ):
            return True
    return False


def lacking(p):
    """P9.3: indexes of the values that went, and of those that have not the type of their field."""
    out = set(p.gone)
    for i, value in p.values():
        if i == 0 or i in out:
            continue
        op = p.ops[i - 1]
        if op.type == schema.DELETE and value is not None:
            out.add(i)
        if (
            op.type in (schema.SET, schema.PROXY)
            and (op.kind, op.field) in schema.FIELDS
            and not schema.value_fits(schema.FIELDS[op.kind, op.field][2], value)
        ):
            out.add(i)
    return frozenset(out)

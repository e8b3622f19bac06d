"""State of one scope (P10): registers, hidden entities and the digests that are compared."""
from dataclasses import dataclass

from . import entry, mp, schema
from .names import C, H, ZERO32, half, u16be, u32be, u8


@dataclass(frozen=True)
class Version:
    id: bytes
    record: object
    index: int  # of its op
    op: object


@dataclass(frozen=True)
class Register:
    live: tuple  # Versions in the order of P10.3; the first is shown
    missing: frozenset  # version ids that are named but not stored: incomplete
    conflict: bool

    @property
    def shown(self):
        return self.live[0]


def order(v):
    """P10.3: clock flags zero first, hlc descending, entry id ascending."""
    return v.record.header.clock_flags != 0, -v.record.header.hlc, v.record.id


class State:
    """registers: (kind, entity, field) -> Register; hidden: {(kind, entity)}; from a verdict.Scope."""

    def __init__(self, scope):
        self.scope = scope
        self.versions = {}  # key -> {version id: Version}
        deletes = {}  # (kind, entity) -> ids that shown deletes name
        self.stored = {half(i) for i, r in scope.records.items() if r.payload is not None}
        for r in scope.records.values():
            if r.header.kind != entry.DATA or r.payload is None or r.malformed or r.too_new:
                continue
            for n, op in enumerate(r.payload.ops):
                if op.type == schema.DELETE:
                    if scope.shown(r.id):
                        deletes.setdefault((op.kind, op.entity), set()).update(op.replaces)
                elif op.kind != schema.KIND_COPY:
                    self.versions.setdefault((op.kind, op.entity, op.field), {})[half(r.id)] = Version(
                        half(r.id), r, n, op
                    )
        self.registers = {}
        for key, versions in self.versions.items():
            register = self._register(key, versions)
            if register:
                self.registers[key] = register
        self.hidden = {e for e, ids in deletes.items() if self._covered(e, ids)}

    def _register(self, key, versions):
        shown = {i for i, v in versions.items() if self.scope.shown(v.record.id)}
        if not shown:
            return None
        named, missing = set(), set()
        todo = [i for s in shown for i in versions[s].op.replaces]
        while todo:
            i = todo.pop()
            if i in named or i in missing:
                continue
            if i in versions:
                named.add(i)
                todo += versions[i].op.replaces
            elif i not in self.stored:
                missing.add(i)
        live = sorted((versions[i] for i in shown - named), key=order)
        values = {mp.encode(v.op.value) for v in live if not self.redacted(v)}
        class_ = schema.FIELDS[key[0], key[2]][1]
        return Register(tuple(live), frozenset(missing), class_ in "tv" and len(values) > 1)

    def redacted(self, v):
        """P10.4: named by a redact, whatever form is stored; what is no commitment cannot be."""
        return schema.committed(v.op.type) and (v.record.id, v.index + 1) in self.scope.authority.redacted

    def _covered(self, what, ids):
        """P10.5"""
        keys = [k for k in self.registers if k[:2] == what]
        for key in keys:
            versions, covered, todo = self.versions[key], set(), list(ids)
            while todo:
                i = todo.pop()
                if i in versions and i not in covered:
                    covered.add(i)
                    todo += versions[i].op.replaces
            if any(v.id not in covered for v in self.registers[key].live):
                return False
        return bool(keys)

    # --- digests
    def buckets(self):
        """P10.6: 256 hashes."""
        rows, by_entity = [[] for _ in range(256)], {}
        for kind, entity, field in self.registers:
            by_entity.setdefault((entity, kind), []).append(field)
        for entity, kind in sorted(by_entity):
            out = rows[entity[0]]
            for field in sorted(by_entity[entity, kind]):
                live = sorted(v.id for v in self.registers[kind, entity, field].live)
                out.append(b"\x01" + u8(kind) + entity + u16be(field) + u32be(len(live)) + b"".join(live))
            if (kind, entity) in self.hidden:
                out.append(b"\x02" + u8(kind) + entity)
        return [H(C("state-bucket"), *r) if r else ZERO32 for r in rows]

    def state_digest(self):
        return H(C("state"), *self.buckets())

    def entries_digest(self):
        """P10.7"""
        s = self.scope
        whole = {i for i, r in s.records.items() if s.whole(r)}
        inner = {s.records[i].header.prev for i in whole if not s.records[i].header.opening}
        tops = sorted(whole - inner)
        rest = [i + u8(s.records[i].payload is not None) for i in sorted(set(s.records) - whole)]
        held = sorted(i for i in whole if not s.accepted(i))
        return H(C("entries"), u32be(len(tops)), *tops, u32be(len(rest)), *rest, u32be(len(held)), *held)

    def digest(self):
        """P10.8: what travels."""
        return half(H(C("scope-digest"), self.scope.authority.set_hash(), self.entries_digest(), self.state_digest()))

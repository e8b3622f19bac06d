"""The verdict on each entry of one scope (P9): a function of stored records and authority."""
from . import entry, schema
from .authority import CUT, DECIDE, NARROW, RECUT
from .names import SCOPE_PLAN, half

OPENINGS_MAX = 8
ACCEPTED = ""


class Scope:
    """Verdicts of the records that stand in `scope`. Nothing in here changes after it was made."""

    def __init__(self, records, authority, scope):
        self.authority, self.scope = authority, scope
        self.records = {i: r for i, r in records.items() if r.header.scope == scope}
        self.kids = {}
        for r in self.records.values():
            self.kids.setdefault(r.header.prev, []).append(r)
        self.adopts, self.anchors, self.closers = {}, [], {}
        for r in self.records.values():
            if r.payload is None or r.malformed or r.too_new:
                continue
            if r.header.kind != entry.DATA:
                op = r.payload.ops[0]
                if op.type == schema.ADOPT:
                    for i in op.value:
                        self.adopts.setdefault(i, []).append(r)
                elif op.type == schema.ANCHOR:
                    self.anchors.append(r)
            elif isinstance(r.payload.part, tuple):
                for i in r.payload.part:
                    self.closers.setdefault(i, []).append(r)
        self._chains, self._before, self._authentic, self._anchored, self._memo = {}, {}, {}, {}, {}
        self._siblings = {}

    # --- chains (P5.3, P9.2)
    def opens(self, r):
        """Is prev an authority op that opens a key here?"""
        return r.header.prev in self.authority.openings

    def fits(self, r):
        h = r.header
        if self.opens(r):
            site, key, _, _ = self.authority.openings[h.prev]
            return entry.fits_opening(h, site, key)
        p = self.records.get(h.prev)
        return p is not None and entry.fits(h, p.header, p.id)

    def chain(self, r):
        """r and its ancestors, nearest first, and whether they reach the opening of the key.

        Where r does not fit on what it names, it stands alone.
        """
        if r.id not in self._chains:
            out = [r]
            while self.fits(out[-1]) and not self.opens(out[-1]):
                out.append(self.records[out[-1].header.prev])
            last = out[-1]
            self._chains[r.id] = out, self.fits(last) and self.opens(last)
        return self._chains[r.id]

    def before(self, i):
        """Ids of the stored entry i and its ancestors; none where it is not stored."""
        if i not in self._before:
            r = self.records.get(i)
            self._before[i] = frozenset(x.id for x in self.chain(r)[0]) if r else frozenset()
        return self._before[i]

    def at_or_before(self, r, ids):
        return any(r.id in self.before(i) for i in ids)

    # --- the parts of the verdict
    def whole(self, r):
        chain, rooted = self.chain(r)
        if not rooted or sum(x.header.opening for x in chain) > OPENINGS_MAX:
            return False
        return all(
            x.payload is not None and not x.malformed and all((x.id, i) in self.authority.redacted for i in x.lacking)
            for x in chain
        )

    def authentic(self, r):
        """P9.4, from the last entry of each branch downwards so that long chains need no deep recursion."""
        if r.id not in self._authentic:
            order, todo = [], [r]
            while todo:
                x = todo.pop()
                order.append(x)
                if not x.checked:
                    todo += [k for k in self.kids.get(x.id, []) if k.id not in self._authentic and self.fits(k)]
            for x in reversed(order):
                known = (x.header.site, x.header.key_id) in self.authority.opened
                self._authentic[x.id] = known and (
                    x.checked or any(self.fits(k) and self._authentic[k.id] for k in self.kids.get(x.id, []))
                )
        return self._authentic[r.id]

    def has_sibling(self, r):
        """P9.5"""
        if r.id not in self._siblings:
            h = r.header
            self._siblings[r.id] = not h.opening and any(
                k.id != r.id
                and not k.header.opening
                and (k.header.site, k.header.key_id, k.header.epoch) == (h.site, h.key_id, h.epoch)
                and self.authentic(k)
                for k in self.kids.get(h.prev, [])
            )
        return self._siblings[r.id]

    def anchored(self, r):
        """P9.5"""
        if r.id not in self._anchored:
            a = self.authority
            self._anchored[r.id] = not a.ever_anchor(r.header.site, self.scope) and any(
                x.header.site != r.header.site
                and a.ever_anchor(x.header.site, self.scope)
                and self.at_or_before(r, x.payload.ops[0].value)
                and self.accepted(x.id)
                for x in self.anchors
            )
        return self._anchored[r.id]

    def not_placed(self, r):
        """P9.6: the reason, or ''."""
        h = r.header
        for e in self.authority.extra:
            if e[0] == CUT and e[1:3] == (h.site, h.key_id):
                ids = e[3].get(self.scope, ())
            elif e[0] in (RECUT, DECIDE) and e[1:4] == (h.site, h.key_id, self.scope):
                ids = e[4]
            else:
                continue
            if not self.at_or_before(r, ids):
                return "cut-branch"
        place = self.authority.place(h.site, h.key_id, self.scope)
        if place:
            return "" if self.at_or_before(r, place[1]) else place[0]
        if any(self.has_sibling(x) and not self.anchored(x) for x in self.chain(r)[0]):
            return "fork"
        return ""

    def within(self, r, narrowing):
        """P8.13: is r at or before what this narrowing (roles, for, rest, pairs) gives for the scope?"""
        _, _, rest, pairs = narrowing
        if self.scope not in pairs:
            return rest == 1
        return self.at_or_before(r, pairs[self.scope])

    def effective(self, r, grant, role):
        index, op_id, _, _, _, after = grant
        a, h = self.authority, r.header
        if self.scope in after:
            opened = a.opened.get((h.site, h.key_id))
            later = opened is not None and a.openings[opened][3] > index
            above = self.before(r.id) - {r.id} | {opened}
            if not later and not any(i in above for i in after[self.scope]):
                return False
        for_ = None if self.scope == SCOPE_PLAN else r.payload.for_  # P8.8: not looked at there
        latest = {n[1]: n for n in a.narrows.get((op_id, h.site), []) if n[0] & role and n[1] in (None, for_)}
        extra = [
            e[3:]
            for e in a.extra
            if e[0] == NARROW and e[1:3] == (op_id, h.site) and e[3] & role and e[4] in (None, for_)
        ]
        return all(self.within(r, n) for n in [*latest.values(), *extra])

    def has_role(self, r, roles, ever):
        for grant in self.authority.grants.get(r.header.site, []):
            _, _, held, reach, id_, _ = grant
            if not held & roles or not self.authority.reaches(reach, id_, self.scope, r.payload.for_):
                continue
            if ever or any(self.effective(r, grant, role) for role in bits(held & roles)):
                return True
        return False

    def entitled(self, r, ever=False):
        """P9.7; with `ever`, the rights of P9.9."""
        if not r.payload.ops:
            return self.has_role(r, schema.ANY_WRITER, ever)
        kind = self.authority.scope_kind(self.scope)
        for op in r.payload.ops:
            roles, always_ever = schema.roles_for(kind, op.type, op.kind)
            if not self.has_role(r, roles, ever or always_ever):
                return False
        return True

    def grounds(self, r):
        """P9.8"""
        if not all(self.accepted(i) for i in r.payload.cites):
            return False
        cited = [self.records[i] for i in r.payload.cites]
        return all(
            any(
                c.header.site != r.header.site
                and any(x.type == schema.CONSENT and x.entity == op.entity for x in c.payload.ops)
                for c in cited
            )
            for op in r.payload.ops
            if op.type == schema.PROXY
        )

    def adopted(self, r):
        """P9.9 for what is whole, not too new and authentic."""
        return (
            any(
                a.header.site != r.header.site and a.payload.for_ == r.payload.for_ and self.accepted(a.id)
                for a in self.adopts.get(r.id, [])
            )
            and self.entitled(r, ever=True)
            and self.grounds(r)
        )

    def verdict(self, i):
        """P9.10: '' = accepted, else the reason why it is held."""
        if i not in self._memo:
            self._memo[i] = None
            self._memo[i] = self._verdict(self.records[i])
        assert self._memo[i] is not None, "the recursion of R1 ends"
        return self._memo[i]

    def _verdict(self, r):
        if not self.whole(r):
            return "not-whole"
        if r.too_new:
            return "too-new"
        if not self.authentic(r):
            return "not-authentic"
        data = r.header.kind == entry.DATA
        why = self.not_placed(r)
        if not why and not self.entitled(r):
            why = "no-right"
        if not why and data and not self.grounds(r):
            why = "ground"
        return ACCEPTED if why and data and self.adopted(r) else why

    def accepted(self, i):
        return i in self.records and self.verdict(i) == ACCEPTED

    # --- parts (P9.11)
    def is_part(self, i, site):
        r = self.records.get(i)
        return (
            r is not None
            and r.header.kind == entry.DATA
            and r.header.site == site
            and self.accepted(i)
            and r.payload.part == 1
        )

    def complete(self, closer):
        return all(self.is_part(i, closer.header.site) for i in closer.payload.part)

    def shown(self, i):
        r = self.records[i]
        if r.header.kind != entry.DATA or not self.accepted(i):
            return False
        if isinstance(r.payload.part, tuple):
            return self.complete(r)
        if r.payload.part == 1:
            return any(
                c.header.site == r.header.site
                and c.header.kind == entry.DATA
                and self.accepted(c.id)
                and self.complete(c)
                for c in self.closers.get(i, [])
            )
        return True


def bits(mask):
    n = 1
    while n <= mask:
        if mask & n:
            yield n
        n <<= 1


def version_id(record):
    return half(record.id)

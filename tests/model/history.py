"""A history of tests/vectors/ (README.md there) turned into real bytes, and its deliveries judged."""
import itertools
import random

from soukatsu import authority as au
from soukatsu import merge, names, schema, verdict
from soukatsu.entry import DATA, OPENING
from soukatsu.names import ORG, ZERO16, half, scope_id
from soukatsu.payload import Op, Payload
from soukatsu.store import Store
from soukatsu.world import Made, World, drawn

VERDICTS = ("", "not-whole", "too-new", "not-authentic", "cut-branch", "cut", "decide", "fork", "no-right", "ground")


class Bytes:
    """The history's authority ops and entries, made with our own writers."""

    def __init__(self, h):
        self.h = h
        self.w = World(h["name"])
        self.made, self.ops, self.raw = [], [], []
        self._prelude()
        self._build()

    def site(self, n):
        return "s%d" % n

    def key(self, n):
        return "k%d" % n

    def entity(self, n):
        return drawn("entity %d" % n)

    def entry_id(self, n):
        return self.made[n].id if n < len(self.made) else drawn("invented %d" % n, 32)

    def _prelude(self):
        w, h = self.w, self.h
        orgs = [w.org_effect(w.hq, "o%d" % s) for s in range(h["scopes"])]
        self.prelude = w.op(*orgs)
        self.orgs = [names.organisation_id(self.prelude, s) for s in range(h["scopes"])]
        self.scopes = [scope_id(ORG, o) for o in self.orgs]
        for n, (_, tier, _, effects) in enumerate(h["ops"]):
            if tier == 3:
                self.prelude = w.invite("invite %d" % n, self.orgs[0], 0)

    def op_id(self, n):
        return self.ops[n] if n >= 0 else self.prelude

    def ids(self, entries):
        return sorted({self.entry_id(n) for n in entries})

    def known_site(self, prev, site):
        """Was the site opened on the path that ends with op prev?"""
        while prev >= 0:
            if any(e[0] == "open" and e[1] == site for e in self.h["ops"][prev][3]):
                return True
            prev = self.h["ops"][prev][0]
        return False

    def _effect(self, prev, e):
        w, t = self.w, e[0]
        if t == "open":
            org = None if self.known_site(prev, e[1]) else self.orgs[0]
            return w.open_effect(self.site(e[1]), self.key(e[2]), org)
        if t == "grant":
            scope = self.scopes[e[2]]
            after = {} if e[4] is None else {scope: [self.entry_id(e[4])]}
            return w.grant_effect(self.site(e[1]), e[3], au.REACH_SCOPE, scope, after)
        if t == "narrow":
            pairs = au.pack_pairs({self.scopes[e[3]]: self.ids(e[5])})
            return [au.NARROW, self.op_id(e[1]), w.site_id(self.site(e[2])), e[4], None, 1, pairs]
        if t == "cut":
            pairs = au.pack_pairs({self.scopes[s]: self.ids(x) for s, x in e[3]})
            return [au.CUT, w.site_id(self.site(e[1])), w.key(self.key(e[2])).id, pairs]
        if t in ("recut", "decide"):
            return [
                au.RECUT if t == "recut" else au.DECIDE,
                w.site_id(self.site(e[1])),
                w.key(self.key(e[2])).id,
                self.scopes[e[3]],
                self.ids(e[4]),
            ]
        assert t == "redact"
        return [au.REDACT, 1, [self.entry_id(e[1]), e[2]]]

    def _op(self, n):
        prev, tier, counter, effects = self.h["ops"][n]
        w, at = self.w, self.op_id(prev)
        if tier == 3:
            ((_, site, key),) = effects
            return w.enrol("invite %d" % n, self.site(site), self.key(key), prev=at)
        if tier == 2:
            if effects[0][0] == "keys":
                return w.new_operational("op%d" % n, prev=at, counter=counter)
            return w.root_op([au.RECOVER], prev=at, counter=counter)
        effects = [self._effect(prev, e) for e in effects]
        made = w.op(*effects, prev=at)
        if made in self.ops:  # two like ops at one place are one for bytes: tell them apart
            made = w.op(*effects, [au.ORG_NAME, self.orgs[0], "o0", str(n), ""], prev=at)
        return made

    def _build(self):
        """Ops and entries name older ones of each other: make each as soon as what it names is there."""
        h = self.h
        for e in h["entries"]:
            for ref in (e[3], e[5]):
                while ref < 0 and len(self.ops) < -ref:
                    self._next_op()
            self.made.append(self._entry(len(self.made), e))
        while len(self.ops) < len(h["ops"]):
            self._next_op()

    def _next_op(self):
        self.ops.append(self._op(len(self.ops)))

    def _value(self, kind, field, value, entity, n):
        if (kind, field) == (schema.KIND_ITEM, 2):
            return bytes([1 + value]) + entity[:4]
        type_ = schema.FIELDS[kind, field][2].rstrip("?")
        return {"s": str(value), "u": value, "b": drawn("value %d" % value), "L": [value]}[type_]

    def _entry(self, n, e):
        scope, site, key, epoch, seq, prev, hlc, clock, kind, body, ops, control, named, cites, part, closes = e
        place = lambda ref: self.made[ref].id if ref >= 0 else self.ops[-1 - ref]
        out = []
        for t, k, ent, f, value, replaces in ops:
            entity = self.entity(ent)
            v = None if t == schema.DELETE else self._value(k, f, value, entity, n)
            out.append(Op(t, k, entity, f, v, tuple(sorted({half(self.entry_id(r)) for r in replaces}))))
        if control:
            value = "例 reason" if control == schema.EPOCH_OPEN else None
            if control in (schema.ADOPT, schema.ANCHOR):  # P7.2 wants one id at least
                value = self.ids(named) or [drawn("nothing %d" % n, 32)]
            out.append(Op(control, 0, ZERO16, 0, value))
        if body == 1:  # malformed, in one way or another
            if out and n % 3:
                out.append(out[0])
            else:
                out.append(Op(schema.HEARTBEAT if kind == DATA else schema.SET, 0, ZERO16, 0, None))
        elif body == 2:  # too new, in one way or another
            out.append(
                Op(9, 16, drawn("new"), 1, "x")
                if n % 3 == 0
                else Op(schema.SET, 99, drawn("new"), 1, "x")
                if n % 3 == 1
                else Op(schema.SET, 16, drawn("new"), 19, "x")
            )
        payload = Payload(
            self.orgs[scope],
            "" if control else "例 %d" % n,
            tuple(self.ids(cites)),
            tuple(self.ids(closes)) if closes else part,
            tuple(out),
            salt=drawn("salt %s %d" % (self.h["name"], n)),
        )
        header = self.w.header(
            self.site(site),
            self.key(key),
            self.scopes[scope],
            half(place(epoch)),
            seq,
            place(prev),
            hlc,
            payload,
            OPENING if control == schema.EPOCH_OPEN else kind,
            clock,
            head=half(self.w.genesis),
        )
        return Made(header, payload, self.w.key(self.key(key)))


def deliver(b, d, rnd=None):
    """A Store that got delivery d; in a random order with repeats where rnd is given."""
    store = Store(b.w.genesis)
    for i in set(b.w.ops) - set(b.ops):
        store.add_op(*b.w.ops[i])
    lacking = dict((n, x) for n, x in d["lacking"])
    steps = [(store.add_op, b.w.ops[b.ops[n]]) for n, c in enumerate(d["ops"]) if c == "1"]
    for n, have in enumerate(d["have"]):
        if have == ".":
            continue
        m, raw = b.made[n], None
        if have in "bB":
            p = m.payload.redact(lacking[n]) if n in lacking else m.payload
            raw = (p if p.gone else m.payload).pack()
        steps.append((store.add, (m.raw, raw, m.signature if have in "HB" else None)))
        if rnd and rnd.random() < 0.2:
            steps.append((store.add, (m.raw,)))
    if rnd:
        steps += rnd.sample(steps, len(steps) // 5)
        rnd.shuffle(steps)
    for take, what in steps:
        take(*what)
    return store


def judge(b, store):
    """The state of each scope of the history."""
    return [merge.State(verdict.Scope(store.records, store.authority, s)) for s in b.scopes]


def real(b, d, store):
    """Can bytes be like this delivery? Not where it lacks a value that is no commitment, and no `redact`
    that it got names it."""
    for n, indexes in d["lacking"]:
        committed = b.made[n].payload.commitments()
        if any(i not in committed and (b.made[n].id, i) not in store.authority.redacted for i in indexes):
            return False
    return True


def check(b, d, store, states):
    """Differences between what came of a delivery and what the history expects, as text."""
    a, bad = store.authority, []
    index = {m.id: n for n, m in enumerate(b.made)}
    by_version = {half(i): n for i, n in index.items()}
    by_version.update({half(b.entry_id(n)): n for n in range(len(b.made), len(b.made) + b.h["invented"])})

    def same(what, got, want):
        if got != want:
            bad.append("%s: got %s, want %s" % (what, got, want))

    same("head", a.head, b.op_id(d["head"]))
    same("forked", int(a.forked), d["forked"])
    verdicts, shown = ["-"] * len(b.made), ["-"] * len(b.made)
    for st in states:
        for i in st.scope.records:
            verdicts[index[i]] = str(VERDICTS.index(st.scope.verdict(i)))
            shown[index[i]] = str(int(st.scope.shown(i)))
    same("verdicts", "".join(verdicts), d["verdicts"])
    same("shown", "".join(shown), d["shown"])
    for s, (st, want) in enumerate(zip(states, d["scopes"])):
        ties = lambda live: [
            sorted(g) for _, g in itertools.groupby(live, lambda n: (b.h["entries"][n][7] != 0, b.h["entries"][n][6]))
        ]
        got = {}
        for (kind, entity, field), r in st.registers.items():
            got[kind, entity, field] = (
                ties([by_version[v.id] for v in r.live]),
                int(r.conflict),
                sorted(by_version[i] for i in r.missing),
            )
        same(
            "registers %d" % s,
            got,
            {(k, b.entity(e), f): (ties(live), c, sorted(m)) for k, e, f, live, c, m in want["registers"]},
        )
        same("hidden %d" % s, st.hidden, {(k, b.entity(e)) for k, e in want["hidden"]})
        sc = st.scope
        whole = {i for i, r in sc.records.items() if sc.whole(r)}
        tops = whole - {sc.records[i].header.prev for i in whole if not sc.records[i].header.opening}
        same("tops %d" % s, sorted(index[i] for i in tops), sorted(want["tops"]))
        same(
            "rest %d" % s,
            sorted([index[i], int(r.payload is not None)] for i, r in sc.records.items() if i not in whole),
            sorted(want["rest"]),
        )
        same("held %d" % s, sorted(index[i] for i in whole if not sc.accepted(i)), sorted(want["held"]))
    return bad


def run(h, shuffle=0):
    """All deliveries of a history; with `shuffle` some more times in random orders, for equal digests.

    Returns (how many deliveries were judged, how many bytes cannot be like, the differences).
    """
    b, bad, judged, unreal = Bytes(h), [], 0, 0
    for n, d in enumerate(h["deliveries"]):
        store = deliver(b, d)
        if not real(b, d, store):
            unreal += 1
            continue
        judged += 1
        states = judge(b, store)
        bad += ["%s delivery %d %s" % (h["name"], n, x) for x in check(b, d, store, states)]
        for k in range(shuffle):
            other = deliver(b, d, random.Random("%s %d %d" % (h["name"], n, k)))
            if [s.digest() for s in states] != [s.digest() for s in judge(b, other)]:
                bad.append("%s delivery %d order %d: other digests" % (h["name"], n, k))
    return judged, unreal, bad

"""One small world in the making: its authority, its entries, the verdict that each must get, and its row."""
from soukatsu import authority as au
from soukatsu import merge, names, reading, verdict
from soukatsu.names import ORG, SCOPE_PLAN, scope_id
from soukatsu.schema import EDITOR
from soukatsu.store import Store
from soukatsu.world import Feed, World

OK = ""


class Scenario:
    def __init__(self, name, orgs=("o1", "o2"), world=None, **kw):
        self.name = name
        self.w = world or World(name, **kw)
        self.entries, self.got = [], {}  # Made; id -> (payload bytes or None, signature or None, expected verdict)
        self.unknown, self.without = set(), set()  # ops that must not be known, must have no effect
        made = self.w.op(*(self.w.org_effect(self.w.hq, o) for o in orgs)) if orgs else None
        self.org = {o: names.organisation_id(made, n) for n, o in enumerate(orgs)}
        self.org["hq"] = self.w.hq
        self.site_org = {}

    def scope(self, org):
        return scope_id(ORG, self.org[org])

    def open(self, site, org, key=None, *grants):
        """A new key of a site (org None: of a known one) with grants (roles, reach, id[, after]) in the same op."""
        key = key or site
        org_id = None if org is None else self.org[org]
        effects = [self.w.open_effect(site, key, org_id)]
        effects += [self.w.grant_effect(site, *g) for g in grants]
        op = self.w.op(*effects)
        self.site_org[site] = self.site_org.get(site, org) if org is None else org
        return op

    def editor(self, site, org="o1", roles=EDITOR):
        return self.open(site, org, None, (roles, au.REACH_SCOPE, self.scope(org)))

    def feed(self, site, opening, scope=None, for_=None, key=None):
        org = self.site_org[site]
        return Feed(
            self.w,
            site,
            key or site,
            self.scope(org) if scope is None else scope,
            opening,
            self.org[org] if for_ is None else for_,
        )

    def add(self, made, want=OK, form="full", signed=True):
        """form: full, header or a list of value indexes that went."""
        p = made.payload
        raw = None if form == "header" else p.pack() if form == "full" else p.redact(form).pack()
        self.entries.append(made)
        self.got[made.id] = raw, made.signature if signed else None, want
        return made

    def store(self, order=None):
        store = Store(self.w.genesis)
        for raw, signatures in self.w.ops.values():
            store.add_op(raw, signatures)
        for m in order or self.entries:
            raw, signature, _ = self.got[m.id]
            store.add(m.raw, raw, signature)
        return store

    def row(self):
        store = self.store()
        a = store.authority
        again = self.store(self.entries[::-1])
        out = dict(name=self.name, net=self.w.net, genesis=self.w.genesis, ops=[], entries=[], scopes=[], reads=[])
        for i, (raw, signatures) in self.w.ops.items():
            assert (i not in a.known) == (i in self.unknown), (self.name, "known", list(self.w.ops).index(i))
            known = i in a.known
            if known:
                assert a.admissible(a.known[i]) == (i not in self.without), (
                    self.name,
                    list(self.w.ops).index(i),
                    a.why,
                )
            out["ops"].append(
                dict(
                    id=i,
                    op=raw,
                    signatures=[[k, s] for k, s in sorted(signatures.items())],
                    known=known,
                    admissible=known and a.admissible(a.known[i]),
                )
            )
        out.update(head=a.head, forked=a.forked, too_new=a.too_new, authority_hash=a.set_hash())
        ids = []
        for m in self.entries:
            if m.header.scope not in ids:
                ids.append(m.header.scope)
        states = {s: merge.State(verdict.Scope(store.records, a, s)) for s in ids}
        for m in self.entries:
            sc = states[m.header.scope].scope
            raw, signature, want = self.got[m.id]
            assert sc.verdict(m.id) == want, (self.name, self.entries.index(m), sc.verdict(m.id), want)
            out["entries"].append(
                dict(
                    id=m.id,
                    header=m.raw,
                    payload=raw,
                    signature=signature,
                    verdict=want or "accepted",
                    shown=sc.shown(m.id),
                )
            )
        for s, st in states.items():
            assert merge.State(verdict.Scope(again.records, again.authority, s)).digest() == st.digest()
            registers = [
                dict(
                    kind=k,
                    entity=e,
                    field=f,
                    live=[v.id for v in r.live],
                    conflict=r.conflict,
                    missing=sorted(r.missing),
                )
                for (k, e, f), r in sorted(st.registers.items(), key=lambda x: (x[0][1], x[0][0], x[0][2]))
            ]
            out["scopes"].append(
                dict(
                    id=s,
                    registers=registers,
                    hidden=[dict(kind=k, entity=e) for k, e in sorted(st.hidden)],
                    state=st.state_digest(),
                    entries=st.entries_digest(),
                    digest=st.digest(),
                )
            )
        projects = reading.responsible(states[SCOPE_PLAN]) if SCOPE_PLAN in states else {}
        out["projects"] = [dict(scope=k, organisations=sorted(v)) for k, v in sorted(projects.items())]
        for site in sorted(a.sites):
            scopes = sorted({*ids, names.SCOPE_AUTHORITY, SCOPE_PLAN, *a.org_scopes})
            out["reads"].append(dict(site=site, scopes=[s for s in scopes if reading.may_read(a, site, s, projects)]))
        return out

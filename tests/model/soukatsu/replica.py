"""One replica's files: what it stored, in which order and from whose log, and its own feeds.

A folder with replica.json and keys.json. Written whole, synced and renamed before anything that depends on it
is sent (P13.15): enough for tests, where a replica holds some thousand entries.
"""
import json
import os
import secrets
import time

from . import authority, merge, names, payload, reading, schema, verdict
from .clock import own, received
from .crypto import Key
from .entry import CONTROL, DATA, OPENING, Header
from .names import ORG, PROJECT, SCOPE_PLAN, ZERO16, half, scope_id
from .payload import Op, Payload
from .store import Store


class Denied(Exception):
    """What this site may not do, with the clause."""


class Replica:
    def __init__(self, net, genesis, site, key):
        """key: the site key; the TLS key is another and is none of this."""
        self.net, self.site, self.key = net, site, key
        self.store = Store(genesis)
        self.log, self.instance = secrets.token_bytes(16), secrets.token_bytes(16)
        self.order = {}  # scope -> [(entry id, log that it came from or None)], arrival number = index + 1
        self.positions = {}  # log of a peer -> {scope: position}
        self.acked = {}  # entry id -> the hub's receive time
        self.hlc = 0
        self._states = {}

    # --- what is stored
    def add_op(self, raw, signatures):
        self._states.clear()
        return self.store.add_op(raw, signatures)

    def add(self, header, payload_raw, signature, log=None):
        """Store one entry; returns its Record. New ones get the next arrival number of their scope."""
        new = len(self.store.records)
        r = self.store.add(header, payload_raw, signature)
        if len(self.store.records) > new:
            self.order.setdefault(r.header.scope, []).append((r.id, log))
            self.hlc = received(self.hlc, r.header.hlc, int(time.time() * 1000))
        self._states.pop(r.header.scope, None)
        return r

    @property
    def authority(self):
        return self.store.authority

    def state(self, scope):
        if scope not in self._states:
            self._states[scope] = merge.State(verdict.Scope(self.store.records, self.authority, scope))
        return self._states[scope]

    def scopes(self):
        return sorted(self.order)

    def last(self, scope):
        return len(self.order.get(scope, ()))

    def may_read(self, site, scope):
        return reading.may_read(self.authority, site, scope, reading.responsible(self.state(SCOPE_PLAN)))

    def ever_right(self, site, scope):
        """P11.12: had the site ever any right in the scope, for whatever organisation?"""
        return any(
            self.authority.reaches(reach, id_, scope, None)
            for _, _, _, reach, id_, _ in self.authority.grants.get(site, ())
        )

    def leaves(self):
        known = self.authority.known
        return sorted(set(known) - {op.prev for op in known.values()})

    def tops(self, scope):
        s = self.state(scope).scope
        whole = {i for i, r in s.records.items() if s.whole(r)}
        return sorted(whole - {s.records[i].header.prev for i in whole if not s.records[i].header.opening})

    # --- own acts
    def opening(self):
        op = self.authority.opened.get((self.site, self.key.id))
        if op is None:
            raise Denied("P9.4: the key of this site is not enrolled")
        return op

    def my_org(self):
        return self.authority.sites[self.site]["organisation"]

    def write(self, scope, for_, ops, by="", cites=(), force=False):
        """Sign one data entry on our own head; Denied with the reason where it would be held."""
        return self._sign(
            scope, Payload(for_, by, tuple(sorted(cites)), 0, tuple(ops), salt=secrets.token_bytes(16)), DATA, force
        )

    def control(self, scope, for_, type_, value=None, force=False):
        p = Payload(for_, "", ops=(Op(type_, 0, ZERO16, 0, value),), salt=secrets.token_bytes(16))
        return self._sign(scope, p, OPENING if type_ == schema.EPOCH_OPEN else CONTROL, force)

    def _head(self, scope):
        """(epoch, seq, prev) on which our next entry of the scope stands."""
        mine = [self.store.records[i] for i, _ in self.order.get(scope, ())]
        mine = [r for r in mine if (r.header.site, r.header.key_id) == (self.site, self.key.id)]
        prevs = {r.header.prev for r in mine}
        heads = [r for r in mine if r.id not in prevs]
        if not heads:
            return half(self.opening()), 0, self.opening()
        if len(heads) > 1:
            raise Denied("P9.6: this feed is forked")
        h = heads[0].header
        return (half(heads[0].id), 0, heads[0].id) if h.opening else (h.epoch, h.seq, heads[0].id)

    def _sign(self, scope, p, kind, force):
        epoch, seq, prev = self._head(scope)
        hlc = own(self.hlc, int(time.time() * 1000))
        raw = p.pack()
        payload.unpack(raw)
        header = Header(
            0,
            kind,
            self.net,
            self.site,
            scope,
            epoch,
            seq + 1,
            prev,
            hlc,
            0,
            half(self.authority.head),
            self.key.id,
            len(raw),
            p.hash(),
        )
        signature = self.key.sign("entry", self.net, header.id)
        if not force:
            trial = dict(self.store.records)
            r = type(self).trial(header, raw)
            trial[r.id] = r
            why = verdict.Scope(trial, self.authority, scope).verdict(r.id)
            if why:
                raise Denied("%s: this site may not do that" % why)
        self.hlc = hlc
        return self.add(header.pack(), raw, signature)

    @staticmethod
    def trial(header, raw):
        from .store import Record

        r = Record(header.pack())
        r.attach(raw)
        r.checked = True
        return r

    def entity(self, kind):
        """A new entity id of ours (P3.3); the counter is taken from what we wrote under this opening."""
        made = {
            op.entity
            for r in self.store.records.values()
            if r.header.site == self.site and r.payload
            for op in r.payload.ops
        }
        n = 1
        while True:
            e = names.entity_made(kind, self.site, self.opening(), n)
            if e not in made:
                return e
            n += 1

    # --- views
    def value(self, scope, kind, entity, field):
        """The shown value of a field, or None."""
        r = self.state(scope).registers.get((kind, entity, schema.FIELD_BY_NAME[kind, field]))
        return r.shown.op.value if r else None

    def entities(self, scope, kind):
        st = self.state(scope)
        return sorted({e for k, e, _ in st.registers if k == kind and (k, e) not in st.hidden})

    def by_handle(self, kind, handle):
        found = [e for e in self.entities(SCOPE_PLAN, kind) if self.value(SCOPE_PLAN, kind, e, "handle") == handle]
        if len(found) != 1:
            raise Denied("%d records with handle %s" % (len(found), handle))
        return found[0]

    def org_by_handle(self, handle):
        found = [o for o, x in self.authority.orgs.items() if x["handle"] == handle]
        if len(found) != 1:
            raise Denied("%d organisations with handle %s" % (len(found), handle))
        return found[0]

    def scope_name(self, scope):
        if scope == SCOPE_PLAN:
            return "plan"
        org = self.authority.org_scopes.get(scope)
        if org:
            return "org/" + self.authority.orgs[org]["handle"]
        for p in self.entities(SCOPE_PLAN, schema.KIND_PROJECT):
            if scope == scope_id(PROJECT, p):
                return "project/" + (self.value(SCOPE_PLAN, schema.KIND_PROJECT, p, "handle") or p.hex())
        return scope.hex()

    def org_scope(self, org):
        return scope_id(ORG, org)

    # --- files
    def save(self, folder):
        hexed = lambda x: None if x is None else x.hex()
        out = dict(
            net=self.net.hex(),
            genesis=self.store.genesis.hex(),
            site=self.site.hex(),
            log=self.log.hex(),
            instance=self.instance.hex(),
            hlc=self.hlc,
            ops=[
                [raw.hex(), [[k.hex(), s.hex()] for k, s in sorted(sig.items())]]
                for raw, sig in self.store.ops.values()
            ],
            entries=[
                [r.raw.hex(), hexed(r.payload_raw), hexed(r.signature), hexed(log)]
                for scope in self.scopes()
                for i, log in self.order[scope]
                for r in [self.store.records[i]]
            ],
            positions={log.hex(): {s.hex(): n for s, n in p.items()} for log, p in self.positions.items()},
            acked={i.hex(): t for i, t in self.acked.items()},
        )
        write_durably(os.path.join(folder, "replica.json"), json.dumps(out))

    @classmethod
    def load(cls, folder, key):
        with open(os.path.join(folder, "replica.json"), encoding="utf-8") as f:
            x = json.load(f)
        raw = lambda s: None if s is None else bytes.fromhex(s)
        r = cls(raw(x["net"]), raw(x["genesis"]), raw(x["site"]), key)
        r.log, r.instance = raw(x["log"]), raw(x["instance"])
        for op, signatures in x["ops"]:
            r.add_op(raw(op), {raw(k): raw(s) for k, s in signatures})
        for header, body, signature, log in x["entries"]:
            r.add(raw(header), raw(body), raw(signature), raw(log))
        r.positions = {raw(log): {raw(s): n for s, n in p.items()} for log, p in x["positions"].items()}
        r.acked = {raw(i): t for i, t in x["acked"].items()}
        r.hlc = max(r.hlc, x["hlc"])
        return r


def write_durably(path, text):
    tmp = path + ".new"
    with open(os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
        f.write(text)
        f.flush()
        os.fsync(f.fileno())
    os.replace(tmp, path)
    fd = os.open(os.path.dirname(path), os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def new_key():
    return Key(secrets.token_bytes(32))


def signatures_of(list_):
    return authority.unpack_signatures(list_)

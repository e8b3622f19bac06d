"""Makes authority and entries for tests and vectors: deterministic keys, salts and ids from names."""
import functools

from . import authority as au
from . import mp, names, schema
from .crypto import Key
from .entry import CONTROL, DATA, OPENING, Header
from .names import C, H, ZERO16, ZERO32, half
from .payload import Op, Payload


@functools.lru_cache(maxsize=None)
def key(name):
    return Key(H(b"soukatsu test key ", name.encode()))


def drawn(name, n=16):
    """Bytes that a real site would draw at random."""
    return H(b"soukatsu test bytes ", name.encode())[:n]


class World:
    """One network: its authority ops by id, in the order in which they were made.

    A method that writes an op takes prev (None: the op made last) and gives the op's id back.
    """

    def __init__(self, name, roots=("root",), threshold=1, hub="hub", hq_name="東社協"):
        self.name = name
        self.net = self.draw("net")
        self.ops = {}  # id -> (bytes, {key id: signature})
        self.seq, self.counter = {ZERO32: -1}, {ZERO32: 0}
        self.operational = {}  # op id -> name of the operational key in force after it
        self.roots = roots
        self.hub = hub
        self.hub_site = self.site_id(hub)
        hq = [au.ORGANISATION, None, 1, "hq", hq_name, hq_name, ""]
        effects = [
            [au.KEYS, threshold, sorted(self.key(r).public for r in roots), self.key("op").public],
            hq,
            [au.OPEN, self.hub_site, self.key(hub + "/site").public, self.tls(hub), ZERO16, "hub"],
            [au.HUB_KEYS, self.key(hub + "/checkpoint").public, self.tls(hub)],
            [au.GRANT, self.hub_site, schema.ANCHORER, au.REACH_ALL, ZERO16, []],
        ]
        signers = [*roots, "op", hub + "/site", hub + "/checkpoint"]
        self.last = self.genesis = self._put(ZERO32, au.GENESIS, 0, effects, signers, "op")
        self.hq = names.organisation_id(self.genesis, 1)

    def key(self, name):
        return key(self.name + "/" + name)

    def draw(self, what, n=16):
        return drawn(self.name + " " + what, n)

    def site_id(self, name):
        return self.draw("site " + name)

    def tls(self, name):
        """What stands for the hash of a TLS key where none is needed."""
        return self.draw("tls " + name, 32)

    def _put(self, prev, tier, counter, effects, signers, operational):
        seq = self.seq[prev] + 1
        raw = au.pack(self.net, seq, prev, tier, counter, effects)
        op_id = names.authority_id(raw)
        keys = {self.key(s).id: self.key(s) for s in signers}
        self.ops[op_id] = raw, {i: keys[i].sign("authority", self.net, op_id) for i in sorted(keys)}
        self.seq[op_id], self.counter[op_id] = seq, max(counter, self.counter[prev])
        self.operational[op_id] = operational
        return op_id

    def op(self, *effects, prev=None):
        """An operational op."""
        at = self.last if prev is None else prev
        op_id = self._put(at, au.OPERATIONAL, 0, list(effects), [self.operational[at]], self.operational[at])
        self.last = op_id
        return op_id

    def root_op(self, *effects, prev=None, counter=None, operational=None, signers=None):
        at = self.last if prev is None else prev
        counter = self.counter[at] + 1 if counter is None else counter
        self.last = self._put(
            at, au.ROOT, counter, list(effects), signers or self.roots, operational or self.operational[at]
        )
        return self.last

    def new_operational(self, name, prev=None, counter=None):
        keys = [au.KEYS, 1, sorted(self.key(r).public for r in self.roots), self.key(name).public]
        return self.root_op(keys, prev=prev, counter=counter, operational=name)

    def invite(self, invite, organisation, roles, site_name="", expiry=0, prev=None):
        return self.op([au.INVITE, self.key(invite).public, organisation, site_name, roles, expiry], prev=prev)

    def enrol(self, invite, site, site_key, tls=None, prev=None, signer=None):
        at = self.last if prev is None else prev
        members = [self.key(invite).id, self.site_id(site), self.key(site_key).public, tls or self.tls(site_key)]
        sig = self.key(signer or invite).sign("enrol", self.net, au.enrol_statement(*members))
        self.last = self._put(
            at, au.HUB, 0, [[au.ENROL, *members, sig]], [self.hub + "/checkpoint"], self.operational[at]
        )
        return self.last

    def open_effect(self, site, site_key, organisation, name=""):
        return [au.OPEN, self.site_id(site), self.key(site_key).public, self.tls(site_key), organisation, name]

    def grant_effect(self, site, roles, reach, id_, after=()):
        return [au.GRANT, self.site_id(site), roles, reach, id_, au.pack_after(dict(after))]

    def org_effect(self, parent, handle, kind=4):
        return [au.ORGANISATION, parent, kind, handle, handle, handle, ""]

    # --- entries
    def header(
        self, site, site_key, scope, epoch, seq, prev, hlc, payload, kind=DATA, flags=0, head=None, length=None
    ):
        return Header(
            0,
            kind,
            self.net,
            self.site_id(site),
            scope,
            epoch,
            seq,
            prev,
            hlc,
            flags,
            half(self.last) if head is None else head,
            self.key(site_key).id,
            len(payload.pack()) if length is None else length,
            payload.hash(),
        )


class Made:
    """An entry with all that its author holds."""

    def __init__(self, header, payload, signer):
        self.header, self.payload, self.signer = header, payload, signer
        self.raw, self.id = header.pack(), header.id

    @functools.cached_property
    def signature(self):
        return self.signer.sign("entry", self.header.net, self.id)


class Feed:
    """The writing end of one site in one scope under one key."""

    def __init__(self, world, site, site_key, scope, opening, for_, by="担当 例"):
        self.world, self.site, self.site_key, self.scope, self.for_, self.by = world, site, site_key, scope, for_, by
        self.epoch, self.seq, self.prev, self.hlc = half(opening), 0, opening, 0

    def at(self, made):
        """Go on from an entry, also where another stands on it already: a fork."""
        h = made.header
        self.epoch, self.seq, self.prev = h.epoch, h.seq, made.id
        self.hlc = max(self.hlc, h.hlc)
        if h.opening:
            self.epoch, self.seq = half(made.id), 0
        return self

    def put(self, payload, kind=DATA, hlc=None, flags=0, **kw):
        self.hlc = self.hlc + 65536 if hlc is None else hlc
        header = self.world.header(
            self.site,
            self.site_key,
            self.scope,
            self.epoch,
            self.seq + 1,
            self.prev,
            self.hlc,
            payload,
            kind,
            flags,
            **kw
        )
        made = Made(header, payload, self.world.key(self.site_key))
        self.at(made)
        return made

    def data(self, *ops, cites=(), part=0, by=None, for_=None, **kw):
        salt = H(C("test salt"), self.prev, mp.encode([self.hlc, len(ops)]))[:16]
        part = part if isinstance(part, int) else tuple(sorted(part))
        payload = Payload(
            self.for_ if for_ is None else for_,
            self.by if by is None else by,
            tuple(sorted(cites)),
            part,
            tuple(ops),
            salt=salt,
        )
        return self.put(payload, **kw)

    def control(self, type_, value=None, for_=None, **kw):
        salt = H(C("test salt"), self.prev, mp.encode([self.hlc, type_]))[:16]
        value = sorted(value) if isinstance(value, (list, tuple, set)) else value
        payload = Payload(self.for_ if for_ is None else for_, "", ops=(Op(type_, 0, ZERO16, 0, value),), salt=salt)
        return self.put(payload, OPENING if type_ == schema.EPOCH_OPEN else CONTROL, **kw)


def set_op(kind, entity, field, value, replaces=(), type_=schema.SET):
    """replaces: entries (Made) or version ids."""
    ids = sorted({half(r.id) if isinstance(r, Made) else r for r in replaces})
    if isinstance(field, str):
        field = schema.FIELD_BY_NAME[kind, field]
    return Op(type_, kind, entity, field, value, tuple(ids))


def delete_op(kind, entity, replaces):
    return set_op(kind, entity, 0, None, replaces, schema.DELETE)

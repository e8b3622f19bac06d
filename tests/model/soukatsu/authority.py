"""Authority (P8): one op, and the authority as a function of the set of ops known here."""
from dataclasses import dataclass, replace

from . import Refused, mp, schema
from .crypto import fit, verify
from .names import (
    ORG,
    PLAN,
    PROJECT,
    SCOPE_PLAN,
    ZERO16,
    ZERO32,
    C,
    H,
    authority_id,
    key_id,
    organisation_id,
    scope_id,
)

OP_BYTES_MAX = 49152
SIGNATURES_MAX = 32
ROOT_KEYS_MAX = 16
EFFECTS_MAX = 1024
GENESIS, OPERATIONAL, ROOT, HUB = 0, 1, 2, 3
(
    KEYS,
    ORGANISATION,
    ORG_NAME,
    ORG_MOVE,
    ORG_CLOSE,
    INVITE,
    INVITE_END,
    ENROL,
    OPEN,
    GRANT,
    NARROW,
    CUT,
    RECUT,
    DECIDE,
    REDACT,
    RECOVER,
    HUB_KEYS,
) = range(1, 18)
ALLOWED = {
    GENESIS: {KEYS, ORGANISATION, OPEN, HUB_KEYS, GRANT},
    OPERATIONAL: {*range(2, 8), *range(9, 16), 17},
    ROOT: {KEYS, RECOVER},
    HUB: {ENROL},
}
REACH_SCOPE, REACH_SUBTREE, REACH_PROJECTS, REACH_ALL = range(4)


# --- bytes ---------------------------------------------------------------------------------------------


def pack_pairs(pairs):
    """{scope: ids} as the flat list of `narrow` and `cut`."""
    out = []
    for scope in sorted(pairs):
        ids = sorted(set(pairs[scope]))
        out += [scope, len(ids)] + ids
    return out


def unpack_pairs(flat, rule):
    pairs, at, last = {}, 0, b""
    while at < len(flat):
        scope = mp.raw(flat[at], 16, rule)
        if at + 1 >= len(flat) or scope <= last:
            raise Refused(rule)
        n = mp.uint(flat[at + 1], rule)
        if n > len(flat) - at - 2:
            raise Refused(rule)
        pairs[scope] = tuple(mp.ascending(flat[at + 2 : at + 2 + n], 32, rule))
        at, last = at + 2 + n, scope
    return pairs


def pack_after(pairs):
    """{scope: ids} as the flat list of `after`: a pair for each id."""
    return [x for scope in sorted(pairs) for i in sorted(set(pairs[scope])) for x in (scope, i)]


def unpack_after(flat, rule):
    if len(flat) % 2:
        raise Refused(rule)
    pairs, last = {}, (b"", b"")
    for scope, i in zip(flat[::2], flat[1::2]):
        pair = (mp.raw(scope, 16, rule), mp.raw(i, 32, rule))
        if pair <= last:
            raise Refused(rule)
        pairs.setdefault(scope, []).append(i)
        last = pair
    return {s: tuple(v) for s, v in pairs.items()}


def unpack_redact(flat, rule):
    if len(flat) % 2:
        raise Refused(rule)
    out, last = [], (b"", -1)
    for i, index in zip(flat[::2], flat[1::2]):
        pair = (mp.raw(i, 32, rule), mp.uint(index, rule, top=65535))
        if pair <= last:
            raise Refused(rule)
        out.append(pair)
        last = pair
    return tuple(out)


_OPTIONAL_ID = "id?"
SHAPES = {  # P8.4: the members after the type
    KEYS: ("u", "hashes", "hash"),
    ORGANISATION: ("parent", "u", "s", "s", "s", "s"),
    ORG_NAME: ("id", "s", "s", "s"),
    ORG_MOVE: ("id", "id"),
    ORG_CLOSE: ("id",),
    INVITE: ("hash", "id", "s", "u16", "u"),
    INVITE_END: ("id",),
    ENROL: ("id", "id", "hash", "hash", "signature"),
    OPEN: ("id", "hash", "hash", _OPTIONAL_ID, "s"),
    GRANT: ("id", "u16", "u", "id", "after"),
    NARROW: ("hash", "id", "u16", _OPTIONAL_ID, "u", "pairs"),
    CUT: ("id", "id", "pairs"),
    RECUT: ("id", "id", "id", "hashes0"),
    DECIDE: ("id", "id", "id", "hashes0"),
    REDACT: ("u", "redact"),
    RECOVER: (),
    HUB_KEYS: ("hash", "hash"),
}


def _member(shape, x, rule):
    if shape in ("u", "u16"):
        return mp.uint(x, rule, top=65535 if shape == "u16" else 2**64 - 1)
    if shape == "s":
        return mp.text(x, rule)
    if shape in ("id", _OPTIONAL_ID):
        return None if x is None and shape == _OPTIONAL_ID else mp.raw(x, 16, rule)
    if shape in ("hash", "signature"):
        return mp.raw(x, 32 if shape == "hash" else 64, rule)
    if shape == "parent":
        return x if x is None else mp.uint(x, rule) if isinstance(x, int) else mp.raw(x, 16, rule)
    mp.array(x, rule)
    if shape == "hashes":
        return tuple(mp.ascending(x, 32, rule, top=ROOT_KEYS_MAX, low=1))
    if shape == "hashes0":
        return tuple(mp.ascending(x, 32, rule))
    return {"pairs": unpack_pairs, "after": unpack_after, "redact": unpack_redact}[shape](x, rule)


def _effect(x):
    """(type, members…) with lists taken apart; a type that is not in the table keeps nothing else."""
    mp.array(x, "P8.4 effect", low=1)
    type_ = mp.uint(x[0], "P8.4 effect type")
    if type_ not in SHAPES:
        return (type_,)
    rule = "P8.4 members of %d" % type_
    mp.array(x, rule, n=1 + len(SHAPES[type_]))
    return (type_,) + tuple(_member(s, m, rule) for s, m in zip(SHAPES[type_], x[1:]))


@dataclass(frozen=True)
class AuthorityOp:
    raw: bytes
    id: bytes
    net: bytes
    seq: int
    prev: bytes
    tier: int
    counter: int
    effects: tuple

    @property
    def too_new(self):
        return any(x[0] not in SHAPES for x in self.effects)


def pack(net, seq, prev, tier, counter, effects):
    return mp.encode([0, net, seq, prev, tier, counter, effects])


def unpack(data):
    """P8.1, P8.2: an op of this shape."""
    if len(data) > OP_BYTES_MAX:
        raise Refused("P8.1 op too long")
    x = mp.array(mp.decode(data), "P8.1 members", n=7)
    if mp.uint(x[0], "P8.1 version") != 0:
        raise Refused("P5.4 version")
    mp.raw(x[1], 16, "P8.1 net id")
    seq, prev = mp.uint(x[2], "P8.2 seq"), mp.raw(x[3], 32, "P8.1 prev")
    tier, counter = mp.uint(x[4], "P8.2 tier", top=HUB), mp.uint(x[5], "P8.2 counter")
    if (tier == GENESIS) != (seq == 0) or (tier == GENESIS) != (prev == ZERO32):
        raise Refused("P8.2 genesis")
    if counter and tier != ROOT:
        raise Refused("P8.2 counter")
    effects = tuple(_effect(e) for e in mp.array(x[6], "P8.1 effects", top=EFFECTS_MAX))
    return AuthorityOp(bytes(data), authority_id(data), x[1], seq, prev, tier, counter, effects)


def unpack_signatures(x):
    """P8.1: {key id: signature} from the decoded list."""
    mp.array(x, "P8.1 signatures", top=SIGNATURES_MAX)
    out, last = {}, b""
    for pair in x:
        mp.array(pair, "P8.1 signature", n=2)
        if mp.raw(pair[0], 16, "P8.1 signature") <= last:
            raise Refused("P8.1 signatures not ascending")
        out[pair[0]] = mp.raw(pair[1], 64, "P8.1 signature")
        last = pair[0]
    return out


def enrol_statement(invite_key_id, site, site_key, tls_hash):
    """P8.9"""
    return mp.encode([invite_key_id, site, site_key, tls_hash])


# --- what a path of ops says ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Path:
    """What is in force after the admissible ops from genesis to some op. Dicts are never changed in place."""

    threshold: int = 0
    root: tuple = ()
    operational: bytes = b""
    checkpoint: bytes = b""
    counter: int = 0
    orgs: dict = None  # organisation -> parent
    sites: dict = None  # site -> organisation
    used: dict = None  # public key -> (purpose, site)
    tls: dict = None  # TLS key hash -> site
    invites: dict = None  # key id -> (public key, organisation, roles, name)
    ended: frozenset = frozenset()  # invites that were ended or used
    ops: frozenset = frozenset()  # ids of the ops with an effect


START = Path(orgs={}, sites={}, used={}, tls={}, invites={})


class Inadmissible(Exception):
    pass


def _need(condition, why):
    if not condition:
        raise Inadmissible(why)


def _take_key(p, public, purpose, site=None, again=True):
    """P4.2 on a path: fit, and not used for anything else."""
    _need(fit(public), "P4.2 unfit key")
    old = p.used.get(public)
    _need(old is None or (again and old == (purpose, site)), "P4.2 key used before")
    return replace(p, used={**p.used, public: (purpose, site)})


def _take_tls(p, tls_hash, site):
    _need(p.tls.get(tls_hash, site) == site, "P4.2 TLS key used before")
    return replace(p, tls={**p.tls, tls_hash: site})


def _org(p, op, org):
    """An organisation id as an effect names it: in the genesis zero is the one that the op makes."""
    if op.tier == GENESIS and org == ZERO16:
        made = [i for i, e in enumerate(op.effects) if e[0] == ORGANISATION]
        org = organisation_id(op.id, made[0]) if made else org
    _need(org in p.orgs, "P8.5 no such organisation")
    return org


def _below(orgs, org, top):
    while org is not None:
        if org == top:
            return True
        org = orgs[org]
    return False


def parent_of(op, effect):
    """The parent that an `org` effect names, its id worked out where it is an index."""
    parent = effect[1]
    if isinstance(parent, int):
        _need(parent < len(op.effects) and op.effects[parent][0] == ORGANISATION, "P8.4 parent")
        return organisation_id(op.id, parent)
    return parent


def _effect_on(p, op, n, e):
    t = e[0]
    if t == KEYS:
        _need(1 <= e[1] <= len(e[2]), "P8.4 threshold")
        for key in e[2]:
            p = _take_key(p, key, "root")
        p = _take_key(p, e[3], "operational")
        return replace(p, threshold=e[1], root=e[2], operational=e[3])
    if t == ORGANISATION:
        parent = parent_of(op, e)
        _need((parent is None) == (op.tier == GENESIS), "P8.5 one headquarters")
        _need(parent is None or parent in p.orgs, "P8.5 no such parent")
        return replace(p, orgs={**p.orgs, organisation_id(op.id, n): parent})
    if t == ORG_MOVE:
        _need(e[1] in p.orgs and e[2] in p.orgs, "P8.5 no such organisation")
        _need(p.orgs[e[1]] is not None and not _below(p.orgs, e[2], e[1]), "P8.5 a circle")
        return replace(p, orgs={**p.orgs, e[1]: e[2]})
    if t in (ORG_NAME, ORG_CLOSE):
        _need(e[1] in p.orgs, "P8.5 no such organisation")
    if t == INVITE:
        _need(e[2] in p.orgs, "P8.5 no such organisation")
        p = _take_key(p, e[1], "invite", again=False)
        return replace(p, invites={**p.invites, key_id(e[1]): (e[1], e[2], e[4], e[3])})
    if t == INVITE_END:
        _need(e[1] in p.invites, "P8.5 no such invite")
        return replace(p, ended=p.ended | {e[1]})
    if t == ENROL:
        _need(e[1] in p.invites and e[1] not in p.ended, "P8.9 no such invite")
        public, org, _, _ = p.invites[e[1]]
        _need(verify(public, e[5], "enrol", op.net, enrol_statement(*e[1:5])), "P8.9 signature")
        _need(e[2] not in p.sites and e[4] not in p.tls, "P8.9 not new")
        p = _take_tls(_take_key(p, e[3], "site", e[2], again=False), e[4], e[2])
        return replace(p, ended=p.ended | {e[1]}, sites={**p.sites, e[2]: org})
    if t == OPEN:
        if e[4] is None:
            _need(e[1] in p.sites, "P8.5 no such site")
            org = p.sites[e[1]]
        else:
            _need(e[1] not in p.sites, "P8.5 site is known")
            org = _org(p, op, e[4])
        p = _take_tls(_take_key(p, e[2], "site", e[1], again=False), e[3], e[1])
        return replace(p, sites={**p.sites, e[1]: org})
    if t == GRANT:
        _need(e[1] in p.sites, "P8.5 no such site")
        _need(e[3] <= REACH_ALL, "P8.8 no such reach")
        of_one = schema.EDITOR | schema.SUBMITTER | schema.APPROVER
        _need(not e[2] & of_one or e[3] in (REACH_SCOPE, REACH_PROJECTS), "P8.5 a role of one organisation")
        if e[3] in (REACH_SUBTREE, REACH_PROJECTS):
            _org(p, op, e[4])
    if t == NARROW:
        _need(e[5] <= 1, "P8.4 rest")
    if t == HUB_KEYS:
        p = _take_key(p, e[1], "checkpoint")
        return replace(p, checkpoint=e[1])
    return p


def step(p, op):
    """The path after `op`; Inadmissible where it has no effect (P8.5). What is too new is passed over."""
    allowed = ALLOWED[op.tier]
    types = [e[0] for e in op.effects]
    _need(all(t in allowed for t in types if t in SHAPES), "P8.5 tier")
    _need(types.count(ENROL) + types.count(OPEN) <= 1, "P8.5 two openings")
    if op.tier == GENESIS:
        _need(all(types.count(t) == 1 for t in (KEYS, ORGANISATION, OPEN, HUB_KEYS)), "P8.5 genesis")
    if op.tier == HUB:
        _need([t for t in types if t in SHAPES] == [ENROL], "P8.5 hub")
    if op.tier == ROOT:
        _need(op.counter > p.counter, "P8.2 counter")
        p = replace(p, counter=op.counter)
    for n, e in enumerate(op.effects):
        p = _effect_on(p, op, n, e)
    return replace(p, ops=p.ops | {op.id})


def well_signed(op, signatures, p):
    """P8.3: by the keys in force at its prev, and by nobody else."""
    new = [e for e in op.effects if e[0] == KEYS]
    if op.tier == GENESIS:
        must = {k for e in new for k in (*e[2], e[3])}
        must |= {e[1] for e in op.effects if e[0] == HUB_KEYS} | {e[2] for e in op.effects if e[0] == OPEN}
        may = must
    elif op.tier == ROOT:
        must, may = set(), {*p.root, *(k for e in new for k in e[2])}
    else:
        must = may = {p.operational if op.tier == OPERATIONAL else p.checkpoint}
    by_id = {key_id(k): k for k in may}
    if not all(i in by_id and verify(by_id[i], s, "authority", op.net, op.id) for i, s in signatures.items()):
        return False
    signers = {by_id[i] for i in signatures}
    if op.tier == ROOT:
        return all(len(signers & set(keys)) >= n for keys, n in [(p.root, p.threshold)] + [(e[2], e[1]) for e in new])
    return signers == must


# --- the authority -------------------------------------------------------------------------------------


class Authority:
    """A pure function of {op id: (bytes, {key id: signature})}, pinned to one genesis.

    known      id -> AuthorityOp          trunk      [AuthorityOp]
    head       id of the trunk's end      forked     whether branches leave it there
    too_new    whether an op of the trunk could not be applied (P8.6)
    """

    def __init__(self, ops, genesis):
        self.genesis = genesis
        self.known, self.paths, self.why = {}, {}, {}
        self._learn({i: (unpack(raw), s) for i, (raw, s) in ops.items()})
        self.kids = {}
        for op in self.known.values():
            self.kids.setdefault(op.prev, []).append(op)
        self._find_trunk()
        self._apply()

    def _learn(self, ops):
        """P8.3: which ops are known, what is in force after each, and why one has no effect."""
        kids = {}
        for op, signatures in ops.values():
            kids.setdefault(op.prev, []).append((op, signatures))
        todo = [(op, s, START) for op, s in kids.get(ZERO32, []) if op.id == self.genesis]
        self.net = todo[0][0].net if todo else None
        while todo:
            op, signatures, path = todo.pop()
            parent = self.known.get(op.prev)
            if (
                op.net != self.net
                or (parent is not None and op.seq != parent.seq + 1)
                or not well_signed(op, signatures, path)
            ):
                continue
            self.known[op.id] = op
            try:
                path = step(path, op)
            except Inadmissible as why:
                self.why[op.id] = str(why)
            self.paths[op.id] = path
            todo += [(k, s, path) for k, s in kids.get(op.id, [])]

    def admissible(self, op):
        return op.id not in self.why

    def path_to(self, op):
        out = [op]
        while out[-1].tier != GENESIS:
            out.append(self.known[out[-1].prev])
        return out[::-1]

    def _find_trunk(self):
        """P8.10"""
        self.trunk, self.branch_ops, self.forked = [], [], False
        roots = [op for op in self.known.values() if op.tier == ROOT and self.admissible(op)]
        if roots:
            best = max(op.counter for op in roots)
            for same in zip(*(self.path_to(op) for op in roots if op.counter == best)):
                if len({op.id for op in same}) > 1:
                    break
                self.trunk.append(same[0])
        memo = {}

        def weighty(op):
            """Does the subtree of op contain an operational or root op?"""
            order, todo = [], [op]
            while todo:
                x = todo.pop()
                order.append(x)
                todo += [k for k in self.kids.get(x.id, []) if k.id not in memo]
            for x in reversed(order):
                memo[x.id] = x.tier in (OPERATIONAL, ROOT) or any(memo[k.id] for k in self.kids.get(x.id, []))
            return memo[op.id]

        while True:
            kids = self.kids.get(self.trunk[-1].id if self.trunk else ZERO32, [])
            heavy = [k for k in kids if weighty(k)]
            if len(heavy) > 1:
                self.forked = True
                todo = list(heavy)
                while todo:
                    self.branch_ops.append(todo.pop())
                    todo += self.kids.get(self.branch_ops[-1].id, [])
                break
            if len(heavy) != 1 and len(kids) != 1:
                break
            self.trunk.append(heavy[0] if heavy else kids[0])
        self.head = self.trunk[-1].id if self.trunk else ZERO32

    def _apply(self):
        """P8.11: the tables that verdicts ask."""
        self.openings = {}  # op id -> (site, key id, public key, index in the trunk)
        self.opened = {}  # (site, key id) -> op id
        self.tls = {}  # TLS key hash -> op id of the opening
        self.grants = {}  # site -> [(index, op id, roles, reach, id, after)]
        self.narrows = {}  # (op id, site) -> [(roles, for, rest, pairs)], latest last
        self.places = {}  # (site, key id) -> [("cut" | "decide", scope or None, ids or pairs)], latest last
        self.extra = []  # restricting effects of branch ops
        self.orgs = {}  # organisation -> dict(parent, kind, handle, name, short, code, closed, names)
        self.above = {}  # organisation -> the organisations in whose subtree it ever stood
        self.sites = {}  # site -> dict(organisation, name)
        self.invites = {}  # key id -> dict
        self.redacted = set()  # (entry id, value index)
        self.too_new = False
        for index, op in enumerate(self.trunk):
            if op.too_new:
                self.too_new = True
                break
            if self.admissible(op):
                for n, e in enumerate(op.effects):
                    self._trunk_effect(index, op, n, e)
        self.org_scopes = {scope_id(ORG, o): o for o in self.orgs}
        for op in self.branch_ops:
            if self.admissible(op) and not op.too_new:
                self.extra += [e for e in op.effects if e[0] in (NARROW, CUT, RECUT, DECIDE)]
        self.anchor_grants = {}  # site -> [(reach, id)] of every known op
        for op in self.known.values():
            if not self.admissible(op):
                continue
            for e in op.effects:
                if e[0] == REDACT:
                    self.redacted |= set(e[2])
                for site, roles, reach, id_, _ in self._grants_of(op, e):
                    if roles & schema.ANCHORER:
                        self.anchor_grants.setdefault(site, []).append((reach, id_))

    def _grants_of(self, op, e):
        """The grants that an effect makes: (site, roles, reach, id, after)."""
        path = self.paths[op.id]
        if e[0] == GRANT:
            id_ = e[4]
            if e[3] in (REACH_SUBTREE, REACH_PROJECTS):
                id_ = _org(path, op, id_)
            return [(e[1], e[2], e[3], id_, e[5])]
        if e[0] == ENROL:  # P8.7
            _, org, roles, _ = path.invites[e[1]]
            reaches = [
                (schema.EDITOR | schema.APPROVER, REACH_SCOPE, scope_id(ORG, org)),
                (schema.SUBMITTER, REACH_PROJECTS, org),
                (schema.READER | schema.REVIEWER, REACH_SUBTREE, org),
                (schema.PLANNER, REACH_SCOPE, SCOPE_PLAN),
                (schema.ANCHORER, REACH_ALL, ZERO16),
            ]
            return [(e[2], roles & mask, reach, i, {}) for mask, reach, i in reaches if roles & mask]
        return []

    def _trunk_effect(self, index, op, n, e):
        t = e[0]
        if t == ORGANISATION:
            self.orgs[organisation_id(op.id, n)] = dict(
                parent=parent_of(op, e), kind=e[2], handle=e[3], name=e[4], short=e[5], code=e[6], closed=False
            )
        elif t == ORG_NAME:
            self.orgs[e[1]].update(name=e[2], short=e[3])
        elif t == ORG_MOVE:
            self.orgs[e[1]]["parent"] = e[2]
        elif t == ORG_CLOSE:
            self.orgs[e[1]]["closed"] = True
        elif t == INVITE:
            self.invites[key_id(e[1])] = dict(
                public=e[1], organisation=e[2], name=e[3], roles=e[4], expiry=e[5], ended=False
            )
        elif t == INVITE_END:
            self.invites[e[1]]["ended"] = True
        elif t in (ENROL, OPEN):
            if t == ENROL:
                site, public, tls, invite = e[2], e[3], e[4], self.invites[e[1]]
                invite["ended"] = True
                self.sites[site] = dict(organisation=invite["organisation"], name=invite["name"])
            else:
                site, public, tls = e[1], e[2], e[3]
                org = self.paths[op.id].sites[site]
                self.sites[site] = dict(organisation=org, name=e[5])
            self.openings[op.id] = (site, key_id(public), public, index)
            self.opened[site, key_id(public)] = op.id
            self.tls[tls] = op.id
        elif t == NARROW:
            self.narrows.setdefault((e[1], e[2]), []).append((e[3], e[4], e[5], e[6]))
        elif t == CUT:
            self.places.setdefault((e[1], e[2]), []).append(("cut", None, e[3]))
        elif t in (RECUT, DECIDE):
            self.places.setdefault((e[1], e[2]), []).append(("cut" if t == RECUT else "decide", e[3], e[4]))
        for site, roles, reach, id_, after in self._grants_of(op, e):
            self.grants.setdefault(site, []).append((index, op.id, roles, reach, id_, after))
        if t in (ORGANISATION, ORG_MOVE):
            for org in self.orgs:
                up = org
                while up is not None:
                    self.above.setdefault(org, set()).add(up)
                    up = self.orgs[up]["parent"]

    # --- what verdicts ask
    def scope_kind(self, scope):
        return PLAN if scope == SCOPE_PLAN else ORG if scope in self.org_scopes else PROJECT

    def reaches(self, reach, id_, scope, for_):
        """P8.8; for_ None: an entry of whatever organisation."""
        kind = self.scope_kind(scope)
        org = self.org_scopes.get(scope)
        if kind == ORG and for_ not in (None, org):
            return False
        if reach == REACH_ALL:
            return True
        if reach == REACH_SCOPE:
            return id_ == scope
        if reach == REACH_PROJECTS:
            return kind == PROJECT and for_ in (None, id_)
        if kind == ORG:
            return id_ in self.above.get(org, ())
        return kind == PROJECT and (for_ is None or id_ in self.above.get(for_, ()))

    def ever_anchor(self, site, scope):
        """P8.11: did this site ever hold the role anchor in the scope, on any branch?"""
        return any(self.reaches(reach, id_, scope, None) for reach, id_ in self.anchor_grants.get(site, ()))

    def place(self, site, key, scope):
        """P8.12: ("cut" | "decide", ids) or None."""
        for what, where, x in reversed(self.places.get((site, key), [])):
            if where is None:
                return what, x.get(scope, ())
            if where == scope:
                return what, x
        return None

    def key_of_site(self, site):
        """The key id of a site's newest opening, or None."""
        mine = [(index, key) for s, key, _, index in self.openings.values() if s == site]
        return max(mine)[1] if mine else None

    def withdrawn(self, site, key):
        """P12.2: has this key a cut, on the trunk or a branch?"""
        return any(where is None for _, where, _ in self.places.get((site, key), ())) or any(
            e[0] == CUT and e[1:3] == (site, key) for e in self.extra
        )

    def set_hash(self):
        """P10.8"""
        return H(C("authority-set"), *sorted(self.known))

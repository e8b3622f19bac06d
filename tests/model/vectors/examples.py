"""The story in bytes that PROTOCOL.md section 17 tells: a network, a site that joins, two entries, one redacted."""
from soukatsu import authority as au, batch, frames, merge, mp, names, payload, verdict
from soukatsu.batch import Item
from soukatsu.crypto import Key
from soukatsu.invite import Invite
from soukatsu.names import C, H, ORG, ZERO16, half, scope_id, u32be
from soukatsu.payload import Payload
from soukatsu.schema import EDITOR, KIND_ITEM, SUBMITTER
from soukatsu.store import Store
from soukatsu.world import Feed, World, set_op
from vectors.scenario import Scenario

WALL_MS = 1700000000000
SEEDS = {"root": 1, "op": 2, "hub/site": 3, "hub/checkpoint": 4, "site": 5}
DRAWN = {"net": 0xA0, "site hub": 0xB0, "site honkan": 0xB1, "tls hub": 0xC0, "tls site": 0xC1}
SECRET, EXPORTER = b"\xd0" * 16, b"\xd1" * 32
LOG, INSTANCE, HUB_LOG = b"\xe0" * 16, b"\xe1" * 16, b"\xe2" * 16
SALTS = b"\xf1" * 16, b"\xf2" * 16


class Network(World):
    """Seeds, ids and TLS key hashes are one byte again and again, so that a reader can type them."""

    def key(self, name):
        if name == "invite":
            return Key(H(C("invite"), SECRET))
        return Key(bytes([SEEDS[name]]) * 32)

    def draw(self, what, n=16):
        return bytes([DRAWN[what]]) * n


class Story:
    def __init__(self):
        w = self.w = Network("example", hq_name="例県社会福祉協議会")
        self.org_op = w.op([au.ORGANISATION, w.hq, 4, "rei", "例市社会福祉協議会", "例市社協", ""])
        self.org = names.organisation_id(self.org_op, 0)
        self.invite_op = w.invite("invite", self.org, EDITOR | SUBMITTER, "本館", WALL_MS + 7 * 86400000)
        self.invite = Invite("hub.example:4980", w.tls("hub"), w.genesis, w.net, SECRET)
        self.enrol_op = w.enrol("invite", "honkan", "site", tls=w.tls("site"))
        self.scope = scope_id(ORG, self.org)
        self.item = names.entity_made(KIND_ITEM, w.site_id("honkan"), self.enrol_op, 1)
        feed = Feed(w, "honkan", "site", self.scope, self.enrol_op, self.org, "例 花子")
        self.first = self._text(feed, WALL_MS, SALTS[0], "例：相談会を三回開いた。")
        self.second = self._text(feed, WALL_MS + 60000, SALTS[1], "例：相談会を四回開いた。", [self.first])
        self.redact_op = w.op([au.REDACT, 1, [self.first.id, 1]])

    def _text(self, feed, wall_ms, salt, text, replaces=()):
        ops = (set_op(KIND_ITEM, self.item, "text", text, replaces),)
        return feed.put(Payload(self.org, feed.by, ops=ops, salt=salt), hlc=wall_ms << 16)

    def store(self):
        store = Store(self.w.genesis)
        for raw, signatures in self.w.ops.values():
            store.add_op(raw, signatures)
        for made in (self.first, self.second):
            store.add(made.raw, made.payload.pack(), made.signature)
        return store

    def world(self):
        """A row of worlds.json."""
        s = Scenario("P17 the worked example", orgs=(), world=self.w)
        s.add(self.first, form=[1])
        s.add(self.second)
        return s.row()

    def joining(self):
        """The body of `join` (P12.6)."""
        w = self.w
        key = w.key("invite")
        members = [key.id, w.site_id("honkan"), w.key("site").public, w.tls("site")]
        statement = au.enrol_statement(*members)
        return [
            0,
            key.id,
            w.net,
            *members[1:],
            key.sign("enrol", w.net, statement),
            key.sign("join", w.net, statement + EXPORTER),
        ]

    def hello(self):
        w = self.w
        return [0, 1, w.net, w.site_id("honkan"), LOG, INSTANCE, ZERO16, 0, "example", [self.enrol_op], []]

    def hello_again(self):
        """On the next connection: positions in the hub's log, with the scope digest (P11.3)."""
        digest = self.digest()[1].digest()
        return self.hello()[:6] + [HUB_LOG, 0, "example", [self.redact_op], [self.scope, 2, digest]]

    def news(self):
        items = [Item(m.header, m.payload.pack(), m.signature) for m in (self.first, self.second)]
        raw = batch.pack(batch.runs_of(items))
        return [self.scope, 0, 2, 0, len(raw), raw]

    def digest(self):
        store = self.store()
        a = store.authority
        state = merge.State(verdict.Scope(store.records, a, self.scope))
        for made in (self.first, self.second):
            assert state.scope.accepted(made.id)
        return [self.scope, 2, 1, a.set_hash(), state.entries_digest(), state.state_digest()], state

    def frames(self):
        """name, kind, body"""
        raw, signatures = self.w.ops[self.redact_op]
        return [
            ("P12.6 join", frames.JOIN, self.joining()),
            ("P12.6 joined", frames.JOINED, [self.enrol_op]),
            ("P11.2 hello", frames.HELLO, self.hello()),
            ("P11.6 news", frames.NEWS, self.news()),
            ("P11.7 ack", frames.ACK, [self.scope, 2, WALL_MS + 61000]),
            ("P13.4 authority", frames.AUTHORITY, [0, [[raw, [[k, s] for k, s in sorted(signatures.items())]]]]),
            ("P13.12 digest", frames.DIGEST, self.digest()[0]),
            ("P11.3 hello with positions", frames.HELLO, self.hello_again()),
            ("P13.7 heads", frames.HEADS, [self.scope, [self.second.id]]),
            ("P11.12 refuse", frames.REFUSE, [self.scope, 3, 1, "P11.12", self.second.id]),
            ("P11.13 bye", frames.BYE, [9, "P11.13", "stopping"]),
        ]


def entry_row(name, made):
    p = made.payload
    salts = [dict(index=i, salt=payload.salt_of(p.salt, i), commitment=c) for i, c in p.commitments().items()]
    return dict(
        name=name,
        header=made.raw,
        payload=p.pack(),
        hash=p.hash(),
        id=made.id,
        version=half(made.id),
        signature=made.signature,
        entry_salt=p.salt,
        by=p.by,
        text=p.ops[0].value,
        hlc=str(made.header.hlc),
        seq=str(made.header.seq),
        prev=made.header.prev,
        epoch=made.header.epoch,
        authority_head=made.header.authority_head,
        replaces=list(p.ops[0].replaces),
        salts=salts,
    )


def examples_json():
    s = Story()
    w = s.w
    ops = [
        ("P8.4 genesis", w.genesis),
        ("P8.4 an organisation", s.org_op),
        ("P8.4 an invite", s.invite_op),
        ("P8.4 an enrol", s.enrol_op),
        ("P8.4 a redaction", s.redact_op),
    ]
    redacted = s.first.payload.redact([1])
    body, state = s.digest()
    return dict(
        keys=[
            dict(name="P3.1 " + n, seed=bytes([i]) * 32, public=w.key(n).public, id=w.key(n).id)
            for n, i in SEEDS.items()
        ],
        invites=[
            dict(
                name="P12.5 the invite",
                text=s.invite.text(),
                address=s.invite.address,
                secret=SECRET,
                tls=s.invite.tls_hash,
                genesis=w.genesis,
                public=s.invite.key.public,
                exporter=EXPORTER,
            )
        ],
        names=[
            dict(
                name="P3 names",
                net=w.net,
                hq=w.hq,
                organisation=s.org,
                scope=s.scope,
                site=w.site_id("honkan"),
                item=s.item,
                organisation_op=s.org_op,
                opening=s.enrol_op,
            )
        ],
        ops=[
            dict(name=n, op=w.ops[i][0], id=i, signatures=[[k, x] for k, x in sorted(w.ops[i][1].items())])
            for n, i in ops
        ],
        entries=[entry_row("P6.1 first", s.first), entry_row("P6.1 second", s.second)],
        redacted=[dict(name="P6.1 redacted form", gone=[1], payload=redacted.pack(), hash=redacted.hash())],
        frames=[dict(name=n, kind=k, frame=frames.frame(k, frames.pack_body(k, b))) for n, k, b in s.frames()],
        digests=[
            dict(
                name="P10.6 digests",
                rows=b"\x01" + bytes([KIND_ITEM]) + s.item + b"\0\1" + u32be(1) + half(s.second.id),
                bucket=state.buckets()[s.item[0]],
                authority=body[3],
                entries=body[4],
                state=body[5],
                scope_digest=state.digest(),
            )
        ],
    )

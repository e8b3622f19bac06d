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
SECRET, EXPORTER, LOG, INSTANCE = b"\xd0" * 16, b"\xd1" * 32, b"\xe0" * 16, b"\xe1" * 16
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
        frames=[
            dict(name=n, kind=k, frame=frames.frame(k, frames.pack_body(k, b))) for n, k, b in s.frames()
        ],
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


# --- section 17 of PROTOCOL.md ----------------------------------------------------------------------------


def _lines(raw, label, indent):
    """Hex, 36 bytes a line, the label beside the first."""
    text = raw.hex()
    cut = [text[i : i + 72] for i in range(0, len(text), 72)] or [""]
    pad = "  " * indent
    out = [("%s%s" % (pad, cut[0])).ljust(24) + " " + label if len(cut[0]) <= 20 else pad + cut[0] + "  " + label]
    return [line.rstrip() for line in out + [pad + "  " + c for c in cut[1:]]]


def dump(value, labels, indent=0):
    """One line a member. labels: a text, or for an array (text, [labels of the members])."""
    if isinstance(value, (list, tuple)):
        text, inner = labels if isinstance(labels, tuple) else (labels, [])
        head = mp.encode([None] * len(value))[: -len(value) or None]
        out = _lines(head, text, indent)
        for n, member in enumerate(value):
            out += dump(member, inner[n] if n < len(inner) else "", indent + 1)
        return out
    return _lines(mp.encode(value), labels, indent)


def _block(title, lines):
    return ["", title, "", "```", *lines, "```"]


HEADER = (
    "version", "kind", "net id", "site id", "scope id", "epoch", "seq", "prev", "hlc", "clock flags",
    "authority head", "key id", "payload length", "payload hash",
)
OP = ("type", "kind", "entity", "field", "value", "replaces")
ENTRY = ("form", "entry salt", "for", "by", "cites", "part")


def protocol_text():
    s = Story()
    w, out = s.w, []
    made = examples_json()
    p = mp.decode(s.first.payload.pack())
    out += [
        "A network with one organisation, whose site joins by an invite and writes a paragraph twice; headquarters then redacts the",
        "first version. Every byte here is in `tests/vectors/examples.json`; both implementations are held against it, and this section",
        "is written by `tests/model/make_vectors.py`. What a site would draw at random is one byte again and again, so that it can be typed:",
        "net `%s`…, site of the hub `%s`…, the joining site `%s`…, TLS key hashes `%s`… and `%s`…, invite secret `%s`…, TLS"
        % tuple("%02x%02x" % (x, x) for x in (0xA0, 0xB0, 0xB1, 0xC0, 0xC1, 0xD0)),
        "exporter `d1d1`…, log `e0e0`…, instance `e1e1`…, entry salts `f1f1`… and `f2f2`….",
    ]
    keys = []
    for row in made["keys"]:
        keys += ["%-16s seed %02x…  public %s" % (row["name"][5:], row["seed"][0], row["public"].hex())]
        keys += ["%-16s           key id %s" % ("", row["id"].hex())]
    out += _block("**Example 1.** Keys (P3.1): Ed25519 seed of 32 equal bytes, public key, key id.", keys)
    out += _genesis(w)
    row = made["names"][0]
    out += _block(
        "**Example 3.** Names. The organisation: effect 0 of the operational op `%s…` that follows the genesis (P3.3); its `org`"
        "\nscope (P3.2); the item, counter 1 under the site's opening, the `enrol` op `%s…` (P3.3)."
        % (s.org_op.hex()[:16], s.enrol_op.hex()[:16]),
        ["%-14s %s" % (k, row[k].hex()) for k in ("hq", "organisation", "scope", "item", "opening")],
    )
    out += _joining(s, made)
    out += _block(
        "**Example 5.** The first entry's payload in full form (P6.1), its salts and commitments (P6.4, P6.5: of `by` and of the value of"
        "\nop 0), its hash (P6.6).",
        dump(p, ("payload", [*ENTRY, ("ops", [("op 0: set item text", OP)])]))
        + [""]
        + [x for c in made["entries"][0]["salts"] for x in (
            "salt(%d)         %s" % (c["index"], c["salt"].hex()),
            "commitment(%d)   %s" % (c["index"], c["commitment"].hex()),
        )]
        + ["payload hash    " + made["entries"][0]["hash"].hex()],
    )
    out += _block(
        "**Example 6.** Its header (P5.1), id (P5.2) and signature (P4.1). hlc is %d ms × 65,536." % WALL_MS,
        dump(mp.decode(s.first.raw), ("header", HEADER))
        + ["", "entry id   " + s.first.id.hex(), "version    " + half(s.first.id).hex()]
        + ["signature  " + s.first.signature.hex()[:64], "           " + s.first.signature.hex()[64:]],
    )
    out += _block(
        "**Example 7.** The second entry, a minute later, names the first's version; it stands on it by `prev`.",
        dump(mp.decode(s.second.payload.pack()), ("payload", [*ENTRY, ("ops", [("op 0", [*OP[:5], ("replaces", ["version of the first"])])])]))
        + [""] + dump(mp.decode(s.second.raw), ("header", HEADER))
        + ["", "entry id   " + s.second.id.hex()]
        + ["signature  " + s.second.signature.hex()[:64], "           " + s.second.signature.hex()[64:]],
    )
    out += _block(
        "**Example 8.** The first payload in redacted form after a `redact` of value 1: the salt of `by`, the commitment of the text; the"
        "\nhash is that of example 5.",
        dump(mp.decode(made["redacted"][0]["payload"]), ("", ["form", ("salts", ["of `by`", "commitment of value 1"]), *ENTRY[2:], ("ops", [("op 0", OP)])])),
    )
    out += _frames(s)
    d = made["digests"][0]
    out += _block(
        "**Example 10.** When all is known and stored, both are accepted, the second is live. Digests (P10.6 to P10.8); the item is in bucket"
        "\n%d, all other buckets are zero." % s.item[0],
        ["%-16s%s" % (k + ":", d[v].hex()) for k, v in (
            ("rows", "rows"), ("bucket", "bucket"), ("state", "state"), ("entries", "entries"),
            ("authority", "authority"), ("scope digest", "scope_digest"))],
    )
    return "\n".join(out) + "\n"


def _genesis(w):
    raw, signatures = w.ops[w.genesis]
    effects = [
        ("keys", ["type", "threshold", ("root keys", [""]), "operational key"]),
        ("org", ["type", "parent", "kind", "handle", "name", "short name", "code"]),
        ("open", ["type", "site", "site key", "TLS key hash", "organisation: its own", "site name"]),
        ("hub", ["type", "checkpoint key", "TLS key hash"]),
        ("grant", ["type", "site", "roles: anchor", "reach: all", "id", "after"]),
    ]
    labels = ("genesis", ["version", "net id", "seq", "prev", "tier", "root counter", ("effects", effects)])
    lines = dump(mp.decode(raw), labels) + ["", "op id          " + w.genesis.hex()]
    for key in ("root", "op", "hub/site", "hub/checkpoint"):
        sig = signatures[w.key(key).id].hex()
        lines += ["%-15s%s" % (key, sig[:64]), " " * 15 + sig[64:]]
    return _block(
        "**Example 2.** The genesis op (P8.1, P8.4), its id, and its four signatures in context `authority` (P8.3; beside an op they travel in"
        "\norder of key id).",
        lines,
    )


def _joining(s, made):
    row = made["invites"][0]
    text = row["text"]
    lines = ["invite key %s" % row["public"].hex()]
    lines += [text[i : i + 96] for i in range(0, len(text), 96)]
    out = _block("**Example 4.** The invite (P12.4, P12.5), one string, and the two frames of joining (P12.6) whole.", lines)
    labels = ["wire version", "invite key id", "net id", "site id", "site key", "TLS key hash", "enrol signature", "join signature"]
    for name, kind, body, inner in (("join", frames.JOIN, s.joining(), labels), ("joined", frames.JOINED, [s.enrol_op], ["op id"])):
        out += _frame(name, kind, body, inner)
    return out


def _frame(name, kind, body, labels):
    raw = frames.pack_body(kind, body)
    head = frames.frame(kind, raw)[:5]
    lines = _lines(head[:4], "bytes that follow", 0) + _lines(head[4:], "kind: " + name, 0)
    depth = {frames.AUTHORITY: 5}.get(kind, 4)
    return ["", "```", *lines, *dump(mp.decode(raw, depth), ("", labels)), "```"]


def _frames(s):
    hello = ["wire version", "rule version", "net id", "site id", "log id", "instance id", "your log: not known", "flags", "software",
             ("leaves", ["the enrol op"]), ("positions", [])]
    news = ["scope id", "after", "upto", "flags", "raw bytes", "data: see below"]
    runs = [("run", ["site id", "key id", "epoch", "seq of the first", "prev of the first",
            ("entries", [("first", ["m: 4 authority head, 8 signature", "d: the hlc", "payload", "authority head", "signature"]),
                         ("second", ["m: 8 signature", "d: 60,000 ms", "payload", "signature"])])])]
    body = s.news()
    out = ["", "**Example 9.** Frames of the session (P11.2): the site's hello; its two entries as news, uncompressed, with the raw data taken apart",
           "(P11.8); the hub's ack; the redaction as an authority series; a digest."]
    for name, kind, made in s.frames()[2:]:
        labels = {
            frames.HELLO: hello,
            frames.NEWS: news,
            frames.ACK: ["scope id", "upto", "receive time"],
            frames.AUTHORITY: ["more", ("ops", [("op and signatures", ["op", ("", [("", ["key id", "signature"])])])])],
            frames.DIGEST: ["scope id", "upto", "rule version", "authority hash", "entries' digest", "state digest"],
        }[kind]
        out += _frame(name.split()[1], kind, made, labels)
        if kind == frames.NEWS:
            out += ["", "```", *dump(mp.decode(body[-1]), ("raw data", runs)), "```"]
    return out

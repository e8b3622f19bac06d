"""Section 17 of PROTOCOL.md: the story of examples.py taken apart, one line a member."""
from soukatsu import frames, mp
from soukatsu.names import half
from vectors.examples import WALL_MS, Story, examples_json


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
    "version",
    "kind",
    "net id",
    "site id",
    "scope id",
    "epoch",
    "seq",
    "prev",
    "hlc",
    "clock flags",
    "authority head",
    "key id",
    "payload length",
    "payload hash",
)
OP = ("type", "kind", "entity", "field", "value", "replaces")
ENTRY = ("form", "entry salt", "for", "by", "cites", "part")


def text():
    s = Story()
    w, out = s.w, []
    made = examples_json()
    p = mp.decode(s.first.payload.pack())
    out += [
        "A network with one organisation, whose site joins by an invite and writes a paragraph twice; headquarters",
        "then redacts the first version. Every byte here is in `tests/vectors/examples.json`; both implementations are",
        "held against it, and this section is written by `tests/model/make_vectors.py`. What would be drawn at random",
        "is one byte again and again, so that it can be typed: net `a0a0`…, site of the hub `b0b0`…, the joining site",
        "`b1b1`…, TLS key hashes `c0c0`… and `c1c1`…, invite secret `d0d0`…, TLS exporter `d1d1`…, log `e0e0`…,",
        "instance `e1e1`…, log of the hub `e2e2`…, entry salts `f1f1`… and `f2f2`….",
    ]
    keys = []
    for row in made["keys"]:
        keys += ["%-16s seed %02x…  public %s" % (row["name"][5:], row["seed"][0], row["public"].hex())]
        keys += ["%-16s           key id %s" % ("", row["id"].hex())]
    out += _block("**Example 1.** Keys (P3.1): Ed25519 seed of 32 equal bytes, public key, key id.", keys)
    out += _genesis(w) + _ops(s)
    row = made["names"][0]
    out += _block(
        "**Example 3.** Names. The organisation: effect 0 of the operational op `%s…` that follows the"
        "\ngenesis (P3.3); its `org` scope (P3.2); the item, counter 1 under the site's opening, the `enrol` op"
        "\n`%s…` (P3.3)." % (s.org_op.hex()[:16], s.enrol_op.hex()[:16]),
        ["%-14s %s" % (k, row[k].hex()) for k in ("hq", "organisation", "scope", "item", "opening")],
    )
    out += _joining(s, made)
    out += _block(
        "**Example 5.** The first entry's payload in full form (P6.1), its salts and commitments (P6.4, P6.5: of"
        "\n`by` and of the value of op 0), its hash (P6.6).",
        dump(p, ("payload", [*ENTRY, ("ops", [("op 0: set item text", OP)])]))
        + [""]
        + [
            x
            for c in made["entries"][0]["salts"]
            for x in (
                "salt(%d)         %s" % (c["index"], c["salt"].hex()),
                "commitment(%d)   %s" % (c["index"], c["commitment"].hex()),
            )
        ]
        + ["payload hash    " + made["entries"][0]["hash"].hex()],
    )
    out += _block(
        "**Example 6.** Its header (P5.1), id (P5.2) and signature (P4.1). hlc is %d ms × 65,536." % WALL_MS,
        dump(mp.decode(s.first.raw), ("header", HEADER))
        + ["", "entry id   " + s.first.id.hex(), "version    " + half(s.first.id).hex()]
        + ["signature  " + s.first.signature.hex()[:64], "           " + s.first.signature.hex()[64:]],
    )
    replaces = ("replaces", ["version of the first"])
    redacted = made["redacted"][0]["payload"]
    salts = ("salts", ["of `by`", "commitment of value 1"])
    out += _block(
        "**Example 7.** The second entry, a minute later, names the first's version; it stands on it by `prev`.",
        dump(mp.decode(s.second.payload.pack()), ("payload", [*ENTRY, ("ops", [("op 0", [*OP[:5], replaces])])]))
        + [""]
        + dump(mp.decode(s.second.raw), ("header", HEADER))
        + ["", "entry id   " + s.second.id.hex()]
        + ["signature  " + s.second.signature.hex()[:64], "           " + s.second.signature.hex()[64:]],
    )
    out += _block(
        "**Example 8.** The first payload in redacted form after a `redact` of value 1: the salt of `by`, the"
        "\ncommitment of the text; the hash is that of example 5.",
        dump(mp.decode(redacted), ("", ["form", salts, *ENTRY[2:], ("ops", [("op 0", OP)])])),
    )
    out += _frames(s)
    d = made["digests"][0]
    out += _block(
        "**Example 10.** When all is known and stored, both are accepted, the second is live. Digests (P10.6 to"
        "\nP10.8); the item is in bucket %d, all other buckets are zero." % s.item[0],
        [
            "%-16s%s" % (k + ":", d[v].hex())
            for k, v in (
                ("rows", "rows"),
                ("bucket", "bucket"),
                ("state", "state"),
                ("entries", "entries"),
                ("authority", "authority"),
                ("scope digest", "scope_digest"),
            )
        ],
    )
    return "\n".join(out) + "\n"


EFFECTS = {
    "keys": ["type", "threshold", ("root keys", [""]), "operational key"],
    "org": ["type", "parent", "kind", "handle", "name", "short name", "code"],
    "open": ["type", "site", "site key", "TLS key hash", "organisation: its own", "site name"],
    "hub": ["type", "checkpoint key", "TLS key hash"],
    "grant": ["type", "site", "roles: anchor", "reach: all", "id", "after"],
    "invite": ["type", "invite key", "organisation", "site name", "roles: editor, submitter", "expiry"],
    "enrol": ["type", "invite key id", "site", "site key", "TLS key hash", "signature: P8.9"],
    "redact": ["type", "reason", ("values", ["entry id", "value index"])],
}


def _op(w, op_id, title, effects, signers):
    raw, signatures = w.ops[op_id]
    labels = ["version", "net id", "seq", "prev", "tier", "root counter"]
    labels = (title, labels + [("effects", [(e, EFFECTS[e]) for e in effects])])
    lines = dump(mp.decode(raw), labels) + ["", "op id          " + op_id.hex()]
    for key in signers:
        sig = signatures[w.key(key).id].hex()
        lines += ["%-15s%s" % (key, sig[:64]), " " * 15 + sig[64:]]
    return lines


def _genesis(w):
    return _block(
        "**Example 2.** The genesis op (P8.1, P8.4), its id, and its four signatures in context `authority` (P8.3;"
        "\nbeside an op they travel in order of key id).",
        _op(
            w,
            w.genesis,
            "genesis",
            ["keys", "org", "open", "hub", "grant"],
            ["root", "op", "hub/site", "hub/checkpoint"],
        ),
    )


def _ops(s):
    """The ops that stand on it, in their order."""
    out = ["", "The ops that follow it: the organisation, the invite, the `enrol` by the hub, the redaction."]
    for op_id, effect, signer in (
        (s.org_op, "org", "op"),
        (s.invite_op, "invite", "op"),
        (s.enrol_op, "enrol", "hub/checkpoint"),
        (s.redact_op, "redact", "op"),
    ):
        out += ["", "```", *_op(s.w, op_id, effect, [effect], [signer]), "```"]
    return out


def _joining(s, made):
    row = made["invites"][0]
    text = row["text"]
    lines = ["invite key %s" % row["public"].hex()]
    lines += [text[i : i + 96] for i in range(0, len(text), 96)]
    title = "**Example 4.** The invite (P12.4, P12.5), one string, and the two frames of joining (P12.6) whole."
    out = _block(title, lines)
    labels = ["wire version", "invite key id", "net id", "site id", "site key", "TLS key hash"]
    out += _frame("join", frames.JOIN, s.joining(), labels + ["enrol signature", "join signature"])
    return out + _frame("joined", frames.JOINED, [s.enrol_op], ["op id"])


def _frame(name, kind, body, labels):
    raw = frames.pack_body(kind, body)
    head = frames.frame(kind, raw)[:5]
    lines = _lines(head[:4], "bytes that follow", 0) + _lines(head[4:], "kind: " + name, 0)
    depth = {frames.AUTHORITY: 5}.get(kind, 4)
    return ["", "```", *lines, *dump(mp.decode(raw, depth), ("", labels)), "```"]


def _frames(s):
    hello = ["wire version", "rule version", "net id", "site id", "log id", "instance id", "your log (zero: not known)"]
    hello += ["flags", "software", ("leaves", [""]), ("positions", ["scope id", "position", "scope digest"])]
    news = ["scope id", "after", "upto", "flags", "raw bytes", "data: see below"]
    entries = [
        ("first", ["m: 4 authority head, 8 signature", "d: the hlc", "payload", "authority head", "signature"]),
        ("second", ["m: 8 signature", "d: 60,000 ms", "payload", "signature"]),
    ]
    chain = ["site id", "key id", "epoch", "seq of the first", "prev of the first"]
    runs = [("run", [*chain, ("entries", entries)])]
    series = ("op and signatures", ["op", ("", [("", ["key id", "signature"])])])
    body = s.news()
    out = [
        "",
        "**Example 9.** Frames of the session (P11.2): the site's hello; its two entries as news, uncompressed, with",
        "the raw data taken apart (P11.8); the hub's ack; the redaction as an authority series; a digest; hello on the",
        "next connection, with a position; heads, a refusal and a bye.",
    ]
    for name, kind, made in s.frames()[2:]:
        labels = {
            frames.HELLO: hello,
            frames.NEWS: news,
            frames.ACK: ["scope id", "upto", "receive time"],
            frames.AUTHORITY: ["more", ("ops", [series])],
            frames.DIGEST: ["scope id", "upto", "rule version", "authority hash", "entries' digest"] + ["state digest"],
            frames.HEADS: ["scope id", ("heads", ["the second entry"])],
            frames.REFUSE: ["scope id", "upto", "code", "clause", "entry id"],
            frames.BYE: ["code", "clause", "text"],
        }[kind]
        out += _frame(name.split()[1], kind, made, labels)
        if kind == frames.NEWS:
            out += ["", "```", *dump(mp.decode(body[-1]), ("raw data", runs)), "```"]
    return out

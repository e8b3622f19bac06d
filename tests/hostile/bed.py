"""A network of real processes with honest sites, and what a hostile peer needs beside it: enrolled keys by the
operational key, entries made by hand, links that say what they like. On loopback addresses alone; each peer has one of
its own, so that the log tells them apart.
"""
import os
import re
import secrets
import socket
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for room in ("model", "e2e"):
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), room))

import lib  # noqa: E402
from cryptography.hazmat.primitives import serialization  # noqa: E402
from soukatsu import authority, batch, frames, mp, payload, schema, tls  # noqa: E402
from soukatsu.client import Site  # noqa: E402
from soukatsu.crypto import Key  # noqa: E402
from soukatsu.entry import DATA, Header  # noqa: E402
from soukatsu.names import ORG, ZERO16, half, scope_id  # noqa: E402
from soukatsu.payload import Op, Payload  # noqa: E402

LONG = bool(os.environ.get("SOU_LONG"))
WAIT_S = 15


def rss_kib(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


def wall_hlc():
    return int(time.time() * 1000) << 16


def seed_of(path, passphrase=None):
    with open(path, "rb") as f:
        key = serialization.load_pem_private_key(f.read(), passphrase)
    return key.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )


class Bed:
    """hub; near: an editor of tvac; watch: a reader of everything; spy: the same in Python, to look at verdicts."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="soukatsu-")
        self.hub, (self.near,) = lib.network(self.folder.name, [("near", "tvac")])
        self.watch = lib.Site(self.folder.name, "watch")
        self.watch.cli("join", self.invite("hq", "reader"))
        self.watch.start()
        self.spy, session = Site.join(os.path.join(self.folder.name, "spy"), self.invite("hq", "reader"))
        assert session.settled(), session.closed
        self.operational = Key(seed_of(self.hub.data + "/keys/operational.pem", lib.PASSPHRASE))
        self.checkpoint = Key(seed_of(self.hub.data + "/keys/checkpoint.pem"))
        self.addresses = 0
        self.text = 0
        self.honest()
        self.level()

    def close(self):
        for site in (self.near, self.watch, self.hub):
            if site.process is not None:
                assert site.end() == 0, site.name
        self.folder.cleanup()

    def invite(self, org, roles, name="例"):
        return self.hub.cli(
            "invite", "--org", org, "--name", name, "--role", roles, "--by", "例", passphrase=True
        )["invite"]

    def address(self):
        self.addresses += 1
        return "127.1.%d.%d" % divmod(self.addresses, 250)

    # --- authority
    @property
    def book(self):
        return self.spy.replica

    def op(self, *effects, prev=None, tier=authority.OPERATIONAL, counter=0, signers=None):
        """Bytes and signatures of an authority op on the head, or on `prev`."""
        a = self.book.authority
        at = prev or a.head
        raw = authority.pack(self.book.net, a.known[at].seq + 1 if at in a.known else 99, at, tier, counter, effects)
        i = authority.authority_id(raw)
        keys = signers or [self.operational]
        return raw, {k.id: k.sign("authority", self.book.net, i) for k in keys}, i

    def admin(self, *effects, **how):
        """Signed by the operational key and known everywhere."""
        raw, signatures, i = self.op(*effects, **how)
        self.book.add_op(raw, signatures)
        self.sync()
        return i

    def sync(self):
        session = self.spy.sync()
        assert session.closed is None and not session.faults, (session.closed, session.faults)

    def peers(self, *wanted):
        """Enrolled sites of tvac, or of another organisation: (name, roles, reach[, organisation])."""
        made = []
        for name, roles, reach, *org in wanted:
            org = self.book.org_by_handle(org[0] if org else "tvac")
            peer = Peer(self, name, org)
            opened = [authority.OPEN, peer.site, peer.key.public, peer.tls_hash, org, name]
            what = {
                authority.REACH_SCOPE: scope_id(ORG, org),
                authority.REACH_PROJECTS: org,
                authority.REACH_SUBTREE: self.book.org_by_handle("hq"),
                authority.REACH_ALL: ZERO16,
            }[reach]
            raw, signatures, i = self.op(opened, [authority.GRANT, peer.site, roles, reach, what, []])
            self.book.add_op(raw, signatures)
            assert i in self.book.authority.known and self.book.authority.admissible(self.book.authority.known[i])
            peer.opening = i
            made.append(peer)
        self.sync()
        return made

    # --- what honest sites hold
    def honest(self):
        """An honest person writes; headquarters has it, and so has who reads it. Seconds that it took."""
        self.text += 1
        text, begin = "正直な段落 %d 例" % self.text, time.monotonic()
        code, answer = lib.add(self.near, text)
        assert code in (200, 201), answer
        lib.level(self.near, 60000)
        assert text in [x["text"] for x in lib.items(self.hub)], text
        return time.monotonic() - begin

    def level(self):
        """The hub and the honest sites have one digest of each scope that they share; the hub's."""
        until = time.monotonic() + WAIT_S
        while True:
            for site in (self.near, self.watch):
                lib.level(site)
            there = self.hub.digests()
            near, watch = self.near.digests(), self.watch.digests()
            if watch == there and all(there[s] == d for s, d in near.items()):
                return there
            assert time.monotonic() < until, [(s, d, watch.get(s)) for s, d in there.items() if watch.get(s) != d]
            time.sleep(0.1)

    def states(self):
        """Scope id -> what the hub's honest readers see of it."""
        return {s["id"]: s["state"] for s in self.hub.call("GET", "/v1/digest")[1]["scopes"]}

    def counted(self, name):
        """A figure of the hub's metrics."""
        connection = lib.UnixConnection(os.path.join(self.hub.data, "control.sock"))
        connection.request("GET", "/v1/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return int(float(re.search(r"^soukatsu_%s (\S+)$" % name, text, re.M)[1]))

    def log_at(self):
        return os.path.getsize(self.hub.data + ".log")

    def log(self, since, address=None):
        with open(self.hub.data + ".log", encoding="utf-8") as f:
            f.seek(since)
            lines = f.read().splitlines()
        return [x for x in lines if address is None or address + ":" in x]

    def logged(self, since, address, pattern):
        """Lines of this peer that match, waited for."""
        until = time.monotonic() + WAIT_S
        while True:
            found = [x for x in self.log(since, address) if re.search(pattern, x)]
            if found or time.monotonic() > until:
                return found
            time.sleep(0.05)


class Peer:
    """A site with keys of its own that authority lists, or not, and no conscience."""

    def __init__(self, bed, name, org):
        self.bed, self.name, self.org = bed, name, org
        self.key, self.tls_seed = Key(secrets.token_bytes(32)), secrets.token_bytes(32)
        self.tls_hash = tls.context(self.tls_seed)[1]
        self.site = secrets.token_bytes(16)
        self.scope = scope_id(ORG, org)
        self.opening = None
        self.address = bed.address()

    def dial(self, timeout=WAIT_S):
        sock = socket.create_connection(("127.0.0.1", self.bed.hub.port), timeout, (self.address, 0))
        return tls.Link(sock, self.tls_seed, timeout=timeout)

    def talk(self, **hello):
        return Talk(self, **hello)

    def entry(self, *ops, seq=1, prev=None, epoch=None, hlc=None, kind=DATA, **how):
        """One entry as batch.Item: of this peer, at the first place of its key, unless told otherwise."""
        get = how.get
        prev = self.opening if prev is None else prev
        body = get("body")
        if body is None:
            p = get("payload") or Payload(
                get("for_", self.org), get("by", "例"), tuple(sorted(get("cites", ()))), get("part", 0), tuple(ops),
                salt=secrets.token_bytes(16),
            )
            body, digest = p.pack(), p.hash()
        else:
            digest = get("digest") or payload.unpack(body).hash()
        header = Header(
            0, kind, self.bed.book.net, get("site", self.site), get("scope", self.scope),
            half(self.opening) if epoch is None else epoch, seq, prev, wall_hlc() if hlc is None else hlc, 0,
            half(self.bed.book.authority.head), get("key_id", self.key.id), get("length", len(body)), digest,
        )
        signer, net = get("signer", self.key), get("net", self.bed.book.net)
        return batch.Item(header, body, signer.sign(get("context", "entry"), net, header.id))

    def chain(self, count, *ops, after=None, **how):
        """Entries one on the other, from the first place of the key or on `after`."""
        out = []
        for n in range(count):
            if after is not None:
                h = after.header
                how.update(seq=h.seq + 1, prev=h.id, epoch=h.epoch, hlc=max(wall_hlc(), h.hlc + 1))
            after = self.entry(*ops, **how)
            out.append(after)
        return out


def text_op(text="書いてはならない文 例", entity=None, replaces=(), field=1, kind=schema.KIND_ITEM, type_=schema.SET):
    return Op(type_, kind, entity or secrets.token_bytes(16), field, text, tuple(sorted(replaces)))


class Talk:
    """A link past hello, or wherever it is stopped before; frames in and out by hand."""

    def __init__(self, peer, hello=True, **members):
        self.peer, self.link = peer, peer.dial()
        self.log = members.get("log", secrets.token_bytes(16))
        self.hub = None
        if hello:
            self.hello(**members)
            self.hub = self.until(frames.HELLO)

    def hello(self, **m):
        r = self.peer.bed.book
        positions = m.get("positions", [])
        self.send(
            frames.HELLO, m.get("wire", 0), 1, m.get("net", r.net), m.get("site", self.peer.site), self.log,
            m.get("instance", r.instance), m.get("your_log", ZERO16), m.get("flags", 0), "hostile 例",
            m.get("leaves", r.leaves()[: frames.LEAVES_MAX]), positions,
        )

    def send(self, kind, *body):
        self.link.send(kind, frames.pack_body(kind, list(body)))

    def body(self, kind, raw):
        self.link.send(kind, raw)

    def bytes(self, data):
        while data:
            data = data[self.link._do(self.link.tls.send, data[:65536]) :]

    def next(self, seconds=WAIT_S):
        got = self.link.receive(seconds)
        return got and (got[0], frames.unpack_body(*got))

    def until(self, *kinds, seconds=WAIT_S):
        """The members of the next frame of one of these kinds; "bye …" or "lost" as text."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                got = self.next(max(0.01, end - time.monotonic()))
            except tls.Lost:
                return "lost"
            if got is None:
                break
            kind, body = got
            if kind in kinds:
                return body
            if kind == frames.BYE:
                return "bye %s %s" % (frames.BYE_CODES[body[0]], body[1])
        return "nothing"

    def news(self, scope, *runs, upto=None, raw=None, after=0, flags=0):
        """What the hub says to it: "ack", "refuse CODE CLAUSE", "bye CODE CLAUSE", "lost", "nothing"."""
        raw = pack(runs) if raw is None else raw
        upto = after + sum(map(len, runs)) if upto is None else upto
        self.send(frames.NEWS, scope, after, upto, flags, len(raw), raw)
        return self.answer(scope)

    def answer(self, scope):
        got = self.until(frames.ACK, frames.REFUSE)
        if isinstance(got, str):
            return got
        if len(got) == 3:
            return "ack" if got[0] == scope else self.answer(scope)
        return "refuse %d %s" % (got[2], got[3])

    def take_all(self):
        """Acknowledges news until nothing more comes."""
        while True:
            got = self.next(0.3)
            if got is None:
                return
            if got[0] == frames.NEWS:
                self.send(frames.ACK, got[1][0], got[1][2], 1)

    def close(self):
        self.link.close()


def pack(runs):
    """As batch.pack, for entries that batch would not pack."""
    out = []
    for run in runs:
        first, rows, head, hlc = run[0].header, [], None, 0
        for item in run:
            h, m, tail = item.header, 0, []
            redacted = item.payload is not None and item.payload[1:2] == b"\x01"
            for bit, there, members in (
                (batch.KIND, h.kind != 0, [h.kind]),
                (batch.FLAGS, h.clock_flags != 0, [h.clock_flags]),
                (batch.HEAD, h.authority_head != head, [h.authority_head]),
                (batch.SIGNATURE, item.signature is not None, [item.signature]),
                (batch.HEADER_ONLY, item.payload is None, [h.payload_length, h.payload_hash]),
                (batch.REDACTED, redacted, [h.payload_length]),
            ):
                if there:
                    m |= bit
                    tail += members
            rows.append([m, h.hlc - hlc, item.payload] + tail)
            head, hlc = h.authority_head, h.hlc
        out.append([first.site, first.key_id, first.epoch, first.seq, first.prev, rows])
    return mp.encode(out)


def merge_empty():
    """The state digest of a scope of which nothing shows (P10.6)."""
    from soukatsu.names import C, H

    return H(C("state"), bytes(32) * 256).hex()

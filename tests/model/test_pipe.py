"""Our client against the hub's real replica and session over pipes (tests/daemon/main_pipe_hub.c): joining, both
directions of news, refusals, digests (P11 to P13). Over TLS with soukatsud: tests/e2e/test_python_client.py.
"""
import json
import os
import secrets
import select
import shutil
import subprocess
import tempfile
import time
import unittest

import lib
from soukatsu import frames, schema, tls
from soukatsu.client import Site, items
from soukatsu.names import C, H
from soukatsu.payload import Op
from soukatsu.replica import Denied, Replica

PROGRAM = os.path.join(lib.BUILD, "tests", "pipe_hub")


class Pipe:
    """What tls.Link is, over the pipes of one `pipe_hub DATA serve`."""

    def __init__(self, data, tls_seed, hub):
        self.own_hash = H(C("test pipe"), tls_seed)
        self.exporter = secrets.token_bytes(32)
        self.hub, self.stream = hub, b""
        self.process = subprocess.Popen(
            [PROGRAM, data, "serve", self.own_hash.hex(), self.exporter.hex()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        os.set_blocking(self.process.stdout.fileno(), False)

    def send(self, kind, body):
        self.hub.sent.append((kind, len(body)))
        try:
            self.process.stdin.write(frames.frame(kind, body))
            self.process.stdin.flush()
        except BrokenPipeError:
            raise tls.Lost("the hub is gone") from None

    def receive(self, seconds):
        until = time.monotonic() + seconds
        while True:
            got = frames.take(self.stream)
            if got:
                self.stream = got[2]
                self.hub.received.append((got[0], len(got[1])))
                return got[:2]
            if not select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))[0]:
                return None
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise tls.Lost("the hub closed")
            self.stream += data

    def close(self):
        self.process.stdin.close()
        self.hub.status = self.process.wait(20)
        self.process.stdout.close()


class Hub:
    def __init__(self, data, about):
        self.data, self.about = data, about
        self.sent, self.received, self.status = [], [], None

    @classmethod
    def made(cls, data):
        """A new one with a plan; its folder may be copied, which saves the making of its keys."""
        os.mkdir(data, 0o700)
        hub = cls(data, None)
        hub.about = json.loads(hub.run("init"))
        hub.run("plan")
        return hub

    def run(self, *args):
        return subprocess.run(
            [PROGRAM, self.data, *args], capture_output=True, timeout=60, check=True
        ).stdout.decode()

    def invite(self, roles=schema.EDITOR, count=1):
        return self.run("invite", "hub.example:4980", str(roles), str(count)).split()

    def show(self):
        return {s["id"]: s for s in json.loads(self.run("show"))["scopes"]}

    def dial(self, address, tls_seed, pin, timeout=20):
        assert pin.hex() == self.about["tls"]
        self.sent, self.received = [], []
        return Pipe(self.data, tls_seed, self)


class OverPipes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.first = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.first)
        hub = Hub.made(os.path.join(cls.first, "hub"))
        cls.about, cls.invites = hub.about, hub.invite(count=3)

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        data = os.path.join(self.folder, "hub")
        shutil.copytree(os.path.join(self.first, "hub"), data)
        self.hub, self.invites = Hub(data, self.about), list(self.invites)

    def join(self, name, invite=None):
        site, session = Site.join(os.path.join(self.folder, name), invite or self.invites.pop(), dial=self.hub.dial)
        self.assertEqual((session.closed, session.faults), (None, []))
        return site

    def sync(self, site):
        session = site.sync(dial=self.hub.dial)
        self.assertEqual((session.faults, self.hub.status in (0, 1)), ([], True))
        return session

    def same(self, site):
        """Whatever both hold is equal to the digest."""
        at_hub = self.hub.show()
        for scope in site.replica.scopes():
            if not site.replica.may_read(site.replica.site, scope):
                continue
            st, there = site.replica.state(scope), at_hub[scope.hex()]
            self.assertEqual(st.state_digest().hex(), there["state"])
            self.assertEqual(st.entries_digest().hex(), there["entries_digest"])
            self.assertEqual({i.hex(): st.scope.verdict(i) or "accepted" for i in st.scope.records}, there["entries"])

    def test_join_write_read(self):
        site = self.join("a")
        r = site.replica
        self.assertEqual(r.authority.orgs[r.my_org()]["handle"], "o1")
        for kind, handle in ((schema.KIND_PROJECT, "p1"), (schema.KIND_COLUMN, "c1"), (schema.KIND_ROUND, "r1")):
            self.assertTrue(r.by_handle(kind, handle))
        scope = r.org_scope(r.my_org())
        made = [
            r.write(scope, r.my_org(), [Op(schema.SET, 16, r.entity(16), 1, "本文 %d" % n)], "例") for n in range(200)
        ]
        session = self.sync(site)
        self.assertTrue(session.settled())
        self.assertEqual(len(site.replica.acked), len(made))
        self.same(site)
        self.sync(site)  # nothing new: the two hellos
        self.assertEqual([k for k, _ in self.hub.sent], [frames.HELLO])
        self.assertEqual([k for k, _ in self.hub.received], [frames.HELLO])

    def test_two_sites_and_the_hub(self):
        a, b = self.join("a"), self.join("b")
        for site, text in ((a, "甲"), (b, "乙")):
            r = site.replica
            r.write(r.org_scope(r.my_org()), r.my_org(), [Op(schema.SET, 16, bytes(15) + b"\1", 1, text)], "例")
        for site in (a, b, a):
            self.sync(site)
        self.assertEqual(len(items(b.replica, b.replica.my_org())[0]["versions"]), 2)
        self.assertTrue(items(b.replica, b.replica.my_org())[0]["conflict"])
        self.hub.run("item", "hq", "本部だけのもの")  # not readable at a: nothing of it may come
        self.sync(a)
        self.assertNotIn(a.replica.org_scope(a.replica.org_by_handle("hq")), a.replica.scopes())
        self.same(a)
        self.same(b)

    def test_what_it_may_not(self):
        site = self.join("a")
        r = site.replica
        hq, mine = r.org_by_handle("hq"), r.my_org()
        op = [Op(schema.SET, 16, bytes(15) + b"\1", 1, "x")]
        with self.assertRaises(Denied):
            r.write(r.org_scope(hq), hq, op, "例")
        r.write(r.org_scope(mine), mine, [Op(schema.SET, 19, bytes(15) + b"\2", 2, "x")], "例", force=True)
        r.write(r.org_scope(hq), hq, op, "例", force=True)
        session = self.sync(site)
        self.assertEqual([(s, c) for s, c, _, _ in session.refusals], [(r.org_scope(hq), 1)])
        at_hub = self.hub.show()
        self.assertNotIn(r.org_scope(hq).hex(), at_hub)
        self.assertEqual(list(at_hub[r.org_scope(mine).hex()]["entries"].values()), ["no-right"])

    def text(self, site, n, text):
        """An edit of item number n that names what it replaces; its Record."""
        r = site.replica
        scope, entity = r.org_scope(r.my_org()), bytes(15) + bytes([n])
        old = r.state(scope).registers.get((16, entity, 1))
        replaces = tuple(sorted(v.id for v in old.live)) if old else ()
        return r.write(scope, r.my_org(), [Op(schema.SET, 16, entity, 1, text, replaces)], "例 花子", force=True)

    def verdicts(self, site):
        r = site.replica
        scope = r.state(r.org_scope(r.my_org())).scope
        return [scope.verdict(i) for i, _ in r.order[scope.scope]]

    def test_a_cut(self):
        """P13.5, P13.13: one that knows the feed and one that does not; the site itself still uploads."""
        a, b, c = self.join("a"), self.join("b"), self.join("c")
        made = [self.text(a, 1, "本文 %d" % n) for n in range(3)]
        self.sync(a)
        self.sync(b)
        made += [self.text(a, 1, "盗まれたあと %d" % n) for n in range(3)]
        self.sync(a)
        r = a.replica
        scope = r.org_scope(r.my_org())
        self.hub.run("cut", r.site.hex(), r.key.id.hex(), scope.hex(), made[3].id.hex())
        self.sync(b)
        kinds = [k for k, _ in self.hub.received]  # P13.3: in this order
        self.assertEqual(kinds[:4], [frames.HELLO, frames.HEADERS, frames.AUTHORITY, frames.NEWS])
        self.assertEqual(self.verdicts(b), [""] * 4 + ["cut"] * 2)
        self.sync(c)
        self.assertEqual(self.verdicts(c), [""] * 4 + ["cut"] * 2)
        self.same(b)
        self.same(c)
        last = self.text(a, 1, "知らずに書いた")
        self.sync(a)
        self.assertTrue(r.authority.withdrawn(r.site, r.key.id))
        self.assertEqual(self.hub.show()[scope.hex()]["entries"][last.id.hex()], "cut")
        self.sync(a)
        self.assertNotIn(frames.NEWS, [k for k, _ in self.hub.received])
        self.sync(b)
        self.assertEqual(self.verdicts(b), [""] * 4 + ["cut"] * 3)
        self.same(b)

    def test_a_narrowing(self):
        a, b = self.join("a"), self.join("b")
        made = [self.text(a, 1, "本文 %d" % n) for n in range(4)]
        self.sync(a)
        r = a.replica
        scope = r.org_scope(r.my_org())
        self.hub.run("narrow", r.opening().hex(), r.site.hex(), "1", scope.hex(), made[1].id.hex())
        for site in (a, b):
            self.sync(site)
            self.assertEqual(self.verdicts(site), [""] * 2 + ["no-right"] * 2)
            self.same(site)

    def test_own_wanted(self):
        """P13.6, P11.5, R12: a site that lost its replica, but not its keys, gets its own feed and goes on."""
        site = self.join("a")
        for n in range(3):
            self.text(site, 1, "本文 %d" % n)
        self.sync(site)
        r = site.replica
        before, scope = r.state(r.org_scope(r.my_org())).digest(), r.org_scope(r.my_org())
        site.replica = Replica(r.net, r.store.genesis, r.site, site.key)
        self.sync(site)
        self.assertEqual(site.replica.state(scope).digest(), before)
        site.replica = Replica(r.net, r.store.genesis, r.site, site.key)
        self.assertEqual(site.sync(dial=self.hub.dial, flags=frames.OWN_WANTED).faults, [])
        self.assertEqual(site.replica.state(scope).digest(), before)
        self.assertEqual(self.text(site, 1, "その後").header.seq, 4)
        self.sync(site)
        self.same(site)

    def test_signatures(self):
        """P11.5, P11.10: some are left out in a run, none when every one is asked for; either way all is authentic."""
        a, b, c = self.join("a"), self.join("b"), self.join("c")
        for n in range(70):
            self.text(a, 1 + n % 5, "本文 %d" % n)
        self.sync(a)
        for site, flags in ((b, 0), (c, frames.EVERY_SIGNATURE)):
            self.assertEqual(site.sync(dial=self.hub.dial, flags=flags).faults, [])
            self.assertEqual(self.verdicts(site), [""] * 70)
            self.same(site)
        held = lambda site: [
            r.header.seq for r in site.replica.store.records.values() if r.signature and r.header.seq
        ]
        scope = a.replica.org_scope(a.replica.my_org())
        kept = [r.header.seq for r in b.replica.state(scope).scope.records.values() if r.signature]
        self.assertIn(64, kept)
        self.assertIn(70, kept)
        self.assertLess(len(kept), 10)
        self.assertLess(len(held(b)), len(held(c)))
        self.assertEqual(len([1 for r in c.replica.state(scope).scope.records.values() if r.signature]), 70)

    def test_window(self):
        """P13.9: who acknowledges nothing is not flooded."""
        a, b = self.join("a"), self.join("b")
        r = a.replica
        for n in range(60):
            noise = [secrets.token_urlsafe(6000) for _ in range(5)]  # 1.8 MB in all, compressed or not
            ops = [Op(schema.SET, 16, bytes(14) + bytes([n, k]), 1, noise[k]) for k in range(5)]
            r.write(r.org_scope(r.my_org()), r.my_org(), ops, "例")
        self.sync(a)
        silent = {}

        def dial(*args):
            link = self.hub.dial(*args)
            send = link.send
            link.send = lambda kind, body: silent.update(acks=1) if kind == frames.ACK else send(kind, body)
            return link

        b.sync(dial=dial)
        news = [n for k, n in self.hub.received if k == frames.NEWS]
        self.assertTrue(silent)
        self.assertGreater(sum(news), 0)
        self.assertLessEqual(sum(news[:-1]), 1 << 20)
        got = len(b.replica.order[r.org_scope(r.my_org())])
        self.assertLess(got, 60)
        self.sync(b)
        self.same(b)

    def test_a_redaction(self):
        """P6.7, P13.6: who had the text and who did not hold one state; the text does not travel any more."""
        a, b, c = self.join("a"), self.join("b"), self.join("c")
        secret, other = self.text(a, 1, "伏せるべき本文"), self.text(a, 2, "残る本文")
        self.sync(a)
        self.sync(b)
        self.hub.run("redact", secret.id.hex(), "1")
        for site in (a, b, c):
            self.sync(site)
            self.same(site)
            self.assertEqual(self.verdicts(site), ["", ""])
        r = c.replica
        stored = r.store.records[secret.id]
        self.assertEqual((set(stored.payload.gone), stored.payload.ops[0].value), ({1}, None))
        self.assertEqual(r.store.records[other.id].payload.ops[0].value, "残る本文")
        with open(os.path.join(c.folder, "replica.json"), encoding="utf-8") as f:
            self.assertNotIn("伏せるべき本文".encode().hex(), f.read())

    def test_invites(self):
        (invite,) = self.hub.invite()
        self.join("a", invite=invite)
        self.join("a", invite=invite)  # the same again
        with self.assertRaises(Denied) as why:
            self.join("b", invite=invite)
        self.assertIn("used", str(why.exception))

    def test_a_lost_log(self):
        """P13.7: a replica that was made anew from the same entries has another log."""
        site = self.join("a")
        r = site.replica
        for n in range(5):
            r.write(r.org_scope(r.my_org()), r.my_org(), [Op(schema.SET, 16, r.entity(16), 1, "本文 %d" % n)], "例")
        self.sync(site)
        site.replica.log = secrets.token_bytes(16)
        site.replica.positions = {}
        r.write(r.org_scope(r.my_org()), r.my_org(), [Op(schema.SET, 16, r.entity(16), 1, "後から")], "例")
        session = self.sync(site)
        self.assertTrue(session.settled())
        self.same(site)


if __name__ == "__main__":
    lib.main()

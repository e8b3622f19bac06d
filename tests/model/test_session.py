"""Sessions between two replicas of ours (P13), without a wire and over real TLS with a stub of a hub (P12)."""
import json
import os
import random
import subprocess
import sys
import tempfile
import unittest

import lib
import stub
from soukatsu import frames, schema, tls
from soukatsu.client import Site
from soukatsu.names import SCOPE_PLAN
from soukatsu.payload import Op
from soukatsu.replica import Denied, Replica
from soukatsu.session import Closed, Session
from soukatsu.world import World, drawn


def talk(a, b, cut=None):
    """Frames to and fro until both are silent, or `cut` frames were handed on."""
    a.hello()
    move(a, b, cut)


def move(a, b, cut=None):
    n = 0
    while True:
        moved = False
        for x, y in ((a, b), (b, a)):
            for kind, body in x.take():
                moved = True
                n += 1
                if cut is not None and n > cut:
                    return
                y.receive(kind, body)
        if not moved:
            return


class Pair:
    """A hub and a site of organisation o1, editor and submitter, that share an authority."""

    def __init__(self, name):
        self.w = w = World(name)
        made = w.op(w.org_effect(w.hq, "o1"))
        self.org = stub.names.organisation_id(made, 0)
        self.scope = stub.names.scope_id(stub.names.ORG, self.org)
        w.op(
            w.open_effect("s1", "s1", self.org),
            w.grant_effect("s1", schema.EDITOR, 0, self.scope),
            w.grant_effect("hub", schema.EDITOR, 0, self.scope),
        )
        self.hub = Replica(w.net, w.genesis, w.hub_site, w.key("hub/site"))
        self.site = Replica(w.net, w.genesis, w.site_id("s1"), w.key("s1"))
        for raw, signatures in w.ops.values():
            self.hub.add_op(raw, signatures)
        self.site.add_op(*w.ops[w.genesis])

    def sessions(self):
        return Session(self.site), Session(self.hub, self.site.site)

    def write(self, r, n=0):
        return r.write(
            self.scope, self.org, [Op(schema.SET, schema.KIND_ITEM, drawn("item %d" % (n % 3)), 1, "本文 %d" % n)]
        )


class InMemory(unittest.TestCase):
    def test_first_and_later(self):
        p = Pair("session 1")
        for n in range(5):
            p.write(p.hub, n)
        a, b = p.sessions()
        talk(a, b)
        self.assertTrue(a.settled() and b.settled())
        self.assertEqual(len(p.site.authority.known), 3)
        self.assertEqual(p.site.last(p.scope), 5)
        for n in range(130):
            p.write(p.site, n)
        a, b = p.sessions()
        talk(a, b)
        self.assertEqual(p.hub.last(p.scope), 135)
        self.assertEqual(p.hub.state(p.scope).digest(), p.site.state(p.scope).digest())
        self.assertEqual(len(p.site.acked), 130)
        a, b = p.sessions()  # nothing new: two hellos and nothing else
        a.hello()
        (hello,) = a.take()
        b.receive(*hello)
        (answer,) = b.take()
        a.receive(*answer)
        self.assertEqual(a.take() + b.take(), [])
        self.assertTrue(a.settled() and b.settled())

    def test_written_during_a_session(self):
        """P13.6: `after` is what the peer has of our log, also where what came from it was passed over."""
        p = Pair("session 6")
        p.site.store.ops.update(p.hub.store.ops)
        p.site.store._authority = None
        a, b = p.sessions()
        talk(a, b)
        for n in range(12):
            p.write(p.hub if n % 3 else p.site, n)
            move(a, b)
            if n == 5:
                p.write(p.hub, n)
                p.write(p.site, n)
        move(a, b)
        self.assertTrue(a.settled() and b.settled())
        self.assertEqual((p.site.last(p.scope), p.hub.last(p.scope)), (14, 14))

    def test_cut_anywhere_and_lost_logs(self):
        """P13.6, P13.7: whatever was cut or forgotten, the next whole session brings all."""
        rnd = random.Random(5)
        p = Pair("session 2")
        p.site.store.ops.update(p.hub.store.ops)
        p.site.store._authority = None
        for n in range(40):
            p.write(p.hub if n % 2 else p.site, n)
            if rnd.random() < 0.5:
                talk(*p.sessions(), cut=rnd.randrange(1, 9))
            if rnd.random() < 0.1:
                p.site.log = rnd.randbytes(16)  # as after a restore: a new log, the same entries
            if rnd.random() < 0.1:
                p.hub.log = rnd.randbytes(16)
        a, b = p.sessions()
        talk(a, b)
        self.assertTrue(a.settled() and b.settled())
        self.assertEqual((p.site.last(p.scope), p.hub.last(p.scope)), (40, 40))
        self.assertEqual(a.faults + b.faults, [])

    def test_order_and_lies(self):
        p = Pair("session 3")
        a, b = p.sessions()
        with self.assertRaises(Closed):
            b.receive(frames.PING, frames.pack_body(frames.PING, [1]))  # P13.1
        a, b = p.sessions()
        a.hello()
        hello = a.take()[0]
        b.receive(*hello)
        with self.assertRaises(Closed):
            b.receive(*hello)  # P13.2
        other = Pair("session 4")
        a, b = other.sessions()[0], p.sessions()[1]
        a.hello()
        with self.assertRaises(Closed) as c:
            b.receive(*a.take()[0])
        self.assertIn("net", str(c.exception))
        a, b = p.sessions()
        b.peer_site = drawn("another site")
        a.hello()
        with self.assertRaises(Closed) as c:
            b.receive(*a.take()[0])
        self.assertIn("not enrolled", str(c.exception))
        p.hub.positions[p.site.log] = {p.scope: 7}  # P13.8: the site's log was rolled back
        p.write(p.hub)
        a, b = p.sessions()
        with self.assertRaises(Closed) as c:
            talk(a, b)
        self.assertIn("rolled back", str(c.exception))

    def test_bad_signatures_end_the_session(self):
        p = Pair("session 5")
        p.site.store.ops.update(p.hub.store.ops)
        p.site.store._authority = None
        r = p.write(p.site)
        r.signature = bytes(64)
        for n in range(3):
            a, b = p.sessions()
            talk(a, b)
            self.assertEqual(p.hub.last(p.scope), 0)
            self.assertEqual(a.refusals[0][1], 6)


class OverTls(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(__import__("shutil").rmtree, self.folder)
        self.hub = stub.Hub("tls " + self.id())
        self.addCleanup(self.hub.listener.close)
        self.hub.plan()

    def join(self, name, invite, threads):
        folder = os.path.join(self.folder, name)
        t = self.hub.serve(threads)
        try:
            return Site.join(folder, invite.text())
        finally:
            t.join(20)
            self.assertEqual(self.hub.errors, [])

    def test_join_write_sync(self):
        invite = self.hub.invite("one", self.hub.orgs[0], schema.EDITOR | schema.SUBMITTER)
        site, session = self.join("a", invite, 1)
        self.assertTrue(session.settled())
        self.assertEqual(
            site.replica.by_handle(schema.KIND_PROJECT, "p1"), self.hub.r.by_handle(schema.KIND_PROJECT, "p1")
        )
        data = os.path.join(self.folder, "a")
        t = self.hub.serve(1)
        client = lambda *args: subprocess.run(
            [sys.executable, "-m", "soukatsu.client", "--data", data, *args],
            capture_output=True,
            cwd=os.path.dirname(os.path.abspath(__file__)),
            timeout=60,
        )
        item = ["--project", "p1", "--column", "c1", "--round", "r1", "--by", "例 花子"]
        done = client("write-item", "--text", "段落 𠮷㌻ ", *item)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["verdict"], "accepted")
        denied = client("write-item", "--text", "x", "--org", "o2", *item)
        self.assertEqual((denied.returncode, json.loads(denied.stdout)["denied"][:8]), (1, "no-right"))
        forced = client("write-item", "--text", "x", "--org", "o2", "--force", *item)
        self.assertEqual(json.loads(forced.stdout)["verdict"], "no-right")
        out = json.loads(client("sync").stdout)
        t.join(20)
        self.assertEqual(self.hub.errors, [])
        self.assertEqual((out["faults"], out["closed"]), ([], None))
        scope = self.hub.r.org_scope(self.hub.orgs[0])
        self.assertEqual(
            [
                self.hub.r.value(scope, schema.KIND_ITEM, e, "text")
                for e in self.hub.r.entities(scope, schema.KIND_ITEM)
            ],
            ["段落 𠮷㌻ "],
        )
        self.assertEqual(self.hub.r.entities(self.hub.r.org_scope(self.hub.orgs[1]), schema.KIND_ITEM), [])

    def test_an_invite_serves_once(self):
        invite = self.hub.invite("two", self.hub.orgs[0], schema.EDITOR)
        self.join("a", invite, 1)
        self.join("a", invite, 1)  # the same keys: answered again
        with self.assertRaises(Denied):
            self.join("b", invite, 1)

    def test_the_pin_counts(self):
        invite = self.hub.invite("three", self.hub.orgs[0], schema.EDITOR)
        t = self.hub.serve(1)
        with self.assertRaises(tls.Lost):
            tls.dial(invite.address, drawn("seed", 32), bytes(32))
        t.join(20)

    def test_refused_before_it_is_signed(self):
        invite = self.hub.invite("four", self.hub.orgs[0], schema.EDITOR)
        site, _ = self.join("a", invite, 1)
        with self.assertRaises(Denied):
            site.replica.write(SCOPE_PLAN, self.hub.w.hq, [Op(schema.SET, 1, drawn("plan"), 20, "x")])


if __name__ == "__main__":
    lib.main()

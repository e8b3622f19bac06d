"""The least hub that a client of ours can join and sync with: no disk, one connection after the other.

It shows that client and session agree with themselves; what the protocol means, the real hub decides
(tests/e2e/test_python_client.py).
"""
import socket
import threading

from soukatsu import authority as au
from soukatsu import frames, names, schema, tls
from soukatsu.invite import Invite
from soukatsu.names import SCOPE_PLAN
from soukatsu.payload import Op
from soukatsu.replica import Replica
from soukatsu.session import Closed, Session
from soukatsu.world import World, drawn, key


class Hub:
    def __init__(self, name):
        self.w = World(name)
        tls_seed = drawn(name + " hub tls", 32)
        _, cert = tls.self_signed(tls_seed)
        self.tls_seed, self.pin = tls_seed, tls.spki_hash(cert)
        made = self.w.op(
            self.w.org_effect(self.w.hq, "o1"),
            self.w.org_effect(self.w.hq, "o2"),
            self.w.grant_effect("hub", schema.PLANNER, au.REACH_SCOPE, SCOPE_PLAN),
        )
        self.orgs = [names.organisation_id(made, n) for n in range(2)]
        self.r = Replica(self.w.net, self.w.genesis, self.w.hub_site, key(name + "/hub/site"))
        self.feed_ops()
        self.sessions, self.errors = [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]

    def feed_ops(self):
        for i, (raw, signatures) in self.w.ops.items():
            if i not in self.r.store.ops:
                self.r.add_op(raw, signatures)

    def invite(self, secret_name, org, roles):
        i = Invite(self.address, self.pin, self.w.genesis, self.w.net, drawn(secret_name))
        self.w.op([au.INVITE, i.key.public, org, "本館", roles, 0])
        self.feed_ops()
        return i

    def plan(self):
        """One project, column and round with handles."""
        for kind, handle in ((schema.KIND_PROJECT, "p1"), (schema.KIND_COLUMN, "c1"), (schema.KIND_ROUND, "r1")):
            e = self.r.entity(kind)
            ops = [Op(schema.SET, kind, e, 20, handle)]
            if kind == schema.KIND_PROJECT:
                ops.append(Op(schema.SET, kind, e, 5, [self.orgs[0], 1]))
            self.r.write(SCOPE_PLAN, self.w.hq, ops, "本部 例")

    def serve(self, connections):
        """In a thread: that many connections, then the end."""
        t = threading.Thread(target=self._serve, args=(connections,))
        t.start()
        return t

    def _serve(self, connections):
        self.listener.settimeout(20)
        try:
            for _ in range(connections):
                sock, _ = self.listener.accept()
                self._one(tls.Link(sock, self.tls_seed, listening=True))
        except Exception as why:  # shown by the test that waits for this thread
            self.errors.append(repr(why))

    def _join(self, link, body):
        _, invite_key, net, site, site_key, tls_hash, enrol, join = frames.unpack_body(frames.JOIN, body)
        statement = au.enrol_statement(invite_key, site, site_key, tls_hash)
        public = self.r.authority.invites[invite_key]["public"]
        assert tls_hash == link.peer_hash and au.verify(public, join, "join", net, statement + link.exporter)
        if self.r.authority.invites[invite_key]["ended"]:
            if tls_hash not in self.r.authority.tls:
                link.send(frames.BYE, frames.pack_body(frames.BYE, [14, "P12.6", ""]))
                return None
            return self.r.authority.tls[tls_hash]
        at = self.w.last
        op = self.w._put(
            at,
            au.HUB,
            0,
            [[au.ENROL, invite_key, site, site_key, tls_hash, enrol]],
            ["hub/checkpoint"],
            self.w.operational[at],
        )
        self.w.last = op
        self.feed_ops()
        return op

    def _one(self, link):
        session = None
        try:
            while True:
                got = link.receive(0.1)
                if got and got[0] == frames.JOIN:
                    op = self._join(link, got[1])
                    if op is None:
                        return
                    link.send(frames.JOINED, frames.pack_body(frames.JOINED, [op]))
                    continue
                if got:
                    if session is None:
                        site = self.r.authority.openings[self.r.authority.tls[link.peer_hash]][0]
                        session = Session(self.r, site)
                        self.sessions.append(session)
                    session.receive(*got)
                if session:
                    for kind, body in session.take():
                        link.send(kind, body)
        except (tls.Lost, Closed):
            pass
        finally:
            link.close()

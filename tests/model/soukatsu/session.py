"""One session (P13), either side of it: frames in, frames out, over a Replica. No I/O in here.

`Session.receive(kind, body)` takes a frame; `take()` gives what is to be sent now. Whoever drives it makes the
replica durable between the two (P13.15).
"""
import time

from . import Refused, batch, frames
from .batch import Item
from .crypto import verify
from .frames import (
    ACK,
    AUTHORITY,
    BYE,
    BYE_CODES,
    DIGEST,
    HEADS,
    HELLO,
    NEWS,
    PONG,
    POSITIONS,
    POSITIONS_WANT,
    REFUSE,
    SIGNATURES,
)
from .names import C, H, ZERO16, half
from .store import Record

WIRE, RULES, SOFTWARE = 0, 1, "soukatsu python"
BYE_VERSION, BYE_NET, BYE_NOT_ENROLLED, BYE_FORMAT, BYE_SIGNATURE, BYE_ORDER, BYE_ROLLED_BACK = 1, 2, 3, 6, 7, 12, 16
NEVER_RIGHT, NOT_READABLE, UNKNOWN = 1, 4, 5
NEWS_RAW_BYTES = 200000
BAD_SIGNATURES_MAX = 3


class Closed(Exception):
    """The session is over, by us or by the peer; the text says which bye."""


class Session:
    def __init__(self, replica, peer_site=None, flags=0):
        """peer_site: the site that the peer's TLS key belongs to; None: any (the connecting side, which pinned it)."""
        self.r, self.peer_site, self.flags = replica, peer_site, flags
        self.peer = None  # the peer's hello
        self.out, self.closed = [], None
        self.cursor = {}  # scope -> arrival number in our log up to which the peer has or was sent all
        self.stored = {}  # scope -> arrival number in our log up to which the peer has stored, as it knows itself
        self.flight = {}  # scope -> upto of the news frame that is not acknowledged
        self.waiting = {}  # scope -> code: refused, nothing goes out in it in this session
        self.left_out = {}  # scope -> ids that the peer said it has, by heads
        self.need_heads = set()  # scopes of our list whose heads must come first
        self.their_scopes = None  # {scope: (position, digest)} of the peer's list; None: only its hash is known
        self.void = False  # our positions mean nothing in the peer's log
        self.heads_sent = False
        self.told = {}  # scope -> scope digest that the peer told last
        self.said = {}  # scope -> scope digest that we told last
        self.asked = {}  # scope -> our digest when we sent it of ourselves
        self.sent_ops = set()
        self.headers = []  # headers frames that wait for their authority series
        self.series = []
        self.refusals = []  # what the peer refused: (scope, code, clause, entry id)
        self.faults = []  # software faults (P13.12)
        self.bad_signatures = 0

    # --- saying
    def send(self, kind, *body):
        self.out.append((kind, frames.pack_body(kind, list(body))))

    def take(self):
        self.advance()
        out, self.out = self.out, []
        return out

    def bye(self, code, clause="", text=""):
        self.send(BYE, code, clause, text)
        self.closed = "we said bye: " + BYE_CODES[code]
        raise Closed(self.closed)

    def positions(self):
        """Our list (P13.7): scopes in which we hold entries or have a position, if the peer may read them."""
        peer = self.peer_site or (self.peer and self.peer["site"])
        mine = self.r.positions.get(self.your_log(), {})
        scopes = {s for s in self.r.scopes() if peer is None or self.r.may_read(peer, s)} | set(mine)
        return {s: (mine.get(s, 0), self.r.state(s).digest()) for s in scopes}

    def your_log(self):
        if self.peer:
            return self.peer["log"]
        logs = list(self.r.positions)
        return logs[-1] if logs else ZERO16

    def hello(self):
        """Our hello: said first by the connecting side, else as an answer."""
        log = self.your_log()
        if log not in self.r.positions:
            log = ZERO16
        self.listed = self.positions()
        self.said = {s: d for s, (_, d) in self.listed.items()}
        list_ = (
            frames.positions_out(self.listed)
            if len(self.listed) <= frames.HELLO_POSITIONS_MAX
            else frames.positions_hash(self.listed)
        )
        self.said_log = log
        self.send(
            HELLO,
            WIRE,
            RULES,
            self.r.net,
            self.r.site,
            self.r.log,
            self.r.instance,
            log,
            self.flags,
            SOFTWARE,
            self.r.leaves()[: frames.LEAVES_MAX],
            list_,
        )

    # --- hearing
    def receive(self, kind, body):
        if kind not in frames.BODIES:
            return
        try:
            members = frames.unpack_body(kind, body)
        except Refused as why:
            self.bye(BYE_FORMAT, str(why).split()[0])
        if kind == BYE:
            self.closed = "bye: %s (%s) %s" % (
                BYE_CODES[members[0]] if members[0] < len(BYE_CODES) else members[0],
                members[1],
                members[2],
            )
            self.bye_code = members[0]
            raise Closed(self.closed)
        if (self.peer is None) != (kind == HELLO):
            self.bye(BYE_ORDER, "P13.1")
        getattr(self, "on_" + frames.NAMES[kind].replace("-", "_"), self.on_other)(*members)

    def on_other(self, *_):
        self.bye(BYE_ORDER, "P13.1")

    def on_hello(self, wire, rules, net, site, log, instance, your_log, flags, software, leaves, positions):
        if wire != WIRE:
            self.bye(BYE_VERSION, "P13.2")
        if net != self.r.net:
            self.bye(BYE_NET, "P13.2")
        if self.peer_site not in (None, site):
            self.bye(BYE_NOT_ENROLLED, "P13.2")
        spoke = bool(getattr(self, "listed", None) is not None)
        self.peer = dict(
            site=site, log=log, instance=instance, your_log=your_log, flags=flags, rules=rules, leaves=leaves
        )
        if not spoke:
            self.hello()
        self.void = self.said_log != log
        self.r.positions.setdefault(log, {})
        valid = your_log == self.r.log
        if isinstance(positions, bytes):
            if positions == frames.positions_hash({}):
                self._their_list({}, valid)
            else:
                self.send(POSITIONS_WANT)
        else:
            self._their_list(frames.positions_in(positions), valid)
        self.valid = valid
        if not valid:
            self.need_heads = set(self.listed)

    def _their_list(self, positions, valid):
        self.their_scopes = positions
        for scope, (position, digest) in positions.items():
            if digest is not None:
                self.told[scope] = digest
            if valid:
                if position > self.r.last(scope):
                    if not self.r.may_read(self.peer["site"], scope):
                        continue
                    self.bye(BYE_ROLLED_BACK, "P13.8")
                self.cursor[scope] = self.stored[scope] = position
        if self.void and not self.heads_sent:
            self.heads_sent = True
            self._authority()  # P13.3
            for scope in sorted(positions):
                may = self.r.may_read(self.peer["site"], scope)  # R18
                self.send(HEADS, scope, self.r.tops(scope)[: frames.HEADS_MAX] if may else [])

    def on_positions_want(self):
        self.send(POSITIONS, frames.positions_out(self.listed))

    def on_positions(self, flat):
        self._their_list(frames.positions_in(flat), self.valid)

    def on_heads(self, scope, heads):
        """P13.7: the peer has these and what is before them."""
        s = self.r.state(scope).scope
        self.left_out[scope] = {i for h in heads for i in s.before(h)}
        self.cursor[scope] = self.stored[scope] = 0
        self.flight.pop(scope, None)
        self.need_heads.discard(scope)

    def on_authority(self, more, ops):
        self.series += ops
        if more:
            return
        for raw, signatures in self.series:
            i = self.r.add_op(raw, {k: s for k, s in signatures})
            self.sent_ops.add(i)
        if any(i not in self.r.authority.known for i in self.r.store.ops):
            for i in [i for i in self.r.store.ops if i not in self.r.authority.known]:
                del self.r.store.ops[i]
            self.bye(BYE_SIGNATURE, "P13.4")
        self.series = []
        waiting, self.headers = self.headers, []
        for scope, raw_bytes, flags, data in waiting:
            self._store(scope, self._runs(scope, flags, raw_bytes, data))

    def on_headers(self, scope, flags, raw_bytes, data):
        self.headers.append((scope, raw_bytes, flags, data))

    def _runs(self, scope, flags, raw_bytes, data):
        try:
            return batch.unpack(batch.data_of(flags, raw_bytes, data), self.r.net, scope)
        except Refused as why:
            self.bye(BYE_FORMAT, str(why).split()[0])

    def _store(self, scope, runs):
        """Whole runs whose signatures verify. Gives False where one was left out."""
        good = True
        if any(run[-1].signature is None for run in runs):
            raise Refused("P11.10")
        for run in runs:
            try:
                records = [Record(i.header.pack()) for i in run]
                for item, record in zip(run, records):
                    if item.payload is not None:
                        record.attach(item.payload)
                    public = self.r.store.key_of(item.header)
                    if (
                        item.signature is not None
                        and public is not None
                        and not verify(public, item.signature, "entry", item.header.net, record.id)
                    ):
                        raise Refused("P11.11 bad signature")
            except Refused:
                good = False
                self.bad_signatures += 1
                if self.bad_signatures >= BAD_SIGNATURES_MAX:
                    self.bye(BYE_SIGNATURE, "P11.11")
                continue
            for item in run:
                self.r.add(item.header.pack(), item.payload, item.signature, self.peer["log"])
        return good

    def on_news(self, scope, after, upto, flags, raw_bytes, data):
        runs = self._runs(scope, flags, raw_bytes, data)
        if flags & frames.ANSWER:
            self._store(scope, runs)
            return
        mine = self.r.positions[self.peer["log"]]
        if after > mine.get(scope, 0) or upto < after:
            self.bye(BYE_ORDER, "P13.6")
        for run in runs:
            site = run[0].header.site
            if site == self.peer["site"] and not self.r.ever_right(site, scope):
                self.send(REFUSE, scope, upto, NEVER_RIGHT, "P9.7", run[0].header.id)
                return
        if not self._store(scope, runs):
            self.send(REFUSE, scope, upto, 6, "P11.11", None)
            return
        mine[scope] = max(mine.get(scope, 0), upto)
        self.send(ACK, scope, upto, int(time.time() * 1000))

    def on_ack(self, scope, upto, when):
        if scope in self.flight and upto >= self.flight[scope]:
            for i, _ in self.r.order[scope][self.cursor.get(scope, 0) : upto]:
                self.r.acked.setdefault(i, when)
            self.cursor[scope] = self.stored[scope] = max(self.cursor.get(scope, 0), self.flight.pop(scope))

    def on_refuse(self, scope, upto, code, clause, entry_id):
        self.refusals.append((scope, code, clause, entry_id))
        self.flight.pop(scope, None)
        if code in (1, 2, 3, 6, 7):
            self.waiting[scope] = code

    def on_want(self, scope, versions):
        wanted, found = set(versions), []
        if not self.r.may_read(self.peer["site"], scope):
            self.send(REFUSE, scope, 0, NOT_READABLE, "P8.14", None)
            return
        for i, _ in self.r.order.get(scope, ()):
            if half(i) in wanted:
                found.append(self._item(self.r.store.records[i]))
        if found:
            raw = batch.pack([[i] for i in found])
            self._news(scope, 0, 0, frames.ANSWER, raw)
        else:
            self.send(REFUSE, scope, 0, UNKNOWN, "P13.11", None)

    def on_signatures_want(self, scope, first, last):
        chain = self.r.state(scope).scope
        if last not in chain.records:
            self.send(REFUSE, scope, 0, UNKNOWN, "P13.11", None)
            return
        flat = []
        for r in chain.chain(chain.records[last])[0]:
            if r.signature is not None:
                flat = [r.id, r.signature] + flat
            if r.id == first:
                break
        self.send(SIGNATURES, scope, flat[: 2 * frames.PAIRS_MAX])

    def on_signatures(self, scope, pairs):
        for i, s in zip(pairs[::2], pairs[1::2]):
            r = self.r.store.records.get(i)
            if r is not None:
                self.r.add(r.raw, None, s)

    def on_digest(self, scope, upto, rules, authority, entries, state):
        mine = self.r.positions[self.peer["log"]]
        mine[scope] = max(mine.get(scope, 0), upto)
        st = self.r.state(scope)
        told = scope_digest(authority, entries, state)
        self.told[scope] = told
        if (
            rules == RULES
            and authority == self.r.authority.set_hash()
            and entries == st.entries_digest()
            and state != st.state_digest()
        ):
            self.faults.append(scope)
        done = scope not in self.flight and self.cursor.get(scope, 0) == self.r.last(scope)
        if self.said.get(scope) != st.digest() and done and scope not in self.waiting:
            self._digest(scope)

    def on_ping(self, n):
        self.send(PONG, n)

    def on_pong(self, n):
        pass

    # --- going on
    def _item(self, r):
        return Item(r.header, r.payload_raw, r.signature)

    def _news(self, scope, after, upto, flags, raw):
        data = batch.compress(raw)
        if len(data) < len(raw):
            flags |= batch.ZSTD
        else:
            data = raw
        self.send(NEWS, scope, after, upto, flags, len(raw), data)

    def _digest(self, scope):
        st = self.r.state(scope)
        self.said[scope] = st.digest()
        self.stored[scope] = self.cursor.get(scope, 0)  # it takes the receiver's position past what was left out
        self.send(
            DIGEST,
            scope,
            self.cursor.get(scope, 0),
            RULES,
            self.r.authority.set_hash(),
            st.entries_digest(),
            st.state_digest(),
        )

    def advance(self):
        """What may be sent now: authority first, then news of each scope, one frame in each at a time."""
        if self.peer is None or self.closed:
            return
        self._authority()
        for scope in self.r.scopes():
            if (
                scope in self.flight
                or scope in self.waiting
                or scope in self.need_heads
                or self.their_scopes is None
                or not self.r.may_read(self.peer["site"], scope)
            ):
                continue
            self._scope(scope)

    def _authority(self):
        a = self.r.authority
        have, todo = set(self.sent_ops), [i for i in self.peer["leaves"] if i in a.known]
        while todo:
            i = todo.pop()
            if i in a.known and i not in have:
                have.add(i)
                todo.append(a.known[i].prev)
        self.sent_ops |= have
        rest = sorted((op for i, op in a.known.items() if i not in have), key=lambda op: op.seq)
        ops = [[op.raw, [[k, s] for k, s in sorted(self.r.store.ops[op.id][1].items())]] for op in rest]
        while ops:
            part, size = [], 0
            while ops and (not part or size + len(ops[0][0]) < NEWS_RAW_BYTES):
                part.append(ops.pop(0))
                size += len(part[-1][0]) + 100 * len(part[-1][1])
            self.send(AUTHORITY, 1 if ops else 0, part)
        self.sent_ops |= {op.id for op in rest}

    def _scope(self, scope):
        order, at, out, size = self.r.order[scope], self.cursor.get(scope, 0), [], 0
        after = self.stored.get(scope, 0)
        while at < len(order) and size < NEWS_RAW_BYTES:
            i, log = order[at]
            r = self.r.store.records[i]
            at += 1
            by_heads = scope in self.left_out  # P13.6: then they alone say what the peer has
            if (log == self.peer["log"] and not by_heads) or i in self.left_out.get(scope, ()):
                continue
            out.append(self._item(r))
            size += len(r.raw) + len(r.payload_raw or b"")
        if out:
            self._news(scope, after, at, 0, batch.pack(batch.runs_of(out)))
            self.flight[scope] = at
            return
        self.cursor[scope] = at
        mine = self.r.state(scope).digest()
        withdrawn = self.r.authority.withdrawn(self.r.site, self.r.key.id)  # P13.13: it only uploads
        if self.told.get(scope) != mine and self.asked.get(scope) != mine and not withdrawn:
            self.asked[scope] = mine  # once for each state, which is rarer than P13.12 allows
            self._digest(scope)

    def settled(self):
        """All is sent and acknowledged, and each scope of the peer's list has the digest that it told."""
        return (
            self.peer is not None
            and self.their_scopes is not None
            and not self.flight
            and not self.series
            and not self.need_heads
            and all(
                self.told.get(s) == self.r.state(s).digest()
                for s in {*self.their_scopes, *self.told, *self.r.scopes()}
                if s not in self.waiting
            )
        )


def scope_digest(authority, entries, state):
    """P10.8"""
    return half(H(C("scope-digest"), authority, entries, state))

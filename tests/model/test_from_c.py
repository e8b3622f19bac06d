"""Worlds that the C implementation made (tests/proto/main_worlds.c), judged here: its bytes are read, ids, hashes and
signatures hold, and trunk, verdicts, digests and news are what it says (P2, P4 to P9, P10.7, P10.8, P11.8).
"""
import json
import os
import random
import subprocess
import unittest

import lib
from soukatsu import authority, batch, entry, merge, payload, verdict
from soukatsu.store import Store

SEEDS, SEEDS_LONG = 60, 1500
raw = bytes.fromhex


def made(seed, count):
    program = os.path.join(lib.BUILD, "tests", "worlds")
    done = subprocess.run([program, str(seed), str(count)], capture_output=True, timeout=100, check=True)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def take(row, rnd):
    """A Store that got the world in a random order."""
    store = Store(raw(row["genesis"]))
    steps = [(store.add_op, (raw(o["op"]), {raw(k): raw(s) for k, s in o["signatures"]})) for o in row["ops"]]
    steps += [
        (store.add, (raw(e["header"]), e["payload"] and raw(e["payload"]), e["signature"] and raw(e["signature"])))
        for e in row["entries"]
    ]
    rnd.shuffle(steps)
    for what, args in steps:
        what(*args)
    return store


class FromC(unittest.TestCase):
    def test_worlds(self):
        seen, verdicts, kinds, effects = 0, {}, set(), set()
        seeds = SEEDS_LONG if lib.LONG else SEEDS
        for first in range(0, seeds, 20):
            for row in made(1 + first, 20):
                store = take(row, random.Random(row["name"]))
                self.judge(row, store)
                seen += 1
                for e in row["entries"]:
                    verdicts[e["verdict"]] = verdicts.get(e["verdict"], 0) + 1
                kinds |= {op.type for r in store.records.values() if r.payload for op in r.payload.ops}
                effects |= {e[0] for op in store.authority.known.values() for e in op.effects}
        print("%d worlds, verdicts %s" % (seen, sorted(verdicts.items())))
        self.assertEqual(seen, seeds)
        for want in ("accepted", "not-whole", "not-authentic", "cut", "decide", "fork", "no-right", "ground"):
            self.assertGreater(verdicts.get(want, 0), 0, want)
        self.assertEqual(kinds, {1, 2, 4, 5, 16, 17, 18, 19, 20})
        self.assertLessEqual({1, 2, 4, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}, effects)

    def judge(self, row, store):
        name, a = row["name"], store.authority
        self.assertEqual({i.hex() for i in a.known}, {o["id"] for o in row["ops"]}, name)
        for o in row["ops"]:
            op = authority.unpack(raw(o["op"]))
            self.assertEqual(op.id.hex(), o["id"], name)
        self.assertEqual(
            (a.head.hex(), a.set_hash().hex(), a.forked, a.too_new),
            (row["head"], row["authority_hash"], row["forked"], row["too_new"]),
            name,
        )
        for e in row["entries"]:
            h = entry.unpack(raw(e["header"]))
            self.assertEqual((h.pack().hex(), h.id.hex()), (e["header"], e["id"]), name)
            if e["payload"]:
                p = payload.unpack(raw(e["payload"]))
                self.assertEqual((p.pack().hex(), p.hash()), (e["payload"], h.payload_hash), name)
        for s in row["scopes"]:
            scope = verdict.Scope(store.records, a, raw(s["id"]))
            self.assertEqual(merge.State(scope).entries_digest().hex(), s["entries"], name)
            mine = [e for e in row["entries"] if raw(e["id"]) in scope.records]
            for e in mine:
                self.assertEqual(
                    (scope.verdict(raw(e["id"])) or "accepted", scope.shown(raw(e["id"]))),
                    (e["verdict"], e["shown"]),
                    name,
                )
            self.news(row, s, {e["id"]: e for e in mine})

    def news(self, row, s, mine):
        """What the frame carries are those entries in that form; every run ends with a signature."""
        n = s["news"]
        flat = batch.unpack(
            batch.data_of(batch.ZSTD if n["zstd"] else 0, n["raw_bytes"], raw(n["data"])),
            raw(row["net"]),
            raw(s["id"]),
        )
        self.assertEqual(sum(map(len, flat)), n["entries"], row["name"])
        for run in flat:
            self.assertIsNotNone(run[-1].signature, row["name"])
            for i in run:
                e = mine[i.header.id.hex()]
                self.assertEqual(i.payload and i.payload.hex(), e["payload"], row["name"])
                self.assertIn(i.signature and i.signature.hex(), (None, e["signature"]), row["name"])

    def test_a_wrong_verdict_is_noticed(self):
        (row,) = made(3, 1)
        row["entries"][0]["verdict"] = "too-new"
        with self.assertRaises(AssertionError):
            self.judge(row, take(row, random.Random(1)))


if __name__ == "__main__":
    lib.main()

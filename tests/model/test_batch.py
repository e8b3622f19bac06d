"""Runs over random chains (P11.8 to P11.11): what was packed comes back, and a bound of each kind."""
import random
import unittest

import lib
from soukatsu import Refused, batch, schema
from soukatsu.batch import Item
from soukatsu.world import Feed, World, drawn, set_op


def chains(seed):
    r = random.Random(seed)
    w = World("batch %d" % seed)
    scope, out = drawn("scope"), []
    for n in range(r.randrange(1, 4)):
        f = Feed(w, "s%d" % n, "s%d" % n, scope, drawn("opening %d %d" % (seed, n), 32), w.hq)
        for k in range(r.choice([1, 3, 40, 130])):
            if r.random() < 0.05:
                m = f.control(schema.EPOCH_OPEN, "例")
            elif r.random() < 0.1:
                m = f.control(schema.HEARTBEAT)
            else:
                m = f.data(
                    set_op(schema.KIND_ITEM, drawn("i%d" % (k % 5)), "text", "本文 %d" % k),
                    flags=r.choice([0, 0, 0, 1]),
                    head=drawn("head %d" % (k // 20)),
                )
            form = r.random()
            raw = None if form < 0.1 else (m.payload.redact([0, 1]) if form < 0.2 else m.payload).pack()
            out.append(Item(m.header, raw, m.signature if r.random() < 0.6 else None))
    return w, scope, out


class Batch(unittest.TestCase):
    def test_there_and_back(self):
        for seed in range(12):
            w, scope, items = chains(seed)
            runs = batch.runs_of(items)
            raw = batch.pack(runs)
            self.assertEqual(batch.unpack(raw, w.net, scope), runs)
            self.assertEqual([i for run in runs for i in run], items)
            data = batch.compress(raw)
            self.assertEqual(batch.data_of(batch.ZSTD, len(raw), data), raw)
            other = batch.unpack(raw, w.net, drawn("another scope"))
            if items:
                self.assertNotEqual(other[0][0].header.id, items[0].header.id)

    def test_thin_keeps_what_it_must(self):
        w = World("thin")
        f = Feed(w, "s", "s", drawn("scope"), drawn("opening", 32), w.hq)
        items = []
        for n in range(150):
            m = f.control(schema.HEARTBEAT)
            items.append(Item(m.header, m.payload.pack(), m.signature))
        kept = [i.header.seq for run in batch.runs_of(items) for i in batch.thin(run) if i.signature]
        self.assertEqual(kept, [64, 128, 150])

    def test_512_kib(self):
        w = World("fat")
        f = Feed(w, "s", "s", drawn("scope"), drawn("opening", 32), w.hq)
        made = [
            f.data(*(set_op(schema.KIND_ITEM, drawn("i%d" % k), "text", "a" * 8100) for k in range(6)))
            for _ in range(11)
        ]
        items = [Item(m.header, m.payload.pack(), m.signature) for m in made]
        self.assertEqual([len(r) for r in batch.runs_of(items)], [10, 1])
        batch.unpack(batch.pack([items[:10]]), w.net, drawn("scope"))
        with self.assertRaises(Refused):
            batch.unpack(batch.pack([items]), w.net, drawn("scope"))


if __name__ == "__main__":
    lib.main()

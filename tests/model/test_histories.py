"""Verdicts, registers, hidden entities and heads of tests/vectors/histories.jsonl.zst and cases.json, as real
bytes (P9, P10). The quick tier takes all smallest histories and a share of the random ones; --long takes all.
"""
import json
import os
import unittest
import zstandard

import history
import lib

SHARE = 16


def histories():
    with open(os.path.join(lib.VECTORS, "histories.jsonl.zst"), "rb") as f:
        text = zstandard.ZstdDecompressor().stream_reader(f).read().decode()
    lines = text.splitlines()
    small = [line for line in lines if not line.startswith('{"name":"seed/')]
    large = [line for line in lines if line.startswith('{"name":"seed/')]
    return small + large[:: 1 if lib.LONG else SHARE]


class Histories(unittest.TestCase):
    def test_all(self):
        judged = unreal = 0
        for n, line in enumerate(histories()):
            h = json.loads(line)
            a, b, bad = history.run(h, shuffle=1 if n % 8 == 0 else 0)
            judged, unreal = judged + a, unreal + b
            self.assertEqual(bad, [])
        self.assertGreater(judged, 500)
        self.assertLess(unreal, judged / 50)
        print("%d deliveries judged, %d that bytes cannot be like" % (judged, unreal))

    def test_cases(self):
        with open(os.path.join(lib.VECTORS, "cases.json"), encoding="utf-8") as f:
            cases = json.load(f)["histories"]
        self.assertGreater(len(cases), 20)
        for h in cases:
            self.assertEqual(history.run(h, shuffle=3)[2], [], h["name"])

    def test_a_wrong_expectation_is_noticed(self):
        with open(os.path.join(lib.VECTORS, "cases.json"), encoding="utf-8") as f:
            h = json.load(f)["histories"][0]
        d = h["deliveries"][0]
        d["verdicts"] = "8" + d["verdicts"][1:]
        d["scopes"][0]["tops"] = d["scopes"][0]["tops"][1:]
        self.assertEqual(len(history.run(h)[2]), 2)


if __name__ == "__main__":
    lib.main()

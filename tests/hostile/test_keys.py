"""A hostile peer with real keys, row by row (R1 to R18): what the hub says, what its log names, and that no honest
site's state changed. Prints at the end which rules have cases and why others have none. SOU_HOSTILE=TEXT: only rows
whose name has it.
"""
import os
import unittest

import bed as b
import keys
import port
import rules
from soukatsu import authority as au
from soukatsu import schema

ONLY = os.environ.get("SOU_HOSTILE", "")


class Keys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bed = b.Bed()
        cls.addClassCleanup(cls.bed.close)
        cls.cases = [c for c in keys.CASES.cases if ONLY in c.rule + " " + c.name]
        both = schema.EDITOR
        cls.peers = cls.bed.peers(
            *[("h%d" % n, getattr(c, "roles", both), getattr(c, "reach", au.REACH_SCOPE))
              for n, c in enumerate(cls.cases)]
        )

    def test_each(self):
        bed = self.bed
        for case, peer in zip(self.cases, self.peers):
            with self.subTest(case.rule + " " + case.name):
                before, mark, texts = bed.states(), bed.log_at(), bed.text
                said = case.run(bed, peer)
                self.assertTrue(rules.matches(case.expect, said), "%s: the hub said %r" % (case.name, said))
                if case.log is not None:
                    found = bed.logged(mark, peer.address, case.log)
                    self.assertTrue(found, "%s: no line with %s in %r" % (case.name, case.log, bed.log(mark)))
                there = bed.level()
                if bed.text == texts:
                    self.unchanged(case, before, bed.states())
                self.assertTrue(there)
        self.assertEqual(b.lib.status(bed.hub)["mode"], "normal")
        self.assertLess(bed.honest(), 30)

    def unchanged(self, case, before, after):
        empty = {b.merge_empty()}
        for scope, state in after.items():
            self.assertIn(state, {before[scope]} if scope in before else empty, case.name)


class Rules(unittest.TestCase):
    def test_the_list(self):
        lines, wrong = rules.listing(keys.CASES, port.CASES)
        print("\n".join(["rule cases", *lines]), flush=True)
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()

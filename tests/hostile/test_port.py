"""What comes to the port, row by row (R17, R18): closed, counted, named in the log once, memory bounded, and honest
sites served meanwhile. SOU_HOSTILE=TEXT: only rows whose name has it.
"""
import os
import time
import unittest

if "ASAN_OPTIONS" in os.environ or "asan" in os.environ.get("SOU_BUILD", ""):  # what is freed is to be given back
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4"

import bed as b  # noqa: E402
import port  # noqa: E402
import rules  # noqa: E402
from soukatsu import authority as au  # noqa: E402
from soukatsu import schema  # noqa: E402

ONLY = os.environ.get("SOU_HOSTILE", "")
GROWN_KIB_MAX = 128 * 1024  # over all rows, from one to the next: what R17 lets all links hold


class Port(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bed = b.Bed()
        cls.addClassCleanup(cls.bed.close)
        cls.cases = [c for c in port.CASES.cases if ONLY in c.rule + " " + c.name]
        wanted = [("h%d" % n, schema.EDITOR, au.REACH_SCOPE) for n in range(len(cls.cases) + 10)]
        cls.peers = cls.bed.peers(*wanted)
        cls.more = cls.peers[len(cls.cases):]

    def test_each(self):
        bed, rows = self.bed, list(zip(self.cases, self.peers))
        before, start = bed.states(), b.rss_kib(bed.hub.process.pid)
        late = [(c, p, bed.log_at(), c.begin(bed, p)) for c, p in rows if hasattr(c, "begin")]
        now = [(c, p) for c, p in rows if not hasattr(c, "begin")]
        for case, peer in now:
            if not hasattr(case, "last"):
                self.one(case, peer)
        for case, peer, mark, end in late:
            with self.subTest(case.rule + " " + case.name):
                self.check(case, peer, mark, end())
        for case, peer in now:  # after these the log leaves lines out
            if hasattr(case, "last"):
                self.one(case, peer)
        grown = b.rss_kib(bed.hub.process.pid) - start
        self.assertLess(grown, GROWN_KIB_MAX)
        self.assertLess(bed.honest(), 30)
        bed.level()
        after = bed.states()
        tvac = self.peers[0].scope.hex() if self.peers else ""
        for scope, state in before.items():
            if scope != tvac:  # honest people went on writing there
                self.assertEqual(after[scope], state)
        self.assertEqual(b.lib.status(bed.hub)["mode"], "normal")
        names = ("handshakes_refused_total", "connections_refused_total", "links_turned_away_total")
        counted = [bed.counted(n) for n in names]
        print("%d rows; the hub grew by %d KiB; %s: %s" % (len(rows), grown, names, counted), flush=True)
        if not ONLY:
            self.assertGreater(counted[0], 1000)
            self.assertGreater(counted[2], 10)

    def one(self, case, peer):
        with self.subTest(case.rule + " " + case.name):
            mark, peer.more, begin = self.bed.log_at(), self.more, time.monotonic()
            self.check(case, peer, mark, case.run(self.bed, peer))
            self.assertLess(time.monotonic() - begin, 60)

    def check(self, case, peer, mark, said):
        self.assertTrue(rules.matches(case.expect, said), "%s: %r" % (case.name, said))
        if case.log is not None:
            found = self.bed.logged(mark, None if hasattr(case, "any") else peer.address, case.log)
            self.assertTrue(found, "%s: no line with %s in %r" % (case.name, case.log, self.bed.log(mark)[-20:]))
            self.assertLessEqual(len(found), getattr(case, "lines", 2), case.name)  # told once, with its end


if __name__ == "__main__":
    unittest.main()

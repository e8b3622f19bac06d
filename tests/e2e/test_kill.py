"""SIGKILL of hub or site at random moments with entries in flight (R6, R12, R13; bars.md 3): nothing that was
acknowledged is lost, no entry is half there, no place of a chain is used twice, digests are equal, and the killed
one serves again within two seconds (ten times that is the ceiling of the test).
"""
import http.client
import os
import random
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lib

KILLS = int(os.environ.get("SOU_KILLS", "50"))
SEED = int(os.environ.get("SOU_SEED", str(time.time_ns() % 10**9)))
COLUMNS = ("achievement", "challenge", "next")


def write_burst(site, saved, maybe, rnd, count):
    """Write until the site is gone: what was answered 200 is saved; what was not may be either."""
    for n in range(count):
        text = f"例 {site.name} {rnd.random()} {n}"
        maybe.add(text)
        try:
            status, _ = lib.add(site, text, column=rnd.choice(COLUMNS))
        except (OSError, http.client.HTTPException, ValueError):
            return
        if status == 200:
            saved.add(text)


def in_flight(site):
    try:
        counts = site.call("GET", "/v1/status")[1]["counts"]
        return counts["queued"] + counts["local"]
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return 0


def texts(site):
    items = lib.items(site)
    return [item["text"] for item in items], items


def main():
    rnd = random.Random(SEED)
    with tempfile.TemporaryDirectory() as root:
        hub, (a, b) = lib.network(root, [("honkan", "tvac"), ("bunshitsu", "tvac")])
        saved, maybe, flying, slowest, killed = set(), set(), 0, 0.0, {}
        for n in range(KILLS):
            victim = rnd.choice((hub, a, b))
            threads = [threading.Thread(target=write_burst, args=(s, saved, maybe, random.Random(rnd.random()), 6))
                       for s in (a, b)]
            for t in threads:
                t.start()
            time.sleep(rnd.uniform(0, 0.06))
            flying += any(in_flight(s) > 0 for s in (a, b)) or any(t.is_alive() for t in threads)
            assert victim.end(signal.SIGKILL) == -signal.SIGKILL
            for t in threads:
                t.join()
            killed[victim.name] = killed.get(victim.name, 0) + 1
            slowest = max(slowest, victim.start(*victim.options))
        for site in (a, b, a):
            lib.level(site)
        print(f"seed {SEED}: {KILLS} kills {killed}, {flying} with entries in flight ({100 * flying // KILLS} %),"
              f" {len(saved)} saved of {len(maybe)} begun, slowest start {slowest:.2f} s")
        assert flying * 2 >= KILLS, "too few kills met entries in flight"
        assert slowest < 20, slowest
        lists = [texts(s) for s in (hub, a, b)]
        for (got, _), site in zip(lists, (hub, a, b)):
            lost = saved - set(got)
            assert not lost, (site.name, "lost", len(lost), sorted(lost)[:3])
            assert set(got) <= maybe, "a text that nobody wrote"
            assert len(got) == len(set(got)), "an item twice"
        digests = [s.digests() for s in (hub, a, b)]
        for scope in ("org/tvac", "plan", "project/corporate-volunteering"):
            seen = {d[scope] for d in digests if scope in d}
            assert len(seen) <= 1, (scope, digests)
        assert digests[0]["org/tvac"][2] == 0, "held entries: a place was used twice"
        for site in (a, b, hub):
            assert site.end() == 0


main()

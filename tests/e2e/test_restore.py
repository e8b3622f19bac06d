"""A site whose disk was put back, a copy of a site, and a line that is paused, as people meet them (R12, P13.16):
nothing is signed until the own feeds are here again, no chain forks, both connections of a cloned site are told, and
a pause is no refusal.
"""
import os
import random
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lib

ORG = "org/tvac"


def texts(site):
    return sorted(item["text"] for item in lib.items(site))


def write(site, text):
    code, answer = lib.add(site, text)
    assert code == 200, (site.name, text, code, answer)


def log_of(site):
    with open(site.data + ".log") as f:
        return f.read()


def level_all(*sites):
    for site in sites:
        lib.level(site)
    for site in reversed(sites):
        lib.level(site)


def restore(hub, a, b, root):
    """Back comes an older disk; the fence, kept apart from it, tells."""
    for n in range(3):
        write(a, f"例 控えの前 {n}")
    level_all(a, b)
    assert a.end() == 0
    old = os.path.join(root, "old")
    shutil.copytree(a.data, old)
    a.start()
    for n in range(4):
        write(a, f"例 控えの後 {n}")
    level_all(a, b)
    before = texts(hub)
    assert len(before) == 7 and texts(a) == before, (before, texts(a))
    assert a.end() == 0 and hub.end() == 0
    shutil.rmtree(a.data)
    shutil.copytree(old, a.data)
    a.start()
    assert lib.status(a)["mode"] == "unconfirmed", lib.status(a)
    code, answer = lib.add(a, "例 まだ書けない")
    assert code == 503 and answer["error"]["id"] == "replica.unconfirmed", (code, answer)
    assert len(texts(a)) == 3, texts(a)
    write(b, "例 ほかの人")
    begin = time.monotonic()
    hub.start(*hub.options)
    lib.level(a)
    took = time.monotonic() - begin
    assert lib.status(a)["mode"] == "normal", lib.status(a)
    level_all(a, b)
    write(a, "例 つながった後")
    level_all(a, b)
    want = sorted(before + ["例 ほかの人", "例 つながった後"])
    for site in (hub, a, b):
        assert texts(site) == want, (site.name, set(want) ^ set(texts(site)))
    digests = [s.digests() for s in (hub, a, b)]
    for scope in (ORG, "plan"):
        assert len({d[scope] for d in digests}) == 1, (scope, digests)
    assert digests[0][ORG][2] == 0, "something is held: the chain forked"
    assert lib.status(hub)["counts"]["conflicts"] == 0
    assert a.end() == 0
    a.start()
    lib.level(a)
    assert lib.status(a)["mode"] == "normal", "confirmed for good"
    print(f"restored: 4 entries came back and it signs again {took:.2f} s after the hub is there, no fork")


def clone(hub, a, b, root):
    """A copy of the whole data directory on another machine: it has no fence."""
    assert a.end() == 0
    c = lib.Site(root, "copy")
    shutil.copytree(a.data, c.data)
    a.start()
    lib.level(a)
    assert lib.status(a)["link"]["reason"] is None, lib.status(a)["link"]
    c.start()
    assert lib.status(c)["mode"] == "unconfirmed", lib.status(c)
    for site in (c, a):
        for _ in range(200):
            link = lib.status(site)["link"]
            if link["reason"] == "link.instance":
                break
            time.sleep(0.05)
        assert link["reason"] == "link.instance", (site.name, link, log_of(hub)[-800:])
    assert lib.status(a)["link"]["state"] == "connected", lib.status(a)["link"]
    assert lib.add(c, "例 写しから")[0] == 503
    write(a, "例 もとから")
    lib.level(a)
    assert a.end() == 0
    lib.level(c)
    assert lib.status(c)["mode"] == "normal" and lib.status(c)["link"]["reason"] is None, lib.status(c)
    assert "例 もとから" in texts(c)
    write(c, "例 写しが代わりに")
    level_all(c, b)
    digests = [s.digests() for s in (hub, c, b)]
    assert len({d[ORG] for d in digests}) == 1 and digests[0][ORG][2] == 0, digests
    print("cloned: the second was sent away, both were told, and it went on when the first had gone, no fork")
    return c


def pauses(hub, c, b, count):
    """While others write: a pause ends with a link, never with a refusal or a gap."""
    stop = threading.Event()

    def writes(site):
        n = 0
        while not stop.is_set():
            write(site, f"例 {site.name} {n}")
            n += 1

    threads = [threading.Thread(target=writes, args=(s,)) for s in (c, b)]
    for t in threads:
        t.start()
    rnd, seen = random.Random(4), {}
    try:
        for _ in range(count):
            c.call("POST", "/v1/sync/pause", {})
            time.sleep(rnd.uniform(0, 0.05))
            c.call("POST", "/v1/sync/resume", {})
            for _ in range(1000):
                link = lib.status(c)["link"]
                seen[link["reason"]] = seen.get(link["reason"], 0) + 1
                if link["state"] == "connected":
                    break
                time.sleep(0.003)
            time.sleep(rnd.uniform(0, 0.05))
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert set(seen) == {None}, seen
    level_all(c, b)
    assert texts(hub) == texts(b) == texts(c)
    assert len({s.digests()[ORG] for s in (hub, b, c)}) == 1
    for site in (hub, b, c):
        log = log_of(site)
        assert "a gap in the news" not in log and ": order" not in log, (site.name, log[-1500:])
    print(f"paused {count} times while two wrote {len(texts(hub))} items: no refusal, no gap")


def main():
    with tempfile.TemporaryDirectory() as root:
        hub, (a, b) = lib.network(root, [("honkan", "tvac"), ("bunshitsu", "tvac")])
        restore(hub, a, b, root)
        c = clone(hub, a, b, root)
        pauses(hub, c, b, 20)
        for site in (b, c, hub):
            assert site.end() == 0


main()

"""Long away (issue 3): 1,000 entries were written at a site without a line while 10,000 came in elsewhere. One
connection later all 11,000 are at both ends, its own are acknowledged and nothing is held. Real daemons, real TLS;
tests/sim/test_away.c does the same over thirty simulated days.
"""
import json
import os
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lib

LOCAL = int(os.environ.get("SOU_AWAY_LOCAL", "1000"))
REMOTE = int(os.environ.get("SOU_AWAY_REMOTE", "10000"))
WRITERS, EACH = 4, 50  # threads; entries of one item
ORG = "org/tvac"


def texts(site):
    return {item["id"]: item["text"] for item in lib.items(site)}


def entries(site):
    code, answer = site.call("GET", "/v1/digest")
    assert code == 200, answer
    return {s["scope"]: (s["entry_count"], s["state"], s["entries"], s["held_count"]) for s in answer["scopes"]}[ORG]


def faults(*sites):
    """Links that a peer ended for a fault, by the sites' logs (at most ten lines of a peer a minute)."""
    lines = 0
    for site in sites:
        with open(site.data + ".log") as f:
            lines += sum("P11.13" in line and "stopping" not in line for line in f)
    return lines


def write(site, name, items, each, last):
    """So many items, each written and then edited: items * each entries."""
    connection = lib.UnixConnection(os.path.join(site.data, "control.sock"))

    def post(path, **body):
        connection.request("POST", path, json.dumps(dict(body, by="例")), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        got = answer.read()
        assert answer.status == 200, (site.name, name, answer.status, got)
        return json.loads(got)["item"]["id"]

    for i in range(items):
        text = f"例 {name} {i}"
        item = post("/v1/items", project="corporate-volunteering", column="achievement", text=f"{text} 0")
        for n in range(1, each):
            post(f"/v1/items/{item}/text", text=f"{text} {n}")
        last[item] = f"{text} {each - 1}"
    connection.close()


def main():
    with tempfile.TemporaryDirectory() as root:
        hub, (a, b) = lib.network(root, [("honkan", "tvac"), ("bunshitsu", "tvac")])
        assert a.call("POST", "/v1/sync/pause", {})[0] == 200
        begin, last = time.monotonic(), {}
        threads = [threading.Thread(target=write, args=(b, f"ほか{i}", REMOTE // WRITERS // EACH, EACH, last))
                   for i in range(WRITERS)]
        threads.append(threading.Thread(target=write, args=(a, "ここ", LOCAL // EACH, EACH, last)))
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert len(last) == (LOCAL + REMOTE) // EACH, "a writer gave up"
        lib.level(b, 120000)
        wrote = time.monotonic() - begin
        counts = lib.status(a)["counts"]
        assert counts["local"] + counts["queued"] == LOCAL, counts
        assert (entries(a)[0], entries(b)[0], entries(hub)[0]) == (LOCAL, REMOTE, REMOTE)
        links = faults(hub, a, b)

        begin = time.monotonic()
        assert a.call("POST", "/v1/sync/resume", {})[0] == 200
        lib.level(a, 120000)
        took = time.monotonic() - begin
        lib.level(b, 120000)
        assert faults(hub, a, b) == links == 0, "a link ended on the way"
        for site in (hub, a, b):
            assert texts(site) == last, site.name
        seen = {entries(site) for site in (hub, a, b)}
        assert len(seen) == 1, seen
        (count, _, _, held), = seen
        assert count == LOCAL + REMOTE and held == 0, seen
        counts = lib.status(a)["counts"]
        assert counts["received"] == LOCAL and counts["local"] == counts["queued"] == counts["held"] == 0, counts
        print(f"away: {LOCAL} written here and {REMOTE} elsewhere in {wrote:.1f} s; one connection, all {count} at both"
              f" ends, equal digests, own acknowledged, none held: {took:.2f} s")
        for site in (a, b, hub):
            assert site.end() == 0


main()

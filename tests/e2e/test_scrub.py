"""Scrub of running daemons (R22, B14): a bit turned in a stored entry of site or hub is found, the entry is served to
nobody, and comes back from the other by its id; own entries that nobody else has are exported and not built on.
"""
import glob
import json
import os
import sqlite3
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lib


def until(what, check, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = check()
        if got:
            return got
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {seconds} s")


def flip(site, text):
    """Turn a bit of the text in the stored entry, while nobody works on it."""
    db = sqlite3.connect(os.path.join(site.data, "replica.db"))
    rows = db.execute("SELECT key, payload FROM log WHERE instr(payload, ?) > 0", (text.encode(),)).fetchall()
    assert len(rows) == 1, (site.name, text, len(rows))
    key, payload = rows[0]
    at = payload.index(text.encode()) + len(text.encode()) - 1
    turned = payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1:]
    db.execute("UPDATE log SET payload = ? WHERE key = ?", (turned, key))
    db.commit()
    db.close()


def scrub(site):
    code, answer = site.call("POST", "/v1/scrub", {})
    assert code == 200, answer
    return answer


def texts(site):
    return {item["text"] for item in lib.items(site)}


def entries(site, scope="org/tvac"):
    code, answer = site.call("GET", "/v1/digest")
    assert code == 200, answer
    return {s["scope"]: s for s in answer["scopes"]}[scope]["entries"]


def damaged(site):
    return lib.status(site)["scrub"]["damaged"]


def repaired_from_the_other(site, other, text):
    site.end()
    flip(site, text)
    site.start(*site.options)
    lib.level(other)
    found = scrub(site)
    kinds = [f["kind"] for f in found["findings"]]
    assert kinds == ["hash"] and found["faults"] == 1, found
    assert found["repaired"] == 1 and found["damaged"] == [], found
    again = scrub(site)
    assert again["faults"] == 0 and again["entries"] == found["entries"], again
    assert damaged(site) == 0 and lib.status(site)["scrub"]["at"] is not None
    assert text in texts(site)
    return found["entries"]


def own_unsent(hub, a, b):
    code, _ = a.call("POST", "/v1/sync/pause", {})
    assert code == 200
    assert lib.add(a, "例 無事な未送信X")[0] == 200
    assert lib.add(a, "例 壊れる未送信Y")[0] == 200
    assert lib.add(a, "例 その後の未送信Z")[0] == 200
    a.end()
    flip(a, "例 壊れる未送信Y")
    a.start()
    found = scrub(a)
    assert len(found["damaged"]) == 1 and found["damaged"][0]["own"], found
    assert damaged(a) == 1
    code, answer = lib.add(a, "例 その上には書けない")
    assert code == 503 and answer["error"]["id"] == "replica.own_damaged", answer
    files = glob.glob(os.path.join(a.data, "damaged-*.jsonl"))
    assert len(files) == 1 and os.stat(files[0]).st_mode & 0o777 == 0o600, files
    with open(files[0], encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    assert [line["damaged"] for line in lines] == [True, False], lines
    assert "例 その後の未送信Z" in lines[1]["texts"], lines
    assert any(text.startswith("例 壊れる未送信") for text in lines[0]["texts"]), lines
    code, _ = a.call("POST", "/v1/sync/resume", {})
    assert code == 200
    until("what is whole goes", lambda: "例 無事な未送信X" in texts(hub))
    time.sleep(1)
    assert not any("壊れる未送信" in t for t in texts(hub)), "R22 damaged entries go to nobody"
    assert damaged(a) == 1 and scrub(a)["damaged"], "nobody has it: it stays listed"


def main():
    with tempfile.TemporaryDirectory() as root:
        hub, (a, b) = lib.network(root, [("honkan", "tvac"), ("bunshitsu", "tvac")])
        for site, text in ((a, "例 甲の文章"), (b, "例 乙の文章"), (a, "例 甲の次の文章")):
            assert lib.add(site, text)[0] == 200
            lib.level(site)
        for site in (a, b, a):
            lib.level(site)
        count = repaired_from_the_other(a, b, "例 乙の文章")
        count += repaired_from_the_other(a, b, "例 甲の文章")  # its own, which the hub has
        count += repaired_from_the_other(hub, a, "例 甲の次の文章")
        for site in (a, b, a):
            lib.level(site)
        assert texts(a) == texts(b) == texts(hub)
        assert entries(a) == entries(b) == entries(hub)
        own_unsent(hub, a, b)
        for site in (a, b, hub):
            assert site.end() == 0
        hub.cli("verify")
        b.cli("verify")
        print(f"scrub: 3 turned bits found among {count} entries, 3 repaired from a peer, 1 unsent exported")


main()

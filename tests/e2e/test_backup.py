"""Backup and restore with real processes (R12, R13, R20; B9, B15): a backup beside a running daemon and without one,
tried before it is done, without a key in it; a restored site signs nothing until it was compared, and then goes on; a
headquarters whose disk is gone comes back from its backup, its keys and its sites, and nothing that was acknowledged
is missing.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lib

ORG = "org/tvac"


def run(data, *args):
    done = subprocess.run([os.path.join(lib.BUILD, "soukatsu"), "--data", data, *args], capture_output=True,
                          timeout=120, env=dict(os.environ, LC_ALL="C.UTF-8", LANG="C.UTF-8"))
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def names(data):
    """What lies there, but for the files that SQLite keeps while somebody reads."""
    there = os.listdir(data) if os.path.isdir(data) else []
    return sorted(n for n in there if n not in ("replica.db-wal", "replica.db-shm")), os.path.isdir(data)


def refused(status, words, data, *args):
    before = names(data)
    code, out, err = run(data, *args)
    assert code == status and re.search(words, err), (args, code, out, err)
    assert names(data) == before, (args, os.listdir(data))


def write(site, text):
    code, answer = lib.add(site, text)
    assert code == 200, (site.name, text, code, answer)


def texts(site):
    return sorted(item["text"] for item in lib.items(site))


def level_all(*sites):
    for site in (*sites, *reversed(sites)):
        lib.level(site)


def manifest(path):
    with open(path, "rb") as f:
        assert f.readline() == b"soukatsu-backup 1\n"
        return json.loads(f.readline())


def secrets(data):
    """Every line of every key file, and the raw bytes of each key."""
    out = []
    for path in glob.glob(os.path.join(data, "*keys", "*.pem")):
        with open(path, "rb") as f:
            out += [line.strip() for line in f if not line.startswith(b"-----")]
    return [s for s in out if len(s) > 16]


def the_file(hub, site, root):
    """What a backup is and is not; damage; what is refused."""
    path = os.path.join(root, "site.backup")
    made = site.cli("backup", path)  # beside the running daemon
    assert os.stat(path).st_mode & 0o777 == 0o600 and made["entries"] > 0, made
    head = manifest(path)
    assert head["entries"] == made["entries"] and head["bytes"] == made["bytes"] and not head["hub"], head
    assert head["organisation"] == "tvac" and head["name"] == site.name, head
    assert site.cli("backup", "--check", path)["entries"] == made["entries"]
    left = [n for n in os.listdir(root) if "site.backup" in n]
    assert left == ["site.backup"], left
    with open(path, "rb") as f:
        whole = f.read()
    hub_path = os.path.join(root, "first.backup")
    hub.cli("backup", hub_path)
    with open(hub_path, "rb") as f:
        hub_whole = f.read()
    for what in (site, hub):
        found = secrets(what.data)
        assert len(found) >= 2, what.name
        for s in found:
            assert s not in whole and s not in hub_whole, "a key is in the backup"
    refused(73, "is there already", site.data, "backup", path)
    refused(73, "lies in the site's own directory", site.data, "backup", os.path.join(site.data, "x"))
    refused(66, "There is no replica", os.path.join(root, "none"), "backup", os.path.join(root, "y"))
    assert site.cli("backup", "--replace", path)["entries"] == made["entries"]
    bad = os.path.join(root, "bad")
    for at in (3, 30, 90, len(whole) // 2, len(whole) - 1):  # one bit; and cut short
        for content in (whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:], whole[:at]):
            with open(bad, "wb") as f:
                f.write(content)
            refused(65, "is no backup, or it is damaged", site.data, "backup", "--check", bad)
            refused(65, "is no backup, or it is damaged", os.path.join(root, "none"), "restore", bad)
    os.remove(bad)
    refused(75, "to be stopped", site.data, "restore", path, "--replace")
    print(f"backup: {made['entries']} entries, {made['bytes']} bytes, checked, no key in it; ten damaged ones refused")
    return path


def restored_site(hub, a, b, path):
    """Back comes what the backup had; later writing comes from headquarters; unsent writing of the backup is sent."""
    for n in range(3):
        write(a, f"例 写しの後 {n}")
    level_all(a, b)
    before = texts(hub)
    assert a.end() == 0
    refused(73, "is newer", a.data, "restore", path)
    shutil.move(a.data, a.data + ".lost")
    shutil.rmtree(a.data + ".state")
    code, _, err = run(a.data, "restore", path, "--keys", os.path.join(b.data, "keys"))
    assert code == 77 and "is not the key of the site" in err, (code, err)
    assert not os.path.exists(a.data), os.listdir(a.data)
    out = a.cli("restore", path, "--keys", os.path.join(a.data + ".lost", "keys"))
    assert out["keys"] and out["aside"] is None, out
    assert a.cli("verify")["faults"] == 0
    hub.end()
    a.start()
    assert lib.status(a)["mode"] == "unconfirmed", lib.status(a)
    code, answer = lib.add(a, "例 まだ書けない")
    assert code == 503 and answer["error"]["id"] == "replica.unconfirmed", (code, answer)
    assert len(texts(a)) < len(before)
    hub.start(*hub.options)
    lib.level(a)
    assert lib.status(a)["mode"] == "normal" and texts(a) == before, (texts(a), before)
    write(a, "例 戻したあと")
    level_all(a, b)
    want = sorted(before + ["例 戻したあと"])
    for site in (hub, a, b):
        assert texts(site) == want, site.name
        assert site.digests()[ORG] == hub.digests()[ORG] and site.digests()[ORG][2] == 0, site.name
    print(f"restored site: unconfirmed, then {len(want)} items and no fork")


def put_over(hub, a, b, root):
    """Over the replica that it was made of, with its fence in place: unconfirmed all the same (R12)."""
    path = os.path.join(root, "again.backup")
    level_all(a, b)
    assert hub.end() == 0
    write(b, "例 まだ送っていない")
    assert b.end() == 0
    b.cli("backup", path)
    refused(73, "There is a replica", b.data, "restore", path)
    out = b.cli("restore", path, "--replace")
    assert out["keys"] and not out["settings"] and os.listdir(out["aside"]) == ["replica.db"], os.listdir(out["aside"])
    assert run(out["aside"], "verify")[0] == 0
    b.start()
    got = lib.status(b)
    assert got["mode"] == "unconfirmed" and got["counts"]["drafts"] == 1, got
    assert "例 まだ送っていない" not in texts(b)
    here = os.path.join(root, "typed")
    os.mkdir(here)
    done = subprocess.run([os.path.join(lib.BUILD, "soukatsu"), "--data", b.data, "item", "add",
                           "corporate-volunteering", "achievement", "--file", "-", "--by", "例"], cwd=here,
                          input="例 打った文章".encode(), capture_output=True, timeout=60,
                          env=dict(os.environ, LC_ALL="C.UTF-8", LANG="C.UTF-8"))
    kept, = os.listdir(here)
    assert done.returncode == 75 and kept.encode() in done.stderr, done
    assert open(os.path.join(here, kept)).read() == "例 打った文章"
    hub.start(*hub.options)
    lib.level(b)
    got = lib.status(b)
    assert got["mode"] == "normal" and got["counts"]["drafts"] == 0, got
    level_all(a, b)
    for site in (a, b, hub):
        assert "例 まだ送っていない" in texts(site) and texts(site) == texts(hub), site.name
        assert site.digests()[ORG] == hub.digests()[ORG] and site.digests()[ORG][2] == 0, site.name
    print("restored over itself: unconfirmed, its unsent item a draft, then sent; what was there lies aside")


def alone(root):
    """A headquarters that nobody joined yet, and its fence is lost: an administrator decides (R12)."""
    hub = lib.Site(root, "lone")
    hub.cli("init", "--hub", "--org", "hq", "--name", "例", "--listen", "127.0.0.1:0", passphrase=True)
    hub.start()
    hub.cli("org", "import", os.path.join(lib.DATA, "organisations.csv"), "--by", "例", passphrase=True)
    hub.cli("plan", "import", os.path.join(lib.DATA, "soukatsu-2023-08.json"), "--by", "例")
    assert run(hub.data, "confirm", "--reason", "例", "--by", "例")[0] == 65
    hub.end()
    shutil.rmtree(hub.data + ".state")
    hub.start()
    assert lib.status(hub)["mode"] == "unconfirmed"
    code, _, err = run(hub.data, "round", "close", "2023-08", "--by", "例")
    assert code == 75 and "soukatsu confirm" in err, (code, err)
    assert run(hub.data, "confirm", "--by", "例")[0] == 64
    code, out, err = run(hub.data, "confirm", "--reason", "例 印をなくした", "--by", "例")
    assert code == 0, (code, out, err)
    assert lib.status(hub)["mode"] == "normal"
    assert run(hub.data, "round", "close", "2023-08", "--by", "例")[0] == 0
    hub.end()
    hub.start()
    assert lib.status(hub)["mode"] == "normal"
    assert hub.end() == 0 and hub.cli("verify")["faults"] == 0
    print("alone: refused without a reason, then confirmed in new epochs")


def lost_headquarters(hub, a, b, root):
    """The disk is gone: backup, keys from where they are kept, and the sites give back the rest."""
    path, kept = os.path.join(root, "hub.backup"), os.path.join(root, "kept")
    shutil.copytree(os.path.join(hub.data, "keys"), kept)
    assert hub.end() == 0
    hub.cli("backup", path)  # without a daemon
    hub.start(*hub.options)
    for site in (a, b):
        for n in range(4):
            write(site, f"例 本部の写しの後 {site.name} {n}")
    level_all(a, b)
    for site in (a, b):
        counts = lib.status(site)["counts"]
        assert counts["local"] == counts["queued"] == 0, counts  # all of it was acknowledged
    want, digest = texts(hub), hub.digests()
    assert hub.end() == 0
    shutil.rmtree(hub.data)
    shutil.rmtree(hub.data + ".state")
    out = hub.cli("restore", path, "--keys", kept)
    assert out["hub"] and out["keys"] and out["settings"], out
    hub.start(*hub.options)
    level_all(a, b)
    assert lib.status(hub)["mode"] == "normal", lib.status(hub)
    assert texts(hub) == want, set(want) ^ set(texts(hub))
    here = hub.digests()
    assert all(here[s] == digest[s] for s in digest), (here, digest)
    write(a, "例 立て直したあと")
    level_all(a, b)
    assert texts(b) == sorted(want + ["例 立て直したあと"])
    for site in (a, b, hub):
        assert site.digests()[ORG] == hub.digests()[ORG] and site.digests()[ORG][2] == 0, site.name
        assert lib.status(site)["counts"]["conflicts"] == 0
    print(f"lost headquarters: {len(want)} items are back, nothing acknowledged is missing, equal digests")


def main():
    with tempfile.TemporaryDirectory() as root:
        hub, (a, b) = lib.network(root, [("honkan", "tvac"), ("bunshitsu", "tvac")])
        for n in range(3):
            write(a, f"例 写しの前 {n}")
        level_all(a, b)
        path = the_file(hub, a, root)
        restored_site(hub, a, b, path)
        put_over(hub, a, b, root)
        lost_headquarters(hub, a, b, root)
        alone(root)
        for site in (a, b, hub):
            assert site.end() == 0
            assert site.cli("verify")["faults"] == 0, site.name


main()

#!/usr/bin/env python3
"""soukatsu doctor at a hub and a site, with soukatsud and without: each thing that is made wrong is found, by its
word, with an exit status that says so, and nothing else is; and the export holds nothing that somebody typed."""
import base64
import glob
import json
import os
import shutil
import stat
import subprocess
import tempfile
import time

import lib

TEXT = "例 書き出してはならない文章"
NAME = "例田中"


def run(site, *words, language="C"):
    return subprocess.run([os.path.join(lib.BUILD, "soukatsu"), "--data", site.data, "doctor", *words],
                          capture_output=True, timeout=120, env=dict(os.environ, LC_ALL=language))


def found(site):
    """(exit status, ids of the findings)"""
    done = run(site, "--json")
    assert done.stderr == b"", done.stderr.decode()
    answer = json.loads(done.stdout)
    for finding in answer["findings"]:
        assert finding["message"] and finding["safe"] and finding["next"], finding
    ids = [finding["id"] for finding in answer["findings"]]
    assert done.returncode == (answer["findings"][0]["exit"] if ids else 0), (done.returncode, ids)
    return done.returncode, ids


def finds(site, what, status, *ids):
    got = found(site)
    assert got == (status, list(ids)), (what, got)
    print(f"{what}: {', '.join(ids) or 'nothing'}")


def reaches(site, what, *ids):
    """The same, as soon as the daemon has met what is wrong."""
    end = time.monotonic() + 60
    while found(site)[1] != list(ids):
        assert time.monotonic() < end, (what, found(site))
    print(f"{what}: {', '.join(ids)}")


def files(hub, site, root):
    finds(hub, "after init", 77, "doctor.root_keys")
    shutil.move(os.path.join(hub.data, "root-keys"), os.path.join(root, "safe"))
    finds(hub, "root keys moved away", 0)
    finds(site, "a site that is well", 0)
    said = run(site)
    assert said.returncode == 0 and said.stdout.startswith(b"Nothing wrong"), said

    path = os.path.join(site.data, "replica.db")
    os.chmod(path, 0o644)
    finds(site, "a file open to others", 77, "data.mode")
    os.chmod(path, 0o600)
    key = os.path.join(site.data, "keys", "tls.pem")
    os.rename(key, key + ".away")
    finds(site, "a key that is gone", 66, "key.missing")
    with open(key, "w", encoding="ascii") as file:
        file.write("-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n-----END PRIVATE KEY-----\n")
    os.chmod(key, 0o400)
    finds(site, "a damaged key", 65, "doctor.key_bad")
    os.rename(key + ".away", key)
    key = os.path.join(hub.data, "keys", "operational.pem")
    shutil.copy2(key, key + ".away")
    shutil.copy2(os.path.join(hub.data, "keys", "site.pem"), key + ".new")
    os.replace(key + ".new", key)
    finds(hub, "a key without its passphrase", 77, "doctor.key_plain")
    os.replace(key + ".away", key)
    conf = os.path.join(site.data, "soukatsud.conf")
    with open(conf, "w", encoding="utf-8") as file:
        file.write("nosuch = 1\nbackoff_min = 5\n")
    os.chmod(conf, 0o600)
    finds(site, "faults of the settings", 78, "config.line", "config.line")
    os.unlink(conf)
    fence = os.path.join(site.data + ".state", "fence")
    os.rename(fence, fence + ".away")
    finds(site, "no fence", 75, "doctor.fence")
    os.rename(fence + ".away", fence)
    nowhere = lib.Site(root, "nowhere")
    finds(nowhere, "no replica", 66, "data.missing")


def links(hub, site, root):
    site.call("POST", "/v1/sync/pause", {})
    code, answer = site.call("POST", "/v1/items", {"project": "corporate-volunteering", "column": "achievement",
                                                   "text": TEXT, "by": NAME})
    assert code == 200, answer
    finds(site, "paused, with a change", 75, "sync.paused", "doctor.unsent")
    assert site.end() == 0
    finds(site, "stopped, with a change", 69, "daemon.stopped", "doctor.unsent")
    site.start()
    site.call("POST", "/v1/sync/resume", {})
    lib.level(site)
    finds(site, "sent", 0)

    assert hub.end() == 0
    reaches(site, "the hub is stopped", "doctor.hub_port")
    ja = run(site, language="ja_JP.UTF-8")
    assert ja.returncode == 69 and "そのポートで受け付けていません" in ja.stdout.decode(), ja.stdout.decode()
    assert site.end() == 0
    site.start("--connect", "nosuch.invalid:7443")
    reaches(site, "a name that does not exist", "doctor.hub_name")
    assert site.end() == 0
    other = lib.Site(root, "other")
    other.cli("init", "--hub", "--org", "hq", "--name", "例", "--listen", "127.0.0.1:0", passphrase=True)
    other.start()
    site.start("--connect", f"127.0.0.1:{other.port}")
    reaches(site, "another hub", "doctor.hub_key")
    for at in (site, other):
        assert at.end() == 0
    hub.start(*hub.options)
    site.start()
    lib.level(site)
    finds(site, "and back", 0)


def export(hub, site, root):
    forbidden = [TEXT, NAME, "honkan", "tvac", "東社協", "東京", "corporate-volunteering", "2023-08", "127.0.0.1",
                 root, lib.PASSPHRASE.decode(), os.uname().nodename + "."]
    for at in (hub, site):
        for path in glob.glob(os.path.join(at.data, "keys", "*.pem")):
            with open(path, encoding="ascii") as file:
                lines = [line.strip() for line in file if not line.startswith("-----")]
            forbidden += [line for line in lines if len(line) >= 16]
            forbidden.append(base64.b64decode("".join(lines))[-32:].hex())
    for at in (hub, site):
        path = os.path.join(root, at.name + ".export")
        done = run(at, "--export", path)
        assert done.returncode == 0, done
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        with open(path, encoding="utf-8") as file:
            text = file.read()
        plain = json.dumps(json.loads(text), ensure_ascii=False)
        for word in forbidden:
            assert word not in text and word not in plain, (at.name, "the export holds", word)
        held = json.loads(text)
        assert set(held) == {"format", "at", "version", "system", "findings", "status", "digests", "settings",
                             "files", "metrics"}, set(held)
        assert held["findings"] == [] and held["status"]["mode"] == "normal" and held["digests"]
        assert "soukatsu_links" in held["metrics"] and held["files"]["replica.db"]["mode"] == "0600"
        again = run(at, "--export", path)
        assert again.returncode == 73, "a file that is there was overwritten"
    assert site.end() == 0
    path = os.path.join(root, "stopped.export")
    done = run(site, "--export", path)
    assert done.returncode == 69, done
    with open(path, encoding="utf-8") as file:
        held = json.load(file)
    assert held["status"] is None and [f["id"] for f in held["findings"]] == ["daemon.stopped"], held
    if os.geteuid() == 0:  # a site of another user, as on a machine with the package
        os.chmod(root, 0o711)
        for top in (site.data, site.data + ".state"):
            for folder, _, names in os.walk(top):
                for name in (".", *names):
                    os.chown(os.path.join(folder, name), 65534, 65534)
        finds(site, "root looks at another user's site", 69, "daemon.stopped")
    print(f"the exports hold none of {len(forbidden)} texts, names, addresses and keys")


def main():
    with tempfile.TemporaryDirectory() as root:
        hub, (site,) = lib.network(root, [("honkan", "tvac")])
        files(hub, site, root)
        links(hub, site, root)
        export(hub, site, root)
        assert hub.end() == 0


main()

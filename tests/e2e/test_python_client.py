"""A site in Python, written from PROTOCOL.md alone, against soukatsud over real TLS: it joins by invite, writes an item
that headquarters' table shows to the character, submits it, meets a conflict with a site of ours and settles it, and
is refused what it may not do (P11 to P13, R7, R18).
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

TOP = os.environ.get("SOU_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("SOU_BUILD") or os.path.join(TOP, "build")
DATA = os.path.join(TOP, "tests", "data")
CLIENT = os.path.join(TOP, "tests", "model")
PASSPHRASE = b"passphrase of a test"
TEXT = "段落 𠮷㌻ の例。 "
PROJECT, SHARED = "corporate-volunteering", "community-and-volunteer-link"
COLUMNS, ROUND = ("achievement", "challenge", "next"), "2023-08"


def run(*args, status=0, passphrase=False):
    """A command of ours; its JSON."""
    read = None
    if passphrase:
        read, write = os.pipe()
        os.write(write, PASSPHRASE)
        os.close(write)
        args = (*args, "--passphrase-fd", str(read))
    env = dict(os.environ, LC_ALL="C.UTF-8")
    done = subprocess.run(
        args, capture_output=True, timeout=120, env=env, cwd=CLIENT, pass_fds=[read] if read else []
    )
    if read is not None:
        os.close(read)
    assert done.returncode == status, (args[1:6], done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout) if done.stdout.startswith(b"{") else done.stdout.decode()


class Daemon:
    """A site of ours: soukatsu and soukatsud on one data directory."""

    def __init__(self, data):
        self.data, self.process = data, None

    def cli(self, *args, **kw):
        return run(os.path.join(BUILD, "soukatsu"), "--data", self.data, "--json", *args, **kw)

    def start(self, *options):
        args = [os.path.join(BUILD, "soukatsud"), "--data", self.data, *options]
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        ready = self.process.stdout.readline().decode()
        assert ready.startswith("ready"), ready
        self.port = int(ready.split()[-1])

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            assert self.process.wait(30) == 0
            self.process.stdout.close()
            self.process = None

    def digests(self):
        return {s["id"]: (s["state"], s["entries"], s["held_count"]) for s in self.cli("digest")["scopes"]}


class Site:
    """The one in Python, through its command line as anybody would use it."""

    def __init__(self, data):
        self.data = data

    def __call__(self, *args, status=0):
        return run(sys.executable, "-m", "soukatsu.client", "--data", self.data, *args, status=status)

    def scopes(self):
        """Name -> (state, entries) of what it holds."""
        return {name: (x["state"], x["entries"]) for name, x in self("digest").items()}

    def write(self, column, text, *more, status=0):
        return self(
            "write-item",
            "--project",
            PROJECT,
            "--column",
            column,
            "--round",
            ROUND,
            "--text",
            text,
            "--by",
            "例 花子",
            *more,
            status=status
        )


class PythonClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """One headquarters for all; each test joins with sites of its own, in one of two organisations."""
        cls.folder = tempfile.mkdtemp(prefix="soukatsu-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.hub = Daemon(os.path.join(cls.folder, "hub"))
        cls.hub.cli("init", "--hub", "--org", "hq", "--name", "東社協", "--listen", "127.0.0.1:0", passphrase=True)
        cls.hub.start("--listen", "127.0.0.1:0")
        cls.addClassCleanup(cls.hub.stop)
        cls.hub.cli("org", "import", os.path.join(DATA, "organisations.csv"), "--by", "本部 例", passphrase=True)
        cls.hub.cli("plan", "import", os.path.join(DATA, "soukatsu-2023-08.json"), "--by", "本部 例")

    def invite(self, org, role="editor,submitter", name="例"):
        return self.hub.cli("invite", "--org", org, "--name", name, "--role", role, "--by", "本部 例", passphrase=True)[
            "invite"
        ]

    def site(self, org, role="editor,submitter"):
        site = Site(tempfile.mkdtemp(dir=self.folder))
        out = site("join", self.invite(org, role))
        self.assertEqual((out["organisation"], out["faults"], out["closed"], out["refused"]), (org, [], None, []))
        return site

    def paragraphs(self, *options):
        table = self.hub.cli("table", "--format", "json", *options)
        return [
            (p["organisation"], project["id"], cell["column"], p["text"])
            for pillar in table["pillars"]
            for project in pillar["projects"]
            for cell in project["cells"]
            for p in cell["paragraphs"]
        ]

    def items(self, site, project):
        return [x for x in site("items")["items"] if x["project"] == project]

    def equal(self, site, *scopes):
        """These scopes have one digest here and at headquarters."""
        at_hub = {s["scope"]: (s["state"], s["entries"]) for s in self.hub.cli("digest")["scopes"]}
        mine = site.scopes()
        for scope in scopes:
            self.assertEqual(mine[scope], at_hub[scope], scope)

    def test_an_item_that_headquarters_sees(self):
        site = self.site("tvac")
        self.assertIn(PROJECT, site("projects"))
        for column in COLUMNS[:2]:
            self.assertEqual(site.write(column, TEXT + column)["verdict"], "accepted")
        self.assertTrue(site("sync")["settled"])
        rows = [("tvac", PROJECT, c, TEXT + c) for c in COLUMNS[:2]]
        for row in rows:
            self.assertIn(row, self.paragraphs("--latest"))
        self.assertEqual([p for p in self.paragraphs() if p[1] == PROJECT], [])  # nothing is submitted
        site("submit", "--project", PROJECT, "--round", ROUND, "--nil", "next", "--by", "例 花子")
        self.assertTrue(site("sync")["settled"])
        self.assertEqual([p for p in self.paragraphs() if p[1] == PROJECT], rows)
        table = self.hub.cli("table", "--format", "json")
        standing = [
            o["standing"]
            for pl in table["pillars"]
            for p in pl["projects"]
            if p["id"] == PROJECT
            for o in p["organisations"]
        ]
        self.assertEqual(standing, ["submitted"])
        self.equal(site, "plan", "org/tvac", "project/" + PROJECT)
        entry = site("edit-item", self.items(site, PROJECT)[0]["entity"], "--text", "後から直す")
        self.assertEqual(entry["verdict"], "accepted")
        site("sync")
        self.assertEqual([p for p in self.paragraphs() if p[1] == PROJECT], rows)  # still what was submitted

    def test_what_it_may_not(self):
        site = self.site("w13104", "editor")
        before = self.hub.digests()
        denied = site.write("next", "他人の段落", "--org", "chiiki", status=1)
        self.assertTrue(denied["denied"].startswith("no-right"))
        site.write("next", "他人の段落", "--org", "chiiki", "--force")
        site("write", "org/w13104", "w13104", "1", "19", "new", "2", '"承認しない"', "--force")  # approver's
        site("write", "plan", "w13104", "1", "1", "new", "20", '"新しい計画"', "--force")  # planner's
        out = site("sync", status=1)
        self.assertEqual({(x["scope"], x["code"]) for x in out["refused"]}, {("org/chiiki", 1), ("plan", 1)})
        self.assertNotIn("他人の段落", json.dumps(self.paragraphs("--latest"), ensure_ascii=False))
        after = self.hub.digests()
        own = {s["id"]: s["held_count"] for s in self.hub.cli("digest")["scopes"] if s["scope"] == "org/w13104"}
        self.assertEqual(list(own.values()), [1])  # kept, and held
        self.assertEqual({k: v for k, v in after.items() if k not in own}, before)
        self.assertEqual(self.hub.cli("item", "list", "--org", "w13104")["items"], [])

    def test_what_it_may_not_read(self):
        """R18: not a scope that is not its own, however busy it is there."""
        writer, reader = self.site("chiiki"), self.site("w13113")
        writer(
            "write-item", "--project", SHARED, "--column", "next", "--round", ROUND, "--text", "地域福祉部の段落",
            "--by", "例"
        )
        self.assertTrue(writer("sync")["settled"])
        self.assertTrue(reader("sync")["settled"])
        self.assertEqual(reader("scopes")["readable"], ["org/w13113", "plan"])
        self.assertEqual(set(reader("status")["entries"]), {"plan"})
        with open(os.path.join(reader.data, "replica.json"), encoding="utf-8") as f:
            self.assertNotIn("地域福祉部の段落".encode().hex(), f.read())

    def test_invites(self):
        invite = self.invite("w13103")
        first, second = Site(tempfile.mkdtemp(dir=self.folder)), Site(tempfile.mkdtemp(dir=self.folder))
        first("join", invite)
        first("join", invite)  # the same site again
        self.assertIn("invite used", second("join", invite, status=1)["denied"])
        changed = invite[:-1] + ("A" if invite[-1] != "A" else "B")
        with self.assertRaises(AssertionError):
            second("join", changed)

    def test_beside_a_site_of_ours(self):
        """Two sites of one organisation, one of each kind, edit one item apart; the one in Python settles it."""
        other = Daemon(os.path.join(self.folder, "ours"))
        other.cli("join", self.invite("tvac"))
        other.start()
        self.addCleanup(other.stop)
        site = self.site("tvac")
        add = ("item", "add", SHARED, "next", "--round", ROUND, "--by", "例 太郎")
        item = other.cli(*add, "--text", "初めの文")["item"]["id"]
        other.cli("sync", "now")
        self.assertTrue(site("sync")["settled"])
        self.assertEqual([x["text"] for x in self.items(site, SHARED)], ["初めの文"])
        other.cli("sync", "pause")
        other.cli("item", "edit", item, "--text", "分室の文", "--by", "例 太郎")
        site("edit-item", item, "--text", "本館の文", "--by", "例 花子")
        self.assertTrue(site("sync")["settled"])
        other.cli("sync", "resume")
        other.cli("sync", "now")
        site("sync")
        (mine,) = self.items(site, SHARED)
        self.assertEqual((mine["conflict"], sorted(mine["versions"])), (True, ["分室の文", "本館の文"]))
        (theirs,) = other.cli("item", "list", "--project", SHARED, "--org", "tvac")["items"]
        self.assertEqual((theirs["conflict"], theirs["text"]), (True, mine["text"]))  # R15: the same one first
        site("edit-item", item, "--text", "合わせた文", "--by", "例 花子")
        self.assertTrue(site("sync")["settled"])
        other.cli("sync", "now")
        (theirs,) = other.cli("item", "list", "--project", SHARED, "--org", "tvac")["items"]
        self.assertEqual((theirs["conflict"], theirs["text"]), (False, "合わせた文"))
        self.equal(site, "org/tvac", "plan")
        ours = {s["scope"]: (s["state"], s["entries"]) for s in other.cli("digest")["scopes"]}
        self.assertEqual(site.scopes()["org/tvac"], ours["org/tvac"])

    def test_many_at_once(self):
        """Some hundred entries, and a reconnect with nothing new."""
        site = self.site("w13117")
        for n in range(12):
            site.write(COLUMNS[n % 3], "段落 %d" % n)
        begin = time.monotonic()
        self.assertTrue(site("sync")["settled"])
        self.assertLess(time.monotonic() - begin, 20)
        self.assertEqual(len(self.hub.cli("item", "list", "--org", "w13117")["items"]), 12)
        out = site("sync")
        self.assertEqual((out["settled"], out["faults"]), (True, []))
        self.equal(site, "org/w13117")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""The package on an empty machine: a Debian root that holds only what the package depends on, with systemd as
its first process (systemd-nspawn, a network of its own). In it, as root at a terminal:

  install    user, directories, units, pages; nothing runs
  guide      every command of docs/administration.md, as written, and a second site by the same block
  units      both threads watched, settings reloaded, keys from the credential store, filters in force,
             a daemon that is killed comes back, a site's user sees no other site
  upgrade    from an older version with an older replica: migrated, what ran runs, what did not does not
  remove     stops all and leaves data; purge leaves what somebody wrote and says it

Needs root (or sudo), mmdebstrap, a Debian mirror, and a machine on which systemd-nspawn may start another: without
the last two it says so and fails in the long tier alone. SOU_ROOT names a folder in which the root is kept between
runs."""
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import lib  # noqa: E402  (tests/e2e/lib.py)
import package  # noqa: E402
from terminal import Terminal, blocks_of, check_shown  # noqa: E402

GUIDE = "docs/administration.md"
QUIET = ("getty.target", "systemd-resolved.service", "systemd-networkd.service", "systemd-timesyncd.service",
         "systemd-udevd.service", "apt-daily.timer", "apt-daily-upgrade.timer")


def run(*words, check=True, seconds=120):
    done = subprocess.run(words, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL)
    assert not check or done.returncode == 0, (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done


class NotHere(Exception):
    """This machine reaches no Debian mirror, or may start no other: said, and in the long tier a failure."""


def make_root(folder, deb):
    """A Debian of the running one's release with apt and what the package depends on."""
    depends = run("dpkg-deb", "-f", deb, "Depends").stdout.strip()
    names = sorted({word.split()[0] for word in depends.split(",")})
    with open("/etc/os-release", encoding="utf-8") as file:
        release = re.search(r"^VERSION_CODENAME=(\w+)", file.read(), re.M).group(1)
    keep = os.environ.get("SOU_ROOT", folder)
    archive = os.path.join(keep, "root-" + "-".join(names)[:180] + ".tar")
    if not os.path.exists(archive):
        begin = time.monotonic()
        paths = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")]
        done = run("mmdebstrap", "--quiet", "--variant=apt", "--include=" + ",".join(names),
                   "--dpkgopt=force-unsafe-io", *paths, "--dpkgopt=path-include=/usr/share/doc/soukatsu/*", release,
                   archive + ".new.tar", check=False, seconds=500)
        if re.search("Could not (resolve|connect)|Temporary failure resolving|Unable to connect", done.stderr):
            raise NotHere(done.stderr[-500:])
        assert done.returncode == 0, done.stderr[-2000:]
        os.rename(archive + ".new.tar", archive)
        print(f"root made in {time.monotonic() - begin:.0f} s", flush=True)
    root = os.path.join(folder, "root")
    os.mkdir(root)
    run("tar", "-C", root, "--exclude=./dev/*", "-xf", archive)
    with open(os.path.join(root, "etc/apt/apt.conf.d/99plain"), "w", encoding="utf-8") as file:
        file.write('Binary::apt::DPkg::Progress-Fancy "0";\n')  # a bar drawn among the lines
    for name in QUIET:
        os.symlink("/dev/null", os.path.join(root, "etc/systemd/system", name))
    return root


class Machine:
    """The root, started; `run` types nothing, `terminal` is a person's."""

    def __init__(self, root):
        self.root = root
        self.log = open(root + ".log", "ab")
        self.nspawn = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "-D", root, "--machine=soukatsu-test", "--register=no", "--keep-unit",
             "--private-network", "--link-journal=no", "--boot", "--console=pipe"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        self.first = self.find_first()
        self.inside = ["nsenter", "-t", self.first, "-m", "-u", "-i", "-n", "-p", "-C", "--"]
        state = self.run("systemctl", "is-system-running", "--wait", check=False).stdout.strip()
        assert state in ("running", "degraded"), (state, self.run("systemctl", "--failed", check=False).stdout)

    def find_first(self):
        end = time.monotonic() + 60
        while time.monotonic() < end and self.nspawn.poll() is None:
            path = f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children"
            with open(path, encoding="utf-8") as file:
                children = file.read().split()
            for child in children:
                ready = os.path.join(f"/proc/{child}/root", "run/systemd/private")
                with open(f"/proc/{child}/comm", encoding="utf-8") as file:
                    if file.read().strip() == "systemd" and os.path.exists(ready):
                        return child
            time.sleep(0.1)
        if self.nspawn.poll() is not None:  # it ended by itself, before there was a first process
            with open(self.root + ".log", encoding="utf-8") as file:
                raise NotHere("systemd-nspawn: " + file.read()[-500:])
        raise AssertionError("systemd does not come up: " + open(self.root + ".log", encoding="utf-8").read()[-2000:])

    def run(self, *words, check=True, seconds=120):
        return run(*self.inside, *words, check=check, seconds=seconds)

    def show(self, unit, *names):
        done = self.run("systemctl", "show", unit, *[f"-p{name}" for name in names])
        values = dict(line.split("=", 1) for line in done.stdout.strip().split("\n"))
        return [values.get(name, "") for name in names]

    def until(self, what, seen, seconds=60):
        end = time.monotonic() + seconds
        while not seen():
            assert time.monotonic() < end, what
            time.sleep(0.2)

    def end(self):
        os.kill(self.nspawn.pid, signal.SIGKILL)  # with it goes the first process, and all of that machine
        self.nspawn.wait(60)
        self.log.close()


def installed(m):
    passwd = m.run("getent", "passwd", "soukatsu").stdout
    assert passwd.endswith(":/var/lib/soukatsu:/usr/sbin/nologin\n"), passwd
    for folder in ("soukatsu", "soukatsu.state"):
        listed = m.run("stat", "-c", "%a %U %G", f"/var/lib/{folder}").stdout.strip()
        assert listed == "700 soukatsu soukatsu", (folder, listed)
    for unit in ("soukatsud.service", "soukatsud@x.service"):
        state = m.run("systemctl", "is-enabled", unit, check=False).stdout.strip()
        assert state == "disabled", (unit, state)
    # What is not configured is no failure, and does not run.
    m.run("systemctl", "start", "soukatsud")
    assert m.show("soukatsud", "ActiveState", "ConditionResult") == ["inactive", "no"]
    done = m.run("systemd-analyze", "verify", "--man=no", "/usr/lib/systemd/system/soukatsud.service")
    assert not done.stderr.strip(), done.stderr


def type_blocks(terminal, blocks, mine=lambda text: text):
    count = 0
    for block in blocks:
        output = ""
        for command in block.commands:
            status, text = terminal.run(mine(command))
            assert status == 0, f"{GUIDE}:{block.line}: {command}: status {status}\n{text}"
            output += re.sub("\x1b(\\[[0-9;]*[A-Za-z]|[78])", "", text)
            count += 1
        check_shown(f"{GUIDE}:{block.line}", [mine(line) for line in block.shown], output)
    return count


def with_words(blocks, word):
    found = [block for block in blocks if any(word in command for command in block.commands)]
    assert len(found) == 1, (word, len(found))
    return found[0]


def second_site(terminal, blocks):
    """The same two blocks for another site of the machine."""
    def mine(text):
        return text.replace("honkan", "bunshitsu").replace("本館", "分室")
    type_blocks(terminal, [with_words(blocks, "invite --org"), with_words(blocks, "systemd-sysusers")], mine)


def units(m, terminal, blocks):
    hub, site = "soukatsud.service", "soukatsud@bunshitsu.service"
    for unit in (hub, site):
        pid, active, text, usec = m.show(unit, "MainPID", "ActiveState", "StatusText", "WatchdogUSec")
        assert active == "active" and pid != "0" and usec == "3min" and text, (unit, active, text, usec)
        with open(os.path.join(f"/proc/{m.first}/root", f"proc/{pid}/status"), encoding="utf-8") as file:
            status = dict(line.split(":\t", 1) for line in file.read().split("\n") if ":\t" in line)
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1" and int(status["CapBnd"], 16) == 0, status
        print(f"{unit}: {text}")
    # Nothing was refused by the filter or the read-only machine: the log has no error.
    bad = m.run("journalctl", "-q", "-p", "err", "-u", hub, "-u", site, check=False).stdout
    assert not bad.strip(), bad
    # A site's user sees neither the hub nor another site.
    for path in ("/var/lib/soukatsu/replica.db", "/var/lib/soukatsu-honkan/keys/site.pem"):
        done = m.run("runuser", "-u", "soukatsu-bunshitsu", "--", "cat", path, check=False)
        assert done.returncode != 0 and "Permission denied" in done.stderr, (path, done)
    # Keys apart from the replica, as the guide says it.
    type_blocks(terminal, [with_words(blocks, "/etc/credstore/")])
    assert m.show(hub, "ActiveState") == ["active"]
    assert m.run("ls", "/var/lib/soukatsu/keys").stdout.split() == ["operational.pem"]
    status, text = terminal.run("soukatsu --data /var/lib/soukatsu-bunshitsu sync now")
    assert status == 0, text
    # What is killed comes back.
    m.run("systemctl", "kill", "--kill-who=main", "--signal=KILL", hub)
    m.until("it comes back", lambda: m.show(hub, "NRestarts", "ActiveState") == ["1", "active"])
    # A setting that cannot be: not started again and again.
    m.run("runuser", "-u", "soukatsu-bunshitsu", "--", "sh", "-c",
          "umask 077; echo nosuch = 1 >>/var/lib/soukatsu-bunshitsu/soukatsud.conf")
    m.run("systemctl", "restart", site, check=False)
    assert m.show(site, "ActiveState", "ExecMainStatus", "NRestarts") == ["failed", "78", "0"]
    m.run("runuser", "-u", "soukatsu-bunshitsu", "--", "sed", "-i", "/nosuch/d",
          "/var/lib/soukatsu-bunshitsu/soukatsud.conf")
    m.run("systemctl", "start", site)


def age(path):
    """The replica as the version before wrote it (tests/daemon/store/test_damage.c, migrates_schema_1)."""
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] >= 2
        db.executescript("DROP INDEX record_marked; CREATE INDEX record_marked ON record (state) WHERE state > 3;"
                         "DROP INDEX log_held; DROP INDEX log_own; PRAGMA user_version = 1;")
    db.close()


def upgrade(m, deb):
    """Down to the older package, with the replica as that one would have left it, and up again."""
    m.run("dpkg", "--force-downgrade", "-i", "/opt/older.deb")
    m.run("systemctl", "stop", "soukatsud", "soukatsud@honkan")
    replica = os.path.join(m.root, "var/lib/soukatsu/replica.db")
    owner = os.stat(replica)
    age(replica)
    os.chown(replica, owner.st_uid, owner.st_gid)
    for name in os.listdir(os.path.dirname(replica)):
        if name.startswith("replica.db-") and not name.startswith("replica.db-before"):
            os.unlink(os.path.join(os.path.dirname(replica), name))
    # What runs at the upgrade is the site; the hub is started by its administrator, and migrates.
    before = m.show("soukatsud@bunshitsu", "MainPID")[0]
    done = m.run("dpkg", "-i", "/opt/" + os.path.basename(deb))
    assert m.show("soukatsud@bunshitsu", "ActiveState") == ["active"]
    assert m.show("soukatsud@bunshitsu", "MainPID")[0] != before, "not started anew"
    assert m.show("soukatsud@honkan", "ActiveState") == ["inactive"], done.stdout
    m.run("systemctl", "start", "soukatsud")
    versions = {}
    for name in ("replica.db", "replica.db-before-2"):
        db = sqlite3.connect(f"file:{os.path.join(os.path.dirname(replica), name)}?mode=ro", uri=True)
        versions[name] = db.execute("PRAGMA user_version").fetchone()[0]
        db.close()
    assert versions["replica.db"] >= 2 and versions["replica.db-before-2"] == 1, versions
    done = m.run("soukatsu", "--data", "/var/lib/soukatsu-bunshitsu", "sync", "now", "--wait", "30s")
    print(f"upgraded; schema {versions}")


def remove(m):
    m.run("dpkg", "-r", "soukatsu")
    for unit in ("soukatsud", "soukatsud@bunshitsu"):
        assert m.show(unit, "ActiveState") == ["inactive"], unit
    kept = os.path.join(m.root, "var/lib/soukatsu/replica.db")
    assert os.path.exists(kept) and not os.path.exists(os.path.join(m.root, "usr/bin/soukatsud"))
    os.mkdir(os.path.join(m.root, "var/lib/soukatsu-empty"))
    done = m.run("dpkg", "-P", "soukatsu")
    assert os.path.exists(kept), "purge removed a replica"
    for folder in ("soukatsu", "soukatsu.state", "soukatsu-honkan", "soukatsu-bunshitsu"):
        assert re.search(rf"rm -r.* /var/lib/{re.escape(folder)}( |$)", done.stdout, re.M), (folder, done.stdout)
    assert not os.path.exists(os.path.join(m.root, "var/lib/soukatsu-empty"))
    wants = os.path.join(m.root, "etc/systemd/system/multi-user.target.wants")
    assert not [name for name in os.listdir(wants) if name.startswith("soukatsu")]
    assert m.run("getent", "passwd", "soukatsu").returncode == 0, "who owns the data is still known"
    assert not m.run("dpkg", "-l", "soukatsu", check=False).stdout.count("ii  soukatsu")


def main():
    if os.geteuid() != 0:
        os.execvp("sudo", ["sudo", "-n", "--preserve-env", sys.executable, *sys.argv])
    with tempfile.TemporaryDirectory(dir=lib.BUILD) as folder:
        os.mkdir(os.path.join(folder, "out"))
        deb = package.make(os.path.join(folder, "out"))
        root = make_root(folder, deb)
        home = os.path.join(root, "opt")
        shutil.copy(deb, home)
        shutil.copy(package.older(deb, folder), os.path.join(home, "older.deb"))
        with open(os.path.join(lib.TOP, GUIDE), encoding="utf-8") as file:
            blocks = blocks_of(file.read())
        begin = time.monotonic()
        m = Machine(root)
        try:
            print(f"started in {time.monotonic() - begin:.1f} s", flush=True)
            terminal = Terminal("/opt", "/usr/sbin:/sbin", inside=m.inside)
            terminal.run("cd /opt")
            first, rest = blocks[:1], [block for block in blocks[1:] if not block.left_out]
            count = type_blocks(terminal, first)
            installed(m)
            count += type_blocks(terminal, rest)
            print(f"{GUIDE}: {count} commands", flush=True)
            m.run("systemctl", "start", "soukatsud", "soukatsud@honkan")
            second_site(terminal, blocks)
            units(m, terminal, blocks)
            upgrade(m, deb)
            remove(m)
            terminal.end()
        except AssertionError:
            print(m.run("journalctl", "-q", "--no-hostname", "-n", "60", check=False).stdout, flush=True)
            raise
        finally:
            m.end()
        print(f"{time.monotonic() - begin:.0f} s")


try:
    main()
except NotHere as why:
    print("NOT RUN HERE, the package on an empty machine:", why, flush=True)
    sys.exit("SOU_LONG" in os.environ)

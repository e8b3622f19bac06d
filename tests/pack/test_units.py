#!/usr/bin/env python3
"""The units of systemd/: known keys only, exposure at most 1.5, soukatsud@ as soukatsud but for its names, and
the system calls of a hub and a site at their main job within SystemCallFilter, as strace sees them. Each check
is tried on a unit that it must refuse. A start under the filter itself is in test_root.py."""
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import lib  # noqa: E402  (tests/e2e/lib.py)

UNITS = os.path.join(lib.TOP, "systemd")
EXPOSURE_MAX = 15  # tenths


def read(name):
    with open(os.path.join(UNITS, name), encoding="utf-8") as file:
        return file.read()


def analyze(*words):
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, LC_ALL="C.UTF-8", SYSTEMD_LOG_LEVEL="warning"))


def faults(root, name, text):
    """What systemd-analyze has against a unit; the program is the one that was built."""
    text = text.replace("/usr/bin/soukatsud", os.path.join(lib.BUILD, "soukatsud"))
    os.makedirs(root, exist_ok=True)
    path = os.path.join(root, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    found = []
    done = analyze("verify", "--man=no", path)
    if done.returncode != 0 or done.stderr.strip() or done.stdout.strip():  # a misspelt key alone leaves status 0
        found.append("verify: " + done.stderr.strip() + done.stdout.strip())
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", path)
    level = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
    if done.returncode != 0 or not level:
        found.append("exposure: " + (level.group(1) if level else done.stderr))
    return found, level.group(1) if level else "?"


def instance(text):
    """soukatsud@.service as it follows from soukatsud.service, without its comments at the top."""
    for old, new in (("Description=soukatsu sync daemon", "Description=soukatsu sync daemon of site %i"),
                     ("/var/lib/soukatsu", "/var/lib/soukatsu-%i"), ("User=soukatsu", "User=soukatsu-%i"),
                     ("Group=soukatsu", "Group=soukatsu-%i"),
                     ("=soukatsu soukatsu.state", "=soukatsu-%i soukatsu-%i.state"),
                     (".pem:soukatsu.", ".pem:soukatsu-%i.")):
        assert old in text, old
        text = text.replace(old, new)
    return text


def body(text):
    return text[text.index("[Unit]"):]


def units(root):
    plain, at = read("soukatsud.service"), read("soukatsud@.service")
    assert body(at) == instance(body(plain)), "soukatsud@.service is not soukatsud.service with its names"
    for name, text in (("soukatsud.service", plain), ("soukatsud@.service", at)):
        found, level = faults(os.path.join(root, "good"), name, text)
        assert not found, (name, found)
        print(f"{name}: exposure {level}")
    for number, (what, old, new, said) in enumerate((
            ("a misspelt key", "ProtectHome=", "ProtectHomes=", "verify"),
            ("no such group", "~@privileged", "~@privileges", "verify"),
            ("no such program", "/usr/bin/soukatsud", "/usr/bin/soukatsux", "verify"),
            ("all rights", "CapabilityBoundingSet=\n", "", "exposure"),
            ("open to the machine", "ProtectSystem=strict\nProtectHome=yes\nPrivateTmp=yes\nPrivateDevices=yes\n",
             "", "exposure"))):
        assert old in plain, what
        found, _ = faults(os.path.join(root, f"bad{number}"), "soukatsud.service", plain.replace(old, new))
        assert any(f.startswith(said) for f in found), (what, found)


GROUPS = {}


def group(name):
    """The calls of @NAME, groups in it taken apart."""
    if name not in GROUPS:
        done = analyze("syscall-filter", name)
        words = [line.split("#")[0].strip() for line in done.stdout.split("\n")[1:]]
        GROUPS[name] = set().union(*[group(w) if w.startswith("@") else {w} for w in words if w])
        assert done.returncode == 0 and GROUPS[name], (name, done)
    return GROUPS[name]


def allowed(text):
    """The calls that the unit's SystemCallFilter lines let through: the first line grants, ~ takes away."""
    calls = set(group("@default"))
    lines = re.findall(r"^SystemCallFilter=(.*)$", text, re.M)
    assert lines and not lines[0].startswith("~"), "not a list of what is allowed"
    for line in lines:
        words = line.lstrip("~").split()
        named = set().union(*[group(w) if w.startswith("@") else {w} for w in words])
        calls = calls - named if line.startswith("~") else calls | named
    return calls


class Traced(lib.Site):
    """A site whose daemon runs under strace, with a service manager that listens."""

    def start(self, *options):
        self.trace = self.data + ".trace"
        address = self.data + ".notify"
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(address)
        self.heard = []
        self.ear = threading.Thread(target=self.listen, daemon=True)
        self.ear.start()
        environment = dict(os.environ, NOTIFY_SOCKET=address, WATCHDOG_USEC="400000")
        with open(self.data + ".log", "ab") as log:
            self.process = subprocess.Popen(
                ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=all", "-e", "signal=none", "-s", "0", "-o",
                 self.trace, os.path.join(lib.BUILD, "soukatsud"), "--data", self.data, *options],
                stdout=subprocess.PIPE, stderr=log, env=environment)
        ready = self.process.stdout.readline().decode()
        assert ready.startswith("ready"), open(self.data + ".log", encoding="utf-8").read()
        self.port = int(ready.split()[-1])

    def listen(self):
        while True:
            word = self.manager.recv(4096).decode()
            self.heard.append(word)
            if word == "STOPPING=1":
                return

    def end(self, how=None):
        with open(self.trace, encoding="utf-8", errors="replace") as file:
            first = file.readline().split()[0]
        os.kill(int(first), 15)
        status = self.process.wait(60)
        self.process.stdout.close()
        self.ear.join(30)
        self.manager.close()
        assert status == 0, (self.name, status)

    def calls(self):
        with open(self.trace, encoding="utf-8", errors="replace") as file:
            return set(re.findall(r"^\d+ +(?:<\.\.\. )?([a-z_0-9]+)[( ]", file.read(), re.M)) - {"resuming"}


def main_job(root):
    """init, import, invite, join, write, sync, submit, verify, stop: the calls of both daemons."""
    hub = Traced(root, "hub")
    hub.cli("init", "--hub", "--org", "hq", "--name", "例", "--listen", "127.0.0.1:0", passphrase=True)
    hub.start()
    hub.cli("org", "import", os.path.join(lib.DATA, "organisations.csv"), "--by", "例", passphrase=True)
    hub.cli("plan", "import", os.path.join(lib.DATA, "soukatsu-2023-08.json"), "--by", "例")
    site = Traced(root, "site")
    invite = hub.cli("invite", "--org", "tvac", "--name", "本館", "--role", "editor,submitter", "--by", "例",
                     passphrase=True)["invite"]
    site.cli("join", invite)
    site.start()
    lib.level(site)
    site.cli("item", "add", "corporate-volunteering", "achievement", "--text", "例", "--by", "例")
    lib.level(site)
    site.cli("submit", "corporate-volunteering", "--nil", "challenge", "--nil", "next", "--by", "例")
    lib.level(site)
    site.cli("sync", "pause")
    site.cli("sync", "resume")
    lib.level(site)
    for one in (hub, site):
        for command in (["status"], ["digest"], ["table"], ["site", "list"]):
            one.cli(*command)
    site.end()
    hub.end()
    for one in (hub, site):
        words = {word.split("=")[0] for word in one.heard}
        assert {"READY", "STATUS", "WATCHDOG", "STOPPING"} <= words, (one.name, one.heard)
    return hub.calls() | site.calls()


def system_calls(root):
    calls = main_job(root)
    if os.geteuid() == 0:
        calls.discard("fchown")  # SQLite hands its files to the database's owner, as root alone
    assert {"fdatasync", "connect", "accept4", "sendmsg", "clone3", "prctl", "prlimit64"} <= calls, sorted(calls)
    for name in ("soukatsud.service", "soukatsud@.service"):
        text = read(name)
        outside = calls - allowed(text)
        assert not outside, f"{name}: the daemon calls what its filter refuses: {sorted(outside)}"
        for what in ("@network-io", "@sync", "fdatasync"):  # a filter that is too narrow is seen
            narrow = text.replace("~@privileged", f"~{what} @privileged")
            assert calls - allowed(narrow), what
    print(f"{len(calls)} system calls, all within the filter of {len(allowed(text))}: {' '.join(sorted(calls))}")


with tempfile.TemporaryDirectory() as folder:
    units(os.path.join(folder, "units"))
    system_calls(folder)
sys.exit(0)

#!/usr/bin/env python3
"""What stops soukatsud and soukatsu at a data directory: each time the person is told what happened, what is
safe and what to do next, in her language and from the catalogue, with the status of sysexits.h, and nothing
is made or changed."""
import os
import resource
import signal
import subprocess
import sys
import tempfile

import lib

LANGUAGES = {"ja": "ja_JP.UTF-8", "en": "en_US.UTF-8", "C": "C"}
STATE = {"ja": "\n  いまの状態: ", "en": "\n  State: ", "C": "\n  State: "}
NEXT = {"ja": "\n  つぎに: ", "en": "\n  Next: ", "C": "\n  Next: "}


def program(name, *words, language="en", **more):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LC_")}
    environment["LANG"] = LANGUAGES[language]
    return subprocess.run([os.path.join(lib.BUILD, name), *words], capture_output=True, timeout=60,
                          stdin=subprocess.DEVNULL, env=environment, **more)


def refused(what, status, said, name, *words, **more):
    """The same refusal in each language; `said` stands in the English one."""
    for language in LANGUAGES:
        done = program(name, *words, language=language, **more)
        text = done.stderr.decode()
        assert done.returncode == status, (what, language, done.returncode, text)
        assert done.stdout == b"", (what, done.stdout)
        assert text.startswith(name + ": ") and text.count("\n") == 3, (what, text)
        assert STATE[language] in text and NEXT[language] in text, (what, text)
        assert language == "ja" or said in text, (what, text)
        assert language != "ja" or any(ord(c) > 0x3000 for c in text.split("\n")[0]), (what, text)
    print(f"{what}: {text.splitlines()[0]}")


def new_hub(root, name, listen="127.0.0.1:0"):
    hub = lib.Site(root, name)
    hub.cli("init", "--hub", "--org", "hq", "--name", "例社協", "--listen", listen, passphrase=True)
    return hub


def directories(root, hub):
    at = os.path.join(root, "nowhere")
    refused("no directory", 66, "There is no replica in", "soukatsud", "--data", at)
    assert not os.path.exists(at), "a mistyped name became a directory"
    os.mkdir(at, 0o700)
    refused("an empty directory", 66, "There is no replica in", "soukatsud", "--data", at)
    refused("a file", 77, "is no directory", "soukatsud", "--data", "/dev/null")
    refused("a second daemon", 75, "Another soukatsud is running", "soukatsud", "--data", hub.data)
    refused("verify beside a daemon", 75, "to be stopped", "soukatsu", "--data", hub.data, "verify")

    other = new_hub(root, "modes")
    os.chmod(other.data, 0o755)
    refused("directory open to others", 77, "is open to other users (0755)", "soukatsud", "--data", other.data)
    os.chmod(other.data, 0o700)
    key = os.path.join(other.data, "keys", "site.pem")
    os.chmod(key, 0o644)
    refused("key open to others", 77, "site.pem is open to other users (0644)", "soukatsud", "--data", other.data)
    os.chmod(key, 0o400)
    os.rename(key, key + ".away")
    refused("key missing", 66, "site.pem is not there", "soukatsud", "--data", other.data)
    os.rename(key + ".away", key)
    os.symlink(key, os.path.join(other.data, "link"))
    refused("a link", 77, "is no directory, or is a link", "soukatsud", "--data", other.data)


def ports(root, hub):
    busy = new_hub(root, "busy", f"127.0.0.1:{hub.port}")
    refused("port in use", 75, "in use by another program", "soukatsud", "--data", busy.data)
    refused("another machine's address", 78, "cannot be listened at", "soukatsud", "--data", busy.data,
            "--listen", "203.0.113.1:7443")


def settings(root):
    hub = new_hub(root, "settings")
    refused("unknown option", 64, "soukatsud takes no option --nosuch", "soukatsud", "--nosuch")
    refused("no value", 64, "--listen ?", "soukatsud", "--listen")
    refused("bad value", 64, "log_level = 'loud' (error warning info debug)", "soukatsud", "--data", hub.data,
            "--log-level", "loud")
    refused("no --data", 64, "soukatsud needs --data DIR", "soukatsud")
    refused("crossed", 64, "backoff_min > backoff_max", "soukatsud", "--data", hub.data,
            "--backoff-min", "2s", "--backoff-max", "1s")
    refused("no such file", 66, "no such file", "soukatsud", "--data", hub.data, "--config", "/nonexistent")
    for text, said in (("log_level = loud\n", "line 1: log_level = 'loud'"),
                       ("\nnosuch = 1\n", "line 2: nosuch: is not known"),
                       ("listen = a:1\nlisten = b:1\n", "line 2: listen: stands there already"),
                       ("listen\n", "is not of the form")):
        with open(os.path.join(hub.data, "soukatsud.conf"), "w", encoding="utf-8") as file:
            file.write(text)
        refused("setting", 78, said, "soukatsud", "--data", hub.data)


def invites(root, hub):
    def invite(*more):
        return hub.cli("invite", "--org", "hq", "--name", "例", "--role", "editor", "--by", "例", *more,
                       passphrase=True)["invite"]
    good = invite()
    site = os.path.join(root, "site")
    for what, text, said in (("garbled", "soukatsu1-nonsense", "invite"), ("cut", good[:-4], "cut short"),
                             ("mistyped", good[:-1] + ("A" if good[-1] != "A" else "B"), "wrong, missing")):
        refused(what, 65, said, "soukatsu", "--data", site, "join", text)
        assert not os.path.exists(site)
    done = program("soukatsu", "--data", site, "join", good)
    assert done.returncode == 0, done.stderr
    refused("a directory that is a site", 73, "already is a replica", "soukatsu", "--data", site, "join", invite())
    refused("used", 77, "already used", "soukatsu", "--data", site + "2", "join", good)
    refused("a join not finished", 66, "is not finished", "soukatsu", "--data", site + "2", "status")
    hub.end()
    refused("nobody there", 69, "does not accept the connection", "soukatsu", "--data", site + "3", "join",
            good, "--wait", "5s")
    refused("no daemon", 69, "soukatsud is not running", "soukatsu", "--data", site, "status")


def output(root, hub):
    """A result that cannot be written must not look like success; a reader that left needs no word."""
    command = [os.path.join(lib.BUILD, "soukatsu"), "--data", hub.data, "table"]
    for words in (["--data", hub.data, "status"], ["--help"], ["--version"]):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([command[0], *words], stdout=full, stderr=subprocess.PIPE, timeout=60,
                                  env=dict(os.environ, LC_ALL="C"))
        assert done.returncode == 74 and b"no space is left" in done.stderr, (words, done)
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([command[0], "--help"], stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)
    assert done.returncode == 74 and done.stderr == b"", done


def no_half_hub(root):
    """An init that the disk stops half-way leaves nothing that would stand in the way of the next."""
    data = os.path.join(root, "half")
    read, write = os.pipe()
    os.write(write, lib.PASSPHRASE)
    os.close(write)

    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))
    done = program("soukatsu", "--data", data, "init", "--hub", "--org", "hq", "--name", "例", "--listen",
                   "127.0.0.1:0", "--passphrase-fd", str(read), pass_fds=[read], preexec_fn=small_files)
    os.close(read)
    assert done.returncode == 74, (done.returncode, done.stderr)
    assert not os.path.exists(data), os.listdir(data)
    new_hub(root, "half")


with tempfile.TemporaryDirectory() as folder:
    first = new_hub(folder, "hub")
    first.start()
    try:
        directories(folder, first)
        ports(folder, first)
        settings(folder)
        output(folder, first)
        no_half_hub(folder)
        invites(folder, first)
    finally:
        if first.process is not None:
            first.end()
sys.exit(0)

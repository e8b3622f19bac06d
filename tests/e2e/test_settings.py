#!/usr/bin/env python3
"""The settings of a running daemon: --check-config tells all faults at once, SIGHUP takes a good file whole and
nothing of a bad one, and log and status say which it was and what waits for the next start."""
import json
import os
import signal
import subprocess
import tempfile
import time

import lib


def check(site, language="C"):
    done = subprocess.run([os.path.join(lib.BUILD, "soukatsud"), "--data", site.data, "--check-config"],
                          capture_output=True, timeout=60, env=dict(os.environ, LC_ALL=language))
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def put(site, text):
    with open(os.path.join(site.data, "soukatsud.conf"), "w", encoding="utf-8") as file:
        file.write(text)


def reload(site, state):
    """SIGHUP, and the state of the settings once it has been seen."""
    before = lib.status(site)["config"]["at"]
    time.sleep(0.002)  # two reloads differ in their milliseconds
    site.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 30
    while True:
        config = lib.status(site)["config"]
        if config["at"] != before:
            break
        assert time.monotonic() < end, "the signal was not seen"
    assert config["state"] == state, config
    return config


def events(site):
    with open(site.data + ".log", encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.startswith("{")]


def said(site):
    """status as a person sees it."""
    done = subprocess.run([os.path.join(lib.BUILD, "soukatsu"), "--data", site.data, "status"], capture_output=True,
                          timeout=60, env=dict(os.environ, LC_ALL="C"))
    assert done.returncode == 0, done
    return done.stdout.decode()


def checking(hub, good):
    code, out, err = check(hub)
    assert (code, err) == (0, "") and out.startswith("The settings hold"), (code, out, err)
    put(hub, "nosuch = 1\nlisten = a:1\nlisten = b:2\nbackoff_min = 5\nlog_level\n")
    for language in ("C", "ja_JP.UTF-8"):
        code, out, err = check(hub, language)
        assert code == 78 and out == "", (code, out)
        lines = err.splitlines()
        assert len(lines) == 6, err  # a sentence for each of four, what is safe, what to do
        places = [(n, "line " + n if language == "C" else n + " 行目") for n in "1345"]
        assert all(place in line for line, (_, place) in zip(lines, places)), err
    put(hub, good)


def reloading(hub, good):
    config = lib.status(hub)["config"]
    assert config == {"state": "started", "at": None, "faults": 0, "restart": []}, config

    put(hub, good + 'address = "hub.example.jp:7443"\nlog_level = debug\nstate_dir = "/nonexistent"\n')
    config = reload(hub, "reloaded")
    assert config["restart"] == ["state_dir"] and config["faults"] == 0, config
    assert "next start: state_dir" in said(hub), said(hub)

    def invite():
        answer = hub.cli("invite", "--org", "hq", "--name", "例", "--role", "editor", "--by", "例", passphrase=True)
        return answer["invite"]
    first = invite()

    put(hub, good + 'address = "other.example.jp:7443"\nlog_level = error\nstate_dir = var\nnosuch = 1\n')
    config = reload(hub, "refused")
    assert config["faults"] == 2 and config["restart"] == ["state_dir"], config
    assert "A reload of the settings was refused" in said(hub), said(hub)
    second = invite()
    # The address in an invite has the length of its name: the refused one did not come into force.
    assert abs(len(first) - len(second)) <= 1, (first, second)

    os.unlink(os.path.join(hub.data, "soukatsud.conf"))
    assert reload(hub, "refused")["faults"] == 1, "a file that is gone is no empty file"

    put(hub, good + 'address = "a-much-longer-name-of-the-hub.example.jp:7443"\n')
    config = reload(hub, "reloaded")
    assert config["restart"] == [] and config["faults"] == 0, config
    assert len(invite()) > len(first) + 10, "the new address is not in force"
    assert "refused" not in said(hub) and "next start" not in said(hub), said(hub)

    told = [line["event"] for line in events(hub) if line["event"].startswith("config.")]
    assert told == ["config.reloaded", "config.restart", "config.refused", "config.refused",
                    "config.reloaded"], told
    print("reloads:", ", ".join(told))


with tempfile.TemporaryDirectory() as root:
    one = lib.Site(root, "hub")
    one.cli("init", "--hub", "--org", "hq", "--name", "例社協", "--listen", "127.0.0.1:0", passphrase=True)
    with open(os.path.join(one.data, "soukatsud.conf"), encoding="utf-8") as written:
        text = written.read() + "log_format = json\n"
    put(one, text)
    checking(one, text)
    one.start()
    try:
        reloading(one, text)
    finally:
        assert one.end() == 0

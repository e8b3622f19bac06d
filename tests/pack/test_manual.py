#!/usr/bin/env python3
"""The manual pages and the completion that the build made: every command, option, argument, exit status and
setting of the tables stands in each page of its kind, man has nothing to say against them in either language,
and bash completes words, options, folders and files by them."""
import glob
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import lib  # noqa: E402  (tests/e2e/lib.py)

MADE = os.path.join(lib.BUILD, "manual")


def source(name):
    with open(os.path.join(lib.TOP, name), encoding="utf-8") as file:
        return re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)


TABLE = source("client/cli/commands.def")
COMMANDS = {name: (arguments.split(), [word.rstrip("!") for word in options.split()])
            for name, arguments, options in
            re.findall(r'^C\(\w+,\s*"([^"]+)",\s*\w+,\s*"([^"]*)",\s*"([^"]*)"', TABLE, re.M)}
OPTIONS = re.findall(r'^O\(\w+,\s*"([^"]+)"', TABLE, re.M)
ARGUMENTS = re.findall(r"^A\((\w+),", TABLE, re.M)
EXITS = re.findall(r"^E\((\d+),", TABLE, re.M)
SETTINGS = re.findall(r"^X\((\w+),", source("config/options.def"), re.M)
assert len(COMMANDS) == len(re.findall(r"^C\(", TABLE, re.M)) >= 25 and len(OPTIONS) >= 25 and len(SETTINGS) >= 8


def shown(page):
    """The page as a person sees it, after nothing was said against it at three widths."""
    for width in ("60", "80", "132"):
        done = subprocess.run(["man", "--warnings=w", "--local-file", page], capture_output=True, timeout=60,
                              env=dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH=width, MANPAGER="cat", PAGER="cat",
                                       MAN_KEEP_FORMATTING=""))
        assert done.returncode == 0 and not done.stderr, (page, width, done.stderr.decode())
    return re.sub(r"\s+", " ", done.stdout.decode())


def pages():
    found = sorted(os.path.relpath(p, MADE) for p in glob.glob(MADE + "/**/man?/*[1-8]", recursive=True))
    names = ["man1/soukatsu.1", "man5/soukatsud.conf.5", "man8/soukatsud.8"]
    assert found == sorted(names + ["ja/" + name for name in names]), found
    for language in ("", "ja/"):
        text = shown(os.path.join(MADE, language + names[0]))
        for name, (arguments, options) in COMMANDS.items():
            line = re.search(re.escape("soukatsu " + " ".join([name] + arguments)) + "(?![a-z])" + "[^(]*", text)
            assert line, (language, name)
            for option in options:
                assert re.search(rf"--{option}\b", line.group(0)), (language, name, option)
        for word in [f"--{o}" for o in OPTIONS] + ARGUMENTS + EXITS:
            assert re.search(rf"(?<![\w-]){word}\b", text), (language, word)
        text = shown(os.path.join(MADE, language + names[1]))
        for setting in SETTINGS:
            assert f"{setting} = " in text, (language, setting)
        text = shown(os.path.join(MADE, language + names[2]))
        for setting in SETTINGS:
            assert f"--{setting.replace('_', '-')} " in text, (language, setting)
        japanese = sum(ord(c) > 0x3000 for c in text)
        assert japanese > 300 if language else japanese == 0, (language, japanese)
        print(f"{language or 'en/'}: {len(COMMANDS)} commands, {len(OPTIONS)} options, {len(SETTINGS)} settings")


COMPLETE = r"""
source "$1"; shift
compopt() { :; }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
"_${COMP_WORDS[0]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


def complete(folder, *words):
    done = subprocess.run(["bash", "-uc", COMPLETE, "bash", os.path.join(MADE, "soukatsu.bash"), *words],
                          capture_output=True, text=True, timeout=30, cwd=folder)
    assert done.returncode == 0 and not done.stderr, (words, done.stderr)
    return set(done.stdout.split())


def completion(folder):
    os.mkdir(os.path.join(folder, "hub"))
    with open(os.path.join(folder, "plan.json"), "w", encoding="utf-8") as file:
        file.write("{}\n")
    firsts = {name.split()[0] for name in COMMANDS}
    assert complete(folder, "soukatsu", "") == firsts, complete(folder, "soukatsu", "")
    for name, (_, options) in COMMANDS.items():
        words = name.split()
        if len(words) == 2:
            seconds = {n.split()[1] for n in COMMANDS if n.startswith(words[0] + " ")}
            assert complete(folder, "soukatsu", words[0], "") == seconds, name
        got = complete(folder, "soukatsu", *words, "--")
        assert got == {f"--{o}" for o in options} | {"--data", "--json", "--help"}, (name, got)
    for want, words in (({"conflict"}, ["soukatsu", "confl"]),
                        ({"show"}, ["soukatsu", "--data", "hub", "plan", "sh"]),
                        ({"hub"}, ["soukatsu", "--data", ""]),
                        ({"plan.json"}, ["soukatsu", "plan", "import", "pl"]),
                        ({"--round"}, ["soukatsu", "item", "show", "x", "--r"]),
                        ({"hub", "plan.json"}, ["soukatsu", "item", "add", "a", "b", "--file", ""]),
                        ({"json"}, ["soukatsu", "table", "--format", "j"]),
                        (set(), ["soukatsu", "item", "show", "--round", ""]),
                        ({"hub"}, ["soukatsud", "--data", "h"]),
                        ({"warning"}, ["soukatsud", "--log-level", "w"])):
        assert complete(folder, *words) == want, (words, complete(folder, *words))
    got = complete(folder, "soukatsud", "--")
    assert {f"--{s.replace('_', '-')}" for s in SETTINGS} | {"--data", "--config"} <= got, got


pages()
with tempfile.TemporaryDirectory() as scratch:
    completion(scratch)
sys.exit(0)

#!/usr/bin/env python3
"""README.md and docs/administration.md as a newcomer follows them: every command of their ```sh blocks is
typed into a terminal, in order, and must succeed; a ```text block after one shows some of its output, line by
line in order, where … stands for anything. Only what a person's machine decides is replaced: the folders, the
port, where the programs were built.

`<!-- not run here: WHY -->` above a block leaves it out; there may be few of these, and the files that such a
block names must be there."""
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time

import lib

COLUMNS = 100
PASSPHRASE = "例の合い言葉です"
PROMPT = re.compile(rb"@@(\d+)@@")
QUESTION = re.compile("(合い言葉[^\n]*|もう一度): $")
LEFT_OUT_MAX = 3  # in one document


class Block:
    def __init__(self, line):
        self.line, self.commands, self.shown, self.left_out = line, [], [], False


def blocks_of(text):
    """The ```sh blocks of a document with what is shown after each."""
    blocks, inside, left_out = [], None, False
    for number, line in enumerate(text.split("\n"), 1):
        if inside is None and line.startswith("```"):
            inside = line[3:].strip() or "plain"
            if inside == "sh":
                blocks.append(Block(number))
                blocks[-1].left_out = left_out
            left_out = False
        elif line.startswith("```"):
            inside = None
        elif inside == "sh" and line.strip() and not line.startswith("#"):
            if blocks[-1].commands and blocks[-1].commands[-1].endswith("\\"):
                blocks[-1].commands[-1] = blocks[-1].commands[-1][:-1] + line.strip()
            else:
                blocks[-1].commands.append(line)
        elif inside == "text" and line.strip():
            blocks[-1].shown.append(line)
        elif line.startswith("<!-- not run here:"):
            left_out = True
    assert inside is None, "a block is not closed"
    return blocks


class Terminal:
    """bash at a terminal, with somebody who knows the passphrase."""

    def __init__(self, root, path):
        environment = {"PATH": path + ":" + os.environ["PATH"], "HOME": root, "TMPDIR": root, "TERM": "dumb",
                       "LANG": "ja_JP.UTF-8", "PS1": "@@$?@@", "PS2": "", "SOU_BUILD": lib.BUILD}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        self.tty, end = pty.openpty()
        termios.tcsetwinsize(end, (50, COLUMNS))
        settings = termios.tcgetattr(end)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(end, termios.TCSANOW, settings)
        self.bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "--noediting", "-i"], stdin=end, stdout=end, stderr=end, env=environment,
            cwd=lib.TOP, preexec_fn=lambda: (os.setsid(), os.close(os.open(os.ttyname(0), os.O_RDWR))))
        os.close(end)
        self.rest = b""
        self.read()

    def read(self, seconds=90):
        """(status, output) up to the next prompt; passphrases are given on the way."""
        raw, answered, end = self.rest, 0, time.monotonic() + seconds
        while True:
            hit = PROMPT.search(raw)
            if hit:
                self.rest = raw[hit.end():]
                return int(hit.group(1)), raw[:hit.start()].decode("utf-8", "replace").replace("\r\n", "\n")
            tail = raw[answered:].decode("utf-8", "replace").replace("\r\n", "\n")
            if QUESTION.search(tail):
                answered = len(raw)
                os.write(self.tty, PASSPHRASE.encode() + b"\n")
            assert select.select([self.tty], [], [], max(0, end - time.monotonic()))[0], raw.decode(errors="replace")
            raw += os.read(self.tty, 65536)

    def run(self, line):
        os.write(self.tty, line.encode() + b"\n")
        return self.read()

    def end(self):
        for word in self.run("jobs -p")[1].split():
            if word.isdigit():
                os.kill(int(word), signal.SIGTERM)
        os.write(self.tty, b"exit\n")
        self.bash.wait(30)
        os.close(self.tty)


def pattern(shown):
    return re.compile(".*".join(re.escape(part) for part in shown.rstrip().split("…")) + r"\s*$")


def check_shown(where, shown, output):
    lines = iter(output.split("\n"))
    for want in shown:
        if want.strip() == "…":
            continue
        assert any(pattern(want).match(line) for line in lines), \
            f"{where}: this is shown and did not come, or not in this order:\n{want}\nthe output was:\n{output}"


def check_left_out(where, blocks):
    left_out = [block for block in blocks if block.left_out]
    assert len(left_out) <= LEFT_OUT_MAX, f"{where}: {len(left_out)} blocks are not run"
    for block in left_out:
        for command in block.commands:
            name = command.split()[0]
            if "/" in name:
                assert os.access(os.path.join(lib.TOP, name), os.X_OK), f"{where}:{block.line}: no {name}"


def follow(document, replacements):
    begin = time.monotonic()
    with open(os.path.join(lib.TOP, document), encoding="utf-8") as file:
        blocks = blocks_of(file.read())
    check_left_out(document, blocks)

    def mine(text):
        for old, new in replacements:
            text = text.replace(old, new)
        return text

    with tempfile.TemporaryDirectory() as root:
        replacements = [*replacements, ("/var/lib/soukatsu", root), ("/usr/local", os.path.join(root, "local"))]
        terminal = Terminal(root, lib.BUILD)
        count = 0
        try:
            for block in blocks:
                if block.left_out:
                    continue
                output = ""
                for command in block.commands:
                    status, text = terminal.run(mine(command))
                    where = f"{document}:{block.line}: {command}"
                    assert status == 0, f"{where}: status {status}\n{text}"
                    output += text
                    data = re.search(r"^soukatsud --data (\S+).*&$", command)
                    if data:  # a person sees "ready" before she types on
                        ready = f"until soukatsu --data {mine(data.group(1))} status >/dev/null 2>&1; do :; done"
                        output += terminal.run(ready)[1]
                    count += 1
                check_shown(f"{document}:{block.line}", [mine(line) for line in block.shown], output)
            left = terminal.run("jobs -rp")[1].split()
            assert not left, f"{document} leaves daemons running: {left}"
        finally:
            terminal.end()
    assert count >= 10, f"{document}: only {count} commands"
    print(f"{document}: {count} commands, {time.monotonic() - begin:.1f} s")


with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = str(probe.getsockname()[1])
common = [("7443", port), ("build/release", lib.BUILD)]
for name in sys.argv[1:] or ("README.md", "docs/administration.md"):
    follow(name, common)

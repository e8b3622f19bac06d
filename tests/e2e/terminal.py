"""A guide as a person follows it: the ```sh blocks of a document, a terminal to type them into, and what must
be shown after each."""
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import lib

COLUMNS = 100
PASSPHRASE = "例の合い言葉です"
PROMPT = re.compile(rb"@@(\d+)@@")
QUESTION = re.compile("(合い言葉[^\n]*|もう一度): $")


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
    """bash at a terminal, with somebody who knows the passphrase. `inside`: the words that lead into the machine
    in which it runs; none: this one."""

    def __init__(self, root, path, inside=(), more=None):
        environment = {"PATH": path + ":" + os.environ["PATH"], "HOME": root, "TMPDIR": root, "TERM": "dumb",
                       "LANG": "ja_JP.UTF-8", "PS1": "@@$?@@", "PS2": "", **(more or {})}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        self.tty, end = pty.openpty()
        termios.tcsetwinsize(end, (50, COLUMNS))
        settings = termios.tcgetattr(end)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(end, termios.TCSANOW, settings)
        self.bash = subprocess.Popen(
            [*inside, "bash", "--norc", "--noprofile", "--noediting", "-i"], stdin=end, stdout=end, stderr=end,
            env=environment, cwd=lib.TOP, preexec_fn=lambda: (os.setsid(), os.close(os.open(os.ttyname(0), os.O_RDWR))))
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

#!/usr/bin/env python3
"""README.md and docs/administration.md as a newcomer follows them: every command of their ```sh blocks is
typed into a terminal, in order, and must succeed; a ```text block after one shows some of its output, line by
line in order, where … stands for anything. Only what a person's machine decides is replaced: the folders, the
port, where the programs were built, and by pretend.sh what would change the machine (apt, systemctl, users).
On a machine of its own, with the package and systemd, tests/pack/test_root.py follows the guide.

`<!-- not run here: WHY -->` above a block leaves it out; there may be few of these, and the files that such a
block names must be there."""
import os
import re
import socket
import sys
import tempfile
import time

import lib
from terminal import Terminal, blocks_of, check_shown

LEFT_OUT_MAX = 3  # in one document


def check_left_out(where, blocks):
    left_out = [block for block in blocks if block.left_out]
    assert len(left_out) <= LEFT_OUT_MAX, f"{where}: {len(left_out)} blocks are not run"
    for block in left_out:
        for command in block.commands:
            name = command.split()[0]
            if "/" in name:
                assert os.access(os.path.join(lib.TOP, name), os.X_OK), f"{where}:{block.line}: no {name}"


def pretended(root):
    """A folder with what is not the machine's own; the directories are there as the package makes them."""
    folder = os.path.join(root, "pretended")
    os.mkdir(folder)
    for name in ("apt", "runuser", "install", "systemd-sysusers", "systemctl"):
        os.symlink(os.path.join(lib.TOP, "tests", "e2e", "pretend.sh"), os.path.join(folder, name))
    for name in ("soukatsu", "soukatsu.state"):
        os.mkdir(os.path.join(root, name), 0o700)
    return folder


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
        replacements = [*replacements, ("/var/lib", root),
                        ("/usr/share/doc/soukatsu/examples", os.path.join(lib.TOP, "tests", "data"))]
        machine = pretended(root)
        terminal = Terminal(root, f"{machine}:{root}/usr/bin:{lib.BUILD}", more={"SOU_BUILD": lib.BUILD, "GUIDE": root})
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

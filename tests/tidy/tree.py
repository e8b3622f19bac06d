"""tree.py - what the tidy tests look at: the files of the repository, C without comments and strings, and
one way to report. Each test prints FILE:LINE: WHAT (HOW TO MEND IT) for each finding and exits 1 for any."""

import os
import re
import subprocess
import sys
import unicodedata

TOP = os.environ.get("SOU_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def files(*endings, under=""):
    """Paths of the tree (tracked, or new and not ignored) below `under`, ending in one of `endings`."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=TOP, capture_output=True, check=False)
    if listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
    else:  # an unpacked archive without a repository
        names = [os.path.relpath(os.path.join(folder, name), TOP)
                 for folder, _, found in os.walk(TOP) for name in found]
        names = [n for n in names if not n.startswith(("build/", "build-", ".git/"))]
    wanted = sorted({n for n in names if n.startswith(under) and (not endings or n.endswith(endings))})
    return [n for n in wanted if os.path.isfile(os.path.join(TOP, n))]


def read(name):
    with open(os.path.join(TOP, name), "rb") as file:
        return file.read().decode("utf-8", errors="replace")


def lines(name):
    """(number, line) pairs, numbered from 1."""
    return enumerate(read(name).split("\n"), 1)


def columns(line):
    """Width on screen: a tab goes to the next multiple of 8, wide characters take two."""
    at = 0
    for char in line:
        if char == "\t":
            at += 8 - at % 8
        elif not unicodedata.combining(char):
            at += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return at


_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code(name):
    """C text whose comments are blanks and whose strings and characters are empty; lines stay."""
    def blank(match):
        text = match.group(0)
        if text[0] in "\"'":
            return text[0] * 2
        return re.sub(r"[^\n]", " ", text)
    return _TOKEN.sub(blank, read(name))


_found = 0


def finding(name, line, what, mend):
    global _found
    _found += 1
    print(f"{name}:{line}: {what} ({mend})")


def finish(looked_at):
    """Ends the test. `looked_at` counts what was examined: nothing at all is a failure too."""
    if looked_at == 0:
        print("nothing was looked at")
    print(f"{looked_at} looked at, {_found} findings")
    sys.exit(1 if _found or looked_at == 0 else 0)

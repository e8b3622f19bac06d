"""Words that must not stand in the repository: paths of somebody's machine, package hosts, marks of work
left undone, checks that are skipped; and files that do not belong."""

import os
import re

import tree

TOP_LEVEL = {"daemon", "client", "proto", "config", "tests", "docs", "systemd", "CMakeLists.txt",
             "CMakePresets.json", "README.md", "CHANGELOG.md", "LICENSE"}
MACHINE = re.compile(r"(?<![\w.>)\-])/(work|farm|home|root|mnt|Users|workspace)/")
HOSTS = re.compile(r"\b(deb|security|ftp|registry|archive|index|proxy)\.[a-z0-9-]+\.(org|com|io|net|dev)\b")
UNDONE = re.compile(r"\b(TODO|FIXME|XXX|HACK|not implemented|unimplemented|WIP)\b")
SKIPPED = re.compile(r"\b(skip\(\)|(test|it|describe)\.(skip|only)\b|xfail|GTEST_SKIP|unittest\.skip)")
BINARY_ALLOWED = ("tests/fuzz/corpus/", "tests/data/", "tests/vectors/", "docs/pictures/")
SELF = "tests/tidy/"
BYTES_MAX = 2_000_000  # tests/vectors hold the largest files

count = 0
for name in tree.files():
    count += 1
    first = name.split("/")[0]
    if first not in TOP_LEVEL and not first.startswith("."):
        tree.finding(name, 1, "at the top level", "move it into a room")
    size = os.path.getsize(os.path.join(tree.TOP, name))
    if size > BYTES_MAX:
        tree.finding(name, 1, f"{size} bytes", f"at most {BYTES_MAX}")
    with open(os.path.join(tree.TOP, name), "rb") as file:
        raw = file.read()
    if name.startswith(BINARY_ALLOWED):
        continue
    if b"\0" in raw:
        tree.finding(name, 1, "a binary file", "generate it when it is needed")
        continue
    if raw and not raw.endswith(b"\n"):
        tree.finding(name, raw.count(b"\n") + 1, "no line end at the end", "add it")
    if name.startswith(SELF):
        continue
    for number, line in enumerate(raw.decode("utf-8", errors="replace").split("\n"), 1):
        for pattern, what, mend in (
                (MACHINE, "a path of one machine", "a path from the tree, or /nonexistent"),
                (HOSTS, "a package host", "name the package, not where it is fetched"),
                (UNDONE, "a mark of unfinished work", "finish it, or open an issue"),
                (SKIPPED, "a skipped check", "mend or remove it")):
            hit = pattern.search(line)
            if hit:
                tree.finding(name, number, f"{what}: {hit.group(0)}", mend)
        if "\r" in line or (line != line.rstrip() and name.endswith((".c", ".h", ".py", ".sh", ".txt"))
                            and not name.startswith("tests/data/")):
            tree.finding(name, number, "blanks at the end of a line", "remove them")
tree.finish(count)

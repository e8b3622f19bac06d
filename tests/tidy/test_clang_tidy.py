"""clang-tidy (.clang-tidy) finds nothing in the sources. What was found clean is remembered in the build
folder by a hash of the source, all headers and the settings, so that only what changed is read again."""

import hashlib
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import tree

BUILD = os.environ["SOU_BUILD"]
CACHE = os.path.join(BUILD, "clang-tidy")
os.makedirs(CACHE, exist_ok=True)

common = hashlib.sha256()
for name in [".clang-tidy", *tree.files(".h", ".def")]:
    common.update(tree.read(name).encode())
with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
    known = {os.path.relpath(unit["file"], tree.TOP) for unit in json.load(file)}


def check(name):
    mark = os.path.join(CACHE, hashlib.sha256(common.digest() + name.encode() + b"\0"
                                              + tree.read(name).encode()).hexdigest())
    if os.path.exists(mark):
        return name, ""
    done = subprocess.run(["clang-tidy", "--quiet", "-p", BUILD, name], cwd=tree.TOP, capture_output=True,
                          text=True, check=False)
    if done.returncode == 0:
        with open(mark, "w", encoding="utf-8"):
            pass
        return name, ""
    return name, done.stdout + done.stderr


names = [n for n in tree.files(".c") if n in known]
with ThreadPoolExecutor(2) as pool:
    for name, said in pool.map(check, names):
        for line in said.split("\n"):
            if ": error:" in line or ": warning:" in line:
                path, number, rest = line.split(":", 2)
                path = os.path.relpath(path, tree.TOP) if os.path.isabs(path) else path
                text = rest.split(": ", 2)[2].strip()
                tree.finding(path, number, text, "see the name of the check")
        if said and ": error:" not in said and ": warning:" not in said:
            tree.finding(name, 1, said.strip().split("\n")[0], "clang-tidy failed")
tree.finish(len(names))

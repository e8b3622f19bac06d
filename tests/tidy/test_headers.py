"""Each header compiles alone under gcc and clang, has a guard of its own name, and says what it is."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import tree

MODULES = ["msgpack", "libuv", "sqlite3", "libmicrohttpd", "jansson", "libcurl", "libconfuse", "cmocka"]
FLAGS = subprocess.run(["pkg-config", "--cflags", *MODULES], capture_output=True, check=True,
                       text=True).stdout.split()


def compile_alone(job):
    compiler, name = job
    done = subprocess.run(
        [compiler, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", tree.TOP, *FLAGS,
         "-x", "c", "-include", os.path.join(tree.TOP, name), "/dev/null"],
        capture_output=True, text=True, check=False)
    return compiler, name, done


headers = tree.files(".h")
with ThreadPoolExecutor(2) as pool:
    for compiler, name, done in pool.map(compile_alone, [(c, n) for n in headers for c in ("gcc", "clang")]):
        if done.returncode != 0:
            first = done.stderr.strip().split("\n")[0]
            tree.finding(name, 1, f"does not compile alone under {compiler}: {first}",
                         "include what it uses")
guards = {}
for name in headers:
    text = tree.read(name)
    if not text.startswith("/* " + os.path.basename(name)):
        tree.finding(name, 1, "no head", f"begin with /* {os.path.basename(name)} - what it is for")
    guard = re.search(r"^#ifndef (\w+)\n#define (\w+)$", text, re.M)
    if not guard or guard.group(1) != guard.group(2):
        tree.finding(name, 1, "no include guard", "#ifndef SOU..._H, #define the same")
    elif guards.setdefault(guard.group(1), name) != name:
        tree.finding(name, 1, f"guard {guard.group(1)} is that of {guards[guard.group(1)]}", "rename it")
tree.finish(len(headers))

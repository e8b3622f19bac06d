"""Shell scripts pass shellcheck, and Python compiles. Programs that people start are executable."""

import ast
import os
import subprocess

import tree

scripts = tree.files(".sh") + [n for n in (".ci/run", "tests/bench/run") if n in tree.files()]
done = subprocess.run(["shellcheck", "-x", "--format=gcc", *scripts], cwd=tree.TOP, capture_output=True,
                      text=True, check=False)
for line in done.stdout.strip().split("\n"):
    if line:
        name, number, rest = line.split(":", 2)
        tree.finding(name, number, rest.strip(), "see the code at the end")
python = tree.files(".py")
for name in python:
    try:
        ast.parse(tree.read(name))
    except SyntaxError as error:
        tree.finding(name, error.lineno, str(error.msg), "mend it")
for name in scripts:
    started = tree.read(name).startswith("#!") and not os.path.basename(name).startswith("test_")
    if started and not os.access(os.path.join(tree.TOP, name), os.X_OK):
        tree.finding(name, 1, "not executable", f"chmod +x {name}")
tree.finish(len(scripts) + len(python))

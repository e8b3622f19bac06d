"""clang-format finds nothing to change in any .c and .h (mend: clang-format -i FILE)."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import tree


def check(name):
    return name, subprocess.run(["clang-format", "--dry-run", "--Werror", name], cwd=tree.TOP,
                                capture_output=True, text=True, check=False)


names = tree.files(".c", ".h")
with ThreadPoolExecutor(2) as pool:
    for name, done in pool.map(check, names):
        if done.returncode != 0:
            first = done.stderr.split("\n")[0].split(":")
            tree.finding(name, first[1] if len(first) > 1 else 1, "not formatted", f"clang-format -i {name}")
tree.finish(len(names))

"""Packages out of the build folder, for the tests of this room."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import lib  # noqa: E402  (tests/e2e/lib.py)


def make(folder):
    """The path of the package, made in `folder` by CPack."""
    config = os.path.join(lib.BUILD, "CPackConfig.cmake")
    done = subprocess.run(["cpack", "-G", "DEB", "--config", config, "-B", folder], capture_output=True,
                          text=True, timeout=300, cwd=lib.BUILD)
    found = [name for name in os.listdir(folder) if name.endswith(".deb")]
    assert done.returncode == 0 and len(found) == 1, (done.stdout, done.stderr)
    return os.path.join(folder, found[0])


def older(deb, folder, version="0.0.1"):
    """The same package as if it were an older version of it."""
    tree, out = os.path.join(folder, "older"), os.path.join(folder, f"soukatsu_{version}.deb")
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True, timeout=60)
    path = os.path.join(tree, "DEBIAN", "control")
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"^Version: .*$", f"Version: {version}", file.read(), flags=re.M)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, out], check=True, timeout=60,
                   stdout=subprocess.DEVNULL)
    return out

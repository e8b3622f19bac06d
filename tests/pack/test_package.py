#!/usr/bin/env python3
"""The package as CPack makes it: its version is the first of CHANGELOG.md, what it depends on and what lies in it
and with which modes, scripts that a plain shell reads, and that no file of it is one that the tests or a replica
would bring. Installing it is test_root.py's."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import lib  # noqa: E402  (tests/e2e/lib.py)
import package  # noqa: E402

PROGRAMS = {"usr/bin/soukatsu", "usr/bin/soukatsud"}
FILES = {"usr/lib/systemd/system/soukatsud.service", "usr/lib/systemd/system/soukatsud@.service",
         "usr/lib/sysusers.d/soukatsu.conf", "usr/lib/tmpfiles.d/soukatsu.conf",
         "usr/share/bash-completion/completions/soukatsu", "usr/share/bash-completion/completions/soukatsud",
         "usr/share/doc/soukatsu/changelog.gz", "usr/share/doc/soukatsu/copyright",
         "usr/share/doc/soukatsu/README.md", "usr/share/doc/soukatsu/administration.md",
         "usr/share/doc/soukatsu/examples/soukatsud.conf",
         "usr/share/doc/soukatsu/examples/organisations.csv"} | \
    {f"usr/share/man/{language}man{section}/{name}.{section}.gz" for language in ("", "ja/")
     for name, section in (("soukatsu", 1), ("soukatsud", 8), ("soukatsud.conf", 5))}


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=True).stdout


with tempfile.TemporaryDirectory() as folder:
    deb = package.make(folder)
    version = re.search(r"^## ([0-9.]+) \(", open(os.path.join(lib.TOP, "CHANGELOG.md"), encoding="utf-8").read(),
                        re.M).group(1)
    assert run("dpkg-deb", "-f", deb, "Version").strip() == version
    assert run(os.path.join(lib.BUILD, "soukatsud"), "--version").split()[-1] == version
    depends = {word.split()[0] for word in run("dpkg-deb", "-f", deb, "Depends").split(",")}
    assert {"systemd", "libc6", "libuv1", "libsqlite3-0", "libssl3", "libmicrohttpd12"} <= depends, depends
    assert not any(name.endswith("-dev") for name in depends), depends

    modes = {}
    for line in run("dpkg-deb", "-c", deb).strip().split("\n"):
        mode, owner, _, _, _, path = line.split(None, 5)
        assert owner == "root/root", line
        modes[path[2:]] = mode
    for path, mode in modes.items():
        want = "drwxr-xr-x" if path.endswith("/") or not path else "-rwxr-xr-x" if path in PROGRAMS else "-rw-r--r--"
        assert mode == want, (path, mode)
        assert not re.search(r"\.pem$|\.db$|/etc/|/var/|tests/", path), path
    assert PROGRAMS | FILES <= set(modes), (PROGRAMS | FILES) - set(modes)

    run("dpkg-deb", "-e", deb, os.path.join(folder, "control"))
    for script in ("postinst", "prerm", "postrm"):
        path = os.path.join(folder, "control", script)
        assert os.stat(path).st_mode & 0o777 == 0o755, script
        run("sh", "-n", path)
        run("shellcheck", "--shell=sh", path)
    print(f"{os.path.basename(deb)}: {os.path.getsize(deb)} bytes, {len(modes)} paths")
sys.exit(0)

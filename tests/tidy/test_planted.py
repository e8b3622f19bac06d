"""The tidy tests themselves: a small tree in which each rule is broken once. Every breach must be found at
its line, and in the sound tree none."""

import os
import subprocess
import sys
import tempfile

import tree

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = "/* {0} - sample. */\n"
GUARD = "#ifndef SOU_{0}_H\n#define SOU_{0}_H\n\n{1}\n#endif\n"
FUNCTION = "void f(int a);\nvoid f(int a)\n{{\n{0}}}\n"

# name, test, file, text, expected line and words; None: nothing may be found
CASES = [
    ("sound source", "size", "proto/a.c", HEAD.format("a.c") + FUNCTION.format("\t(void)a;\n"), None),
    ("line of 100", "size", "proto/a.c", "/" * 100 + "\n", None),
    ("line of 101", "size", "proto/a.c", "/" * 101 + "\n", "1: 101 columns"),
    ("a tab is 8", "size", "proto/a.c", "\t" + "/" * 93 + "\n", "1: 101 columns"),
    ("wide characters", "size", "proto/a.c", "総" * 51 + "\n", "1: 102 columns"),
    ("800 lines", "size", "proto/a.c", "\n" * 800, None),
    ("801 lines", "size", "proto/a.c", "\n" * 801, "1: 801 lines"),
    ("function of 70", "size", "proto/a.c", FUNCTION.format("\n" * 68), None),
    ("function of 71", "size", "proto/a.c", FUNCTION.format("\n" * 69), "3: f: 71 lines"),
    ("own header", "proto", "proto/a.c", '#include "a.h"\n', "1: includes \"a.h\""),
    ("uv", "proto", "proto/a.c", "#include <uv.h>\n", "1: includes <uv.h>"),
    ("msgpack elsewhere", "proto", "proto/a.c", "#include <msgpack.h>\n", "1: includes <msgpack.h>"),
    ("msgpack at home", "proto", "proto/mp.c", "#include <msgpack/pack.h>\n", None),
    ("libcrypto elsewhere", "proto", "proto/a.h", "#include <openssl/evp.h>\n", "1: includes <openssl/evp.h>"),
    ("libcrypto at home", "proto", "proto/crypto.c", "#include <openssl/evp.h>\n", None),
    ("clock", "proto", "proto/a.c", "long t = time(0);\n", "1: calls time"),
    ("clock in a comment", "proto", "proto/a.c", "/* time(0) */ char s[] = \"rand()\";\n", None),
    ("file", "proto", "proto/a.c", "\n\tf = fopen(p, m);\n", "2: calls fopen"),
    ("daemon in client", "proto", "client/cli/a.c", '#include "daemon/a.h"\n', "1: client/ includes daemon/"),
    ("strcpy", "calls", "daemon/a.c", "\tstrcpy(a, b);\n", "1: calls strcpy"),
    ("strcpy in words", "calls", "daemon/a.c", "/* strcpy(a) */ x_strcpy(a); s->system(a);\n", None),
    ("signal handler", "calls", "daemon/a.c", "\tsignal(SIGTERM, stop);\n", "1: calls signal"),
    ("signal ignored", "calls", "daemon/a.c", "\tsignal(SIGPIPE, SIG_IGN);\n", None),
    ("assert assigns", "calls", "daemon/a.c", "\tSOU_ASSERT(a = b);\n", "1: an assertion with an effect"),
    ("assert counts", "calls", "daemon/a.c", "\tSOU_ASSERT(f(a,\n\t b++) > 0);\n", "1: an assertion"),
    ("assert compares", "calls", "daemon/a.c", "\tSOU_ASSERT(a == b && c <= d && e != f);\n", None),
    ("typedef", "calls", "daemon/a.h", "typedef struct x x_t;\n", "1: a typedef"),
    ("function type", "calls", "daemon/a.h", "typedef void x_cb(struct x *self);\n", None),
    ("cited rule", "rules", "proto/a.c", "/* P2.1 */\n", None),
    ("cited range", "rules", "proto/a.c", "/* P2.1-P2.2 */\n", None),
    ("no such rule", "rules", "proto/a.c", "\n/* P2.9 */\n", "2: cites P2.9"),
    ("range too long", "rules", "proto/a.c", "/* P2.1-4 */\n", "1: cites P2.3"),
    ("no such R", "rules", "proto/a.c", "/* R25 */\n", "1: cites R25"),
    ("uncited", "rules", "proto/PROTOCOL.md", "**P2.1** a\n\n**P2.2** b\n\n**P3.1** c\n", "5: P3.1 is cited"),
    ("rule twice", "rules", "proto/PROTOCOL.md", "**P2.1** a\n**P2.2** b\n**P2.1** c\n", "3: P2.1 stands twice"),
    ("listed", "rules", "tests/tidy/uncited.txt", "# comment\n", None),
    ("listed and cited", "rules", "tests/tidy/uncited.txt", "P2.1 reason\n", "1: P2.1 is cited now"),
    ("no reason", "rules", "tests/tidy/uncited.txt", "P2.1\n", "1: not a rule with a reason"),
    ("stray", "words", "stray/a.txt", "a\n", "1: at the top level"),
    ("machine", "words", "docs/a.md", "a\nsee /" + "home/x\n", "2: a path of one machine"),
    ("undone", "words", "daemon/a.c", "/* TO" + "DO */\n", "1: a mark of unfinished work"),
    ("host", "words", "docs/a.md", "deb." + "debian.org\n", "1: a package host"),
    ("skipped", "words", "tests/a.py", "@unittest." + "skip\n", "1: a skipped check"),
    ("binary", "words", "config/a", "a\0b\n", "1: a binary file"),
    ("no line end", "words", "config/a", "a", "1: no line end"),
    ("blanks", "words", "daemon/a.c", "int a; \n", "1: blanks at the end"),
    ("large", "words", "docs/a.md", "a\n" * 1_000_001, "1: 2000002 bytes"),
    ("format", "format", "proto/a.c", "int  a;\n", "1: not formatted"),
    ("formatted", "format", "proto/a.c", "int a;\n", None),
    ("header alone", "headers", "proto/a.h", HEAD.format("a.h") + GUARD.format("A", "size_t a(void);"),
     "1: does not compile alone"),
    ("sound header", "headers", "proto/a.h",
     HEAD.format("a.h") + GUARD.format("A", "#include <stddef.h>\nsize_t a(void);"), None),
    ("no guard", "headers", "proto/a.h", HEAD.format("a.h") + "int a(void);\n", "1: no include guard"),
    ("head", "headers", "proto/a.h", GUARD.format("A", "int a(void);"), "1: no head"),
    ("shell", "shell", "config/a.sh", "#!/bin/bash\necho $1\n", "2: "),
    ("python", "shell", "tests/a.py", "def f(:\n", "1: invalid syntax"),
]


def plant(top, name, text):
    path = os.path.join(top, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text.encode())


def run(case):
    """What the test says about a sound tree with the one file of the case in it."""
    name, test, file, text, expected = case
    with tempfile.TemporaryDirectory() as top:
        plant(top, ".clang-format", tree.read(".clang-format"))
        plant(top, "proto/PROTOCOL.md", "**P2.1** a\n\n**P2.2** b\n")
        plant(top, "proto/keep.c", "/* P2.1, P2.2 */\nint a;\n")
        plant(top, "tests/keep.c", "/* P2.1, P2.2 */\nint a;\n")
        plant(top, "proto/keep.h", HEAD.format("keep.h") + GUARD.format("KEEP", "int b(void);"))
        plant(top, "config/keep.sh", "#!/usr/bin/env bash\necho kept\n")
        os.chmod(os.path.join(top, "config/keep.sh"), 0o755)
        plant(top, file, text)
        done = subprocess.run([sys.executable, os.path.join(HERE, f"test_{test}.py")], capture_output=True,
                              text=True, env={**os.environ, "SOU_SOURCE": top}, check=False)
        said = done.stdout + done.stderr
        if expected is None:
            good = done.returncode == 0
        else:
            good = done.returncode == 1 and f"{file}:{expected}" in said
        if not good:
            tree.finding(f"tests/tidy/test_{test}.py", 1, f"[{name}] expected {expected}, said: {said.strip()}",
                         "mend the test")


for each in CASES:
    run(each)
tree.finish(len(CASES))

"""proto/ is pure: C library without I/O, clock and randomness; each foreign library in one file (design
section 3). The other rooms depend one way: client and daemon on proto, neither on the other."""

import os
import re

import tree

STANDARD = {"stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdlib.h", "string.h", "limits.h", "inttypes.h"}
# stdio.h for snprintf; error.c alone writes, when an assertion fails.
# pthread.h for one OpenSSL context a thread, which no caller sees.
ONLY_IN = {"stdio.h": None, "pthread.h": {"crypto.c"}, "zstd.h": {"batch.c"}, "zstd_errors.h": {"batch.c"}}
FOREIGN = {"openssl/": "crypto.c", "msgpack": "mp.c"}
BANNED = re.compile(
    r"\b(f?printf|puts|putchar|fputs|fwrite|fread|fopen|freopen|fclose|perror|time|clock|clock_gettime|"
    r"gettimeofday|localtime(_r)?|gmtime(_r)?|rand|srand|random|arc4random\w*|getrandom|RAND_\w+|getenv|"
    r"pthread_\w+|uv_\w+|sqlite3_\w+|socket|open|read|write|exit|setlocale)\s*\(")

count = 0
for name in tree.files(".c", ".h", under="proto/"):
    count += 1
    base = os.path.basename(name)
    for number, line in tree.lines(name):
        include = re.match(r"\s*#\s*include\s*([<\"])([^>\"]+)", line)
        if not include:
            continue
        kind, path = include.groups()
        if kind == '"':
            if not os.path.isfile(os.path.join(tree.TOP, "proto", path)):
                tree.finding(name, number, f'includes "{path}"', "proto/ includes its own headers only")
            continue
        home = next((FOREIGN[f] for f in FOREIGN if path.startswith(f)), None)
        if home:
            if base != home:
                tree.finding(name, number, f"includes <{path}>", f"stays in {home}")
        elif path in ONLY_IN:
            if ONLY_IN[path] is not None and base not in ONLY_IN[path]:
                tree.finding(name, number, f"includes <{path}>", f"stays in {', '.join(ONLY_IN[path])}")
        elif path not in STANDARD:
            tree.finding(name, number, f"includes <{path}>", "proto/ knows no system but the C library")
    for number, line in enumerate(tree.code(name).split("\n"), 1):
        call = BANNED.search(line)
        if call and call.group(1).startswith("pthread_") and base == "crypto.c":
            continue
        if call and base != "error.c" and not line.lstrip().startswith("#"):
            tree.finding(name, number, f"calls {call.group(1)}", "it comes in with the event, or goes out "
                         "as an effect")

for room, foreign in (("daemon/", "client/"), ("client/", "daemon/"), ("config/", "daemon/")):
    for name in tree.files(".c", ".h", under=room):
        if name in ("client/cli/cmd_site.c", "client/cli/cmd_verify.c", "client/cli/cmd_backup.c") or \
                name.startswith("client/cli/doctor"):
            continue  # init, join, verify and doctor run without a daemon (docs/decisions/0008)
        for number, line in tree.lines(name):
            if re.match(rf'\s*#\s*include\s*"{foreign}.*\.h"', line):
                tree.finding(name, number, f"{room} includes {foreign}", "put what both need in proto/ or config/")
tree.finish(count)

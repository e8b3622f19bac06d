"""Writes the vectors that Python makes into tests/vectors/, and section 17 of PROTOCOL.md.

With --check it only compares, and says what differs.

  /usr/bin/python3 tests/model/make_vectors.py [--check]
"""
import json
import os
import sys

import lib
import vectors
from vectors import entries, examples, section17, simple, wire, worlds

FILES = {
    "names": simple.names_json,
    "canonical": simple.canonical_json,
    "keys": simple.keys_json,
    "places": simple.places_json,
    "clocks": simple.clocks_json,
    "invites": simple.invites_json,
    "headers": entries.headers_json,
    "payloads": entries.payloads_json,
    "entries": entries.entries_json,
    "worlds": worlds.worlds_json,
    "authops": wire.authops_json,
    "batches": wire.batches_json,
    "frames": wire.frames_json,
    "examples": examples.examples_json,
}
PROTOCOL = os.path.join(lib.ROOT, "proto", "PROTOCOL.md")
EXAMPLES = "\n## 17. A worked example\n\n"  # the last section


def text_of(made):
    """One row a line, so that a change shows as a line."""
    out = []
    for key, value in vectors.hexed(made).items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in value)
            out.append("%s:[\n%s\n]" % (json.dumps(key), rows))
        else:
            out.append("%s:%s" % (json.dumps(key), json.dumps(value, ensure_ascii=False)))
    return "{" + ",\n".join(out) + "}\n"


def protocol():
    """PROTOCOL.md as it is, and as it would be with its last section written anew."""
    with open(PROTOCOL, encoding="utf-8") as f:
        old = f.read()
    return old, old.split(EXAMPLES)[0] + EXAMPLES + section17.text()


def stale():
    """Names of the files that are not what would be written."""
    bad = []
    for name, make in FILES.items():
        path = os.path.join(lib.VECTORS, name + ".json")
        old = open(path, encoding="utf-8").read() if os.path.exists(path) else None
        if old != text_of(make()):
            bad.append(name)
    old, new = protocol()
    return bad + ["PROTOCOL.md"] * (old != new)


def main():
    if "--check" in sys.argv:
        bad = stale()
        if bad:
            sys.exit("stale, run tests/model/make_vectors.py: " + ", ".join(bad))
        return
    for name, make in FILES.items():
        text = text_of(make())
        with open(os.path.join(lib.VECTORS, name + ".json"), "w", encoding="utf-8") as f:
            f.write(text)
        print("%-12s %7d bytes" % (name, len(text.encode())))
    new = protocol()[1]
    with open(PROTOCOL, "w", encoding="utf-8") as f:
        f.write(new)


if __name__ == "__main__":
    main()

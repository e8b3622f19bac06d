#!/usr/bin/python3
"""mutate.py [--seed N] [--count N] [--file REGEX] [--again] [--sanitize] [--report] - changes one place of the
core at a time and sees whether a test fails.

Mutants are drawn by the seed from all places where a change is tried: comparisons are turned, && and || swapped,
a ! dropped, true and false swapped, a number is one more, a limit one more or less, a return in a branch dropped,
a statement deleted. Each is built in a copy of the tree under build/mutants and run against the tests of its room,
quickest first, until one fails. Results go to build/mutants/results-SEED.jsonl, and a run that stopped goes on
there; --again tries what survived once more, with the tests and the code of today. Survivors that
tests/defects/equivalent.txt lists change nothing that anybody can see; the others are printed. Exit 0 only when
there are none of those."""

import argparse
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.path.join(TOP, "build", "mutants")
COPY = os.path.join(WORK, "source")
BUILD = os.path.join(WORK, "build")
EQUIVALENT = os.path.join(TOP, "tests", "defects", "equivalent.txt")
MEMORY_BYTES_MAX = 4 << 30
SANITIZE = False
CALM = {"LC_ALL": "C.UTF-8", "SOU_FAULT_STEP": "7", "PYTHONDONTWRITEBYTECODE": "1", "SOU_BUILD": BUILD,
        "SOU_SOURCE": COPY}

# Which files are changed, and the tests that look at them, without those that every room has in common.
ROOMS = (
    (r"proto/(mp|header|payload|entry)\.c$",
     r"^proto/(mp|header|payload|entry|authop|bytes|msg|vectors_(entries|simple|batches)|codec_oom|scope)$"),
    (r"proto/batch\.c$", r"^proto/(batch|vectors_batches|vectors_frames|codec_oom)$|^daemon/replica/(reader|ingest)$"),
    (r"proto/authority\w*\.c$",
     r"^proto/(authority\w*|scope|vectors_authority|verdict_rules|model_verdict|verdict_oom)$|"
     r"^daemon/replica/authority$"),
    (r"proto/scope\w*\.c$",
     r"^proto/(scope|verdict_\w+|vectors_(state|orders)|model_verdict)$"),
    (r"proto/merge\w*\.c$", r"^proto/(merge\w*|vectors_state|model_merge)$|^daemon/store/(store|digest)$"),
    (r"proto/session\w*\.c$", r"^proto/session\w*$|^model/pipe$"),
    (r"daemon/replica/chain\.c$", r"^daemon/replica/(fence|ingest|replica|reader|hub)$"),
)
EXTRA_TARGETS = {"model/pipe": ["pipe_hub"]}

TURNED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
COMPARISON = re.compile(r"(?<= )(<=|>=|==|!=|<|>)(?= )")
JOINED = re.compile(r"(?<= )(&&|\|\|)(?=\s|$)")
NOT = re.compile(r"(?<![\w=)])!(?=[A-Za-z_(])")
TRUTH = re.compile(r"\b(true|false)\b")
NUMBER = re.compile(r"(?<![\w.\"'])(\d+)(u?)(?![\w.\"'])")
LIMIT = re.compile(r"\bSOU_[A-Z0-9_]+_(?:MAX|MIN)\b")
GUARDED_RETURN = re.compile(r"^(\t+)return\b.*;$")
STATEMENT = re.compile(r"^(\t+)(?!return|goto|case|default|struct|enum|union|const|static|int|size_t|u?int\d+_t|bool|"
                       r"char|void|uintptr_t|for|while|if|else|do|switch|SOU_ASSERT)[A-Za-z_*+(].*;$")


def places_in(name):
    """(line number, what, the line before, the line after) of one file."""
    with open(os.path.join(TOP, name), encoding="utf-8") as file:
        lines = file.read().split("\n")
    in_comment, last, asserting = False, "", False
    for number, line in enumerate(lines):
        bare = re.sub(r'"(\\.|[^"\\])*"', lambda m: '"' + "_" * (len(m.group(0)) - 2) + '"', line)
        bare = re.sub(r"'(\\.|[^'\\])'", lambda m: "'" + "_" * (len(m.group(0)) - 2) + "'", bare)
        bare = re.sub(r"/\*.*?\*/", lambda m: " " * len(m.group(0)), bare)
        if in_comment:
            in_comment = "*/" not in bare
            continue
        if "/*" in bare:
            bare = bare[:bare.index("/*")]
            in_comment = True
        code = bare.rstrip()
        if asserting or "SOU_ASSERT" in code or "_Static_assert" in code:
            asserting = not code.endswith(";")
            last = code
            continue
        if not code.startswith("\t"):  # declarations, macros and heads of functions
            last = code
            continue
        for what, at, end, new in changes(code, last):
            yield number, what, line, line[:at] + new + line[end:]
        last = code or last


def changes(code, last):
    for hit in COMPARISON.finditer(code):
        yield "turned", hit.start(), hit.end(), TURNED[hit.group(0)]
    for hit in JOINED.finditer(code):
        yield "joined", hit.start(), hit.end(), "||" if hit.group(0) == "&&" else "&&"
    for hit in NOT.finditer(code):
        yield "not", hit.start(), hit.end(), ""
    for hit in TRUTH.finditer(code):
        yield "truth", hit.start(), hit.end(), "false" if hit.group(0) == "true" else "true"
    for hit in NUMBER.finditer(code):
        yield "number", hit.start(), hit.end(), str(int(hit.group(1)) + 1) + hit.group(2)
    for hit in LIMIT.finditer(code):
        yield "limit", hit.start(), hit.end(), f"({hit.group(0)} - 1)"
        yield "limit", hit.start(), hit.end(), f"({hit.group(0)} + 1)"
    indent = len(code) - len(code.lstrip("\t"))
    if GUARDED_RETURN.match(code) and indent >= 2:
        yield "return", indent, len(code), ";"
    whole = code.count("(") == code.count(")") and last.rstrip().endswith((";", "{", "}", ")", ":"))
    if STATEMENT.match(code) and whole:
        yield "deleted", indent, len(code), ";"


def sources():
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "proto", "daemon"], cwd=TOP, check=True,
                            capture_output=True, text=True).stdout.split()
    return [(name, tests) for name in listed for pattern, tests in ROOMS if re.fullmatch(pattern[:-1], name)]


def mirror():
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard"], cwd=TOP,
                            check=True, capture_output=True, text=True).stdout.split("\n")
    for name in filter(None, listed):
        source, copy = os.path.join(TOP, name), os.path.join(COPY, name)
        if not os.path.isfile(source):
            continue
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        if not os.path.exists(copy) or open(source, "rb").read() != open(copy, "rb").read():
            shutil.copy(source, copy)


def limits():
    if not SANITIZE:  # which asks for terabytes of addresses
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(command, seconds, cwd=COPY):
    """True: exit 0 within the time."""
    process = subprocess.Popen(command, cwd=cwd, env={**os.environ, **CALM}, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=limits,
                               start_new_session=True)
    try:
        return process.wait(timeout=seconds) == 0
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()
        return False


def build(targets):
    return subprocess.run(["ninja", "-C", BUILD, "-j1", *targets], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


class Tests:
    """Of the private build: how each is run, and how long it takes when nothing is wrong."""

    def __init__(self, sanitize):
        flags = "-w -fsanitize=address,undefined -fno-sanitize-recover=all" if sanitize else "-w"
        subprocess.run(["cmake", "-G", "Ninja", "-S", COPY, "-B", BUILD, "-DCMAKE_BUILD_TYPE=Debug",
                        f"-DCMAKE_C_FLAGS={flags}", "-DCMAKE_C_FLAGS_DEBUG=-O1"], check=True,
                       stdout=subprocess.DEVNULL)
        shown = subprocess.run(["ctest", "--test-dir", BUILD, "--show-only=json-v1"], check=True,
                               capture_output=True, text=True).stdout
        self.commands = {test["name"]: test.get("command") for test in json.loads(shown)["tests"]}
        self.seconds = {}

    def targets(self, name):
        return EXTRA_TARGETS.get(name) or ["test_" + name.replace("/", "_")]

    def command(self, name):
        return self.commands[name] or [os.path.join(BUILD, "tests", self.targets(name)[0])]

    def matching(self, pattern):
        names = [name for name in self.commands if re.search(pattern, name)]
        for name in names:
            if name in self.seconds:
                continue
            begin = time.monotonic()
            if not build(self.targets(name)):
                sys.exit(f"{name} does not build")
            begin = time.monotonic()
            if not run(self.command(name), 600):
                sys.exit(f"{name} fails without a mutant")
            self.seconds[name] = time.monotonic() - begin
        return sorted(names, key=self.seconds.get)

    def kills(self, pattern):
        """The first test that fails, "" where none does, None where the mutant does not build."""
        for name in self.matching(pattern):
            if not build(self.targets(name)):
                return None
            if not run(self.command(name), 5 + 4 * self.seconds[name]):
                return name
        return ""


def equivalents():
    """Lines of PATH | what stands there | what the mutant has | why nobody can see it."""
    listed = {}
    if os.path.exists(EQUIVALENT):
        with open(EQUIVALENT, encoding="utf-8") as file:
            for line in file:
                parts = [part.strip() for part in line.split(" | ")]
                if len(parts) == 4 and not line.startswith("#"):
                    listed[tuple(parts[:3])] = parts[3]
    return listed


def results(path):
    """The last outcome of each mutant."""
    out = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            for r in map(json.loads, file):
                out[r["file"], r["first"] if "first" in r else r["line"], r["new"]] = r
    return out


def report(path):
    listed, counts, left = equivalents(), {}, []
    for r in results(path).values():
        outcome = r["outcome"]
        if outcome == "survived" and (r["file"], r["old"].strip(), r["new"].strip()) in listed:
            outcome = "equivalent"
        if outcome == "survived":
            left.append(r)
        counts[outcome] = counts.get(outcome, 0) + 1
    for r in left:
        print(f"{r['file']}:{r['line']} {r['what']}\n    {r['old'].strip()}\n    {r['new'].strip()}")
    print(", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items())))
    return 0 if not left else 1


def try_one(tests, name, pattern, line, what, old, new):
    """line: from 0."""
    tests.matching(pattern)
    copy = os.path.join(COPY, name)
    with open(copy, encoding="utf-8") as file:
        text = file.read()
    lines = text.split("\n")
    assert lines[line] == old
    lines[line] = new
    begin = time.monotonic()
    try:
        with open(copy, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        killer = tests.kills(pattern)
    finally:
        with open(copy, "w", encoding="utf-8") as file:
            file.write(text)
    return {"file": name, "line": line + 1, "what": what, "old": old, "new": new, "by": killer,
            "outcome": "invalid" if killer is None else "killed" if killer else "survived",
            "seconds": round(time.monotonic() - begin, 1)}


def fresh_ones(tests, options, path):
    chosen = [(name, pattern, place) for name, pattern in sources() if re.search(options.file, name)
              for place in places_in(name)]
    random.Random(options.seed).shuffle(chosen)
    done = set(results(path))
    for name, pattern, (line, what, old, new) in chosen[:options.count]:
        if (name, line + 1, new) not in done:
            yield try_one(tests, name, pattern, line, what, old, new)


def old_ones(tests, options, path):
    patterns, listed = dict(sources()), equivalents()
    for (name, first, new), r in results(path).items():
        equivalent = (name, r["old"].strip(), new.strip()) in listed
        if r["outcome"] != "survived" or equivalent or not re.search(options.file, name):
            continue
        with open(os.path.join(COPY, name), encoding="utf-8") as file:
            same = [i for i, text in enumerate(file.read().split("\n")) if text == r["old"]]
        if not same:
            yield {**r, "first": first, "outcome": "gone", "by": ""}
            continue
        line = min(same, key=lambda i: abs(i + 1 - r["line"]))
        yield {**try_one(tests, name, patterns[name], line, r["what"], r["old"], new), "first": first}


def main():
    global BUILD, SANITIZE
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--file", default="", help="only files whose name matches")
    parser.add_argument("--again", action="store_true", help="what survived, once more")
    parser.add_argument("--sanitize", action="store_true", help="with address and undefined-behaviour sanitizers")
    parser.add_argument("--report", action="store_true", help="print what a run found, run nothing")
    options = parser.parse_args()
    path = os.path.join(WORK, f"results-{options.seed}.jsonl")
    if options.report:
        return report(path)
    if options.sanitize:
        BUILD, SANITIZE = BUILD + "-sanitized", True
        CALM["SOU_BUILD"] = BUILD
    mirror()
    tests = Tests(options.sanitize)
    for result in (old_ones if options.again else fresh_ones)(tests, options, path):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(result, ensure_ascii=False) + "\n")
    return report(path)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""coverage.py [--fuzz | --tests] [--only REGEX] - which branches of proto/ and daemon/ were taken.

Builds the preset coverage, replays the fuzz corpora (--fuzz) or runs ctest's unit, sim and fuzz labels (--tests, what
is meant without either), and prints a line for each file: per cent, branches taken, all. Branches within assertions
do not count, nor those of memory that ran out, which tests/**/test_*_oom.c see to. Fails where a file is below its
bar: --tests, 95 % in reader, verdict, authority, fork, epoch and merge and 80 % else, except those that
tests/coverage.txt lists with a reason (file | bar | reason); --fuzz, 95 % of what each target's parser has by the
table below. SOU_COVERAGE_MISSING=1 names the branches.

  SOU_SIM_SEEDS  simulated seeds (20)        SOU_COVERAGE_BUILD  folder (build/coverage)
"""

import argparse
import json
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("SOU_COVERAGE_BUILD", os.path.join(TOP, "build", "coverage"))
RAW = os.path.join(BUILD, "raw")
LISTED = os.path.join(TOP, "tests", "coverage.txt")
CORE = re.compile(r"proto/(mp|scope\w*|judge|authority\w*|merge\w*)\.c$")
CORE_BAR, BAR, PARSER_BAR = 95.0, 80.0, 95.0

# Target: the files whose functions it is there for, those of them that it is not, and its bar. Lower ones: files of
# the stateful targets are more than what bytes reach; invites need a checksum that holds; options are also read from
# files; an http body, a batch and a payload past their bounds would be corpora of megabytes.
PARSERS = {
    "addr": (r"daemon/net/addr\.c", r"soud_addr_", PARSER_BAR),
    "authop": (r"proto/authop\.c", "", PARSER_BAR),
    "authority": (r"proto/authority\w*\.c", "", 60.0),
    "batch": (r"proto/batch_read\.c", "", 90.0),
    "frame": (r"proto/frame\.c", "", PARSER_BAR),
    "header": (r"proto/header\.c", "", PARSER_BAR),
    "http": (r"daemon/http/(route|value)\.c", "", 90.0),
    "invite": (r"proto/invite\.c", r"fault", 75.0),
    "mp": (r"proto/mp\.c", "", PARSER_BAR),
    "msg": (r"proto/msg_\w+\.c", "", PARSER_BAR),
    "options": (r"daemon/options\.c", r"_(load|argument|differ|changed|same|read_file)", 80.0),
    "payload": (r"proto/payload\.c", "", 92.0),
    "requests": (r"daemon/http/(exchange|request)\.c", "", 80.0),
    "session": (r"proto/session\w*\.c", "", 85.0),
    "verdict": (r"proto/(scope\w*|judge)\.c", "", 70.0),
}
# Writers are no parsers.
NOT_PARSED = re.compile(r"_(put|pack|make|free|fini|name|wipe|begin|write|text)\b|_put_|_pack_")


def run(*command, **more):
    return subprocess.run(command, cwd=TOP, check=True, **more)


def assertion_lines(path, cache={}):
    """Numbers of the lines that an assertion covers."""
    if path not in cache:
        found, inside = set(), False
        with open(os.path.join(TOP, path), encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                inside = inside or "SOU_ASSERT(" in line
                if inside:
                    found.add(number)
                    inside = ";" not in line
        cache[path] = found
    return cache[path]


def memory_lines(path, cache={}):
    """Numbers of the lines whose condition is that an allocation failed."""
    if path not in cache:
        with open(os.path.join(TOP, path), encoding="utf-8") as file:
            lines = file.read().split("\n")
        cache[path] = {
            n + 1
            for n, line in enumerate(lines)
            if re.search(r"== NULL|failed|!sou_\w*(grow|reserve)|SOU_ENOMEM", line)
            and any("SOU_ENOMEM" in l or "failed" in l for l in lines[n : n + 3])
        }
    return cache[path]


def exported(profile, programs):
    objects = [x for p in programs for x in ("-object", p)][1:]
    text = run("llvm-cov", "export", f"-instr-profile={profile}", "-skip-expansions", *objects,
               capture_output=True, text=True).stdout
    return json.loads(text)["data"][0]


def branches(data):
    """{file: {(line, column, way): taken}} with each way of a branch once, whatever program had it."""
    out = {}
    for part in data["files"]:
        name = os.path.relpath(part["filename"], TOP)
        if not re.match(r"(proto|daemon)/.*\.c$", name):
            continue
        here = out.setdefault(name, {})
        skipped = assertion_lines(name) | memory_lines(name)
        for line, column, _, _, yes, no, *_ in part["branches"]:
            if line in skipped:
                continue
            for way, count in ((True, yes), (False, no)):
                key = line, column, way
                here[key] = here.get(key, 0) + count
    return out


def merge(raws, name):
    profile = os.path.join(RAW, name + ".profdata")
    listing = os.path.join(RAW, name + ".list")
    with open(listing, "w", encoding="utf-8") as file:
        file.write("\n".join(raws))
    run("llvm-profdata", "merge", "-sparse", f"-input-files={listing}", "-o", profile)
    return profile


def share(ways):
    return 100.0 * sum(map(bool, ways.values())) / len(ways) if ways else 100.0


def listed():
    out = {}
    if os.path.exists(LISTED):
        with open(LISTED, encoding="utf-8") as file:
            for line in file:
                parts = [part.strip() for part in line.split(" | ")]
                if len(parts) == 3 and not line.startswith("#"):
                    out[parts[0]] = float(parts[1]), parts[2]
    return out


def line_of(name, ways, bar, note):
    taken = sum(map(bool, ways.values()))
    low = share(ways) < bar
    print(f"{'LOW ' if low else '    '}{share(ways):6.1f} %  {taken:5d} of {len(ways):5d}  {name}{note}")
    return low


def without_writers(name, ways, data, without):
    """Of the functions of this file, those that a parser has."""
    spans = []
    for f in data["functions"]:
        left_out = NOT_PARSED.search(f["name"]) or (without and re.search(without, f["name"]))
        if os.path.relpath(f["filenames"][0], TOP) == name and left_out:
            spans += [(r[0], r[2]) for r in f["regions"][:1]]
    return {k: v for k, v in ways.items() if not any(a <= k[0] <= b for a, b in spans)}


def fuzz(only):
    bad = 0
    for name, (files, without, bar) in sorted(PARSERS.items()):
        if not re.search(only, name):
            continue
        program, raw = os.path.join(BUILD, "tests", "fuzz_" + name), os.path.join(RAW, f"fuzz-{name}.raw")
        run(program, os.path.join("tests", "fuzz", "corpus", name), stdout=subprocess.DEVNULL,
            env={**os.environ, "LLVM_PROFILE_FILE": raw})
        data = exported(merge([raw], "fuzz-" + name), [program])
        ways = {}
        for path, here in branches(data).items():
            if re.fullmatch(files, path):
                ways.update({(path, *k): v for k, v in without_writers(path, here, data, without).items()})
        bad += line_of("fuzz_" + name, ways, bar, "")
        if os.environ.get("SOU_COVERAGE_MISSING"):
            for (path, line, column, way), taken in sorted(ways.items()):
                if not taken:
                    print(f"        {path}:{line}:{column} is never {'true' if way else 'false'}")
    return bad


def tests(only):
    for old in os.listdir(RAW):
        if old.startswith("test-"):
            os.remove(os.path.join(RAW, old))
    environ = {"SOU_SIM_SEEDS": "20", "SOU_FAULT_STEP": "1", **os.environ,
               "LLVM_PROFILE_FILE": os.path.join(RAW, "test-%m-%4m.raw")}
    done = subprocess.run(["ctest", "--test-dir", BUILD, "-j2", "-L", "^(unit|sim|fuzz)$", "-LE", "model",
                           "--output-on-failure"], cwd=TOP, env=environ, stdout=subprocess.PIPE, text=True,
                          check=False)
    print(done.stdout[-2000:] if done.returncode else done.stdout.split("\n\n")[-2])
    raws = [os.path.join(RAW, f) for f in os.listdir(RAW) if f.startswith("test-")]
    programs = [os.path.join(BUILD, "tests", f) for f in sorted(os.listdir(os.path.join(BUILD, "tests")))
                if re.match(r"(test|fuzz)_|sim$", f) and os.access(os.path.join(BUILD, "tests", f), os.X_OK)]
    found, reasons, bad = branches(exported(merge(raws, "tests"), programs)), listed(), done.returncode != 0
    for name, ways in sorted(found.items()):
        if not re.search(only, name) or not ways:
            continue
        bar, note = CORE_BAR if CORE.match(name) else BAR, ""
        if name in reasons:
            bar, note = reasons[name][0], f"  (bar {reasons[name][0]:.0f}: {reasons[name][1]})"
        bad += line_of(name, ways, bar, note)
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fuzz", action="store_true")
    parser.add_argument("--tests", action="store_true")
    parser.add_argument("--only", default="", help="files, or fuzz targets, that match")
    options = parser.parse_args()
    os.makedirs(RAW, exist_ok=True)
    run("cmake", "--preset", "coverage", stdout=subprocess.DEVNULL)
    targets = ["--target", *("fuzz_" + n for n in PARSERS if re.search(options.only, n))] if options.fuzz else []
    run("cmake", "--build", "--preset", "coverage", *targets, stdout=subprocess.DEVNULL)
    return 1 if (fuzz if options.fuzz else tests)(options.only) else 0


if __name__ == "__main__":
    sys.exit(main())

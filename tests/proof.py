#!/usr/bin/python3
"""proof.py LOGS - writes the summary of a run of tests/run.sh --long into docs/proof.md, in the place of the last one:
date, commit, stages with their times, and what the tests said about their counts."""

import datetime
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROOF = os.path.join(TOP, "docs", "proof.md")
BEGIN, END = "<!-- the last long run: tests/proof.py -->", "<!-- until here -->"

# What a log says about counts, wherever it stands.
SAID = (
    r"seeds \d+ failed \d+ events \d+ acts \d+",
    r"\d+ seeds twice: equal traces",
    r"\d+ seeds: equal traces of .*",
    r"merge: \d+ scopes of histories in \d+ orders each",
    r"verdict: \d+ histories, \d+ deliveries in random orders",
    r"\d+ byte strings, \d+ of them taken",
    r"\d+ worlds, verdicts .*",
    r"\d+ of \d+ defects caught; \d+ patches apply",
    r"\d+% tests passed, .*",
    r"not covered: .*",
)


def said(logs):
    found = []
    for name in sorted(os.listdir(logs)):
        path = os.path.join(logs, name)
        if not name.endswith(".log") or not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                for pattern in SAID:
                    hit = re.search(pattern, line)
                    if hit and (name[:-4], hit.group(0)) not in found:
                        found.append((name[:-4], hit.group(0)))
    return found


def runs_of_fuzz(logs):
    path = os.path.join(logs, "fuzz.log")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", errors="replace") as file:
        return re.findall(r"number_of_executed_units: (\d+)", file.read())


def main():
    logs = sys.argv[1]
    commit = subprocess.run(["git", "-c", "safe.directory=*", "rev-parse", "--short", "HEAD"], cwd=TOP, check=True,
                            capture_output=True, text=True).stdout.strip()
    with open(os.path.join(logs, "stages.txt"), encoding="utf-8") as file:
        stages = file.read().rstrip()
    text = [BEGIN, f"{datetime.date.today()} at {commit}, `tests/run.sh --long`:", "", "```", stages, "```", ""]
    text += [f"- {name}: {line.strip()}" for name, line in said(logs)]
    runs = runs_of_fuzz(logs)
    if runs:
        text.append(f"- fuzz: {len(runs)} targets, {sum(map(int, runs))} runs")
    with open(PROOF, encoding="utf-8") as file:
        old = file.read()
    new = "\n".join([*text, END])
    if BEGIN in old:
        old = old[: old.index(BEGIN)] + new + old[old.index(END) + len(END) :]
    else:
        old = old.rstrip("\n") + "\n\n## The last long run\n\n" + new + "\n"
    with open(PROOF, "w", encoding="utf-8") as file:
        file.write(old)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Rules of proto/PROTOCOL.md (**P3.2** at the start of a paragraph) and their citations. A citation of a
rule that does not exist fails; so does a rule cited nowhere in the code or nowhere in tests/, unless
uncited.txt lists it with the reason, and a line of uncited.txt that is no longer true."""

import os
import re

import tree

PROTOCOL = "proto/PROTOCOL.md"
UNCITED = "tests/tidy/uncited.txt"
CITATION = re.compile(r"(?<![\w.])P(\d{1,2})\.(\d{1,2})(?:\s*(?:-|–|to)\s*P?(?:\1\.)?(\d{1,2})\b)?(?![\d.]*\d)")
RULE_COUNT = 24  # R1..R24



def cited_in(line):
    """P9.3, and each rule of a range: P9.1-P9.5, P9.1-5."""
    for section, first, last in CITATION.findall(line):
        for number in range(int(first), int(last or first) + 1):
            yield f"{section}.{number}"


rules = {}
for number, line in tree.lines(PROTOCOL):
    head = re.match(r"\*\*P(\d+\.\d+)\*\*", line)
    if head:
        if head.group(1) in rules:
            tree.finding(PROTOCOL, number, f"P{head.group(1)} stands twice", "give it a number of its own")
        rules[head.group(1)] = number

cited = {"the code": set(), "tests": set()}
for name in tree.files(".c", ".h", ".def", ".py", ".json", ".patch", ".md", ".sql"):
    if name == PROTOCOL or name.startswith("tests/tidy/"):
        place = None
    elif name.startswith("tests/"):
        place = "tests"
    else:
        place = "the code" if not name.endswith(".md") else None
    for number, line in tree.lines(name):
        if name.startswith("tests/tidy/"):
            continue
        for rule in cited_in(line):
            if rule not in rules:
                tree.finding(name, number, f"cites P{rule}, which {PROTOCOL} does not have", "correct it")
            elif place:
                cited[place].add(rule)
        for rule in re.findall(r"(?<![\w.])R(\d+)\b", line):
            if name.endswith((".c", ".h", ".def", ".sql")) and not 1 <= int(rule) <= RULE_COUNT:
                tree.finding(name, number, f"cites R{rule}", f"rules are R1 to R{RULE_COUNT}")

listed = {}
if os.path.isfile(os.path.join(tree.TOP, UNCITED)):
    for number, line in tree.lines(UNCITED):
        entry = re.match(r"P(\d+\.\d+)\s+(\S.*)", line)
        if entry:
            listed[entry.group(1)] = number
        elif line.strip() and not line.startswith("#"):
            tree.finding(UNCITED, number, "not a rule with a reason", "P3.2 why it is cited nowhere")

for rule, number in rules.items():
    missing = [place for place, names in cited.items() if rule not in names]
    if missing and rule not in listed:
        tree.finding(PROTOCOL, number, f"P{rule} is cited nowhere in {' and '.join(missing)}",
                     f"cite it where it is kept and tested, or say why in {UNCITED}")
    if not missing and rule in listed:
        tree.finding(UNCITED, listed[rule], f"P{rule} is cited now", "remove the line")
for rule, number in listed.items():
    if rule not in rules:
        tree.finding(UNCITED, number, f"P{rule} does not exist", "remove the line")
tree.finish(len(rules))

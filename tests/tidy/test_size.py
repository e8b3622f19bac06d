"""Lines of at most 100 columns, files of at most 800 lines, functions of at most 70 (house style)."""

import re
import tree

LINE_COLUMNS = 100
FILE_LINES = 800
FUNCTION_LINES = 70

count = 0
for name in tree.files(".c", ".h", ".py", ".sh"):
    if name.startswith("tests/vectors/"):
        continue
    count += 1
    total = 0
    limit = LINE_COLUMNS if name.endswith((".c", ".h")) else 120
    for number, line in tree.lines(name):
        total = number
        if tree.columns(line) > limit:
            tree.finding(name, number, f"{tree.columns(line)} columns", f"at most {limit}")
    if total > FILE_LINES + 1:
        tree.finding(name, 1, f"{total - 1} lines", f"at most {FILE_LINES}; divide the room")
    if not name.endswith(".c"):
        continue
    begin, head = 0, ""
    for number, line in enumerate(tree.code(name).split("\n"), 1):
        if line.startswith("{"):
            begin = number
        elif line.startswith("}") and begin:
            if number - begin + 1 > FUNCTION_LINES:
                tree.finding(name, begin, f"{head}: {number - begin + 1} lines",
                             f"at most {FUNCTION_LINES}; name a part of it")
            begin = 0
        found = re.match(r"\w[^;=]*?(\w+)\(", line)
        if found and not begin:
            head = found.group(1)
tree.finish(count)

"""Calls that have a safer form, assertions with effects, and switches that would hide a new case."""

import re

import tree

BANNED = {
    "strcpy": "memcpy with a checked length, or snprintf", "strcat": "snprintf", "sprintf": "snprintf",
    "vsprintf": "vsnprintf", "gets": "fgets", "atoi": "strtol with its errors", "atol": "strtol",
    "atoll": "strtoll", "atof": "strtod", "strtok": "strcspn and strspn", "system": "fork and execv",
    "popen": "fork and execv", "tmpnam": "mkstemp", "mktemp": "mkstemp", "alloca": "a bounded array",
    "strncpy": "memcpy with a checked length", "signal": "sigaction or uv_signal", "assert": "SOU_ASSERT",
    "rand": "the seeded generator", "localtime": "Japan's time is fixed", "setjmp": "return codes",
}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
ASSERT = re.compile(r"\b(SOU_ASSERT|_Static_assert)\s*\(")
EFFECT = re.compile(r"\+\+|--|(?<![=!<>])=(?!=)")


def argument(text, start):
    """What stands between the parenthesis at `start` and its partner."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] == "(") - (text[at] == ")")
        if depth == 0:
            return text[start + 1:at]
    return text[start + 1:]


count = 0
for name in tree.files(".c", ".h"):
    count += 1
    text = tree.code(name)
    for match in CALL.finditer(text):
        what = match.group(1)
        if what == "signal" and "SIG_IGN" in argument(text, match.end() - 1):
            continue
        if what in ("signal", "setjmp", "rand") and name.startswith("tests/"):
            continue
        tree.finding(name, text.count("\n", 0, match.start()) + 1, f"calls {what}", BANNED[what])
    for match in ASSERT.finditer(text):
        inside = argument(text, match.end() - 1)
        if match.group(1) == "SOU_ASSERT" and EFFECT.search(inside):
            tree.finding(name, text.count("\n", 0, match.start()) + 1,
                         "an assertion with an effect", "make it a statement of its own before")
    for match in re.finditer(r"\btypedef\b(?![^;{]*\(\s*\*?\s*\w*\s*\)?\s*\()", text):
        if not re.match(r"typedef\s+[^;]*\([^;]*\)\s*;", text[match.start():]):
            tree.finding(name, text.count("\n", 0, match.start()) + 1, "a typedef",
                         "struct and enum tags; only function types are named")
tree.finish(count)

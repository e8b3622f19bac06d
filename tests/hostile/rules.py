"""The list that a case is entered in, and for each rule without a case the reason."""
import re

RULES = ["R%d" % n for n in range(1, 19)]

# Rules that no case tries, and why. A rule with cases may not stand here, and none may be missing.
WITHOUT = {
    "R6": "durable before visible is what this side does on its own disk; a peer has no part in it (power cuts, kills)",
    "R16": "snapshots are not built: a frame of kind 25 to 27 is unknown and passed over (R18's row of unknown kinds)",
}

# What of a rule with cases has none, and why.
BESIDE = {
    "R7": "two root ops with one counter: root keys are not on the machine; proto/authority tries each order of them",
    "R13": "checkpoints, receipts and cosigned heads are not built; positions are all that the hub's word is now",
    "R14": "the age of a heartbeat gates local acts only; a peer can send none without the right, which is the row",
    "R17": "20,000 new entries at once, and 120 s of silence: proto/session_news and session_states, with a clock of "
    "their own",
}


class Case:
    def __init__(self, rule, name, run, expect, log):
        self.rule, self.name, self.run, self.expect, self.log = rule, name, run, expect, log


class Table:
    """The rows of one program, in order."""

    def __init__(self):
        self.cases = []

    def __call__(self, rule, name, expect=None, log=None, **how):
        """Decorates what a row does; it gives back what came of it, which must match `expect`."""

        def enter(run):
            assert rule in RULES, rule
            case = Case(rule, name, run, expect, log)
            case.__dict__.update(how)
            self.cases.append(case)
            return run

        return enter


def matches(pattern, text):
    return re.fullmatch(pattern, text) is not None


def listing(*tables):
    """Lines for people, and what is wrong with the list."""
    count = {r: 0 for r in RULES}
    for table in tables:
        for case in table.cases:
            count[case.rule] += 1
    lines, wrong = [], []
    for r in RULES:
        why = WITHOUT.get(r, "") or ("without a case: " + BESIDE[r] if r in BESIDE else "")
        lines.append(("%-4s %3d %s" % (r, count[r], why)).rstrip())
        if (count[r] == 0) != (r in WITHOUT):
            wrong.append("%s has %d cases and %s reason" % (r, count[r], "a" if r in WITHOUT else "no"))
    wrong += ["%s is no rule of the list" % r for r in {*WITHOUT, *BESIDE} - set(RULES)]
    names = [(c.rule, c.name) for t in tables for c in t.cases]
    wrong += ["%s %s stands twice" % n for n in set(names) if names.count(n) > 1]
    return lines, wrong

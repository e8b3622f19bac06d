"""Small worlds (P8, P9, P10): sets of authority ops and entries, and what comes of them in any order.

Each scenario says by hand what verdict each entry must get; the rest (registers, digests) follows.
"""
from soukatsu import authority as au
from soukatsu import names, schema
from soukatsu.names import PROJECT, SCOPE_PLAN, ZERO16, half, scope_id
from soukatsu.payload import Op
from soukatsu.schema import (
    ADOPT,
    ANCHOR,
    ANCHORER,
    APPROVER,
    CLOSE,
    CONSENT,
    DELETE,
    EDITOR,
    EPOCH_OPEN,
    HEARTBEAT,
    PLANNER,
    PROXY,
    READER,
    REVIEWER,
    SET,
    SUBMITTER,
)
from soukatsu.world import Feed, delete_op, drawn, set_op
from vectors import examples
from vectors.scenario import OK, Scenario

ITEM, APPROVAL, SUBMISSION, REVIEW, COPY = 16, 19, 32, 33, 34


def text(entity, value, replaces=(), type_=SET):
    return set_op(ITEM, entity, "text", value, replaces, type_)


A, B, D = drawn("item A"), drawn("item B"), drawn("item D")


def plain():
    s = Scenario("P9 two sites, a conflict and its end")
    f = s.feed("s1", s.editor("s1"))
    g = s.feed("s2", s.editor("s2", "o1"))
    a = s.add(f.data(text(A, "一"), set_op(ITEM, A, "place", b"\x80" + A[:4])))
    b = s.add(f.data(text(A, "二", [a])))
    s.add(g.data(text(A, "三", [a]), set_op(ITEM, A, "place", b"\x40" + A[:4], [a])))
    s.add(g.data(text(B, "四")))
    yield s
    s = Scenario("P10 resolved, and a version that never was")
    f, g = s.feed("s1", s.editor("s1")), s.feed("s2", s.editor("s2", "o1"))
    a = s.add(f.data(text(A, "一")))
    b = s.add(g.data(text(A, "二")))
    s.add(f.data(text(A, "三", [a, b])))
    s.add(g.data(text(B, "x", [drawn("never")])))
    s.add(f.data(text(B, "x"), set_op(ITEM, B, "round", drawn("round"), [a])))
    yield s
    s = Scenario("P10.3 order of the live: flags, hlc, id")
    feeds = [s.feed("s%d" % n, s.editor("s%d" % n, "o1")) for n in range(5)]
    for n, (hlc, flags) in enumerate([(100, 0), (300, 1), (300, 0), (300, 0), (500, 2)]):
        s.add(
            feeds[n].data(text(A, "%d" % n), set_op(ITEM, A, "place", bytes([n + 1]) * 5), hlc=hlc << 16, flags=flags)
        )
    yield s


def hidden():
    s = Scenario("P10.5 deleted, shown again, deleted through a held version")
    f, og = s.feed("s1", s.editor("s1")), s.editor("s2", "o1")
    g = s.feed("s2", og)
    a = s.add(f.data(text(A, "x"), set_op(ITEM, A, "project", drawn("project"))))
    s.add(g.data(delete_op(ITEM, A, [a])))
    b = s.add(f.data(text(B, "x")))
    s.add(g.data(delete_op(ITEM, B, [b])))
    s.add(f.data(text(B, "y", [b])))
    v0 = s.add(f.data(text(D, "0")))
    e = s.editor("s3", "o1")
    h = s.feed("s3", e)
    v1 = s.add(h.data(text(D, "1", [v0])), "cut")
    s.add(f.data(delete_op(ITEM, D, [v1])))
    s.w.op([au.CUT, s.w.site_id("s3"), s.w.key("s3").id, []])
    yield s


def rights():
    s = Scenario("P7.5 every row in an org scope")
    o = s.open("s1", "o1", None, (EDITOR, 0, s.scope("o1")))
    p = s.open("s2", "o1", None, (APPROVER, 0, s.scope("o1")))
    r = s.open("s3", "hq", None, (REVIEWER, 1, s.org["hq"]))
    d = s.open("s4", "o1", None, (READER | schema.ADMIN | SUBMITTER, 0, s.scope("o1")))
    n = s.open("s5", "o1")
    for site, opening, org, good in [
        ("s1", o, "o1", {16, 17, 18, 23, 20}),
        ("s2", p, "o1", {19}),
        ("s3", r, "o1", {21, 22}),
        ("s4", d, "o1", set()),
        ("s5", n, "o1", set()),
    ]:
        f = Feed(s.w, site, site, s.scope(org), opening, s.org[org])
        values = {
            16: ("text", "x"),
            17: ("note", "x"),
            18: ("state", 1),
            19: ("remark", "x"),
            21: ("text", "x"),
            22: ("reason", "x"),
            23: ("value", "x"),
            20: ("until", None),
        }
        for kind, (field, value) in values.items():
            e = drawn("entity %d" % kind)
            type_ = CONSENT if kind == 20 else SET
            s.add(f.data(set_op(kind, e, field, value, (), type_)), OK if kind in good else "no-right")
            if kind == 20:
                s.add(f.data(set_op(kind, e, field, value)), "no-right")
            else:
                s.add(f.data(delete_op(kind, e, [])), OK if kind in good else "no-right")
        s.add(f.data(set_op(SUBMISSION, D, "note", "x")), "no-right")
        s.add(f.data(set_op(1, D, "handle", "x")), "no-right")
        s.add(f.data(text(A, "x"), set_op(SUBMISSION, D, "note", "x")), "no-right")
        s.add(f.data(), OK if site in ("s1", "s2", "s3", "s4") else "no-right")
        s.add(f.control(CLOSE), OK if site in ("s1", "s2", "s3", "s4") else "no-right")
        s.add(f.control(HEARTBEAT), "no-right")
    yield s
    s = Scenario("P8.8 for in an org scope, and a scope of nobody")
    o = s.open(
        "s1", "o1", None, (EDITOR, 0, s.scope("o1")), (EDITOR, 0, s.scope("o2")), (EDITOR, 0, drawn("a scope"))
    )
    f = s.feed("s1", o)
    s.add(f.data(text(A, "x"), for_=s.org["o2"]), "no-right")
    s.add(f.data(text(A, "x")))
    g = s.feed("s1", o, scope=s.scope("o2"), for_=s.org["o2"])
    s.add(g.data(text(A, "x")))
    s.add(g.data(text(A, "x"), for_=s.org["o1"]), "no-right")
    h = s.feed("s1", o, scope=drawn("a scope"))
    s.add(h.data(text(A, "x")), "no-right")  # judged as a project scope: no row for items
    s.add(h.data(set_op(SUBMISSION, A, "note", "x")), "no-right")
    s.add(h.data())
    yield s


def plan():
    s = Scenario("P7.5 plan, and who reads a project")
    o1, o2 = s.org["o1"], s.org["o2"]
    p = s.open("hqs", "hq", None, (PLANNER, 0, SCOPE_PLAN), (READER, 1, s.org["hq"]))
    f = s.feed("hqs", p, scope=SCOPE_PLAN)
    e1 = s.open("s1", "o1", None, (EDITOR, 0, s.scope("o1")), (SUBMITTER, 2, o1))
    e2 = s.open("s2", "o2", None, (SUBMITTER, 2, o2))
    s.open("s3", "o2", None, (READER, 1, o2))
    s.open("s4", "o2", None, (READER, 0, SCOPE_PLAN))
    s.open("s5", "o1")
    s.open("s6", "o1", None, (schema.ADMIN, 1, s.org["hq"]))
    g = s.feed("s1", e1, scope=SCOPE_PLAN)
    projects = [drawn("project %d" % n) for n in range(3)]
    lists = [[o1, 1, o2, 2], [o1, 1], [o2, 1]]
    made = [
        s.add(
            f.data(
                set_op(3, e, "title", "事業"), set_op(3, e, "organisations", x), set_op(3, e, "place", b"\x80" + e[:4])
            )
        )
        for e, x in zip(projects, lists)
    ]
    s.add(f.data(set_op(3, projects[0], "title", "x", [made[0]]), for_=o2))  # for is not looked at
    s.add(g.data(set_op(3, projects[0], "title", "y")), "no-right")
    s.add(f.data(text(A, "x")), "no-right")
    s.add(f.data(set_op(3, projects[1], "organisations", [o2, 1])))  # in conflict with [o1, 1]
    h = s.feed("s1", e1, scope=scope_id(PROJECT, projects[0]))
    sub = drawn("submission")
    v = s.add(
        h.data(
            set_op(SUBMISSION, sub, "content", [1, drawn("column"), A, drawn("v"), 0, 0]),
            set_op(COPY, A, "text", "写し"),
        )
    )
    s.add(h.data(set_op(SUBMISSION, sub, "content", None, [v]), for_=o2), "no-right")
    k = s.feed("s2", e2, scope=scope_id(PROJECT, projects[0]))
    s.add(k.data(set_op(SUBMISSION, drawn("submission 2"), "note", "x")))
    for p_ in projects[1:]:
        s.add(
            s.feed("s2", e2, scope=scope_id(PROJECT, p_)).data(
                set_op(SUBMISSION, drawn("sub" + p_.hex()), "note", "x")
            )
        )
    yield s


def subtree():
    s = Scenario("P8.8 subtree: ever stood below, also later")
    div = s.w.op(s.w.org_effect(s.w.hq, "div", 2), s.w.org_effect(0, "ward"), s.w.org_effect(s.w.hq, "far"))
    for n, o in enumerate(("div", "ward", "far")):
        s.org[o] = names.organisation_id(div, n)
    r = s.open("rv", "div", None, (REVIEWER, 1, s.org["div"]))
    late = s.w.op(s.w.org_effect(s.org["ward"], "late"))
    s.org["late"] = names.organisation_id(late, 0)
    s.w.op([au.ORG_MOVE, s.org["far"], s.org["ward"]], [au.ORG_NAME, s.org["far"], "far", "f", "2023-04-01"])
    s.w.op([au.ORG_MOVE, s.org["far"], s.w.hq], [au.ORG_CLOSE, s.org["late"]])
    s.without.add(s.w.op([au.ORG_MOVE, s.org["div"], s.org["ward"]]))  # a circle
    s.without.add(s.w.op([au.ORG_MOVE, s.w.hq, s.org["ward"]]))
    s.without.add(s.w.op([au.ORG_MOVE, s.org["ward"], drawn("no org")]))
    s.without.add(s.w.op(s.w.org_effect(1, "x"), s.w.org_effect(s.w.hq, "y")))  # parent: a later effect
    s.without.add(s.w.op(s.w.org_effect(None, "second hq")))
    for o, want in [("div", OK), ("ward", OK), ("late", OK), ("far", OK), ("o1", "no-right"), ("hq", "no-right")]:
        f = s.feed("rv", r, scope=s.scope(o), for_=s.org[o])
        s.add(f.data(set_op(21, drawn("remark " + o), "text", "x")), want)
    pr = scope_id(PROJECT, drawn("project"))
    f = s.feed("rv", r, scope=pr)
    for o, want in [("div", OK), ("ward", OK), ("late", OK), ("far", OK), ("o1", "no-right"), ("hq", "no-right")]:
        s.add(f.data(set_op(REVIEW, drawn("review " + o), "reason", "x"), for_=s.org[o]), want)
    yield s


def consents():
    s = Scenario("P9.8 proxy needs a consent of another site")
    f = s.feed("s1", s.editor("s1"))
    r = s.open("rv", "hq", None, (REVIEWER, 1, s.org["hq"]), (EDITOR, 0, s.scope("o1")), (EDITOR, 0, s.scope("o2")))
    g = s.feed("rv", r, scope=s.scope("o1"), for_=s.org["o1"])
    v = s.add(f.data(text(A, "x")))
    c = s.add(f.data(set_op(20, A, "until", "2023-09-01", (), CONSENT)))
    bad = s.add(f.data(set_op(20, A, "about", 16, (), CONSENT), for_=s.org["o2"]), "no-right")
    own = s.add(g.data(set_op(20, A, "until", None, (), CONSENT)))
    s.add(g.data(text(A, "1", [v], PROXY), cites=[c.id]))
    s.add(g.data(text(A, "2", [v], PROXY)), "ground")
    s.add(g.data(text(A, "3", [v], PROXY), cites=[v.id]), "ground")
    s.add(g.data(text(B, "4", [], PROXY), cites=[c.id]), "ground")
    s.add(g.data(text(A, "5", [v], PROXY), cites=[own.id]), "ground")
    s.add(g.data(text(A, "6", [v], PROXY), cites=[c.id, bad.id]), "ground")
    s.add(g.data(text(A, "7", [v], PROXY), cites=[c.id, drawn("no entry", 32)]), "ground")
    s.add(g.data(text(D, "8"), cites=[bad.id]), "ground")
    s.add(g.data(text(D, "9"), cites=[v.id]))
    s.add(f.data(text(A, "10", [v], PROXY), cites=[own.id]), "no-right")
    other = s.feed("s1", s.w.op(s.w.open_effect("s1", "s1b", None)), key="s1b")
    far = s.add(Feed(s.w, "rv", "rv", s.scope("o2"), r, s.org["o2"]).data(text(A, "x")))
    s.add(other.data(text(B, "11"), cites=[far.id]), "ground")  # accepted, but in another scope
    yield s


def adoption():
    s = Scenario("P9.9 adopted: by another site, same for, rights once held")
    e = s.editor("s1")
    f = s.feed("s1", e)
    r = s.open("rv", "hq", None, (REVIEWER, 1, s.org["hq"]), (EDITOR, 0, s.scope("o1")), (EDITOR, 0, s.scope("o2")))
    g = s.feed("rv", r, scope=s.scope("o1"), for_=s.org["o1"])
    r2 = s.open("rv2", "o1", None, (REVIEWER, 0, s.scope("o1")))
    k = s.feed("rv2", r2)
    a = s.add(f.data(text(A, "1")))
    past = s.add(f.data(text(A, "2", [a])))
    never = s.add(f.data(set_op(APPROVAL, A, "remark", "x")), "cut")
    left = s.add(f.data(text(B, "3")), "cut")
    hb = s.add(f.control(CLOSE), "cut")
    more = s.add(f.data(text(D, "4"), cites=[never.id]), "cut")
    forw = s.add(f.data(text(D, "5"), for_=s.org["o2"]), "cut")
    s.w.op([au.CUT, s.w.site_id("s1"), s.w.key("s1").id, au.pack_pairs({s.scope("o1"): [a.id]})])
    s.add(g.control(ADOPT, [past.id, never.id, hb.id, more.id, forw.id, drawn("none", 32)]))
    s.add(g.control(ADOPT, [left.id], for_=s.org["o2"]), "no-right")  # for is another
    mine = s.add(g.data(text(D, "6")))
    s.w.op([au.CUT, s.w.site_id("rv"), s.w.key("rv").id, au.pack_pairs({s.scope("o1"): [g.prev]})])
    tail = s.add(g.data(text(D, "7", [mine])), "cut")
    s.add(g.control(ADOPT, [tail.id]), "cut")
    s.add(k.control(ADOPT, [left.id, tail.id]))
    s.got[left.id] = (*s.got[left.id][:2], OK)
    s.got[tail.id] = (*s.got[tail.id][:2], OK)
    yield s
    s = Scenario("P9.9 never by its own site")
    f = s.feed("s1", s.open("s1", "o1", None, (EDITOR | REVIEWER, 0, s.scope("o1"))))
    a = s.add(f.data(text(A, "1")))
    s.w.op(s.w.grant_effect("s1", APPROVER, 0, s.scope("o1"), {s.scope("o1"): [drawn("nothing", 32)]}))
    b = s.add(f.data(set_op(APPROVAL, A, "remark", "x")), "no-right")
    s.add(f.control(ADOPT, [b.id]))
    yield s


def narrowing():
    s = Scenario("P8.13 narrowings: pairs, rest, for, the latest")
    pr, pr2 = scope_id(PROJECT, drawn("project")), scope_id(PROJECT, drawn("project 2"))
    o = s.open("s1", "o1", None, (SUBMITTER | EDITOR, 2, s.org["o1"]), (SUBMITTER, 2, s.org["o2"]))
    f, g = s.feed("s1", o, scope=pr), s.feed("s1", o, scope=pr2)
    note = lambda n: set_op(SUBMISSION, drawn("sub %d" % n), "note", "x")
    a = s.add(f.data(note(1)))
    s.add(f.data(note(2), for_=s.org["o2"]))
    s.add(g.data(note(3)), "no-right")
    s.add(g.data(note(4), for_=s.org["o2"]))
    b = s.add(f.data(note(5)))
    s.add(f.data(note(6)), "no-right")
    s.add(f.data(note(7), for_=s.org["o2"]))
    site = s.w.site_id("s1")
    s.w.op([au.NARROW, o, site, SUBMITTER, s.org["o1"], 1, au.pack_pairs({pr: [a.id]})])
    s.w.op([au.NARROW, o, site, SUBMITTER, s.org["o1"], 0, au.pack_pairs({pr: [b.id]})])  # the latest counts
    s.w.op([au.NARROW, o, site, EDITOR, s.org["o2"], 0, []])  # another role
    s.w.op([au.NARROW, drawn("no op", 32), site, SUBMITTER, None, 0, []])  # another grant
    yield s
    s = Scenario("P8.13 for and nil both count; a new grant starts anew")
    pr = scope_id(PROJECT, drawn("project"))
    o = s.open("s1", "o1", None, (SUBMITTER, 2, s.org["o1"]), (SUBMITTER, 2, s.org["o2"]))
    f = s.feed("s1", o, scope=pr)
    a = s.add(f.data(note(1)))
    b = s.add(f.data(note(2), for_=s.org["o2"]))
    s.add(f.data(note(3)), "no-right")
    s.add(f.data(note(4), for_=s.org["o2"]))
    d = s.add(f.data(note(5), for_=s.org["o2"]), "no-right")
    site = s.w.site_id("s1")
    four = s.entries[-2]
    s.w.op(
        [au.NARROW, o, site, SUBMITTER, None, 1, au.pack_pairs({pr: [four.id]})],
        [au.NARROW, o, site, SUBMITTER, s.org["o1"], 1, au.pack_pairs({pr: [a.id]})],
    )
    s.w.op(s.w.grant_effect("s1", SUBMITTER, 2, s.org["o2"], {pr: [d.id]}))
    s.add(f.data(note(6), for_=s.org["o2"]))
    s.add(f.data(note(7)), "no-right")
    other = s.feed("s1", o, scope=scope_id(PROJECT, drawn("project 3")))
    s.add(other.data(note(8)))  # rest 1
    yield s
    s = Scenario("P8.13 a narrowing with for says nothing in plan")
    o = s.open("s1", "o1", None, (PLANNER, 0, SCOPE_PLAN))
    f = s.feed("s1", o, scope=SCOPE_PLAN)
    s.w.op([au.NARROW, o, s.w.site_id("s1"), PLANNER, s.org["o1"], 0, []])
    a = s.add(f.data(set_op(1, A, "handle", "x")))
    s.add(f.data(set_op(1, B, "handle", "y")), "no-right")
    s.w.op([au.NARROW, o, s.w.site_id("s1"), PLANNER, None, 0, au.pack_pairs({SCOPE_PLAN: [a.id]})])
    yield s
    s = Scenario("P8.13 after: a pair, a scope that is not listed, a key opened later")
    o = s.editor("s1")
    f = s.feed("s1", o)
    a = s.add(f.data(set_op(APPROVAL, A, "remark", "1")), "no-right")
    b = s.add(f.data(text(A, "2")))
    s.w.op(s.w.grant_effect("s1", APPROVER, 0, s.scope("o1"), {s.scope("o1"): [b.id]}))
    s.add(f.data(set_op(APPROVAL, B, "remark", "3")))
    o2 = s.open("s1", None, "s1b")
    s.add(s.feed("s1", o2, key="s1b").data(set_op(APPROVAL, D, "remark", "4")))
    o3 = s.open("s2", "o1")
    s.w.op(s.w.grant_effect("s2", APPROVER, 0, s.scope("o1"), {s.scope("o1"): [o3]}))  # from the opening on
    s.add(s.feed("s2", o3).data(set_op(APPROVAL, drawn("E"), "remark", "5")))
    o5 = s.editor("s3", "o1")
    s.w.op(s.w.grant_effect("s3", APPROVER, 0, s.scope("o1"), {s.scope("o1"): [o3]}))
    s.add(s.feed("s3", o5).data(set_op(APPROVAL, drawn("G"), "remark", "6")), "no-right")  # another key's opening
    g = s.feed("s1", o, scope=s.scope("o2"), for_=s.org["o2"])
    s.w.op(s.w.grant_effect("s1", EDITOR, 0, s.scope("o2"), {s.scope("o1"): [drawn("nothing", 32)]}))
    s.add(g.data(text(A, "5")))
    yield s


def cuts():
    s = Scenario("P8.12 cut, recut, decide: the latest that speaks of the scope")
    o = s.open("s1", "o1", None, (EDITOR, 0, s.scope("o1")), (EDITOR, 0, s.scope("o2")))
    f, g = s.feed("s1", o), s.feed("s1", o, scope=s.scope("o2"), for_=s.org["o2"])
    a = s.add(f.data(text(A, "1")))
    b = s.add(f.data(text(A, "2", [a])))
    s.add(f.data(text(A, "3", [b])), "cut")
    s.add(g.data(text(A, "4")), "cut")
    site, key = s.w.site_id("s1"), s.w.key("s1").id
    s.w.op([au.CUT, site, key, au.pack_pairs({s.scope("o1"): [a.id]})])
    s.w.op([au.RECUT, site, key, s.scope("o1"), [b.id]])
    s.w.op([au.CUT, site, drawn("no key"), []])
    n = s.open("s1", None, "s1b")
    s.add(s.feed("s1", n, key="s1b").data(text(B, "5")))
    yield s
    s = Scenario("P8.12 decided for one branch")
    o = s.editor("s1")
    f = s.feed("s1", o)
    a = s.add(f.data(text(A, "1")))
    b = s.add(f.data(text(A, "2", [a])))
    s.add(s.feed("s1", o).at(a).data(text(A, "3", [a])), "decide")
    s.w.op([au.DECIDE, s.w.site_id("s1"), s.w.key("s1").id, s.scope("o1"), [b.id]])
    yield s
    s = Scenario("P9.6 a fork freezes from the pair on, an epoch-open is no sibling")
    o = s.editor("s1")
    f = s.feed("s1", o)
    a = s.add(f.data(text(A, "1")))
    b = s.add(f.data(text(A, "2", [a])), "fork")
    s.add(f.data(text(A, "3", [b])), "fork")
    s.add(s.feed("s1", o).at(a).data(text(A, "4", [a])), "fork", form="header")
    e = s.add(s.feed("s1", o).at(a).control(EPOCH_OPEN, "例"))
    s.add(s.feed("s1", o).at(e).data(text(B, "5")))
    s.got[s.entries[3].id] = (None, s.got[s.entries[3].id][1], "not-whole")
    yield s
    s = Scenario("P9.5 anchored by the hub's site")
    o = s.editor("s1")
    f = s.feed("s1", o)
    a = s.add(f.data(text(A, "1")))
    b = s.add(f.data(text(A, "2", [a])))
    s.add(s.feed("s1", o).at(a).data(text(A, "3", [a])), "fork")
    hub = Feed(s.w, "hub", "hub/site", s.scope("o1"), s.w.genesis, s.org["o1"])
    hub.site = "hub"
    s.add(hub.control(ANCHOR, [b.id]))
    e = s.editor("s2", "o1")
    g = s.feed("s2", e)
    x = s.add(g.data(text(B, "4")), "fork")
    s.add(s.feed("s2", e).data(text(B, "5")), "fork")
    s.add(g.control(ANCHOR, [x.id]), "fork")  # never held anchor
    s.add(Feed(s.w, "hub", "hub/site", s.scope("o2"), s.w.genesis, s.org["o2"]).control(HEARTBEAT), "fork")
    s.add(Feed(s.w, "hub", "hub/site", s.scope("o2"), s.w.genesis, s.org["o2"]).control(HEARTBEAT, hlc=7), "fork")
    yield s


def chains():
    s = Scenario("P9.3 eight openings, not nine")
    f = s.feed("s1", s.editor("s1"))
    for n in range(9):
        s.add(f.control(EPOCH_OPEN, "例 %d" % n), OK if n < 8 else "not-whole")
        s.add(f.data(text(A, str(n)), hlc=n + 1), OK if n < 8 else "not-whole")
    yield s
    s = Scenario("P5.3 what does not fit")
    o = s.editor("s1")
    s.editor("s2", "o1")
    f = s.feed("s1", o)
    a = s.add(f.data(text(A, "1"), hlc=1000))
    base = lambda: s.feed("s1", o).at(a)
    x = base()
    x.seq = 2
    s.add(x.data(text(A, "seq")), "not-whole")
    x = base()
    s.add(x.data(text(A, "hlc"), hlc=1000), "not-whole")
    x = base()
    x.epoch = drawn("epoch")
    s.add(x.data(text(A, "epoch")), "not-whole")
    s.add(Feed(s.w, "s2", "s2", s.scope("o1"), o, s.org["o1"]).data(text(A, "opening of another")), "not-whole")
    x = s.feed("s2", o)
    x.at(a)
    s.add(x.data(text(A, "site")), "not-whole")
    s.add(s.feed("s1", drawn("no opening", 32)).data(text(A, "nothing there")), "not-whole")
    e = s.add(base().control(EPOCH_OPEN, "例"))
    x = base().at(e)
    x.seq = 1
    s.add(x.data(text(A, "seq 2 on epoch-open")), "not-whole")
    e = s.add(base().control(EPOCH_OPEN, "例 2"))
    s.add(base().at(e).data(text(A, "hlc may fall"), hlc=5))
    g = s.feed("s1", o, key="unknown")
    s.add(g.data(text(A, "unknown key")), "not-whole")
    yield s
    s = Scenario("P9.5 a sibling need not fit, but be authentic")
    o = s.editor("s1")
    a = s.add(s.feed("s1", o).data(text(A, "1")), "fork")
    x = s.feed("s1", o)
    x.seq = 1
    s.add(x.data(text(A, "seq 2 on the opening")), "not-whole")
    o = s.editor("s2", "o1")
    s.add(s.feed("s2", o).data(text(B, "1")))
    s.add(s.feed("s2", o).data(text(B, "2"), hlc=9), "not-authentic", signed=False)
    yield s
    s = Scenario("P9.4 signatures left out, and forged")
    f = s.feed("s1", s.editor("s1"))
    chain = [s.add(f.data(text(A, str(n))), signed=n in (3, 5)) for n in range(8)]
    for m in chain[6:]:
        s.got[m.id] = (*s.got[m.id][:2], "not-authentic")
    s.add(s.feed("s1", list(s.w.ops)[-1]).at(chain[2]).data(text(B, "forged")), "not-authentic", signed=False)
    yield s
    s = Scenario("P9.3 header alone, malformed, too new")
    f = s.feed("s1", s.editor("s1"))
    s.add(f.data(text(A, "1")))
    s.add(f.data(Op(SET, 99, A, 1, "x")), "too-new")
    s.add(f.data(text(A, "2")))
    s.add(f.data(text(A, "3")), "not-whole", form="header")
    s.add(f.data(text(A, "4")), "not-whole")
    g = s.feed("s2", s.editor("s2", "o1"))
    s.add(g.data(text(A, "5"), text(A, "6")), "not-whole")
    s.add(g.data(text(A, "7")), "not-whole")
    yield s


def redaction():
    s = Scenario("P10.4 redacted values, in whatever form")
    o = s.editor("s1")
    f = s.feed("s1", o)
    g = s.feed("s2", s.editor("s2", "o1"))
    a = s.add(f.data(text(A, "伏せる"), set_op(ITEM, A, "round", drawn("round"))), form=[1])
    b = s.add(g.data(text(A, "残る")))
    c = s.add(g.data(text(B, "x")))
    d = s.add(f.data(text(B, "全文のまま")))
    e = s.add(f.data(set_op(20, B, "until", "x", (), CONSENT)))
    h = s.add(g.data(set_op(20, B, "until", "y", (), CONSENT)))
    k = s.add(f.data(text(D, "名を伏せる")), form=[0])
    s.w.op(
        [
            au.REDACT,
            1,
            [
                x
                for pair in sorted([(a.id, 1), (d.id, 1), (e.id, 1), (k.id, 0), (drawn("none", 32), 3)])
                for x in pair
            ],
        ]
    )
    s.add(g.data(text(D, "y")), "not-whole", form=[1])  # no redact names it
    yield s
    s = Scenario("P6.8 a mistyped value is lacking until it is redacted")
    f, g, h = (s.feed(n, s.editor(n, "o1")) for n in ("s1", "s2", "s3"))
    a = s.add(f.data(set_op(ITEM, A, "text", 5), text(B, "x")))
    s.add(f.data(text(A, "on it", [a])))
    b = s.add(g.data(set_op(ITEM, A, "text", 6)), "not-whole")
    s.add(g.data(text(D, "y", [b])), "not-whole")
    c = s.add(h.data(Op(DELETE, ITEM, B, 0, "x", (half(a.id),))), form=[1])
    s.w.op([au.REDACT, 2, [x for pair in sorted([(a.id, 1), (c.id, 1)]) for x in pair]])
    yield s


def parts():
    s = Scenario("P9.11 parts and what closes them")
    o = s.editor("s1")
    f, g = s.feed("s1", o), s.feed("s2", s.editor("s2", "o1"))
    p1 = s.add(f.data(text(A, "1"), part=1))
    p2 = s.add(f.data(text(B, "2"), part=1))
    s.add(f.data(text(D, "3"), part=1))  # nobody closes it
    s.add(g.data(part=[p1.id]))  # another site
    plain_ = s.add(f.data(text(A, "4", [p1])))
    s.add(f.data(part=[p2.id, plain_.id]))  # lists what is no part
    s.add(f.data(set_op(ITEM, D, "round", drawn("r")), part=[p1.id, p2.id]))
    p3 = s.add(f.data(text(drawn("E"), "5"), part=1))
    s.add(f.data(part=[p3.id, drawn("missing", 32)]))
    yield s


def enrolments():
    s = Scenario("P8.9 enrolment: rights by invite, once, not ended, signed")
    w = s.w
    roles = EDITOR | APPROVER | SUBMITTER
    for n in range(5):
        w.invite(
            "i%d" % n, s.org["o1"], roles if n < 4 else REVIEWER | PLANNER | ANCHORER | schema.ADMIN, "本館 %d" % n, 1
        )
    w.op([au.INVITE_END, w.key("i1").id])
    good = w.enrol("i0", "s1", "k1")
    at = w.last
    s.without |= {
        w.enrol("i0", "s2", "k2"),
        w.enrol("i1", "s3", "k3"),
        w.enrol("i2", "s1", "k4"),
        w.enrol("i2", "s5", "k1"),
        w.enrol("i2", "s6", "k6", tls=w.tls("k1")),
        w.enrol("i2", "s7", "k7", signer="i3"),
        w.enrol("none", "s8", "k8"),
    }
    s.site_org = {n: "o1" for n in ("s1", "s2", "s9")}
    rev = w.enrol("i4", "s9", "k9")
    f = s.feed("s1", good, key="k1")
    s.add(f.data(text(A, "1"), set_op(APPROVAL, D, "remark", "x")))
    s.add(s.feed("s1", good, key="k1", scope=s.scope("o2")).data(text(A, "2")), "no-right")
    pr = scope_id(PROJECT, drawn("project"))
    s.add(s.feed("s1", good, key="k1", scope=pr).data(set_op(SUBMISSION, D, "note", "x")))
    s.add(
        s.feed("s1", good, key="k1", scope=pr, for_=s.org["o2"]).data(set_op(SUBMISSION, D, "note", "x"), hlc=9),
        "no-right",
    )
    s.got[s.entries[-2].id] = (*s.got[s.entries[-2].id][:2], "fork")
    s.got[s.entries[-1].id] = (*s.got[s.entries[-1].id][:2], "fork")
    s.add(s.feed("s2", list(w.ops)[-8], key="k2").data(text(A, "3")), "not-whole")
    r = s.feed("s9", rev, key="k9")
    s.add(r.data(set_op(21, D, "text", "x")))
    s.add(s.feed("s9", rev, key="k9", scope=SCOPE_PLAN).data(set_op(1, D, "handle", "x")))
    s.add(r.control(ANCHOR, [s.entries[0].id]))
    # a narrowing names the enrol's op
    w.op([au.NARROW, good, w.site_id("s1"), APPROVER, None, 1, au.pack_pairs({s.scope("o1"): []})])
    s.got[s.entries[0].id] = (*s.got[s.entries[0].id][:2], "no-right")
    yield s
    s = Scenario("P8.10 two enrols alone, and one that an operational op stands on")
    w = s.w
    w.invite("i0", s.org["o1"], EDITOR), w.invite("i1", s.org["o1"], EDITOR)
    at = w.last
    a = w.enrol("i0", "s1", "k1", prev=at)
    b = w.enrol("i1", "s2", "k2", prev=at)
    s.site_org = {"s1": "o1", "s2": "o1"}
    s.add(s.feed("s1", a, key="k1").data(text(A, "1")), "not-whole")
    s.add(s.feed("s2", b, key="k2").data(text(A, "2")), "not-whole")
    yield s
    s = Scenario("P8.10 an enrol beside an operational op makes no branch")
    w = s.w
    w.invite("i0", s.org["o1"], EDITOR), w.invite("i1", s.org["o1"], EDITOR)
    at = w.last
    s.site_org = {"s1": "o1", "s2": "o1"}
    a = w.enrol("i0", "s1", "k1", prev=at)
    b = w.enrol("i1", "s2", "k2", prev=at)
    w.op([au.ORG_NAME, s.org["o1"], "新名", "新", "2023-04-01"], prev=b)
    s.add(s.feed("s1", a, key="k1").data(text(A, "1")), "not-whole")
    s.add(s.feed("s2", b, key="k2").data(text(A, "2")))
    yield s


def tiers():
    s = Scenario("P8.5 what has no effect, and the chain goes on")
    w, o1 = s.w, s.org["o1"]
    s.editor("s1")
    pub = lambda n: w.key(n).public
    site = w.site_id("s1")
    small = bytes.fromhex("0100000000000000000000000000000000000000000000000000000000000000")
    bad = [
        [[au.KEYS, 1, [pub("root")], pub("op2")]],
        [[au.RECOVER]],
        [w.open_effect("n1", "n1", o1), w.open_effect("n2", "n2", o1)],
        [w.open_effect("s1", "n3", o1)],
        [w.open_effect("n4", "n4", None)],
        [w.open_effect("n5", "n5", drawn("no org"))],
        [w.open_effect("n6", "s1", o1)],
        [w.open_effect("s1", "s1", None)],
        [w.open_effect("n7", "op", o1)],
        [[au.OPEN, w.site_id("n8"), small, w.tls("n8"), o1, ""]],
        [[au.OPEN, w.site_id("n9"), pub("n9"), w.tls("s1"), o1, ""]],
        [w.grant_effect("nobody", EDITOR, 0, s.scope("o1"))],
        [w.grant_effect("s1", REVIEWER, 1, drawn("no org"))],
        [w.grant_effect("s1", EDITOR, 2, drawn("no org"))],
        [w.grant_effect("s1", EDITOR, 4, o1)],
        [w.grant_effect("s1", EDITOR, 1, o1)],
        [w.grant_effect("s1", SUBMITTER, 3, ZERO16)],
        [w.grant_effect("s1", READER | APPROVER, 1, s.org["hq"])],
        [[au.NARROW, w.last, site, EDITOR, None, 2, []]],
        [[au.INVITE, pub("s1"), o1, "", EDITOR, 0]],
        [[au.INVITE, pub("inv"), drawn("no org"), "", EDITOR, 0]],
        [[au.INVITE_END, drawn("no invite")]],
        [[au.ORG_NAME, drawn("no org"), "x", "x", ""]],
        [[au.ORG_CLOSE, drawn("no org")]],
        [[au.HUB_KEYS, pub("s1"), w.tls("hub")]],
        [[au.HUB_KEYS, small, w.tls("hub")]],
        [[au.REDACT, 1, [drawn("x", 32), 1]], [au.RECOVER]],
    ]
    for effects in bad:
        s.without.add(w.op(*effects))
    w.op()  # an op without effects is fine
    w.op([au.INVITE, pub("inv"), o1, "", EDITOR, 0])
    s.without.add(w.op([au.INVITE, pub("inv"), o1, "", EDITOR, 0]))
    w.op([au.HUB_KEYS, pub("hub2/checkpoint"), w.tls("hub2")])
    w.hub = "hub2"
    w.enrol("inv", "s7", "k7")
    s.without.add(w._put(w.last, au.HUB, 0, [[au.REDACT, 1, []]], ["hub2/checkpoint"], "op"))
    s.site_org["s7"] = "o1"
    s.add(s.feed("s7", list(w.ops)[-2], key="k7").data(text(A, "1")))
    yield s
    s = Scenario("P8.3 signatures", roots=("r1", "r2", "r3"), threshold=2)
    w = s.w
    keys = lambda n, rs, op: [au.KEYS, n, sorted(w.key(r).public for r in rs), w.key(op).public]
    at = w.last
    put = lambda tier, counter, effects, signers, op="op": w._put(at, tier, counter, effects, signers, op)
    s.unknown |= {
        put(1, 0, [], []),
        put(1, 0, [[au.ORG_CLOSE, s.org["o1"]]], ["r1"]),
        put(1, 0, [[au.ORG_CLOSE, s.org["o2"]]], ["op", "r1"]),
        put(2, 1, [[au.RECOVER]], ["r1"]),
        put(2, 2, [[au.RECOVER]], ["r1", "op"]),
        put(2, 3, [keys(2, ["n1", "n2"], "op")], ["r1", "r2"]),
        put(2, 4, [keys(2, ["n1", "n2"], "op")], ["n1", "n2"]),
        put(2, 5, [keys(2, ["n1", "n2"], "op")], ["r1", "r2", "n1"]),
        put(2, 6, [keys(3, ["n1", "n2"], "op")], ["r1", "r2", "n1", "n2", "r3"]),  # three of two never sign
        put(3, 0, [], ["op"]),
    }
    w.last = put(2, 7, [keys(2, ["n1", "r1"], "op2")], ["r1", "r2", "n1"], "op2")
    w.operational[w.last] = "op2"
    w.op([au.ORG_NAME, s.org["o1"], "新", "新", ""])
    s.unknown.add(w._put(w.last, 1, 0, [[au.ORG_CLOSE, s.org["o1"]]], ["op"], "op2"))
    yield s


def branches():
    s = Scenario("P8.11 forked: restrictions of both, grants of none")
    w = s.w
    o = s.editor("s1")
    f, site, key = s.feed("s1", o), w.site_id("s1"), w.key("s1").id
    a = s.add(f.data(text(A, "1")))
    s.add(f.data(text(A, "2", [a])), "cut-branch")
    at = w.last
    w.op([au.CUT, site, key, au.pack_pairs({s.scope("o1"): [a.id]})], prev=at)
    w.op([au.GRANT, site, APPROVER, 0, s.scope("o1"), []], prev=at)
    w.op([au.REDACT, 1, [a.id, 1]])
    g = s.feed("s2", s.open("s2", "o1"))
    s.add(g.data(text(B, "3")), "not-whole")
    yield s
    s = Scenario("P8.10 a root op settles")
    w = s.w
    o = s.editor("s1")
    f, site, key = s.feed("s1", o), w.site_id("s1"), w.key("s1").id
    a = s.add(f.data(text(A, "1")))
    at = w.last
    w.op([au.CUT, site, key, []], prev=at)
    w.op([au.REDACT, 1, [a.id, 1]])
    low = w.op([au.ORG_CLOSE, s.org["o2"]], prev=at)
    w.root_op([au.RECOVER], prev=low, counter=5)
    w.new_operational("op2")
    w.op(w.grant_effect("s1", APPROVER, 0, s.scope("o1")))
    s.without.add(w.root_op([au.RECOVER], counter=5))
    w.op([au.ORG_NAME, s.org["o1"], "x", "x", ""])
    s.add(f.data(set_op(APPROVAL, A, "remark", "x")))
    yield s
    s = Scenario("P8.10 two root ops with one counter")
    w = s.w
    o = s.editor("s1")
    f, site, key = s.feed("s1", o), w.site_id("s1"), w.key("s1").id
    a = s.add(f.data(text(A, "1")))
    s.add(f.data(text(A, "2", [a])), "cut-branch")
    at = w.last
    w.op([au.RECUT, site, key, s.scope("o1"), [a.id]], prev=at)
    w.root_op([au.RECOVER], counter=3)
    w.root_op([au.RECOVER], prev=at, counter=3)
    yield s
    s = Scenario("P8.6 too new: nothing from it on, but redactions; the trunk is the same")
    w = s.w
    o = s.editor("s1")
    f = s.feed("s1", o)
    a = s.add(f.data(text(A, "1")), form=[1])
    w.op([99, "what", ["later", 1]], w.grant_effect("s1", APPROVER, 0, s.scope("o1")))
    w.op(w.grant_effect("s1", APPROVER, 0, s.scope("o1")), [au.REDACT, 3, [a.id, 1]])
    s.add(f.data(set_op(APPROVAL, A, "remark", "x")), "no-right")
    at = w.last
    w.op([au.ORG_CLOSE, s.org["o1"]], prev=at)
    yield s
    s = Scenario("P8.11 anchor on a branch: ever held")
    w = s.w
    o = s.editor("s1")
    f = s.feed("s1", o)
    a = s.add(f.data(text(A, "1")), "fork")
    s.add(s.feed("s1", o).data(text(A, "2")), "fork")
    hub = Feed(w, "hub", "hub/site", s.scope("o1"), w.genesis, s.org["o1"])
    s.add(hub.control(ANCHOR, [a.id]))
    at = w.last
    w.op([au.ORG_CLOSE, s.org["o2"]], prev=at)
    low = w.last
    w.op(w.grant_effect("s1", ANCHORER, 3, ZERO16), prev=at)
    w.root_op([au.RECOVER], prev=low)
    yield s


def readers():
    s = Scenario("P8.14 reading ends by narrowing or cut")
    w = s.w
    scope = s.scope("o1")
    for n in range(6):
        o = s.open("s%d" % n, "o1", None, (EDITOR | READER, 0, scope) if n else (EDITOR | APPROVER, 0, scope))
        site = w.site_id("s%d" % n)
        if n == 0:  # one of two roles
            w.op([au.NARROW, o, site, EDITOR, None, 0, []])
        if n == 1:  # both, at their start
            w.op([au.NARROW, o, site, EDITOR | READER, None, 0, []])
        if n == 2:  # both, with a pair for the scope
            w.op([au.NARROW, o, site, EDITOR | READER, None, 0, au.pack_pairs({scope: []})])
        if n == 3:  # an organisation left
            w.op([au.NARROW, o, site, EDITOR | READER, s.org["o2"], 0, []])
            w.op([au.NARROW, o, site, EDITOR | READER, None, 1, []])
        if n == 4:
            w.op([au.CUT, site, w.key("s4").id, au.pack_pairs({scope: []})])
        if n == 5:  # cut, and a new key
            w.op([au.CUT, site, w.key("s5").id, []], w.open_effect("s5", "s5b", None))
    s.open("s6", "o1", None, (SUBMITTER, 2, s.org["o1"]))
    s.open("s7", "o1", None, (READER, 1, s.org["o1"]), (READER, 0, s.scope("o2")))
    s.open("s8", "o1", None, (REVIEWER, 1, s.org["hq"]))
    s.open("s9", "o1", None, (ANCHORER, 3, ZERO16))
    yield s
    s = Scenario("P8.14 a branch's narrowing ends reading too")
    w = s.w
    scope = s.scope("o1")
    o = s.open("s1", "o1", None, (EDITOR, 0, scope))
    s.open("s2", "o1", None, (EDITOR, 0, scope))
    at = w.last
    w.op([au.NARROW, o, w.site_id("s1"), EDITOR, None, 0, []], prev=at)
    w.op([au.CUT, w.site_id("s2"), w.key("s2").id, []], prev=at)
    yield s
    s = Scenario("P8.14 what narrowings leave to read")
    w, o1 = s.w, s.org["o1"]
    scope, project = s.scope("o1"), drawn("project")
    p = s.open("hqs", "hq", None, (PLANNER, 0, SCOPE_PLAN), (READER, 1, s.org["hq"]))
    s.add(s.feed("hqs", p, scope=SCOPE_PLAN).data(set_op(3, project, "organisations", [o1, 1])))
    grants = (EDITOR, 0, scope), (SUBMITTER, 2, o1), (REVIEWER, 1, o1), (REVIEWER, 0, SCOPE_PLAN)
    pr = scope_id(PROJECT, project)
    for n, (mine, roles, for_, rest, pairs) in enumerate(
        (
            (grants[:1], EDITOR, None, 1, {scope: []}),
            (grants[:1], EDITOR, o1, 0, {}),
            (grants[:1], EDITOR, s.org["o2"], 0, {}),
            (grants[1:2], SUBMITTER, None, 1, {pr: []}),
            (grants[1:2], SUBMITTER, o1, 1, {pr: [drawn("x", 32)]}),
            (grants[1:2], SUBMITTER, s.org["o2"], 1, {pr: []}),
            (grants[2:], REVIEWER, None, 0, {}),
            (grants[2:], REVIEWER, None, 1, {SCOPE_PLAN: []}),
            (grants[2:], REVIEWER, None, 1, {scope: []}),
            (grants[2:], REVIEWER, o1, 1, {pr: []}),
        )
    ):
        o = s.open("t%d" % n, "o1", None, *mine)
        w.op([au.NARROW, o, w.site_id("t%d" % n), roles, for_, rest, au.pack_pairs(pairs)])
    yield s


def worlds_json():
    rows = []
    for make in (
        plain,
        hidden,
        rights,
        plan,
        subtree,
        consents,
        adoption,
        narrowing,
        cuts,
        chains,
        redaction,
        parts,
        enrolments,
        tiers,
        branches,
        readers,
    ):
        rows += [s.row() for s in make()]
    rows.append(examples.Story().world())
    return dict(rows=rows)

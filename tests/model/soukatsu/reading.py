"""Who may read which scope (P8.14). Never part of a verdict."""
from . import schema
from .authority import NARROW, REACH_ALL, REACH_PROJECTS, REACH_SCOPE, REACH_SUBTREE
from .names import PROJECT, SCOPE_AUTHORITY, SCOPE_PLAN, scope_id
from .verdict import bits

READING_ROLES = 255 & ~schema.ADMIN
OWN = schema.EDITOR | schema.SUBMITTER | schema.APPROVER | schema.READER | schema.REVIEWER


def responsible(plan):
    """{project scope: organisations} by the State of scope plan: those in every live value of the field."""
    out = {}
    field = schema.FIELD_BY_NAME[schema.KIND_PROJECT, "organisations"]
    for (kind, entity, f), register in plan.registers.items():
        if (kind, f) != (schema.KIND_PROJECT, field):
            continue
        lists = [
            {x for x in v.op.value if isinstance(x, bytes)} for v in register.live if isinstance(v.op.value, list)
        ]
        if len(lists) == len(register.live):
            out[scope_id(PROJECT, entity)] = frozenset.intersection(*map(frozenset, lists))
    return out


def _roles_left(a, site, op_id, roles, scope, for_=None):
    """The roles of a grant that no narrowing has ended in the scope, for records of `for_` (None: of any)."""
    left = 0
    for role in bits(roles):
        latest = {n[1]: n[1:] for n in a.narrows.get((op_id, site), []) if n[0] & role}  # the last for each `for`
        every = list(latest.values())
        every += [e[4:] for e in a.extra if e[0] == NARROW and e[1:3] == (op_id, site) and e[3] & role]
        if not any((rest == 0 or scope in pairs) for f, rest, pairs in every if f is None or f == for_):
            left |= role
    return left


def may_read(a, site, scope, projects=None):
    """With the site's newest key. projects: what `responsible` gives."""
    if scope == SCOPE_AUTHORITY:
        return site in a.sites
    if a.withdrawn(site, a.key_of_site(site)):
        return False
    hq = next((o for o, x in a.orgs.items() if x["parent"] is None), None)
    for _, op_id, roles, reach, id_, _ in a.grants.get(site, ()):
        asked = id_ if reach == REACH_SCOPE else scope  # such a grant is in one scope
        given, org = roles & READING_ROLES, a.org_scopes.get(scope)
        roles = _roles_left(a, site, op_id, given, asked, None if scope == SCOPE_PLAN else org)
        if roles and (scope == SCOPE_PLAN or reach == REACH_ALL or (reach == REACH_SCOPE and id_ == scope)):
            return True
        every = _roles_left(a, site, op_id, given, asked)
        if reach == REACH_SUBTREE and id_ == hq and every & (schema.READER | schema.REVIEWER):
            return True
        if scope in a.org_scopes:
            if roles and a.reaches(reach, id_, scope, None):
                return True
            continue
        mine = (
            {a.org_scopes.get(id_)}
            if reach == REACH_SCOPE
            else {id_}
            if reach == REACH_PROJECTS
            else {o for o, up in a.above.items() if id_ in up}
        )
        for o in mine & set((projects or {}).get(scope, ())):
            if _roles_left(a, site, op_id, given, asked, o) & OWN:
                return True
    return False

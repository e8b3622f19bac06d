"""The table of types, kinds, fields and roles (P7), rule version 1."""
from .names import ORG, PLAN, PROJECT

SET, DELETE, CONSENT, PROXY = 1, 2, 4, 5
ADOPT, ANCHOR, EPOCH_OPEN, CLOSE, HEARTBEAT = 16, 17, 18, 19, 20
CONTROL = range(16, 32)
TYPES = {SET, DELETE, CONSENT, PROXY, ADOPT, ANCHOR, EPOCH_OPEN, CLOSE, HEARTBEAT}

EDITOR, SUBMITTER, APPROVER, READER, REVIEWER, PLANNER, ANCHORER, ADMIN = (1 << n for n in range(8))
ROLE_NAMES = dict(
    editor=EDITOR,
    submitter=SUBMITTER,
    approver=APPROVER,
    reader=READER,
    reviewer=REVIEWER,
    planner=PLANNER,
    anchor=ANCHORER,
    admin=ADMIN,
)

KIND_PLAN, KIND_PILLAR, KIND_PROJECT, KIND_ROUND, KIND_COLUMN, KIND_INDICATOR, KIND_EDITION = range(1, 8)
(
    KIND_ITEM,
    KIND_MEASUREMENT,
    KIND_MARK,
    KIND_APPROVAL,
    KIND_CONSENT,
    KIND_REMARK,
    KIND_EXCEPTION,
    KIND_SETTING,
) = range(16, 24)
KIND_SUBMISSION, KIND_REVIEW, KIND_COPY = 32, 33, 34

# P7.4: number of the kind -> fields: "number name class type", `?` where nil is allowed.
_KINDS = {
    KIND_PLAN: "1 official_name t s·2 short_name t s·3 period_label t s·4 first_year v u·5 last_year v u·"
    "6 table_title t s·7 level_label_1 t s·8 level_label_2 t s·20 handle v s",
    KIND_PILLAR: "1 title t s·2 numeral v s·3 place p z·4 plan v b·20 handle v s",
    KIND_PROJECT: "1 title t s·2 plan_page v u?·3 place p z·4 pillar v b·5 organisations v L·6 plan v b·"
    "20 handle v s",
    KIND_ROUND: "1 as_of v s·2 as_of_style v s·3 as_of_label t s·4 plan v b·5 opens v s?·6 due v s?·"
    "7 closes v s?·8 state v u·9 grace_days v u·10 instructions t s·20 handle v s",
    KIND_COLUMN: "1 label t s·2 width v u·3 place p z·4 plan v b·20 handle v s",
    KIND_INDICATOR: "1 name t s·2 unit v s·3 sum_rule v s·4 project v b·5 kind v s·6 target v L?·20 handle v s",
    KIND_EDITION: "1 content v L?·2 note t s",
    KIND_ITEM: "1 text t s·2 place p z·3 project v b·4 column v b·5 round v b·6 carried_from v b?",
    KIND_MEASUREMENT: "1 value v L?·2 note t s·3 indicator v b·4 round v b",
    KIND_MARK: "1 state v u",
    KIND_APPROVAL: "1 content v L?·2 remark t s",
    KIND_CONSENT: "1 until v s?·2 about v u·3 version v b?",
    KIND_REMARK: "1 text t s·2 item v b",
    KIND_EXCEPTION: "1 due v s?·2 reason t s",
    KIND_SETTING: "1 value v s?",
    KIND_SUBMISSION: "1 content v L?·2 note t s",
    KIND_REVIEW: "1 decision v L?·2 reason t s",
    KIND_COPY: "1 text c s",
}
FIELDS = {}  # (kind, field) -> (name, class, type)
FIELD_BY_NAME = {}  # (kind, name) -> field
for _kind, _line in _KINDS.items():
    for _part in _line.split("·"):
        _n, _name, _class, _type = _part.split()
        FIELDS[_kind, int(_n)] = (_name, _class, _type)
        FIELD_BY_NAME[_kind, _name] = int(_n)
KINDS = set(_KINDS)

# P7.5: (kind of scope, op type) -> kinds -> roles of which one is needed.
_W = (SET, DELETE)
_RIGHTS = [
    (PLAN, _W, range(1, 8), PLANNER),
    (ORG, _W, (16, 17, 18, 23), EDITOR),
    (ORG, (CONSENT,), (20,), EDITOR),
    (ORG, _W, (19,), APPROVER),
    (ORG, _W, (21, 22), REVIEWER),
    (ORG, (PROXY,), (16,), REVIEWER),
    (PROJECT, _W, (32,), SUBMITTER),
    (PROJECT, (CONSENT,), (20,), SUBMITTER),
    (PROJECT, (SET,), (34,), SUBMITTER | REVIEWER),
    (PROJECT, _W, (33,), REVIEWER),
    (PROJECT, (PROXY,), (32,), REVIEWER),
]
RIGHTS = {(s, t, k): r for s, ts, ks, r in _RIGHTS for t in ts for k in ks}
ANY_WRITER = EDITOR | SUBMITTER | APPROVER | REVIEWER | PLANNER


def roles_for(scope_kind, op_type, kind):
    """(roles of which one is needed, whether 'ever granted' is enough). 0: nobody has this right."""
    if op_type in (EPOCH_OPEN, CLOSE):
        return ANY_WRITER | ANCHORER, True
    if op_type == ADOPT:
        return REVIEWER, False
    if op_type in (ANCHOR, HEARTBEAT):
        return ANCHORER, False
    return RIGHTS.get((scope_kind, op_type, kind), 0), False


def committed(op_type):
    """P6.3"""
    return op_type not in CONTROL and op_type != CONSENT


def value_fits(type_, value):
    """P7.4: has `value` the type of its field?"""
    if type_.endswith("?"):
        if value is None:
            return True
        type_ = type_[:-1]
    if type_ == "s":
        return isinstance(value, str)
    if type_ == "u":
        return isinstance(value, int) and value >= 0
    if type_ == "i":
        return isinstance(value, int)
    if type_ == "b":
        return isinstance(value, bytes) and len(value) == 16
    if type_ == "L":
        return isinstance(value, list)
    assert type_ == "z"
    return isinstance(value, bytes) and 5 <= len(value) <= 64


def control_value_fits(op_type, value):
    """P7.2"""
    if op_type in (ADOPT, ANCHOR):
        return (
            isinstance(value, list)
            and 1 <= len(value) <= 1024
            and all(isinstance(x, bytes) and len(x) == 32 for x in value)
            and all(a < b for a, b in zip(value, value[1:]))
        )
    if op_type == EPOCH_OPEN:
        return isinstance(value, str)
    return value is None

"""A site in Python: join, sync, read, write.

  python3 -m soukatsu.client --data DIR join INVITE
  python3 -m soukatsu.client --data DIR sync [--seconds N]
  python3 -m soukatsu.client --data DIR status | scopes | digest | items [--org HANDLE] | orgs | projects
  python3 -m soukatsu.client --data DIR write-item --project HANDLE --column HANDLE --round HANDLE --text TEXT
        [--org HANDLE] [--by NAME] [--force]
  python3 -m soukatsu.client --data DIR edit-item ENTITY --text TEXT [--by NAME] [--force]
        (names all live versions: it also settles a conflict)
  python3 -m soukatsu.client --data DIR submit --project HANDLE --round HANDLE [--nil COLUMN]… [--by NAME]
  python3 -m soukatsu.client --data DIR write SCOPE FOR TYPE KIND ENTITY FIELD VALUE [--force]

`write` takes names of tests: SCOPE and FOR by handle or hex, VALUE as JSON with hex for bin ("0x…"). With
--force an entry is signed and sent that this site's own verdict holds. Output is one JSON object; exit status 0,
1 = refused here or there (the object says by which clause), 2 = usage, 3 = no connection.
"""
import argparse
import json
import os
import secrets
import sys
import time

from . import authority, frames, invite, names, place, schema, tls
from .crypto import Key
from .names import PROJECT, SCOPE_PLAN, scope_id
from .payload import Op
from .replica import Denied, Replica, write_durably
from .session import Closed, Session


class Site:
    """The folder of one site: keys.json, hub.json, replica.json."""

    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "site.json"), encoding="utf-8") as f:
            x = json.load(f)
        self.address, self.pin = x["address"], bytes.fromhex(x["pin"])
        self.tls_seed = bytes.fromhex(x["tls_seed"])
        self.key = Key(bytes.fromhex(x["seed"]))
        self.replica = Replica.load(folder, self.key)

    @classmethod
    def join(cls, folder, text, timeout=20, dial=tls.dial):
        """P12.6: enrol with an invite; the folder is made before anything is sent, so that it can be tried again."""
        i = invite.parse(text.strip())
        path = os.path.join(folder, "site.json")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if not os.path.exists(path):
            x = dict(
                address=i.address, pin=i.tls_hash.hex(), seed=secrets.token_hex(32), tls_seed=secrets.token_hex(32)
            )
            write_durably(path, json.dumps(x))
            key = Key(bytes.fromhex(x["seed"]))
            Replica(i.net, i.genesis, secrets.token_bytes(16), key).save(folder)
        site = cls(folder)
        r = site.replica
        link = dial(site.address, site.tls_seed, site.pin, timeout)
        statement = authority.enrol_statement(i.key.id, r.site, site.key.public, link.own_hash)
        join = [
            0,
            i.key.id,
            i.net,
            r.site,
            site.key.public,
            link.own_hash,
            i.key.sign("enrol", i.net, statement),
            i.key.sign("join", i.net, statement + link.exporter),
        ]
        link.send(frames.JOIN, frames.pack_body(frames.JOIN, join))
        got = link.receive(timeout)
        if got is None or got[0] not in (frames.JOINED, frames.BYE):
            link.close()
            raise tls.Lost("no answer to join")
        members = frames.unpack_body(*got)
        if got[0] == frames.BYE:
            link.close()
            raise Denied("bye: " + frames.BYE_CODES[members[0]])
        site.opening = members[0]
        session = site.run(link, 20)
        link.close()
        return site, session

    def sync(self, seconds=20, flags=0, dial=tls.dial):
        link = dial(self.address, self.tls_seed, self.pin)
        try:
            return self.run(link, seconds, flags)
        finally:
            link.close()

    def run(self, link, seconds, flags=0):
        """A session until both sides have the same, nothing came for 2 s, or `seconds` passed."""
        session = Session(self.replica, flags=flags)
        session.hello()
        until, quiet = time.monotonic() + seconds, time.monotonic() + 2
        try:
            while time.monotonic() < min(until, quiet):
                out = session.take()
                if out:
                    self.replica.save(self.folder)
                for kind, body in out:
                    link.send(kind, body)
                got = link.receive(0.2)
                if got:
                    session.receive(*got)
                    quiet = time.monotonic() + 2
                elif session.settled():
                    break
        except Closed:
            for kind, body in session.out:
                link.send(kind, body)
        except tls.Lost as why:
            session.closed = str(why)
        self.replica.save(self.folder)
        return session


def outcome(site, session):
    r = site.replica
    return dict(
        settled=session.settled(),
        closed=session.closed,
        faults=[s.hex() for s in session.faults],
        refused=[
            dict(scope=r.scope_name(s), code=c, clause=k, entry=e and e.hex()) for s, c, k, e in session.refusals
        ],
        entries={r.scope_name(s): r.last(s) for s in r.scopes()},
        authority_ops=len(r.authority.known),
    )


def items(r, org):
    scope, out = r.org_scope(org), []
    for e in r.entities(scope, schema.KIND_ITEM):
        st = r.state(scope)
        reg = st.registers.get((schema.KIND_ITEM, e, 1))
        out.append(
            dict(
                entity=e.hex(),
                text=reg.shown.op.value if reg else None,
                conflict=bool(reg and reg.conflict),
                versions=[v.op.value for v in reg.live] if reg else [],
                project=_handle(r, schema.KIND_PROJECT, r.value(scope, schema.KIND_ITEM, e, "project")),
                column=_handle(r, schema.KIND_COLUMN, r.value(scope, schema.KIND_ITEM, e, "column")),
                round=_handle(r, schema.KIND_ROUND, r.value(scope, schema.KIND_ITEM, e, "round")),
                place=(r.value(scope, schema.KIND_ITEM, e, "place") or b"").hex(),
            )
        )
    return sorted(out, key=lambda x: x["place"])


def _handle(r, kind, entity):
    return entity and (r.value(SCOPE_PLAN, kind, entity, "handle") or entity.hex())


def verdicts(r):
    return {
        r.scope_name(s): {i.hex(): r.state(s).scope.verdict(i) or "accepted" for i, _ in r.order[s]}
        for s in r.scopes()
    }


def write_item(r, a):
    org = r.org_by_handle(a.org) if a.org else r.my_org()
    scope, e = r.org_scope(org), r.entity(schema.KIND_ITEM)
    refs = [
        ("project", r.by_handle(schema.KIND_PROJECT, a.project)),
        ("column", r.by_handle(schema.KIND_COLUMN, a.column)),
        ("round", r.by_handle(schema.KIND_ROUND, a.round)),
    ]
    places = sorted(
        p for x in r.entities(scope, schema.KIND_ITEM) if (p := r.value(scope, schema.KIND_ITEM, x, "place"))
    )
    values = [("text", a.text), ("place", place.between(places[-1] if places else None, None, e)), *refs]
    ops = [Op(schema.SET, schema.KIND_ITEM, e, schema.FIELD_BY_NAME[schema.KIND_ITEM, f], v) for f, v in values]
    return r.write(scope, org, ops, a.by, force=a.force), e


def edit_item(r, a):
    org = r.org_by_handle(a.org) if a.org else r.my_org()
    scope, e = r.org_scope(org), bytes.fromhex(a.entity)
    reg = r.state(scope).registers[schema.KIND_ITEM, e, 1]
    op = Op(schema.SET, schema.KIND_ITEM, e, 1, a.text, tuple(sorted(v.id for v in reg.live)))
    return r.write(scope, org, [op], a.by, force=a.force), e


def submit(r, a):
    """P7.6: the organisation's items of the project in print order, their texts as copies in the same act."""
    org = r.org_by_handle(a.org) if a.org else r.my_org()
    project, round_ = r.by_handle(schema.KIND_PROJECT, a.project), r.by_handle(schema.KIND_ROUND, a.round)
    home, scope = r.org_scope(org), scope_id(PROJECT, project)
    rows = []
    for e in r.entities(home, schema.KIND_ITEM):
        get = lambda field: r.value(home, schema.KIND_ITEM, e, field)
        if (get("project"), get("round")) != (project, round_):
            continue
        text = r.state(home).registers[schema.KIND_ITEM, e, 1]
        if text.conflict:
            raise Denied("item %s is in conflict" % e.hex())
        column = get("column")
        rows.append(
            (r.value(SCOPE_PLAN, schema.KIND_COLUMN, column, "place") or b"", get("place"), column, e, text.shown)
        )
    rows.sort(key=lambda x: x[:2])
    nil = [r.by_handle(schema.KIND_COLUMN, c) for c in a.nil]
    content = [len(rows), *(x for _, _, c, e, v in rows for x in (c, e, v.id)), len(nil), *nil, 0]
    e = names.entity_id(schema.KIND_SUBMISSION, org + project + round_)
    old = r.state(scope).registers.get((schema.KIND_SUBMISSION, e, 1))
    ops = [
        Op(schema.SET, schema.KIND_SUBMISSION, e, 1, content, tuple(sorted(v.id for v in old.live)) if old else ())
    ]
    ops += [Op(schema.SET, schema.KIND_COPY, item, 1, v.op.value) for _, _, _, item, v in rows]
    return r.write(scope, org, ops, a.by, force=a.force), e


def write_any(r, a):
    def value(x):
        if isinstance(x, str) and x.startswith("0x"):
            return bytes.fromhex(x[2:])
        return [value(m) for m in x] if isinstance(x, list) else x

    org = bytes.fromhex(a.for_) if len(a.for_) == 32 else r.org_by_handle(a.for_)
    if a.scope == "plan":
        scope = SCOPE_PLAN
    elif a.scope.startswith("org/"):
        scope = r.org_scope(r.org_by_handle(a.scope[4:]))
    elif a.scope.startswith("project/"):
        scope = scope_id(PROJECT, r.by_handle(schema.KIND_PROJECT, a.scope[8:]))
    else:
        scope = bytes.fromhex(a.scope)
    e = r.entity(a.kind) if a.entity == "new" else bytes.fromhex(a.entity)
    op = Op(a.type, a.kind, e, a.field, value(json.loads(a.value)))
    return r.write(scope, org, [op], a.by, force=a.force), e


def parser():
    p = argparse.ArgumentParser(prog="soukatsu.client")
    p.add_argument("--data", required=True)
    sub = p.add_subparsers(dest="command", required=True)
    j = sub.add_parser("join")
    j.add_argument("invite")
    s = sub.add_parser("sync")
    s.add_argument("--seconds", type=float, default=20)
    for name in ("status", "scopes", "digest", "orgs", "projects", "verdicts"):
        sub.add_parser(name)
    i = sub.add_parser("items")
    i.add_argument("--org")
    w, e, x, t = (sub.add_parser(name) for name in ("write-item", "edit-item", "write", "submit"))
    for name in ("project", "column", "round"):
        w.add_argument("--" + name, required=True)
    for name in ("project", "round"):
        t.add_argument("--" + name, required=True)
    t.add_argument("--nil", action="append", default=[])
    t.add_argument("--org")
    e.add_argument("entity")
    for c in (w, e):
        c.add_argument("--text", required=True)
        c.add_argument("--org")
    for name in ("scope", "for_", "type", "kind", "entity", "field", "value"):
        x.add_argument(name, type=int if name in ("type", "kind", "field") else str)
    for c in (w, e, x, t):
        c.add_argument("--by", default="")
        c.add_argument("--force", action="store_true")
    return p


def answer(a):
    if a.command == "join":
        site, session = Site.join(a.data, a.invite)
        r = site.replica
        out = outcome(site, session)
        out.update(site=r.site.hex(), organisation=r.authority.orgs[r.my_org()]["handle"])
        return out
    site = Site(a.data)
    r = site.replica
    if a.command == "sync":
        return outcome(site, site.sync(a.seconds))
    if a.command == "status":
        held = {n: {i: w for i, w in v.items() if w != "accepted"} for n, v in verdicts(r).items()}
        return dict(
            site=r.site.hex(),
            entries={r.scope_name(s): r.last(s) for s in r.scopes()},
            held=held,
            acked=len(r.acked),
            authority_ops=len(r.authority.known),
            forked=r.authority.forked,
        )
    if a.command == "scopes":
        every = [SCOPE_PLAN, *r.authority.org_scopes]
        return dict(readable=sorted(r.scope_name(s) for s in every if r.may_read(r.site, s)))
    if a.command == "digest":
        return {
            r.scope_name(s): dict(
                digest=r.state(s).digest().hex(),
                state=r.state(s).state_digest().hex(),
                entries=r.state(s).entries_digest().hex(),
            )
            for s in r.scopes()
        }
    if a.command == "verdicts":
        return verdicts(r)
    if a.command == "orgs":
        return {x["handle"]: dict(id=o.hex(), name=x["name"]) for o, x in r.authority.orgs.items()}
    if a.command == "projects":
        return {
            (r.value(SCOPE_PLAN, schema.KIND_PROJECT, p, "handle") or p.hex()): r.value(
                SCOPE_PLAN, schema.KIND_PROJECT, p, "title"
            )
            for p in r.entities(SCOPE_PLAN, schema.KIND_PROJECT)
        }
    if a.command == "items":
        return dict(items=items(r, r.org_by_handle(a.org) if a.org else r.my_org()))
    acts = {"write-item": write_item, "edit-item": edit_item, "write": write_any, "submit": submit}
    record, e = acts[a.command](r, a)
    r.save(site.folder)
    return dict(
        entry=record.id.hex(),
        entity=e.hex(),
        verdict=r.state(record.header.scope).scope.verdict(record.id) or "accepted",
    )


def main():
    a = parser().parse_args()
    try:
        out, status = answer(a), 0
        if out.get("refused") or out.get("closed"):
            status = 1
    except Denied as why:
        out, status = dict(denied=str(why)), 1
    except tls.Lost as why:
        out, status = dict(lost=str(why)), 3
    print(json.dumps(out, ensure_ascii=False, indent=1))
    sys.exit(status)


if __name__ == "__main__":
    main()

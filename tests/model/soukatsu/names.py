"""Names (P1, P3): every id of the protocol and how it comes about."""
import hashlib

ZERO16, ZERO32 = bytes(16), bytes(32)
AUTHORITY, PLAN, ORG, PROJECT = 1, 2, 3, 4
ORGANISATION_KIND = 64


def C(name):
    """P1.1 domain prefix."""
    return b"soukatsu/v1/" + name.encode("ascii") + b"\0"


def H(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def half(x):
    return x[:16]


def u8(n):
    return n.to_bytes(1, "big")


def u16be(n):
    return n.to_bytes(2, "big")


def u32be(n):
    return n.to_bytes(4, "big")


def u64be(n):
    return n.to_bytes(8, "big")


def key_id(public_key):
    return half(H(C("key-id"), public_key))


def scope_id(kind, entity=ZERO16):
    """P3.2; authority and plan take the zero entity."""
    return half(H(C("scope-id"), u8(kind), entity))


def entity_id(kind, key):
    """P3.3 from the key's bytes."""
    return half(H(C("entity-id"), u8(kind), key))


def entity_made(kind, site, opening, counter):
    """P3.3 last row: what a site makes under a key with this opening, by its own counter from 1."""
    return entity_id(kind, site + opening + u64be(counter))


def organisation_id(op_id, effect_index):
    return entity_id(ORGANISATION_KIND, op_id + u32be(effect_index))


def entry_id(header):
    return H(C("entry-id"), header)


def authority_id(op):
    return H(C("authority-id"), op)


SCOPE_AUTHORITY = scope_id(AUTHORITY)
SCOPE_PLAN = scope_id(PLAN)

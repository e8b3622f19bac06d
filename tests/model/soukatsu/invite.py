"""Invites (P12.4, P12.5)."""
import base64
from dataclasses import astuple, dataclass

from . import Refused, mp
from .crypto import Key
from .names import C, H

PREFIX = "soukatsu1-"
ADDRESS_BYTES_MAX = 255


@dataclass(frozen=True)
class Invite:
    address: str  # HOST:PORT
    tls_hash: bytes  # of the hub
    genesis: bytes
    net: bytes
    secret: bytes

    @property
    def key(self):
        return Key(H(C("invite"), self.secret))

    def text(self):
        x = mp.encode([0, *astuple(self)])
        return PREFIX + base64.urlsafe_b64encode(x + H(C("invite-check"), x)[:4]).rstrip(b"=").decode()


def parse(text):
    """The invite that a person pasted; blanks around it are none of it."""
    if not text.startswith(PREFIX):
        raise Refused("P12.5 prefix")
    body = text[len(PREFIX) :]
    try:
        raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except ValueError:
        raise Refused("P12.5 base64url") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != body or len(raw) < 5:
        raise Refused("P12.5 base64url")
    x, check = raw[:-4], raw[-4:]
    if H(C("invite-check"), x)[:4] != check:
        raise Refused("P12.5 check")
    got = mp.array(mp.decode(x), "P12.5 members", n=6)
    mp.uint(got[0], "P12.5 version", top=0)
    mp.text(got[1], "P12.5 address", top=ADDRESS_BYTES_MAX)
    for n, size in ((2, 32), (3, 32), (4, 16), (5, 16)):
        mp.raw(got[n], size, "P12.5 members")
    return Invite(*got[1:])

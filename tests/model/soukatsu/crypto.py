"""Signatures, keys, commitments' salts (P4, P6.4). Ed25519 itself comes from python3-cryptography; which
public keys are unfit is worked out here, from the curve's equation."""
import hmac
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .names import C, key_id

CONTEXTS = ("entry", "authority", "enrol", "join", "checkpoint", "receipt", "cosign", "snapshot")

P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P
ORDER = 2**252 + 27742317777372353535851937790883648493


def _x_of(y):
    """A square root of x² = (y² − 1) / (d y² + 1), or None (RFC 8032, 5.1.3)."""
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == u:
        return x
    if v * x * x % P == -u % P:
        return x * pow(2, (P - 1) // 4, P) % P
    return None


def _add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + t, P - 2, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, P - 2, P) % P)


def _times(n, point):
    out = (0, 1)
    while n:
        if n & 1:
            out = _add(out, point)
        point, n = _add(point, point), n >> 1
    return out


def _small_order_y():
    """The y of all points whose order divides 8: multiples by the group order of some points."""
    for y in range(2, 100):
        x = _x_of(y)
        if x is not None:
            t = _times(ORDER, (x, y))
            found = {_times(n, t)[1] for n in range(8)}
            if len(found) == 5:
                return found
    raise AssertionError("no point of order 8 found")


SMALL_ORDER_Y = _small_order_y()


def fit(public_key):
    """P4.2: is this a public key that may be enrolled, as far as its bytes tell?"""
    y = int.from_bytes(public_key, "little") & (2**255 - 1)
    return len(public_key) == 32 and y < P and y not in SMALL_ORDER_Y


class Key:
    """A key pair from its 32-byte seed."""

    def __init__(self, seed):
        self.seed = seed
        self.private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self.private.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        self.id = key_id(self.public)

    def sign(self, context, net, data):
        assert context in CONTEXTS
        return self.private.sign(C(context) + net + data)


def verify(public_key, signature, context, net, data):
    assert context in CONTEXTS
    if len(signature) != 64 or int.from_bytes(signature[32:], "little") >= ORDER:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, C(context) + net + data)
    except (InvalidSignature, ValueError):
        return False
    return True


def hmac_sha256(key, data):
    return hmac.new(key, data, "sha256").digest()

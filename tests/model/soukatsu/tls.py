"""Transport (P12.1 to P12.3): TLS 1.3 through pyOpenSSL, which alone gives the exporter."""
import datetime
import hashlib
import select
import socket
import time

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto

from . import frames

ALPN = b"soukatsu/1"
EXPORTER = b"EXPORTER-soukatsu-join"


def spki_hash(certificate):
    """The TLS key hash (P12.1) of a cryptography certificate."""
    return hashlib.sha256(
        certificate.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    ).digest()


def self_signed(seed):
    """A certificate around the Ed25519 key of this seed; its name and dates mean nothing."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "soukatsu")])
    start = datetime.datetime(2020, 1, 1)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(36500))
        .sign(key, None)
    )
    return key, cert


def context(seed):
    key, cert = self_signed(seed)
    c = SSL.Context(SSL.TLS_METHOD)
    c.set_min_proto_version(SSL.TLS1_3_VERSION)
    c.set_options(SSL.OP_NO_TICKET)
    c.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    c.use_certificate(crypto.X509.from_cryptography(cert))
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    c.use_privatekey(crypto.load_privatekey(crypto.FILETYPE_PEM, pem))
    c.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)  # the pin decides
    c.set_alpn_protos([ALPN])
    c.set_alpn_select_callback(lambda _, offered: ALPN if ALPN in offered else SSL.NO_OVERLAPPING_PROTOCOLS)
    return c, spki_hash(cert)


class Lost(Exception):
    """The connection is gone."""


class Link:
    """Frames over one TLS connection; a deadline on everything."""

    def __init__(self, sock, seed, listening=False, timeout=20):
        self.timeout = timeout
        self.context, self.own_hash = context(seed)
        sock.setblocking(False)
        self.sock, self.tls = sock, SSL.Connection(self.context, sock)
        self.tls.set_accept_state() if listening else self.tls.set_connect_state()
        self._do(self.tls.do_handshake)
        cert = self.tls.get_peer_certificate()
        if (
            cert is None
            or self.tls.get_alpn_proto_negotiated() != ALPN
            or self.tls.get_protocol_version_name() != "TLSv1.3"
        ):
            self.close()
            raise Lost("P12.1: not what this side speaks")
        self.peer_hash = spki_hash(cert.to_cryptography())
        self.stream = b""

    @property
    def exporter(self):
        return self.tls.export_keying_material(EXPORTER, 32, b"")

    def _do(self, fn, *args, seconds=None):
        """fn over the socket that never blocks; None after `seconds` (the timeout: Lost)."""
        until = time.monotonic() + (self.timeout if seconds is None else seconds)
        while True:
            try:
                return fn(*args)
            except SSL.WantReadError:
                want = ([self.sock], [])
            except SSL.WantWriteError:
                want = ([], [self.sock])
            except (SSL.ZeroReturnError, SSL.SysCallError, SSL.Error, OSError) as why:
                raise Lost(repr(why)) from None
            left = until - time.monotonic()
            if left <= 0 or not any(select.select(*want, [], left)):
                if seconds is not None:
                    return None
                raise Lost("no answer in %s s" % self.timeout)

    def send(self, kind, body):
        data = frames.frame(kind, body)
        while data:
            data = data[self._do(self.tls.send, data[:65536]) :]

    def receive(self, seconds):
        """The next frame, or None after `seconds`."""
        until = time.monotonic() + seconds
        while True:
            got = frames.take(self.stream)
            if got:
                self.stream = got[2]
                return got[:2]
            data = self._do(self.tls.recv, 65536, seconds=max(0, until - time.monotonic()))
            if data is None:
                return None
            self.stream += data

    def close(self):
        try:
            self.tls.shutdown()
        except SSL.Error:
            pass
        self.sock.close()


def dial(address, seed, pin, timeout=20):
    """A Link to HOST:PORT whose TLS key has the hash `pin`."""
    host, port = address.rsplit(":", 1)
    try:
        sock = socket.create_connection((host.strip("[]"), int(port)), timeout)
    except OSError as why:
        raise Lost(str(why)) from None
    link = Link(sock, seed, timeout=timeout)
    if link.peer_hash != pin:
        link.close()
        raise Lost("P12.2: the other side has another key")
    return link

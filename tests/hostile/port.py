"""What comes to the port, with no key, with one that nobody enrolled, or with a good one and bad bytes: row by row
(R17, R18). A row gives back what became of it. Rows that are made of waiting begin together, before all others
(`begin`), and are looked at last.
"""
import os
import resource
import secrets
import select
import socket
import ssl
import time

import bed as b
import zstandard
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from OpenSSL import SSL
from OpenSSL import crypto as openssl
from rules import Table
from soukatsu import batch, frames, tls

CASES = case = Table()
CLOSED = r"closed"
BEFORE_KEYS = r"the TLS handshake or a record failed"


def connect(bed, address=None):
    return socket.create_connection(("127.0.0.1", bed.hub.port), 10, (address or bed.address(), 0))


def end_of(sock, seconds=15):
    """Reads until the other side ends it: "closed", or "open" when it did not in time."""
    until = time.monotonic() + seconds
    sock.setblocking(False)
    while time.monotonic() < until:
        if not select.select([sock], [], [], max(0, until - time.monotonic()))[0]:
            break
        try:
            if not sock.recv(65536):
                return "closed"
        except BlockingIOError:
            continue
        except OSError:
            return "closed"
    return "open"


def raw_row(name, *pieces, rule="R18", log=BEFORE_KEYS, expect=CLOSED):
    def run(bed, peer):
        sock = connect(bed, peer.address)
        with sock:
            for piece in pieces:
                try:
                    sock.sendall(piece(bed) if callable(piece) else piece)
                except OSError:
                    break
            return end_of(sock)

    case(rule, name, expect, log)(run)


raw_row("noise", lambda bed: b"\x9c" + secrets.token_bytes(300))
raw_row("much noise", lambda bed: b"\x9c" + secrets.token_bytes(200000))
raw_row("plain HTTP", b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n")
raw_row("our frames without TLS", frames.frame(frames.PING, b"\x91\x01") * 20)
raw_row("noise in a record of TLS", lambda bed: b"\x16\x03\x01\x01\x00" + secrets.token_bytes(256))
raw_row("a hello without an end", b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + bytes(9000), rule="R17",
        log="beyond a limit|" + BEFORE_KEYS)


def handshake(bed, address, change, own=True):
    """A TLS client of OpenSSL's plain making, as `change` made it: "open", or "closed" where it failed."""
    context = SSL.Context(SSL.TLS_METHOD)
    if own:
        key, cert = tls.self_signed(secrets.token_bytes(32))
        context.use_certificate(openssl.X509.from_cryptography(cert))
        context.use_privatekey(load(key))
    context.set_alpn_protos([tls.ALPN])
    change(context)
    sock = connect(bed, address)
    with sock:
        sock.setblocking(False)
        conn = SSL.Connection(context, sock)
        conn.set_connect_state()
        until = time.monotonic() + 15
        shaken = False
        while time.monotonic() < until:
            try:
                if not shaken:
                    conn.do_handshake()
                    shaken, until = True, time.monotonic() + 1
                conn.recv(1)
                return "open"
            except SSL.WantReadError:
                select.select([sock], [], [], max(0, until - time.monotonic()))
            except SSL.WantWriteError:
                select.select([], [sock], [], 1)
            except (SSL.Error, OSError):
                return "closed"
        return "open" if shaken else "nothing"


def load(key):
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return openssl.load_privatekey(openssl.FILETYPE_PEM, pem)


def tls_row(name, change, expect=CLOSED, log=BEFORE_KEYS, rule="R18", own=True):
    case(rule, name, expect, log)(lambda bed, peer: handshake(bed, peer.address, change, own))


def old_version(context):
    context.set_max_proto_version(SSL.TLS1_2_VERSION)


def rsa_certificate(size=0):
    key, cert = load(rsa.generate_private_key(65537, 2048)), openssl.X509()
    cert.set_pubkey(key)
    cert.gmtime_adj_notBefore(0)
    cert.gmtime_adj_notAfter(3600)
    if size:
        cert.add_extensions([openssl.X509Extension(b"nsComment", False, b"x" * size)])
    cert.sign(key, "sha256")
    return key, cert


def certificate(size, count=1):
    """A certificate of about so many bytes more, so many times, behind the good one."""

    def change(context):
        _, cert = rsa_certificate(size)
        for _ in range(count):
            context.add_extra_chain_cert(cert)

    return change


tls_row("TLS 1.2", old_version)
tls_row("another ALPN", lambda c: c.set_alpn_protos([b"h2"]))
tls_row("a chain of two certificates", certificate(0))
tls_row("a chain of 100 certificates", certificate(0, 100), log="beyond a limit|" + BEFORE_KEYS, rule="R17")
tls_row("a certificate of 60 KB", certificate(60000), log="beyond a limit|" + BEFORE_KEYS, rule="R17")
tls_row("a key of RSA", lambda c: rsa_key(c), own=False)
tls_row("as it should be, with a key that nobody knows", lambda c: None, expect="open", log=None)


def rsa_key(context):
    key, cert = rsa_certificate()
    context.use_certificate(cert)
    context.use_privatekey(key)


@case("R18", "no certificate", CLOSED, BEFORE_KEYS)
def _(bed, peer):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["soukatsu/1"])
    try:
        with context.wrap_socket(connect(bed, peer.address)) as sock:
            return "open" if sock.recv(1) else "closed"
    except OSError:
        return "closed"


@case("R18", "no ALPN", CLOSED, BEFORE_KEYS)
def _(bed, peer):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with context.wrap_socket(connect(bed, peer.address)) as sock:
            return "open" if sock.recv(1) else "closed"
    except OSError:
        return "closed"


def vector(size, data):
    return len(data).to_bytes(size, "big") + data


def hello_with_early_data():
    """A ClientHello of TLS 1.3 that resumes a session which this hub never gave, and data right behind it."""
    share = X25519PrivateKey.generate().public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )
    extension = lambda kind, data: kind.to_bytes(2, "big") + vector(2, data)
    extensions = b"".join([
        extension(43, vector(1, b"\x03\x04")),
        extension(10, vector(2, b"\x00\x1d")),
        extension(13, vector(2, b"\x08\x07\x04\x03")),
        extension(51, vector(2, b"\x00\x1d" + vector(2, share))),
        extension(16, vector(2, vector(1, tls.ALPN))),
        extension(42, b""),
        extension(45, vector(1, b"\x01")),
        extension(41, vector(2, vector(2, secrets.token_bytes(32)) + bytes(4)) + vector(2, vector(1, bytes(32)))),
    ])
    hello = b"\x03\x03" + secrets.token_bytes(32) + vector(1, bytes(32)) + vector(2, b"\x13\x02\x13\x03")
    hello = b"\x01" + vector(3, hello + vector(1, b"\x00") + vector(2, extensions))
    return b"\x16\x03\x01" + vector(2, hello) + b"\x17\x03\x03" + vector(2, secrets.token_bytes(300))


# --- past the handshake


def frames_row(rule, name, make, expect, log, enrolled=True, hello=True, answer=frames.PONG):
    """Bytes on a link: of an enrolled peer past hello, or of a key that nobody knows."""

    def run(bed, peer):
        if not enrolled:
            peer = stranger(bed, peer)
        talk = peer.talk(hello=enrolled and hello)
        try:
            talk.bytes(make(peer))
            got = talk.until(answer)
            return got if isinstance(got, str) else "pong"
        except tls.Lost:
            return "lost"
        finally:
            talk.close()

    case(rule, name, expect, log)(run)


def stranger(bed, peer):
    other = b.Peer(bed, "例", peer.org)
    other.address = peer.address
    return other


def framed(kind, body):
    return frames.frame(kind, body)


def pinged(data):
    return lambda peer: (data(peer) if callable(data) else data) + framed(frames.PING, b"\x91\x01")


LENGTH = r"a frame's length is not allowed"
frames_row("R17", "a frame of 4 GiB", pinged(b"\xff\xff\xff\xff\x04"), r"lost", LENGTH)
frames_row("R17", "a frame of no bytes", pinged(bytes(4)), r"lost", LENGTH)
frames_row("R17", "a frame of 1 MiB and one byte", pinged(b"\x00\x10\x00\x02\x04"), r"lost", LENGTH)
frames_row("R17", "a frame of 1 MiB", pinged(lambda p: framed(99, bytes(1048576))), r"pong", r"P11\.1")
frames_row("R17", "4 KiB and one byte from a key that nobody knows", lambda p: b"\x00\x00\x10\x02\x11", r"lost", LENGTH,
           enrolled=False)
frames_row("R17", "4 KiB from a key that nobody knows", lambda p: framed(17, bytes(4096)), r"bye format P12\.\d",
           r"P12\.\d", enrolled=False)
frames_row("R18", "hello from a key that nobody knows", lambda p: framed(1, bytes(100)), r"bye not enrolled P12\.2",
           r"P12\.2", enrolled=False)

MANY, DEEP = b"\xdd\xff\xff\xff\xff", b"\x91" * 10000 + b"\xc0"
BAD = r"bye (format|order|not enrolled) P1[1-3]\.\d+"
for body, what in ((MANY, "an array of 2^32 - 1 in five bytes"), (DEEP, "nested 10,000 deep")):
    for kind in (frames.AUTHORITY, frames.HEADERS, frames.NEWS, frames.ACK, frames.REFUSE, frames.POSITIONS_WANT,
                 frames.HEADS, frames.WANT, frames.SIGNATURES_WANT, frames.SIGNATURES, frames.DIGEST, frames.PING):
        frames_row("R17", "%s: %s" % (frames.NAMES[kind], what), pinged(framed(kind, body)), BAD, r"P1[13]\.\d+")
frames_row("R17", "hello: an array of 2^32 - 1 in five bytes", lambda p: framed(1, MANY), r"bye format P11\.2",
           r"P11\.2", hello=False)
frames_row("R17", "hello: nested 10,000 deep", lambda p: framed(1, DEEP), r"bye format P11\.2", r"P11\.2", hello=False)
frames_row("R17", "join: an array of 2^32 - 1 in five bytes", lambda p: framed(17, MANY), r"bye format P12\.\d",
           r"P12\.\d", enrolled=False)


def news(raw, raw_bytes=None, flags=1):
    return lambda peer: framed(
        frames.NEWS,
        frames.pack_body(frames.NEWS, [peer.scope, 0, 1, flags, len(raw) if raw_bytes is None else raw_bytes, raw]),
    )


def zeros(size):
    return batch.compress(bytes(size))


BOMB = r"bye (format|limit) P11\.[68]"
FOUR = 4 << 20
for name, raw, said in (
    ("that says 4 MiB and one byte", zeros(FOUR + 1), FOUR + 1),
    ("that says 1 GiB", zeros(FOUR), 1 << 30),
    ("that says less than it holds", zeros(FOUR), 100),
    ("of 256 MiB that says 4", zeros(256 << 20), FOUR),
    ("that says nothing", zstandard.ZstdCompressor(write_content_size=False).compress(bytes(FOUR)), FOUR),
    ("behind another", zeros(100) + zeros(100), 100),
    ("cut short", zeros(FOUR)[:-3], FOUR),
    ("of 4 MiB, in form", zeros(FOUR), FOUR),
):
    frames_row("R17", "zstd " + name, news(raw, said), BOMB, r"P11\.[68]", answer=frames.ACK)
for body, what in ((MANY, "an array of 2^32 - 1"), (DEEP, "nested 10,000 deep")):
    frames_row("R17", "raw data: " + what, news(body, flags=0), BOMB, r"P11\.[68]", answer=frames.ACK)


@case("R17", "twenty bombs at once", r"bounded", r"P11\.[68]", lines=20)
def _(bed, peer):
    before = b.rss_kib(bed.hub.process.pid)
    for _ in range(20):
        talk = peer.talk()
        talk.bytes(news(zeros(256 << 20), FOUR)(peer))
        talk.until(frames.PONG)
        talk.close()
    grown = b.rss_kib(bed.hub.process.pid) - before
    return "bounded" if grown < 64 * 1024 else "%d KiB" % grown


# --- floods


@case("R17", "a peer that asks and does not read", r"closed, bounded", r"beyond a limit")
def _(bed, peer):
    talk = peer.talk()
    before = top = b.rss_kib(bed.hub.process.pid)
    ping = framed(frames.PING, b"\x91\x01") * 8000
    sent, until = 0, time.monotonic() + 60
    try:
        while time.monotonic() < until and sent < 512 << 20:
            talk.bytes(ping)
            sent += len(ping)
            top = max(top, b.rss_kib(bed.hub.process.pid))
        said = "open"
    except tls.Lost:
        said = "closed"
    talk.close()
    return said + (", bounded" if top - before < 64 * 1024 else ", %d KiB" % (top - before))


@case("R17", "ten enrolled peers in the middle of a frame of 1 MiB", r"bounded, served", None)
def _(bed, peer):
    before, talks = b.rss_kib(bed.hub.process.pid), []
    for one in peer.more:
        talk = one.talk()
        talk.bytes(b"\x00\x10\x00\x01\x04" + bytes(1048000))
        talks.append(talk)
    served = bed.honest()
    grown = b.rss_kib(bed.hub.process.pid) - before
    for talk in talks:
        talk.link.sock.close()
    return "bounded, served" if grown < 96 * 1024 and served < 30 else "%d KiB, %.1f s" % (grown, served)


@case("R17", "a thousand half-open handshakes, also behind an honest site's address", r"served; all closed in time",
      r"the handshake took too long|beyond a limit", any=True, last=True, lines=1000)
def _(bed, peer):
    hello = hello_with_early_data()[:60]
    begin, socks = time.monotonic(), []
    before = b.rss_kib(bed.hub.process.pid)
    for n in range(1000):
        sock = socket.socket()
        sock.settimeout(20)
        sock.bind(("127.0.0.1" if n % 2 else "127.3.0.%d" % (n % 200 + 1), 0))
        sock.connect(("127.0.0.1", bed.hub.port))
        try:
            sock.sendall(hello)
        except OSError:
            pass
        socks.append(sock)
    bed.near.call("POST", "/v1/sync/pause", {})
    bed.near.call("POST", "/v1/sync/resume", {})
    served = bed.honest()  # over a handshake of its own, from the same address
    grown = b.rss_kib(bed.hub.process.pid) - before
    open_ = sum(end_of(s, max(0.01, 20 - (time.monotonic() - begin))) == "open" for s in socks)
    for s in socks:
        s.close()
    assert grown < 96 * 1024, grown
    return "served; all closed in time" if served < 30 and not open_ else "%.1f s; %d open" % (served, open_)


def is_open(link):
    try:
        return link.receive(0.01) is None
    except tls.Lost:
        return False


# Two of the rows that wait may still hold a place of the 64. Ten lines, and the count of the others; twice where a
# minute ends meanwhile.
@case("R17", "keys that nobody enrolled, a hundred of them", r"8 of one address, 6[0-4] in all; served", r"R17",
      lines=22)
def _(bed, peer):
    links = []
    for n in range(100):
        one = stranger(bed, peer)
        one.address = peer.address if n < 20 else "127.4.0.%d" % (n // 4 + 1)
        try:
            links.append((n, one.dial()))
        except tls.Lost:
            pass
    time.sleep(1)
    counts = [n for n, link in links if is_open(link)]
    served = bed.honest()
    for _, link in links:
        link.close()
    here = sum(n < 20 for n in counts)
    return "%d of one address, %d in all; %s" % (here, len(counts), "served" if served < 30 else "%.1f s" % served)


@case("R17", "descriptors run short: nothing that is open suffers", r"served", None)
def _(bed, peer):
    pid, socks = bed.hub.process.pid, []
    old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = len(os.listdir("/proc/%d/fd" % pid))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 40, old[1]))
    try:
        for n in range(120):
            sock = socket.socket()
            sock.bind(("127.5.0.%d" % (n + 1), 0))
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", bed.hub.port))
            socks.append(sock)
        time.sleep(1)
        taken = len(os.listdir("/proc/%d/fd" % pid)) - used
        served = bed.honest()
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, old)
        for s in socks:
            s.close()
    assert taken <= 10, taken
    return "served" if served < 30 else "%.1f s" % served


@case("R17", "one address talks rubbish: ten lines a minute", r"two minutes at most", None)
def _(bed, peer):
    mark = bed.log_at()
    for _ in range(60):
        with connect(bed, peer.address) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert end_of(sock) == "closed"
    time.sleep(0.5)
    lines = len(bed.log(mark, peer.address))
    return "two minutes at most" if 0 < lines <= 22 else "%d lines" % lines


# --- rows that wait: begun first, looked at last


def waiting(name, begin, expect, log, rule="R17"):
    case(rule, name, expect, log, begin=begin)(None)


def waits(open_, seconds):
    """A link in some state, and what became of it within so many seconds from then."""

    def begin(bed, peer):
        sock, since = open_(bed, peer), time.monotonic()

        def end():
            said = end_of(sock, max(0.1, seconds - (time.monotonic() - since)))
            sock.close()
            return said

        return end

    return begin


def silent(bed, peer):
    return connect(bed, peer.address)


def half_hello(bed, peer):
    sock = connect(bed, peer.address)
    sock.sendall(hello_with_early_data()[:60])
    return sock


def early(bed, peer):
    sock = connect(bed, peer.address)
    sock.sendall(hello_with_early_data())
    return sock


def said_on_link(data, enrolled=True):
    def open_(bed, peer):
        talk = (peer if enrolled else stranger(bed, peer)).talk(hello=enrolled)
        talk.bytes(data)
        return talk.link.sock

    return open_


SLOW = r"the peer is too slow in mid-frame"
waiting("a connection that says nothing", waits(silent, 13), CLOSED, r"the handshake took too long")
waiting("early data", waits(early, 13), CLOSED, r"the handshake took too long|" + BEFORE_KEYS, rule="R18")
waiting("half a hello", waits(half_hello, 13), CLOSED, r"the handshake took too long")
waiting("the middle of a frame, then nothing", waits(said_on_link(b"\x00\x10\x00\x01\x04\x00"), 24), CLOSED, SLOW)
waiting("half a length, then nothing", waits(said_on_link(b"\x00\x10"), 24), CLOSED, SLOW)
waiting("a key that nobody knows and no join", waits(said_on_link(b"", False), 14), CLOSED, r"P12\.6")
waiting("half a join", waits(said_on_link(b"\x00\x00\x01\x01\x11", False), 14), CLOSED, r"P12\.6|" + SLOW)

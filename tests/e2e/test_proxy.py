"""Sites reach headquarters through an HTTP proxy (R17, R18, R20): with a name and a password from a file, which stand
nowhere else; what a proxy may answer; TLS pinned end to end through it; both kinds of addresses; a headquarters that
moves.
"""
import base64
import os
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lib

SECRET = "例user:pass例word-7"


class Proxy:
    """An HTTP proxy whose answer a test chooses."""

    def __init__(self, root):
        self.asked, self.answer, self.auth, self.lookup = [], None, None, {}
        self.links, self.root = [], root
        self.server = socket.socket()
        self.server.bind(("127.0.0.1", 0))
        self.server.listen(16)
        self.at = f"127.0.0.1:{self.server.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                link, _ = self.server.accept()
            except OSError:
                return
            self.links.append(link)
            threading.Thread(target=self.one, args=(link,), daemon=True).start()

    def one(self, link):
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                got = link.recv(4096)
                if not got:
                    return
                head += got
            lines = head.decode("latin-1").split("\r\n")
            self.asked.append(lines[0])
            if callable(self.answer):
                self.answer(link)
            elif self.answer is not None:
                link.sendall(self.answer)
                link.close()
            elif self.auth is not None and f"Proxy-Authorization: Basic {self.auth}" not in lines:
                link.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                             b"Proxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 3\r\n\r\nno\n")
                link.close()
            else:
                target = lines[0].split()[1]
                self.tunnel(link, self.lookup.get(target, target))
        except OSError:
            pass

    def tunnel(self, link, target):
        host, port = target.rsplit(":", 1)
        peer = socket.create_connection((host.strip("[]"), int(port)))
        self.links.append(peer)
        link.sendall(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")
        while True:
            for s in select.select([link, peer], [], [])[0]:
                got = s.recv(65536)
                if not got:
                    link.close()
                    peer.close()
                    return
                (peer if s is link else link).sendall(got)

    def mitm(self, link):
        """It opens the tunnel, and speaks TLS itself."""
        pem = os.path.join(self.root, "mitm.pem")
        if not os.path.exists(pem):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x", "-days", "9",
                            "-keyout", pem, "-out", pem + ".crt"], check=True, capture_output=True)
        link.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem + ".crt", pem)
        context.set_alpn_protocols(["soukatsu/1"])
        try:
            context.wrap_socket(link, server_side=True).recv(1)
        except (ssl.SSLError, OSError):
            pass

    def cut(self):
        for link in self.links:
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.links = []


def reason_of(site, want):
    for _ in range(400):
        link = lib.status(site)["link"]
        if link["reason"] == want:
            return
        time.sleep(0.02)
    raise AssertionError((site.name, want, link))


def join(site, *args, fails=None):
    command = [os.path.join(lib.BUILD, "soukatsu"), "--data", site.data, "--json", "join", *args]
    done = subprocess.run(command, capture_output=True, timeout=60, env=dict(os.environ, LC_ALL="C.UTF-8"))
    if fails is None:
        assert done.returncode == 0, done
    else:
        assert done.returncode == 69 and fails.encode() in done.stderr, (fails, done)


def joined_through_it(hub, proxy, root):
    site = lib.Site(root, "behind")
    auth = os.path.join(root, "auth")
    with open(auth, "w") as f:
        f.write(SECRET + "\n")
    os.chmod(auth, 0o644)
    invite = hub.cli("invite", "--org", "tvac", "--name", "奥", "--role", "editor,submitter", "--by", "例",
                     passphrase=True)["invite"]
    proxy.auth = base64.b64encode(SECRET.encode()).decode()
    join(site, invite, "--proxy", proxy.at, fails="wants a user name")
    done = subprocess.run([os.path.join(lib.BUILD, "soukatsu"), "--data", site.data, "join", invite, "--proxy",
                           proxy.at, "--proxy-auth", auth], capture_output=True, timeout=60)
    assert done.returncode != 0 and SECRET.encode() not in done.stderr, done  # open to others
    os.chmod(auth, 0o600)
    join(site, invite, "--proxy", proxy.at, "--proxy-auth", auth)
    assert set(proxy.asked) == {f"CONNECT 127.0.0.1:{hub.port} HTTP/1.1"}, proxy.asked
    site.start()
    lib.level(site)
    assert lib.add(site, "例 プロキシの奥から")[0] == 200
    lib.level(site)
    assert any(i["text"] == "例 プロキシの奥から" for i in lib.items(hub))
    log = open(site.data + ".log", "rb").read()
    args = open(f"/proc/{site.process.pid}/cmdline", "rb").read()
    for secret in (SECRET.encode(), proxy.auth.encode(), SECRET.split(":")[1].encode()):
        assert secret not in log and secret not in args
    print("joined and level through a proxy with a password, which stands in no log and no argument")
    return site


def what_is_believed(site, proxy):
    """Whatever the proxy says, no link but to the pinned key; then it goes on by itself."""
    def close(link):
        link.close()

    def silence(link):
        link.recv(1)

    head = b"HTTP/1.1 200 OK\r\n"
    rows = [
        (b"HTTP/1.1 407 x\r\n\r\n", "link.proxy_auth"),
        (b"HTTP/1.1 403 Forbidden\r\nServer: x\r\n\r\n<html>no</html>", "link.proxy_refused"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "link.proxy_refused"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "link.proxy"),
        (b"SSH-2.0-x\r\n", "link.proxy"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + head + b"\r\n", "link.proxy"),
        (head + b"\r\n\x16\x03\x03\x00\x00", "link.proxy"),
        (head + b"X: " + b"x" * 5000 + b"\r\n\r\n", "link.proxy"),
        (head.replace(b"\r", b"") + b"\n", "link.proxy"),
        (close, "link.proxy"),
        (proxy.mitm, "link.hub_key"),
    ]
    for answer, want in rows:
        proxy.answer = None
        lib.level(site)  # of the row before nothing is left
        assert lib.status(site)["link"]["reason"] is None
        proxy.answer = answer
        proxy.cut()
        reason_of(site, want)
        assert lib.status(site)["link"]["state"] != "connected", answer
    proxy.answer = silence
    proxy.cut()
    time.sleep(0.3)
    assert lib.status(site)["link"]["state"] == "connecting", lib.status(site)["link"]
    proxy.answer = None
    proxy.cut()
    lib.level(site)
    print(f"{len(rows) + 1} answers of a proxy that lead nowhere: told, never believed, and it goes on by itself")


def moves(hub, site, proxy):
    """Headquarters at another address: by the name that the proxy looks up, and by the setting."""
    conf = os.path.join(site.data, "soukatsud.conf")
    with open(conf, "a") as f:
        f.write('connect = "hub.example.jp:7443"\n')
    proxy.lookup["hub.example.jp:7443"] = f"127.0.0.1:{hub.port}"
    assert site.end() == 0
    site.start()
    lib.level(site)
    assert proxy.asked[-1] == "CONNECT hub.example.jp:7443 HTTP/1.1", proxy.asked[-1]
    assert hub.end() == 0
    hub.start("--listen", "[::1]:0")
    proxy.lookup["hub.example.jp:7443"] = f"[::1]:{hub.port}"
    lib.level(site)
    assert site.end() == 0
    with open(conf) as f:
        lines = [line for line in f if not line.startswith(("connect", "proxy"))]
    with open(conf, "w") as f:
        f.writelines([*lines, f'connect = "[::1]:{hub.port}"\n'])
    before = len(proxy.asked)
    site.start()
    lib.level(site)
    assert lib.status(site)["link"]["address"] == f"[::1]:{hub.port}" and len(proxy.asked) == before
    assert hub.end() == 0
    hub.start("--listen", "[::]:0")  # both kinds at one port
    for address in (f"127.0.0.1:{hub.port}", f"localhost:{hub.port}"):
        assert site.end() == 0
        with open(conf, "w") as f:
            f.writelines([*lines, f'connect = "{address}"\n'])
        site.start()
        lib.level(site)
    print("moved: another address behind the name, IPv6 alone, then both kinds at one port")


def names(hub, site, root):
    """The name of headquarters is looked up for each connection, and each of its addresses is tried. In a mount
    namespace with a hosts file of its own; a machine that allows none says so."""
    hosts, script = os.path.join(root, "hosts"), 'mount --bind "$0" /etc/hosts && exec "$@"'

    def says(*addresses):
        with open(hosts, "w") as f:  # in place: it is mounted
            f.writelines(f"{a} hub.example.test\n" for a in addresses)

    says("127.0.0.1", "127.0.0.9")  # in this order the resolver gives them
    tried = subprocess.run(["unshare", "-Urm", "sh", "-c", script, hosts, "true"], capture_output=True)
    if tried.returncode != 0:
        print("names: this machine allows no mount namespace:", tried.stderr.decode().strip())
        return
    assert site.end() == 0 and hub.end() == 0
    hub.start("--listen", "127.0.0.9:0")
    with open(os.path.join(site.data, "soukatsud.conf"), "w") as f:
        f.write(f'connect = "hub.example.test:{hub.port}"\n')
    build, lib.BUILD = lib.BUILD, os.path.join(root, "inside")
    os.mkdir(lib.BUILD)
    with open(os.path.join(lib.BUILD, "soukatsud"), "w") as f:
        f.write(f"#!/bin/sh\nexec unshare -Urm sh -c '{script}' {hosts} {build}/soukatsud \"$@\"\n")
    os.chmod(os.path.join(lib.BUILD, "soukatsud"), 0o700)
    try:
        site.start()
    finally:
        lib.BUILD = build
    lib.level(site)
    assert lib.status(site)["link"]["address"] == f"127.0.0.9:{hub.port}"  # nobody listens at the first
    with socket.socket() as first:  # what led there once is tried first from now on
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first.bind(("127.0.0.1", hub.port))
        first.listen()
        for path in ("/v1/sync/pause", "/v1/sync/resume"):
            assert site.call("POST", path, {})[0] == 200
        lib.level(site)
        assert not select.select([first], [], [], 0)[0]
    says("127.0.0.2")
    assert hub.end() == 0
    hub.start("--listen", f"127.0.0.2:{hub.port}")
    lib.level(site)
    assert lib.status(site)["link"]["address"] == f"127.0.0.2:{hub.port}"
    print("names: the second address of a name, first the next time, then another, without a restart of the site")


def same_port(hub):
    """Port 0 is the kernel's choice once: invites that name it hold (R7)."""
    assert hub.end() == 0
    seen = set()
    for _ in range(3):
        hub.start("--listen", "127.0.0.1:0")
        seen.add(hub.port)
        assert hub.end() == 0
    assert len(seen) == 1, seen
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", seen.pop()))
        other.listen()
        done = subprocess.run([os.path.join(lib.BUILD, "soukatsud"), "--data", hub.data, "--listen", "127.0.0.1:0"],
                              capture_output=True, timeout=60, env=dict(os.environ, LC_ALL="C.UTF-8"))
        assert done.returncode == 75 and b"in use by another program" in done.stderr, done
    hub.start("--listen", "127.0.0.1:0")
    print("port 0: the same port after each start, and told where another program has taken it")


def main():
    with tempfile.TemporaryDirectory() as root:
        hub, _ = lib.network(root, [])
        proxy = Proxy(root)
        site = joined_through_it(hub, proxy, root)
        what_is_believed(site, proxy)
        moves(hub, site, proxy)
        names(hub, site, root)
        same_port(hub)
        for s in (site, hub):
            assert s.end() == 0
        shutil.rmtree(site.data)


main()

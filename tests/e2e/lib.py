"""What the end-to-end tests share: sites of ours as real processes, spoken to over their control sockets."""
import atexit
import http.client
import json
import os
import signal
import socket
import subprocess
import time

TOP = os.environ.get("SOU_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("SOU_BUILD") or os.path.join(TOP, "build", "release")
DATA = os.path.join(TOP, "tests", "data")
PASSPHRASE = b"passphrase of a test"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


class Site:
    def __init__(self, root, name):
        self.name, self.data = name, os.path.join(root, name)
        self.process, self.port = None, 0

    def cli(self, *args, passphrase=False):
        fds = []
        if passphrase:
            read, write = os.pipe()
            os.write(write, PASSPHRASE)
            os.close(write)
            fds, args = [read], (*args, "--passphrase-fd", str(read))
        command = [os.path.join(BUILD, "soukatsu"), "--data", self.data, "--json", *args]
        done = subprocess.run(command, capture_output=True, timeout=120, pass_fds=fds,
                              env=dict(os.environ, LC_ALL="C.UTF-8"))
        for fd in fds:
            os.close(fd)
        assert done.returncode == 0, (args[:3], done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout) if done.stdout.startswith(b"{") else done.stdout.decode()

    def call(self, method, path, body=None):
        """(status, JSON) of one request; OSError or HTTPException when the daemon is gone."""
        connection = UnixConnection(os.path.join(self.data, "control.sock"))
        try:
            data = json.dumps(body).encode() if body is not None else None
            connection.request(method, path, data, {"Content-Type": "application/json"} if data else {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def start(self, *options):
        """Seconds until it is ready and answers."""
        begin = time.monotonic()
        command = [os.path.join(BUILD, "soukatsud"), "--data", self.data, "--backoff-min", "20ms",
                   "--backoff-max", "200ms", *options]
        self.log = open(self.data + ".log", "ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log)
        atexit.register(self.process.kill)  # a failed test leaves nothing running; harmless after its end
        ready = self.process.stdout.readline().decode()
        assert ready.startswith("ready"), (self.name, open(self.data + ".log").read()[-2000:])
        self.port = int(ready.split()[-1])
        assert self.call("GET", "/v1/status")[0] == 200
        return time.monotonic() - begin

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        status = self.process.wait(60)
        self.process.stdout.close()
        self.log.close()
        self.process = None
        return status

    def digests(self):
        status, answer = self.call("GET", "/v1/digest")
        assert status == 200, answer
        return {s["scope"]: (s["state"], s["entries"], s["held_count"]) for s in answer["scopes"]}


def network(root, sites):
    """A hub with organisations and plan, and sites [(name, organisation)]: all started and in step."""
    hub = Site(root, "hub")
    hub.cli("init", "--hub", "--org", "hq", "--name", "東社協", "--listen", "127.0.0.1:0", passphrase=True)
    hub.start()
    port = hub.port
    hub.end()
    hub.start("--listen", f"127.0.0.1:{port}")  # the same port after each restart
    hub.options = ("--listen", f"127.0.0.1:{port}")
    hub.cli("org", "import", os.path.join(DATA, "organisations.csv"), "--by", "例", passphrase=True)
    hub.cli("plan", "import", os.path.join(DATA, "soukatsu-2023-08.json"), "--by", "例")
    out = []
    for name, organisation in sites:
        site = Site(root, name)
        invite = hub.cli("invite", "--org", organisation, "--name", name, "--role", "editor,submitter", "--by", "例",
                         passphrase=True)["invite"]
        site.cli("join", invite)
        site.options = ()
        site.start()
        level(site)
        here, there = site.digests(), hub.digests()
        assert here and all(there.get(scope) == digest for scope, digest in here.items()), (here, there)
        out.append(site)
    return hub, out


def level(site, wait_ms=30000):
    status, answer = site.call("POST", "/v1/sync/now", {"wait_ms": wait_ms})
    assert status == 200, (site.name, status, answer)


def status(site):
    code, answer = site.call("GET", "/v1/status")
    assert code == 200, answer
    return answer


def items(site):
    """What the site reads of the organisation's items in the round."""
    code, answer = site.call("GET", "/v1/items?round=2023-08&organisation=tvac")
    assert code == 200, answer
    return answer["items"]


def add(site, text, project="corporate-volunteering", column="achievement"):
    return site.call("POST", "/v1/items", {"project": project, "column": column, "text": text, "by": "例"})

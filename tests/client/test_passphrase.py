"""R20: a passphrase is asked for at the terminal without echo, only when the daemon says that it needs one,
and an interruption leaves the terminal as it was. A terminal of our own, and a daemon of our own."""

import json
import os
import pty
import select
import signal
import socket
import tempfile
import termios
import threading

PROGRAM = os.path.join(os.environ["SOU_BUILD"], "soukatsu")
SECRET = "ひみつの 合言葉 例"
failures = []


def check(name, condition):
    if not condition:
        failures.append(name)
        print("FAILED:", name)


class Daemon(threading.Thread):
    """Refuses the first request of a connection for want of a passphrase, then takes what comes."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.bodies = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(folder, "control.sock"))
        self.listener.listen()

    def answer(self, link):
        head, _, body = link.recv(65536).partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                      if line.lower().startswith(b"content-length"))
        while len(body) < length:
            body += link.recv(65536)
        self.bodies.append(json.loads(body))
        if "passphrase" in self.bodies[-1]:
            status, reply = "200 OK", {"added": 1, "changed": 0, "unchanged": 0}
        else:
            status, reply = "403 Forbidden", {"error": {
                "id": "passphrase.missing", "message": "m", "safe": "s", "next": "n", "rule": "R7",
                "exit": 77, "detail": {}}}
        text = json.dumps(reply).encode()
        link.sendall(b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                     % (status.encode(), len(text), text))

    def run(self):
        while True:
            link, _ = self.listener.accept()
            with link:
                self.answer(link)


def read_until(fd, wanted):
    """What the terminal shows until `wanted` stands in it, or it ends."""
    shown = b""
    while wanted not in shown:
        if not select.select([fd], [], [], 20)[0]:
            break
        try:
            piece = os.read(fd, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    return shown


def start(folder, csv):
    child, fd = pty.fork()
    if child == 0:
        os.environ.update(LC_ALL="ja_JP.UTF-8")
        os.execv(PROGRAM, ["soukatsu", "--data", folder, "org", "import", csv, "--by", "例"])
    return child, fd


with tempfile.TemporaryDirectory() as folder:
    csv = os.path.join(folder, "o.csv")
    with open(csv, "w", encoding="utf-8") as file:
        file.write("id\n")
    daemon = Daemon(folder)
    daemon.start()

    child, fd = start(folder, csv)
    prompt = read_until(fd, "合い言葉: ".encode())
    check("prompt", "合い言葉: ".encode() in prompt)
    check("echo is off while it is typed", not termios.tcgetattr(fd)[3] & termios.ECHO)
    os.write(fd, SECRET.encode() + b"\n")
    rest = read_until(fd, "追加 1".encode())
    check("taken in", "追加 1".encode() in rest)
    check("R20 never shown", SECRET.encode() not in prompt + rest)
    check("status", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0)
    check("asked twice", [b.get("passphrase") for b in daemon.bodies] == [None, SECRET])
    os.close(fd)

    child, fd = start(folder, csv)
    read_until(fd, "合い言葉: ".encode())
    os.write(fd, b"\x03")
    status = os.waitpid(child, 0)[1]
    check("interrupted", os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT)
    check("echo is on again", termios.tcgetattr(fd)[3] & termios.ECHO)
    check("nothing more was sent", len(daemon.bodies) == 3)
    os.close(fd)

raise SystemExit(1 if failures else 0)

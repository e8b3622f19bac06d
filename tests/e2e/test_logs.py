#!/usr/bin/env python3
"""A busy hub and two sites, all forms of their logs at the finest level: every line has an event of the table,
none holds what somebody typed, a name, a key, an invite or the passphrase; and what is thrown at the port makes
no more lines than R17 allows."""
import base64
import glob
import json
import os
import re
import socket
import tempfile

import lib

TEXTS = ["例 人に知られては困る文章その一", "例 secret words of a paragraph", "例 書き直した文章"]
NAMES = ["例山田太郎", "例分室の名"]
LINES_PER_MIN = 10  # SOU_LOG_LINES_PER_MIN


def event_ids():
    with open(os.path.join(lib.TOP, "daemon", "events.def"), encoding="utf-8") as file:
        return set(re.findall(r'^V\(\w+, "([^"]+)"', file.read(), re.M))


def secrets_of(site):
    """Bytes of every key file as they could come into a text: PEM lines, the key in hex and in base64."""
    for path in glob.glob(os.path.join(site.data, "**", "*.pem"), recursive=True):
        with open(path, encoding="ascii") as file:
            lines = [line.strip() for line in file if not line.startswith("-----")]
        yield from (line for line in lines if len(line) >= 16)
        raw = base64.b64decode("".join(lines))
        yield raw[-32:].hex()
        yield raw[-32:].hex().upper()
        yield base64.b64encode(raw[-32:]).decode()[:40]


def work(hub, site, other):
    typed = []

    def add(at, text):
        code, answer = at.call("POST", "/v1/items", {"project": "corporate-volunteering", "column": "achievement",
                                                     "text": text, "by": NAMES[0]})
        assert code == 200, answer
        typed.append(text)
        return answer["item"]["id"]
    item = add(site, TEXTS[0])
    add(other, TEXTS[1])
    for at in (site, other, site):
        lib.level(at)
    for at, text in ((site, TEXTS[2]), (other, TEXTS[2] + " 別の")):  # a conflict
        at.call("POST", "/v1/sync/pause", {})
        code, answer = at.call("POST", f"/v1/items/{item}/text", {"text": text, "by": NAMES[0]})
        assert code == 200, answer
        typed.append(text)
    for at in (site, other):
        at.call("POST", "/v1/sync/resume", {})
        lib.level(at)
    # What is refused is typed as well.
    for body in ({"text": "例 断られる文章", "by": NAMES[0]}, {"project": "例", "text": "例 知らない事業", "by": ""}):
        code, _ = site.call("POST", "/v1/items", body)
        assert code >= 400
        typed.append(body["text"])
    wrong = hub.call("POST", "/v1/invites", {"organisation": "hq", "name": NAMES[1], "roles": ["editor"],
                                             "passphrase": "例 違う合い言葉です", "by": NAMES[0]})
    assert wrong[0] == 403, wrong
    typed.append("例 違う合い言葉です")
    return typed


def noise(port, times):
    for i in range(times):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
            try:
                s.sendall([b"GET / HTTP/1.1\r\n\r\n", os.urandom(64), b"\x16\x03\x01\xff\xff"][i % 3])
                s.shutdown(socket.SHUT_WR)
                while s.recv(4096):
                    pass
            except OSError:
                pass


def main():
    ids = event_ids()
    with tempfile.TemporaryDirectory() as root:
        hub, (site, other) = lib.network(root, [("honkan", "tvac"), ("bunshitsu", "tvac")])
        forms = {"hub": "json", "honkan": "json", "bunshitsu": "text"}
        for at in (other, site, hub):
            assert at.end() == 0
        invites = []
        for at in (hub, site, other):
            at.start("--log-level", "debug", "--log-format", forms[at.name], *at.options)
        invites.append(hub.cli("invite", "--org", "hq", "--name", NAMES[1], "--role", "editor", "--by", NAMES[0],
                               passphrase=True)["invite"])
        typed = work(hub, site, other)
        noise(hub.port, 60)
        for at in (other, site, hub):
            assert at.end() == 0

        forbidden = [*typed, *TEXTS, *NAMES, *invites, lib.PASSPHRASE.decode(), "東社協", "鈴木"]
        for at in (hub, site, other):
            forbidden += secrets_of(at)
        seen = 0
        for at in (hub, site, other):
            with open(at.data + ".log", encoding="utf-8") as file:
                log = file.read()
            for word in forbidden:
                assert word not in log, (at.name, "the log holds", word)
            for line in log.splitlines():
                seen += 1
                if line.startswith("{"):
                    entry = json.loads(line)
                    message = entry["message"].encode("latin-1").decode("utf-8", "replace")
                    assert not any(word in message for word in forbidden), line
                    assert entry["event"] in ids and set(entry) <= {
                        "time", "level", "event", "rule", "peer", "site", "scope", "message"}, line
                else:
                    assert re.match(r"<\d>(error|warning|info|debug) (\S+)", line).group(2).rstrip(":") in ids, line
        with open(hub.data + ".log", encoding="utf-8") as file:
            entries = [json.loads(line) for line in file if line.startswith("{")]
        refused = [e for e in entries if e["event"] == "link.refused"]
        assert all(e["rule"] in ("R17", "R18") and e["peer"].startswith("127.0.0.1:") for e in refused), refused[:3]
        # One address, at most two minutes of it.
        assert 1 <= len(refused) <= 2 * LINES_PER_MIN, (len(refused), "lines for 60 refused connections")
        live = [e for e in entries if e["event"] == "link.live"]
        assert live and all(len(e["site"]) == 16 for e in live), live
        assert {"daemon.started", "daemon.stopping", "link.ended"} <= {e["event"] for e in entries}
        print(f"{seen} lines hold none of {len(forbidden)} texts, names and keys; "
              f"60 refused connections made {len(refused)} lines")


main()

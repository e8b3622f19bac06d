#!/usr/bin/env python3
"""GET /v1/metrics by a strict reader of Prometheus text: well formed to the letter, the same names, kinds and
labels as docs/metrics.md, and figures that follow what was done: a link, entries that wait, a refused
connection, a commit, another mode. `soukatsu metrics` prints the same page, and nothing typed is in it."""
import os
import re
import socket
import subprocess
import tempfile
import time

import lib

HEAD = re.compile(r"# (HELP|TYPE) ([a-z][a-z0-9_]*) (\S.*)")
SAMPLE = re.compile(r'([a-z][a-z0-9_]*)(?:\{([a-z]+)="([A-Za-z0-9._+-]+)"\})? ([0-9]+(?:\.[0-9]+)?)')
SUFFIXES = ("_bucket", "_sum", "_count")


def parse(text):
    """{name: (type, label or None, {label value or None: number})}, or an assertion."""
    assert text.endswith("\n") and "\r" not in text and "\n\n" not in text
    out, order, helped = {}, [], None
    for line in text[:-1].split("\n"):
        head = HEAD.fullmatch(line)
        if head and head.group(1) == "HELP":
            assert head.group(2) not in out, f"{line}: a second time"
            helped = head.group(2)
            continue
        if head:
            assert head.group(2) == helped, f"{line}: HELP stands before"
            assert head.group(3) in ("counter", "gauge", "histogram"), line
            out[helped] = (head.group(3), {})
            order.append(helped)
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, f"not a sample: {line}"
        name, label, value, number = sample.groups()
        kind, samples = out[order[-1]]
        if kind == "histogram":
            assert name in [order[-1] + s for s in SUFFIXES], f"{line}: under {order[-1]}"
            key = (name[len(order[-1]):], label, value)
        else:
            assert name == order[-1], f"{line}: under {order[-1]}"
            key = ("", label, value)
        assert key not in samples, f"{line}: a second time"
        samples[key] = float(number)
    for name, (kind, samples) in out.items():
        assert (kind == "counter") == name.endswith("_total"), name
        assert len({label for suffix, label, _ in samples if suffix in ("", "_bucket")}) <= 1, name
        if kind == "histogram":
            check_histogram(name, samples)
    return out


def check_histogram(name, samples):
    buckets = [(float(value.replace("+Inf", "inf")), number) for (suffix, _, value), number in samples.items()
               if suffix == "_bucket"]
    assert buckets == sorted(buckets) and buckets[-1][0] == float("inf"), name
    assert all(a[1] <= b[1] for a, b in zip(buckets, buckets[1:])), f"{name}: counts fall"
    assert samples[("_count", None, None)] == buckets[-1][1], name
    assert samples[("_sum", None, None)] <= buckets[-1][1] * 3600, name


def documented():
    with open(os.path.join(lib.TOP, "docs", "metrics.md"), encoding="utf-8") as file:
        rows = re.findall(r"^\| `([a-z0-9_]+)` \| (\w+) \| (\S+) \|", file.read(), re.M)
    return {name: (kind, None if label == "-" else label) for name, kind, label in rows}


def page(site):
    connection = lib.UnixConnection(os.path.join(site.data, "control.sock"))
    connection.request("GET", "/v1/metrics")
    answer = connection.getresponse()
    text = answer.read().decode()
    assert answer.status == 200, text
    assert answer.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    connection.close()
    return text


def figures(site):
    return parse(page(site))


def one(m, name, value=None):
    label = documented()[name][1]
    return m[name][1][("", label, value)]


def levelled(hub, site_id):
    """The hub's page once it has stored the site's acks, which it does half a second behind."""
    end = time.monotonic() + 30
    while True:
        m = figures(hub)
        if one(m, "soukatsu_backlog_entries", site_id) == 0:
            return m
        assert time.monotonic() < end, m["soukatsu_backlog_entries"]


def check_documented(m):
    rows = documented()
    assert set(m) == set(rows), set(m) ^ set(rows)
    for name, (kind, samples) in m.items():
        assert kind == rows[name][0], name
        for suffix, label, _ in samples:
            assert suffix in ("_sum", "_count") or label == rows[name][1], (name, label)


def main():
    with tempfile.TemporaryDirectory() as root:
        hub, (site,) = lib.network(root, [("honkan", "tvac")])
        at_hub, at_site = figures(hub), figures(site)
        for m in (at_hub, at_site):
            check_documented(m)
        site_id = lib.status(site)["site"]["id"][:16]
        hub_id = lib.status(hub)["site"]["id"][:16]
        assert one(at_hub, "soukatsu_links", "live") == 1 and one(at_site, "soukatsu_hub_connected") == 1
        assert not at_hub["soukatsu_hub_connected"][1], "a hub has none"
        assert abs(one(at_site, "soukatsu_hub_contact_timestamp_seconds") - time.time()) < 300
        assert set(at_hub["soukatsu_backlog_entries"][1]) == {("", "site", site_id)}
        assert set(at_site["soukatsu_backlog_entries"][1]) == {("", "site", hub_id)}
        levelled(hub, site_id)
        before = one(at_site, "soukatsu_entries", "accepted")

        site.call("POST", "/v1/sync/pause", {})
        for i in range(3):
            assert lib.add(site, f"例 待つ段落 {i}")[0] == 200
        hub.cli("round", "close", "2023-08", "--by", "例")  # the site does not hear of it
        waiting, there = figures(site), figures(hub)
        assert one(waiting, "soukatsu_backlog_entries", hub_id) == 3
        assert one(there, "soukatsu_backlog_entries", site_id) == 1
        assert one(waiting, "soukatsu_oldest_unacknowledged_seconds") > 0
        assert one(waiting, "soukatsu_hub_connected") == 0 and one(there, "soukatsu_links", "open") == 0
        assert one(waiting, "soukatsu_entries", "accepted") == before + 3
        grown = [m["soukatsu_commit_seconds"][1][("_count", None, None)] for m in (at_site, waiting)]
        assert grown[1] >= grown[0] + 3, grown

        with socket.create_connection(("127.0.0.1", hub.port), timeout=30) as s:
            s.sendall(b"GET / HTTP/1.1\r\n\r\n")
            while s.recv(4096):
                pass
        site.call("POST", "/v1/sync/resume", {})
        lib.level(site)
        after, there = figures(site), levelled(hub, site_id)
        assert one(after, "soukatsu_backlog_entries", hub_id) == 0
        assert one(after, "soukatsu_oldest_unacknowledged_seconds") == 0
        assert one(there, "soukatsu_handshakes_refused_total") == 1
        assert one(there, "soukatsu_log_events_total", "link.refused") == 1
        assert one(there, "soukatsu_entries_received_total") >= 3
        assert one(there, "soukatsu_file_bytes", "replica.db") > 0
        for name in ("soukatsu_disk_state", "soukatsu_mode"):
            assert sum(there[name][1].values()) == 1, name
        assert one(there, "soukatsu_mode", "normal") == 1

        done = subprocess.run([os.path.join(lib.BUILD, "soukatsu"), "--data", hub.data, "metrics"],
                              capture_output=True, timeout=60, env=dict(os.environ, LC_ALL="C"))
        assert done.returncode == 0, done
        printed = done.stdout.decode()
        assert set(parse(printed)) == set(there)
        for word in ("例", "honkan", "東社協", "tvac"):
            assert word not in printed, word
        for at in (site, hub):
            assert at.end() == 0
        # After a start the last contact is still known (to the hour), and nothing waits.
        site.start()
        assert abs(one(figures(site), "soukatsu_hub_contact_timestamp_seconds") - time.time()) < 4000
        assert site.end() == 0
        print(f"{len(there)} metrics, {sum(len(samples) for _, samples in there.values())} samples at the hub")


main()

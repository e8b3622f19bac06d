"""W1 to W6 of the bars from one run on one machine, each beside its floor.

Makes everything from one seed, runs real daemons over real TLS on loopback, prints one table and ends by itself
within ten minutes. It reports and decides nothing: status 0 means that every row was measured.

Sites' replicas lie in memory (/dev/shm where there is one), since each site has a disk of its own; the hub's and
what W4 and the floors write lie on the disk of the temporary folder (TMPDIR).
"""
import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.setdefault("SOU_BUILD", os.path.join(TOP, "build", "release"))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))
import lib  # noqa: E402  (needs SOU_BUILD)

BY = "鈴木例"
SIGNATURES_A_CHANGE = 64  # W1's bytes: that many beside the texts


def figures(name, *args, **more):
    """A bench program's figures; its words go to standard error when it fails."""
    command = [os.path.join(BUILD, "tests", name), *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return parse(done.stdout)


def parse(text):
    lines = (line.split("\t") for line in text.splitlines() if line.startswith("figure\t"))
    return {name: float(value) for _, name, value in lines}


class World:
    """Data directories of one seed, and a real hub on them."""

    def __init__(self, root, shm, name, entries=0, cells=62, sites=0, links=0, own=0, projects=0):
        self.sites = os.path.join(shm, name)
        self.disk = os.path.join(root, name)
        os.mkdir(self.sites, 0o700)
        os.mkdir(self.disk, 0o700)
        self.figures = figures("bench_world", self.sites, entries, cells, sites, links, own)
        for part in ("hub", "hub.state"):
            shutil.move(os.path.join(self.sites, part), os.path.join(self.disk, part))
        self.hub = lib.Site(self.disk, "hub")
        self.hub.start("--listen", "127.0.0.1:0")
        if projects:
            plan = os.path.join(self.disk, "plan.json")
            with open(plan, "w") as out:
                json.dump(plan_of(projects), out)
            self.hub.cli("plan", "import", plan, "--by", BY)

    def address(self):
        return f"127.0.0.1:{self.hub.port}"

    def rss_kib(self):
        with open(f"/proc/{self.hub.process.pid}/status") as status:
            return int(next(line for line in status if line.startswith("VmRSS")).split()[1])

    def end(self):
        if self.hub.process is not None:
            self.hub.end(signal.SIGTERM)
        shutil.rmtree(self.sites)
        shutil.rmtree(self.disk)


def plan_of(projects):
    """A plan for whose every project all 62 organisations are responsible."""
    with open(os.path.join(lib.DATA, "soukatsu-2023-08.json")) as file:
        plan = json.load(file)
    orgs = [{"id": f"org{i}", "role": "partner" if i else "lead"} for i in range(62)]
    plan["projects"] = [{"id": f"project-{i}", "pillar": "IV", "order": i + 1, "title": f"事業 例 {i + 1}",
                         "plan_page": 30, "organisations": orgs} for i in range(projects)]
    return {part: plan[part] for part in ("plan", "round", "pillars", "projects")}


class Bench:
    def __init__(self, quick, root, shm):
        self.quick, self.root, self.shm = quick, root, shm
        self.rows, self.floor = [], {}

    def row(self, key, what, value, unit, bar=None, floor=None, floor_what="", better="less"):
        self.rows.append({"key": key, "what": what, "value": value, "unit": unit, "bar": bar, "floor": floor,
                          "floor_what": floor_what, "better": better})

    def count(self, n):
        return n // 10 if self.quick else n

    def run_floor(self):
        self.floor = figures("bench_floor", os.path.join(self.root, "floor"), self.count(1000))

    def run_w4(self):
        path = os.path.join(self.root, "w4.db")
        sizes = [self.count(10000)] + ([] if self.quick else [100000])
        for n in sizes:
            got = figures("bench_w4", n, n * 3 // 10, path, "all" if n == sizes[0] else "runs")
            floor, words = got["floor_runs_per_s"], "SQLite log + register, 1,000 a commit"
            self.row(f"w4_site_{n}", f"W4 a site takes {n:,} in runs", got["site_per_s"], "/s",
                     floor * 0.5, floor, words, "more")
            self.row(f"w4_hub_{n}", f"W4 the hub takes {n:,} in runs, every signature", got["hub_per_s"], "/s",
                     None, self.floor["verify_per_s"] * 2, "Ed25519 verifications, two cores", "more")
            if n == sizes[0]:
                self.row("w4_one", "W4 one at a time, every signature", got["one_per_s"], "/s",
                         got["floor_one_per_s"] * 0.8, got["floor_one_per_s"], "the same floor, one a commit", "more")
                self.row("w4_one_site", "W4 one at a time, at a site", got["one_site_per_s"], "/s",
                         got["floor_one_per_s"] * 0.8, got["floor_one_per_s"], "the same floor, one a commit", "more")
                self.floor["log_register_s"] = n / floor

    def run_w1_w2(self):
        changes, own = self.count(10000), self.count(1000)
        world = World(self.root, self.shm, "w1", changes, self.count(3000), 0, 0, own)
        try:
            got = figures("bench_sync", world.sites, "fresh", world.address(), changes, 0)
            log = self.floor["log_register_s"]
            words = "SQLite log + register, same rows"
            self.row("w1_first", f"W1 first records of {changes:,} changes visible", got["first_s"], "s", 0.1, log,
                     words)
            self.row("w1_all", "W1 usable = whole history, checked", got["all_s"], "s", 1.0, log, words)
            zstd = world.figures["texts_zstd_bytes"]
            self.row("w1_wire", "W1 bytes on the wire", got["wire_in"] + got["wire_out"], "B",
                     zstd + SIGNATURES_A_CHANGE * changes, zstd, "zstd 3 of the texts")
            self.row("w1_wire_change", "W1 bytes a change", (got["wire_in"] + got["wire_out"]) / changes, "B",
                     zstd / changes + SIGNATURES_A_CHANGE, zstd / changes, "zstd 3 of the texts")
            got = figures("bench_sync", world.sites, "back", world.address(), changes, own)
            self.row("w2_all", f"W2 {own:,} up and {changes:,} down, acknowledged", got["settled_s"], "s", 0.4,
                     log * (changes + own) / changes, words)
            self.row("w2_down", "W2 all that is new is visible", got["all_s"], "s", 0.4, log, words)
            self.row("w2_wire", "W2 bytes on the wire, both ways", got["wire_in"] + got["wire_out"], "B",
                     (zstd / changes + SIGNATURES_A_CHANGE) * (changes + own), zstd / changes * (changes + own),
                     "zstd 3 of the texts")
            self.daemon(world, changes)
            world.hub.end()
            world.hub.start("--listen", "127.0.0.1:0")
            time.sleep(1)
            self.row("hub_rest", f"hub at rest, {changes + own:,} entries, no links", world.rss_kib() / 1024, "MiB", 20)
        finally:
            world.end()

    def daemon(self, world, changes):
        """The same with soukatsud as the site, seen from its control socket."""
        shutil.rmtree(os.path.join(world.sites, "fresh"))
        shutil.rmtree(os.path.join(world.sites, "fresh.state"))
        again = os.path.join(world.sites, "again")
        os.mkdir(again, 0o700)
        figures("bench_world", again, 0, 62, 0, 0, 0)
        site = lib.Site(again, "fresh")
        begin = time.monotonic()
        site.start("--connect", world.address())
        try:
            while True:  # a pause between two frames looks level as well
                lib.level(site)
                took = time.monotonic() - begin
                here, there = site.digests(), world.hub.digests()
                if len(here) >= 62 and all(here[scope] == there[scope] for scope in here):
                    break
                if took > 60:
                    raise RuntimeError("W1: the digests of site and hub differ")
                time.sleep(0.01)
            self.row("w1_daemon", f"W1 as a process: start, {changes:,} changes, settled", took, "s", None,
                     self.floor["log_register_s"], "SQLite log + register, same rows")
        finally:
            site.end()

    def run_w3_w6(self, key, sites, projects, edits, links):
        """So many sites on one hub; then so many that only link. With all 62: W3."""
        world = World(self.root, self.shm, key, sites=sites, links=links, projects=projects)
        try:
            got = figures("bench_edit", world.sites, world.address(), sites, edits, projects)
            first = sites == 62
            if first:
                fan50, fan99 = self.floor["fanout_ms_p50"], self.floor["fanout_ms_p99"]
                fsync = self.floor["fsync_ms_p50"]
                words = "one fsync, relayed to 62 sockets"
                self.row("w3_hub_p50", "W3 durable at the hub, p50", got["hub_ms_p50"], "ms", None, fsync, "one fsync")
                self.row("w3_hub_p99", "W3 durable at the hub, p99", got["hub_ms_p99"], "ms", None,
                         self.floor["fsync_ms_p99"], "one fsync")
                self.row("w3_each_p50", "W3 visible at a site, p50", got["each_ms_p50"], "ms", None, fan50, words)
                self.row("w3_each_p99", "W3 visible at a site, p99", got["each_ms_p99"], "ms", None, fan99, words)
                self.row("w3_last_p50", "W3 visible at the last of 62, p50", got["last_ms_p50"], "ms", None, fan50,
                         words)
                self.row("w3_last_p99", "W3 visible at the last of 62, p99", got["last_ms_p99"], "ms", 30, fan99, words)
                self.row("w6_62", "W6 62 sites return at once", got["return_s"], "s", 0.5,
                         62 / self.floor["handshakes_per_s"], "TLS handshakes")
            if links:
                self.links(world, links, f"site{sites - 1:02}", first, projects)
        finally:
            world.end()

    def run_tls(self, links):
        """Without a session: what the network room holds for a link."""
        got = figures("tls_idle", links)
        self.row(f"w5_tls_{links}", f"W5 the same without a session, {links:,} links", got["link_kib"], "KiB", 20,
                 self.floor["tls_kib"], "OpenSSL alone")
        self.row("w6_tls_rate", "W6 links up and answered, net room alone", got["links_per_s"], "/s", None,
                 self.floor["handshakes_per_s"], "TLS handshakes, one core for both ends", "more")

    def links(self, world, links, view, first, projects):
        before = world.rss_kib()
        command = [os.path.join(BUILD, "tests", "bench_links"), world.sites, view, world.address(), str(links)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
            lines = []
            for line in run.stdout:
                lines.append(line)
                if line == "up\n":
                    break
            held = (world.rss_kib() - before) / links
            run.stdin.close()
            if run.wait(120) != 0 or lines[-1:] != ["up\n"]:
                raise RuntimeError(f"bench_links: {run.returncode}: {lines}")
        got = parse("".join(lines))
        scopes = projects + 2  # authority, plan
        if first or links > 100:
            self.row(f"w5_{links}", f"W5 hub's memory a link, {links:,} idle links", held, "KiB", 20,
                     self.floor["tls_kib"], "OpenSSL alone")
            self.row(f"w6_{links}", f"W6 {links:,} sites return at once", got["return_s"], "s",
                     5 if links == 2000 else None, links / self.floor["handshakes_per_s"], "TLS handshakes")
        self.row(f"w6_bytes_{scopes}", f"W6 bytes of a return, {scopes} scopes", got["frames_in"] + got["frames_out"],
                 "B", 512 if scopes == 5 else None)
        self.row(f"w6_tls_{scopes}", f"W6 with handshake and TLS, {scopes} scopes",
                 got["return_in"] + got["return_out"], "B")
        if first:
            self.row("w6_rounds", "W6 round trips after the handshake", got["round_trips"], "", 1)

    def run(self):
        steps = [("floors", self.run_floor), ("W4", self.run_w4), ("W1, W2", self.run_w1_w2),
                 ("W3, W5, W6", lambda: self.run_w3_w6("w3", 62, 3, self.count(300), self.count(2000)))]
        if not self.quick:
            steps += [("W6, 40 scopes", lambda: self.run_w3_w6("w6b", 2, 38, 1, 62)),
                      ("W6, 300 scopes", lambda: self.run_w3_w6("w6c", 2, 298, 1, 62)),
                      ("W5, 10,000 links", lambda: self.run_tls(10000))]
        whole = True
        for name, step in steps:
            print(f"bench: {name}", file=sys.stderr, flush=True)
            try:
                step()
            except (RuntimeError, AssertionError, OSError, subprocess.TimeoutExpired) as fault:
                print(f"bench: {name}: {fault}", file=sys.stderr, flush=True)
                whole = False
        return whole


def number(value, unit):
    if value is None:
        return "–"
    if unit == "B":
        return f"{value:,.0f}" if value >= 1000 else f"{value:.0f}"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def table(rows):
    lines = [f"{'what':<52} {'measured':>11} {'unit':<4} {'bar':>11} {'floor':>11} {'x floor':>8}  floor is"]
    for r in rows:
        ratio = f"{r['value'] / r['floor']:.2f}" if r["floor"] else "–"
        missed = r["bar"] is not None and (r["value"] > r["bar"] if r["better"] == "less" else r["value"] < r["bar"])
        bar = ("≥ " if r["better"] == "more" else "≤ ") + number(r["bar"], r["unit"]) if r["bar"] is not None else "–"
        lines.append(f"{r['what']:<52} {number(r['value'], r['unit']):>11} {r['unit']:<4} {bar:>11} "
                     f"{number(r['floor'], r['unit']):>11} {ratio:>8}  {r['floor_what']}{'  *' if missed else ''}")
    return "\n".join(lines)


def machine():
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) // 1048576
    return f"{os.cpu_count()} cores, {memory} GiB, Linux {platform.machine()}"


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=TOP, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def main():
    arguments = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="a tenth of the counts, no 10,000 links")
    arguments.add_argument("--json", action="store_true", help="the same as one object")
    arguments.add_argument("-o", metavar="FILE", help="write there instead of to standard output")
    options = arguments.parse_args()
    shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    begin, load = time.monotonic(), os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="soukatsu-bench-") as root, \
            tempfile.TemporaryDirectory(prefix="soukatsu-bench-", dir=shm) as memory:
        bench = Bench(options.quick, root, memory)
        whole = bench.run()
    after = os.getloadavg()
    head = {"date": time.strftime("%Y-%m-%d %H:%M"), "commit": commit(), "machine": machine(),
            "load_before": load[0], "load_after": after[0], "seconds": round(time.monotonic() - begin),
            "quick": options.quick, "floors": bench.floor, "rows": bench.rows}
    out = open(options.o, "w") if options.o else sys.stdout
    if options.json:
        json.dump(head, out, ensure_ascii=False, indent=1)
        print(file=out)
    else:
        print(f"{head['date']}, commit {head['commit']}, {head['machine']}; load {load[0]:.1f} before, {after[0]:.1f} "
              f"after; {head['seconds']} s{', quick' if options.quick else ''}\n", file=out)
        print(table(bench.rows), file=out)
        print("\n* past its bar. The load of the machine counts in: what one run says, and no verdict.", file=out)
    return 0 if whole else 1


sys.exit(main())

"""Full disks, end to end (R21): hub and site each on a small file system of their own, in mount namespaces that
end with the test. Less and less room: said, then nothing is taken but authority, for which the reserve goes; what
is there is read and served and no link ends; room again, and all goes on by itself.
"""
import ctypes
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lib

MIB = 1 << 20
MS_REMOUNT, CLONE_NEWNS, CLONE_NEWUSER = 32, 0x20000, 0x10000000
libc = ctypes.CDLL(None, use_errno=True)


def mount(path, size_bytes, flags=0):
    data = f"size={size_bytes},mode=0700".encode()
    if libc.mount(b"tmpfs", path.encode(), b"tmpfs", flags, data) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)


def own_namespace():
    """Mounts of this process are seen by it and its children alone. None, or why that is not permitted here."""
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNS) != 0:
        if libc.unshare(CLONE_NEWNS | CLONE_NEWUSER) != 0:
            return f"unshare: {os.strerror(ctypes.get_errno())}"
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w") as f:
                f.write(text)
    private = (1 << 18) | 16384  # MS_PRIVATE | MS_REC: nothing gets out
    if libc.mount(b"none", b"/", None, private, None) != 0:
        return f"mount: {os.strerror(ctypes.get_errno())}"
    try:
        with tempfile.TemporaryDirectory() as root:
            mount(root, MIB)
            libc.umount(root.encode())
    except OSError as error:
        return f"mount: {error}"
    return None


def leave(site, free_bytes):
    """Make the site's disk so small that so much is free."""
    fs = os.statvfs(site.data)
    mount(site.data, (fs.f_blocks - fs.f_bfree) * fs.f_frsize + free_bytes, MS_REMOUNT)


def until(what, check, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = check()
        if got:
            return got
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {seconds} s")


def disk(site):
    return lib.status(site)["disk"]


def refused(site, text, id_):
    code, answer = lib.add(site, text)
    assert code == 503 and answer["error"]["id"] == id_ and answer["error"]["rule"] == "R21", (code, answer)
    assert text not in texts(site), "R21 what was refused must not be there"


def texts(site):
    return {item["text"] for item in lib.items(site)}


def saved(site, text):
    code, answer = lib.add(site, text)
    assert code == 200, answer


def invite(hub, name):
    """An authority op."""
    hub.cli("invite", "--org", "tvac", "--name", name, "--role", "editor", "--by", "例", passphrase=True)
    return lib.status(hub)["authority"]["ops"]


def connected(hub):
    code, answer = hub.call("GET", "/v1/sites")
    assert code == 200, answer
    return {s["name"] for s in answer["sites"] if s["connected"]}


def words(site, *args):
    """(status, what a person reads)."""
    done = subprocess.run([os.path.join(lib.BUILD, "soukatsu"), "--data", site.data, *args], capture_output=True,
                          timeout=60, env=dict(os.environ, LC_ALL="ja_JP.UTF-8"))
    return done.returncode, (done.stdout + done.stderr).decode()


def site_full(hub, a, b):
    saved(a, "例 最初")
    lib.level(a)
    assert disk(a)["state"] == "ok" and disk(a)["reserve"], disk(a)

    leave(a, 300 * MIB)
    assert disk(a)["state"] == "low", disk(a)
    assert re.search(r"空き容量が少なくなっています \((299|300) MiB\)", words(a, "status")[1])
    saved(a, "例 少ないとき")

    code, _ = a.call("POST", "/v1/sync/pause", {})
    assert code == 200
    saved(a, "例 送る前に一杯になった")
    leave(a, 40 * MIB)
    assert disk(a)["state"] == "read_only" and disk(a)["reserve"], disk(a)
    refused(a, "例 一杯のとき", "replica.read_only")
    code, text = words(a, "status")
    assert code == 0 and re.search(r"空き容量が足りず、書き込みを止めています \((39|40) MiB\)", text), text
    code, text = words(a, "item", "add", "corporate-volunteering", "next", "--text", "例", "--by", "例")
    assert code == os.EX_IOERR and re.search("書き込みを止めています（残り (39|40) MiB）", text), (code, text)
    assert "つぎに: " in text, text
    code, answer = a.call("POST", "/v1/rounds/2023-08/close", {"by": "例"})
    assert code == 503 and answer["error"]["id"] == "replica.read_only", answer

    # It reads, serves and takes authority; what others write is refused, and no link ends for it.
    code, _ = a.call("POST", "/v1/sync/resume", {})
    assert code == 200
    until("R21 a full site serves", lambda: "例 送る前に一杯になった" in texts(hub))
    saved(b, "例 ほかの拠点から")
    lib.level(b)
    ops = invite(hub, "予備1")
    until("R21 authority is taken", lambda: lib.status(a)["authority"]["ops"] == ops)
    assert "例 ほかの拠点から" not in texts(a)
    assert disk(a)["reserve"], "given up too early"

    leave(a, 8 * MIB)
    ops = invite(hub, "予備2")
    until("R21 authority is taken into the reserve", lambda: lib.status(a)["authority"]["ops"] == ops)
    now = disk(a)
    assert now["state"] == "read_only" and not now["reserve"], now
    assert not os.path.exists(os.path.join(a.data, "reserve"))
    assert "honkan" in connected(hub) and lib.status(a)["link"]["state"] == "connected", "R21 no link ends for it"

    leave(a, 0)
    refused(a, "例 まったくないとき", "replica.read_only")
    invite(hub, "予備3")
    time.sleep(1)
    assert {"例 最初", "例 少ないとき", "例 送る前に一杯になった"} <= texts(a), "R21 what is stored is read"

    leave(a, 1200 * MIB)
    until("R21 by itself", lambda: disk(a)["state"] == "ok" and disk(a)["reserve"])
    until("R21 what was refused comes", lambda: "例 ほかの拠点から" in texts(a))
    until("R21 normal", lambda: lib.status(a)["mode"] == "normal")
    saved(a, "例 空きが戻った")
    for s in (a, b, a):
        lib.level(s)
    assert lib.status(a)["authority"]["ops"] == lib.status(hub)["authority"]["ops"]
    assert texts(a) == texts(b) == texts(hub), "equal at the end"
    assert "例 一杯のとき" not in texts(hub) and "例 まったくないとき" not in texts(hub)


def hub_full(hub, a, b):
    leave(hub, 40 * MIB)
    assert disk(hub)["state"] == "read_only", disk(hub)
    saved(a, "例 本部が一杯")
    until("R21 refused by the hub", lambda: lib.status(a)["link"]["refusal"])
    assert lib.status(a)["link"]["refusal"].startswith("read-only"), lib.status(a)["link"]
    state = lib.status(a)
    assert state["counts"]["queued"] >= 1 and state["link"]["state"] == "connected", state
    assert {"honkan", "bunshitsu"} <= connected(hub), "R21 no link ends for it"
    code, answer = hub.call("POST", "/v1/rounds/2023-08/close", {"by": "例"})
    assert code == 503 and answer["error"]["id"] == "replica.read_only", answer
    ops = invite(hub, "予備4")  # the hub's own authority op is taken, and reaches the sites
    until("R21 authority goes on", lambda: lib.status(b)["authority"]["ops"] == ops)
    leave(hub, 1200 * MIB)
    until("R21 what was refused comes", lambda: "例 本部が一杯" in texts(hub))
    for s in (a, b, a):
        lib.level(s)
    assert texts(a) == texts(b) == texts(hub)
    here, there = a.digests(), hub.digests()
    assert here["org/tvac"] == there["org/tvac"], (here, there)


def main():
    why = own_namespace()
    if why is not None:
        print(f"skipped: no file system can be mounted here ({why})")
        return
    with tempfile.TemporaryDirectory() as root:
        mounted = [os.path.join(root, name) for name in ("hub", "honkan")]
        for path in mounted:
            os.mkdir(path, 0o700)
            mount(path, 1200 * MIB)
        try:
            hub, (a, b) = lib.network(root, [("honkan", "tvac"), ("bunshitsu", "tvac")])
            site_full(hub, a, b)
            hub_full(hub, a, b)
            for site in (a, b, hub):
                assert site.end() == 0
                site.cli("verify")
        finally:
            for path in mounted:
                libc.umount2(path.encode(), 2)  # MNT_DETACH
    print("full disks: site and hub, each said, refused, served, and went on by itself")


main()

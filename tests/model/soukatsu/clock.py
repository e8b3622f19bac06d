"""Hybrid logical clock (P10.9, R15): milliseconds × 65,536 + counter."""
AHEAD_MS_MAX = 10 * 60 * 1000


def own(last, wall_ms):
    """The next hlc of this site; a full counter carries into the milliseconds by itself."""
    return max(last + 1, wall_ms << 16)


def received(last, hlc, wall_ms):
    """The local clock after an entry with `hlc` came in."""
    return max(last, hlc) if (hlc >> 16) <= wall_ms + AHEAD_MS_MAX else last

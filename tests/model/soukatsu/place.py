"""Place keys (P7.7): where something stands in its list."""
PLACE_BYTES_MAX = 64
SUFFIX_BYTES = 4


def between(low, high, entity):
    """The place of `entity` between two neighbours' places; None: nothing on that side.

    None is given where 64 bytes do not hold one: then a neighbour is placed anew first.
    """
    for n in range(1, PLACE_BYTES_MAX - SUFFIX_BYTES + 1):
        lo = int.from_bytes((low or b"")[:n].ljust(n, b"\0"), "big")
        hi = 256 ** n if high is None else int.from_bytes(high[:n].ljust(n, b"\0"), "big")
        mid = (lo + hi) // 2
        if mid % 256 == 0:
            mid += 1
        if lo < mid < hi:
            return mid.to_bytes(n, "big") + entity[:SUFFIX_BYTES]
    return None

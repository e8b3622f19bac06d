"""What make_vectors.py writes: one function for each file of tests/vectors/, all from fixed seeds."""


def hexed(x):
    """Bytes as hex text, all through lists, tuples and dicts."""
    if isinstance(x, (bytes, bytearray)):
        return bytes(x).hex()
    if isinstance(x, dict):
        return {k: hexed(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [hexed(v) for v in x]
    return x

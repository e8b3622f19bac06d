"""P2: the canonical reader against python3-msgpack as an oracle, and each bound at it and one past."""
import random
import unittest

import msgpack

import lib
from soukatsu import Refused, mp


def any_value(r, depth=0):
    n = r.randrange(12 if depth < 4 else 9)
    if n == 0:
        return None
    if n < 4:
        return r.choice(
            [
                0,
                1,
                31,
                127,
                128,
                255,
                256,
                65535,
                65536,
                2**32 - 1,
                2**32,
                2**64 - 1,
                -1,
                -32,
                -33,
                -128,
                -129,
                -32768,
                -32769,
                -(2**31),
                -(2**31) - 1,
                -(2**63),
                r.getrandbits(40),
            ]
        )
    if n < 6:
        return "".join(r.choice("aé漢𠮷㌻ ") for _ in range(r.choice([0, 1, 3, 31, 32, 80, 255, 256])))
    if n < 9:
        return r.randbytes(r.choice([0, 1, 16, 32, 255, 256, 65535, 65536] if r.random() < 0.1 else [0, 1, 16, 32]))
    return [any_value(r, depth + 1) for _ in range(r.choice([0, 1, 2, 15, 16]) if depth else r.randrange(4))]


class Bytes(unittest.TestCase):
    def test_against_msgpack(self):
        r = random.Random(1)
        for _ in range(3000):
            x = any_value(r)
            self.assertEqual(mp.encode(x), msgpack.packb(x, use_bin_type=True))
            self.assertEqual(mp.decode(mp.encode(x)), x)

    def test_what_is_accepted_encodes_to_itself(self):
        """P2.5, over bytes that are nearly right."""
        r = random.Random(2)
        accepted = 0
        for _ in range(20000):
            raw = bytearray(mp.encode(any_value(r))[:200])
            for _ in range(r.randrange(3)):
                if raw:
                    raw[r.randrange(len(raw))] = r.choice([r.randrange(256), 0xC4, 0xD9, 0xCC, 0x90, 0xDC, 0xC0])
            try:
                x = mp.decode(raw)
            except Refused:
                continue
            accepted += 1
            self.assertEqual(mp.encode(x), bytes(raw))
        self.assertGreater(accepted, 2000)

    def test_truncations(self):
        raw = mp.encode([None, 300, -300, "é" * 40, bytes(300), [[[]]], 2**40])
        for n in range(len(raw)):
            with self.assertRaises(Refused):
                mp.decode(raw[:n])
        with self.assertRaises(Refused):
            mp.decode(raw + b"\0")

    def test_bounds(self):
        mp.decode(mp.encode("a" * 8192))
        with self.assertRaises(Refused):
            mp.decode(b"\xda\x20\x01" + b"a" * 8193)
        mp.decode(b"\x91\x91\x91\x90")
        with self.assertRaises(Refused):
            mp.decode(b"\x91\x91\x91\x91\x90")
        for value in ("a" * 8193, "\0", [[[[[]]]]], True, 1.5, {}, 2**64, -(2**63) - 1):
            with self.assertRaises(ValueError):
                mp.encode(value)


if __name__ == "__main__":
    lib.main()

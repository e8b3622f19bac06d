"""The vectors of tests/vectors/ are what make_vectors.py would write now (P: every section that has bytes)."""
import json
import os
import unittest

import lib
import make_vectors


class Vectors(unittest.TestCase):
    def test_fresh(self):
        self.assertEqual(make_vectors.stale(), [], "run tests/model/make_vectors.py")

    def test_a_stale_file_is_noticed(self):
        name, make = "clocks", make_vectors.FILES["clocks"]
        made = make()
        made["own"][0]["own"] = "0"
        with open(os.path.join(lib.VECTORS, name + ".json"), encoding="utf-8") as f:
            self.assertNotEqual(f.read(), make_vectors.text_of(made))

    def test_each_row_names_its_rule(self):
        for name in make_vectors.FILES:
            with open(os.path.join(lib.VECTORS, name + ".json"), encoding="utf-8") as f:
                for part in json.load(f).values():
                    for row in part if isinstance(part, list) and part and isinstance(part[0], dict) else []:
                        self.assertRegex(row["name"], r"^P\d+(\.\d+)? ", name)


if __name__ == "__main__":
    lib.main()

"""What the Python tests share: where things are, and the long tier (SOU_LONG=1 or --long)."""
import os
import sys
import unittest

ROOT = os.environ.get("SOU_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VECTORS = os.path.join(ROOT, "tests", "vectors")
BUILD = os.environ.get("SOU_BUILD") or os.path.join(ROOT, "build")
LONG = os.environ.get("SOU_LONG") == "1"


def main():
    global LONG
    if "--long" in sys.argv:
        sys.argv.remove("--long")
        LONG = True
    unittest.main(module="__main__")

"""A peer with real, enrolled keys that breaks the rules: one row each (R1 to R18), entered by importing them."""
import deeds
import keys_entry  # noqa: F401
import keys_peer  # noqa: F401

CASES = deeds.CASES

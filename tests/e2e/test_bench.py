"""tests/bench/run --quick comes to its end, tells every row, and none is past ten times its bound. Under sanitizers
the rows are looked at alone: their figures say nothing of the product.
"""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lib

ROWS = {
    "w1_first", "w1_all", "w1_wire", "w1_wire_change", "w1_daemon", "w2_all", "w2_down", "w2_wire", "w3_hub_p50",
    "w3_hub_p99", "w3_each_p50", "w3_each_p99", "w3_last_p50", "w3_last_p99", "w4_site_1000", "w4_hub_1000", "w4_one",
    "w4_one_site", "w5_200", "w6_62", "w6_200", "w6_bytes_5", "w6_tls_5", "w6_rounds", "hub_rest"}
TIMES = 10  # bars.md: a test may use ten times a bound as a ceiling


def sanitized():
    with open(os.path.join(lib.BUILD, "CMakeCache.txt")) as cache:
        return any(line.startswith("SOU_SANITIZE:") and line.strip().split("=")[1] for line in cache)


def main():
    done = subprocess.run([os.path.join(lib.TOP, "tests", "bench", "run"), "--quick", "--json"], capture_output=True,
                          text=True, timeout=850, env=dict(os.environ, SOU_BUILD=lib.BUILD))
    assert done.returncode == 0, done.stderr[-3000:]
    rows = {row["key"]: row for row in json.loads(done.stdout)["rows"]}
    assert set(rows) == ROWS, set(rows) ^ ROWS
    for key, row in rows.items():
        print(f"{key:16} {row['value']:12.3f} {row['unit']}")
        assert row["value"] > 0, key
        if row["bar"] is None or sanitized():
            continue
        if row["better"] == "less":
            assert row["value"] <= row["bar"] * TIMES, row
        else:
            assert row["value"] >= row["bar"] / TIMES, row


main()

#!/usr/bin/env bash
# test_seeds.sh - SOU_SIM_SEEDS seeds (300) of at least 2,000 events and six replicas, on two cores, and twenty
# of them twice: equal traces. Seeds that once failed (seeds.txt) run first.
set -euo pipefail
sim=$SOU_BUILD/tests/sim
count=${SOU_SIM_SEEDS:-300}
first=${SOU_SIM_FIRST:-1}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
while read -r seed _; do
	case $seed in '' | \#*) continue ;; esac
	"$sim" "$seed" || exit 1
done <"$SOU_SOURCE/tests/sim/seeds.txt"
half=$((count / 2))
"$sim" "$first" "$half" >"$out/a" &
a=$!
status=0
"$sim" $((first + half)) $((count - half)) >"$out/b" || status=1
wait "$a" || status=1
grep -h -B0 -A1 -v ' ok$' "$out/a" "$out/b" | grep -v '^--$' || true
[ "$status" = 0 ] || exit 1
twice=$((count < 20 ? count : 20))
"$sim" "$first" "$twice" | grep '^seed ' | sed 's/ events.*//' >"$out/second"
grep -h '^seed ' "$out/a" "$out/b" | sed 's/ events.*//' | head -n "$twice" | diff - "$out/second"
echo "$twice seeds twice: equal traces"

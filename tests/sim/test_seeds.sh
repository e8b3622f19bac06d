#!/usr/bin/env bash
# test_seeds.sh - SOU_SIM_SEEDS seeds (300) of at least 2,000 events and six replicas, on two cores, and twenty
# of them twice: equal traces. Seeds that once failed (seeds.txt) run first. Prints how often each kind of fault
# and happening came up, and fails when one came up too rarely for so many seeds (SIM_MARKS in sim.h).
set -euo pipefail
sim=$SOU_BUILD/tests/sim
count=${SOU_SIM_SEEDS:-300}
first=${SOU_SIM_FIRST:-1}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
while read -r seed _; do
	case $seed in '' | \#*) continue ;; esac
	"$sim" "$seed" | { grep -v '^mark' || true; }
done <"$SOU_SOURCE/tests/sim/seeds.txt"
half=$((count / 2))
"$sim" "$first" "$half" >"$out/a" &
a=$!
status=0
"$sim" $((first + half)) $((count - half)) >"$out/b" || status=1
wait "$a" || status=1
grep -hv ' ok$\|^mark' "$out/a" "$out/b"
# What happened, over all seeds; a kind that should have come up over so many and did not is a failure.
cat "$out/a" "$out/b" | awk -v seeds="$count" '
	$1 == "mark" {
		if (!($2 in times)) order[n++] = $2
		times[$2] += $3; in_seeds[$2] += $4; share[$2] = $5
		what[$2] = $6; for (i = 7; i <= NF; i++) what[$2] = what[$2] " " $i
	}
	END {
		for (i = 0; i < n; i++) {
			m = order[i]; least = int(share[m] * seeds / 1000)
			low = in_seeds[m] < least
			bad += low
			mark = low ? " TOO RARE:" : ""
			printf "%7d in %3d seeds (least %3d)%s %s\n", times[m], in_seeds[m], least, mark, what[m]
		}
		if (n == 0) { print "no marks"; bad = 1 }
		exit bad > 0
	}' || status=1
echo "not covered: a hostile hub, mixed versions, a full disk, read errors, branches of authority, root ops"
[ "$status" = 0 ] || exit 1
twice=$((count < 20 ? count : 20))
"$sim" "$first" "$twice" | grep '^seed ' | sed 's/ events.*//' >"$out/second"
grep -h '^seed ' "$out/a" "$out/b" | sed 's/ events.*//' | sed -n "1,${twice}p" | diff - "$out/second"
echo "$twice seeds twice: equal traces"

#!/usr/bin/env bash
# test_seeds.sh - SOU_SIM_SEEDS seeds (300) from SOU_SIM_FIRST (1) on, of at least 2,000 events and six replicas, on
# two cores, and SOU_SIM_TWICE (20) of them twice: equal traces. Seeds that once failed (seeds.txt) run first. Prints
# how often each kind of fault and happening came up, and fails when one came up too rarely for so many seeds
# (SIM_MARKS in sim.h).
set -euo pipefail
sim=$SOU_BUILD/tests/sim
count=${SOU_SIM_SEEDS:-300}
first=${SOU_SIM_FIRST:-1}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
# In pieces of 100, two at a time. SOU_SIM_STATE, a folder, keeps the pieces that are done, for this very program
# alone: a run that stopped goes on there.
done_in=$out
if [ -n "${SOU_SIM_DONE:-}" ]; then # a piece
	done_in=$SOU_SIM_DONE
elif [ -n "${SOU_SIM_STATE:-}" ]; then
	done_in=$SOU_SIM_STATE/$(sha256sum "$sim" | cut -c 1-16)
	mkdir -p "$done_in"
fi
piece() { # piece FIRST COUNT
	[ ! -e "$done_in/$1-$2" ] || return 0
	"$sim" "$1" "$2" >"$done_in/$1-$2.part" || true # what failed stands in it
	mv "$done_in/$1-$2.part" "$done_in/$1-$2"
}
if [ "${1:-}" = piece ]; then
	piece "$2" "$3"
	exit
fi
while read -r seed _; do
	case $seed in '' | \#*) continue ;; esac
	"$sim" "$seed" | { grep -v '^mark' || true; }
done <"$SOU_SOURCE/tests/sim/seeds.txt"
size=$((count < 200 ? (count + 1) / 2 : 100))
pieces=()
for ((at = first; at < first + count; at += size)); do
	pieces+=("$at $((first + count - at < size ? first + count - at : size))")
done
SOU_SIM_DONE=$done_in
export SOU_SIM_DONE
printf '%s\n' "${pieces[@]}" | xargs -P 2 -L 1 bash "$0" piece
status=0
results=()
for one in "${pieces[@]}"; do results+=("$done_in/${one/ /-}"); done
if grep -hv ' ok$\|^mark\|^seeds ' "${results[@]}"; then status=1; fi
grep -h '^seeds ' "${results[@]}" | awk -v count="$count" '
	{ for (i = 2; i <= NF; i += 2) sum[$(i - 1)] += $i }
	END {
		print "seeds", sum["seeds"], "failed", sum["failed"], "events", sum["events"], "acts", sum["acts"]
		exit sum["seeds"] != count # a run that ended in the middle
	}' || status=1
# What happened, over all seeds; a kind that should have come up over so many and did not is a failure.
cat "${results[@]}" | awk -v seeds="$count" '
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
again=${SOU_SIM_TWICE:-20}
twice=$((count < again ? count : again))
"$sim" "$first" "$twice" | grep '^seed ' | sed 's/ events.*//' >"$out/second"
grep -h '^seed ' "${results[@]}" | sed 's/ events.*//' | sed -n "1,${twice}p" | diff - "$out/second"
echo "$twice seeds twice: equal traces"

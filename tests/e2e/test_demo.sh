#!/usr/bin/env bash
# test_demo.sh - config/demo.sh does what it says and leaves nothing behind; a wrong argument is refused.
set -euo pipefail
export TMPDIR
TMPDIR=$(mktemp -d)
last=''
trap 'eval "$last"; rm -rf "$TMPDIR"' EXIT
"$SOU_SOURCE/config/demo.sh" >"$TMPDIR/out" 2>&1 || {
	tail -n 40 "$TMPDIR/out"
	exit 1
}
grep -q 'できました' "$TMPDIR/out"
grep -q '（地域福祉部）' "$TMPDIR/out"
[ "$(find "$TMPDIR" -mindepth 1 ! -name out | wc -l)" = 0 ] || {
	echo "the demo left something behind"
	exit 1
}
# --keep: the commands that it prints work, and the last of them takes all away.
"$SOU_SOURCE/config/demo.sh" --keep >"$TMPDIR/out" 2>&1 </dev/null || {
	tail -n 40 "$TMPDIR/out"
	exit 1
}
sed -n '/^.*動かし続けます/,$p' "$TMPDIR/out" | sed -n 's/^  \(soukatsu\|export\) /\1 /p' >"$TMPDIR/commands"
last=$(sed -n 's/^  \(kill [0-9 ]*; sleep 1; rm -rf .*\)/\1/p' "$TMPDIR/out")
[[ $last == "kill "*"$TMPDIR"/* ]]
[ "$(wc -l <"$TMPDIR/commands")" -ge 10 ]
bash -e "$TMPDIR/commands" >"$TMPDIR/went" 2>&1 || {
	cat "$TMPDIR/went"
	failed=yes
}
eval "$last"
last=''
[ -z "${failed:-}" ]
[ "$(find "$TMPDIR" -mindepth 1 -maxdepth 1 -type d | wc -l)" = 0 ]
status=0
"$SOU_SOURCE/config/demo.sh" --wrong >/dev/null 2>&1 || status=$?
[ "$status" = 64 ]

#!/usr/bin/env bash
# test_demo.sh - config/demo.sh does what it says and leaves nothing behind; a wrong argument is refused.
set -euo pipefail
export TMPDIR
TMPDIR=$(mktemp -d)
trap 'rm -rf "$TMPDIR"' EXIT
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
status=0
"$SOU_SOURCE/config/demo.sh" --wrong >/dev/null 2>&1 || status=$?
[ "$status" = 64 ]

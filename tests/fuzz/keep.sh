#!/usr/bin/env bash
# keep.sh NAME [FOLDER...] - makes tests/fuzz/corpus/NAME the smallest set of inputs, of it and of the folders
# (build/run/corpus/NAME where none is given), that reaches every edge that they reach. Needs the preset fuzz.
set -euo pipefail
cd "$(dirname "$0")/../.."
name=${1:?which fuzz target}
shift
corpus=tests/fuzz/corpus/$name
kept=$(mktemp -d)
trap 'rm -rf "$kept"' EXIT
mkdir -p "$corpus"
[ $# -gt 0 ] || set -- "build/run/corpus/$name"
"build/fuzz/tests/fuzz_$name" -set_cover_merge=1 -use_counters=0 "$kept" "$corpus" "$@" 2>&1 | tail -n 1
find "$corpus" -type f -delete
mv "$kept"/* "$corpus"
du -sb "$corpus"

#!/usr/bin/env bash
# run.sh [N|all|NAME...] - plants one defect at a time in a copy of the tree and sees that the tests that
# claim to catch it fail. Every *.patch here must still apply; N of them (default 5) are built and run,
# others with each commit. Exit 0 only when all apply and all that ran were caught.
#
# A patch begins with these lines, then what `git diff` prints:
#   Rule: R9                      the rule that it breaks
#   Caught-by: ^proto/merge$      regular expression of the ctest names, of which one must fail
#   Preset: asan                  optional; debug when it is left out
#   What: one sentence
set -euo pipefail
cd "$(dirname "$0")/../.."
top=$PWD
work=$top/build/defects
copy=$work/source
patches=${SOU_DEFECTS_DIR:-$top/tests/defects}
export SOU_SIM_SEEDS=${SOU_DEFECT_SEEDS:-200} SOU_KILLS=5
export SOU_FAULT_STEP=${SOU_FAULT_STEP:-1} LC_ALL=C.UTF-8

git_here() { git -c safe.directory='*' "$@"; }

# The copy follows the tree; only files that differ are touched, so that builds stay incremental.
mirror() {
	mkdir -p "$copy"
	local file
	git_here ls-files -co --exclude-standard | while IFS= read -r file; do
		[ -f "$file" ] || continue
		cmp -s "$file" "$copy/$file" || cp --parents --preserve=mode "$file" "$copy/"
	done
	(cd "$copy" && find . -type f -printf '%P\n') | while IFS= read -r file; do
		[ -f "$top/$file" ] || rm -f "$copy/$file"
	done
}

header() { sed -n "/^diff --git/q; s/^$2: *//p" "$1" | head -n 1; }

# In the copy there is no repository, so git apply works on plain files.
apply() { (cd "$copy" && GIT_CEILING_DIRECTORIES=$work git apply "$@"); }

build() { # build PRESET
	(cd "$copy" && cmake --preset "$1" -B "$work/$1" && cmake --build "$work/$1") >"$work/build.log" 2>&1
}

run_tests() { # run_tests PRESET REGEX: the status of ctest; 8 when a test failed
	ctest --test-dir "$work/$1" -R "$2" --no-tests=error --stop-on-failure --output-on-failure \
		>"$work/test.log" 2>&1
}

declare -A sound # "PRESET REGEX" that passes without a defect
passes_untouched() {
	[ -z "${sound["$1 $2"]:-}" ] || return 0
	build "$1" && run_tests "$1" "$2" && sound["$1 $2"]=1
}

bad=0 caught=0 ran=0
say() { # say PATCH OUTCOME [LOG]
	printf '%-34s %-6s %s\n' "$(basename "$1" .patch)" "$(header "$1" Rule)" "$2"
	[ -z "${3:-}" ] || tail -n 25 "$3" | sed 's/^/    /'
}

try() {
	local patch=$1 begin=$SECONDS preset regex
	preset=$(header "$patch" Preset)
	preset=${preset:-debug}
	regex=$(header "$patch" Caught-by)
	ran=$((ran + 1))
	if ! passes_untouched "$preset" "$regex"; then
		say "$patch" "its tests fail without it: $regex" "$work/test.log"
		return 1
	fi
	apply "$patch"
	local outcome=0
	if ! build "$preset"; then
		say "$patch" 'does not build' "$work/build.log"
		outcome=1
	elif run_tests "$preset" "$regex"; then
		say "$patch" "MISSED by $regex"
		outcome=1
	else
		say "$patch" "caught, $((SECONDS - begin)) s"
		caught=$((caught + 1))
	fi
	apply -R "$patch"
	return $outcome
}

mirror
shopt -s nullglob
all=("$patches"/*.patch)
if [ ${#all[@]} -eq 0 ]; then
	echo 'no defect is planted: there is no patch'
	exit 1
fi
for patch in "${all[@]}"; do
	for key in Rule Caught-by What; do
		[ -n "$(header "$patch" $key)" ] || { say "$patch" "has no line $key:" && bad=1; }
	done
	apply --check "$patch" 2>"$work/apply.log" || { say "$patch" 'does not apply' "$work/apply.log" && bad=1; }
done
[ $bad -eq 0 ] || exit 1

chosen=()
case ${1:-5} in
all) chosen=("${all[@]}") ;;
*[!0-9]*) for name in "$@"; do chosen+=("$patches/$name.patch"); done ;;
*)
	turn=$(git_here rev-list --count HEAD 2>/dev/null || echo $(($(date +%s) / 86400)))
	for ((i = 0; i < ${1:-5} && i < ${#all[@]}; i++)); do
		chosen+=("${all[(turn * ${1:-5} + i) % ${#all[@]}]}")
	done
	;;
esac
for patch in "${chosen[@]}"; do
	try "$patch" || bad=1
done
printf '%d of %d defects caught; %d patches apply\n' $caught $ran ${#all[@]}
exit $bad

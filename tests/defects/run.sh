#!/usr/bin/env bash
# run.sh [N|all|NAME...] - plants one defect at a time in a copy of the tree and sees that the tests that
# claim to catch it fail, or else simulated seeds. Every *.patch here must still apply; N of them (default
# 5) are built and run, others with each commit. Exit 0 only when all apply and all that ran were caught.
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

names() { # names PRESET REGEX: of the tests
	ctest --test-dir "$work/$1" -N -R "$2" | sed -n 's/^ *Test *#[0-9]*: //p'
}

# What must be linked for the tests that are named on standard input; all of it where one is a script.
targets() {
	while IFS= read -r name; do
		if [ -f "$copy/tests/${name%/*}/test_${name##*/}.c" ]; then
			printf 'test_%s\n' "${name//\//_}"
		else
			printf 'all\n'
		fi
	done | sort -u
}

build() { # build PRESET TARGET...
	local preset=$1
	shift
	cmake --build "$work/$preset" --target "$@" >"$work/build.log" 2>&1
}

configure() { (cd "$copy" && cmake --preset "$1" -B "$work/$1") >"$work/build.log" 2>&1; }

run_tests() { # run_tests PRESET REGEX: the status of ctest; 8 when a test failed
	ctest --test-dir "$work/$1" -R "$2" --no-tests=error --stop-on-failure --output-on-failure \
		>"$work/test.log" 2>&1
}

bad=0 caught=0 ran=0
say() { # say PATCH OUTCOME [LOG]
	printf '%-34s %-6s %s\n' "$(basename "$1" .patch)" "$(header "$1" Rule)" "$2"
	[ -z "${3:-}" ] || tail -n 25 "$3" | sed 's/^/    /'
}

wanted_of() { # wanted_of PATCH: sets preset and regex
	preset=$(header "$1" Preset)
	preset=${preset:-debug}
	regex=$(header "$1" Caught-by)
}

# What is claimed to catch the chosen ones passes without them: one build and one run for each preset.
pass_untouched() {
	local patch preset regex
	declare -A all_of
	for patch in "$@"; do
		wanted_of "$patch"
		all_of[$preset]+=$regex$'\n'
	done
	for preset in "${!all_of[@]}"; do
		local -a needed=() tests=()
		configure "$preset" || { cat "$work/build.log" && return 1; }
		mapfile -t tests < <(sort -u <<<"${all_of[$preset]}" | while IFS= read -r one; do
			[ -z "$one" ] || names "$preset" "$one"
		done | sort -u)
		mapfile -t needed < <(printf '%s\n' "${tests[@]}" | targets)
		if ! build "$preset" "${needed[@]}"; then
			tail -n 25 "$work/build.log"
			return 1
		fi
		if ! run_tests "$preset" "^($(IFS='|' && printf '%s' "${tests[*]}"))\$"; then
			tail -n 25 "$work/test.log"
			return 1
		fi
	done
}

# Nothing that was claimed to catch it did: does a simulated seed?
simulated() { # simulated PRESET
	build "$1" sim && ! "$work/$1/tests/sim" 1 "$SOU_SIM_SEEDS" >"$work/test.log" 2>&1
}

try() {
	local patch=$1 begin=$SECONDS preset regex
	local -a needed=()
	wanted_of "$patch"
	ran=$((ran + 1))
	mapfile -t needed < <(names "$preset" "$regex" | targets)
	if [ ${#needed[@]} -eq 0 ]; then
		say "$patch" "no test is named $regex"
		return 1
	fi
	apply "$patch"
	local outcome=0
	if ! build "$preset" "${needed[@]}"; then
		say "$patch" 'does not build' "$work/build.log"
		outcome=1
	elif ! run_tests "$preset" "$regex"; then
		say "$patch" "caught, $((SECONDS - begin)) s"
		caught=$((caught + 1))
	elif simulated "$preset"; then
		say "$patch" "caught by a simulated seed, not by $regex, $((SECONDS - begin)) s"
		caught=$((caught + 1))
	else
		say "$patch" "MISSED by $regex"
		outcome=1
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
pass_untouched "${chosen[@]}" || { echo 'the tests fail without a defect' && exit 1; }
for patch in "${chosen[@]}"; do
	try "$patch" || bad=1
done
printf '%d of %d defects caught; %d patches apply\n' $caught $ran ${#all[@]}
exit $bad

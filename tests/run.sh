#!/usr/bin/env bash
# run.sh - installs what is missing, builds with sanitizers, and passes all tests (at most 25 minutes on
# two cores). The last thing printed is ctest's summary: that of the first stage that failed, or else
# that of the main stage. Exit 0 only when every stage passed.
#
#   tests/run.sh                 every stage
#   tests/run.sh --only LABEL    one label (unit, model, sim, e2e, hostile, pack, fuzz, tidy, web) or stage (clang,
#                                tsan, release, defects)
#   tests/run.sh --long          the same tests with the large counts
#
# Counts come from the environment where it sets them, else from the tier:
#   SOU_SIM_SEEDS  simulated seeds (a tenth of them under the sanitizers)
#   SOU_KILLS      SIGKILLs of real processes (a fifth of them under the sanitizers)
#   SOU_FAULT_STEP every how many-th call fails     SOU_FUZZ_SECONDS  per fuzz target, 0: corpus only
#   SOU_DEFECTS    planted defects tried, or "all"
#   SOU_POWER_CUTS power cuts of a replica           SOU_FLIPS         bits turned, of each kind of file
set -uo pipefail
cd "$(dirname "$0")/.." || exit 70

only='' tier=quick
while [ $# -gt 0 ]; do
	case $1 in
	--only)
		only=${2:?--only needs a label}
		shift
		;;
	--long) tier=long ;;
	*)
		sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
		exit 64
		;;
	esac
	shift
done

if [ $tier = long ]; then
	seeds=${SOU_SIM_SEEDS:-20000} kills=${SOU_KILLS:-2000} slower=100
	export SOU_FAULT_STEP=${SOU_FAULT_STEP:-1} SOU_FUZZ_SECONDS=${SOU_FUZZ_SECONDS:-120}
	export SOU_DEFECTS=${SOU_DEFECTS:-all} SOU_LONG=1
	export SOU_POWER_CUTS=${SOU_POWER_CUTS:-20000} SOU_FLIPS=${SOU_FLIPS:-10000}
else
	seeds=${SOU_SIM_SEEDS:-300} kills=${SOU_KILLS:-50} slower=1
	export SOU_FAULT_STEP=${SOU_FAULT_STEP:-7} SOU_FUZZ_SECONDS=${SOU_FUZZ_SECONDS:-0}
	export SOU_DEFECTS=${SOU_DEFECTS:-5}
fi
tenth=$(((seeds + 9) / 10)) fifth=$(((kills + 4) / 5))
export LC_ALL=C.UTF-8
export UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1

logs=build/run
mkdir -p $logs
failed='' # the first stage that failed
times=()

# stage NAME COMMAND...: runs it, notes time and outcome, goes on.
stage() {
	local name=$1 begin=$SECONDS outcome=passed
	shift
	printf '\n== %s\n' "$name"
	"$@" 2>&1 | tee "$logs/$name.log"
	if [ "${PIPESTATUS[0]}" -ne 0 ]; then
		outcome=FAILED
		failed=${failed:-$name}
	fi
	times+=("$(printf '%-22s %6d s  %s' "$name" $((SECONDS - begin)) $outcome)")
	[ $outcome = passed ]
}

# Configuring and compiling are quiet unless they fail.
build() {
	local log=$logs/build-$1.log
	if cmake --preset "$1" -DSOU_TEST_SLOWER="$slower" >"$log" 2>&1 &&
		cmake --build --preset "$1" >>"$log" 2>&1; then
		tail -n 1 "$log"
		return 0
	fi
	grep -nE 'error|FAILED|CMake Error' -A 6 "$log" | head -n 60
	printf 'whole log: %s\n' "$log"
	return 1
}

tests() { # tests PRESET CTEST_ARGUMENTS...
	local preset=$1
	shift
	ctest --test-dir "build/$preset" -j "$(nproc)" --output-on-failure --no-tests=error \
		--output-junit "$PWD/$logs/$preset.xml" "$@"
}

# The label model is Python against the vectors and the programs; it needs no second compiler.
under_sanitizers() {
	SOU_SIM_SEEDS=$tenth SOU_KILLS=$fifth tests asan "$@"
}

# Each fuzz target looks for new inputs; a crash leaves its input beside the log, for the corpus.
search() {
	local source name bad=0
	for source in tests/fuzz/fuzz_*.c; do
		name=${source##*/fuzz_} name=${name%.c}
		mkdir -p "$logs/corpus/$name"
		"build/fuzz/tests/fuzz_$name" -max_total_time="$SOU_FUZZ_SECONDS" -print_final_stats=1 \
			-verbosity=0 -artifact_prefix="$logs/$name-" "$logs/corpus/$name" \
			"tests/fuzz/corpus/$name" || bad=1
	done
	return $bad
}

wanted() { [ -z "$only" ] || [ "$only" = "$1" ]; }

main_stage=ctest-asan
stage setup config/setup.sh test || true
if [ -z "$failed" ]; then
	case $only in
	'' | unit | model | e2e | hostile | fuzz | tidy | web)
		stage build-asan build asan && stage ctest-asan under_sanitizers ${only:+-L "^$only\$"}
		;;
	esac
	if wanted clang; then
		stage build-asan-clang build asan-clang && stage ctest-asan-clang tests asan-clang -L '^(unit|fuzz)$'
		[ -z "$only" ] || main_stage=ctest-asan-clang
	fi
	if wanted tsan; then
		stage build-tsan build tsan && stage ctest-tsan tests tsan -L '^tsan$'
		[ -z "$only" ] || main_stage=ctest-tsan
	fi
	if wanted release || wanted sim || wanted pack; then
		label='^(unit|sim|e2e|pack)$'
		case $only in sim | pack) label="^$only\$" ;; esac
		stage build-release build release &&
			SOU_SIM_SEEDS=$seeds SOU_KILLS=$kills stage ctest-release tests release -L "$label"
		[ -z "$only" ] || main_stage=ctest-release
	fi
	if [ "$SOU_FUZZ_SECONDS" -gt 0 ] && wanted fuzz; then
		stage build-fuzz build fuzz && stage fuzz search
	fi
	if wanted defects; then
		stage defects tests/defects/run.sh "$SOU_DEFECTS"
		[ -z "$only" ] || main_stage=defects
	fi
fi

printf '\n== stages\n'
printf '%s\n' "${times[@]}" "$(printf '%-22s %6d s' 'all' $SECONDS)"
last=${failed:-$main_stage}
printf '\n== %s%s\n' "$last" "${failed:+ FAILED}"
if [ -f "$logs/$last.log" ]; then
	grep -q 'tests passed' "$logs/$last.log" || tail -n 12 "$logs/$last.log"
	sed -n '/tests passed/,$p' "$logs/$last.log"
fi
[ -z "$failed" ]

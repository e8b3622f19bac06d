#!/usr/bin/env bash
# run.sh - installs what is missing, builds with sanitizers, and passes all tests (at most 25 minutes on
# two cores). The last thing printed is ctest's summary: that of the first stage that failed, or else
# that of the main stage. Exit 0 only when every stage passed.
#
#   tests/run.sh                 every stage
#   tests/run.sh --only LABEL    one label (unit, model, sim, e2e, hostile, pack, fuzz, tidy, web) or stage (clang,
#                                tsan, release, defects, and with --long fuzz, coverage, deep)
#   tests/run.sh --long          the same tests with the large counts
#
# Counts come from the environment where it sets them, else from the tier:
#   SOU_SIM_SEEDS  simulated seeds (a tenth of them under the sanitizers)
#   SOU_KILLS      SIGKILLs of real processes (a fifth of them under the sanitizers)
#   SOU_FAULT_STEP every how many-th call fails     SOU_FUZZ_SECONDS  per fuzz target, 0: corpus only
#   SOU_DEFECTS    planted defects tried, or "all"
#   SOU_POWER_CUTS power cuts of a replica           SOU_FLIPS         bits turned, of each kind of file
#   SOU_SIM_STATE  folder of the seeds that are done: a run that stopped goes on (--long: build/run/seeds)
#   SOU_SIM_TWICE, SOU_HISTORY_ORDERS, SOU_DIFFERENTIAL   seeds run twice; orders of each history of the model; byte
#                  strings read by us and by msgpack-c
# With --long the summary goes into docs/proof.md as well (tests/proof.py).
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
	export SOU_POWER_CUTS=${SOU_POWER_CUTS:-20000} SOU_FLIPS=${SOU_FLIPS:-10000}
	export SOU_DEFECTS=${SOU_DEFECTS:-all} SOU_LONG=1 SOU_SIM_STATE=${SOU_SIM_STATE:-$PWD/build/run/seeds}
	export SOU_SIM_TWICE=${SOU_SIM_TWICE:-200} SOU_HISTORY_ORDERS=${SOU_HISTORY_ORDERS:-20}
	export SOU_DIFFERENTIAL=${SOU_DIFFERENTIAL:-10000000}
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

# build PRESET [TARGET...]: configuring and compiling are quiet unless they fail.
build() {
	local log=$logs/build-$1.log preset=$1
	shift
	if cmake --preset "$preset" -DSOU_TEST_SLOWER="$slower" >"$log" 2>&1 &&
		cmake --build --preset "$preset" ${1:+--target} "$@" >>"$log" 2>&1; then
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

# Equal traces of the same seeds: two levels of optimisation, two compilers.
determinism() {
	local preset count=${SOU_SIM_TWICE:-20}
	for preset in release debug asan-clang; do
		build "$preset" sim || return 1
		"build/$preset/tests/sim" 1 "$count" | grep '^seed ' >"$logs/traces-$preset" || return 1
	done
	cmp "$logs/traces-release" "$logs/traces-debug" && cmp "$logs/traces-release" "$logs/traces-asan-clang" &&
		printf '%s seeds: equal traces of gcc -O2, gcc -Og and clang with sanitizers\n' "$count"
}

# A few whole programs under valgrind, which sees what is read before it was written.
valgrind_smoke() {
	local name
	build debug test_proto_{session,batch,payload,authority,merge} test_daemon_{store_store,replica_ingest} ||
		return 1
	for name in proto_session proto_batch proto_payload proto_authority proto_merge daemon_store_store \
		daemon_replica_ingest; do
		printf '%s\n' "$name"
		valgrind -q --leak-check=full --error-exitcode=9 "build/debug/tests/test_$name" \
			>"$logs/valgrind-$name.log" 2>&1 || { tail -n 30 "$logs/valgrind-$name.log" && return 1; }
	done
}

# What tests/analyzer.txt lists is looked at and no fault; leaks are left out: gcc 12 loses what stands in a struct
# that it does not see whole.
analyzer() {
	local file found=0 kind
	while IFS= read -r file; do
		gcc -std=gnu11 -I. -isystem /usr/include/p11-kit-1 -O1 -fanalyzer -Wno-analyzer-malloc-leak \
			-fdiagnostics-path-format=none -DSOU_VERSION='""' -c -o /dev/null "$file" \
			2>"$logs/analyzer.txt" || { cat "$logs/analyzer.txt" && found=1; }
		while IFS= read -r kind; do
			grep -qF "$file | $kind |" tests/analyzer.txt || { cat "$logs/analyzer.txt" && found=1; }
		done < <(grep -o 'Wanalyzer-[a-z-]*' "$logs/analyzer.txt" | sort -u)
	done < <(git ls-files 'proto/*.c' 'daemon/*.c')
	return $found
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
	if [ $tier = long ] && wanted deep; then
		stage determinism determinism
		stage valgrind valgrind_smoke
		stage analyzer analyzer
		[ -z "$only" ] || main_stage=analyzer
	fi
	if [ $tier = long ] && wanted coverage; then
		stage coverage-fuzz tests/coverage.py --fuzz
		stage coverage tests/coverage.py --tests
		[ -z "$only" ] || main_stage=coverage
	fi
	if wanted defects; then
		stage defects tests/defects/run.sh "$SOU_DEFECTS"
		[ -z "$only" ] || main_stage=defects
	fi
fi

times+=("$(printf '%-22s %6d s' 'all' $SECONDS)")
printf '\n== stages\n'
printf '%s\n' "${times[@]}" | tee "$logs/stages.txt"
[ $tier != long ] || tests/proof.py "$logs"
last=${failed:-$main_stage}
printf '\n== %s%s\n' "$last" "${failed:+ FAILED}"
if [ -f "$logs/$last.log" ]; then
	grep -q 'tests passed' "$logs/$last.log" || tail -n 12 "$logs/$last.log"
	sed -n '/tests passed/,$p' "$logs/$last.log"
fi
[ -z "$failed" ]

#!/usr/bin/env bash
# test_setup.sh - config/setup.sh against a pretended package manager: silent when all is there, installs
# exactly what is missing, and says which packages when it cannot.
set -uo pipefail
cd "$SOU_SOURCE" || exit 1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0

check() { # check NAME GOT WANT
	[ "$2" = "$3" ] && return
	printf '[%s]\n  got      %s\n  expected %s\n' "$1" "$2" "$3"
	bad=1
}

# tools NAME...: a PATH with these real tools and the pretended ones of the case.
tools() {
	rm -rf "${tmp:?}/bin"
	mkdir "$tmp/bin"
	local name
	for name in bash dirname awk grep printf mktemp rm tail env cat; do
		ln -s "$(command -v $name)" "$tmp/bin/$name"
	done
}

# pretend NAME SCRIPT: a tool that notes its call and does SCRIPT.
pretend() {
	printf '#!%s\necho "%s $*" >>"%s/calls"\n%s\n' "$(command -v bash)" "$1" "$tmp" "$2" >"$tmp/bin/$1"
	chmod +x "$tmp/bin/$1"
}

run() { # run ARGUMENTS: sets out, rc, calls
	: >"$tmp/calls"
	out=$(PATH=$tmp/bin "$(command -v bash)" config/setup.sh "$@" 2>&1)
	rc=$?
	calls=$(grep -v '^dpkg-query\|^id' "$tmp/calls")
}

all='shift 3; printf "ii  %s\n" "$@"'
but_two='shift 3; printf "ii  %s\n" "$@" | grep -v "libuv1-dev\|clang-tidy"; exit 1'

tools
pretend dpkg-query "$all"
pretend id 'echo 1000'
run
check 'all there: status' $rc 0
check 'all there: silent' "$out" ''
check 'all there: no call' "$calls" ''

pretend dpkg-query "$but_two"
run
check 'no root, no sudo: status' $rc 69
check 'no root, no sudo: says what' "$(grep -c 'libuv1-dev\|clang-tidy\|as root' <<<"$out")" 3

pretend sudo '"$@"'
pretend apt-get 'exit 0'
run
check 'sudo: status' $rc 0
check 'sudo: both calls' "$(grep -c '^sudo' <<<"$calls")" 2
check 'sudo: what' "$(grep '^apt-get install' <<<"$calls")" \
	'apt-get install -y --no-install-recommends libuv1-dev clang-tidy'

rm "$tmp/bin/sudo"
pretend id 'echo 0'
run build
check 'root, build only: status' $rc 0
check 'root, build only: what' "$calls" $'apt-get update
apt-get install -y --no-install-recommends libuv1-dev'

pretend apt-get 'echo "E: no line"; exit 100'
run
check 'apt fails: status' $rc 69
check 'apt fails: its words and the list' "$(grep -c 'E: no line\|^  libuv1-dev\|^  clang-tidy' <<<"$out")" 3

pretend dpkg-query 'shift 3; printf "rc  %s\n" "$@"'
pretend apt-get 'exit 0'
run build
check 'removed but configured is missing' "$(grep -c 'apt-get install.* build-essential .*python3' <<<"$calls")" 1

rm "$tmp/bin/dpkg-query"
run
check 'not Debian: status' $rc 69
check 'not Debian: list' "$(grep -c '^  libuv1-dev' <<<"$out")" 1

tools
run nonsense
check 'bad argument' $rc 64
exit $bad

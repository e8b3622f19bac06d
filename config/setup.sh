#!/usr/bin/env bash
# setup.sh [build|test] - installs what is missing of config/packages.txt on Debian 12, as root or with
# sudo. `build` is what building and the demo need, `test` (the default) everything. Says nothing and
# changes nothing when all is there. Exit 69 with the list when it cannot install.
set -euo pipefail
cd "$(dirname "$0")"

want=${1:-test}
case $want in
build) pattern='^build$' ;;
test) pattern='^(build|test)$' ;;
*)
	echo "usage: config/setup.sh [build|test]" >&2
	exit 64
	;;
esac
mapfile -t packages < <(awk -v p="$pattern" '$1 !~ /^#/ && $2 ~ p {print $1}' packages.txt)

refuse() {
	printf 'setup: %s. Missing packages:\n' "$1" >&2
	printf '  %s\n' "${missing[@]}" >&2
	exit 69
}

missing=("${packages[@]}")
command -v dpkg-query >/dev/null || refuse "this is not Debian; install what corresponds to these"
# shellcheck disable=SC2016
installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null |
	awk '$1 == "ii" {print $2}') || true
mapfile -t missing < <(printf '%s\n' "${packages[@]}" | grep -vxF -f <(printf '%s\n' "$installed") || true)
[ "${#missing[@]}" -gt 0 ] || exit 0

root=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || refuse "run it as root, or install sudo"
	root=(sudo)
fi
printf 'setup: installing %d packages: %s\n' "${#missing[@]}" "${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! {
	"${root[@]}" apt-get update &&
		"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
			"${missing[@]}"
} >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	refuse "apt-get failed"
fi

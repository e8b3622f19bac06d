#!/bin/sh
# changelog.sh CHANGELOG.md MAINTAINER - the same as a Debian changelog.
set -eu
export LC_ALL=C.UTF-8

close() {
	[ -z "$day" ] || printf '\n -- %s  %s\n\n' "$maintainer" "$(date -u -d "$day" '+%a, %d %b %Y 00:00:00 +0000')"
}

maintainer=$2
day=''
while IFS= read -r line; do
	case $line in
	'## '*)
		close
		version=${line#\#\# }
		day=${version#*\(}
		day=${day%\)}
		printf 'soukatsu (%s) bookworm; urgency=medium\n\n' "${version%% *}"
		;;
	'- '*) printf '%s\n' "${line#- }" | fmt -w 72 | sed '1s/^/  * /; 1!s/^/    /' ;;
	esac
done <"$1"
close

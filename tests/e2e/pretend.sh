#!/usr/bin/env bash
# pretend.sh - what docs/administration.md uses of a machine that the tests may not change, under its own name:
# apt puts the built programs below GUIDE/usr, users are nobody's, and systemctl starts and stops the daemon of
# a unit's ExecStart. GUIDE: the folder of this run; SOU_BUILD. On a machine of its own the guide is followed by
# tests/pack/test_root.py.
set -euo pipefail

# unit UNIT: its ExecStart, with the folders of this run.
unit() {
	local file=systemd/${1%.service}.service name=''
	if [[ $1 == *@* ]]; then
		name=${1#*@} file=systemd/${1%%@*}@.service
	fi
	sed -n 's/^ExecStart=//p' "$file" |
		sed "s|/usr/bin/|$GUIDE/usr/bin/|; s|/var/lib/soukatsu|$GUIDE/soukatsu|; s|%i|$name|"
}

start() {
	local -a command
	read -ra command <<<"$(unit "$1")"
	"${command[@]}" 2>>"$GUIDE/$1.log" >/dev/null &
	echo $! >"$GUIDE/$1.pid"
	until soukatsu --data "${command[2]}" status >/dev/null 2>&1; do kill -0 "$(<"$GUIDE/$1.pid")"; done
}

stop() {
	local pid
	pid=$(<"$GUIDE/$1.pid")
	rm "$GUIDE/$1.pid"
	kill "$pid"
	tail --pid="$pid" -f /dev/null
}

name=${0##*/}
case $name in
apt) cmake --install "$SOU_BUILD" --prefix "$GUIDE/usr" >/dev/null ;;
runuser)
	[ "$1 $3" = '-u --' ]
	shift 3
	exec "$@"
	;;
install)
	[ "$1 $2 $3" = '-d -m 700' ]
	shift 7
	command -p install -d -m 700 "$@"
	;;
systemd-sysusers) [ "$1" = --inline ] && [[ $2 =~ ^u\ soukatsu-[a-z]+\  ]] ;;
systemctl)
	case $1 in
	enable) [ "$2" = --now ] && start "$3" ;;
	start) start "$2" ;;
	stop) stop "$2" ;;
	restart) stop "$2" && start "$2" ;;
	reload) kill -HUP "$(<"$GUIDE/$2.pid")" ;;
	*) exit 64 ;;
	esac
	;;
*) exit 64 ;;
esac

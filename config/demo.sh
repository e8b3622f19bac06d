#!/usr/bin/env bash
# demo.sh - the main job on the real table: a hub and four sites as processes on loopback with real TLS.
#   config/demo.sh [--keep]     installs what is missing, builds, runs; --keep leaves it running
# Every check that fails ends it with status 1. Everything is cleaned up, whatever happens.
set -euo pipefail
cd "$(dirname "$0")/.."
# bash itself may not know the locale; the programs look at the names alone.
{ unset LC_ALL LC_MESSAGES && export LANG=ja_JP.UTF-8; } 2>/dev/null
keep=no
case ${1:-} in
'') ;;
--keep) keep=yes ;;
*) echo "使い方: config/demo.sh [--keep]" >&2 && exit 64 ;;
esac

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
fail() {
	printf '\n失敗: %s\n' "$*" >&2
	exit 1
}
now_ms() { date +%s%3N; }
times=()
started=0
step() { # step 題 : prints it and notes how long the one before took
	local now
	now=$(now_ms)
	[ "$started" = 0 ] || times+=("$(printf '%6d ms  %s' $((now - started)) "$title")")
	title=$1 started=$now
	[ -z "$1" ] || say "$1"
}

if [ -n "${SOU_BUILD:-}" ]; then # the tests have built already
	export PATH="$SOU_BUILD:$PATH"
else
	config/setup.sh
	say "組み立て（初回は1分ほど）"
	cmake -S . -B build/release -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
	cmake --build build/release --target soukatsu soukatsud >/dev/null
	export PATH="$PWD/build/release:$PATH"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/soukatsu-demo.XXXXXX")
pids=()
end() {
	local status=$?
	if [ "$keep" = yes ] && [ "$status" = 0 ]; then return; fi
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
	if [ "$status" != 0 ]; then tail -n 5 "$work"/*.log >&2 || true; fi
	rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM

at() { # at 拠点 命令...
	local site=$1
	shift
	soukatsu --data "$work/$site" "$@"
}
start() { # start 拠点: runs its daemon until it says that it is ready
	local log=$work/$1.log
	soukatsud --data "$work/$1" >"$log" 2>&1 &
	pids+=($!)
	for _ in $(seq 200); do
		if grep -qs "^ready" "$log"; then return; fi
		kill -0 $! 2>/dev/null || fail "$1 の soukatsud が起動しません"
		sleep 0.02
	done
	fail "$1 の soukatsud が4秒たっても準備できません"
}
python() { /usr/bin/python3 "$@"; }

step "本部をつくる（東社協）"
passphrase=例-合言葉-demo
at hub init --hub --org hq --name 東社協 --listen 127.0.0.1:0 --passphrase-fd 3 3<<<"$passphrase" >/dev/null
start hub
at hub org import tests/data/organisations.csv --by 鈴木例 --passphrase-fd 3 3<<<"$passphrase"
at hub plan import tests/data/soukatsu-2023-08.json --by 鈴木例

step "四つの拠点を招待し、登録する"
join() { # join 名 組織 拠点名 役割
	local invite
	invite=$(at hub --json invite --org "$2" --name "$3" --role "$4" --by 鈴木例 \
		--passphrase-fd 3 3<<<"$passphrase" |
		python -c 'import json,sys; print(json.load(sys.stdin)["invite"])')
	at "$1" join "$invite" >/dev/null
	start "$1"
	at "$1" sync now --wait 5s >/dev/null
	echo "  $3（$2）"
}
join chiiki chiiki 地域福祉部 editor,submitter
join honkan tvac 本館 editor,submitter
join bunshitsu tvac 分室 editor,submitter
join shinjuku w13104 新宿区 editor,submitter

items() { # items 組織: 事業 欄 文章, NUL で区切って
	python - "$1" <<'PY'
import json, sys
for item in json.load(open("tests/data/soukatsu-2023-08.json"))["items"]:
    if item["organisation"] == sys.argv[1]:
        sys.stdout.write("\0".join((item["project"], item["column"], item["text"])) + "\0")
PY
}
load() { # load 拠点 組織 名前
	local n=0
	while IFS= read -r -d '' project && IFS= read -r -d '' column && IFS= read -r -d '' text; do
		printf '%s' "$text" | at "$1" item add "$project" "$column" --file - --by "$3" >/dev/null
		n=$((n + 1))
	done < <(items "$2")
	echo "  $1: $n 段落"
}

step "本館で TVAC の段落を書き、分室にも届ける"
load honkan tvac 佐藤例
at honkan sync now >/dev/null
at bunshitsu sync now >/dev/null

step "分室の回線が切れる。両方で同じ段落を直し、ほかの人は書き続ける"
item=corporate-volunteering/achievement/tvac/1
original=$(items tvac | python -c 'import sys; print(sys.stdin.buffer.read().split(b"\0")[2].decode(), end="")')
at bunshitsu sync pause >/dev/null
at bunshitsu item edit $item --text "$original（例 分室で加えた文）" --by 山田例
at honkan item edit $item --text "$original（例 本館で加えた文）" --by 佐藤例
load chiiki chiiki 高橋例
at honkan sync now >/dev/null
at chiiki sync now >/dev/null

step "分室の回線が戻る。食い違いが両方に見える"
at bunshitsu sync resume >/dev/null
at bunshitsu sync now >/dev/null
at honkan sync now >/dev/null
for site in honkan bunshitsu; do
	echo "-- $site"
	at $site conflict list
done
conflicts=$(at honkan --json conflict list |
	python -c 'import json,sys; print(*(c["id"] for c in json.load(sys.stdin)["conflicts"]))')
[ "$(wc -w <<<"$conflicts")" = 1 ] || fail "食い違いが1件見えるはずです"

step "本館が解く（もとの文に戻す）"
at honkan conflict resolve "$conflicts" --text "$original" --by 佐藤例
at honkan sync now >/dev/null

step "両方の組織が提出する"
at honkan submit corporate-volunteering --by 佐藤例
at honkan submit community-and-volunteer-link --by 佐藤例
at chiiki submit community-and-volunteer-link --by 高橋例
for site in honkan chiiki bunshitsu shinjuku; do at $site sync now >/dev/null; done

step "本部の総括表"
at hub table

step "範囲ごとの照合値: 読める拠点のどこでも同じ"
for site in hub chiiki honkan bunshitsu shinjuku; do at $site --json digest >"$work/$site.digest"; done
python - "$work" <<'PY' || fail "照合値が揃いません"
import json, sys
seen = {}
for site in ("hub", "chiiki", "honkan", "bunshitsu", "shinjuku"):
    for s in json.load(open(f"{sys.argv[1]}/{site}.digest"))["scopes"]:
        seen.setdefault(s["scope"], {}).setdefault((s["state"], s["entries"]), []).append(site)
for scope, values in sorted(seen.items()):
    for (state, entries), sites in values.items():
        print(f"  {scope:42} {state[:16]}  {' '.join(sites)}")
shared = sum(len(s) > 1 for v in seen.values() for s in v.values())
sys.exit(0 if all(len(v) == 1 for v in seen.values()) and shared >= 4 else 1)
PY

step "新宿区に見えるもの: 計画。ほかは閲覧の範囲外"
at shinjuku table
at shinjuku --json table | python -c '
import json, sys
table = json.load(sys.stdin)
rows = [o for p in table["pillars"] for q in p["projects"] for o in q["organisations"]]
sys.exit(0 if rows and all(o["standing"] == "out_of_scope" for o in rows) and len(rows) == 3 else 1)' ||
	fail "新宿区に閲覧の範囲外と示されていません"

at hub --json table >"$work/table.json"
python - "$work/table.json" <<'PY' || fail "総括表がデータと違います"
import json, sys
data = json.load(open("tests/data/soukatsu-2023-08.json"))
table = json.load(open(sys.argv[1]))
short = {"chiiki": "（地域福祉部）", "tvac": "（TVAC）"}
got = [(q["id"], c["column"], p["organisation"], p["order"], p["text"], p["attribution"])
       for pillar in table["pillars"] for q in pillar["projects"] for c in q["cells"] for p in c["paragraphs"]]
want = [(i["project"], i["column"], i["organisation"], i["order"], i["text"],
         short[i["organisation"]] if i["project"] == "community-and-volunteer-link" else None) for i in data["items"]]
sys.exit(0 if sorted(map(str, got)) == sorted(map(str, want)) and len(got) == 25 else 1)
PY
step ""
say "かかった時間"
printf '  %s\n' "${times[@]}"

if [ "$keep" = yes ]; then
	say "動かし続けます。つぎの命令で続けられます（合い言葉は $passphrase）"
	cat <<-EOF
		  export PATH="${PATH%%:*}:\$PATH"
		  soukatsu --data $work/hub status
		  soukatsu --data $work/hub site list
		  soukatsu --data $work/hub table
		  soukatsu --data $work/hub table --latest
		  soukatsu --data $work/chiiki item list
		  soukatsu --data $work/honkan item show $item
		  soukatsu --data $work/bunshitsu item add corporate-volunteering next --text 例 --by 山田例
		  soukatsu --data $work/bunshitsu submit corporate-volunteering --by 山田例
		  soukatsu --data $work/shinjuku status
	EOF
	echo "終えるには:"
	echo "  kill ${pids[*]}; sleep 1; rm -rf $work"
	disown -a
fi
say "できました"

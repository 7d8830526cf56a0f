#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Redis with an append-only file at every level, appendfsync no: after a command has been answered
# the log has no dirty page; redis-check-aof accepts it, and a restart reads the same data back.

# shellcheck source-path=SCRIPTDIR source=../lib/database.sh disable=SC1091,SC2154
. "${0%/*}/../lib/database.sh"

need redis redis-server redis-server redis-benchmark redis-tools redis-check-aof redis-tools jq jq
commands=1000
[ -z "${WT_SOAK:-}" ] || commands=20000
socket=$work/redis.sock

ask() { redis-cli -s "$socket" "$@"; }
log_files() { echo "$dir"/appendonlydir/*.incr.aof; }

answers() { [ "$(ask PING)" = PONG ]; }

redis_start() {
	"${under[@]}" redis-server --port 0 --unixsocket "$socket" --dir "$dir" --save '' \
		--appendonly yes --appendfsync no --enable-debug-command yes \
		>"$work/redis.log" 2>&1 &
	redis_job=$!
	started+=("$redis_job")
	wait_for 20 answers || { tail -n 5 "$work/redis.log"; return 1; }
}

redis_stop() {
	ask SHUTDOWN NOSAVE
	wait "$redis_job"
}

# redis-benchmark checks no reply and ends well whatever it meets: what counts is what is there.
load() {
	redis-benchmark -s "$socket" -q -c 4 -t set,lpush,incr -n "$commands" -r "$commands" -d 300
	[ "$(ask LLEN mylist)" -eq "$commands" ]
}

write_again() { ask SET again "$EPOCHREALTIME"; }

rewritten() { ask INFO persistence | grep aof_rewrite_in_progress:0; }

# A child writes the base file anew, while the log goes on in a new file.
rewrite() {
	ask BGREWRITEAOF
	load_more
	wait_for 60 rewritten
	ask INFO persistence | grep aof_last_bgrewrite_status:ok
}

load_more() { redis-benchmark -s "$socket" -q -c 4 -t sadd,hset -n "$commands" -r "$commands"; }

state() { echo "$(ask DBSIZE) keys, digest $(ask DEBUG DIGEST)"; }

same_after_restart() {
	local before after
	before=$(state)
	redis_stop && forget "$dir"/appendonlydir/* && redis_start || return 1
	after=$(state)
	printf '%s\n' "$before" "$after"
	[ "$before" = "$after" ] && [ "$(ask DBSIZE)" -gt 0 ]
}

while read -r level place <&3; do
	begin redis "$level" "$place" || continue
	check "$run: the server starts" redis_start || continue
	check "$run: redis-benchmark" load
	judge_pages "$level" "the log after a command" "$(log_files)"
	log_bytes=$(stat -c %s "$(log_files)")
	check "$run: the log is rewritten" rewrite
	judge_pages "$level" "the new log after a command" "$(log_files)"
	# The usual case: Redis's own fsyncs on top.
	ask CONFIG SET appendfsync always >"$work/redis"
	check "$run: redis-benchmark with appendfsync always" load_more
	check "$run: a restart reads the same data" same_after_restart
	check "$run: the server stops" redis_stop
	check "$run: redis-check-aof" redis-check-aof "$dir"/appendonlydir/*.manifest
	[ "$level" != control ] || continue
	judge_covered "$level" "$(log_files)" "$log_bytes"
	judge_report
done 3< <(each_run 2)
finish

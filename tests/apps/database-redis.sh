#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Redis with an append-only file at every level, appendfsync no: after a command has been answered
# the log has no dirty page; redis-check-aof accepts it, and a restart reads the same data back.

# shellcheck source-path=SCRIPTDIR source=lib/database.sh disable=SC1091,SC2154
. "${0%/*}/lib/database.sh"

# shellcheck source-path=SCRIPTDIR source=lib/redis.sh
. "${0%/*}/lib/redis.sh"

need redis-server redis-server redis-benchmark redis-tools redis-check-aof redis-tools jq jq
commands=1000
[ -z "${WT_SOAK:-}" ] || commands=20000

log_files() { echo "$dir"/appendonlydir/*.incr.aof; }

load_by() { # TESTS, options
	redis-benchmark -s "$redis_socket" -q -c 4 -n "$commands" -r "$commands" -t "$@"
}

# redis-benchmark checks no reply and ends well whatever it meets: what counts is what is there.
load() {
	load_by set,lpush,incr -d 300
	[ "$(redis_ask LLEN mylist)" -eq "$commands" ]
}

write_again() { redis_ask SET again "$EPOCHREALTIME"; }

# A child writes the base file anew, while the log goes on in a new file.
rewrite() {
	redis_ask BGREWRITEAOF
	load_more
	wait_for 60 redis_rewritten
	redis_ask INFO persistence | grep aof_last_bgrewrite_status:ok
}

load_more() { load_by sadd,hset; }

same_after_restart() {
	local before after
	before=$(redis_state)
	redis_stop && forget "$dir"/appendonlydir/* && redis_start || return 1
	after=$(redis_state)
	printf '%s\n' "$before" "$after"
	[ "$before" = "$after" ] && [ "$(redis_ask DBSIZE)" -gt 0 ]
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
	redis_ask CONFIG SET appendfsync always >"$work/redis"
	check "$run: redis-benchmark with appendfsync always" load_more
	check "$run: a restart reads the same data" same_after_restart
	check "$run: the server stops" redis_stop
	check "$run: redis-check-aof" redis-check-aof "$dir"/appendonlydir/*.manifest
	[ "$level" != control ] || continue
	judge_covered "$level" "$(log_files)" "$log_bytes"
	judge_report
done 3< <(each_run 2)
finish

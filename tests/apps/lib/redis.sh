# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # shared with the scripts that read it
#
# A Redis of a test's own in $dir, with an append-only file that it does not sync. Read by
# tests/apps/*.sh, after database.sh.

redis_socket=$work/redis.sock

redis_ask() { redis-cli -s "$redis_socket" "$@"; }
redis_answers() { [ "$(redis_ask PING)" = PONG ]; }

redis_start() {
	"${under[@]}" redis-server --port 0 --unixsocket "$redis_socket" --dir "$dir" --save '' \
		--appendonly yes --appendfsync no --enable-debug-command yes \
		>"$work/redis.log" 2>&1 &
	redis_job=$!
	started+=("$redis_job")
	wait_for 20 redis_answers || { tail -n 5 "$work/redis.log"; return 1; }
}

redis_stop() {
	redis_ask SHUTDOWN NOSAVE
	wait "$redis_job"
}

redis_rewritten() { redis_ask INFO persistence | grep aof_rewrite_in_progress:0; }
redis_state() { echo "$(redis_ask DBSIZE) keys, digest $(redis_ask DEBUG DIGEST)"; }

#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Redis with an append-only file, appendfsync no, under power cuts: two clients that commit by
# transactions, while the log is rewritten again and again. lib/cut.sh tells how; the database's own
# check is redis-check-aof, after a start, which cuts off what is incomplete at the end of the log.
#
# Redis answers a command although its write to the log failed, and refuses only the next one
# (with appendfsync always, as in the setup "elide", it ends instead). When the power goes there is no
# Redis that could answer, so an answer counts only if it came before.

# shellcheck source-path=SCRIPTDIR source=lib/cut.sh disable=SC1091,SC2154
. "${0%/*}/lib/cut.sh"

need redis-server redis-server redis-cli redis-tools redis-check-aof redis-tools jq jq
setups=(preamble plain elide)
cuts=4
within=1500
socket=$work/redis.sock
commit_redis=$WT_OBJ/tests/prog/commit_redis

ask() { redis-cli -s "$socket" "$@"; }
answers() { [ "$(ask PING)" = PONG ] || ! kill -0 "$redis"; }

# redis_start [OPTION...]: returns when it answers; fails if it has ended instead.
redis_start() {
	local preamble=yes fsync=no
	[ "$setup" != plain ] || preamble=no
	! own_syncs || fsync=always
	begin_server "${under[@]}" redis-server --port 0 --unixsocket "$socket" --dir "$dir" \
		--save '' --appendonly yes --appendfsync "$fsync" \
		--aof-use-rdb-preamble "$preamble" "$@" >"$work/redis.log" 2>&1
	redis=${servers[-1]}
	wait_for 20 answers && kill -0 "$redis"
}

db_new() { :; }

db_load() { # first, count
	local writer percentage=10
	# Redis syncs a rewritten log itself: that could save the control.
	[ ${#under[@]} != 0 ] || percentage=0
	only_before_the_cut=yes
	! own_syncs || only_before_the_cut=
	redis_start --auto-aof-rewrite-min-size 40kb --auto-aof-rewrite-percentage $percentage ||
		return
	for writer in 1 2; do
		begin_writer "$commit_redis" load "$socket" "$writer" "$@" >"$acks/$writer" \
			2>>"$work/writers"
	done
}

db_judge() {
	local under=()
	if redis_start --auto-aof-rewrite-percentage 0; then
		"$commit_redis" check "$socket" <"$1" || echo "unsound: check fails"
		ask SHUTDOWN NOSAVE
		wait "$redis"
	else
		echo "unsound: it does not start: $(grep -v 'oO0' "$work/redis.log" | tail -n 5)"
	fi
	end_jobs
	redis-check-aof "$dir"/appendonlydir/appendonly.aof.manifest >"$work/aof" 2>&1 ||
		echo "unsound: redis-check-aof: $(tail -n 3 "$work/aof")"
}

cut_main redis "$@"

#!/bin/bash
# SPDX-License-Identifier: MIT
#
# RocksDB (db_bench) at every level, without a sync of its own log: while db_bench is still running
# after its last write, the log has no dirty page, and neither have the tables. The database opens
# again, has every key, and its checksums hold.
#
# RocksDB always syncs a finished table, so only the log shows a difference to the control.

# shellcheck source-path=SCRIPTDIR source=lib/database.sh disable=SC1091,SC2154
. "${0%/*}/lib/database.sh"

need db_bench rocksdb-tools ldb rocksdb-tools jq jq
keys=4000
reads=300000
[ -z "${WT_SOAK:-}" ] || keys=40000

# bench BENCHMARKS [OPTION...]: sets `command`.
bench() {
	local benchmarks=$1
	shift
	command=("${under[@]}" db_bench --db="$dir/db" --benchmarks="$benchmarks" --num="$keys"
		--seed=1 --value_size=400 --write_buffer_size=$((keys * 1000))
		--compression_type=none --use_fsync=0 --threads=1 "$@")
}

at_rest() { grep -a -q '^readseq *:' "$work/bench"; }
stopped() { grep -q '^State:.*T (stopped)' "/proc/$bench_job/status"; }

# What overwrite writes stays in the log, and the benchmarks after it only read, with the database
# open: db_bench is held there while its files are looked at.
write_and_hold() {
	bench fillseq,flush,overwrite,readseq,readrandom --sync=0 --reads="$reads"
	: >"$work/bench" # the one before ended at rest as well
	"${command[@]}" >"$work/bench" 2>&1 &
	bench_job=$!
	started+=("$bench_job")
	wait_for 120 at_rest && kill -STOP "$bench_job" && wait_for 5 stopped
}

write_again() {
	kill -KILL "$bench_job"
	wait "$bench_job"
	rm -rf "$dir/db"
	write_and_hold
}

write_and_judge() {
	check "$run: db_bench writes, and is still running" write_and_hold
	log_bytes=$(cat "$dir"/db/*.log | wc -c)
	judge_pages "$1" "the log after a write" "$dir"/db/*.log
	[ "$1" = control ] || judge_pages "$1" "the tables" "$dir"/db/*.sst "$dir"/db/MANIFEST-*
	kill -CONT "$bench_job"
	check "$run: db_bench ends well" wait "$bench_job"
}

write_synced() {
	bench overwrite,compact --sync=1 --use_existing_db=1 --writes=$((keys / 10))
	"${command[@]}"
}

every_key() {
	forget "$dir"/db/*
	bench readseq,readrandom,verifychecksum --use_existing_db=1 --reads="$keys"
	"${command[@]}" >"$work/read" 2>&1
	cat "$work/read"
	grep -a -q "($keys of $keys found)" "$work/read"
}

while read -r level place <&3; do
	begin rocksdb "$level" "$place" || continue
	write_and_judge "$level"
	check "$run: db_bench with its own syncs" write_synced
	check "$run: every key is there, checksums hold" every_key
	check "$run: ldb checkconsistency" ldb --db="$dir/db" checkconsistency
	[ "$level" != control ] || continue
	judge_covered "$level" "$dir/db/000004.log" "$log_bytes"
	judge_covered "$level" "$dir/db/000004.sst"
	judge_report
done 3< <(each_run 0)
finish

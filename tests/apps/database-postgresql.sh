#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PostgreSQL at every level, fsync=off: after a commit the WAL and after a checkpoint the data
# files have no dirty page; the cluster comes back from a crash of its server with pgbench's sums
# in balance, passes pg_amcheck and its page checksums.

# shellcheck source-path=SCRIPTDIR source=lib/database.sh disable=SC1091,SC2154
. "${0%/*}/lib/database.sh"

# shellcheck source-path=SCRIPTDIR source=lib/postgresql.sh
. "${0%/*}/lib/postgresql.sh"

need postgres postgresql pgbench postgresql-contrib pg_amcheck postgresql jq jq
seconds=1
[ -z "${WT_SOAK:-}" ] || seconds=10

# shellcheck disable=SC2119 # no options
prepare_for_load() {
	prepare && cat >>"$work/template/postgresql.conf" <<-END
		min_wal_size = 32MB
		max_wal_size = 64MB
	END
}

# Without the relation cache's own copies, which the preset leaves alone: PostgreSQL rebuilds them.
# Empty relations have no pages, and one that came first was taken for nothing written.
data_files() {
	find "$data/base" "$data/global" "$data/pg_xact" -type f -size +0 ! -name pg_internal.init
}

write_again() {
	ask "UPDATE pgbench_accounts SET abalance = abalance WHERE aid < 1000"
	ask CHECKPOINT
}

load_and_judge() {
	check "$run: pgbench loads" pgbench -i -q -s 1
	check "$run: pgbench with 4 clients" pgbench -n -c 4 -T "$seconds"
	ask "INSERT INTO pgbench_history (tid, bid, aid, delta) VALUES (1, 1, 1, 0)"
	judge_pages "$1" "the WAL after a commit" "$data"/pg_wal/[0-9A-F]*
	ask CHECKPOINT
	mapfile -t files < <(data_files)
	judge_pages "$1" "the data after a checkpoint" "${files[@]}"
}

# The usual case: PostgreSQL's own fsyncs on top.
own_fsyncs() {
	ask "ALTER SYSTEM SET fsync = on" && ask "SELECT pg_reload_conf()" &&
		pgbench -n -c 4 -T "$seconds"
}

crash_and_recover() {
	server_stop "$data" immediate && server_start "$data" && balanced
}

verify() {
	check "$run: pgbench with PostgreSQL's own fsyncs" own_fsyncs
	check "$run: a crashed server recovers, in balance" crash_and_recover
	check "$run: pg_amcheck" pg_amcheck --install-missing --heapallindexed -d postgres
	check "$run: the server stops" server_stop "$data" fast
	mapfile -t files < <(data_files)
	forget "${files[@]}"
	check "$run: page checksums" server "$bin/pg_checksums" -c -D "$data"
}

check "a server made ready" prepare_for_load || { finish; exit 1; }
while read -r level place <&3; do
	begin postgresql "$level" "$place" || continue
	give "$dir" "$reports"
	data=$dir/data
	cp -a "$work/template" "$data"
	sync -f "$data"
	[ "$level" = control ] || under[0]=$work/wt-preload.sh
	check "$run: the server starts" server_start "$data" || continue
	load_and_judge "$level"
	if [ "$level" = control ]; then
		check "$run: the server stops" server_stop "$data" immediate
		continue
	fi
	verify
	judge_covered "$level" "$data/pg_wal/000000010000000000000001"
	judge_covered "$level" "$data/base/5/1249"
	judge_report '.*/pg_internal.init[.0-9]*'
	rm -rf "$data"
done 3< <(each_run 1)
finish

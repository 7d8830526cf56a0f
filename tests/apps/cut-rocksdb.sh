#!/bin/bash
# SPDX-License-Identifier: MIT
#
# RocksDB without syncs of its log under power cuts: threads that commit, with a memtable so small
# that logs, tables and manifests come and go; also where tables are written by stores into mappings
# (RocksDB syncs those itself). lib/cut.sh tells how; the database's own checks are ldb
# checkconsistency and a read of everything with checksums.

# shellcheck source-path=SCRIPTDIR source=lib/cut.sh disable=SC1091,SC2154
. "${0%/*}/lib/cut.sh"

need ldb rocksdb-tools jq jq
setups=(plain)
[ -z "${WT_SOAK:-}" ] || setups+=(elide mmap-writes)
cuts=5
within=2000
quiet_commits=420 # enough to fill some memtables
commit_rocksdb=$WT_OBJ/tests/prog/commit_rocksdb

db_new() { :; }

db_load() { # first, count
	local how=$setup
	[ "$setup" != elide ] || how=plain
	! own_syncs || how=synced
	begin_writer "${under[@]}" "$commit_rocksdb" load "$dir/db" "$writer_count" "$1" "${2:-0}" \
		"$how" >"$acks/all" 2>>"$work/writers"
}

# Before its first manifest there is no database to check.
db_judge() {
	"$commit_rocksdb" check "$dir/db" <"$1" || echo "unsound: check fails"
	ldb --db="$dir/db" checkconsistency >"$work/ldb" 2>&1 ||
		echo "unsound: ldb: $(tail -n 3 "$work/ldb")"
}

cut_main rocksdb "$@"

#!/bin/bash
# SPDX-License-Identifier: MIT
#
# SQLite at every level, its own fsyncs off: after a commit the log (WAL, then rollback journal)
# and the database have no dirty page, at dsync and sync every commit reached the device with a
# flush, and the data are those of the same statements without libwt and without files.

# shellcheck source-path=SCRIPTDIR source=lib/database.sh disable=SC1091,SC2154
. "${0%/*}/lib/database.sh"

need sqlite3 sqlite3 jq jq
commits=50
[ -z "${WT_SOAK:-}" ] || commits=2000

# A conversation with one sqlite3, which stays open between the statements.
sqlite_open() {
	coproc sqlite { exec "${under[@]}" sqlite3 -batch "$1" 2>&1; }
	sqlite_job=$sqlite_PID
	started+=("$sqlite_job")
}

# sql STATEMENTS: prints the answer.
sql() {
	local line
	printf '%s\n.print ==answered==\n' "$1" >&"${sqlite[1]}" || return 1
	while IFS= read -r -t 60 -u "${sqlite[0]}" line; do
		[ "$line" != ==answered== ] || return 0
		printf '%s\n' "$line"
	done
	return 1
}

sqlite_close() {
	local to=${sqlite[1]}
	exec {to}>&-
	wait "$sqlite_job"
}

statements_load() {
	local i
	echo "CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT); CREATE INDEX tv ON t (v);"
	for ((i = 0; i < commits; i++)); do
		echo "INSERT INTO t VALUES ($i, printf('%0*d', 100 + $i * 37 % 6000, $i));"
	done
}

statements_update() { echo "UPDATE t SET v = v || k WHERE k % 3 = $1;"; }

# What every run must come to.
digest_expected() {
	{ statements_load; statements_update 0; statements_update 1; echo ".sha3sum"; } |
		sqlite3 -batch :memory:
}

# sqlite_log LEVEL: the WAL, with the database untouched until the checkpoint.
sqlite_log() {
	local before
	sql "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=0;" \
		>"$work/sql"
	before=$(flushes "$place")
	sql "$(statements_load)" >"$work/sql"
	flushed=$(($(flushes "$place") - before))
	judge_pages "$1" "the WAL after a commit" "$db-wal"
	case $1 in
	control)
		check "$run: without libwt commits are not flushed" test "$flushed" -lt "$commits"
		;;
	dsync | sync)
		check "$run: each commit was flushed" test "$flushed" -ge "$commits"
		;;
	esac
	wal_bytes=$(stat -c %s "$db-wal")
	sql "PRAGMA wal_checkpoint(FULL);" >"$work/sql"
	judge_pages "$1" "the database after a checkpoint" "$db"
}

sqlite_rollback() {
	sql "PRAGMA journal_mode=PERSIST; PRAGMA synchronous=OFF; $(statements_update 0)" \
		>"$work/sql"
	judge_pages "$1" "the rollback journal after a commit" "$db-journal"
	judge_pages "$1" "the database after a commit" "$db"
	# The usual case beside it: SQLite's own fsyncs on top.
	sql "PRAGMA synchronous=FULL; $(statements_update 1)" >"$work/sql"
}

write_again() { sql "UPDATE t SET v = v; PRAGMA wal_checkpoint(FULL);"; }

intact() {
	local said
	forget "$db"
	said=$(sqlite3 -batch "$db" "PRAGMA integrity_check;" ".sha3sum")
	printf '%s\n' "$said" "expected:" ok "$digest"
	[ "$said" = "ok
$digest" ]
}

digest=$(digest_expected)
while read -r level place <&3; do
	begin sqlite "$level" "$place" || continue
	db=$dir/test.db
	sqlite_open "$db"
	sqlite_log "$level"
	sqlite_rollback "$level"
	check "$run: sqlite3 ends well" sqlite_close
	check "$run: the data are whole and right" intact
	[ "$level" != control ] || continue
	judge_covered "$level" "$db-wal" "$wal_bytes"
	judge_covered "$level" "$db-journal"
	judge_covered "$level" "$db" "$(stat -c %s "$db")"
	judge_report
done 3< <(each_run all)
finish

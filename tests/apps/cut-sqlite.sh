#!/bin/bash
# SPDX-License-Identifier: MIT
#
# SQLite, synchronous=OFF, under power cuts: two writers, which also make checkpoints; with a WAL and
# with each kind of rollback journal. lib/cut.sh tells how; the database's own check is
# PRAGMA integrity_check.

# shellcheck source-path=SCRIPTDIR source=lib/cut.sh disable=SC1091,SC2154
. "${0%/*}/lib/cut.sh"

need sqlite3 sqlite3 jq jq
setups=(wal persist delete truncate elide)
cuts=4
within=6000

journal_mode() { [ "$setup" = elide ] && echo wal || echo "$setup"; }

db_new() {
	sqlite3 -batch -bail "$dir/test.db" <<-END
		PRAGMA journal_mode=$(journal_mode);
		CREATE TABLE commits (w INTEGER, n INTEGER, v TEXT, PRIMARY KEY (w, n));
		CREATE INDEX by_value ON commits (v);
		CREATE TABLE newest (w INTEGER PRIMARY KEY, n INTEGER);
		INSERT INTO newest VALUES (1, 0), (2, 0);
		CREATE TABLE spread (k INTEGER PRIMARY KEY, v INTEGER, room TEXT);
		WITH RECURSIVE k (k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM k WHERE k < 299)
		INSERT INTO spread SELECT k, 0, printf('%01000d', k) FROM k;
	END
}

statements() { # writer, first, count
	cat <<-END
		.timeout 30000
		PRAGMA journal_mode=$(journal_mode);
		PRAGMA synchronous=$(own_syncs && echo FULL || echo OFF);
		PRAGMA wal_autocheckpoint=40;
	END
	awk -v w="$1" -v n="$2" -v count="${3:-1000000}" 'BEGIN {
		for (last = n + count; n < last; n++) {
			print "BEGIN IMMEDIATE;"
			printf "INSERT INTO commits VALUES (%d, %d, printf(%s, %d, %d));\n",
				w, n, "\047%0*d\047", 100 + n * 37 % 6000, n
			printf "UPDATE newest SET n = %d WHERE w = %d;\n", n, w
			printf "UPDATE spread SET v = v + 1 WHERE k = %d;\n", n * 7919 % 300
			print "COMMIT;"
			printf "SELECT %d || \047 \047 || %d;\n", w, n
		}
	}'
	be_quiet
}

writer() { # writer, first, count
	exec "${under[@]}" sqlite3 -batch -bail "$dir/test.db" < <(statements "$@") \
		>"$acks/$1" 2>>"$work/writers"
}

db_load() {
	begin_writer writer 1 "$@"
	begin_writer writer 2 "$@"
}

db_judge() {
	sqlite3 -batch "$dir/test.db" <<-END
		SELECT 'unsound: ' || integrity_check FROM pragma_integrity_check
			WHERE integrity_check <> 'ok';
		CREATE TEMP TABLE acked (w INTEGER, n INTEGER);
		.separator ' '
		.import $1 acked
		CREATE TEMP VIEW expected AS
			SELECT w, n, printf('%0*d', 100 + n * 37 % 6000, n) AS v FROM acked;
		SELECT 'there', count(*) FROM expected JOIN commits USING (w, n, v);
		SELECT 'lost', w, n FROM expected LEFT JOIN commits c USING (w, n)
			WHERE c.v IS NOT expected.v;
		SELECT 'unsound: newest', w FROM newest
			WHERE n <> (SELECT ifnull(max(n), 0) FROM commits WHERE w = newest.w);
		SELECT 'unsound: spread', sum(v), (SELECT count(*) FROM commits) FROM spread
			HAVING sum(v) <> (SELECT count(*) FROM commits);
	END
}

cut_main sqlite "$@"

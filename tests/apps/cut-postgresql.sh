#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PostgreSQL, fsync=off, under power cuts: clients that commit while checkpoints come often and the
# files of the WAL, small ones, are made and made anew. lib/cut.sh tells how; the database's own
# checks are its start, pg_amcheck and its page checksums.

# shellcheck source-path=SCRIPTDIR source=lib/cut.sh disable=SC1091,SC2154
. "${0%/*}/lib/cut.sh"
# shellcheck source-path=SCRIPTDIR source=lib/postgresql.sh
. "${0%/*}/lib/postgresql.sh"

need postgres postgresql pg_amcheck postgresql psql postgresql-client jq jq
setups=(default new-wal elide)
cuts=4
within=2000
writer_count=3
wt_preload=$work/wt-preload.sh

answers() { ask 'SELECT 1' || ! kill -0 "$postmaster"; }

# postgres_start: returns when it answers; fails if it has ended instead.
postgres_start() {
	local options=()
	! own_syncs || options=(-c fsync=on)
	begin_server "${as_server[@]}" "${under[@]}" "$bin/postgres" -D "$dir/data" \
		"${options[@]}" >"$work/postgres.log" 2>&1
	postmaster=${servers[-1]}
	wait_for 30 answers && kill -0 "$postmaster"
}

# Its children would outlive it if it were killed, for a moment in which they may write.
db_stop() {
	kill -QUIT "$postmaster"
	wait_for 20 postmaster_ended
}

postmaster_ended() { ! kill -0 "$postmaster"; }

# shellcheck disable=SC2119 # no options
make_template() {
	[ -d "$work/template" ] && return
	prepare --wal-segsize=1 && cat >>"$work/template/postgresql.conf" <<-END
		min_wal_size = 2MB
		max_wal_size = 16MB
		restart_after_crash = off
		bgwriter_delay = 10ms
	END
}

db_new() {
	local under=()
	make_template || return
	give "$dir"
	cp -a "$work/template" "$dir/data"
	[ "$setup" != new-wal ] || cat >>"$dir/data/postgresql.conf" <<-END
		wal_init_zero = off
		wal_recycle = off
	END
	postgres_start && ask "
		CREATE TABLE commits (w int, n bigint, v text, PRIMARY KEY (w, n));
		CREATE INDEX by_value ON commits (md5(v));
		CREATE TABLE newest (w int PRIMARY KEY, n bigint);
		INSERT INTO newest SELECT w, 0 FROM generate_series(1, $writer_count) w;
		CREATE TABLE spread (k int PRIMARY KEY, v bigint, room text);
		INSERT INTO spread SELECT k, 0, lpad(k::text, 1000, '0') FROM generate_series(0, 299) k;
		CREATE EXTENSION amcheck" && postgres_stop
}

postgres_stop() {
	server "$bin/pg_ctl" -w -s -D "$dir/data" -m fast stop && end_jobs
}

commits() { # writer, first, count
	awk -v w="$1" -v n="$2" -v count="${3:-1000000}" '
	# Few are large: while tables grow, all that happened on the file system becomes stable.
	function length_of(n) { return n % 16 ? 20 + n % 16 : 100 + n * 37 % 6000 }
	BEGIN {
		for (last = n + count; n < last; n++) {
			if (w == 1 && n % 10 == 0)
				print "SELECT pg_switch_wal() \\g /dev/null"
			if (w == 2 && n % 30 == 0)
				print "CHECKPOINT;"
			print "BEGIN;"
			printf "INSERT INTO commits VALUES (%d, %d, lpad(\0471\047, %d, \047%d \047));\n",
				w, n, length_of(n), n
			printf "UPDATE newest SET n = %d WHERE w = %d;\n", n, w
			printf "UPDATE spread SET v = v + 1 WHERE k = %d;\n", n * 7919 % 300
			print "COMMIT;"
			printf "\\echo %d %d\n", w, n
		}
	}'
}

statements() {
	commits "$@"
	be_quiet
}

writer() { # writer, first, count
	exec psql -XAtq -v ON_ERROR_STOP=1 < <(statements "$@") >"$acks/$1" 2>>"$work/writers"
}

db_load() { # first, count
	local writer
	postgres_start || return
	for ((writer = 1; writer <= writer_count; writer++)); do
		begin_writer writer "$writer" "$@"
	done
}

# Commits to one file of the WAL after the other, until one is new: made under another name, and
# renamed just before.
db_last() { # first
	local n known
	known=$(ls "$dir/data/pg_wal")
	for ((n = $1; n < $1 + 20; n++)); do
		ask "SELECT pg_switch_wal()" &&
			commits 1 "$n" 1 | psql -XAtq -v ON_ERROR_STOP=1 >>"$acks/1" || return
		grep -q "$(ask 'SELECT pg_walfile_name(pg_current_wal_lsn())')" <<<"$known" || return 0
	done
	echo "still not in a new file of the WAL"
	return 1
}

db_judge() {
	local under=()
	if ! postgres_start; then
		echo "unsound: it does not start: $(grep -E 'PANIC|FATAL' "$work/postgres.log")"
		echo there 0
		sed 's/^/lost /' "$1"
		end_jobs
		return
	fi
	psql -XAtq -F ' ' -v ON_ERROR_STOP=1 <<-END || echo "unsound: the check fails"
		CREATE TEMP TABLE acked (w int, n bigint);
		\\copy acked FROM '$1' WITH (DELIMITER ' ')
		CREATE TEMP VIEW expected AS SELECT w, n, lpad('1', CASE WHEN n % 16 > 0
			THEN 20 + n % 16 ELSE 100 + n * 37 % 6000 END::int, n || ' ') AS v FROM acked;
		SELECT 'there', count(*) FROM expected JOIN commits USING (w, n, v);
		SELECT 'lost', w, n FROM expected e LEFT JOIN commits c USING (w, n)
			WHERE c.v IS DISTINCT FROM e.v;
		SELECT 'unsound: newest', w, n FROM newest
			WHERE n <> (SELECT coalesce(max(n), 0) FROM commits c WHERE c.w = newest.w);
		SELECT 'unsound: spread', sum(v), (SELECT count(*) FROM commits) FROM spread
			HAVING sum(v) <> (SELECT count(*) FROM commits);
	END
	pg_amcheck --heapallindexed -d postgres >"$work/amcheck" 2>&1 ||
		echo "unsound: pg_amcheck: $(head -n 3 "$work/amcheck")"
	postgres_stop || echo "unsound: it does not stop"
	server "$bin/pg_checksums" -c -D "$dir/data" >"$work/checksums" 2>&1 ||
		echo "unsound: pg_checksums: $(head -n 3 "$work/checksums")"
}

cut_main postgresql "$@"

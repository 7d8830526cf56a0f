#!/bin/bash
# SPDX-License-Identifier: MIT
#
# demo.sh [sqlite|postgresql|redis|rocksdb]... - real programs through libwt, level by level.
#
# What `make demo` runs: for each database that is installed, a table of what each level cost and
# covered, measured here and now in a temporary directory (TMPDIR, or /var/tmp). DEMO_SECONDS, 2,
# is how long one line of a table writes.

set -u
shopt -s nullglob

self=$(readlink -f "$0")
top=${self%/bench/*}
dirty=$top/obj/tests/prog/dirty
tool=$top/obj/wt-tool
seconds=${DEMO_SECONDS:-2}
work=
running=()

# In the middle of a line of a table it stands in the place of the figures.
die() {
	echo "demo: failed: $*" >&2
	exit 1
}

# A server may take a moment to die and writes until then.
end_servers() {
	local pid
	for pid in "${running[@]}"; do
		kill -QUIT "$pid" && tail --pid="$pid" -f /dev/null &
	done 2>/dev/null
	wait
}

clean_up() { [ -z "$work" ] || rm -rf "$work"; }

ended() {
	local pid left=()
	for pid in "${running[@]}"; do
		[ "$pid" = "$1" ] || left+=("$pid")
	done
	running=("${left[@]}")
}

have() { command -v "$1" >/dev/null; }

make_work() {
	case ${TMPDIR:-} in
	*[:\ \$]*) die "TMPDIR='$TMPDIR' given, expected a path without a blank, colon or \$, for LD_PRELOAD" ;;
	esac
	work=$(mktemp -d "${TMPDIR:-/var/tmp}/wt-demo.XXXXXX" 2>/dev/null) ||
		die "TMPDIR='${TMPDIR:-/var/tmp}': expected a directory that can be written"
	chmod 755 "$work"
	# PostgreSQL's user need not be able to read the source tree.
	install -D -t "$work/libwt" "$top/libwt.so" "$top/wt-preload.sh" &&
		install -D -t "$work/libwt/obj" "$tool" || exit 1
}

describe_place() {
	echo "Linux $(uname -r), $(nproc) processors, in $work:"
	"$work/libwt/wt-preload.sh" --probe "$work" || exit 1
	if [ "$(stat -f -c %T "$work")" = tmpfs ]; then
		echo
		echo "This is a tmpfs, with no disk to write through to: set TMPDIR to a place that has."
	fi
}

# A database without the files that are looked at is not what was meant to be measured.
pages() {
	[ $# -gt 0 ] || die "$db wrote no file under a name that is looked for; expected its log or data"
	"$dirty" "$@" | awk '{ n += $1 + $2 } END { print n + 0 }'
}

wait_for() {
	local deadline=$((SECONDS + 60))
	until "$@" >"$work/waited" 2>&1; do
		[ "$SECONDS" -le "$deadline" ] || die "gave up on: $*: $(tail -n 1 "$work/waited")"
		sleep 0.05
	done
}

# A database's functions: NAME_have (which packages are missing), NAME_what, NAME_prepare, and
# NAME_measure with `under` (how the command starts), `fsyncs` (own fsyncs: 0 or 1) and `dir`
# (empty); it sets `rate` and `left`, the dirty pages of its log and data after the last commit.

sqlite_have() { have sqlite3 || echo sqlite3; }
sqlite_what() { echo "one INSERT a transaction, WAL"; }
sqlite_prepare() { :; }

# sqlite_session N: the times before and after N commits, then the dirty pages. The programs that
# sqlite3 runs are not part of what is measured.
sqlite_session() {
	local off=(OFF FULL)
	{
		echo "PRAGMA journal_mode=WAL; PRAGMA synchronous=${off[fsyncs]};"
		echo "CREATE TABLE IF NOT EXISTS t (k INTEGER PRIMARY KEY, v TEXT);"
		echo ".system LD_PRELOAD= date +%s%N"
		yes "INSERT INTO t (v) VALUES (hex(randomblob(100)));" | head -n "$1"
		echo ".system LD_PRELOAD= date +%s%N"
		echo ".system LD_PRELOAD= '$dirty' '$dir/demo.db' '$dir/demo.db-wal'"
	} | "${under[@]}" sqlite3 -batch "$dir/demo.db" >"$work/sqlite" 2>"$work/sqlite.err" ||
		die "sqlite3: exit status $?: $(tail -n 1 "$work/sqlite.err")"
	awk -v n="$1" 'NR == 2 { begin = $1 } NR == 3 { rate = n / ($1 - begin) * 1e9 }
		NR > 3 { left += $1 + $2 } END { print int(rate), left }' "$work/sqlite"
}

sqlite_measure() {
	read -r rate left < <(sqlite_session 200)
	[ -n "$left" ] || return
	rm -f "$reports"/*.json
	read -r rate left < <(sqlite_session $((rate * seconds + 1)))
}

postgresql_bin=$(echo /usr/lib/postgresql/*/bin)
postgresql_bin=${postgresql_bin##* }
postgresql_have() {
	[ -x "$postgresql_bin/pgbench" ] || echo "postgresql postgresql-contrib"
}
postgresql_what() { echo "pgbench transactions, 4 clients"; }

# PostgreSQL refuses root.
as_server() {
	local user=()
	[ "$(id -u)" -ne 0 ] || user=(setpriv --reuid=postgres --regid=postgres --init-groups)
	(cd / && exec "${user[@]}" "$@")
}

postgresql_prepare() {
	export PGHOST=$work/socket PGDATABASE=postgres PGUSER=postgres
	data=$work/postgresql
	mkdir "$PGHOST" "$data"
	[ "$(id -u)" -ne 0 ] || chown postgres:postgres "$PGHOST" "$data"
	as_server "$postgresql_bin/initdb" --no-sync -A trust -U postgres --locale=C -E UTF8 \
		-D "$data" >"$work/initdb" 2>&1 || die "initdb: $(tail -n 1 "$work/initdb")"
	printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$PGHOST'" \
		"max_wal_size = 256MB" >>"$data/postgresql.conf"
	under=() fsyncs=0
	postgresql_start
	pgbench -i -q -s 5 >"$work/pgbench" 2>&1 || die "pgbench: $(tail -n 1 "$work/pgbench")"
	postgresql_stop
}

postgresql_start() {
	local off=(off on)
	as_server "${under[@]}" "$postgresql_bin/pg_ctl" -w -s -D "$data" -l "$data/log" \
		-o "-c fsync=${off[fsyncs]}" start || die "PostgreSQL: $(tail -n 1 "$data/log")"
	postmaster=$(head -n 1 "$data/postmaster.pid")
	running+=("$postmaster")
}

postgresql_stop() {
	as_server "$postgresql_bin/pg_ctl" -w -s -D "$data" -m fast stop
	ended "$postmaster"
}

postgresql_measure() {
	postgresql_start
	psql -Xqc CHECKPOINT
	pgbench -n -c 4 -T "$seconds" >"$work/pgbench" 2>&1 ||
		die "pgbench: $(tail -n 1 "$work/pgbench")"
	rate=$(awk '/^tps/ { print int($3) }' "$work/pgbench")
	left=$(pages "$data"/pg_wal/[0-9A-F]* "$data"/base/*/[0-9]*)
	postgresql_stop
}

redis_have() {
	have redis-server || echo redis-server
	have redis-benchmark || echo redis-tools
}
redis_what() { echo "SET commands, 4 clients, append-only file"; }
redis_prepare() { :; }

redis_ask() { redis-cli -s "$work/redis.sock" "$@"; }
redis_calls() { redis_ask INFO commandstats | sed -n 's/^cmdstat_set:calls=\([0-9]*\),.*/\1/p'; }
redis_ready() { redis_ask PING | grep -q PONG; }
redis_up() { redis_ready || ! kill -0 "$server"; } # or has ended, which is looked into then

redis_measure() {
	local off=(no always) begin calls server client
	"${under[@]}" redis-server --port 0 --unixsocket "$work/redis.sock" --dir "$dir" --save '' \
		--appendonly yes --appendfsync "${off[fsyncs]}" >"$work/redis.log" 2>&1 &
	server=$!
	running+=("$server")
	wait_for redis_up
	redis_ready || die "redis-server: $(tail -n 1 "$work/redis.log")"
	redis-benchmark -s "$work/redis.sock" -q -c 4 -t set -l -d 100 \
		>"$work/redis-benchmark" 2>&1 &
	client=$!
	running+=("$client")
	wait_for redis_calls
	begin=$EPOCHREALTIME calls=$(redis_calls)
	sleep "$seconds"
	rate=$(awk -v n="$(redis_calls)" -v n0="${calls:-0}" -v t="$EPOCHREALTIME" -v t0="$begin" \
		'BEGIN { print int((n - n0) / (t - t0)) }')
	kill "$client"
	wait "$client" 2>/dev/null
	ended "$client"
	left=$(pages "$dir"/appendonlydir/*.incr.aof)
	redis_ask SHUTDOWN NOSAVE
	wait "$server"
	ended "$server"
}

rocksdb_have() { have db_bench || echo rocksdb-tools; }
rocksdb_what() { echo "db_bench random writes, 1 thread"; }
rocksdb_prepare() { :; }

# It says so, or has ended, which is looked into then.
rocksdb_filled() {
	grep -a -q '^fillrandom  *:' "$work/db_bench" || ! kill -0 "$bench"
}

# rocksdb_session N: N writes, then reads, with the database open while its pages are counted.
rocksdb_session() {
	# Of the output before, nothing may be taken for this one's.
	rm -rf "$dir/db" "$work/db_bench" "$work/db_bench.err"
	"${under[@]}" db_bench --db="$dir/db" --benchmarks=fillrandom,readrandom --num="$1" \
		--reads=200000 --threads=1 --sync="$fsyncs" --compression_type=none \
		>"$work/db_bench" 2>"$work/db_bench.err" &
	bench=$!
	running+=("$bench")
	wait_for rocksdb_filled
	if ! grep -a -q '^fillrandom  *:' "$work/db_bench"; then
		wait "$bench"
		die "db_bench: exit status $?: $(head -n 1 "$work/db_bench.err")"
	fi
	left=$(pages "$dir"/db/*.log "$dir"/db/*.sst) || exit 1
	wait "$bench" || die "db_bench: exit status $?: $(tail -n 1 "$work/db_bench.err")"
	ended "$bench"
	rate=$(tr '\r' '\n' <"$work/db_bench" | awk '/^fillrandom/ { print int($5) }')
}

rocksdb_measure() {
	rocksdb_session 500
	rm -f "$reports"/*.json
	rocksdb_session $((rate * seconds + 1))
}

# line LABEL LEVEL OWN-FSYNCS: a level of "-" is without libwt.
line() {
	local covered
	printf '%-26s' "$1"
	rm -rf "$dir" "$reports"
	mkdir "$dir"
	mkdir -m 1777 "$reports"
	sync -f "$work"
	under=() fsyncs=$3
	[ "$2" = - ] || under=("$work/libwt/wt-preload.sh" -P "$db=$2" -r "$reports/%p.json" --)
	rate='' left=''
	"${db}_measure" || die "$db could not be measured"
	if [ "${rate:-0}" -le 0 ] || [ -z "$left" ]; then
		die "$db told no rate; expected writes a second"
	fi
	[ "$1" != "$unprotected" ] || base=$rate
	read -ra covered < <(covered)
	printf '%9d %6s' "$rate" "$(awk -v r="$rate" -v b="$base" 'BEGIN { printf "%.2f", r / b }')"
	printf ' %9s %9s %8s %8s' "${covered[@]}"
	printf ' %8d\n' "$left"
	remarks
}

# What a table cannot show: writes that went another way than the level's engine, or past libwt.
remarks() {
	jq -r '(.falls[] | "  \(.path): from \(.from) to \(.to), \(.reason), \(.count) times"),
		(.not_covered[] | "  not covered: \(.path), \(.way), \(.count) times")' \
		"$reports"/*.json </dev/null | sort | uniq | head -n 5
}

# Writes, bytes, and the p50 and p99 of the processes, weighted by their writes.
covered() {
	jq -rs '[.[].rules[] | select(.level != "off" and .engine != "none" and .writes > 0)] |
		(map(.writes) | add) as $n | if . == [] then "- - - -" else
		[$n, (map(.bytes) | add), (map(.p50_us * .writes) | add / $n | round),
		 (map(.p99_us * .writes) | add / $n | round)] | map(tostring) | join(" ") end' \
		"$reports"/*.json </dev/null | numfmt --field=2 --to=iec --invalid=ignore
}

show() {
	local missing
	db=$1
	missing=$("${db}_have")
	printf '\n%s: %s' "$db" "$("${db}_what")"
	if [ -n "$missing" ]; then
		printf ' -- left out, apt-get install %s\n' "${missing//$'\n'/ }"
		return
	fi
	printf '\n%-26s%9s %6s %9s %9s %8s %8s %8s\n' \
		"" per-s ratio covered bytes p50-us p99-us left
	measure || failed+=" $db"
}

# In a shell of its own: what fails there ends with this table.
measure() (
	trap end_servers EXIT
	trap 'exit 130' INT TERM HUP
	"${db}_prepare"
	line "$unprotected" - 0
	line "libwt off" off 0
	line "libwt through" through 0
	line "libwt dsync" dsync 0
	line "its own fsync" - 1
)

explain() {
	cat <<-END

	The first line of each table runs without libwt and with the database's own fsyncs off; the
	lines of libwt run the same under its preset at that level; "its own fsync" is the database
	as it protects itself, without libwt. What else the machine does moves the figures.
	  per-s    transactions or writes a second
	  ratio    per-s against the first line
	  covered  writes that came back when the level held for their bytes
	  bytes    what those writes carried
	  p50-us, p99-us  how long half and 99 of 100 of them took, in microseconds
	           (several processes: their mean, weighted by writes)
	  left     pages of log and data that only memory held after the last commit. "through"
	           leaves none, though the disk's own cache may hold some; "dsync" leaves none there
	           either. A database that syncs its log may leave data pages: the log has them.
	END
}

unprotected="no libwt, no fsync"
trap clean_up EXIT
trap 'exit 130' INT TERM HUP
for program in sqlite3 jq; do
	have "$program" || die "$program is missing: apt-get install $program"
done
for built in "$top/libwt.so" "$tool" "$dirty"; do
	[ -x "$built" ] || die "$built is missing: run make demo, which builds it first"
done
for db; do
	case $db in
	sqlite | postgresql | redis | rocksdb) ;;
	*) die "'$db' given, expected sqlite, postgresql, redis or rocksdb" ;;
	esac
done
case $seconds in
'' | 0* | *[!0-9]*) die "DEMO_SECONDS='$seconds' given, expected a number of seconds from 1" ;;
esac
export LC_ALL=C
make_work
dir=$work/dir reports=$work/reports
describe_place
[ $# -gt 0 ] || set -- sqlite postgresql redis rocksdb
failed=
for db; do
	show "$db"
done
explain
[ -z "$failed" ] || die "no figures of:$failed"

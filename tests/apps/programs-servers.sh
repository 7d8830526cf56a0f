#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Programs that are looked at while they run, with a dsync rule over all that they write: PostgreSQL
# under pgbench, Redis under redis-benchmark, RocksDB under db_bench, MariaDB under mysqlslap, and
# stress-ng, whose files have no name. The same contents as without libwt, sound by the databases'
# own checks, and no page dirty once they rest but those of files that the report names.

# shellcheck source-path=SCRIPTDIR source=lib/database.sh disable=SC1091,SC2154,SC2317
. "${0%/*}/lib/database.sh"

# shellcheck source-path=SCRIPTDIR source=lib/programs.sh
. "${0%/*}/lib/programs.sh"

# shellcheck source-path=SCRIPTDIR source=lib/postgresql.sh
. "${0%/*}/lib/postgresql.sh"

# shellcheck source-path=SCRIPTDIR source=lib/redis.sh
. "${0%/*}/lib/redis.sh"

need postgres postgresql pgbench postgresql-contrib pg_amcheck postgresql \
	redis-server redis-server redis-benchmark redis-tools db_bench rocksdb-tools ldb rocksdb-tools \
	mariadbd mariadb-server-core mysqlslap mariadb-client stress-ng stress-ng jq jq

# Contents, to be compared, are kept here: they can only be asked for while the server runs.
contents=$work/contents

carry_out() { "$1_run"; }

pgbench_contents() {
	ask "SELECT count(*), sum(hashtext(aid || ' ' || abalance || filler)::bigint)
		FROM pgbench_accounts"
	ask "SELECT tid, bid, aid, delta FROM pgbench_history ORDER BY 1, 2, 3, 4" | sha256sum
	ask "SELECT * FROM pgbench_tellers ORDER BY tid" | sha256sum
}

# The random seed makes the sums those of the run without libwt.
pgbench_load() {
	pgbench -i -q -s 1 && pgbench -n -c 4 -t $((scale * 40)) --random-seed=1 && balanced
}

# Each by a way to write files of its own: copies of whole files, two-phase commits, COPY.
pgbench_more() {
	{ [ "$scale" = 1 ] || ask "CREATE DATABASE copied STRATEGY file_copy"; } &&
		ask "VACUUM FULL pgbench_history" &&
		ask "COPY (SELECT * FROM pgbench_tellers ORDER BY tid) TO '$dir/tellers'" && ask CHECKPOINT &&
		"${under[@]}" pg_dump -f "$dir/dump" -t pgbench_branches
}

postgresql_run() {
	local data=$dir/data
	give "$dir" "$reports"
	make_cluster "$data" || { cat "$work/initdb"; return 1; }
	server_start "$data" -c listen_addresses= -c "unix_socket_directories='$PGHOST'" \
		-c shared_buffers=16MB -c min_wal_size=32MB -c max_wal_size=64MB || return 1
	pgbench_load && pgbench_more && pgbench_contents >"$contents" || return 1
	look 0.1 0.3 0.6
	pg_amcheck --install-missing --heapallindexed -d postgres && server_stop "$data" fast &&
		server "$bin/pg_checksums" -c -D "$data"
}

postgresql_result() { cat "$contents"; sha256sum tellers; }

redis_run() {
	local bench=(redis-benchmark -s "$redis_socket" -q -c 4 -n $((scale * 300)) -d 300)
	redis_start && "${bench[@]}" -t set,incr,lpush,rpop,zadd,mset || return 1
	redis_ask BGREWRITEAOF && wait_for 60 redis_rewritten && "${bench[@]}" -t sadd,hset &&
		redis_ask SAVE && redis_ask INCR kept && redis_state >"$contents" || return 1
	look 0.1 0.3 0.6
	redis_stop && redis-check-aof appendonlydir/*.manifest && redis-check-rdb dump.rdb &&
		redis_start && redis_state >>"$contents" && redis_stop
}

# With the same keys at each run, the digest of all that is there is the same.
redis_result() { cat "$contents"; }

rocksdb_run() {
	"${under[@]}" db_bench --db="$dir/db" --wal_dir="$dir/wal" \
		--benchmarks=fillseq,flush,overwrite,compact,overwrite \
		--num=$((scale * 600)) --seed=1 --value_size=400 \
		--write_buffer_size=$((scale * 100000)) --compression_type=none --sync=0 --threads=1 "$@"
}

rocksdb_result() {
	ldb --db="$dir/db" --wal_dir="$dir/wal" checkconsistency
	ldb --db="$dir/db" --wal_dir="$dir/wal" scan --hex | sha256sum
}

rocksdb_mmap_run() { rocksdb_run --mmap_write=1; }
rocksdb_mmap_result() { rocksdb_result; }

maria_socket=$work/mariadb.sock
maria_ask() { mariadb --no-defaults -S "$maria_socket" -u root -N -B "$@"; }

maria_make() { # DIRECTORY
	mariadb-install-db --no-defaults --user=root --datadir="$1" --innodb-log-file-size=8M \
		--auth-root-authentication-method=normal --skip-test-db
}

# The long form makes the files of each server under libwt too.
maria_files() {
	if [ "$scale" = 1 ]; then
		"${under[@]}" cp -a "$work/mariadb" data
	else
		mkdir data && "${under[@]}" bash -c "$(declare -f maria_make); maria_make $dir/data"
	fi
}

# maria_start [OPTION...]: a server whose files go through the page cache.
maria_start() {
	maria_files && mkdir tmp || return 1
	"${under[@]}" mariadbd --no-defaults --user=root --datadir="$dir/data" --tmpdir="$dir/tmp" \
		--innodb-flush-method=fsync --innodb-log-file-buffering --innodb-log-file-size=8M \
		--innodb-buffer-pool-size=16M --innodb-use-native-aio=0 --log-bin=log \
		--skip-networking --socket="$maria_socket" --pid-file="$work/mariadb.pid" "$@" \
		>"$work/mariadb.log" 2>&1 &
	maria_job=$!
	started+=("$maria_job")
	wait_for 30 maria_ask -e 'SELECT 1' || { tail -n 20 "$work/mariadb.log"; return 1; }
}

maria_load() {
	local engine
	for engine in InnoDB Aria MyISAM; do
		mysqlslap --no-defaults -S "$maria_socket" -u root --create-schema="slap_$engine" \
			--no-drop --engine="$engine" --concurrency=4 --number-of-queries=$((scale * 100)) \
			--create='CREATE TABLE t (k INT AUTO_INCREMENT PRIMARY KEY,
				v VARCHAR(500), KEY (v))' \
			--query="INSERT INTO t (v) VALUES (REPEAT('$engine', 20))" --delimiter=';' || return 1
	done
	maria_ask -e "CREATE TABLE slap_InnoDB.u AS SELECT * FROM slap_InnoDB.t;
		DELETE FROM slap_InnoDB.t WHERE k % 3 = 0; ALTER TABLE slap_Aria.t ADD w INT DEFAULT 7;
		SELECT * FROM slap_InnoDB.u INTO OUTFILE '$dir/outfile'; FLUSH TABLES;
		FLUSH TABLES slap_InnoDB.t, slap_InnoDB.u FOR EXPORT; UNLOCK TABLES"
}

maria_check() {
	local table
	for table in slap_InnoDB.t slap_InnoDB.u slap_Aria.t slap_MyISAM.t; do
		maria_ask -e "CHECK TABLE $table EXTENDED; CHECKSUM TABLE $table;
			SELECT COUNT(*) FROM $table"
	done >"$contents"
}

mariadb_run() {
	maria_start "$@" && maria_load && maria_check || return 1
	look 0.1 0.3 0.6
	maria_ask -e SHUTDOWN
	wait "$maria_job" && innochecksum data/slap_InnoDB/*.ibd
}

mariadb_result() { cat "$contents"; sort outfile | sha256sum; }

# InnoDB writes its tables by io_uring, or by io_submit(2).
mariadb_aio_run() { mariadb_run --innodb-use-native-aio=1; }
mariadb_aio_result() { mariadb_result; }

hdd=(stress-ng --quiet --hdd 2 --hdd-bytes 4M --verify --temp-path .)

# rests PROCESS: it is stopped, or has ended: stress-ng has children for a moment as it starts.
rests() { ! grep -q '^State:.[RSD]' "/proc/$1/status"; }

# children_of PROCESS: read from /proc, so that no package is needed for it.
children_of() { cat "/proc/$1/task"/*/children; }

# What the process has open below $dir and is dirty, named or not; the process is held meanwhile.
# All that it has there and is in the page cache goes to $work/cached: a file that was opened a
# moment ago has nothing that could be dirty, and says nothing.
look_into() {
	local fd
	kill -STOP "$1" && wait_for 60 rests "$1" || return 1
	for fd in "/proc/$1/fd"/*; do
		case $(readlink "$fd") in "$dir"/*) "${dirty[@]}" "$fd" ;; esac
	done | awk '$1 + $2 + $3 > 0' | tee -a "$work/cached" | awk '$1 + $2 > 0'
	kill -CONT "$1"
}

# stress-ng unlinks its files as soon as it has opened them. Without libwt there has to be a moment
# at which they are dirty. With it, one that is dirty between a copy and its sync is not dirty the
# next time, so there has to be a moment at which they are cached, and none is dirty.
hdd_look() {
	local try worker
	kill -0 "$1" || return 0 # it has ended, which hdd_run tells
	for try in {1..20}; do
		: >"$work/cached"
		for worker in $(children_of "$1"); do
			look_into "$worker"
		done >"$work/open_dirty"
		[ -s "$work/cached" ] || continue
		if [ "$level" = control ]; then
			[ ! -s "$work/open_dirty" ] || break
		else
			[ -s "$work/open_dirty" ] || return 0
		fi
	done
	cat "$work/open_dirty" >>"$work/dirty"
	[ -s "$work/open_dirty" ]
}

hdd_run() {
	local job looked
	"${under[@]}" "${hdd[@]}" --hdd-ops $((scale * 200)) --metrics-brief \
		--yaml "$work/metrics" || return 1
	"${under[@]}" "${hdd[@]}" --timeout 600 &
	job=$!
	started+=("$job")
	wait_for 60 hdd_look "$job" && kill -0 "$job"
	looked=$?
	kill -INT "$job"
	wait "$job" && [ $looked = 0 ]
}

hdd_result() { grep -E 'stressor|bogo-ops:' "$work/metrics"; }

launcher=$work/wt-preload.sh
check "a library is made that syncs nothing" prepare_nosync
check "libwt is copied" copy_libwt
check "the files of a MariaDB server are made" maria_make "$work/mariadb"
check "a directory for sockets is made" socket_made
places=(EXT4)
[ "$scale" = 1 ] || places=(EXT4 XFS BTRFS)
for place in "${places[@]}"; do
	try postgresql "$place"
	try redis "$place"
	try rocksdb "$place"
	holes=$'.*\ta shared writable mapping' try rocksdb_mmap "$place"
	try mariadb "$place"
	falls='submitted to the kernel .*' try mariadb_aio "$place"
	refused=yes try hdd "$place"
done
finish

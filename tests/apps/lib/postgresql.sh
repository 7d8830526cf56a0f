# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # shared with the scripts that read it
#
# A PostgreSQL server of a test's own. Read by tests/apps/*postgresql.sh, after database.sh.

bin=$(echo /usr/lib/postgresql/*/bin)
bin=${bin##* }
PATH=$PATH:$bin
export PGHOST=$work/socket PGDATABASE=postgres PGUSER=postgres

# The server refuses root.
as_server=()
if [ "$(id -u)" -eq 0 ]; then
	as_server=(setpriv --reuid=postgres --regid=postgres --init-groups)
fi

server() { "${as_server[@]}" "$@"; }
give() { [ ${#as_server[@]} -eq 0 ] || chown postgres:postgres "$@"; }
ask() { psql -XAtq -v ON_ERROR_STOP=1 -c "$1"; }

# An own copy of libwt: its user need not be able to read the source tree.
copy_libwt() {
	cp "$WT_LIB" "$WT_TOP/wt-preload.sh" "$work" && install -D -t "$work/obj" "$WT_OBJ/wt-tool"
}

# socket_made: where the server and its clients meet.
socket_made() { [ -d "$PGHOST" ] || { mkdir -m 755 "$PGHOST" && give "$PGHOST"; }; }

# make_cluster DIRECTORY [OPTION...]: by those options for initdb, under the launcher in `under`.
make_cluster() {
	local data=$1
	shift
	mkdir -m 755 "$data" && give "$data" && server "${under[@]}" "$bin/initdb" -k --no-sync \
		--no-instructions -A trust -U postgres --locale=C --encoding=UTF8 -D "$data" "$@" \
		>"$work/initdb" 2>&1
}

# prepare [OPTION...]: a cluster in $work/template, by those options for initdb.
prepare() {
	local under=()
	copy_libwt && socket_made && make_cluster "$work/template" "$@" || return 1
	cat >>"$work/template/postgresql.conf" <<-END
		listen_addresses = ''
		unix_socket_directories = '$PGHOST'
		fsync = off
		shared_buffers = 16MB
	END
}

# server_start DIRECTORY [OPTION...]: the pg_ctl that starts the server, its shell and the server
# are all under the launcher in `under`.
server_start() {
	local data=$1
	shift
	server "${under[@]}" "$bin/pg_ctl" -w -s -D "$data" -l "$PGHOST/log" -o "$*" start \
		</dev/null || { tail -n 20 "$PGHOST/log"; return 1; }
	started+=("$(head -n 1 "$data/postmaster.pid")")
}

server_stop() { server "$bin/pg_ctl" -w -s -D "$1" -m "$2" stop; }

# pgbench's sums, which are the same whatever its clients did.
balanced() {
	ask "SELECT (SELECT sum(abalance) FROM pgbench_accounts),
			(SELECT sum(tbalance) FROM pgbench_tellers),
			(SELECT sum(bbalance) FROM pgbench_branches),
			(SELECT sum(delta) FROM pgbench_history)" | tee "$work/balance"
	awk -F '|' '{ exit !(NF == 4 && $1 == $2 && $2 == $3 && $3 == $4) }' "$work/balance"
}

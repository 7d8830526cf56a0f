# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # shared with the scripts that read it
#
# A PostgreSQL server of a test's own. Read by tests/sh/*postgresql.sh, after database.sh.

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

# prepare [OPTION...]: a cluster in $work/template, by those options for initdb.
prepare() {
	copy_libwt || return 1
	mkdir -m 755 "$PGHOST" "$work/template"
	give "$PGHOST" "$work/template"
	server "$bin/initdb" -k --no-sync --no-instructions -A trust -U postgres --locale=C \
		--encoding=UTF8 -D "$work/template" "$@" >"$work/initdb" 2>&1 || return 1
	cat >>"$work/template/postgresql.conf" <<-END
		listen_addresses = ''
		unix_socket_directories = '$PGHOST'
		fsync = off
		shared_buffers = 16MB
	END
}

#!/bin/bash
# SPDX-License-Identifier: MIT
#
# No server runs uncovered without a word. A program that libwt is not in, or whose environment was
# emptied on the way, leaves its page dirty; then the log names it once, with the reason and what
# can be done, and so does the report. What is covered, by the same ways, leaves no page dirty and
# has nothing said of it.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154,SC2016
. "${0%/*}/../lib/tap.sh"

need_fs EXT4

# What other users execute and write lies where they may: the source tree need not.
box=$work/box place=$WT_TEST_EXT4/uncovered reports=$work/reports
mkdir -p "$box/obj" "$place"
mkdir -m 1777 "$reports"
chmod 1777 "$place"
cp "$WT_LIB" "$WT_TOP/wt-preload.sh" "$box"
cp "$WT_OBJ/wt-tool" "$box/obj"
cp "$WT_OBJ"/tests/prog/{starter,server} "$box"
file=$place/x.db
launch=("$box/wt-preload.sh" -p '*.db=dsync' -r "$reports/%p.json")
server=$box/server

as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)

# build NAME COMPILER...: the server built in another way; false where that is not to be had.
build() {
	local name=$1
	shift
	"$@" -o "$box/$name" "$WT_TOP/tests/uncovered/server.c" 2>"$work/said"
}

start() { # COMMAND...
	rm -rf "$file" "${reports:?}"/*
	run timeout -s KILL 60 "$@"
}

# What the reports of all processes list, one line a program.
reported() { # [DIRECTORY]
	find "${1:-$reports}" -type f -exec jq -r \
		'.not_covered[] | "\(.path), \(.count): \(.way); what to do: \(.remedy)"' {} +
}

# What is wrong where a program has to be named.
unnamed() { # PROGRAM WORDS
	local times
	times=$(grep -cF "warning: $1 is not covered: $2" "$work/err")
	[ "$times" = 1 ] || echo "named $times times in the log, not once"
	grep -F "warning: $1 is not covered: $2" "$work/err" | grep -q '; what to do: .' ||
		echo "the log says nothing to do"
	reported | grep -F "$1, " | grep -F ": $2" | grep -qv '; what to do: null$' ||
		echo "not in the report"
}

# uncovered NAME PROGRAM WORDS COMMAND...: the page stays dirty, and that program is named.
uncovered() {
	local name=$1 program=$2 why=$3 try wrong
	shift 3
	# Somebody else's sync(2) may clean the page just before the look.
	for try in 1 2 3; do
		start "$@"
		[ "$(dirty_pages "$file")" != 1 ] || break
	done
	wrong=$(unnamed "$program" "$why")
	[ "$(dirty_pages "$file")" = 1 ] || wrong+=$'\n'"the page is not dirty, $try times"
	[ -z "$wrong" ] || wrong+=$'\n'$(head -c 2000 "$work/err" "$work/out"; reported)
	pass_unless "$name" "$wrong"
}

# covered NAME COMMAND...: the page is clean, and nothing is said.
covered() {
	local name=$1 wrong=
	shift
	start "$@"
	[ "$(dirty_pages "$file")" = 0 ] || wrong+="the page is dirty"$'\n'
	! grep -q 'not covered' "$work/err" || wrong+="the log speaks"$'\n'
	[ -z "$(reported)" ] || wrong+="the report speaks: $(reported)"$'\n'
	pass_unless "$name" "${wrong:+$wrong$(head -c 2000 "$work/err")}"
}

missing() { skip "$1" "$2 is not installed"; }

# From here on: by emptied environments.

emptied="executed with an environment without libwt (LD_PRELOAD)"

environments() {
	covered "a server" "${launch[@]}" "$server" "$file"
	covered "env without -i" "${launch[@]}" env X=1 "$server" "$file"
	uncovered "env -i" "$server" 'executed by env with an environment without libwt' \
		"${launch[@]}" env -i "$server" "$file"
	uncovered "env -i by a script's first line" "$server" 'executed by env' \
		"${launch[@]}" "$work/emptying"
	uncovered "env -u LD_PRELOAD" "$server" 'executed by env' \
		"${launch[@]}" env -u LD_PRELOAD "$server" "$file"
	uncovered "rules that are taken out" "$server" 'executed with an environment without rules' \
		"${launch[@]}" env -u WT_POLICY "$server" "$file"
	uncovered "a program that empties it in its environ" "$server" "$emptied" \
		"${launch[@]}" perl -e '%ENV = (); exec @ARGV' "$server" "$file"
	uncovered "a shell that unsets it" "$server" "$emptied" \
		"${launch[@]}" sh -c 'unset LD_PRELOAD; "$@"; exit' - "$server" "$file"
	uncovered "a shell that sets it to nothing, for one command" "$server" "$emptied" \
		"${launch[@]}" bash -c 'LD_PRELOAD= "$@"; exit' - "$server" "$file"
	uncovered "with a standard error of its own" "$server" "$emptied" \
		"${launch[@]}" sh -c 'LD_PRELOAD= "$@" 2>/dev/null; exit' - "$server" "$file"
	uncovered "system(3) after clearenv(3)" /bin/sh "$emptied" \
		"${launch[@]}" perl -e '%ENV = (); system "@ARGV; exit"' "$server" "$file"
	covered "what empties it and names libwt again" \
		"${launch[@]}" sh -c 'env -i LD_PRELOAD="$LD_PRELOAD" WT_POLICY="$WT_POLICY" "$@"' - \
		"$server" "$file"
	uncovered "of two lists of preloads the last, and it has no libwt" "$server" "$emptied" \
		"${launch[@]}" "$box/starter" preload_first "$server" "$file"
	covered "of two lists of preloads the last, and it has libwt" \
		"${launch[@]}" "$box/starter" preload_last "$server" "$file"
	start "${launch[@]}" env WT_DISABLE=1 "$server" "$file"
	check "WT_DISABLE=1 is meant, and nothing is said" [ ! -s "$work/err" ]
	start "${launch[@]}" sh -c 'for n in 1 2 3; do env -i "$@"; LD_PRELOAD= "$@"; done' - "$server" "$file"
	check "each of two reasons is logged once by a process and its children" \
		is "$(grep -c 'executed with' "$work/err")" 1
	check "and counted" grep -qF "$server, 3: $emptied" <<<"$(reported)"
	start "$box/wt-preload.sh" -p '*.db=dsync' -r stderr sh -c 'env -u LD_PRELOAD "$@"; exit' - "$server" "$file"
	check "the report for people tells it too" \
		is "$(grep -c -e 'NOT COVERED' -e "^ *$server, 1 time" -e '^ *what to do: name them' "$work/err")" 3
}

# libwt that came by another way than LD_PRELOAD is in this program, and in no other.
without_preload() {
	local told=(WT_POLICY='*.db=dsync' WT_REPORT="$reports/%p.json") loader
	loader=$(LC_ALL=C readelf -l "$server" | sed -n 's/.*interpreter: \(.*\)]/\1/p')
	uncovered "libwt that was an option of the loader" "$server" "$emptied" env "${told[@]}" \
		"$loader" --preload "$box/libwt.so" "$box/starter" execve "$server" "$file"
	gcc -D_GNU_SOURCE -o "$box/linked" "$WT_TOP/tests/uncovered/starter.c" -Wl,--no-as-needed "$box/libwt.so" \
		-Wl,-rpath,"$box"
	uncovered "libwt that the program was linked with" "$server" "$emptied" env "${told[@]}" \
		"$box/linked" execve "$server" "$file"
	covered "the same, and the preload beside it" env "${told[@]}" \
		LD_PRELOAD="$box/libwt.so" "$box/linked" execve "$server" "$file"
	if ! unshare -m true 2>"$work/said"; then
		skip "libwt in /etc/ld.so.preload" "this machine: $(cat "$work/said")"
		return
	fi
	cp -a /etc "$work/etc"
	printf '%s\n' "# the one in $box/libwt.so:" "$box/libwt.so" >"$work/etc/ld.so.preload"
	covered "libwt in /etc/ld.so.preload" env "${told[@]}" unshare -m sh -c \
		'mount --bind "$0" /etc && exec "$@"' "$work/etc" "$box/starter" execve "$server" "$file"
	echo "# $box/libwt.so" >"$work/etc/ld.so.preload"
	uncovered "libwt in a comment there" "$server" "$emptied" env "${told[@]}" unshare -m sh -c \
		'mount --bind "$0" /etc && exec "$@"' "$work/etc" "$box/linked" execve "$server" "$file"
}

users() {
	if [ "$(id -u)" != 0 ]; then
		skip "su, sudo, runuser, cron" "this machine: not root"
		return
	fi
	local shell
	shell=$(getent passwd root | cut -d: -f7)
	uncovered "su -" "$shell" 'executed by su or runuser' "${launch[@]}" su - -c "$server $file"
	covered "su" "${launch[@]}" su -c "$server $file"
	covered "su - -w" "${launch[@]}" su - -w LD_PRELOAD,WT_POLICY,WT_REPORT -c "$server $file"
	uncovered "runuser -l" "$shell" 'executed by su or runuser' \
		"${launch[@]}" runuser -l root -c "$server $file"
	covered "runuser -u" "${launch[@]}" runuser -u nobody -- "$server" "$file"
	by_sudo
	privileged
}

# Who is not root may use sudo without a password, here and for now.
by_sudo() {
	[ -n "$(command -v sudo)" ] || { missing sudo sudo && return; }
	covered "sudo, by root" "${launch[@]}" sudo "$server" "$file"
	mkdir "$work/sudoers.d"
	echo 'nobody ALL=(ALL) NOPASSWD: ALL' >"$work/sudoers.d/test"
	chmod 440 "$work/sudoers.d/test"
	if ! mount --bind "$work/sudoers.d" /etc/sudoers.d 2>"$work/said"; then
		skip "sudo" "this machine: $(cat "$work/said")"
		return
	fi
	uncovered "sudo" "$(command -v sudo)" 'executed with privileges' \
		"${as_nobody[@]}" "${launch[@]}" sh -c '"$@"; exit' - sudo -n "$server" "$file"
	covered "sudo before the launcher" "${as_nobody[@]}" sudo -n "${launch[@]}" "$server" "$file"
	umount /etc/sudoers.d
}

privileged() {
	local mode
	for mode in 4755 2755; do
		install -m $mode "$server" "$box/secure"
		uncovered "a program of mode $mode" "$box/secure" 'executed with privileges' \
			"${as_nobody[@]}" "${launch[@]}" "$box/starter" execve "$box/secure" "$file"
		covered "mode $mode, called by its owner" \
			"${launch[@]}" "$box/starter" execve "$box/secure" "$file"
		covered "mode $mode, with no_new_privs" "${as_nobody[@]}" setpriv --no-new-privs \
			"${launch[@]}" "$box/starter" execve "$box/secure" "$file"
	done
	install -m 755 "$server" "$box/secure"
	setcap cap_net_raw+ep "$box/secure"
	uncovered "a program with file capabilities" "$box/secure" 'executed with privileges' \
		"${as_nobody[@]}" "${launch[@]}" "$box/starter" posix_spawn "$box/secure" "$file"
	covered "file capabilities, called by root" \
		"${launch[@]}" "$box/starter" execve "$box/secure" "$file"
}

# By what it is.

kinds() {
	build static gcc -static && uncovered "a static program" "$box/static" \
		'executed, and linked statically' "${launch[@]}" sh -c '"$@"; exit' - "$box/static" "$file"
	build pie gcc -static-pie && uncovered "a static program at any address" "$box/pie" \
		'executed, and linked statically' "${launch[@]}" sh -c '"$@"; exit' - "$box/pie" "$file"
	uncovered "a static wrapper that empties the environment" "$box/static" \
		'executed, and linked statically' \
		"${launch[@]}" sh -c '"$@"; exit' - "$box/static" emptied "$server" "$file"
	start "${launch[@]}" sh -c '"$@"; exit' - "$box/static" as "$server" "$file"
	check "what a static wrapper passes its environment on to is covered" \
		is "$(dirty_pages "$file") $(unnamed "$box/static" 'executed, and linked statically')" "0 "
	printf '#!%s\n' "$box/static" >"$box/script"
	chmod 755 "$box/script"
	start "${launch[@]}" sh -c '"$@"; exit' - "$box/script"
	check "the interpreter of a script is named" \
		grep -q "$box/static is not covered: executed, and linked statically" "$work/err"
	if build musl musl-gcc; then
		uncovered "a program of another C library" "$box/musl" 'executed, and built for another C library' \
			"${launch[@]}" sh -c '"$@"; exit' - "$box/musl" "$file"
		start "${launch[@]}" "$box/starter" no_environment "$box/musl" "$file"
		check "an environment that is not there, for a program of another C library" \
			is "$status $(cat "$work/out" "$work/err")" "100 EFAULT"
		uncovered "a shell of another C library" "$box/musl" 'executed, and built for another C library' \
			"${launch[@]}" sh -c '"$@"; exit' - "$box/musl" as "$server" "$file"
		start env LD_PRELOAD="$box/none.so" "${launch[@]}" \
			sh -c '"$@"; exit' - "$box/musl" as "$(command -v env)"
		check "it keeps what else is preloaded" grep -qx "LD_PRELOAD=$box/none.so" "$work/out"
		start "${launch[@]}" sh -c '"$@"; exit' - "$box/musl" as "$(command -v env)"
		check "or has no LD_PRELOAD" is "$(grep -c '^LD_PRELOAD' "$work/out") $(grep -c ^WT_POLICY= "$work/out")" "0 1"
	else
		missing "programs of another C library" musl-tools
	fi
	if build other gcc -m32; then
		uncovered "a 32-bit program" "$box/other" 'executed, and built for another machine or word size' \
			"${launch[@]}" sh -c '"$@"; exit' - "$box/other" "$file"
	else
		missing "a 32-bit program" gcc-multilib
	fi
	go_programs
	loader=$(ldd "$server" | awk '/ld-linux/ { print $1 }')
	covered "the loader itself, and what it loads" \
		"${launch[@]}" sh -c '"$@"; exit' - "$loader" --inhibit-cache --argv0 x "$server" "$file"
	cp "$loader" "$box/ld.so"
	covered "a loader of another name" "${launch[@]}" sh -c '"$@"; exit' - "$box/ld.so" "$server" "$file"
	uncovered "the loader with an environment without libwt" "$server" "$emptied" \
		"${launch[@]}" sh -c 'LD_PRELOAD= "$@"; exit' - "$loader" "$server" "$file"
}

# A program is known as Go's by a note, or by a section.
go_programs() {
	printf '.section .note.go.buildid,"a",@note\n.long 4, 4, 4\n.asciz "Go\\0"\n.long 1\n' >"$work/note.s"
	printf '.section .go.buildinfo,"aw"\n.quad 1\n' >"$work/section.s"
	local how
	for how in note section; do
		build go_$how gcc "$work/$how.s" || continue
		start "${launch[@]}" sh -c '"$@"; exit' - "$box/go_$how" "$file"
		check "a dynamic Go program is named, by its $how" grep -q \
			"$box/go_$how is not covered: executed, and a Go program" "$work/err"
	done
}

# By where it is.

unloadable="executed where libwt.so is missing, not readable, or noexec"

places() {
	if ! unshare -m true 2>/dev/null; then
		skip "mounts and roots" "this machine: no mount namespace"
		return
	fi
	# What systemd does for NoExecPaths=: the path mounted over itself, noexec.
	local noexec='mount --bind "$0" "$0" && mount -o remount,bind,noexec "$0" && exec "$@"'
	uncovered "a server for whom the library's path is noexec" "$server" "$unloadable" \
		"${launch[@]}" unshare -m sh -c "$noexec" "$box/libwt.so" "$server" "$file"
	start unshare -m sh -c "$noexec" "$box/libwt.so" "${launch[@]}" "$server" "$file"
	check "under the launcher in a unit with NoExecPaths= it is refused" \
		is "$status $(grep -c 'libwt.so: cannot be loaded from there: the mount is noexec.*ExecPaths=' "$work/err")" "126 1"
	start unshare -m sh -c "$noexec" "$box/libwt.so" env LD_PRELOAD="$box/libwt.so" \
		WT_POLICY='*.db=dsync' "$server" "$file"
	check "preloaded by the unit itself, the loader says it" \
		grep -q "libwt.so' from LD_PRELOAD cannot be preloaded" "$work/err"
	mkdir -m 700 "$work/closed"
	cp "$WT_LIB" "$work/closed"
	uncovered "a server whose user cannot read the library" "$server" "$unloadable" \
		env LD_PRELOAD="$work/closed/libwt.so" WT_POLICY='*.db=dsync' WT_REPORT="$reports/%p.json" \
		"${as_nobody[@]}" "$server" "$file"
	container
}

# As a runtime starts the entry point of a container: another root, the environment passed on.
container() {
	local root=$work/root from
	mkdir -p "$root$place" "$root$box" "$root$reports" "$root/bin"
	for from in $(ldd "$server" /bin/dash | grep -o '/[^ :]*' | sort -u); do
		install -D "$from" "$root$from"
	done
	install "$server" "$root$box"
	install /bin/dash "$root/bin/sh"
	printf '#!/bin/sh\nexec "$@"\n' >"$root/entry"
	chmod 755 "$root/entry"
	cat >"$work/enter" <<-EOF
		#!/bin/sh
		mount --bind "$place" "$root$place" && mount --bind "$reports" "$root$reports" || exit
		exec chroot "$root" "\$@"
	EOF
	chmod 755 "$work/enter"
	uncovered "the entry point of a container without libwt" /bin/sh "$unloadable" \
		"${launch[@]}" unshare -m "$work/enter" /entry "$server" "$file"
	install "$WT_LIB" "$root$box"
	covered "with it" "${launch[@]}" unshare -m "$work/enter" /entry "$server" "$file"
}

# By each call.

calls() {
	local way
	for way in execve execv execvp execvpe execl execlp execle fexecve path_descriptor execveat syscall \
		vfork replace posix_spawn posix_spawnp system popen; do
		uncovered "named by $way" "$box/static" 'executed, and linked statically' \
			"${launch[@]}" "$box/starter" $way "$box/static" "$file"
		covered "nothing said by $way" "${launch[@]}" "$box/starter" $way "$server" "$file"
	done
	start "${launch[@]}" "$box/starter" memfd "$box/static" "$file"
	check "named by memfd" grep -q 'memfd:copy is not covered: executed, and linked statically' "$work/err"
	covered "nothing said by memfd" "${launch[@]}" "$box/starter" memfd "$server" "$file"
	uncovered "found by PATH" "$box/static" 'executed, and linked statically' \
		"${launch[@]}" env PATH="$work:$box:$PATH" "$box/starter" execvp static "$file"
	uncovered "found by PATH, behind one that may not be run" "$box/static" 'executed, and linked statically' \
		"${launch[@]}" env PATH="$work/denied:$box" "$box/starter" posix_spawnp static "$file"
	uncovered "by a relative path" "$box/static" 'executed, and linked statically' \
		env -C "$work" "${launch[@]}" "$box/starter" execve box/../box/static "$file"
	failures
}

# What is not executed is not named, and fails as without libwt.
failures() {
	local way
	install -m 644 "$box/static" "$box/plain"
	for way in execve execvp execlp fexecve execveat posix_spawn posix_spawnp vfork replace; do
		start "$box/starter" $way "$box/plain" "$file"
		cp "$work/out" "$work/expected"
		start "${launch[@]}" "$box/starter" $way "$box/plain" "$file"
		check "EACCES by $way: as without libwt, and nothing said" \
			is "$status $(cat "$work/out" "$work/err")" "100 $(cat "$work/expected")"
	done
	start "${launch[@]}" "$box/starter" execve "$box/none" "$file"
	check "ENOENT: nothing said" is "$status $(cat "$work/out" "$work/err")" "100 ENOENT"
	head -c 40 "$box/static" >"$box/short" && chmod 755 "$box/short"
	start "${launch[@]}" "$box/starter" execve "$box/short" "$file"
	check "ENOEXEC: nothing said" is "$status $(cat "$work/out" "$work/err")" "100 ENOEXEC"
}

# PostgreSQL as Debian starts it, by a configuration of its own.
cluster() {
	local version data=$place/pgdata conf=$work/etc
	version=$(basename "$(printf '%s\n' /usr/lib/postgresql/* | tail -1)")
	[ -n "$(command -v pg_ctlcluster)" ] || { missing pg_ctlcluster postgresql && return; }
	if [ "$(id -u)" != 0 ]; then
		skip pg_ctlcluster "this machine: not root"
		return
	fi
	export PG_CLUSTER_CONF_ROOT=$conf
	mkdir "$work/socket" "$conf"
	chown postgres "$work/socket" "$conf"
	if ! pg_createcluster "$version" wt -u postgres -d "$data" -l "$place/pg.log" -s "$work/socket" \
		-p 54329 -- --no-sync >"$work/said" 2>&1; then
		not_ok "pg_createcluster" "$(cat "$work/said")"
		return
	fi
	start "${launch[@]}" pg_ctlcluster "$version" wt start
	local pid
	pid=$(head -1 "$data/postmaster.pid")
	check "pg_ctlcluster starts a server that is not covered" \
		is "$status $(grep -c libwt.so "/proc/$pid/maps")" "0 0"
	check "and it is named" is "$(unnamed "/usr/lib/postgresql/$version/bin/pg_ctl" 'executed for PostgreSQL')" ""
	pg_ctlcluster "$version" wt stop -m immediate
	printf "LD_PRELOAD = '%s'\nWT_POLICY = '*/pg_wal/*=dsync'\n" "$box/libwt.so" >>"$conf/$version/wt/environment"
	start "${launch[@]}" pg_ctlcluster "$version" wt start
	pid=$(head -1 "$data/postmaster.pid")
	check "with the remedy it is covered" [ "$(grep -c libwt.so "/proc/$pid/maps")" -gt 0 ]
	check "and not named" [ "$(grep -c "pg_ctl is not covered" "$work/err")" = 0 ]
	pg_ctlcluster "$version" wt stop -m immediate
	start "${launch[@]}" -s pg_ctlcluster "$version" wt start
	check "-s refuses pg_ctlcluster" is "$status" 126
}

# The launcher's -s refuses what it knows to lose libwt.
strict() {
	local command expected
	for command in 'env -i true' 'env - true' 'su - -c true' 'runuser -l root -c true' 'systemctl start x' \
		'service x start'; do
		# What is not installed cannot be refused: it is not found.
		expected='126 1'
		[ -n "$(command -v "${command%% *}")" ] || expected='127 1'
		# shellcheck disable=SC2086
		start "${launch[@]}" -s $command
		check "-s refuses $command" is "$status $(grep -c 'leaves libwt out\|expected' "$work/err")" "$expected"
	done
	for command in 'env X=1 true' 'env true -i' 'env -i LD_PRELOAD= true'; do
		# shellcheck disable=SC2086
		start "${launch[@]}" -s $command
		check "-s starts $command" is "$status" 0
	done
}

# cron looks at its table once a minute, so it is begun first and judged last.
begin_cron() {
	[ -n "$(command -v cron)" ] && [ "$(id -u)" = 0 ] || return
	mkdir -p "$work/cron.d" "$work/cron.reports"
	printf '* * * * * root LD_PRELOAD= %s %s/cron.db\n* * * * * root %s %s/cron2.db\n' \
		"$server" "$place" "$server" "$place" >"$work/cron.d/wt"
	cat >"$work/run_cron" <<-EOF
		#!/bin/sh
		mount --bind "$work/cron.d" /etc/cron.d && mount -t tmpfs none /run &&
		mount --bind /dev/null /etc/crontab && exec cron -f
	EOF
	chmod 755 "$work/run_cron"
	"$box/wt-preload.sh" -p '*.db=dsync' -r "$work/cron.reports/%p.json" \
		unshare -m "$work/run_cron" >"$work/cron.log" 2>&1 &
	cron=$!
}

judge_cron() {
	[ -n "${cron:-}" ] || { skip cron "cron is not installed, or not root" && return; }
	local i
	for ((i = 0; i < 700; i++)); do
		[ ! -e "$place/cron.db" ] || [ ! -e "$place/cron2.db" ] || break
		sleep 0.1
	done
	sleep 0.5
	kill "$cron"
	check "cron: a job that takes libwt out is named" grep -qF "$server, 1: $emptied" <<<"$(reported "$work/cron.reports")"
	check "cron: a job is covered" is "$(dirty_pages "$place/cron2.db")" 0
}

mkdir "$work/denied"
install -m 644 /dev/null "$work/denied/static"
printf '#!%s -S -i %s %s\n' "$(command -v env)" "$server" "$file" >"$work/emptying"
chmod 755 "$work/emptying"
begin_cron
environments
without_preload
kinds
calls
places
users
strict
cluster
judge_cron
finish

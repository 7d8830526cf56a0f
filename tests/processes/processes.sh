#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Processes of bad habits write through all the same: children of every kind, programs that are
# executed with an environment of their own, descriptors closed and passed around, rights dropped,
# limits. Each habit (main.c) runs without libwt, where its pages stay dirty, and
# under rules for dsync, by two engines, where none does when the last call has returned. It ends
# well, within its time, and with the descriptors that it began with.
#
# The long form does it on XFS and btrfs too.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091
. "${0%/*}/../lib/tap.sh"

processes=$WT_OBJ/tests/prog/processes
rules=('*.db=dsync' '*.db=dsync,engine=direct')
place=${WT_TEST_EXT4:-} on=
reports=$work/reports
mkdir -m 1777 "$reports"

# fact NAME: from the last run, added up where children said it too.
fact() { tr ' ' '\n' <"$work/out" | awk -F= -v key="$1" '$1 == key { n += $2; seen = 1 }
	END { print seen ? n : "no " key }'; }

# under RULE COMMAND...: RULE is empty without libwt.
under() {
	local rule=$1 libwt=()
	shift
	[ -z "$rule" ] || libwt=("LD_PRELOAD=$WT_LIB" "WT_POLICY=$rule" "WT_REPORT=$reports/%p" WT_LOG=error)
	rm -f "$reports"/*
	run timeout -s KILL 300 env -i "PATH=$PATH" "${libwt[@]}" "$@"
}

went_well() {
	[ "$status" = 0 ] || echo "status $status: $(cat "$work/err")"
	[ "$status" = 0 ] && is "leaked $(fact leaked)" "leaked 0"
}

# Somebody else's sync(2) may clean the pages just before the look.
stays_dirty() { # COMMAND...
	local try
	for try in 1 2 3; do
		under '' "$@"
		[ "$status" != 77 ] || return 77
		went_well || return
		[ "$(fact dirty)" = "$(fact pages)" ] && [ "$(fact dirty)" -gt 0 ] && return
	done
	echo "without libwt, $try times: $(cat "$work/out")"
	return 1
}

is_clean() { # RULE COMMAND...
	under "$@"
	if ! went_well || [ "$(fact pages)" = 0 ] || ! is "dirty $(fact dirty)" "dirty 0"; then
		echo "under $1: $(cat "$work/out")"
		return 1
	fi
}

# habit NAME HABIT [ARGUMENT...]: one test.
habit() {
	local name="$1$on" habit=$2 rule wrong
	shift 2
	wrong=$(stays_dirty "$processes" "$habit" "$place/x.db" "$@")
	case $? in
	77) skip "$name" "$(cat "$work/out")" && return ;;
	0) for rule in "${rules[@]}"; do
		wrong+=$(is_clean "$rule" "$processes" "$habit" "$place/x.db" "$@")
	done ;;
	esac
	pass_unless "$name" "$wrong"
}

# says NAME WORDS: the report of the last run, by any of its processes.
says() {
	check "$1" grep -qrF "$2" "$reports"
}

children() {
	habit "a child of fork" fork
	habit "a child of _Fork, without a handler of pthread_atfork" _Fork
	habit "a child of a bare clone" clone
	habit "a child of a bare clone3" clone3
	habit "a child of clone in its parent's memory" clone_vm
	habit "a child of clone whose function returns its status" clone_that returns
	habit "a child that ends by exit(2) with a status" clone_that exits
	habit "a child of clone with its parent's descriptors puts another file there" clone_files
	habit "a child of vfork that writes, closes everything and executes" vfork
	habit "a child that has a file before its parent has one" before_any_file
	habit "a child of a bare clone that has a file before its parent has one" before_any_file clone
	habit "children of several threads that write meanwhile" fork_from_threads
	habit "a process that ends by any way at once after its write" \
		ends_by _exit _Exit quick_exit exit_group SIGKILL
	habit "threads that write while the process ends" exit_while_writing
}

# left_out NAME COMMAND...: the program that it executes at last runs without libwt.
left_out() {
	local name=$1
	shift
	under "${rules[0]}" "$@"
	check "$name" is "$(went_well; fact dirty)" 1
}

# Executed with an environment that lacks libwt: passed on unless the program took it out.
executed() {
	local how kind
	for how in execve execvpe execle fexecve execveat posix_spawn posix_spawnp; do
		habit "$how with an environment of its own passes libwt on" exec $how own
		habit "$how with an environment that is not there fails, and all goes on" exec_badly $how
	done
	habit "execve by a child of vfork passes libwt on" exec vfork own
	for kind in null empty many environ; do
		habit "an environment to which libwt is passed on: $kind" exec execve $kind
	done
	for kind in unset cleared named disabled without without_preload; do
		left_out "an environment from which libwt was taken: $kind" \
			"$processes" exec "$place/x.db" execve $kind
	done
	habit "posix_spawn with a file action that duplicates" spawn_with_actions dup2
	habit "posix_spawn with a file action that opens" spawn_with_actions open
}

# A program that builds an environment says nothing of the other libraries of its own.
only_libwt() {
	local other=$work/other.so
	gcc -shared -nostdlib -x c -o "$other" /dev/null
	run env -i "LD_PRELOAD=$other $WT_LIB" "WT_POLICY=${rules[0]}" "$processes" exec "$place/x.db" \
		execve own says_if_preloaded other.so
	check "of all that is preloaded only libwt is passed on" is "$(fact preloaded) $(fact dirty)" "0 0"
	run env -i "LD_PRELOAD=$other:$WT_LIB" "WT_POLICY=${rules[0]}" "$processes" exec "$place/x.db" \
		execve environ says_if_preloaded other.so
	check "in the program's own environment all of it" is "$(fact preloaded) $(fact dirty)" "1 0"
	gcc -o "$work/linked" "$WT_OBJ"/o/tests/processes/*.o -Wl,--no-as-needed "$WT_LIB" \
		"-Wl,-rpath,$(dirname "$WT_LIB")" -pthread
	run env -i "WT_POLICY=${rules[0]}" "$work/linked" exec "$place/x.db" execve own
	check "of a program that libwt is linked to the variables are" is "$(fact pages) $(fact dirty)" "1 0"
}

# dash keeps its variables to itself, bash in `environ`.
shells() {
	local shell command
	for shell in dash bash; do
		for command in 'unset LD_PRELOAD; "$@"; exit' \
			'unset LD_PRELOAD WT_POLICY WT_REPORT WT_LOG; "$@"; exit' \
			'LD_PRELOAD= "$@"; exit' 'env -i "$@"; exit' 'env -u LD_PRELOAD "$@"; exit'; do
			left_out "$shell leaves libwt out: $command" \
				$shell -c "$command" $shell "$processes" plain "$place/x.db"
		done
		for command in '"$@"; exit' 'X=1 "$@"; exit' 'unset PATH; "$@"; exit' 'exec "$@"'; do
			check "$shell passes libwt on: $command" is_clean "${rules[0]}" \
				$shell -c "$command" $shell "$processes" plain "$place/x.db"
		done
	done
}

# As mysqld_safe does: its own library, a space, what was preloaded already, and nohup.
wrapper() {
	cat >"$work/safe" <<-EOF
		#!/bin/sh
		umask 007
		text="$work/other.so"
		[ -n "\$LD_PRELOAD" ] && text="\$text \$LD_PRELOAD"
		eval "LD_PRELOAD='\$text' nohup nice \$* </dev/null"
	EOF
	chmod 755 "$work/safe"
	check "a wrapper that preloads a library of its own" is_clean "${rules[0]}" \
		"$work/safe" "$processes" says_if_preloaded "$place/x.db" other.so
	check "and that library is there" is "$(fact preloaded)" 1
}

# calls_of LIBRARY: how many system calls /bin/true makes with it, and which of them allocate.
calls_of() {
	strace -o "$work/calls" env -i "LD_PRELOAD=$1" "WT_POLICY=${rules[0]}" /bin/true
	sed -i '1,/^execve.*true"/d' "$work/calls"
	wc -l <"$work/calls"
	grep -c '^brk\|^getrandom' "$work/calls"
}

# What each start pays, counted and not timed; a library that does nothing is the measure.
starts() {
	local empty calls
	mapfile -t empty < <(calls_of "$work/other.so")
	mapfile -t calls < <(calls_of "$WT_LIB")
	check "a program that starts makes few system calls more" \
		[ "${calls[0]}" -gt "${empty[0]}" -a "${calls[0]}" -le $((empty[0] + 12)) ]
	check "and allocates nothing more" is "${calls[1]}" "${empty[1]}"
}

descriptors() {
	local how
	for how in close_range raw_close_range closefrom loop; do
		habit "a daemon that closes every descriptor: $how" closes_all $how
	done
	habit "dup2 onto every number that matters" numbers
	habit "a number left by fclose becomes a socket, a pipe, a device" becomes fclose
	habit "a number left by a bare close becomes a socket, a pipe, a device" becomes close
	habit "daemon puts /dev/null in the place of a file" daemon_streams
	habit "a descriptor sent to another program" sends
	habit "RLIMIT_NOFILE at 3 above use" nofile +3
	allow_many
	habit "RLIMIT_NOFILE at 2^30" nofile $((1 << 30))
}

# The kernel's own bound of the limit is raised for the moment, by who may.
allow_many() {
	local bound=/proc/sys/fs/nr_open
	nr_open=$(cat $bound)
	[ "$nr_open" -lt $((1 << 30)) ] || return 0
	trap 'echo $nr_open >/proc/sys/fs/nr_open; cd / && rm -rf "$work"' EXIT
	echo $((1 << 30)) >$bound
} 2>/dev/null

# Scripts count on the numbers from 3 to 9, and bash reads the script itself by 255.
numbers_of_a_script() {
	cat >"$work/numbers.sh" <<-'EOF'
		cd "$1" || exit
		for n in 3 4 5 6 7 8 9; do eval "exec $n>>$n.db"; done
		for n in 3 4 5 6 7 8 9; do printf '%4096d' $n | cat >&$n; done
		exec 10>&3 3>&4 4>&10 10>&-
		for n in 3 4 5 6 7 8 9; do printf '%4096d' $n | cat >&$n; done
		exec 5>&- 9<&6 6<>6.db
		ls -l /proc/$$/fd | awk '/\.(db|sh)$/ { sub(".*/", ""); print $0 }' | sort >fds
		printf '%4096d' 6 | cat >&9
		[ -e /proc/$$/fd/255 ] && tr -d ' \n' <3.db && tr -d ' \n' <4.db && tr -d ' \n' <6.db
	EOF
	local rule
	for rule in '' "${rules[@]}"; do
		rm -rf "$place/script"
		mkdir "$place/script"
		under "$rule" bash "$work/numbers.sh" "$place/script"
		if [ -z "$rule" ]; then
			cp "$work/out" "$work/expected"
			cp "$place/script/fds" "$work/fds"
			check "a bash script with 3 to 9 and 255 leaves its files dirty without libwt" \
				is "$(cat "$work/out") $(dirty_pages "$place"/script/*.db | sort -u | tr '\n' ' ')" \
				"3443666 2 3 "
			continue
		fi
		check "a bash script with 3 to 9 and 255: $rule" is \
			"$status $(cat "$work/out" "$place/script/fds") $(dirty_pages "$place"/script/*.db | sort -u)" \
			"0 $(cat "$work/expected" "$work/fds") 0"
	done
}

rights() {
	if [ "$(id -u)" != 0 ]; then
		skip "what changes a process's rights" "this machine: not root"
		return
	fi
	habit "setuid after open" setuid_after_open
	says "what cannot be opened again is a named fall" 'fell to another engine'
	habit "capabilities dropped after open" capabilities_after_open
	says "what cannot be opened again without them is a named fall" 'fell to another engine'
	habit "chroot after open" chroot_after_open
	habit "/proc unmounted after open" no_proc
	local name
	for name in relative absolute dotted; do
		habit "a file opened in a chroot by its name: $name" chroot_after_open $name
		habit "a file opened without /proc by its name: $name" no_proc $name
	done
	habit "RLIMIT_MEMLOCK at 0" limit memlock 0
	habit "RLIMIT_NPROC at 0" limit nproc 0
	opened_without_proc
}

opened_without_proc() {
	local name
	for name in absolute dotted link; do
		under "$place/*.db=dsync" "$processes" no_proc "$place/x.db" $name
		[ "$status" != 77 ] || { skip "without /proc" "$(cat "$work/out")" && return; }
		check "a rule for a directory, and a file opened there without /proc: $name" \
			is "$(went_well; fact dirty)" 0
	done
	# What has no name that libwt can find is as without libwt, and the report says so.
	under "${rules[0]}" "$processes" no_proc "$place/x.db" directory
	check "a file opened without /proc below a descriptor" is "$(went_well; fact dirty)" 1
	says "is named in the report" 'NOT COVERED'
}

# The loader preloads into a setuid program what stands in its own directories and is setuid too.
trusted() {
	local lib upper=${WT_TEST_TMPFS:-}/upper dir=$place/trusted why program
	local -A said=()
	lib=$(dirname "$(ldd "$processes" | awk '/libc\.so/ { print $3 }')")
	mkdir -p "$upper" "$upper.work" "$dir"
	install -m 4755 "$WT_LIB" "$upper/libwt.so"
	chmod 777 "$dir"
	install -m 755 "$processes" "$dir/plain"
	install -m 4755 "$processes" "$dir/secure"
	if ! why=$(mount -t overlay -o "lowerdir=$lib,upperdir=$upper,workdir=$upper.work" overlay "$lib" 2>&1); then
		skip "AT_SECURE" "this machine: $why"
		return
	fi
	for program in plain secure; do
		run setpriv --reuid 12345 --regid 12345 --clear-groups env -i LD_PRELOAD=libwt.so \
			"WT_POLICY=${rules[0]}" "WT_REPORT=$dir/report" "WT_LOG_FILE=$dir/log" WT_LOG=debug \
			WT_STRICT=1 "$dir/$program" says_if_preloaded "$dir/$program.db" libwt.so
		said[$program]="$status $(fact preloaded) $(fact dirty) $(find "$dir" -name report -o -name log | wc -l)"
		rm -f "$dir/report" "$dir/log"
	done
	umount -l "$lib"
	check "a program without privileges reads the environment" is "${said[plain]}" "0 1 0 2"
	check "AT_SECURE: preloaded, and reads nothing from the environment" is "${said[secure]}" "0 1 1 0"
}

need_fs EXT4
children
executed
only_libwt
shells
wrapper
starts
descriptors
numbers_of_a_script
rights
for fs in ${WT_SOAK:+XFS BTRFS}; do
	place=WT_TEST_$fs on=" on ${fs,,}"
	place=${!place:-}
	[ -n "$place" ] || continue
	children
	descriptors
	rights
done
place=$WT_TEST_EXT4
trusted
finish

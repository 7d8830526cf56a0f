#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Threads and signals: handlers that write in the middle of a write, threads that are cancelled,
# end in every way, come by the thousand, want every pthread key, or are forked around. Calls answer as
# without libwt, what is written is on the disk, and nothing stays behind: no ring, no mapping, no
# descriptor, nothing that the next write would have to wait for.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"

threads=$WT_OBJ/tests/prog/threads
limit=300 log=warn
rounds=10 burst=1000
[ -z "${WT_SOAK:-}" ] || limit=600 rounds=500 burst=10000

need_fs EXT4 BTRFS

# under RULE|plain COMMAND...: leaves what it prints in $out, its exit status as the last line.
under() {
	local rule=$1 env=()
	shift
	[ "$rule" = plain ] ||
		env=("LD_PRELOAD=$WT_LIB" "WT_POLICY=file=$rule;log=$rule" "WT_REPORT=$report"
			"WT_LOG=$log" "WT_LOG_FILE=$dir/story")
	out=$(timeout -s KILL $limit env "${env[@]}" "$@" 2>&1 </dev/null)
	out+=$'\n'status=$?
}

# in_place FS RULE COMMAND...: the same in an empty directory there, with a fresh `file`.
in_place() {
	local base=WT_TEST_$1
	shift
	dir=$(mktemp -d "${!base}/threads.XXXXXX")
	report=$dir/report.json
	cd "$dir" && truncate -s 1M file && under "$@"
}

fact() { sed -n "s/^$1=//p" <<<"$out"; }

# facts NAME VALUE...: says which of them are otherwise.
facts() {
	while [ $# -gt 0 ]; do
		[ "$(fact "$1")" = "$2" ] || echo "$1 is '$(fact "$1")', not '$2'"
		shift 2
	done
}

not_more() { # NAME+SLACK...: what the process holds after is not more than before
	local name
	for name in "$@"; do
		[ "$(fact "after_${name%+*}")" -le $(($(fact "before_${name%+*}") + ${name#*+})) ] ||
			echo "${name%+*}: $(fact "before_${name%+*}") before, $(fact "after_${name%+*}") after"
	done
}

clean() {
	local pages
	pages=$(dirty_pages "$@" | tr '\n' ' ')
	[[ $pages =~ ^(0 )+$ ]] || echo "dirty pages: $pages"
}

# Nobody in its way, the last write waited on its own description, or went straight to the device.
last_was_alone() {
	local last
	last=$(tail -n 1 story)
	case $1,$last in
	*direct,*fell*) ;;
	*direct,*"engine direct"* | *"waited alone"*) return ;;
	esac
	echo "the last write: $last"
}

judge() { # NAME WHAT-IS-WRONG
	pass_unless "$1" "${2:+$2$'\n'$out}"
}

### Trap 9: a signal handler writes where a write was interrupted

in_place EXT4 plain "$threads" signal file log 100
judge "control: without libwt the handler's pages and the thread's stay dirty" \
	"$([ "$(dirty_pages file log | tr -d '0\n')" ] || echo "none is")"
for rule in async through dsync dsync,engine=direct; do
	in_place EXT4 "$rule" "$threads" signal file log 200
	wrong=$(facts status 0 records_wrong 0)
	[ "$(fact handled)" -gt 20 ] || wrong+=" no handler ran"
	[ "$rule" = async ] || wrong+=$(clean file log)
	judge "trap 9: handlers write in the middle of writes, on 8 KiB of stack: $rule" "$wrong"
done
log=debug
in_place EXT4 async "$threads" signal file log 200
judge "trap 9: and log each write" "$(facts status 0 records_wrong 0)"
log=warn

### Trap 11: cancellation

# cancelled FS RULE CALL WHEN: what is wrong
cancelled() {
	in_place "$1" "$2" "$threads" cancel file "$3" "$4" $rounds
	facts status 0 cancelled $rounds cleaned $rounds masks $rounds
	[ "$2" = plain ] || last_was_alone "$2"
}

# cancel NAME FS RULES CALLS WHENS
cancel() {
	local rule call when wrong all=''
	for rule in $3; do
		for call in $4; do
			for when in $5; do
				wrong=$(cancelled "$2" "$rule" "$call" "$when")
				[ -z "$wrong" ] || all+="$rule, $call, $when: $wrong"$'\n'
			done
		done
	done
	out='' judge "$1" "$all"
}

log=debug
points="write writev pwrite pwritev pwritev2 append fsync fdatasync sync_file_range"
cancel "trap 11: without libwt each call is a point of cancellation" EXT4 plain "$points" before
cancel "trap 11: under libwt each call is one" EXT4 \
	"through dsync dsync,engine=direct" "$points" before
cancel "trap 11: an fdatasync that is left out is one" EXT4 dsync,fsync=elide fdatasync before
cancel "trap 11: cancelled in a write, a thread leaves nothing behind" EXT4 \
	"through dsync dsync,engine=direct" "write pwrite large append" deferred
cancel "trap 11: cancelled anywhere in it, neither" EXT4 \
	"through dsync dsync,engine=direct" "write pwrite large append" async
cancel "trap 11: cancelled in an fsync, neither" "BTRFS" "through dsync" "fsync fdatasync" deferred
cancel "trap 11: cancelled anywhere in that, neither" "BTRFS" "through dsync" "fsync fdatasync" async
cancel "trap 11: on btrfs, where the syncs of a file take turns" BTRFS dsync "write pwrite" \
	"deferred async"

log=warn

in_place EXT4 plain "$threads" keys file
max=$(fact keys)
judge "trap 11: without libwt a program can have $max pthread keys" "$(facts keys_max "$max")"
for rule in dsync through,engine=direct; do
	in_place EXT4 "$rule" "$threads" keys file
	judge "trap 11: under libwt too, and nobody else's value is in one: $rule" \
		"$(facts status 0 keys "$max" value 0 again 0)$(clean file)"
done

### Threads that end, and many of them

for how in burst late exit; do
	count=$burst
	[ $how = burst ] || count=200
	for rule in through dsync dsync,engine=direct; do
		in_place EXT4 "$rule" "$threads" $how file "$count" 2
		# The C library keeps stacks and arenas; a kernel's worker ends when it likes. Some rings
		# (KEPT_MAX, with two mappings each) stay for the openings that write to an open file.
		rings=0
		[ $rule != dsync,engine=direct ] || rings=32
		judge "$count threads ($how) leave nothing behind: $rule" \
			"$(facts status 0 after_rings $rings)$(not_more fds+0 maps+4 kib+512 threads+2)$(clean file)"
	done
done

for rule in through dsync; do
	in_place EXT4 "$rule" "$threads" reap file 2000
	judge "requests of io_submit may be gone when it returns: $rule" \
		"$(facts status 0 "reaped" "2000 failed=0")$(clean file)"
done

### A stream that two threads use

for how in one all seek; do
	in_place EXT4 plain "$threads" stream file $how 20
	judge "control: without libwt a shared stream leaves pages dirty, $how" \
		"$(facts status 0)$([ "$(fact dirty)" -gt 0 ] || echo "none")"
	in_place EXT4 dsync "$threads" stream file $how 40
	judge "a thread that flushes hands over nothing uncovered, $how" "$(facts status 0 dirty 0)"
done

### Trap 20: O_DIRECT beside the page cache makes the kernel invent errors

for ((n = 0; n < 5; n++)); do
	in_place EXT4 plain "$threads" mixed file 1000 own
	[ "$(fact errors)" = 0 ] || break
done
judge "control: a program's own O_DIRECT beside a mapping is told of errors that never were" \
	"$(facts status 0)$([ "$(fact errors)" -gt 0 ] || echo "no error")"
for rule in async through dsync sync; do
	in_place EXT4 "$rule" "$threads" mixed file 500
	judge "trap 20: the engine that libwt chooses has none told: $rule" "$(facts status 0 errors 0)"
done

### Processes around threads

in_place EXT4 dsync,engine=direct "$threads" forks file 200
judge "trap 21: forks while whole blocks are written change none" \
	"$(facts status 0 wrong 0)$([ "$(jq -s '[.[].rules[] | select(.engine == "direct").writes] | add' \
		report.json)" -gt 20 ] || echo "too few direct writes")"
for rule in through dsync; do
	in_place EXT4 "$rule" "$threads" killed file 20
	judge "children killed in a write keep nobody waiting: $rule" "$(facts status 0 killed 20)"
done
cd / && finish

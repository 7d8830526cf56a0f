#!/bin/bash
# SPDX-License-Identifier: MIT
#
# syscall-faults.sh [SEED] - whatever system call of libwt fails, a write that succeeds is true.
# syscall-faults.sh FS CASE - one case again, as a failed test prints it.
#
# A program that writes in every way, from one thread and from four on one descriptor, runs under
# libwt while one of its system calls, or one request of an io_uring, fails with each errno at
# each position, is carried out for a part of its bytes, or always fails (syscall_faults.h). It
# writes to the disk of tests/disk. Each write that returned success is judged at once by the
# cache's dirty pages and the bytes on the device, and at `dsync` and `sync` by a power cut that
# follows the fault. Nothing may hang, crash, or leave a descriptor or a changed signal mask behind.
# Controls: the same without libwt, and with calls that only pretend to have done their work, must
# be found out.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154,SC2054,SC2016
. "${0%/*}/../lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/disk.sh
. "${0%/*}/../lib/disk.sh"

soak=$WT_SOAK
program=$WT_OBJ/tests/prog/syscall-faults
seed=1
exec 9>&2 # past `check`, which keeps what it runs to itself

rules=(through dsync sync through,engine=dsync through,engine=direct dsync,engine=direct)
[ -z "$soak" ] || rules+=(async sync,engine=direct through,cache=drop dsync,cache=drop
	dsync,engine=direct,cache=drop)
methods=(pwrite odd skewed pwritev pwritev2 own-dsync large hole extend write writev append appendv pappend)
names=(create rename unlink resize)

# How many cases of each kind.
case ${soak:+soak}-${DISK_FS:-} in
soak-ext4) singles=40000 randoms=6000 ;;
soak-*) singles=25000 randoms=6000 ;;
-ext4) singles=260 randoms=60 ;;
*) singles=70 randoms=20 ;;
esac

# Errors that a sandbox answers to a call that it does not want: the program has to go on.
refusals='^(ENOSYS|EPERM)$'
# Calls that libwt makes and the program does not.
helpers='sync_file_range|io_uring_setup|io_uring_enter|io_uring_register|uring_[a-z_]*|fadvise64'
helpers="^($helpers|process_vm_readv|lseek|prlimit64|rt_sigprocmask|gettid|get_robust_list|tgkill|madvise|cachestat"
helpers+='|preadv2|uname|clone|wait4|statx|statfs|fstatfs|removexattr'
helpers+='|fremovexattr|ioctl)$'

### Cases

id=0

# new_case RULE|plain WORD...: prints it, with a number of its own. A rule's name is its level and
# more; `sync` is judged as `dsync` is.
new_case() {
	local rule=$1 level=${1%%,*}
	shift
	id=$((id + 1))
	if [ "$rule" = plain ]; then
		echo "id=$id $*"
		return
	fi
	[ "$level" != sync ] || level=dsync
	echo "id=$id $* level=$level env=LD_PRELOAD=$WT_LIB env=WT_POLICY=*.db=$rule" \
		"env=WT_REPORT=$work/report-$id.json"
}

# every_way RULE|plain WORD...: a case for each method, with one thread and with four.
every_way() {
	local method threads rule=$1
	shift
	for method in "${methods[@]}"; do
		for threads in 1 4; do
			[ "$rule-$method" = plain-own-dsync ] ||
				new_case "$rule" "method=$method threads=$threads count=4 $*"
		done
	done
}

# every_name RULE|plain WORD...: the same for what changes names and sizes, cut at the program's end.
every_name() {
	local methods=("${names[@]}")
	every_way "$@" cut=end
}

# Runs the cases in $work/NAME.cases; NAME.results has a line for each, case and what became of it.
play() { # NAME
	local status
	mkdir -p "$DISK_MNT/dir"
	# shellcheck disable=SC2094 # the cases are read only
	"$program" "$DISK_MNT/dir" <"$work/$1.cases" 2>"$work/$1.err" |
		tee >(show_progress "$(wc -l <"$work/$1.cases")" "cases ($1, $DISK_FS)" 2>&9) |
		sed 's/^id=[0-9]* //' | paste -d' ' - "$work/$1.cases" >"$work/$1.results"
	status=${PIPESTATUS[0]}
	[ "$status" = 0 ] || cat "$work/$1.err"
	return "$status"
}

# with NAME PATTERN...: the results that match all of them (awk), one a line.
with() {
	local file=$work/$1.results pattern text=1
	shift
	for pattern; do text+=" && ($pattern)"; done
	awk "function is(word, value) { return index(\" \" \$0 \" \", \" \" word \"=\" value \" \") }
		$text" "$file"
}

# none_of NAME PATTERN...: passes if no result is like that; shows some that are.
none_of() {
	local found
	found=$(with "$@")
	[ -n "$found" ] || return 0
	echo "$(wc -l <<<"$found") of $(wc -l <"$work/$1.results"):"
	sed -E "s/ ?env=WT_REPORT=[^ ]*//; s/^(.*) (id=.*)/$DISK_FS '\2' \1/" <<<"$found" | head -20
	return 1
}

# some_of NAME PATTERN...: passes if there is one.
some_of() {
	[ -n "$(with "$@")" ] || {
		echo "none of $(wc -l <"$work/$1.results")"
		return 1
	}
}

### Single faults

# What each rule and method makes, counted without a fault: from `recorded`, all single faults. Of
# four threads' many calls some positions; they do not repeat exactly.
single_faults() { # first id
	awk -v id="$1" -v all="$soak" -v work="$work" \
		-f "${self%/*}/single.awk" "$work/recorded.results"
}

# Of all single faults as many of each rule and call as of any other, by the seed.
sampled() { # how many
	awk -v seed="$seed" '
	BEGIN { srand(seed) }
	{
		match($0, /WT_POLICY=[^ ]*/)
		key = substr($0, RSTART, RLENGTH)
		match($0, /fault=[^:]*/)
		key = key substr($0, RSTART, RLENGTH)
		print key, rand(), $0
	}' | sort -k1,2 | awk '{ of[$1]++; $2 = ""; k = $1; $1 = ""; print of[k], $0 }' |
		sort -s -n -k1,1 | head -"$1" | sed 's/^[0-9]* *//'
}

# Two or three faults at once, each by chance, by the seed.
random_faults() { # how many, first id
	awk -v n="$1" -v id="$2" -v seed="$seed" -v lib="$WT_LIB" -v work="$work" \
		-v rules="${rules[*]}" -v methods="${methods[*]}" -f "${self%/*}/random.awk"
}

### What is judged

# A file of which libwt can know neither name nor kind is under no rule, and a name or a size that
# cannot be synced stays as it is; the report says so. Only these lies are none.
untold_lies() { # NAME
	local line report lies=
	while read -r line; do
		report=${line##*env=WT_REPORT=}
		if [[ $line =~ fault=(readlinkat|statx):[A-Z]*:1\+ || $line =~ cut=end ]] &&
			jq -e '.not_covered | length > 0' "${report%% *}" >/dev/null 2>&1; then
			continue
		fi
		lies+=$line$'\n'
	done < <(with "$1" 'is("outcome", "lie")')
	printf '%s' "$lies" >"$work/lies.results"
	none_of lies 1
}

no_trouble() { # NAME
	none_of "$1" '!is("outcome", "kept")' '!is("outcome", "lie")'
}

# Without libwt, and under it with calls that answer but do nothing.
controls() {
	local rule
	every_way plain level=through
	every_way plain level=dsync cut=struck
	every_name plain level=dsync
	for rule in through async; do
		new_case $rule method=pwrite count=4 fault=sync_file_range:lie:1+ \
			fault=cachestat:lie:1+ fault=ioctl:lie:1+
		new_case $rule method=append count=4 fault=sync_file_range:lie:1+ \
			fault=cachestat:lie:1+ fault=ioctl:lie:1+
	done
	for rule in dsync sync through,engine=dsync; do
		new_case $rule method=pwrite count=4 fault=pwritev2:lie:2
		new_case $rule method=append count=4 fault=pwritev2:ENOSYS:1+ fault=fdatasync:lie:1+ \
			fault=fsync:lie:1+
	done
	new_case dsync method=hole count=4 cut=struck fault=pwritev2:EPERM:1+ fault=fdatasync:lie:1+ \
		fault=fsync:lie:1+
	for rule in through dsync; do
		new_case $rule,engine=direct method=pwrite count=4 fault=uring_write:lie:2
		new_case $rule method=pwrite threads=4 count=8 fault=uring_sync:lie:1+ \
			fault=cachestat:lie:1+ fault=ioctl:lie:1+
	done
}

# What is on the device and was not flushed is lost: `through`, held against what `dsync` promises.
# Not where btrfs keeps a small file in its metadata, as libwt has to sync that.
unflushed() {
	local method methods=(pwrite large hole)
	[ "$DISK_FS" = btrfs ] || methods+=(extend append)
	for method in "${methods[@]}"; do
		new_case through "method=$method" count=4 cut=first | sed 's/level=through/level=dsync/'
	done
}

# Which calls serve a rule differs between file systems, and is not to be held fast here.
most_struck() {
	local struck none
	struck=$(with controls '/fault=/ && !is("struck", 0)' | wc -l)
	none=$(with controls '/fault=/ && is("struck", 0)' | wc -l)
	echo "$struck made, $none not"
	[ "$struck" -gt $((none * 2)) ]
}

judge_controls() {
	local n
	controls >"$work/controls.cases"
	check "$DISK_FS: the judge could look at all" play controls
	check "$DISK_FS: without libwt every way to write is found out" \
		none_of controls '!/LD_PRELOAD/' '!is("outcome", "lie")'
	check "$DISK_FS: a call that lies to libwt is found out" \
		none_of controls '/LD_PRELOAD/' '!is("outcome", "lie") && !is("struck", 0)'
	check "$DISK_FS: most of those calls were made" most_struck
	unflushed >"$work/unflushed.cases"
	check "$DISK_FS: the judge could look at \`through\`" play unflushed
	check "$DISK_FS: what is not flushed is found to be lost, by the cut alone" \
		none_of unflushed '!is("outcome", "lie") || !/after the cut/'
	for ((n = 0; n < 5; n++)); do
		new_case plain method=own-dsync count=4 level=dsync cut=first
	done >"$work/sound.cases"
	check "$DISK_FS: the judge could look at O_DSYNC" play sound
	check "$DISK_FS: without libwt, O_DSYNC of one thread is found to be true" \
		none_of sound '!is("outcome", "kept") || !is("cut", 1)'
}

# Calls that cannot fail, or that the program makes around its writes: close, munmap, sched_yield,
# nanosleep, getpid, exit, sendto and recvfrom to the judge, ftruncate, rename, unlink, futex.
judge_without_faults() {
	local rule ways
	for rule in "${rules[@]}"; do
		every_way "$rule" record=1
		case $rule in dsync | sync | dsync,engine=direct) every_name "$rule" record=1 ;; esac
	done >"$work/recorded.cases"
	ways=$(wc -l <"$work/recorded.cases")
	check "$DISK_FS: $ways ways could be tried without a fault" play recorded
	check "$DISK_FS: without a fault all is kept" \
		none_of recorded '!is("outcome", "kept") || !is("failed", 0)'
	# shellcheck disable=SC2016 # awk's
	check "$DISK_FS: libwt makes no system call that is not struck here" none_of recorded \
		'match($0, /seen=[^ ]*/)' \
		'(s = "," substr($0, RSTART + 5, RLENGTH - 5)) && gsub(/,(3|11|24|35|39|44|45|60|77|82|87|202|228):[0-9]*/, "", s) >= 0' \
		's ~ /,[0-9]/'
}

judge_single_faults() {
	id=1000000
	single_faults $id >"$work/all"
	sampled $singles <"$work/all" >"$work/single.cases"
	echo "# $DISK_FS: $(wc -l <"$work/single.cases") of $(wc -l <"$work/all") single faults, seed $seed"
	check "$DISK_FS: single faults could be tried" play single
	check "$DISK_FS: single faults: a write that succeeds is true" untold_lies single
	check "$DISK_FS: single faults: nothing hangs, crashes or is left behind" no_trouble single
	check "$DISK_FS: single faults: what a sandbox refuses stops no write" refused_goes_on
	check "$DISK_FS: single faults: they struck, and writes went on" struck_and_went_on single
}

# A test of which all writes fail shows nothing.
struck_and_went_on() { # NAME
	with "$1" '!is("struck", 0)' | awk '
	function number(key) {
		return match($0, key "=[0-9]*") ? substr($0, RSTART + length(key) + 1) + 0 : 0
	}
	{ good += number("succeeded"); bad += number("failed"); struck += number("struck") }
	END {
		printf "%d strikes, %d writes succeeded, %d failed\n", struck, good, bad
		exit struck < NR || good < bad
	}'
}

# Not where the write is refused in the program's own form, as without libwt; nor, of those that name
# no place, the writes that find out that a ring in use is no longer to be entered (libwt(7)).
refused_goes_on() {
	none_of single '!is("failed", 0) && !is("cut", 1)' \
		'match($0, /fault=[^ ]*/) && split(substr($0, RSTART + 6, RLENGTH - 6), f, ":")' \
		"f[1] ~ /$helpers/ || (f[1] == \"pwritev2\" && !/method=(pwritev2|own-dsync)/)" \
		"f[2] ~ /$refusals/" \
		'!(f[1] == "io_uring_enter" && /method=(write|writev|append|appendv|pappend) /)'
}

judge_random_faults() {
	id=2000000
	random_faults $randoms $id >"$work/random.cases"
	check "$DISK_FS: random faults could be tried, seed $seed" play random
	check "$DISK_FS: random faults: a write that succeeds is true" untold_lies random
	check "$DISK_FS: random faults: nothing hangs, crashes or is left behind" no_trouble random
	check "$DISK_FS: random faults: they struck, and writes went on" struck_and_went_on random
}

# What serves a rule, refused for ever: the writes go on, and the report says how.
judge_falls() {
	local call err
	id=3000000
	for err in ENOSYS EPERM; do
		new_case through method=pwrite count=4 "fault=sync_file_range:$err:1+"
		new_case dsync method=pwrite count=4 "fault=pwritev2:$err:1+"
		new_case sync method=pwrite count=4 "fault=pwritev2:$err:1+"
		for call in io_uring_setup io_uring_enter io_uring_register uring_openat uring_write; do
			new_case through,engine=direct method=pwrite count=4 "fault=$call:$err:1+"
			new_case dsync,engine=direct method=pwrite count=4 "fault=$call:$err:1+"
		done
	done >"$work/falls.cases"
	check "$DISK_FS: refusals for ever could be tried" play falls
	check "$DISK_FS: refusals for ever: each struck, and every write is kept" none_of falls \
		'!is("outcome", "kept") || !is("failed", 0) || is("struck", 0)'
	check "$DISK_FS: refusals for ever: the report names the fall" falls_are_named
}

# A wait on a private opening refused for ever, of writes that cannot be made again because they moved an
# offset: they are kept by a wait on the description. Not on btrfs, which does not flush a second time.
judge_refused_waits() {
	local method rule err
	id=4000000
	for method in write writev append appendv; do
		for rule in through dsync sync; do
			for err in ENOSYS EPERM; do
				new_case "$rule" "method=$method" threads=4 count=4 "fault=uring_sync:$err:1+"
			done
		done
	done >"$work/waits.cases"
	check "$DISK_FS: refused waits could be tried" play waits
	check "$DISK_FS: refused waits: each write of four threads is kept" none_of waits \
		'!is("outcome", "kept") || !is("failed", 0)'
	check "$DISK_FS: refused waits: they struck" one_of_them waits
}

# Four threads that are never two at once have no private opening.
one_of_them() { with "$1" '!is("struck", 0)' | grep -q .; }

falls_are_named() {
	local line report from bad=
	while read -r line; do
		report=${line##*env=WT_REPORT=}
		from=writeback
		[[ $line == *WT_POLICY=\*.db=through\ * ]] || from=dsync
		[[ $line != *engine=direct* ]] || from=direct
		jq -e --arg from $from '[.falls[] | select(.from == $from) | .count] | add == 4' \
			"${report%% *}" >/dev/null || bad+=$line$'\n'
	done <"$work/falls.results"
	printf '%s' "$bad" >"$work/unnamed.results"
	none_of unnamed 1
}

# An error of the device, as far as libwt can see: a write that returns it is followed by an fsync
# that does too.
judge_repeated() {
	local err rule
	id=3500000
	for err in EIO ENOSPC; do
		new_case through method=pwrite count=4 fault=sync_file_range:$err:1
		new_case through method=append count=4 fault=sync_file_range:$err:2
		new_case through method=append count=4 fault=sync_file_range:ENOSYS:1+ \
			fault=fdatasync:$err:1
	done >"$work/repeated.cases"
	for rule in through,engine=dsync dsync sync; do
		new_case $rule method=pwrite count=4 fault=pwritev2:copied:1
		new_case $rule method=append count=4 fault=pwritev2:copied:2
	done >>"$work/repeated.cases"
	new_case dsync,engine=direct method=pwrite count=4 fault=uring_write:EIO:2 \
		>>"$work/repeated.cases"
	check "$DISK_FS: errors of the device could be tried" play repeated
	check "$DISK_FS: an error that a write returned is returned by fsync too" none_of repeated \
		'!is("outcome", "kept") || (!is("failed", 0) && is("fsync", 0))'
	check "$DISK_FS: errors of the device struck" some_of repeated '!is("struck", 0)'
}

# start_cases RULE [WORD]: a fault at each of the calls that a start makes, counted by `recorded`.
start_cases() {
	local rule=$1 call n step=3
	shift
	[ -z "$soak" ] || step=1
	for call in $(sed -n 's/.* seen=\([^ ]*\) .*/\1/p' "$work/starts.results" | tr , ' '); do
		[[ $call != [0-9]* ]] || continue
		for ((n = 1; n <= ${call#*:}; n += step)); do
			new_case "$rule" method=pwrite count=2 arm=exec "$@" \
				"fault=${call%:*}:$( ((n % 2)) && echo ENOMEM || echo EPERM):$n"
		done
	done
}

# From the program's first system call to its last. It may not come up, or the loader may go on
# without the library; if it is there, all is well, or it says on stderr that it has no policy, for
# which WT_STRICT ends the program.
judge_starts() {
	local rule
	id=4000000
	for rule in dsync through,engine=direct; do
		new_case $rule method=pwrite count=2 record=1 arm=exec >"$work/starts.cases"
		play starts
		start_cases $rule
		start_cases $rule env=WT_STRICT=1
	done >"$work/all"
	mv "$work/all" "$work/starts.cases"
	check "$DISK_FS: faults from the start could be tried" play starts
	check "$DISK_FS: faults from the start: a write that succeeds is true" none_of starts \
		'is("outcome", "lie") && (/WT_STRICT/ || !/said=libwt.*: error: /)'
	check "$DISK_FS: faults from the start: nothing hangs, crashes or is left behind" none_of \
		starts '!is("outcome", "kept") && !is("outcome", "lie")' \
		'!is("outcome", "start") && !is("outcome", "absent")'
	check "$DISK_FS: faults from the start: some came up, some did not" starts_differ
}

starts_differ() { some_of starts 'is("outcome", "kept")' && some_of starts 'is("outcome", "start")'; }

# Threads that sync one file side by side, cut when the first of them returns. The kernel's own
# O_DSYNC can fail this: on btrfs (6.18) a write returns before the log that holds it, which another
# thread is about to write, has been written.
judge_side_by_side() {
	local n method rounds=500
	id=6000000
	for ((n = 0; n < rounds; n++)); do
		new_case plain method=own-dsync threads=4 count=2 level=dsync cut=first
		for method in pwrite append; do
			new_case dsync method=$method threads=4 count=2 cut=first
		done
	done >"$work/beside.cases"
	check "$DISK_FS: threads could sync side by side" play beside
	echo "# $DISK_FS: without libwt $(with beside '!/LD_PRELOAD/' 'is("outcome", "lie")' | wc -l)" \
		"of $rounds first O_DSYNC writes were lost"
	check "$DISK_FS: of threads that sync side by side no write is lost" \
		none_of beside '/LD_PRELOAD/' 'is("outcome", "lie")'
}

# Where a rule cannot be found out, WT_STRICT refuses the file.
judge_strict() {
	local call
	id=5000000
	for call in readlinkat fstatfs; do
		new_case dsync method=pwrite count=4 env=WT_STRICT=1 fault=$call:EPERM:1+
	done >"$work/strict.cases"
	check "$DISK_FS: WT_STRICT could be tried" play strict
	check "$DISK_FS: WT_STRICT lets no write through that is not covered" none_of strict \
		'is("outcome", "lie") || is("struck", 0)'
}

inside() {
	judge_controls
	judge_without_faults
	judge_falls
	[ "$DISK_FS" = btrfs ] || judge_refused_waits
	judge_repeated
	judge_strict
	judge_single_faults
	judge_random_faults
	[ "$DISK_FS" != ext4 ] || judge_starts
	[ -z "$soak" ] || judge_side_by_side
}

### Outside

part() { # FS: this script inside, its output in a file
	"$with_disk" --fs "$1" -- "$self" inside "$seed" >"$work/$1.part" 2> >(tee "$work/$1.why" >&2)
	echo $? >"$work/$1.status"
}

case $#-${1:-} in
2-inside)
	seed=$2
	inside
	exit
	;;
2-*)
	# shellcheck disable=SC2016 # the inner shell's
	exec "$with_disk" --fs "$1" -- sh -c \
		'mkdir "$DISK_MNT/dir" && echo "$2" | "$1" "$DISK_MNT/dir"' sh "$program" "$2"
	;;
1-*) seed=$1 ;;
esac
need_disk "$program" /
if ! command -v jq >/dev/null; then
	skip_all "jq is not installed"
fi
echo "# seed $seed"
for fs in ext4 xfs btrfs; do part $fs & done
wait
for fs in ext4 xfs btrfs; do show_part "$fs" "$(cat "$work/$fs.status")" "$work/$fs"; done
finish

#!/bin/bash
# SPDX-License-Identifier: MIT
#
# differential.sh - random file operations do the same with libwt and without it.
# differential.sh SEED OPS FS RULES - one comparison; prints where the traces part.
# differential.sh program SEED FS RULES - the same for one program.
#
# Runs a program twice on the same file system, once bare, once under
# libwt with one rule set, and compares return values, errno, offsets, flags,
# descriptor numbers, signals, what streams hold, and the bytes of every file. That
# the comparison can fail is shown with libraries that are wrong in one way each.
#
# It does so with a few long runs of calls on files, and with many short programs (a
# batch of them to a run) that mix these with streams, copies, aio, mappings, threads,
# forks and signals. Of a program under a rule of `through` and above it also shows that
# no file has bytes that are dirty, and that the report names those that it stored into
# by a mapping. WT_SOAK=1: 100,000 programs and more; WT_SEED is the first one's.

work_in=${WT_TEST_TMPFS:-}
# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"

program=$WT_OBJ/tests/prog/differential
all_fs="EXT4 XFS BTRFS TMPFS OVERLAY"
fixed_seeds="34 180" # each found a fault once
hanging_seconds=300
program_ops=40
programs_a_batch=50

all_rules=(
	'*=off'
	'*=async'
	'*=async,window=64K'
	'*=through'
	'*=through,engine=writeback'
	'*=through,engine=writeback,cache=drop'
	'*=through,engine=dsync'
	'*=through,engine=direct'
	'*=through,engine=direct,cache=drop'
	'*=dsync'
	'*=dsync,engine=dsync,cache=drop'
	'*=dsync,engine=direct'
	'*=dsync,engine=direct,cache=drop'
	'*=sync'
	'*=sync,engine=direct'
	'*=sync,engine=direct,cache=drop'
	'f0=dsync,engine=direct;f1=through;f2=async;f3=off;c*=through,engine=direct;*=sync'
)

wrongs="TEARS_APPENDS OWNS_THE_OFFSET MOVES_THE_OFFSET CLEARS_ERRNO KEEPS_A_DESCRIPTOR
	DROPS_LOCKS WRITES_NEIGHBOURS GOES_ON_AFTER_A_SHORT_WRITE TRUSTS_ITS_TABLE"
wrongs_with_streams="FLUSHES_EARLY FLUSHES_BEFORE_FORK LOSES_THE_ERROR_OF_A_STREAM SEEKS_A_STREAM
	BUFFERS_A_STREAM COPIES_WITHOUT_THE_OFFSET TELLS_AIO_ERRORS_EARLY"

# A commit costs btrfs many times what it costs the others.
ops_on() {
	if [ "$1" = BTRFS ]; then echo 400; else echo 1000; fi
}

# How many programs under each rule.
programs_on() {
	case ${WT_SOAK:-}$1 in
	1BTRFS) echo 600 ;;
	1*) echo 1350 ;;
	BTRFS) echo 1 ;;
	*) echo 3 ;;
	esac
}

fresh_seed() {
	od -An -N4 -tu4 /dev/urandom | tr -d ' '
}

# run_on FS FILE SECONDS [VARIABLE=VALUE...] -- ARG...: FILE gets the trace, FILE.err what went to
# stderr. DIR among the arguments is a fresh directory on that file system.
run_on() {
	local base=WT_TEST_$1 device=WT_TEST_$1_DEV file=$2 seconds=$3 dir
	local environment=("DIFFERENTIAL_TAME=${DIFFERENTIAL_TAME:-}")
	shift 3
	dir=$(mktemp -d "${!base:-$work}/random.XXXXXX")
	case $base in
	WT_TEST_EXT4 | WT_TEST_XFS) environment+=(DIFFERENTIAL_DEVICE="${!device}") ;;
	WT_TEST_OVERLAY)
		environment+=(DIFFERENTIAL_DEVICE="${!device}" DIFFERENTIAL_LIES="$WT_TEST_OVERLAY_UPPER/${dir##*/}")
		;;
	esac
	while [ "$1" != -- ]; do
		environment+=("$1")
		shift
	done
	shift
	timeout -k 5 "$seconds" env -i "${environment[@]}" "$program" "${@/#DIR/$dir}" \
		</dev/null >"$file" 2>"$file.err"
	echo "exit status $?" >>"$file"
	rm -rf "$dir"
}

# trace FILE FS SEED OPS [VARIABLE=VALUE...]
trace() {
	local file=$1 fs=$2 seed=$3 ops=$4
	shift 4
	run_on "$fs" "$file" $hanging_seconds "$@" -- files "$seed" "$ops" DIR
}

# trace_programs FILE FS FIRST COUNT [VARIABLE=VALUE...]
trace_programs() {
	local file=$1 fs=$2 first=$3 count=$4
	shift 4
	run_on "$fs" "$file" 900 "$@" -- all "$first" "$count" $program_ops DIR
}

# under_libwt FILE FS SEED OPS RULES
under_libwt() {
	trace "$1" "$2" "$3" "$4" LD_PRELOAD="$WT_LIB" WT_POLICY="$5" WT_REPORT="$1.%p.json"
}

# The writes that libwt counted in that run, in all its processes.
writes_counted() {
	cat "$1".*.json 2>/dev/null | jq -n '[inputs.rules[].writes] | add // 0'
}

where_they_part() {
	diff "$1" "$2" | sed -n '2,7s/^/# /p'
	sed -n '1,3s/^/# stderr: /p' "${2%.said}.err"
}

# compare PLAIN FS SEED OPS RULES: silent, or why it fails as TAP diagnostics.
compare() {
	local plain=$1 fs=$2 seed=$3 ops=$4 rules=$5 file=$work/$2.libwt
	under_libwt "$file" "$fs" "$seed" "$ops" "$rules"
	if ! cmp -s "$plain" "$file"; then
		where_they_part "$plain" "$file"
		echo "# again: tests/with-fs tests/differential/differential.sh $seed $ops $fs '$rules'"
	elif [ "$rules" != '*=off' ] && [ "$(writes_counted "$file")" = 0 ]; then
		echo "# libwt counted no write: it was not at work"
	fi
	rm -f "$file".*.json
}

# What dirtied what, of files that no mapping stored into: the first time for each file of a program.
dirt() {
	awk '
	/^program / { program = $2; delete hole; delete said }
	/^~ hole / { hole[$3] = 1; next }
	/^~ dirty / {
		if (!($3 in hole) && !($3 in said))
			print "# dirty: program " program ": " substr(last, 1, 150)
		said[$3] = 1
		next
	}
	{ last = $0 }' "$1"
}

# The holes that the report does not name.
unnamed_holes() {
	comm -23 <(sed -n 's/^~ hole [0-9]*: \([^ ]\)/\1/p' "$1" | sort -u) \
		<(jq -r '.not_covered[] | select(.way | test("mapping")).path' "$1.json" | sort -u) |
		sed 's/^/# not named in the report: /'
}

# Whether that file system and these rules leave nothing dirty. tmpfs has no disk. Where btrfs has
# its bytes is not to be found out, nor whether it has those of a former end that the kernel filled
# up with zeros when the direct engine wrote past it.
leaves_nothing_dirty() {
	case $1/$2 in
	TMPFS/* | *=off* | *=async*) return 1 ;;
	BTRFS/*engine=direct*) return 1 ;;
	esac
}

# The seeds of programs that two files of traces tell apart.
programs_that_part() {
	awk '
	/^program / { program = $2 }
	NR == FNR { plain[program] = plain[program] $0 "\n"; next }
	{ libwt[program] = libwt[program] $0 "\n" }
	END { for (program in plain) if (plain[program] != libwt[program]) print program }' "$1" "$2"
}

# compare_programs FS FIRST COUNT RULES: why they do something else with libwt, in $parted; what they
# left dirty in $dirty; a batch without libwt that left something dirty is noted.
compare_programs() {
	local fs=$1 first=$2 count=$3 rules=$4 plain=$work/$1.programs file=$work/$1.programs.libwt
	local seed
	trace_programs "$plain" "$fs" "$first" "$count"
	trace_programs "$file" "$fs" "$first" "$count" \
		LD_PRELOAD="$WT_LIB" WT_POLICY="$rules" WT_REPORT="$file.json"
	if ! cmp -s <(grep -v '^~' "$plain") <(grep -v '^~' "$file"); then
		grep -v '^~' "$plain" >"$plain.said"
		grep -v '^~' "$file" >"$file.said"
		for seed in $(programs_that_part "$plain.said" "$file.said" | sort -n | head -3); do
			parted+="# program $seed"$'\n'
		done
		parted+=$(where_they_part "$plain.said" "$file.said")$'\n'
	elif [ "$rules" != '*=off' ] && ! [ -s "$file.json" ]; then
		parted+="# libwt wrote no report: it was not at work"$'\n'
	fi
	if leaves_nothing_dirty "$fs" "$rules"; then
		dirty+=$(dirt "$file" | head -6)$(unnamed_holes "$file" | head -6)
		[ -z "$(dirt "$plain")" ] || touch "$work/$fs.dirty"
	fi
	rm -f "$file.json"
}

# verdict NAME WHY: "ok" where WHY is empty. One printf: lines of others must not come between.
verdict() {
	if [ -z "${2//$'\n'/}" ]; then
		printf 'ok %s\n' "$1"
	else
		printf 'not ok %s\n%s\n' "$1" "$2"
	fi
}

# Each of these tests one file system, or the comparison itself; they run side by side.

test_fs() {
	local fs=$1 skip=WT_TEST_$1_SKIP base=WT_TEST_$1 ops seed rules why
	ops=$(ops_on "$fs")
	if [ -z "${!base:-}" ]; then
		echo "ok ${fs,,} # SKIP ${!skip:-no file system}"
		return
	fi
	why=
	for seed in $seeds; do
		trace "$work/$fs.$seed" "$fs" "$seed" "$ops"
		trace "$work/$fs.again" "$fs" "$seed" "$ops"
		cmp -s "$work/$fs.$seed" "$work/$fs.again" ||
			why+=$(where_they_part "$work/$fs.$seed" "$work/$fs.again")$'\n'
	done
	verdict "${fs,,}: without libwt, twice the same" "$why"
	for rules in "${all_rules[@]}"; do
		why=
		for seed in $seeds; do
			why+=$(compare "$work/$fs.$seed" "$fs" "$seed" "$ops" "$rules")$'\n'
			echo "step"
		done
		verdict "${fs,,}: $rules" "$why"
		test_programs "$fs" "$rules"
	done
	if [ "$fs" != TMPFS ]; then
		why=
		[ -e "$work/$fs.dirty" ] || why="# nothing was"
		verdict "${fs,,}: without libwt the programs leave files dirty" "$why"
	fi
}

test_programs() {
	local fs=$1 rules=$2 count parted='' dirty='' done=0 batch
	count=$(programs_on "$fs")
	while [ $done -lt "$count" ]; do
		batch=$((count - done < programs_a_batch ? count - done : programs_a_batch))
		compare_programs "$fs" "$next_program" "$batch" "$rules"
		next_program=$((next_program + batch))
		done=$((done + batch))
		for ((i = 0; i < batch; i++)); do echo "step"; done
	done
	verdict "${fs,,}: $rules: $count programs do the same" "$parted"
	if leaves_nothing_dirty "$fs" "$rules"; then
		verdict "${fs,,}: $rules: $count programs leave nothing dirty" "$dirty"
	fi
}

test_two_seeds() {
	local fs=$1
	trace "$work/one" "$fs" 1 100
	trace "$work/two" "$fs" 2 100
	verdict "two seeds differ" "$(! cmp -s "$work/one" "$work/two" || echo "# they do not")"
}

# caught FS WRONG TRACE OPS: some seed tells that library from none.
caught() {
	local seed
	for seed in {1000..20000..1000}; do
		"$3" "$work/control.plain" "$1" "$seed" "$4"
		"$3" "$work/control.wrong" "$1" "$seed" "$4" LD_PRELOAD="$work/$2.so"
		cmp -s <(grep -v '^~' "$work/control.plain") <(grep -v '^~' "$work/control.wrong") ||
			return 0
	done
	return 1
}

# test_wrongs FS TRACE OPS WRONG...
test_wrongs() {
	local fs=$1 trace=$2 ops=$3 wrong why
	shift 3
	for wrong; do
		why=$("${CC:-cc}" -std=gnu11 -O2 -shared -fPIC "-D$wrong" -o "$work/$wrong.so" \
			"$WT_TOP/tests/differential/lib/wrong.c" && caught "$fs" "$wrong" "$trace" "$ops" ||
			echo "# it is not")
		verdict "a library that $wrong is caught" "$why"
	done
}

# Numbers the tests, shows how far they are, and knows whether all was well.
report() { # steps
	tee >(grep --line-buffered '^step$' | show_progress "$1" runs) | awk '
	/^step$/ { next }
	/^$/ { next }
	/^ok / { sub(/^ok /, "ok " ++tests " - ") }
	/^not ok / { sub(/^not ok /, "not ok " ++tests " - "); failed = 1 }
	{ print; fflush() }
	END {
		print "1.." tests
		exit failed
	}'
}

all() {
	local fs fresh=0 steps
	[ -z "${WT_SOAK:-}" ] || fresh=12
	seeds=$fixed_seeds
	for ((i = 0; i < fresh; i++)); do seeds+=" $(fresh_seed)"; done
	next_program=${WT_SEED:-$(fresh_seed)}
	echo "# seeds: $seeds; programs from $next_program on"
	steps=$(($(wc -w <<<"$seeds") * ${#all_rules[@]} * 5))
	for fs in $all_fs; do steps=$((steps + $(programs_on "$fs") * ${#all_rules[@]})); done
	{
		for fs in $all_fs; do
			test_fs "$fs" &
			next_program=$((next_program + $(programs_on "$fs") * ${#all_rules[@]}))
		done
		{
			test_two_seeds TMPFS
			# shellcheck disable=SC2086
			test_wrongs TMPFS trace 1000 $wrongs
			# shellcheck disable=SC2086
			test_wrongs TMPFS trace_programs 25 $wrongs_with_streams
		} &
		wait
	} | report $steps
}

one() {
	local why
	trace "$work/plain" "$3" "$1" "$2"
	why=$(compare "$work/plain" "$3" "$1" "$2" "$4")
	echo "${why:-# no difference}"
	[ -z "$why" ]
}

one_program() {
	local parted='' dirty=''
	compare_programs "$2" "$1" 1 "$3"
	echo "${parted:-# no difference}"
	echo "${dirty:-# nothing dirty}"
	[ -z "$parted$dirty" ]
}

if [ "${1:-}" = program ]; then
	one_program "$2" "$3" "$4"
elif [ $# = 4 ]; then
	one "$@"
else
	all
fi

#!/bin/bash
# SPDX-License-Identifier: MIT
#
# differential.sh - random file operations do the same with libwt and without it.
# differential.sh SEED OPS FS RULES - one comparison; prints where the traces part.
#
# Runs tests/prog/differ twice on the same file system, once bare, once under
# libwt with one rule set, and compares return values, errno, offsets, flags,
# descriptor numbers, signals and the bytes of every file. That the comparison
# can fail is shown with libraries that are wrong in one way each.

set -u

: "${WT_OBJ:?run this inside tests/with-fs}"
work=$(mktemp -d "${WT_TEST_TMPFS:-${TMPDIR:-/tmp}}/differential.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
differ=$WT_OBJ/tests/prog/differ
all_fs="EXT4 XFS BTRFS TMPFS OVERLAY"
fixed_seeds="34 180" # each found a fault once
hanging_seconds=30

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

# A commit costs btrfs many times what it costs the others.
ops_on() {
	if [ "$1" = BTRFS ]; then echo 400; else echo 1000; fi
}

fresh_seed() {
	od -An -N4 -tu4 /dev/urandom | tr -d ' '
}

# trace FILE FS SEED OPS [VARIABLE=VALUE...]: FILE gets the trace, FILE.err what went to stderr.
trace() {
	local file=$1 base=WT_TEST_$2 seed=$3 ops=$4 dir
	shift 4
	dir=$(mktemp -d "${!base:-$work}/differ.XXXXXX")
	timeout -k 5 $hanging_seconds env -i "$@" "$differ" "$seed" "$ops" "$dir" \
		</dev/null >"$file" 2>"$file.err"
	echo "exit status $?" >>"$file"
	rm -rf "$dir"
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
	sed -n '1,3s/^/# stderr: /p' "$2.err"
}

# compare PLAIN FS SEED OPS RULES: silent, or why it fails as TAP diagnostics.
compare() {
	local plain=$1 fs=$2 seed=$3 ops=$4 rules=$5 file=$work/$2.libwt
	under_libwt "$file" "$fs" "$seed" "$ops" "$rules"
	if ! cmp -s "$plain" "$file"; then
		where_they_part "$plain" "$file"
		echo "# again: tests/with-fs tests/sh/differential.sh $seed $ops $fs '$rules'"
	elif [ "$rules" != '*=off' ] && [ "$(writes_counted "$file")" = 0 ]; then
		echo "# libwt counted no write: it was not at work"
	fi
	rm -f "$file".*.json
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
	done
}

test_two_seeds() {
	local fs=$1
	trace "$work/one" "$fs" 1 100
	trace "$work/two" "$fs" 2 100
	if cmp -s "$work/one" "$work/two"; then
		echo "not ok two seeds differ"
	else
		echo "ok two seeds differ"
	fi
}

# caught FS WRONG: some seed tells that library from none.
caught() {
	local seed
	for seed in {1..20}; do
		trace "$work/control.plain" "$1" "$seed" 1000
		trace "$work/control.wrong" "$1" "$seed" 1000 LD_PRELOAD="$work/$2.so"
		cmp -s "$work/control.plain" "$work/control.wrong" || return 0
	done
	return 1
}

test_wrongs() {
	local fs=$1 wrong
	for wrong in $wrongs; do
		if "${CC:-cc}" -std=gnu11 -O2 -shared -fPIC "-D$wrong" -o "$work/$wrong.so" \
			"$WT_TOP/tests/sh/differential_wrong.c" && caught "$fs" "$wrong"; then
			echo "ok a library that $wrong is caught"
		else
			echo "not ok a library that $wrong is caught"
		fi
	done
}

# Numbers the tests, shows how far they are, and knows whether all was well. The bar is drawn over
# itself on a terminal only: anywhere else it would run into the lines of the tests.
report() {
	local every=$(($1 / 20)) end='\n'
	if [ -t 2 ]; then every=1 end='\r'; fi
	[ -n "${WT_SOAK:-}" ] || every=0
	awk -v steps="$1" -v every="$every" -v end="$end" '
	/^step$/ {
		if (every && ++done % every == 0) {
			bar = sprintf("%" int(40 * done / steps) "s", "")
			gsub(/ /, "#", bar)
			printf "# [%-40s] %d of %d%s", bar, done, steps, end >"/dev/stderr"
		}
		next
	}
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
	local fs fresh=1 steps
	[ -z "${WT_SOAK:-}" ] || fresh=12
	seeds=$fixed_seeds
	for ((i = 0; i < fresh; i++)); do seeds+=" $(fresh_seed)"; done
	echo "# seeds: $seeds"
	steps=$(wc -w <<<"$seeds")
	steps=$((steps * ${#all_rules[@]} * 5))
	{
		for fs in $all_fs; do test_fs "$fs" & done
		{
			test_two_seeds TMPFS
			test_wrongs TMPFS
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

if [ $# = 4 ]; then
	one "$@"
else
	all
fi

#!/bin/bash
# SPDX-License-Identifier: MIT
#
# disk-errors.sh - what a write returned is what is on the disk, while the disk fails.
# disk-errors.sh FS RULE SEED [TIMES] - one schedule until something is wrong with it, told at length.
#
# A program makes random schedules: writers that share a descriptor or an open file
# description or neither, in threads and processes, writes of all kinds, and a disk that fails some
# of them. Each schedule is run under libwt, by one rule on one file system, and without libwt on
# descriptors with O_DSYNC. A lie is a success whose bytes the disk did not have when the write
# returned or has no longer; at dsync and sync that is asked of what is stable, often by a power cut.
# A slander is an error for bytes that are all there. After an error the page cache must show what
# the disk has, and the next fsync of each open file description must tell it, once. Errors for
# bytes that are there, and are right all the same, are counted under names of their own:
#
#   late        the bytes came to the disk after the write had returned, with a neighbour's
#   unreadable  the disk failed to read them back
#   flushed     a flush failed while the write waited, and another's made the bytes stable, which
#               nobody can see; or the failed flush had made the file system read-only
#   unproven    at dsync, without a cut: metadata that nobody looked at might have been missing
#
# and so are two kinds of lies that the file system tells to its O_DSYNC; libwt tells neither at dsync
# and sync of ext4 and XFS:
#
#   aborted     a failed flush has ended the journal, and fsync returns success for metadata that
#               will never be committed
#   early       on btrfs fsync of one writer returns when the bytes are written, before the flush
#               of another's fsync that is to make them stable
#
# Nothing is judged of a file system that did not survive failed flushes and a cut, nor, on btrfs,
# failed direct writes and a cut (its log is replayed over extents that are in use): broken.
#
# WT_SEED is the first schedule (1), WT_SCHEDULES their number (10000 with WT_SOAK=1);
# WT_SCHEDULE=SEED repeats the one of that number. WT_TEST_SANDBOX puts libwt's program into a sandbox
# (tests/lib/sandbox.h).

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091
. "${0%/*}/../lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/disk.sh
. "${0%/*}/../lib/disk.sh"

export WT_TEST_SANDBOX=${WT_TEST_SANDBOX:-}
program=$WT_OBJ/tests/prog/disk-errors
all_fs=(ext4 xfs btrfs)
rules=(dsync through "dsync,engine=direct" "through,engine=direct" sync "through,cache=drop")
cells=$((${#all_fs[@]} * ${#rules[@]}))
few=270
[ -z "$WT_SOAK" ] || few=10000
first=${WT_SEED:-1}
each=$(((${WT_SCHEDULES:-$few} + cells - 1) / cells))

# A schedule's number says where it belongs, so that it alone can be repeated.
fs_of() { echo "${all_fs[$1 % 3]}"; }
rule_of() { echo "${rules[$1 / 3 % ${#rules[@]}]}"; }

# No bytes of a file in btrfs's metadata: they would make its requests fail.
with_disk() {
	local options=(--fs "$1")
	shift
	[ "${options[1]}" != btrfs ] || options+=(--mount-opts 'commit=300,max_inline=0')
	"$with_disk" "${options[@]}" -- "$self" "$@"
}

# What a write promises under the rule.
level_of() {
	case $1 in
	through*) echo through ;;
	*) echo dsync ;;
	esac
}

# judge WHO LEVEL ARGUMENT...: the schedules of the arguments, by libwt's rule WHO or without it.
judge() {
	local who=$1 level=$2 command=("$program" write)
	case $who in
	O_DSYNC) command+=(O_DSYNC) ;;
	plain) ;;
	*)
		command=(env "LD_PRELOAD=$WT_LIB" "WT_POLICY=*=$who" WT_LOG=error "${command[@]}")
		[ -z "$WT_TEST_SANDBOX" ] || command=("$WT_OBJ/tests/prog/sandbox" "$WT_TEST_SANDBOX" "${command[@]}")
		;;
	esac
	"$program" judge "${@:3:$#-5}" "$level" "${@: -3}" "${command[@]}"
}

### In a file system that with-disk gave

# told RULE WHO LEVEL FIRST STEP COUNT: the judge's lines, each after "FS RULE WHO".
told() {
	judge "$2" "$3" "$4" "$5" "$6" 2>&1 | sed -u "s/^/$DISK_FS $1 $2 /"
}

# All schedules from the first on that belong to this file system, rule by rule.
inside() {
	local seed rule
	for ((seed = first; seed < first + cells; seed++)); do
		[ "$(fs_of "$seed")" = "$DISK_FS" ] || continue
		rule=$(rule_of "$seed")
		told "$rule" "$rule" "$(level_of "$rule")" "$seed" $cells "$each"
		told "$rule" O_DSYNC dsync "$seed" $cells "$each"
	done
	# That the judge sees what it is to see.
	told control plain through 1 1 20
	told control through dsync 1 1 20
}

### Outside

# Shows how far they are, and keeps the rest.
progress() {
	tee >(grep --line-buffered ' step$' | show_progress $((2 * each * cells)) schedules) |
		grep -v ' step$'
}

# count FS RULE WHO NAME: one number; nothing if the judge did not come to its end.
count() {
	sed -n "s/^$1 $2 $3 counts.* $4=\([0-9]*\).*/\1/p" "$work/all"
}

# total WHO NAME: added up.
total() {
	sed -n "s/^[^ ]* [^ ]* $1 counts.* $2=\([0-9]*\).*/\1/p" "$work/all" |
		awk '{ sum += $1 } END { print sum + 0 }'
}

# none FS RULE NAME...: nothing of that sort was seen.
none() {
	local fs=$1 rule=$2 name bad=
	shift 2
	for name; do
		[ "$(count "$fs" "$rule" "$rule" "$name")" = 0 ] || bad+=" $name"
	done
	[ -n "$bad" ] || return 0
	echo "seen:$bad"
	grep "^$fs $rule $rule # \(lie\|aborted\|twice\)" "$work/all" | cut -d' ' -f4- | head -20
	grep "^$fs $rule $rule " "$work/all" | cut -d' ' -f4- | head -20
	echo "again: WT_SCHEDULE=SEED tests/run disk-errors, or tests/disk-errors/disk-errors.sh $fs $rule SEED"
	return 1
}

# What is not exact has its reason in libwt(7), LIMITATIONS: the same bytes of a block in the hands of
# two writers, appends through several descriptions, and on btrfs every error at dsync, as no second
# sync proves anything there; read-only descriptors are not told of an error of the direct engine.
few() { # fs, rule, name...: at most one for thirty errors and two besides
	local fs=$1 rule=$2 name bad='' limit
	shift 2
	limit=$((2 + $(count "$fs" "$rule" "$rule" errors) / 30))
	case $fs,$rule,$1 in
	btrfs,*sync*,slanders | *,engine=direct,untold) limit=$((limit * 15)) ;;
	esac
	for name; do
		[ "$(count "$fs" "$rule" "$rule" "$name")" -le "$limit" ] || bad+=" $name"
	done
	[ -n "$bad" ] || return 0
	echo "more than $limit:$bad"
	grep "^$fs $rule $rule " "$work/all" | cut -d' ' -f4- | head -40
	return 1
}

more_than() { [ "${1:-0}" -gt "$2" ]; }

judge_cell() { # fs, rule
	if [ -z "$(count "$1" "$2" "$2" runs)" ] || [ -z "$(count "$1" "$2" O_DSYNC runs)" ]; then
		not_ok "$1, $2: the judge came to its end" \
			"$(grep "^$1 $2 $2 " "$work/all" | tail -3
				grep "^$1 $2 O_DSYNC " "$work/all" | tail -3)"
		return
	fi
	local lies=(lies twice)
	case $1,$2 in ext4,*sync* | xfs,*sync*) lies+=(aborted early) ;; esac
	check "$1, $2: no success without the bytes on the disk" none "$1" "$2" "${lies[@]}"
	check "$1, $2: hardly an error for bytes that are there" few "$1" "$2" slanders
	check "$1, $2: after an error the cache shows what the disk has" few "$1" "$2" stale
	check "$1, $2: after an error each description's next fsync tells, once" \
		few "$1" "$2" untold strangers retold
	check "$1, $2: nothing hangs" none "$1" "$2" hung
	check "$1, $2: writes failed" more_than "$(count "$1" "$2" "$2" errors)" 0
}

judge_controls() { # fs
	check "$1: without libwt and without O_DSYNC, success means nothing" \
		more_than "$(count "$1" control plain lies)" 20
	[ "$1" = btrfs ] || check "$1: what is only in the disk's cache is not taken for stable" \
		more_than "$(count "$1" control through lies)" 5
}

columns=(runs writes errors lies slanders late unreadable flushed unproven aborted early stale untold
	broken)

table() {
	local fs rule who name
	printf '# %-6s %-22s %-8s' fs rule by
	printf '%11s' "${columns[@]}"
	echo
	for fs in "${all_fs[@]}"; do
		for rule in "${rules[@]}"; do
			for who in "$rule" O_DSYNC; do
				printf '# %-6s %-22s %-8s' "$fs" "$rule" \
					"$([ "$who" = O_DSYNC ] && echo kernel || echo libwt)"
				for name in "${columns[@]}"; do
					printf '%11s' "$(count "$fs" "$rule" "$who" "$name")"
				done
				echo
			done
		done
	done
}

all() {
	local fs rule
	echo "# schedules $first to $((first + each * cells - 1))"
	for fs in "${all_fs[@]}"; do
		with_disk "$fs" inside "$first" "$each" &
	done 2>"$work/why" | progress >"$work/all"
	for fs in "${all_fs[@]}"; do
		for rule in "${rules[@]}"; do
			judge_cell "$fs" "$rule"
		done
		judge_controls "$fs"
	done
	check "without libwt, O_DSYNC lied" more_than "$(total O_DSYNC lies)" 0
	table
	sed 's/^/# /' "$work/why"
	finish
}

# Quietly until something is wrong, then what the disk and the calls said.
one() { # fs, rule, seed, times
	local level i who
	level=$(level_of "$2")
	for who in "$2" O_DSYNC; do
		for ((i = 1; i <= $4; i++)); do
			[ "$who" = "$2" ] || level=dsync
			with_disk "$1" again "$who" "$level" "$3" >"$work/one" 2>&1
			! grep -q '^# \(lie\|slander\|twice\|stale\|untold\|retold\|hung\)' "$work/one" ||
				break
		done
		echo "# $1, $who, schedule $3, try $i of $4"
		grep -v ^step "$work/one"
	done
}

case ${1:-} in
inside)
	first=$2 each=$3
	inside
	exit
	;;
again)
	judge "$2" "$3" -v "$4" 1 1
	exit
	;;
esac
need_disk true
if [ $# -ge 3 ]; then
	one "$1" "$2" "$3" "${4:-20}"
elif [ -n "${WT_SCHEDULE:-}" ]; then
	one "$(fs_of "$WT_SCHEDULE")" "$(rule_of "$WT_SCHEDULE")" "$WT_SCHEDULE" 20
	echo 1..0
else
	all
fi

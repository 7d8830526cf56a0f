#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A full file system, a user's quota that is used up, and a disk that vanishes in the middle of
# writes. Nothing hangs, no write returns a success that is not true, the program can close its files
# and end, the file system can be unmounted; and what was acknowledged is there afterwards: at dsync
# and sync after a power cut, at through at least out of the page cache. Where the disk vanishes,
# the program of disk-errors.sh writes, by its schedules.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091
. "${0%/*}/../lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/disk.sh
. "${0%/*}/../lib/disk.sh"

fill=$WT_OBJ/tests/prog/fill
program=$WT_OBJ/tests/prog/disk-errors
rules=(dsync through "dsync,engine=direct" "through,engine=direct" sync)
user=12345
room=$((12 << 20))
limit_seconds=300
schedules=8
[ -z "$WT_SOAK" ] || schedules=150

# by RULE COMMAND...: under libwt, or without it by the rule `plain`; killed if it does not end.
by() {
	local rule=$1
	shift
	if [ "$rule" = plain ]; then
		timeout -s KILL $limit_seconds "$@"
	else
		timeout -s KILL $limit_seconds env "LD_PRELOAD=$WT_LIB" "WT_POLICY=*=$rule" \
			WT_LOG=error "$@"
	fi
}

### Until there is no room

# fills RULE SYMBOL ERRNO [COMMAND...]: writes until ERRNO; in $total what had been acknowledged.
fills() {
	local rule=$1 symbol=$2 errno=$3 said
	shift 3
	rm -f "$DISK_MNT/d/file"
	touch "$DISK_MNT/d/file"
	chown $user "$DISK_MNT/d/file"
	sync -f "$DISK_MNT"
	said=$(by "$rule" "$@" "$fill" "$symbol" "$DISK_MNT/d/file")
	is $? 0 || return
	total=$(sed -n 's/.* total=\([0-9]*\) .*/\1/p' <<<"$said")
	is "${said/ total=* misplaced/ misplaced}" "err=$errno misplaced=0 size_right=1 equal=1" &&
		[ "${total:-0}" -gt $((room / 4)) ]
}

# In a process of its own: it unmounts what the test has open.
survives() {
	disk_cut keep=0 tear=0
	disk_remount && "$fill" same "$DISK_MNT/d/file" "$total"
}

fills_and_survives() { # what fills takes
	fills "$@" && survives
}

fills_and_is_clean() {
	fills "$@" && is "$(dirty_pages "$DISK_MNT/d/file")" 0 && disk_remount &&
		"$fill" same "$DISK_MNT/d/file" "$total"
}

# The same without libwt, but not until the room is used up: then btrfs commits by itself.
writes_and_loses() {
	touch "$DISK_MNT/d/file"
	sync -f "$DISK_MNT"
	"$fill" write "$DISK_MNT/d/file" 3000000 >/dev/null
	total=3000000
	! survives
}

judge_room() { # what is used up, errno, command
	local what=$1 rule symbol
	shift
	check "$DISK_FS, $what: what is acknowledged without libwt is lost" writes_and_loses
	for rule in "${rules[@]}"; do
		for symbol in write pwrite; do
			case $rule in
			through*)
				check "$DISK_FS, $what, $rule, $symbol: what was acknowledged is written" \
					fills_and_is_clean "$rule" $symbol "$@"
				;;
			*)
				check "$DISK_FS, $what, $rule, $symbol: what was acknowledged survives" \
					fills_and_survives "$rule" $symbol "$@"
				;;
			esac
		done
	done
}

new_dir() {
	mkdir -p "$DISK_MNT/d" && chmod 777 "$DISK_MNT/d"
}

# All but a little is taken; what is free is not always for the taking.
take_up() {
	local left
	left=$(($(stat -f -c '%a * %S' "$DISK_MNT") - room))
	until fallocate -l $left "$DISK_MNT/ballast" 2>/dev/null; do
		left=$((left - (room / 2)))
		[ $left -gt 0 ] || return
	done
	sync -f "$DISK_MNT"
}

inside_full() {
	new_dir
	take_up
	judge_room full 28 env
}

inside_quota() {
	if [ "$DISK_FS" = btrfs ]; then
		btrfs quota enable "$DISK_MNT" && btrfs subvolume create "$DISK_MNT/d" &&
			btrfs qgroup limit $room "$DISK_MNT/d"
	else
		"$DISK_BIN/quota" "$DISK_DEV" $user $room
	fi >/dev/null || return
	new_dir
	judge_room quota 122 setpriv --reuid $user --regid $user --clear-groups
}

### A disk that vanishes

# vanish RULE LEVEL FIRST: the counts, after the judge's other lines.
vanish() {
	local command=("$program" write)
	[ "$1" = plain ] || command=(env "LD_PRELOAD=$WT_LIB" "WT_POLICY=*=$1" WT_LOG=error
		"${command[@]}")
	"$program" judge -g "$2" "$3" 1 $schedules "${command[@]}" >"$work/judged"
}

count() { sed -n "s/^counts.* $1=\([0-9]*\).*/\1/p" "$work/judged"; }

# None of these.
none() {
	local name
	for name; do
		is "$name $(count "$name")" "$name 0" || {
			grep '^#' "$work/judged" | head -20
			return 1
		}
	done
}

judge_vanishing() { # rule, level, first schedule
	local what="$DISK_FS, vanishing disk, $1"
	check "$what: comes back, and can be mounted" vanish "$@"
	check "$what: no hanging, and the program ends" none hung
	check "$what: what was acknowledged is there" none lies twice
	# The direct engine's errors are told to descriptors under the rule, not to read-only ones.
	[[ $1 = *engine=direct* ]] ||
		check "$what: each description's next fsync tells of errors" none untold strangers
	check "$what: writes failed" test "$(count errors)" -gt 0
	echo "# $what: $(count writes) writes, $(count errors) errors, for bytes that had been" \
		"written $(count gone), that came later $(count late)"
}

inside_vanish() {
	local first=1 rule
	vanish plain dsync 1
	check "$DISK_FS, vanishing disk, without libwt: what was acknowledged is lost" \
		test "$(count lies)" -gt 10
	for rule in "${rules[@]}"; do
		[ -z "$WT_SOAK" ] || echo "# $DISK_FS, vanishing disk:" \
			"$((100 * (first - 1) / schedules / ${#rules[@]})) %" >&2
		first=$((first + schedules))
		case $rule in
		through*) judge_vanishing "$rule" through $first ;;
		*) judge_vanishing "$rule" dsync $first ;;
		esac
	done
}

### Outside

part() { # which, --fs FS [OPTION...]: this script, inside; its tests are numbered with ours
	local which=$1 status
	shift
	"$with_disk" "$@" -- "$self" inside "$which" 2> >(tee "$work/in.why" >&2) >"$work/in.part"
	show_part "$which $*" $? "$work/in"
}

# Whether the kernel has it is seen by trying.
quota_part() { # FS MKFS-OPTIONS MOUNT-OPTIONS
	local options=(--fs "$1" --mkfs-opts "$2" --mount-opts "$3") why
	if why=$("$with_disk" "${options[@]}" -- true 2>&1); then
		part quota "${options[@]}"
	elif grep -qi 'quota support not available\|not built with CONFIG_QUOTA' <(dmesg | tail -50); then
		skip "$1, quota" "this machine: its kernel has no quota for $1"
	else
		not_ok "$1, quota: can be mounted" "$why"
	fi
}

if [ "${1:-}" = inside ]; then
	"inside_$2"
	exit
fi
need_disk true
for fs in ext4 xfs btrfs; do
	part full --fs $fs
	part vanish --fs $fs
done
quota_part ext4 '-O quota' commit=300,usrquota
quota_part xfs '' uquota
quota_part btrfs '' commit=300
finish

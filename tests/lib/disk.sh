# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # shared with the scripts that read it
#
# For tests that run themselves on a disk of tests/disk, and what they do with it there. Read after
# tap.sh, in bash. tests/disk/README.md lists the disk's commands.

with_disk=$WT_TOP/tests/disk/with-disk
export WT_TOP WT_OBJ WT_LIB WT_SOAK=${WT_SOAK:-} # for what it starts

### Outside

# need_disk COMMAND...: ends the test where this machine cannot have such a disk, as
# `with-disk COMMAND...` says.
need_disk() {
	local why
	why=$("$with_disk" --fs none -- "$@" 2>&1 </dev/null)
	[ $? != 77 ] || skip_all "${why#with-disk: }"
}

# side_by_side STEPS THEIR-NAME ARGUMENT...: $self with these arguments on a disk of tests/disk for each
# file system, all at once. A line `step` is a step done, one that begins with `row ` is for a table, and
# all others are tests, which are printed when all have ended.
side_by_side() {
	local steps=$1 what=$2 fs
	shift 2
	for fs in ext4 xfs btrfs; do
		{
			"$with_disk" --fs $fs -- "$self" "$@" 2>"$work/$fs.why" |
				tee "$work/$fs.out" | grep --line-buffered '^step$'
			echo "${PIPESTATUS[0]}" >"$work/$fs.status"
		} &
	done | show_progress "$steps" "$what"
	for fs in ext4 xfs btrfs; do
		grep -vE '^(step|row .*)$' "$work/$fs.out" >"$work/$fs.part"
		show_part $fs "$(cat "$work/$fs.status")" "$work/$fs"
	done
}

# disk_main ARGUMENT...: `all` where such a disk can be had; there, `inside`. `again FS ARGUMENT...` is
# `inside_again` on a disk with that file system.
disk_main() {
	case ${1:-} in
	inside | inside_again) "$@" ;;
	again) "$with_disk" --fs "$2" -- "$self" inside_again "${@:3}" ;;
	*) need_disk true && all ;;
	esac
}

### Inside

disk_ctl() { "$DISK_BIN/ctl" "$@"; }

# disk_fact KEY: one number of the disk's status.
disk_fact() { disk_ctl status | sed -n "s/^$1=//p"; }

# disk_cut [KEY=VALUE...]: the power goes, now or when it says. ext4 (1 KiB) and btrfs (4 KiB) write
# their superblock in place and cannot be mounted when that is torn, as its checksum is looked at
# before any journal: they rely on a disk that does not tear it.
disk_cut() {
	case ${DISK_FS:-} in
	ext4) set -- whole=2-3 "$@" ;;
	btrfs) set -- whole=128-135 "$@" ;;
	esac
	disk_ctl cut "$@"
}

# Power on, mount (which replays the journal), fsck, mount again. Fails if fsck is not content.
disk_remount() { "$WT_TOP/tests/disk/mount" again; }

# disk_log [NUMBER]: the requests since that one, a line each: NUMBER OP OFFSET LENGTH ERROR
# ARRIVED COMPLETED, the times in nanoseconds of CLOCK_MONOTONIC.
disk_log() { disk_ctl log since="${1:-1}"; }

# disk_extents FILE: where it lies, FIRST-LAST a line, in sectors. Sync it first.
disk_extents() { "$DISK_BIN/extents" "$1"; }

# disk_fail_file FILE [KEY=VALUE...]: writes to where the file lies now fail.
disk_fail_file() {
	disk_file_extents=$(disk_extents "$1") || return
	shift
	for disk_extent in $disk_file_extents; do
		disk_ctl fail sectors="$disk_extent" "$@" || return
	done
}

# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# What a test does with the disk that tests/disk/with-disk gave it; read by tests in sh and bash.
# tests/disk/README.md lists the disk's commands.

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

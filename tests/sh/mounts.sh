#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Mounts that do not keep a sync: what cannot be kept is named in the report and by --probe, and
# refused under WT_STRICT; what can be is covered as elsewhere. With controls that show, without
# libwt, that the mount does what it is named for.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"

need_fs EXT4
wt=$WT_TOP/wt-preload.sh
levels=(async through dsync sync)
ext4=$WT_TEST_EXT4 disk=
mkdir "$work"/{mnt,over,lower,memory}

volatile='it is mounted so that a sync does nothing'
no_flush="it is mounted so that a sync does not flush the disk's cache"
memory='its disk is memory (zram, ram, a loop device on tmpfs)'
no_disk='the file system has no disk'
unseen='a sync is passed on to a file system that cannot be seen here'
served='a server keeps the file, and a sync is as good as its word'

# write LEVEL FILE [VARIABLE...]: by dd, with and without an offset.
write() {
	local level=$1 file=$2
	shift 2
	rm -f "$work/report.json"
	env "LD_PRELOAD=$WT_LIB" "WT_POLICY=$file=$level" "WT_REPORT=$work/report.json" WT_LOG=error \
		"$@" dd if=/dev/zero "of=$file" bs=4k count=3 conv=notrunc status=none 2>"$work/err"
}

not_covered() { jq -r '.not_covered[].way' "$work/report.json" | sort -u; }

# Every level up to KEEPS is covered, and those above are not: as the report, WT_STRICT and --probe
# say. With WHY and all levels kept, that is the reason that they give.
judge_file() { # FILE KEEPS WHY
	local file=$1 keeps=$2 why=$3 kept=1 level
	[ "$keeps" != off ] || kept=
	for level in "${levels[@]}"; do
		write "$level" "$file" || echo "$level: $(cat "$work/err")"
		is "$(not_covered)" "$([ "$kept" ] || echo "$why")" || echo "at $level"
		[ "$keeps" != sync ] || [ ! "$why" ] || grep -qF "$why" "$work/report.json" ||
			echo "$level: the report does not say: $why"
		write "$level" "$file" WT_STRICT=1
		is "$?" "$([ "$kept" ] && echo 0 || echo 1)" || echo "at $level under WT_STRICT"
		[ "$level" != "$keeps" ] || kept=
	done
	"$wt" --probe "$file" >"$work/probe" 2>&1
	grep -qF "${why:-as far as the disk keeps its word}" "$work/probe" || {
		echo "--probe does not say '$why':"
		cat "$work/probe"
	}
}

judged() { # NAME, what is wrong
	if [ "$2" ]; then not_ok "$1" "$2"; else ok "$1"; fi
}

# keeps NAME DIRECTORY KEEPS [WHY]
keeps() {
	local wrong
	: >"$2/file" || exit
	wrong=$(judge_file "$2/file" "$3" "${4:-}")
	judged "$1" "$wrong"
	rm -f "$2/file"
}

# mount_disk TYPE OPTIONS [IMAGE]: leaves the loop device in $disk.
mount_disk() {
	local image=${3:-$ext4/image}
	truncate -s 300M "$image"
	case $1 in
	ext4) mkfs.ext4 -q -F "$image" ;;
	xfs) mkfs.xfs -q -f "$image" ;;
	btrfs) mkfs.btrfs -q -f "$image" ;;
	esac >"$work/mkfs" 2>&1 || return
	if [ "$has_own" ]; then
		disk=/dev/loop$own
		losetup "$disk" "$image" || return
	else
		disk=$(losetup --find --show "$image") || return
	fi
	mount -t "$1" -o "$2" "$disk" "$work/mnt"
	status=$?
	losetup -d "$disk" # when it is unmounted
	return $status
}

unmount_disk() {
	umount "$work/mnt"
	rm -f "${1:-$ext4/image}"
}

# A loop device that nobody else is given: what is written into its queue outlives its file, and
# would be the next one's.
own=$((20000 + RANDOM)) has_own=
loop_control() { # REQUEST, of linux/loop.h
	python3 -c 'import fcntl, os, sys
fcntl.ioctl(os.open("/dev/loop-control", os.O_RDWR), int(sys.argv[1], 16), int(sys.argv[2]))' \
		"$1" $own 2>"$work/err"
}

add_own() { loop_control 0x4C80 && [ -b /dev/loop$own ] && has_own=1; }

remove_own() {
	for _ in {1..50}; do
		if [ ! "$has_own" ] || loop_control 0x4C81; then break; fi
		sleep 0.1
	done
}
trap 'cd / && remove_own; rm -rf "$work"' EXIT

set_cache() { echo "$1" >"/sys/block/loop$own/queue/write_cache"; }

# flushes COMMAND...: how many requests to flush its cache the disk got from it.
flushes() {
	local before
	before=$(awk '{ print $16 }' "/sys/block/${disk#/dev/}/stat")
	"$@" >"$work/out" 2>&1
	awk -v before="$before" '{ print $16 - before }' "/sys/block/${disk#/dev/}/stat"
}

overlay() { # UPPER [OPTIONS]
	mkdir -p "$1/upper" "$1/work"
	mount -t overlay -o "${2:+$2,}lowerdir=$work/lower,upperdir=$1/upper,workdir=$1/work" \
		overlay "$work/over"
}

no_overlay() {
	umount "$work/over"
	rm -rf "$1/upper" "$1/work"
}

synced_write() { dd if=/dev/zero "of=$1" bs=4k count=3 oflag=dsync status=none; }

# A disk, and what is above it.

mount_disk ext4 defaults
check "control: a disk is flushed by a sync" test "$(flushes synced_write "$work/mnt/file")" -gt 0
keeps "ext4 keeps all levels" "$work/mnt" sync
mount -o remount,barrier=0 "$work/mnt"
check "control: mounted with barrier=0 it is not" is \
	"$(flushes synced_write "$work/mnt/file")" 0
keeps "with barrier=0, by a remount, it keeps through" "$work/mnt" through "$no_flush"
mkdir "$work/mnt/dir"
mount --bind "$work/mnt/dir" "$work/over"
keeps "and so does a bind mount of it" "$work/over" through "$no_flush"
umount "$work/over"
overlay "$work/mnt"
keeps "and an overlayfs above it" "$work/over" through "$no_flush"
no_overlay "$work/mnt"
mount -o remount,barrier=1 "$work/mnt"
keeps "and with barriers again it keeps all" "$work/mnt" sync
unmount_disk
if mount_disk btrfs nobarrier; then
	keeps "btrfs with nobarrier keeps through" "$work/mnt" through "$no_flush"
	btrfs subvolume create "$work/mnt/sub" >"$work/out"
	keeps "and so does a subvolume of it" "$work/mnt/sub" through "$no_flush"
	unmount_disk
else
	skip "btrfs with nobarrier" "no btrfs: $(tail -1 "$work/mkfs")"
fi

if add_own; then
	mount_disk ext4 barrier=0
	set_cache "write through"
	keeps "with barrier=0, and a disk without a cache, ext4 keeps all" "$work/mnt" sync
	overlay "$work/mnt"
	keeps "and so does an overlayfs above it" "$work/over" sync
	no_overlay "$work/mnt"
	unmount_disk
	set_cache "write back"
	if mount_disk btrfs nobarrier; then
		set_cache "write through"
		keeps "and so does btrfs with nobarrier" "$work/mnt" sync
		truncate -s 300M "$ext4/second"
		second=$(losetup --find --show "$ext4/second")
		btrfs device add -f "$second" "$work/mnt" >"$work/out" 2>&1
		keeps "but not with another disk that has one" "$work/mnt" through "$no_flush"
		unmount_disk
		losetup -d "$second"
		rm "$ext4/second"
	fi
	set_cache "write back"
	remove_own
	has_own=
else
	skip "a disk without a cache" "this machine: $(cat "$work/err")"
fi

# overlayfs.

overlay "$ext4" volatile
dd if=/dev/zero "of=$work/over/file" bs=4k count=3 conv=fsync status=none
check "control: on a volatile overlayfs fsync leaves pages dirty" test \
	"$(dirty_pages "$ext4/upper/file")" = 3
keeps "a volatile overlayfs keeps nothing" "$work/over" off "$volatile"
mount --bind "$work/over" "$work/mnt"
keeps "and so does a bind mount of it" "$work/mnt" off "$volatile"
umount "$work/mnt"
no_overlay "$ext4"

overlay "$ext4"
keeps "another keeps what its upper layer keeps" "$work/over" sync
no_overlay "$ext4"
overlay_escaped() {
	local name=${1//\\/\\\\}
	name=${name//,/\\,}
	name=${name//:/\\:}
	mkdir -p "$1/upper" "$1/work"
	mount -t overlay -o "lowerdir=$work/lower,upperdir=$name/upper,workdir=$name/work" \
		overlay "$work/over"
}
if overlay_escaped "$ext4/two, with: \\words" 2>"$work/err"; then
	keeps "an upper layer is found by any name" "$work/over" sync
	no_overlay "$ext4/two, with: \\words"
else
	skip "an upper layer is found by any name" "this machine: $(cat "$work/err")"
fi
(
	cd "$ext4" && mkdir -p upper work &&
		mount -t overlay -o "lowerdir=$work/lower,upperdir=upper,workdir=work" overlay "$work/over"
)
keeps "one that was mounted by a relative name is not, which is named" "$work/over" sync "$unseen"
no_overlay "$ext4"

# A file system, or a mount of one, that is read-only. A sync of a directory there is one of nothing.

# syncs_directory DIRECTORY: with libwt as without it, under a rule that is about no file there.
syncs_directory() {
	is "$(sync "$1" 2>&1)" "" || echo "without libwt"
	is "$(LD_PRELOAD=$WT_LIB WT_POLICY='/nowhere/*=dsync' sync "$1" 2>&1)" ""
}

for type in ext4 xfs btrfs; do
	if ! mount_disk $type defaults; then
		skip "$type, read-only" "no $type: $(tail -1 "$work/mkfs")"
		continue
	fi
	mkdir "$work/mnt/dir"
	mount --bind "$work/mnt" "$work/over"
	mount -o remount,bind,ro "$work/over"
	judged "a directory of $type is synced through a mount that is read-only" \
		"$(syncs_directory "$work/over/dir")"
	umount "$work/over"
	mount -t overlay -o "lowerdir=$work/mnt/dir:$work/lower" overlay "$work/over"
	judged "and of an overlayfs above it that has no upper layer" "$(syncs_directory "$work/over")"
	umount "$work/over"
	mount -o remount,ro "$work/mnt"
	judged "and of itself, mounted so" "$(syncs_directory "$work/mnt/dir")"
	unmount_disk
done

# Memory.

mount -t tmpfs none "$work/memory"
keeps "tmpfs keeps nothing" "$work/memory" off "$no_disk"
overlay "$work/memory"
keeps "nor does an overlayfs whose upper layer is there" "$work/over" off "$no_disk"
no_overlay "$work/memory"
mount_disk ext4 defaults "$work/memory/image"
keeps "nor a loop device whose file is there" "$work/mnt" off "$memory"
unmount_disk "$work/memory/image"
umount "$work/memory"
overlay "$ext4" volatile
mount_disk ext4 defaults "$work/over/image"
keeps "nor one whose file is on a volatile overlayfs" "$work/mnt" off "$volatile"
unmount_disk "$work/over/image"
no_overlay "$ext4"

# A server.

# Its answer to a sync may be that it has none: EINVAL, after the bytes were taken.
cat >"$work/plugin" <<'END'
case $1 in
get_size) echo 65536 ;;
pread) head -c "$3" /dev/zero ;;
pwrite) cat >/dev/null ;;
can_write | can_flush) ;;
flush)
	echo EINVAL >&2
	exit 1
	;;
*) exit 2 ;;
esac
END
chmod +x "$work/plugin"

serve() { # NBDKIT-ARGUMENT...
	rm -f "$work/pid"
	: >"$work/served"
	nbdfuse --pidfile "$work/pid" "$work/served" --command nbdkit -s "$@" >"$work/out" 2>&1 &
	for _ in {1..100}; do
		[ ! -s "$work/pid" ] || return
		sleep 0.1
	done
}

# The writes of each level, and of a descriptor that libwt did not see opened.
judge_unsynced() {
	local level
	for level in through dsync sync; do
		write "$level" "$work/served" || echo "$level: $(cat "$work/err")"
		is "$(not_covered)" "it cannot be synced (fsync answers EINVAL)" || echo "at $level"
		write "$level" "$work/served" WT_STRICT=1
		is "$?" 1 || echo "at $level under WT_STRICT"
		LD_PRELOAD=$WT_LIB WT_POLICY="*=$level" WT_LOG=error WT_REPORT="$work/report.json" \
			timeout 20 dd if=/dev/zero bs=4k count=3 status=none 1<>"$work/served" ||
			echo "inherited, at $level"
	done
}

if command -v nbdfuse >/dev/null && command -v nbdkit >/dev/null; then
	serve memory 1M
	wrong=$(judge_file "$work/served" sync "$served")
	judged "of a server its word is named" "$wrong"
	umount "$work/served"
	wait
	serve sh "$work/plugin"
	check "control: without libwt its fsync answers EINVAL" grep -q 'Invalid argument' <(
		dd if=/dev/zero "of=$work/served" bs=4k count=1 conv=notrunc,fsync 2>&1
	)
	wrong=$(judge_unsynced)
	judged "a write whose sync is not to be had is carried out, and named" "$wrong"
	umount "$work/served"
	wait
else
	skip "of a server its word is named" "nbdfuse or nbdkit is not installed"
	skip "a write whose sync is not to be had" "nbdfuse or nbdkit is not installed"
fi

# Files in which the kernel shows itself, of each such file system that this machine has. What is
# written there is what stands there.

# own NAME TYPE FILE [VALUE]: one that answers as without libwt, and is named at each level.
own() {
	local name=$1 type=$2 file=$work/mnt/$3 value=${4:-} level wrong=''
	if [ "$type" != proc ] && ! mount -t "$type" none "$work/mnt" 2>"$work/err"; then
		skip "$name" "this machine: $(cat "$work/err")"
		return
	fi
	[ "$type" != proc ] || file=$3
	# A file of a number that no test can know.
	[ "${file##*/}" != "*" ] || file=$(find "$work/mnt" -type f -perm -200 | head -1)
	[ "$type" = proc ] || touch "$file" 2>"$work/err"
	if [ ! -e "$file" ]; then
		skip "$name" "this machine: it has no file there"
		umount "$work/mnt" 2>/dev/null
		return
	fi
	[ "$value" ] || value=$(cat "$file" 2>"$work/err")
	printf '%s' "$value" | dd "of=$file" conv=notrunc status=none 2>"$work/plain"
	local plain=$?
	for level in "${levels[@]}"; do
		rm -f "$work/report.json"
		printf '%s' "$value" | env "LD_PRELOAD=$WT_LIB" "WT_POLICY=*/${file##*/}=$level" \
			"WT_REPORT=$work/report.json" WT_LOG=error dd "of=$file" conv=notrunc \
			status=none 2>"$work/err"
		wrong+=$(is "$?: $(cat "$work/err")" "$plain: $(cat "$work/plain")" || echo "at $level")
		[ $plain != 0 ] || wrong+=$(is "$(not_covered)" "$no_disk" || echo "at $level")
	done
	judged "$name" "$wrong"
	[ "$type" = proc ] || umount "$work/mnt"
}

own "binfmt_misc is written, and named" binfmt_misc status 1
own "and so is fusectl" fusectl "*"
own "and sysfs" sysfs kernel/mm/transparent_hugepage/khugepaged/defrag
own "and cgroup2" cgroup2 cgroup.procs 0
own "and debugfs" debugfs clear_warn_once 1
own "and tracefs" tracefs trace_marker mark
own "and mqueue, which takes no writes" mqueue queue x
own "and cgroup" cgroup cgroup.procs 0
own "and cpuset" cpuset cgroup.procs 0
own "and a device's file system" devtmpfs file x
own "and ramfs" ramfs file x
own "and hugetlbfs, which takes no writes" hugetlbfs file x
own "and proc" proc /proc/self/comm dd
own "and the kernel's settings" proc /proc/sys/vm/swappiness
own "and a thing of a process's own" proc /proc/self/oom_score_adj 0
own "and securityfs" securityfs lockdown none
own "and pstore" pstore "*"
own "and configfs" configfs "*"
own "and selinuxfs" selinuxfs enforce
own "and efivarfs" efivarfs "*"
own "and the pipes of the NFS client" rpc_pipefs "*"
own "and the NFS server" nfsd threads
own "and resctrl" resctrl schemata
own "and bpf" bpf "*"
finish

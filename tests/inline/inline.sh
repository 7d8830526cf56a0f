#!/bin/bash
# SPDX-License-Identifier: MIT
#
# ext4 with inline_data: the bytes of small files lie in their inodes, where sync_file_range has no
# page to write and O_DSYNC forgets an overwrite. Every way to write is on the disk all the same when
# the call returns, at `through` and above, first writes, overwrites, files that grow out of their
# inode; without libwt they are lost. And where the feature is off a file is asked for it once.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"

need_fs EXT4
inlined=$WT_OBJ/tests/prog/inline image=$WT_TEST_EXT4/image
mkdir "$work"/{mnt,over,lower}

# mounted INODE-BYTES: fresh, with a journal that is not committed by the clock.
mounted() {
	truncate -s 16M "$image"
	mkfs.ext4 -q -F -O inline_data -I "$1" "$image" >"$work/out" 2>&1 &&
		mount -o loop,commit=600 "$image" "$work/mnt" 2>"$work/err" && mkdir "$work/mnt/dir"
}

unmounted() { umount "$work/mnt" && rm -f "$image"; }

# plays DIRECTORY [RULE]: what is lost.
plays() {
	local env=()
	[ $# = 1 ] || env=("LD_PRELOAD=$WT_LIB" "WT_POLICY=*.ruled=$2" WT_LOG=error)
	timeout 60 env "${env[@]}" "$inlined" "$image" "$1" >"$work/played" 2>"$work/err" ||
		echo "exit status $?: $(cat "$work/err")"
	grep lost "$work/played"
}

if ! mounted 256; then
	skip_all "this machine: no ext4 with inline_data: $(cat "$work/err" "$work/out")"
fi

lost=$(plays "$work/mnt/dir")
check "control: without libwt each write is lost" is \
	"$(grep -vc '^O_DSYNC\|^fdatasync' <<<"$lost")" "$(grep -vc '^O_DSYNC\|^fdatasync' "$work/played")"
check "control: and the kernel's O_DSYNC forgets two overwrites" is \
	"$(grep '^O_DSYNC:' <<<"$lost")" "O_DSYNC: lost lost"
check "control: and so does its fdatasync" is \
	"$(grep '^fdatasync:' <<<"$lost")" "fdatasync: lost lost"

# What a rename brings along is seen to at `dsync` and above.
check "at through every write is there" is "$(plays "$work/mnt/dir" through | grep -v '^rename:')" ''
for rule in dsync sync dsync,fsync=elide dsync,engine=direct dsync,cache=drop; do
	check "at $rule every write is there" is "$(plays "$work/mnt/dir" "$rule")" ''
done
check "they lay in their inodes" is "$(grep -c moved "$work/played")" \
	"$(grep -c '^\(rename\|grown\|cut_back\)' "$work/played")"
check "by engine=direct, at through, too" is \
	"$(plays "$work/mnt/dir" through,engine=direct | grep -v '^rename:')" ''

mkdir "$work/mnt/upper" "$work/mnt/work"
mount -t overlay -o "lowerdir=$work/lower,upperdir=$work/mnt/upper,workdir=$work/mnt/work" \
	overlay "$work/over"
for rule in through dsync sync; do
	check "and on an overlayfs above it, at $rule" is \
		"$(plays "$work/over" $rule | grep -v "$([ $rule = through ] && echo '^rename:' || echo '^$')")" ''
done
umount "$work/over"
unmounted

if mounted 1024; then
	check "in larger inodes as well" is "$(plays "$work/mnt/dir" dsync)" ''
	unmounted
fi

# A file that has blocks, or gets them by its first write, is asked no more.
asked() { # COMMAND...
	LD_PRELOAD='' strace -qq -f -e trace=ioctl -e signal=none -o "$work/trace" \
		-E "LD_PRELOAD=$WT_LIB" -E "WT_POLICY=*.ruled=dsync" "$@" >"$work/out" 2>&1
	grep -c 'FS_IOC_GETFLAGS\|FS_IOC_FIEMAP' "$work/trace"
}

if command -v strace >/dev/null; then
	file=$WT_TEST_EXT4/file.ruled
	many=$(asked dd if=/dev/zero "of=$file" bs=512 count=100 status=none)
	few=$(asked dd if=/dev/zero "of=$WT_TEST_EXT4/other.ruled" bs=512 count=2 status=none)
	check "where the feature is off a file is asked once, not at each write" \
		test "$many" -le "$few" -a "$many" -gt 0
	truncate -s 1M "$file" && fallocate -l 1M "$file"
	check "and one that has blocks when it is opened" \
		test "$(asked dd if=/dev/zero "of=$file" bs=512 count=100 conv=notrunc status=none)" -le 2
else
	skip "where the feature is off a file is asked once, not at each write" "strace is not installed"
fi
finish

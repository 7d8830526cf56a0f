#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Errors of the disk where libwt does not see all who share a file: a child that was given the
# descriptor, and does nothing but fdatasync(2), takes errors that are a write's; what is opened
# after a failed write is told of it, and a new file is not; a handler that jumps out of failing writes
# leaves nothing behind; a copy between files that failed can be made again. The program here does
# it; what it prints is compared with what the kernel does, or, for the writes themselves, must be
# true.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/disk.sh
. "${0%/*}/../lib/disk.sh"

program=$WT_OBJ/tests/prog/disk-shared

# by RULE WORD...: what the program says, under libwt, or without it by the rule `plain`.
by() {
	local rule=$1
	shift
	if [ "$rule" = plain ]; then
		timeout 300 "$program" "$@"
	else
		timeout 300 env "LD_PRELOAD=$WT_LIB" "WT_POLICY=other.txt=off;*=$rule" WT_LOG=error "$program" "$@"
	fi
}

says() { # what is expected, rule, word...
	local said
	said=$(by "${@:2}" 2>&1)
	# shellcheck disable=SC2053 # a pattern
	[[ $said == $1 ]] || {
		echo "'$said', expected '$1'"
		return 1
	}
}

# Whether the child comes in between is a matter of moments.
says_at_last() {
	local try said
	for try in {1..20}; do
		said=$(says "$@") && return
	done
	echo "in $try tries: $said"
	return 1
}

inside() {
	local rule way told
	told=$(by plain late cached)
	for way in inherited spawned vforked sent; do
		check "$DISK_FS: a child that has the file $way takes errors of the kernel's O_DSYNC" \
			says_at_last "lies=[1-9]* errors=*" plain give "$way" O_DSYNC
	done
	for rule in dsync through; do
		for way in inherited spawned vforked sent; do
			check "$DISK_FS, $rule: no success is untrue beside a child that has the file $way" \
				says "lies=0 errors=*" "$rule" give "$way"
		done
		check "$DISK_FS, $rule: what is opened after a failed write is told as without libwt" \
			says "$told" "$rule" late
		check "$DISK_FS, $rule: a handler that jumps out of failing writes leaves nothing behind" \
			says "jumps=[1-9]* failed=0" "$rule" jump
	done
	check "$DISK_FS: without libwt writes beside a thread with descriptors of its own succeed" \
		says lies=64 plain split
	check "$DISK_FS: a thread with descriptors of its own takes no rule away" \
		says lies=0 dsync split
	check "$DISK_FS: without libwt no copy between files is told of the disk's errors" \
		says "told=0 misplaced=0" plain copy
	check "$DISK_FS: a copy that failed is made again from where it began" \
		says "told=[23] misplaced=0" dsync copy # XFS may clone
	check "$DISK_FS: a message that is not there is answered as without libwt" \
		says "$(by plain message)" dsync message
	finish
}

if [ "${1:-}" = inside ]; then
	inside
	exit
fi
need_disk true
for fs in ext4 xfs; do
	"$with_disk" --fs $fs -- "$self" inside 2>"$work/in.why" >"$work/in.part"
	show_part "$fs" $? "$work/in"
done
finish

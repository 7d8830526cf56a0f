#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The disk that can fail, without libwt: power cuts lose, keep and tear what they may and nothing
# else, errors and delays reach whom they should, and the log tells the truth. On ext4, XFS and btrfs,
# and on the bare device where a file system would be in the way.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/disk.sh
. "${0%/*}/../lib/disk.sh"

cuts=20
[ -z "${WT_SOAK:-}" ] || cuts=200

stamp() { "$DISK_BIN/stamp" "$@"; }

# stamped FILE CALL...: results and errors only, "CALL RESULT ERROR" each, on one line.
stamped() { stamp "$@" | cut -d' ' -f1-3 | paste -sd' '; }

# new_file NAME [CALL...]: an empty file whose blocks are overwritten in place, on btrfs too.
new_file() {
	rm -f "$1"
	touch "$1"
	[ "$DISK_FS" != btrfs ] || chattr +C "$1"
	shift
}

### On a file system

# sent_and_got: a large synced write; then in $sent what the block layer sent, in $got what came
# out of FUSE: writes, sectors, flushes. A request that was split counts more than once.
sent_and_got() {
	local before after keys=(write sectors_written flush) fields=(4 6 15) i
	new_file "$mnt/whole"
	stamp "$mnt/whole" write:0:3000000:a fsync
	for i in 0 1 2; do got[i]=$(disk_fact "${keys[i]}"); done
	read -ra before <"$DISK_STAT"
	stamp "$mnt/whole" write:4096:2900000:b fsync
	read -ra after <"$DISK_STAT"
	for i in 0 1 2; do
		got[i]=$(($(disk_fact "${keys[i]}") - got[i]))
		sent[i]=$((after[fields[i]] - before[fields[i]]))
	done
}

# The block layer counts an empty write that only asks for a flush (btrfs) as a write, too.
requests_arrive_whole() {
	local sent=() got=()
	sent_and_got >/dev/null
	echo "writes, sectors, flushes: sent ${sent[*]}, got ${got[*]}"
	[ "${got[2]}" -gt 0 ] && [ "${got[0]}" -gt 40 ] && [ "${got[0]}" -le "${sent[0]}" ] &&
		is "${got[*]:1}" "${sent[*]:1}"
}

overwrites_are_logged() { # how, what the log is to say
	local at
	new_file "$mnt/file"
	stamped "$mnt/file" write:0:409600:a fsync
	at=$(disk_extents "$mnt/file") && [ "$(wc -l <<<"$at")" = 1 ] || return
	is "$("$DISK_BIN/overwrite" "$1" "$mnt/file" "${at%-*}" 100)" "$2"
}

# For each block of 4 KiB: o, n, or t if it holds old and new sectors; all else is x.
blocks() {
	fold -b -w 512 "$1" | awk '
		{ kind = /^o+$/ ? "o" : /^n+$/ ? "n" : "x" }
		NR % 8 == 1 { block = kind }
		{ block = block == kind ? kind : block == "x" || kind == "x" ? "x" : "t" }
		NR % 8 == 0 { printf "%s", block }'
}

# A new file that was synced, one that was not, and one overwritten in place that was not, although
# all of its bytes had reached the disk. Then the power goes, when nothing is under way.
cut_when_quiet() { # seed
	rm -f "$mnt"/fresh.*
	new_file "$mnt/place"
	stamp "$mnt/place" write:0:262144:o fsync
	stamp "$mnt/synced.$1" write:0:100000:s fsync
	stamp "$mnt/fresh.$1" write:0:100000:f
	stamp "$mnt/place" range:0:262144:n
	disk_cut seed="$1"
	remount || return
	cmp "$mnt/synced.$1" "$work/synced" && kept=$((kept + 1))
	cmp "$mnt/fresh.$1" "$work/fresh" || lost=$((lost + 1))
	fate+=$(blocks "$mnt/place")
}

# The power goes at one of the next requests, while one new file after the other is synced.
cut_when_busy() { # seed
	local done=0 i whole=0
	rm -f "$mnt"/busy.*
	disk_cut seed="$1" within=200
	while stamp "$mnt/busy.$done" write:0:100000:s fsync | grep 'fsync 0'; do
		done=$((done + 1))
	done
	disk_ctl wait-off && remount || return
	for ((i = 0; i < done; i++)); do
		cmp "$mnt/busy.$i" "$work/synced" && whole=$((whole + 1))
	done
	synced=$((synced + done))
	[ $whole = $done ] && kept=$((kept + 1))
}

remount() {
	local begin=${EPOCHREALTIME/./}
	disk_remount && clean=$((clean + 1))
	took=$((took + ${EPOCHREALTIME/./} - begin))
}

cut_often() {
	local seed
	clean=0 kept=0 lost=0 synced=0 took=0 fate=
	head -c 100000 /dev/zero | tr '\0' s >"$work/synced"
	head -c 100000 /dev/zero | tr '\0' f >"$work/fresh"
	for ((seed = 1; seed <= cuts; seed++)); do
		[ -z "${WT_SOAK:-}" ] || printf '\r%s: cut %d/%d ' "$DISK_FS" $seed $cuts >&2
		echo "seed $seed"
		if ((seed % 2)); then cut_when_quiet $seed; else cut_when_busy $seed; fi
	done >"$work/cuts" 2>&1
	echo "# $DISK_FS: $cuts cuts, $((took / 1000 / cuts)) ms each until checked and mounted again"
	echo "# $synced files were synced while the power went"
	echo "# of the blocks overwritten in place $(fates n) were kept, $(fates t) torn, $(fates o) lost"
}

fates() { # kind
	local only=${fate//[^$1]/}
	echo ${#only}
}

cuts_are() { # number, expected
	is "$1" "$2" || ! cat "$work/cuts"
}

judge_cuts() {
	cut_often
	check "$DISK_FS: mounted and clean after each cut" cuts_are $clean $cuts
	check "$DISK_FS: what was synced is there after each cut" cuts_are $kept $cuts
	check "$DISK_FS: files were synced while the power went" test "$synced" -gt 0
	check "$DISK_FS: a new file that was not synced is lost" cuts_are $lost $((cuts / 2))
	for kind in n t o; do
		check "$DISK_FS: of overwritten blocks there are some ${kinds[$kind]}" \
			test "$(fates $kind)" -gt 0
	done
	check "$DISK_FS: no block holds anything else" is "$(fates x)" 0
}
declare -A kinds=([n]=kept [t]=torn [o]=lost)

# failing RULE... -- FILE CALL...: makes the calls, with that rule on where FILE lies.
failing() {
	local rule=() status
	while [ "$1" != -- ]; do
		rule+=("$1")
		shift
	done
	disk_fail_file "$2" "${rule[@]}" || return
	stamped "${@:2}"
	status=$?
	disk_ctl heal
	return $status
}

errors_belong_to_their_range() {
	new_file "$mnt/bad"
	new_file "$mnt/good"
	stamp "$mnt/bad" write:0:65536:o fsync >/dev/null
	stamp "$mnt/good" write:0:65536:o fsync >/dev/null
	disk_fail_file "$mnt/bad" || return
	is "$(stamped "$mnt/good" write:0:8192:n fsync)" "write 8192 0 fsync 0 0" &&
		is "$(stamped "$mnt/bad" write:0:8192:n fsync)" "write 8192 0 fsync -1 EIO" &&
		is "$(stamped "$mnt/bad" dsync:0:8192:n)" "dsync -1 EIO" &&
		disk_ctl heal && is "$(stamped "$mnt/bad" dsync:0:8192:n)" "dsync 8192 0"
}

no_space_is_no_space() {
	new_file "$mnt/full"
	stamp "$mnt/full" write:0:65536:o fsync >/dev/null
	is "$(failing error=ENOSPC times=1 -- "$mnt/full" write:0:4096:n fsync dsync:0:4096:n)" \
		"write 4096 0 fsync -1 ENOSPC dsync 4096 0"
}

# quickest_us FILE CALL: what the quickest of five took.
quickest_us() {
	for _ in 1 2 3 4 5; do
		stamp "$@" | awk '{ printf "%d\n", ($5 - $4) / 1000 }'
	done | sort -n | head -1
}

delays_are_felt() {
	local op us
	new_file "$mnt/slow"
	stamp "$mnt/slow" write:0:65536:o fsync >/dev/null
	for op in write flush; do
		disk_ctl delay op=$op us=60000
		us=$(quickest_us "$mnt/slow" dsync:0:4096:n)
		disk_ctl delay op=$op us=0
		[ "$us" -ge 60000 ] || is "$us us with $op delayed" "60000 at least" || return
	done
	us=$(quickest_us "$mnt/slow" dsync:0:4096:n)
	[ "$us" -lt 60000 ] || is "$us us without a delay" "less than 60000"
}

# Most often it is the same block device that is attached again.
cache_is_back() {
	local setting=${DISK_DEV%/*}/queue/write_cache
	echo "write through" >"$setting" && disk_remount && is "$(cat "$setting")" "write back"
}

# This may end the file system, so it is mounted again, and must be clean.
failed_flush_reaches_fsync() {
	new_file "$mnt/flushed"
	stamp "$mnt/flushed" write:0:65536:o fsync >/dev/null
	disk_ctl fail op=flush times=1
	is "$(stamped "$mnt/flushed" write:0:4096:n fsync)" "write 4096 0 fsync -1 EIO" || return
	disk_ctl heal
	disk_remount
}

cut_reaches_the_writer() {
	new_file "$mnt/dark"
	stamp "$mnt/dark" write:0:65536:o fsync >/dev/null
	disk_cut after=1
	is "$(stamped "$mnt/dark" dsync:0:4096:n)" "dsync -1 EIO" && disk_ctl wait-off &&
		disk_remount && is "$(stamped "$mnt/dark" dsync:0:4096:n)" "dsync 4096 0"
}

inside_fs() {
	mnt=$DISK_MNT
	check "$DISK_FS: a request reaches the disk whole, a flush as a flush" requests_arrive_whole
	check "$DISK_FS: write and flush were over when RWF_DSYNC returned" \
		overwrites_are_logged dsync "written=100 flushed=100"
	check "$DISK_FS: the write, not a flush, was over when sync_file_range returned" \
		overwrites_are_logged range "written=100 flushed=0"
	check "$DISK_FS: nothing was written when a plain write returned" \
		overwrites_are_logged plain "written=0 flushed=0"
	check "$DISK_FS: EIO in a range reaches its fsync and no other" errors_belong_to_their_range
	check "$DISK_FS: ENOSPC arrives as ENOSPC" no_space_is_no_space
	check "$DISK_FS: delays of writes and of flushes are felt" delays_are_felt
	check "$DISK_FS: a flush that fails reaches fsync" failed_flush_reaches_fsync
	check "$DISK_FS: a cut reaches the writer, and the disk comes back" cut_reaches_the_writer
	check "$DISK_FS: the disk has a cache to flush, whatever its device's last user set" cache_is_back
	judge_cuts
}

### On the bare device

# put BYTE SECTOR COUNT: writes that many sectors in one request; read back by got.
put() {
	head -c $(($3 * 512)) /dev/zero | tr '\0' "$1" |
		dd of="$DISK_DEV" bs=$(($3 * 512)) seek=$(($2 * 512)) oflag=direct,seek_bytes \
			iflag=fullblock conv=notrunc status=none
}

flush() { dd if=/dev/null of="$DISK_DEV" conv=notrunc,fsync status=none; }

# got SECTOR COUNT: a letter for each sector, by its first byte; - for zero.
got() {
	dd if="$DISK_DEV" bs=512 skip="$1" count="$2" iflag=direct status=none |
		fold -b -w 512 | cut -b1 | tr '\0' - | tr -d '\n'
}

# 16 writes of 8 sectors, cut, what is left of them.
survivors() { # arguments of the cut
	local i
	for ((i = 0; i < 16; i++)); do put o $((i * 8)) 8; done
	flush
	for ((i = 0; i < 16; i++)); do put n $((i * 8)) 8; done
	disk_cut "$@"
	disk_ctl power-on
	got 0 128
}

repeated() { printf "%0*d" "$2" 0 | tr 0 "$1"; }

cut_by_seed() {
	local first
	first=$(survivors seed=1)
	[[ $first == *n*o* || $first == *o*n* ]] || is "$first" "some of both" || return
	is "$(survivors seed=2 keep=100 tear=0)" "$(repeated n 128)" &&
		is "$(survivors seed=2 keep=0 tear=0)" "$(repeated o 128)"
}

# One write of 8 sectors is not torn, the next is.
torn_but_for_some() {
	local left seed fates=
	for seed in 1 2 3 4 5 6 7 8; do
		left=$(survivors seed=$seed keep=0 tear=100 whole=8-15)
		[[ ${left:8:8} == @(nnnnnnnn|oooooooo) ]] || is "$left" "8 sectors alike" || return
		[[ ${left:16:64} == *n*o* ]] || is "$left" "torn after those" || return
		fates+=${left:8:1}
	done
	[[ $fates == *n*o* || $fates == *o*n* ]] || is "$fates" "some of both"
}

cut_at_the_request() {
	local from
	from=$(disk_fact requests)
	disk_cut at=$((from + 4)) keep=100
	for _ in 1 2 3 4 5 6; do put c 0 8; done 2>/dev/null
	disk_ctl wait-off ms=0 || return
	is "$(disk_log $((from + 1)) | cut -d' ' -f5 | sort | uniq -c | xargs)" "3 0 3 EIO" &&
		is "$(disk_log $((from + 3)) | cut -d' ' -f5 | head -2 | xargs)" "0 EIO" &&
		disk_ctl power-on
}

failed_flush_keeps_nothing() {
	put o 0 8
	flush
	put n 0 8
	disk_ctl fail op=flush times=1
	! flush && [ "$(disk_fact unflushed_writes)" = 1 ] || return
	disk_cut keep=0 tear=0
	disk_ctl power-on
	is "$(got 0 8)" oooooooo
}

# A failing request leaves none of its sectors changed, and its neighbours are well.
failed_write_changes_nothing() {
	put o 0 24
	disk_ctl fail sectors=11-11
	put n 0 8
	! put n 8 8 2>/dev/null && put n 16 8 && disk_ctl heal || return
	is "$(got 0 24)" nnnnnnnnoooooooonnnnnnnn
}

# failures RULE...: which of 64 writes to blocks of their own fail, twice.
failures() {
	local i
	disk_ctl fail "$@"
	for _ in 1 2; do
		for ((i = 0; i < 64; i++)); do
			put b $((i * 8)) 8 2>/dev/null && echo . || echo x
		done
		echo
	done | tr -d '\n'
	disk_ctl heal
}

random_failures() {
	local blocks requests
	blocks=$(failures bad=0.3 seed=5) requests=$(failures chance=0.3 seed=5)
	[[ $blocks == *x*.* && $requests == *x*.* ]] || is "$blocks $requests" "some of both" || return
	is "${blocks:0:64}" "${blocks:64}" && [ "${requests:0:64}" != "${requests:64}" ] &&
		is "$(failures chance=0.3 seed=5)" "$requests" &&
		[ "$(failures chance=0.3 seed=6)" != "$requests" ]
}

vanishes_and_comes_back() {
	put v 0 8
	disk_ctl vanish
	! put w 0 8 2>/dev/null && ! got 0 8 2>/dev/null | grep -q . && disk_ctl power-on || return
	is "$(got 0 8)" vvvvvvvv
}

reads_fail_too() {
	put r 0 8
	disk_ctl fail op=read sectors=4-4 times=1
	! got 0 8 2>/dev/null | grep -q rrrrrrrr && is "$(got 0 8)" rrrrrrrr
}

# What was stable goes to a file, and that file starts another disk.
dumps_what_is_stable() {
	put d 0 8
	flush
	put e 0 8
	disk_ctl dump file="$work/image"
	is "$(head -c 4096 "$work/image" | tr -d d | wc -c)" 0
}

# Of some sectors: these alone.
dumps_what_a_read_sees() {
	put d 0 8
	flush
	put r 8 8
	disk_ctl dump file="$work/seen" of=reads sectors=7-8
	disk_ctl dump file="$work/stable" of=stable sectors=7-8
	is "$(tr '\0' 0 <"$work/seen")" "$(repeated d 512)$(repeated r 512)" &&
		is "$(head -c 512 "$work/stable")" "$(repeated d 512)" &&
		is "$(tail -c 512 "$work/stable" | tr -d r | wc -c)" 512
}

# Nothing else fails; a write of many sectors does for one of them.
fails_what_is_marked() {
	put o 0 24
	disk_ctl fail mark=mmmm times=2
	put n 0 8 && ! put m 8 8 2>/dev/null && put n 16 8 || return
	head -c 3000 /dev/zero | tr '\0' n >"$work/marked"
	printf '%-1096s' mmmm >>"$work/marked"
	! dd if="$work/marked" of="$DISK_DEV" bs=4096 oflag=direct conv=notrunc status=none 2>/dev/null &&
		put m 8 8 && is "$(got 0 24)" nnnnnnnnmmmmmmmmnnnnnnnn
}

# The bytes of the write, and of no other.
records_what_is_carried() {
	put a 0 8
	disk_ctl record file="$work/record"
	put b 8 8
	disk_ctl fail mark=cccc times=1
	! put c 8 8 2>/dev/null && flush
	disk_ctl record
	put d 8 8
	grep -q "$(repeated b 4096)" "$work/record" && ! grep -q 'aaaa\|cccc\|dddd' "$work/record"
}

refuses() { # command, what it is to say
	local said
	said=$(disk_ctl "${@:2}" 2>&1) && return 1
	is "$said" "disk: $1"
}

bad_commands() {
	refuses "fail: sectors: expected FIRST-LAST" fail sectors=9-3 &&
		refuses "fail: error: expected EIO or ENOSPC" fail error=EPERM &&
		refuses "cut: at: expected the number of a request" cut at=-1 &&
		refuses "cut: Numerical result out of range" cut at=1 &&
		refuses "cut: keep: expected 0 to 100" cut keep=101 &&
		refuses "heal: x: expected a key of nothing" heal x=1 &&
		refuses "wait-off: Connection timed out" wait-off ms=1 &&
		is "$(disk_ctl status | head -1)" power=on
}

inside_none() {
	check "the seed decides which unflushed sectors survive" cut_by_seed
	check "sectors that are kept or lost together are not torn" torn_but_for_some
	check "the power goes at the very request" cut_at_the_request
	check "a failed flush makes nothing stable" failed_flush_keeps_nothing
	check "a failed write changes nothing" failed_write_changes_nothing
	check "random failures repeat by seed, bad blocks stay bad" random_failures
	check "a disk that vanishes answers nothing, and comes back as it was" vanishes_and_comes_back
	check "reads fail too" reads_fail_too
	check "a dump holds what is stable" dumps_what_is_stable
	check "a dump of some sectors holds what a read sees" dumps_what_a_read_sees
	check "only what is marked fails" fails_what_is_marked
	check "a record has the bytes of what was written, and of nothing else" records_what_is_carried
	check "a command that cannot be is refused" bad_commands
}

### Outside

part() { # --fs FS [OPTION...]: this script, inside; its tests are numbered with ours
	"$with_disk" "$@" -- "$self" inside 2> >(tee "$work/in.why" >&2) >"$work/in.part"
	show_part "$*" $? "$work/in"
}

same_again() {
	local first
	first=$("$with_disk" --fs none -- "$self" survivors)
	[ -n "$first" ] && is "$("$with_disk" --fs none -- "$self" survivors)" "$first"
}

# shellcheck disable=SC2016 # the variables are the inner shell's
keeps_an_image() {
	"$with_disk" --fs ext4 -- sh -c 'echo kept >$DISK_MNT/file && sync -f $DISK_MNT &&
		umount $DISK_MNT && $DISK_BIN/ctl dump file='"$work/image" &&
		is "$("$with_disk" --fs ext4 --image "$work/image" -- sh -c 'cat $DISK_MNT/file')" kept
}

attached() { losetup -nO BACK-FILE | grep -c /fuse/disk; }

leaves_nothing() {
	local before inside pid
	before=$(attached)
	rm -f "$work/up"
	"$with_disk" --fs xfs -- sh -c "dd if=/dev/zero of=\$DISK_MNT/busy bs=64k status=none &
		sleep 0.2; echo up >$work/up; sleep 100" 2>/dev/null &
	pid=$!
	until [ -s "$work/up" ]; do sleep 0.05; done
	inside=$(attached)
	kill -KILL $pid
	wait $pid 2>/dev/null
	for _ in {1..100}; do
		[ "$(attached)" != "$before" ] || break
		sleep 0.1
	done
	is "$inside then $(attached)" "$((before + 1)) then $before"
}

exit_status_is_the_commands() {
	"$with_disk" --fs none -- sh -c 'exit 9'
	is $? 9 && ! "$with_disk" --fs fat -- true 2>/dev/null
}

case ${1:-} in
inside)
	if [ "$DISK_FS" = none ]; then inside_none; else inside_fs; fi
	exit
	;;
survivors)
	survivors seed=7
	exit
	;;
esac
need_disk true
for fs in none ext4 xfs btrfs; do part --fs $fs; done
check "the same requests and seed leave the same bytes" same_again
check "a disk starts with what another one left" keeps_an_image
check "killed at work, it leaves no block device" leaves_nothing
check "the exit status is the command's" exit_status_is_the_commands
finish

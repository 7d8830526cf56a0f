#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Names and sizes of files at dsync and sync: the power goes right after the call has returned, and
# the new name is there, the old one gone, the size as it was set, on ext4, XFS and btrfs. The same
# without libwt must lose them. And: an error of the sync is answered, what cannot be done is
# reported, record locks stay, and all other answers are the same as without libwt.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/disk.sh
. "${0%/*}/../lib/disk.sh"

program=$WT_OBJ/tests/prog/names

# What is there after each change: NAME:SIZE:FIRST-BYTE of every file.
a=a.db:65536:a b=b.db:8192:b
declare -A after=(
	[rename]="$b n.db:65536:a"
	[rename-over]="b.db:65536:a"
	[rename-into-rule]="$a $b n.db:65536:p"
	[rename-out-of-rule]="$b n.txt:65536:a"
	[renameat]="$b sub/n.db:65536:a"
	[renameat2]="$b sub/n.db:65536:a"
	[exchange]="a.db:8192:b b.db:65536:a"
	[exchange-with-unruled]="a.db:65536:p $b plain:65536:a"
	[link]="$a $b n.db:65536:a"
	[link-out-of-rule]="$a $b sub/n.txt:65536:a"
	[linkat]="$a $b sub/n.db:65536:a"
	[link-nameless]="$a $b n.db:4096:t"
	[link-nameless-by-proc]="$a $b n.db:4096:t"
	[unlink]="$b"
	[unlinkat]="$b"
	[remove]="$b"
	[truncate]="a.db:100:a $b"
	[truncate64]="a.db:100000:a $b"
	[ftruncate]="a.db:100:a $b"
	[ftruncate64]="a.db:100000:a $b"
	[open-and-write]="a.db:1:w $b"
	[create-and-write]="$a $b sub/n.db:1:w"
)
mapfile -t changes < <(printf '%s\n' "${!after[@]}" | sort)

# Without libwt each of these is lost; a change of each kind, all of them in the long form.
controls=(rename exchange link unlink truncate ftruncate open-and-write create-and-write)
rules=('*.db=dsync')
if [ -n "$WT_SOAK" ]; then
	controls=("${changes[@]}")
	rules+=('*.db=sync' '*.db=dsync,engine=direct' '*.db=dsync,fsync=elide')
fi

### On the disk

# A directory d of its own, stable before the change.
fresh() {
	rm -rf "$DISK_MNT/d"
	mkdir -p "$DISK_MNT/d/sub"
	head -c 65536 /dev/zero | tr '\0' a >"$DISK_MNT/d/a.db"
	head -c 8192 /dev/zero | tr '\0' b >"$DISK_MNT/d/b.db"
	chown -R "${owner:-0}" "$DISK_MNT/d"
	chmod "${mode:-755}" "$DISK_MNT/d"
	sync -f "$DISK_MNT"
	rm -f "$work/report.json"
}

files() {
	local name
	find "$DISK_MNT/d" -type f -printf '%P\n' | LC_ALL=C sort | while read -r name; do
		echo "$name:$(stat -c %s "$DISK_MNT/d/$name"):$(head -c 1 "$DISK_MNT/d/$name")"
	done | paste -sd' '
}

bare() { env -i DISK_CTL="$DISK_CTL" "$@"; }

under() { # rules, command
	bare LD_PRELOAD="$WT_LIB" WT_POLICY="$1" WT_REPORT="$work/report.json" "${@:2}"
}

# What the last report says was not covered, and where: PATH: WAY a line.
not_covered() { jq -r '.not_covered[] | "\(.path): \(.way)"' "$work/report.json"; }

# changed CHANGE COMMAND...: in $found what is there when the power came back.
changed() {
	fresh
	"${@:2}" "$program" "$DISK_MNT/d" "$1" cut "${options[@]}" >"$work/answer"
	disk_remount && is "$(cat "$work/answer")" "$1: ret=0 errno=0" && found=$(files)
}

stays() { # change, rules
	local found
	changed "$1" under "${2:-*.db=dsync}" && is "$found" "${after[$1]}"
}

is_lost() { # change
	local found
	changed "$1" bare || return
	[ "$found" != "${after[$1]}" ] || {
		echo "still there: $found"
		return 1
	}
}

stays_unreported() { stays "$1" && is "$(not_covered)" ''; }

is_reported() { # change, what the report says
	local found
	changed "$1" under '*.db=dsync' && is "$(not_covered)" "$2"
}

# Where the user can change names, and not read them.
stays_in_unreadable() { # change, what the report says
	local found owner=65534 mode=300 as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	fresh
	install -m 600 -o $owner /dev/null "$work/report.json"
	under '*.db=dsync' "${as[@]}" "$program" "$DISK_MNT/d" "$1" >"$work/answer"
	disk_cut keep=0 tear=0
	disk_remount
	is "$(cat "$work/answer")" "$1: ret=0 errno=0" && is "$(not_covered)" "$2" || return
	[ -n "$2" ] || is "$(files)" "${after[$1]}"
}

# Flushes fail. The file system may be of no use then, until it is mounted again.
answers_a_failed_flush() { # change, answer, command
	fresh
	disk_ctl fail op=flush
	"${@:3}" "$program" "$DISK_MNT/d" "$1" >"$work/answer"
	disk_ctl heal
	disk_cut keep=0 tear=0
	disk_remount && is "$(cat "$work/answer")" "$1: $2"
}

inside() {
	local change rule options=()
	for rule in "${rules[@]}"; do
		for change in "${changes[@]}"; do
			check "$DISK_FS, $rule: $change stays" stays "$change" "$rule"
			echo step
		done
	done
	for change in "${controls[@]}"; do
		check "$DISK_FS: without libwt, $change is lost" is_lost "$change"
		echo step
	done
	for change in rename unlink truncate ftruncate; do
		check "$DISK_FS: without libwt, $change succeeds while flushes fail" \
			answers_a_failed_flush $change "ret=0 errno=0" bare
		check "$DISK_FS: $change answers the error of its sync" \
			answers_a_failed_flush $change "ret=-1 errno=EIO" under '*.db=dsync'
	done
	options=(no-ring)
	for change in rename-into-rule truncate; do
		check "$DISK_FS: $change stays without io_uring" stays_unreported $change
	done
	options=(free=1)
	for change in rename renameat unlink ftruncate; do
		check "$DISK_FS: $change stays with one descriptor left" stays_unreported $change
	done
	options=(free=2)
	for change in rename-into-rule truncate; do
		check "$DISK_FS: $change stays with two descriptors left" stays_unreported $change
	done
	options=(free=0)
	for change in rename unlink truncate; do
		check "$DISK_FS: $change without a descriptor is reported" is_reported $change \
			"a file that cannot be looked at: its name was changed and could not be looked at"
	done
	for change in rename link truncate; do
		check "$DISK_FS: $change stays in a directory that cannot be read" \
			stays_in_unreadable $change ''
	done
	check "$DISK_FS: unlink in a directory that cannot be read is reported" stays_in_unreadable \
		unlink "$DISK_MNT/d: names in it have changed and it cannot be synced"
	finish
}

### Outside

# said DIR WHAT COMMAND...: what the program prints of WHAT in a new directory there.
said() {
	local dir
	dir=$(mktemp -d "$1/names.XXXXXX")
	mkdir "$dir/sub"
	head -c 65536 /dev/zero >"$dir/a.db"
	head -c 8192 /dev/zero >"$dir/b.db"
	"${@:3}" "$program" "$dir" "$2"
	rm -rf "$dir"
}

same_answers() { # dir
	said "$1" answers env -i >"$work/bare"
	said "$1" answers env -i LD_PRELOAD="$WT_LIB" WT_POLICY='*.db=dsync' >"$work/under"
	[ "$(wc -l <"$work/bare")" -gt 100 ] && diff "$work/bare" "$work/under"
}

# The last line is of an open and close by the program itself: the lock can be lost.
same_locks() { # dir
	said "$1" locks env -i LD_PRELOAD="$WT_LIB" WT_POLICY='*.db=dsync' >"$work/under"
	is "$(sed 's/.*=//' "$work/under" | paste -sd' ')" "1 1 1 1 1 1 0"
}

# Another thread's descriptors have the numbers that they have without libwt.
same_numbers() { # dir
	is "$(said "$1" numbers env -i LD_PRELOAD="$WT_LIB" WT_POLICY='*.db=dsync')" shifted=0
}

# How many of its own system calls a policy adds to some changes.
calls_of() { # rules
	local change
	for change in rename link unlink truncate ftruncate; do
		said "$WT_TEST_EXT4" $change env -i strace -f -E LD_PRELOAD="$WT_LIB" \
			-E WT_POLICY="$1" -o "$work/trace" >"$work/answer"
		grep -cE 'O_PATH|sync' "$work/trace"
	done | paste -sd' '
}

# But for the last page of a file that is made shorter.
costs_nothing_below_dsync() {
	is "$(calls_of '*.db=through')" "0 0 0 1 1" || return
	is "$(calls_of '*.db=async')" "0 0 0 0 1" || return
	calls_of '*.db=dsync' >"$work/under"
	! grep -qw 0 "$work/under"
}

on_each_fs() { # name, command
	local fs at skip
	for fs in EXT4 XFS BTRFS TMPFS OVERLAY; do
		at=WT_TEST_$fs skip=WT_TEST_${fs}_SKIP
		if [ -n "${!at:-}" ]; then
			check "${fs,,}: $1" "$2" "${!at}"
		else
			skip "${fs,,}: $1" "${!skip:-no file system}"
		fi
	done
}

if [ "${1:-}" = inside ]; then
	inside
	exit
fi
on_each_fs "the same answers as without libwt" same_answers
on_each_fs "record locks stay" same_locks
on_each_fs "names without a rule shift no descriptor of another thread" same_numbers
if [ -n "${WT_TEST_EXT4:-}" ]; then
	check "without a rule at dsync or sync no name is looked at" costs_nothing_below_dsync
else
	skip "without a rule at dsync or sync no name is looked at" "${WT_TEST_EXT4_SKIP:-no ext4}"
fi
why=$("$with_disk" --fs none -- true 2>&1)
if [ $? = 77 ]; then
	skip "power cuts" "${why#with-disk: }"
else
	side_by_side $((3 * (${#rules[@]} * ${#changes[@]} + ${#controls[@]}))) changes inside
fi
finish

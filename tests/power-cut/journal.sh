#!/bin/bash
# SPDX-License-Identifier: MIT
#
# journal.sh - what was acknowledged at dsync and sync is there, though the file system's journal
# died meanwhile.
# journal.sh again FS SEED NUMBER [TIMES] - one of its rounds once more, or several times.
#
# A program writes to a disk that can fail (tests/disk), by 1, 4 and 16 threads, and
# acknowledges each write that returned. Meanwhile the file system dies: its journal (ext4), log (XFS)
# or metadata (btrfs) can no longer be written, the disk can no longer be flushed, or somebody shuts
# it down (XFS_IOC_GOINGDOWN). The threads go on until a write fails. Then the disk is well again,
# the file system is mounted, and every acknowledged byte is looked for. In every other round two
# neighbours sync files of their own without libwt, and are told of the failure in libwt's place. In
# some the files lie on an overlayfs above that file system.
#
# The same programs with an fdatasync of their own and without libwt show what the kernel tells, which
# is printed beside; without a sync they are the control, and must lose something.
#
# WT_SEED decides all that is random; WT_ROUNDS is how often each file system dies in each way, alone
# and beside neighbours (1; 200 with WT_SOAK=1).

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/disk.sh
. "${0%/*}/../lib/disk.sh"

program=$WT_OBJ/tests/prog/power-cut
hanging_seconds=60
many=4000 # writes, all threads together, more than are made until the file system dies

rules=(dsync sync 'dsync,engine=direct' through kernel bare)
kinds=(append+tail+stream hole+unwritten named+resize+new overwrite+append)
counts=(1 4 16)

ways_of() { # fs
	case $1 in
	xfs | ext4) echo journal flush shutdown ;;
	btrfs) echo journal flush ;;
	esac
}

### Inside, on one file system

# Where the file system keeps what it commits, FIRST-LAST in sectors, a line each.
journal_sectors() {
	case $DISK_FS in
	ext4)
		debugfs -R 'blocks <8>' "$DISK_DEV" 2>>"$work/debugfs" | tr ' ' '\n' |
			awk '$1 { print $1 * 8 "-" $1 * 8 + 7 }' | join_runs
		;;
	xfs)
		xfs_db -r -c 'sb 0' -c 'p logstart logblocks agblklog agblocks blocksize' "$DISK_DEV" |
			awk '{ v[$1] = $3 } END {
				ag = int(v["logstart"] / 2 ^ v["agblklog"])
				at = v["logstart"] - ag * 2 ^ v["agblklog"] + ag * v["agblocks"]
				unit = v["blocksize"] / 512
				print at * unit "-" (at + v["logblocks"]) * unit - 1 }'
		;;
	btrfs)
		btrfs inspect-internal dump-tree -t chunk "$DISK_DEV" |
			awk '/CHUNK_ITEM/ { wanted = 0 } /type (METADATA|SYSTEM)/ { wanted = 1 }
				/length [0-9]+ owner/ { for (i = 1; i < NF; i++) if ($i == "length") len = $(i + 1) }
				wanted && /stripe [0-9]+ devid/ { print $NF / 512 "-" ($NF + len) / 512 - 1 }'
		;;
	esac
}

join_runs() {
	awk -F- 'NR > 1 && $1 == last + 1 { last = $2; next }
		NR > 1 { print first "-" last }
		{ first = $1; last = $2 }
		END { if (NR) print first "-" last }'
}

die_by() { # way
	local sectors
	case $1 in
	journal)
		for sectors in $sectors_of_journal; do
			disk_ctl fail op=write sectors="$sectors" error=EIO || return
		done
		;;
	flush) disk_ctl fail op=flush error=EIO ;;
	shutdown) xfs_io -x -c shutdown "$DISK_MNT" ;;
	esac
}

neighbour() { # number
	while dd if=/dev/zero of="$DISK_MNT/neighbour.$1" bs=4k count=20 oflag=append,dsync \
		conv=notrunc status=none; do :; done 2>>"$work/neighbour"
}

# set_round NUMBER: all that this round is.
set_round() {
	local ways number=$1
	read -ra ways <<<"$(ways_of "$DISK_FS")"
	round_seed=$(((seed * 1000003 + number * 13) & 0x7fffffff))
	way=${ways[number % ${#ways[@]}]} number=$((number / ${#ways[@]}))
	rule=${rules[number % ${#rules[@]}]} number=$((number / ${#rules[@]}))
	neighbours=$((number % 2 * 2)) number=$((number / 2))
	above=$(((number + round_seed / 8) % 4 == 0))
	threads=${counts[round_seed / 16 % 3]}
	kind=${kinds[round_seed / 64 % ${#kinds[@]}]}
	sync=none fds=shared
	case $rule in
	through) sync=fsync ;;
	kernel) sync=fdatasync ;;
	esac
	# Their names need a sync of the directory too, which is the program's there.
	[ $sync = none ] || kind=${kind/named/tail}
	# Two threads that sync one file are lied to by btrfs itself (power-cut.sh).
	[ "$DISK_FS" != btrfs ] || [ $sync = none ] || fds=apart
}

# What is written there lies in $DISK_MNT/upper.
mount_above() {
	rm -rf "$DISK_MNT"/{lower,upper,work}
	mkdir -p "$DISK_MNT"/{lower,upper,work} "$work/merged"
	mount -t overlay -o "lowerdir=$DISK_MNT/lower,upperdir=$DISK_MNT/upper,workdir=$DISK_MNT/work" \
		overlay "$work/merged"
}

write_until_it_dies() {
	local written=$DISK_MNT/cut writer job jobs=() env=(DISK_CTL="$DISK_CTL")
	case $rule in
	kernel | bare) ;;
	*) env+=(LD_PRELOAD="$WT_LIB" WT_POLICY="*/cut/*=$rule") ;;
	esac
	if [ "$above" = 1 ]; then
		mount_above || return
		written=$work/merged/cut
	fi
	"$program" prepare "$work/ledger" "$written" seed="$round_seed" kinds="$kind" fds="$fds" \
		threads="$threads" sync="$sync" limit="$many" || return
	sync -f "$DISK_MNT"
	for ((job = 0; job < neighbours; job++)); do
		neighbour $job &
		jobs+=($!)
	done
	timeout -k 5 $hanging_seconds env -i "${env[@]}" "$program" write "$work/ledger" \
		"$written" 2>"$work/writer" &
	writer=$!
	sleep "0.$(printf %03d $((10 + round_seed / 256 % 290)))"
	die_by "$way" || return
	wait $writer || echo "the writer's exit status is $?"
	wait "${jobs[@]}"
	[ "$above" = 0 ] || umount "$work/merged" || return
	disk_ctl heal
}

# one_round: the facts into the variables, what is wrong into $work/said.
one_round() {
	local facts='' left=$DISK_MNT/cut
	acknowledged=0 lost=0
	[ "$above" = 0 ] || left=$DISK_MNT/upper/cut
	sectors_of_journal=$(journal_sectors)
	write_until_it_dies >"$work/round" 2>&1 || echo "nothing died" >>"$work/round"
	if disk_remount >>"$work/round" 2>&1; then
		facts=$("$program" verify "$work/ledger" "$left" 2>&1) ||
			echo "the judge's exit status is $?" >>"$work/round"
	else
		echo "not mounted again" >>"$work/round"
		"$WT_TOP/tests/disk/mount" new
	fi
	eval "$(grep -E '^(acknowledged|lost)=[0-9]+$' <<<"$facts")"
	printf '%s\n' "$(cat "$work/round")" "$facts" "$(head -c 1000 "$work/writer")" >"$work/said"
}

describe_round() { # number
	echo "again: journal.sh again $DISK_FS $seed $1: rule '$rule', by $way, kinds $kind, $threads" \
		"threads, $neighbours neighbours, overlayfs $above"
}

inside() { # seed, rounds of each
	local number ways count
	declare -A rounds=() kept=() losing=() said=()
	seed=$1
	read -ra ways <<<"$(ways_of "$DISK_FS")"
	count=$(($2 * 2 * ${#ways[@]} * ${#rules[@]}))
	for ((number = 0; number < count; number++)); do
		set_round $number
		one_round
		rounds[$rule]=$((${rounds[$rule]:-0} + 1))
		kept[$rule]=$((${kept[$rule]:-0} + acknowledged - lost))
		losing[$rule]=$((${losing[$rule]:-0} + (lost > 0)))
		# The kernel's own answer may leave a file system that cannot be mounted any more; that is
		# nobody's word about a write.
		[ "$lost" = 0 ] || said[$rule]+=$(describe_round $number && cat "$work/said")$'\n'
		echo step
	done
	for rule in "${rules[@]}"; do
		echo "row $DISK_FS $rule ${rounds[$rule]} ${kept[$rule]} ${losing[$rule]}"
		case $rule in
		kernel) ;;
		bare) check "$DISK_FS: without libwt and without a sync some are lost" \
			test "${losing[$rule]}" -gt 0 ;;
		*) check "$DISK_FS: what was acknowledged is there: $rule" nothing_lost "$rule" ;;
		esac
	done
}

nothing_lost() { # rule
	[ -z "${said[$1]:-}" ] || head -c 6000 <<<"${said[$1]}"
	[ -z "${said[$1]:-}" ] && [ "${kept[$1]}" -gt 0 ]
}

inside_again() { # seed, number, times
	local i
	seed=$1
	set_round "$2"
	describe_round "$2"
	for ((i = 1; i <= ${3:-1}; i++)); do
		one_round
		[ "$lost" = 0 ] || cat "$work/said"
		echo "acknowledged $acknowledged, lost $lost"
	done
}

### Outside

print_table() {
	echo "# | file system | rule, or the kernel's fdatasync, or nothing | rounds | acknowledged and there | rounds that lost |"
	echo "# |---|---|---|---|---|"
	cat "$work"/*.out | awk '$1 == "row" { printf "# | %s | %s | %d | %d | %d |\n", $2, $3, $4, $5, $6 }'
}

all() {
	local fs each=1 steps=0 ways
	seed=${WT_SEED:-1}
	[ -z "$WT_SOAK" ] || each=200
	each=${WT_ROUNDS:-$each}
	echo "# seed: $seed"
	for fs in ext4 xfs btrfs; do
		read -ra ways <<<"$(ways_of $fs)"
		steps=$((steps + each * 2 * ${#ways[@]} * ${#rules[@]}))
	done
	side_by_side $steps rounds inside "$seed" "$each"
	print_table
	finish
}

disk_main "$@"

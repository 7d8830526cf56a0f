#!/bin/bash
# SPDX-License-Identifier: MIT
#
# power-cut.sh - what a write or fsync under libwt promised is there after a power cut.
# power-cut.sh again FS SEED PART NUMBER [TIMES] - one of its cuts once more, or several times.
#
# A program writes to a disk that can fail (tests/disk), from 1, 4 and 16 threads, and
# acknowledges each returned write outside of it. The power goes at a random request, or, where none
# is to be expected, when the threads have ended. Then the disk is mounted again, which replays the
# journal, checked by the file system's own fsck, and every acknowledged byte is looked for. The
# same programs without what makes their writes safe are the control: they must lose some.
#
# Where the power goes, the program goes; here it goes on, and asks a dead disk. What it is falsely
# told then is counted apart, as `late`.
#
# WT_SEED decides all that is random. With WT_SOAK=1, WT_CUTS says how often the power goes under
# the levels `dsync` and `sync`; the other parts grow with it.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/disk.sh
. "${0%/*}/../lib/disk.sh"

hanging_seconds=300
few=200    # writes, all threads together, where the cut waits for their end
many=4000  # where it does not

engines=(auto dsync direct)
levels=(dsync sync)
syncs=(fsync fdatasync)
written=(overwrite small append tail hole unwritten new)
named=(named resize)     # names and sizes, without an fsync
other=(stream raw punch) # without a call of the write family
needy=(mapped)           # safe after an fsync only, whatever libwt does
mixed=$(IFS=+ && echo "${written[*]}")

### What is done: parts, and their cuts one by one. cut_PART N sets what the N-th of it is.

# 117 of them have each engine with each count of threads and each kind of write.
cut_levels() {
	local each=("${written[@]}" "${named[@]}" "${other[@]}" "$mixed")
	rule=${levels[($1 / 9 + $1 / 117) % 2]},engine=${engines[$1 % 3]}
	threads=${counts[$1 / 3 % 3]}
	fds=$(one_of $(($1 / 18 + $1 / 180)) shared own)
	# A few unaligned writes of a busy file take the others from the direct engine, too.
	[[ $rule != *=direct ]] || shape=$(one_of $(($1 / 3)) blocks any)
	kinds=${each[$1 % ${#each[@]}]}
}

# The program's own fsync comes before the acknowledgment. Two threads that sync one file are lied
# to by btrfs itself, with libwt or without: see the part `kernel`.
cut_fsync() {
	local each=("${written[@]}" resize "${other[@]}" "${needy[@]}" "$mixed")
	kinds=${each[$1 % ${#each[@]}]}
	rule=through,engine=$(engine_for "$1")
	threads=${counts[$1 / 3 % 3]}
	sync=${syncs[$1 / 2 % 2]}
	fds=$(one_of "$1" shared own)
	[ "$DISK_FS" != btrfs ] || fds=apart
}

# Mostly fdatasync, which has less to do than fsync, and late enough that some are left out.
cut_elide() {
	cut_fsync "$1"
	rule=${levels[$1 / 9 % 2]},engine=$(engine_for "$1"),fsync=elide
	sync=$(one_of $(($1 / 2)) fdatasync fdatasync fsync)
	[ "$within" != 8 ] || within=300
}

# What the kernel does without libwt, to be read beside the others: the table has it, no test judges
# it. On btrfs the first sync of a file in a transaction may return before it has synced anything
# when another thread's has logged the file and not yet written that log.
cut_kernel() {
	rule=
	threads=${counts[1 + $1 % 2]}
	sync=${syncs[$1 / 2 % 2]}
	kinds=$(one_of $(($1 / 4)) overwrite append)
	within=60 cache=cold
}

# Neither libwt nor an fsync.
cut_bare() {
	local each=("${written[@]}" "${named[@]}" "${other[@]}" "${needy[@]}")
	rule=
	threads=${counts[$1 % 3]}
	kinds=${each[$1 % ${#each[@]}]}
	within=0
}

# libwt without the fsync that its level needs besides.
cut_through() {
	rule=through
	threads=${counts[$1 / 2 % 3]}
	kinds=$(one_of "$1" append tail)
	within=0
}

cut_needy() {
	rule=dsync
	threads=${counts[1]}
	kinds=${needy[$1 % ${#needy[@]}]}
	within=0
}

counts=(1 4 16)

# The direct engine is not for files that are also written in ways that libwt does not see.
engine_for() { # number; by $kinds
	local engine=${engines[$1 % 3]}
	case $kinds:$engine in
	mapped:direct) engine=auto ;;
	esac
	echo "$engine"
}

one_of() { # number, words
	local number=$1
	shift
	local words=("$@")
	echo "${words[number % $#]}"
}

# How many cuts on each file system, by the number of those at dsync and sync there.
cuts_of() { # part, number
	case $1 in
	levels) echo "$2" ;;
	fsync) echo $((26 + ($2 > 72 ? ($2 - 72) / 4 : 0))) ;;
	elide) if is_elided; then echo $((39 + ($2 > 72 ? ($2 - 72) / 2 : 0))); else echo 0; fi ;;
	kernel) echo $((8 + ($2 > 72 ? ($2 - 72) / 12 : 0))) ;;
	bare) echo 13 ;;
	through) echo 4 ;;
	needy) echo 4 ;;
	esac
}

parts=(levels fsync elide kernel bare through needy)

# Whether this libwt's policy knows the option.
is_elided() {
	env -i LD_PRELOAD="$WT_LIB" WT_STRICT=1 WT_POLICY='*=dsync,fsync=elide' \
		"$WT_OBJ/tests/prog/power-cut" >/dev/null 2>&1
	[ $? != 78 ]
}

### Inside, on one file system

# set_cut PART NUMBER: all that this cut is.
set_cut() {
	local moments=(8 40 150 600) part=0
	while [ "${parts[part]}" != "$1" ]; do part=$((part + 1)); done
	cut_seed=$(((seed * 1000003 + part * 100003 + $2 * 13) & 0x7fffffff))
	within=${moments[(cut_seed >> 4) % 4]}
	cache=$(one_of $((cut_seed >> 7)) warm cold)
	sync=none fds=shared shape=any
	"cut_$1" "$2"
}

# The power goes while the writer is at work, which then ends by the errors that it gets, or, with
# `within` 0, when it has ended.
write_and_cut() { # part
	local limit=$many engine=${rule##*engine=} env=(DISK_CTL="$DISK_CTL")
	engine=${engine%%,*}
	[ "$within" != 0 ] || limit=$few
	[ -z "$rule" ] || env+=(LD_PRELOAD="$WT_LIB" WT_STRICT=1 WT_POLICY="$DISK_MNT/*=$rule"
		WT_REPORT="$work/$1.$engine.json")
	"$program" prepare "$ledger" "$DISK_MNT/cut" seed="$cut_seed" kinds="$kinds" fds="$fds" \
		threads="$threads" sync="$sync" shape="$shape" cache="$cache" \
		limit=$limit || return
	first_request=$(disk_fact requests)
	[ "$within" = 0 ] || disk_cut seed="$cut_seed" within="$within" || return
	timeout -k 5 $hanging_seconds env -i "${env[@]}" "$program" write "$ledger" \
		"$DISK_MNT/cut" 2>"$work/writer" || echo "the writer's exit status is $?"
	disk_ctl wait-off ms=0 2>/dev/null || disk_cut seed="$cut_seed"
	disk_log "$first_request" >"$work/log"
	cut_ns=$(awk '$5 != "0" { print $6; exit }' "$work/log")
}

# Mounts what the cut left; if it is not fit for that, a new file system, so that it can go on.
mount_again() {
	disk_remount && return
	fsck_failed=1
	"$WT_TOP/tests/disk/mount" new
	return 1
}

# one_cut PART: the facts into the variables, what is to say of them into $work/said. Fails if there
# is something wrong with it.
one_cut() {
	local facts='' wrong
	acknowledged=0 underway=0 lost=0 late=0 spoilt=0 slandered=0 fsck_failed=0
	first_request=1 cut_ns=
	# In this shell, for the sake of the variables.
	write_and_cut "$1" >"$work/cut" 2>&1 || echo "no cut was made" >>"$work/cut"
	if mount_again >>"$work/cut" 2>&1; then
		# shellcheck disable=SC2086 # nothing where no request failed
		facts=$("$program" verify "$ledger" "$DISK_MNT/cut" $cut_ns 2>&1) ||
			echo "the judge's exit status is $?" >>"$work/cut"
	fi
	eval "$(grep -E '^(acknowledged|underway|lost|late|spoilt|slandered)=[0-9]+$' <<<"$facts")"
	wrong=$(cat "$work/cut")
	[ $((spoilt + slandered)) = 0 ] || wrong+="spoilt, or failed without a cause"
	[ $((lost + late)) = 0 ] || ! must_keep "$1" || wrong+="lost"
	{
		printf '%s\n' "$wrong" "$facts" "the disk's last requests, and what the writer said:"
		awk '{ print } $5 != "0" && ++failed == 4 { exit }' "$work/log" | tail -25
		head -c 1000 "$work/writer"
	} >"$work/said"
	[ -z "$wrong" ]
}

# Where what was acknowledged must be there; in the other parts it is only counted.
must_keep() { [[ $1 == @(levels|fsync|elide) ]]; } # part

# Sums up the cuts of a part by engine and threads, and those that were wrong by rule.
count_cut() { # part, what is wrong
	local engine=${rule##*engine=} row
	[ "$1" = levels ] || engine=-
	row="$1 ${engine%%,*} $([ "$1" = levels ] && echo "$threads" || echo -)"
	cuts[$row]=$((${cuts[$row]:-0} + 1))
	acknowledged_in[$row]=$((${acknowledged_in[$row]:-0} + acknowledged))
	lost_in[$row]=$((${lost_in[$row]:-0} + lost))
	late_in[$row]=$((${late_in[$row]:-0} + late))
	unclean_in[$row]=$((${unclean_in[$row]:-0} + fsck_failed))
	lost_of[$1 $kinds]=$((${lost_of[$1 $kinds]:-0} + lost))
	kept_of[$1 $rule]=$((${kept_of[$1 $rule]:-0} + acknowledged - lost - late))
	# These two are no writes.
	[[ $kinds == @(resize|punch) ]] || writes_of[$1 $rule]=$((${writes_of[$1 $rule]:-0} + acknowledged))
	interrupted=$((interrupted + (underway > 0)))
	[ -z "$2" ] || wrong[$1 $rule]+="$2"$'\n'
}

describe_cut() { # part, number
	echo "again: power-cut.sh again $DISK_FS $seed $1 $2: rule '$rule', kinds $kinds, $threads" \
		"threads, fds $fds, shape $shape, sync $sync, $cache, within $within"
}

run_part() { # part, number of cuts
	local number said
	for ((number = 0; number < $2; number++)); do
		set_cut "$1" $number
		said=
		if ! one_cut "$1"; then
			said=$(describe_cut "$1" $number && cat "$work/said")
		elif [ "$late" != 0 ] && [ "$1" = levels ]; then
			{ describe_cut "$1" $number && grep '^#' "$work/said"; } | sed 's/^/# late: /'
		fi
		count_cut "$1" "$said"
		echo step
	done
}

# nothing_wrong PART RULE: no cut of these is wrong, and something was acknowledged and is there.
nothing_wrong() {
	[ -z "${wrong[$1 $2]:-}" ] || head -c 6000 <<<"${wrong[$1 $2]}"
	[ -z "${wrong[$1 $2]:-}" ] && [ "${kept_of[$1 $2]:-0}" -gt 0 ]
}

judge_rules() { # part, what it shows
	local key
	for key in "${!kept_of[@]}"; do echo "$key"; done | sort >"$work/keys"
	while read -r key; do
		[[ $key != "$1 "* ]] || check "$DISK_FS: $2: ${key#"$1 "}" nothing_wrong "$1" "${key#"$1 "}"
	done <"$work/keys"
}

some_lost() { # part, kinds
	echo "lost: ${lost_of[$1 $2]:-none}"
	[ "${lost_of[$1 $2]:-0}" -gt 0 ]
}

# Only what was lost may be wrong with a control.
judge_control() { # part, what it shows, kinds
	local part=$1 text=$2 key kind
	shift 2
	for kind; do check "$DISK_FS: $text: $kind" some_lost "$part" "$kind"; done
	for key in "${!wrong[@]}"; do
		[[ $key != "$part "* ]] || not_ok "$DISK_FS: $text: without other faults" "${wrong[$key]}"
	done
}

# libwt counted the writes, all that were acknowledged; the engine that a rule names carried some.
was_at_work() { # engine
	local acknowledged=0 key
	for key in "${!writes_of[@]}"; do
		[[ $key != "levels "*",engine=$1" ]] || acknowledged=$((acknowledged + ${writes_of[$key]}))
	done
	jq -s --argjson acknowledged $acknowledged --arg engine "${1/auto/dsync}" '
		[.[].rules[]] | {acknowledged: $acknowledged, writes: (map(.writes) | add),
		by_engine: (map(select(.engine == $engine) | .writes) | add)}' \
		"$work/levels.$1.json" | tee "$work/counts"
	jq -e '.writes >= .acknowledged and .by_engine > 0' "$work/counts"
}

# By any name, the report says how many it left out.
were_left_out() {
	cat "$work"/elide.*.json | jq -s -e '[.. | objects | to_entries[] |
		select(.key | test("elide")) | .value | numbers] | add > 0'
}

all_clean() {
	local key sum=0
	for key in "${!unclean_in[@]}"; do sum=$((sum + ${unclean_in[$key]})); done
	echo "$sum were not"
	[ $sum = 0 ]
}

judge_all() {
	judge_rules levels "what was acknowledged is there"
	for engine in "${engines[@]}"; do
		if command -v jq >/dev/null; then
			check "$DISK_FS: the reports have these writes: engine=$engine" was_at_work "$engine"
		else
			skip "$DISK_FS: the reports have these writes" "jq is not installed"
		fi
	done
	check "$DISK_FS: mounted and clean after each cut" all_clean
	check "$DISK_FS: cuts came into the midst of writes" test "$interrupted" -gt 0
	judge_rules fsync "what was acknowledged after an fsync is there"
	if is_elided; then
		judge_rules elide "what was acknowledged after an fsync is there"
		check "$DISK_FS: fsync=elide: some were left out" were_left_out
	else
		skip "$DISK_FS: fsync=elide" "this libwt's policy refuses fsync=elide"
	fi
	judge_control bare "without libwt some are lost" \
		"${written[@]}" "${named[@]}" "${other[@]}" "${needy[@]}"
	judge_control through "under through, without an fsync, some are lost" append tail
	judge_control needy "under dsync, without an fsync, some are lost" "${needy[@]}"
}

print_rows() {
	local key
	for key in "${!cuts[@]}"; do
		echo "row $DISK_FS $key ${cuts[$key]} ${acknowledged_in[$key]} ${lost_in[$key]}" \
			"${late_in[$key]} ${unclean_in[$key]}"
	done
}

inside() { # seed, cuts
	local part
	declare -A cuts=() acknowledged_in=() lost_in=() late_in=() unclean_in=() lost_of=() kept_of=()
	declare -A writes_of=() wrong=()
	seed=$1 interrupted=0
	program=$WT_OBJ/tests/prog/power-cut ledger=$work/ledger
	for part in "${parts[@]}"; do run_part "$part" "$(cuts_of "$part" "$2")"; done
	judge_all
	print_rows
}

inside_again() { # seed, part, number, times
	local i
	seed=$1 program=$WT_OBJ/tests/prog/power-cut ledger=$work/ledger
	set_cut "$2" "$3"
	describe_cut "$2" "$3"
	for ((i = 1; i <= ${4:-1}; i++)); do
		if ! one_cut "$2" || [ $((lost + late)) != 0 ]; then cat "$work/said"; fi
		echo "acknowledged $acknowledged, under way $underway, lost $lost, late $late"
	done
}

### Outside

# A row for each file system, engine and count of threads, then those of the other parts.
print_table() {
	echo "# | file system | engine, or what else | threads | cuts | acknowledged writes | lost |" \
		"late | fsck failures |"
	echo "# |---|---|---|---|---|---|---|---|"
	cat "$work"/*.out | awk '
		BEGIN {
			names["fsync"] = "`through`, fsync"
			names["elide"] = "`fsync=elide`, fsync"
			names["kernel"] = "no libwt, fsync"
			names["bare"] = "control: no libwt, no fsync"
			names["through"] = "control: `through`, no fsync"
			names["needy"] = "control: `dsync`, no fsync where one is needed"
		}
		function add(order, first, second, third,   i) {
			head[order] = first " | " second " | " third
			for (i = 6; i <= 10; i++)
				sum[order, i] += $i
		}
		$1 == "row" && $3 == "levels" {
			add(1 $2 $4 sprintf("%02d", $5), $2, $4, $5)
			add(2, "all", "`dsync` and `sync`", "all")
		}
		$1 == "row" && $3 != "levels" { add(3 $3 $2, $2, names[$3], "all") }
		END {
			for (order in head) {
				printf "%s\t# | %s |", order, head[order]
				for (i = 6; i <= 10; i++)
					printf " %d |", sum[order, i]
				print ""
			}
		}' | sort | cut -f2
}

all() {
	local fs each steps=0 part
	seed=${WT_SEED:-1}
	each=72
	[ -z "${WT_SOAK:-}" ] || each=$(((${WT_CUTS:-1000} + 2) / 3))
	echo "# seed: $seed"
	for part in "${parts[@]}"; do steps=$((steps + 3 * $(cuts_of "$part" $each))); done
	side_by_side $steps cuts inside "$seed" $each
	print_table
	finish
}

disk_main "$@"

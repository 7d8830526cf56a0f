# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # shared with the scripts that read it
#
# What the tests share that cut the power under a database. Read by tests/apps/cut-*.sh, in bash.
#
# Writers commit to a database on the disk that can fail (tests/disk), and acknowledge each commit
# outside of it once the database has answered. The power goes at a random request; all processes
# end; the file system is mounted again and checked; then the database must open, pass its own
# check, and hold every commit that was ever acknowledged there. Sometimes the load goes on instead,
# so that the power goes again while the database recovers under libwt. The control is the same
# without libwt, and must lose commits.
#
# A script has `setups`, ways to run its database, and for the one named in $setup
#
#   db_new          makes a new database in $dir, any way it likes
#   db_load FIRST [COUNT]
#                   begins servers and writers, under "${under[@]}", by `begin_server` and
#                   `begin_writer`; a writer W counts its commits from FIRST, and says "W N [TIME]"
#                   in $acks/W after each; it stops at COUNT commits, and is quiet
#   db_last FIRST   where there is something that only shows when nothing comes after it: called
#                   before a cut in the quiet, it commits numbers from FIRST on of writer 1
#   db_stop         where servers need more than to be killed
#   db_judge FILE   opens the database, which may change it, and closes it well; prints "there N"
#                   for the number of commits listed in FILE that are there, a line "lost W N" for
#                   each that is not, and "unsound: why" for all else that is wrong
#
# The setup "elide" keeps the database's own syncs, and lets libwt leave out those that have nothing
# to do (the rule option fsync=elide); `own_syncs` tells when it is so.
#
# A script ends with `cut_main PRESET "$@"`. WT_SEED is the seed. The long form makes WT_CUTS
# cuts (100) for each setup on ext4, and a quarter of them on XFS and btrfs. WT_SETUPS and WT_PLACES
# choose some of it.

# shellcheck source-path=SCRIPTDIR source=database.sh disable=SC1091
. "${BASH_SOURCE[0]%/*}/database.sh"
# shellcheck source-path=SCRIPTDIR source=../../lib/disk.sh disable=SC1091
. "${BASH_SOURCE[0]%/*}/../../lib/disk.sh"
export -n "${!WT_@}" # as tap.sh

acks=$work/acks reports=$work/reports
writers=() servers=()
rounds=0
within=3000 # the power goes at one of so many requests
writer_count=2
quiet_commits=40 # of each writer, before a cut in the quiet
only_before_the_cut= # yes: an answer that came when the power was off does not count

# What libwt(7) says is not safe, by "FILE-SYSTEM SETUP". There, losing is expected, and seen.
declare -A unsafe=()

### One cut

# begin_server COMMAND..., begin_writer COMMAND...: in the background. A writer ends by itself when
# a commit fails.
begin_server() { begin_job servers "$@"; }
begin_writer() { begin_job writers "$@"; }

begin_job() {
	local -n jobs=$1
	shift
	"$@" &
	jobs+=($!)
	started+=($!)
}

# Keeps the input of a writer open, until nobody reads it.
be_quiet() { while sleep 0.1 && echo; do :; done 2>>"$work/quiet"; }

writers_ended() {
	local job
	for job in "${writers[@]}"; do ! kill -0 "$job" || return; done
}

# By id, and waits for them.
end_jobs() {
	local job
	for job in "${writers[@]}" "${servers[@]}"; do
		kill -KILL "$job"
		wait "$job"
	done 2>>"$work/ended"
	writers=() servers=() started=()
}

acks_now() { cat "$acks"/* 2>>"$work/ended" | awk 'NF >= 2'; }
all_acked() { [ "$(acks_now | wc -l)" -ge $((writer_count * quiet_commits)) ]; }
db_stop() { :; }
db_last() { :; }

# Of all that may survive, nothing does, some, or most.
fate_of() { # seed
	case $(($1 % 3)) in
	0) echo keep=0 tear=0 ;;
	1) echo keep=34 tear=33 ;;
	2) echo keep=80 tear=10 ;;
	esac
}

# The power goes at a request, whatever is being done. Leaves the round's acknowledgments in
# $work/round.
go_dark_busy() { # seed
	local from cut_ns
	from=$(disk_fact requests)
	# shellcheck disable=SC2046 # two words
	disk_cut within="$within" seed="$1" $(fate_of "$1") || return
	db_load "$first" || disk_ctl wait-off ms=0 || return
	disk_ctl wait-off ms=60000 && wait_for 20 writers_ended || return
	cut_ns=$(disk_log $((from + 1)) | awk '$5 != 0 { print $6; exit }')
	[ -n "$cut_ns" ] || return
	acks_now | awk -v cut="${only_before_the_cut:+$cut_ns}" -v late="$work/late" '
		cut == "" || $3 < cut { print $1, $2; next }
		{ print >late }' >"$work/round"
}

# The power goes some time after the last answer: what was left for later is not there.
go_dark_quiet() { # seed
	db_load "$first" "$quiet_commits" && wait_for 60 all_acked || return
	db_last $((first + quiet_commits)) || return
	acks_now | awk '{ print $1, $2 }' >"$work/round"
	# shellcheck disable=SC2046
	disk_cut seed="$1" $(fate_of "$1")
}

# cut_once HOW SEED: sets `acked`, the commits of this round, and `trouble`, why this was no test.
cut_once() {
	first=$((++rounds * 1000000 + 1))
	trouble=
	mkdir -p "$acks"
	rm -f "$acks"/* "$work/late" "$work/writers"
	: >"$work/round"
	if ! "$1" "$2" >"$work/cut" 2>&1; then
		trouble="no cut: $(tail -n 3 "$work/cut" "$work/writers")"
		disk_cut >>"$work/cut" 2>&1
	fi
	db_stop >"$work/stop" 2>&1
	end_jobs
	disk_remount 2>"$work/remounted" || trouble+=" $(cat "$work/remounted")"
	cat "$work/round" >>"$work/acked"
	acked=$(wc -l <"$work/round")
	[ ! -e "$work/late" ] || late=$((late + $(wc -l <"$work/late")))
}

# Sets `lost`, of all that was acknowledged in this database, and `unsound`, what else is wrong.
judge_database() {
	local there
	db_judge "$work/acked" >"$work/judged" 2>"$work/judge"
	sync -f "$dir"
	there=$(sed -n 's/^there //p' "$work/judged")
	lost=$(grep -c '^lost ' "$work/judged")
	unsound=$(grep -v '^lost \|^there ' "$work/judged")
	[ $((${there:-0} + lost)) = "$(wc -l <"$work/acked")" ] ||
		unsound+="$lost lost, ${there:-?} there: $(tail -n 3 "$work/judge")"
}

new_database() {
	rm -rf "${dir:?}"
	mkdir "$dir"
	: >"$work/acked"
	db_new >"$work/new" 2>&1 && sync -f "$dir"
}

### Many cuts

# progress_bar DONE OF: on stderr, in the long form; the line is drawn over itself on a terminal only.
progress_bar() {
	local bar every=$(($2 / 20)) end='\n' left=$(((SECONDS - bar_from) * ($2 - $1) / $1))
	[ -n "${WT_SOAK:-}" ] || return 0
	if [ -t 2 ]; then every=1 end='\r'; fi
	[ $(($1 % (every + !every))) = 0 ] || return 0
	printf -v bar '%*s' $(($1 * 40 / $2)) ''
	# shellcheck disable=SC2059
	printf "# %s: [%-40s] %d of %d, %d:%02d left$end" "$run" "${bar// /#}" "$1" "$2" \
		$((left / 60)) $((left % 60)) >&2
}

# The control may have been saved by somebody else's sync(2): it gets three chances.
judge_control() {
	local try lost unsound trouble acked late=0
	under=()
	for try in 1 2 3; do
		check "$run: a new database" new_database || return
		cut_once go_dark_quiet $((seed + try))
		judge_database
		[ "$lost" = 0 ] || break
		[ -z "$unsound$trouble" ] || break
	done
	note "$run: without libwt, lost $lost of $acked" "$(echo "$unsound$trouble" | head -n 1)"
	check "$run: without libwt, commits are lost" lost_without_trouble
}

lost_without_trouble() {
	echo "$trouble"
	[ -z "$trouble" ] && [ "$acked" -gt 0 ] && { [ "$lost" -gt 0 ] || [ -n "$unsound" ]; }
}

take_libwt() {
	local options=(-P "$preset=dsync")
	if [ "$setup" = elide ]; then
		mkdir -m 777 "$reports"
		options=(-P "$preset=dsync,fsync=elide" -r "$reports/%e-%p.json")
	fi
	under=("${wt_preload:-$WT_TOP/wt-preload.sh}" "${options[@]}" -s --)
}

own_syncs() { [ "$setup" = elide ] && [ ${#under[@]} != 0 ]; }

# What was killed left no report.
syncs_left_out() {
	cat "$reports"/*.json | jq -n '[inputs.rules[].fsyncs_elided] | add' | tee "$work/elided"
	rm -rf "$reports"
	[ "$(cat "$work/elided")" -gt 0 ]
}

# Every fourth cut is a quiet one; after every third one the load goes on. Adds up what they came to.
many_cuts() {
	local i how lost unsound trouble acked
	for ((i = 1; i <= cuts; i++)); do
		how=busy
		[ $((i % 4)) != 0 ] || how=quiet
		cut_once go_dark_$how $((seed * 1000 + i))
		[ "$acked" = 0 ] || with_acks=$((with_acks + 1))
		sum_acked=$((sum_acked + acked))
		progress_bar "$i" "$cuts"
		[ $((i % 3)) != 1 ] || [ "$i" = "$cuts" ] || [ -n "$trouble" ] || continue
		judge_database
		[ "$lost" != 0 ] || [ -n "$unsound$trouble" ] || continue
		sum_lost=$((sum_lost + lost))
		account_for_failure "$how cut $i of seed $seed"
		new_database || { troubles=$((troubles + 1)) && return; }
	done
}

account_for_failure() { # which
	[ "$lost" = 0 ] || losing=$((losing + 1))
	[ -z "$unsound" ] || unsounds=$((unsounds + 1))
	[ -z "$trouble" ] || troubles=$((troubles + 1))
	echo "$1: $acked acknowledged, $lost lost; $trouble"
	printf '%s\n' "$unsound" "$(grep '^lost' "$work/judged")" | grep . | head -n 8
}

# number_is NUMBER EXPECTED: or shows what was seen at the cuts.
number_is() {
	[ "$1" = "$2" ] && return
	echo "$1, expected $2"
	head -n 40 "$work/cuts"
	return 1
}

judge_setup() {
	local with_acks=0 sum_acked=0 sum_lost=0 losing=0 unsounds=0 troubles=0 late=0
	run="$DISK_FS, $setup"
	judge_control
	check "$run: a new database" new_database || return
	take_libwt
	bar_from=$SECONDS
	many_cuts >"$work/cuts"
	note "$run: $cuts cuts, $with_acks after commits; $sum_acked acknowledged," \
		"$sum_lost lost by $losing cuts; unsound after $unsounds"
	[ "$late" = 0 ] || note "$run: $late answers that came when the power was off do not count"
	if [ -n "${unsafe[$DISK_FS $setup]:-}" ]; then
		check "$run: loses commits, as libwt(7) says" test "$sum_lost" -gt 0
	else
		check "$run: every acknowledged commit is there" number_is "$sum_lost" 0
		check "$run: the database is sound after each cut" number_is "$unsounds" 0
	fi
	check "$run: each cut went as it should, and left a clean file system" \
		number_is "$troubles" 0
	[ "$setup" != elide ] || check "$run: syncs were left out" syncs_left_out
	check "$run: most cuts came after commits" test "$with_acks" -gt $((cuts / 2))
}

### Outside and inside

# part FS: this script on a disk with that file system.
part() {
	echo "see above" >"$work/$1.why"
	env WT_OBJ="$WT_OBJ" WT_LIB="$WT_LIB" WT_SOAK="${WT_SOAK:-}" WT_SEED="${WT_SEED:-}" \
		WT_CUTS="${WT_CUTS:-}" WT_SETUPS="${WT_SETUPS:-}" \
		WT_TEST_TMPFS="${WT_TEST_TMPFS:-}" \
		"$with_disk" --fs "$1" --size 1G --cache 512M -- "$self" inside >"$work/$1.part"
	show_part "$1" $? "$work/$1"
}

inside() {
	dir=$DISK_MNT/$preset
	[ -z "${WT_SOAK:-}" ] || cuts=${WT_CUTS:-100}
	[ -z "${WT_SOAK:-}" ] || [ "$DISK_FS" = ext4 ] || cuts=$(((cuts + 3) / 4))
	seed=${WT_SEED:-1}
	note "seed $seed"
	for setup in ${WT_SETUPS:-"${setups[@]}"}; do judge_setup; done
	finish
}

# cut_main PRESET [inside]
cut_main() {
	local fs places=(ext4)
	preset=$1
	[ -z "${WT_SOAK:-}" ] || places=(ext4 xfs btrfs)
	if [ "${2:-}" = inside ]; then
		inside
		exit
	fi
	need_disk true
	for fs in ${WT_PLACES:-"${places[@]}"}; do part "$fs"; done
	finish
}

# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2119,SC2120,SC2154 # shared with the scripts that read it
#
# What the tests that run real programs share: where and at which level they run,
# and the judgements. Read by tests/apps/*.sh, in bash.
#
# A run is a level in a place (a file system). The level "control" runs the same
# program the same way without libwt: there the judgements on pages must come out
# the other way, or the test could not tell libwt from its absence.

shopt -s nullglob
exec </dev/null
work_in=${WT_TEST_TMPFS:-} # the test's own tmpfs, which goes with it however it ends
# shellcheck source-path=SCRIPTDIR source=../../lib/tap.sh disable=SC1091
. "${BASH_SOURCE[0]%/*}/../../lib/tap.sh"

levels=(off async through dsync sync)
started=()

# Ends what this script started, by id, and nothing else.
clean_up() {
	local pid
	for pid in "${started[@]}"; do
		kill -KILL "$pid" 2>>"$work/clean_up"
	done
	wait
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

note() { printf '# %s\n' "$*"; }
progress() { [ -z "${WT_SOAK:-}" ] || printf '%s\n' "$*" >&2; }

# need PROGRAM PACKAGE...: pairs of programs and the packages they are in.
need() {
	while [ $# -gt 0 ]; do
		command -v "$1" >"$work/need" || skip_all "$1 is missing (package $2)"
		shift 2
	done
}

# wait_for SECONDS COMMAND...: until it succeeds; so many seconds, or on a busy machine ten times that.
wait_for() {
	local deadline=$((SECONDS + 10 * $1))
	shift
	until "$@" >"$work/waited" 2>&1; do
		[ "$SECONDS" -le "$deadline" ] || return 1
		sleep 0.05
	done
}

# each_run FIRST: "LEVEL PLACE" a line. A place starts with its control. The levels go round
# the places, and FIRST turns the wheel, so that the databases meet different pairs; with
# FIRST=all, and in a soak, every level runs in every place.
each_run() {
	local places=(EXT4 XFS BTRFS) turn=${WT_SOAK:+all} i p
	turn=${turn:-$1}
	for p in "${!places[@]}"; do
		echo "control ${places[p]}"
		for i in "${!levels[@]}"; do
			if [ "$turn" = all ] || [ $(((i + turn) % ${#places[@]})) -eq "$p" ]; then
				echo "${levels[i]} ${places[p]}"
			fi
		done
	done
}

# begin NAME LEVEL PLACE: sets `dir`, an empty directory of the place, `run`, the run's name,
# `reports`, and `under`, what the program's command line starts with, NAME being its preset.
# Fails, having said so once, where there is no such place.
begin() {
	local place="WT_TEST_$3" why="WT_TEST_$3_SKIP"
	run="$2 on ${3,,}"
	if [ -z "${!place:-}" ]; then
		[ "$2" != control ] || ok "$1 on ${3,,} # SKIP ${!why:-no such file system}"
		return 1
	fi
	dir=${!place}/$1
	reports=$work/reports
	rm -rf "$dir" "$reports"
	mkdir -p "$dir" "$reports"
	under=()
	if [ "$2" != control ]; then
		under=("$WT_TOP/wt-preload.sh" -P "$1=$2" -r "$reports/%e-%p.json" -s --)
	fi
	progress "$1: $run"
}

# flushes PLACE: the flushes that the place's device has completed.
flushes() {
	local stat="WT_TEST_$1_STAT"
	awk '{ print $16 }' "${!stat}"
}

# pages FILE...: their dirty pages and those under writeback, together; nothing where one of the
# files could not be asked.
pages() { "$WT_OBJ/tests/prog/dirty" "$@" | awk -v files=$# '{ n += $1 + $2 }
	END { if (NR == files) print n + 0 }'; }

no_page_left() {
	local try
	if [ ! -s "${1:-}" ]; then
		echo "nothing was written to ${1:-the files}"
		return 1
	fi
	# A server's own processes may be in the middle of a write. A second is far less than the
	# kernel takes to write back a page by itself.
	for try in 0.1 0.3 0.6 0; do
		[ "$(pages "$@")" -eq 0 ] && return 0
		sleep "$try"
	done
	echo "dirty, under writeback, cached:"
	"$WT_OBJ/tests/prog/dirty" "$@" | awk '$1 + $2 > 0'
	return 1
}

# Somebody else's sync(2) may clean the control's pages just before the look: the script's
# write_again, which must dirty all the files judged, gets three more chances to be seen.
some_page_left() {
	local try
	for try in 1 2 3; do
		[ "$(pages "$@")" -eq 0 ] || return 0
		echo "try $try: no dirty page in $*"
		write_again
	done
	[ "$(pages "$@")" -gt 0 ]
}

# judge_pages LEVEL WHAT FILE...: after a commit with the program's own fsyncs off.
judge_pages() {
	local level=$1 what=$2
	shift 2
	case $level in
	control) check "$run: without libwt, dirty pages in $what" some_page_left "$@" ;;
	through | dsync | sync) check "$run: no dirty page in $what" no_page_left "$@" ;;
	*) note "$run: $(pages "$@") dirty pages in $what" ;;
	esac
}

# forget FILE...: drops the clean pages, so that what is read next comes from the device.
forget() {
	local file
	for file; do
		dd if="$file" iflag=nocache count=0 status=none
	done
}

# rule_of FILE: the first rule of the reports that matches FILE, over all processes:
# pattern, level, engines, writes, bytes, errors.
rule_of() {
	local pattern subject rest
	jq -rs '[.[].rules[]] | reduce .[] as $r ({}; .[$r.pattern] += [$r]) | to_entries[] |
		[.key, .value[0].level,
		 ([.value[] | select(.writes > 0).engine] | unique | join("+")),
		 ([.value[].writes] | add), ([.value[].bytes] | add), ([.value[].errors] | add)] |
		map(tostring) | join("|")' "$reports"/*.json |
	while IFS='|' read -r pattern rest; do
		subject=$1
		[[ $pattern == */* ]] || subject=${1##*/}
		# shellcheck disable=SC2053 # the right side is meant as a pattern
		if [[ $subject == $pattern ]]; then
			echo "$pattern|$rest"
			break
		fi
	done
}

covers() {
	local pattern level engines writes bytes errors
	IFS='|' read -r pattern level engines writes bytes errors < <(rule_of "$2")
	if [ -z "${pattern:-}" ]; then
		echo "no rule of the reports matches $2"
		return 1
	fi
	echo "$pattern=$level engine=$engines writes=$writes bytes=$bytes errors=$errors"
	[ "$level" = "$1" ] && [ "$errors" -eq 0 ] || return 1
	[ "$1" = off ] || { [ -n "$engines" ] && [ "$writes" -gt 0 ] && [ "$bytes" -ge "$3" ]; }
}

# judge_covered LEVEL FILE [BYTES]: the reports show FILE's rule with the level, an engine, at
# least so many bytes and no error.
judge_covered() {
	check "$run: the report covers ${2##*/}" covers "$1" "$2" "${3:-1}" &&
		note "$(tail -n 1 "$work/said")"
}

no_fall() {
	jq -c '(.falls + .errors_shared)[]' "$reports"/*.json | { ! grep .; }
}

nothing_missed() {
	jq -r '.not_covered[] | .path + " " + .way' "$reports"/*.json | grep -Ev "^($1) " |
		{ ! grep .; }
}

# judge_report [EXPECTED]: no fall, and nothing not covered but paths that match EXPECTED.
judge_report() {
	check "$run: each process's report is JSON" jq -e -s 'length > 0' "$reports"/*.json
	check "$run: no engine fell to another" no_fall
	check "$run: nothing was written past libwt" nothing_missed "${1:-}"
}

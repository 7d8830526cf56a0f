# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # shared with the scripts that read this file
#
# For tests that run a command and judge what came out of it: `run` does it,
# `expect` judges. Read by the scripts, in bash; they end with `finish`.

set -u
[ -z "${!WT_*}" ] || export -n "${!WT_@}" # the test's own; libwt warns of those that it does not know
unset WT_POLICY WT_POLICY_FILE WT_REPORT WT_LOG WT_LOG_FILE WT_STRICT WT_DISABLE LD_PRELOAD

self=$(readlink -f "$0")
WT_TOP=${WT_TOP:-${self%/tests/*}}
WT_OBJ=${WT_OBJ:-$WT_TOP/obj} WT_LIB=${WT_LIB:-$WT_TOP/libwt.so}
work=$(mktemp -d "${work_in:-${TMPDIR:-/tmp}}/wt-test.XXXXXX")
chmod 755 "$work"
trap 'cd / && rm -rf "$work"' EXIT
tests_run=0
tests_failed=0
status=

ok() { echo "ok $((++tests_run)) - $1"; }
skip() { echo "ok $((++tests_run)) - $1 # SKIP $2"; }
finish() { echo "1..$tests_run"; }

# skip_all REASON: nothing of it can be tested here.
skip_all() {
	echo "1..0 # SKIP $1"
	exit
}

# need_fs FS...: ends the test where tests/with-fs has not made them.
need_fs() {
	local fs place why
	for fs; do
		place=WT_TEST_$fs why=WT_TEST_${fs}_SKIP
		[ -n "${!place:-}" ] || skip_all "${!why:-run by tests/with-fs}"
	done
}

is() { # what is, what was expected
	[ "$1" = "$2" ] || {
		echo "'$1', expected '$2'"
		return 1
	}
}

# show_part WHAT STATUS FILE: the tests in FILE.part, numbered with ours; what ended with another
# status than 0 has not ended by itself, and FILE.why says why.
show_part() {
	sed '/^1\.\./d' "$3.part" | awk -v n=$tests_run '
		/^(not )?ok / { sub(/ok( [0-9]+)?/, "ok " ++n) }
		{ print }'
	tests_run=$((tests_run + $(grep -c '^\(ok\|not ok\) ' "$3.part")))
	[ "$2" = 0 ] || not_ok "$1: ends by itself" "exit status $2: $(tail "$3.why")"
}

# In the long form: a line read is a step done. Not in awk, which may wait for more lines than there
# are steps in a minute.
show_progress() { # steps, their name
	local done=0 begin=$EPOCHSECONDS every=$(($1 / 50 + 1)) end='\n' bar
	if [ -z "${WT_SOAK:-}" ]; then
		cat >/dev/null
		return
	fi
	[ ! -t 2 ] || end='\r' every=1
	while read -r _; do
		done=$((done + 1))
		[ $((done % every == 0 && done <= $1 || done == $1)) = 1 ] || continue
		printf -v bar '%*s' $((40 * done / $1)) ''
		printf "# [%-40s] %d of %d %s, %d%%, %d s left$end" "${bar// /#}" "$done" "$1" "$2" \
			$((100 * done / $1)) $(((EPOCHSECONDS - begin) * ($1 - done) / done)) >&2
	done
}

not_ok() { # name, what is wrong
	echo "not ok $((++tests_run)) - $1"
	tests_failed=$((tests_failed + 1))
	printf '%s\n' "$2" | sed 's/^/# /'
}

# pass_unless NAME WHAT-IS-WRONG
pass_unless() { if [ -z "$2" ]; then ok "$1"; else not_ok "$@"; fi; }

# Leaves the exit status in $status, the output in $work/out and $work/err.
run() {
	"$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}

# What is wrong with stderr, which must be one line with all of the words; nothing for fine.
one_line() {
	local word lines
	lines=$(wc -l <"$work/err")
	[ "$lines" = 1 ] || echo "stderr has $lines lines, not one"
	for word; do
		grep -qF -- "$word" "$work/err" || echo "stderr does not say '$word'"
	done
}

# expect NAME [status N] [out TEXT] [says WORD]... [quiet]: judges the last run. `says` asks for
# one line on stderr with that word and with what was expected, `quiet` for none.
expect() {
	local name=$1 wrong='' words=()
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		status)
			[ "$status" = "$2" ] || wrong+="exit status $status, not $2"$'\n'
			shift
			;;
		out)
			[ "$(cat "$work/out")" = "$2" ] || wrong+="stdout is not '$2'"$'\n'
			shift
			;;
		says)
			words+=("$2")
			shift
			;;
		quiet) [ ! -s "$work/err" ] || wrong+="stderr is not empty"$'\n' ;;
		esac
		shift
	done
	[ ${#words[@]} = 0 ] || wrong+=$(one_line expected "${words[@]}")
	[ -z "$wrong" ] || wrong+=$'\n'$(head -c 4000 "$work/out" "$work/err")
	pass_unless "$name" "$wrong"
}

# check NAME COMMAND...: passes when the command does, which is the status.
check() {
	local name=$1
	shift
	if "$@" >"$work/said" 2>&1; then
		ok "$name"
	else
		not_ok "$name" "$*: $(tail -n 100 "$work/said")"
		return 1
	fi
}

# How many dirty pages the files have, one number for each.
dirty_pages() {
	"$WT_OBJ/tests/prog/dirty" "$@" | cut -d' ' -f1
}

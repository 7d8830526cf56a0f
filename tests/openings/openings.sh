#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Openings of libwt's own, as others feel them: who watches for the end of writing (inotify,
# IN_CLOSE_WRITE) is not told before the program closes its file for the last time, and afterwards
# nobody has it open for writing.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"

need_fs EXT4
writer=$WT_OBJ/tests/prog/openings

told() { # HOW [RULES]
	local env=()
	rm -f "$WT_TEST_EXT4"/* "$work/report.json"
	[ $# -lt 2 ] || env=("LD_PRELOAD=$WT_LIB" "WT_POLICY=*=$2" "WT_REPORT=$work/report.json")
	timeout 30 env "${env[@]}" "$writer" "$1" "$WT_TEST_EXT4/file" 2>&1
}

hows="once thread threads many dup dup-over dup-range twice renamed fork vfork range over executable"
for how in $hows handed; do
	check "control: $how, without libwt" is "$(told "$how")" "early=0 late=1 free=1"
done
for rule in dsync,engine=direct through,engine=direct sync,engine=direct dsync through sync; do
	for how in $hows; do
		check "$how at $rule" is "$(told "$how" "$rule")" "early=0 late=1 free=1"
	done
	[ "${rule%direct}" = "$rule" ] ||
		check "so is written through a second opening" is \
			"$(told once "$rule" >/dev/null; jq -c '[.rules[] | select(.writes > 0).engine]' "$work/report.json")" '["direct"]'
done
check "a file that may be executed is not" is "$(told executable dsync,engine=direct >/dev/null
	jq -r '.falls[].reason' "$work/report.json")" \
	"the file may be executed, which it cannot be while it is open for writing"
finish

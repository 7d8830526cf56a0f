#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The policy parser, the report and the log under libFuzzer with ASan and UBSan: 5 seconds each, 600
# with WT_SOAK=1. A find is shown in base64; obj/fuzz/NAME FILE runs it again.
# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh
. "${0%/*}/../lib/tap.sh"

seconds=5
[ "${WT_SOAK:-}" != 1 ] || seconds=600
if ! command -v clang >/dev/null; then
	skip_all "clang is not installed (package clang)"
fi
if ! make -s -C "$WT_TOP" OBJ="$WT_OBJ" fuzzers >"$work/said" 2>&1; then
	not_ok "the fuzzers are built" "$(cat "$work/said")"
	finish
	exit
fi

names=(policy report)
pids=()
for name in "${names[@]}"; do
	"$WT_OBJ/fuzz/$name" -max_total_time=$seconds -max_len=4096 -artifact_prefix="$work/$name-" \
		>"$work/$name" 2>&1 &
	pids+=($!)
done
for i in "${!names[@]}"; do
	name=${names[i]}
	wait "${pids[i]}"
	status=$?
	runs=$(sed -nE 's/^Done ([0-9]+) runs .*/\1/p' "$work/$name")
	if [ $status = 0 ] && [ "${runs:-0}" -ge 1000 ]; then
		ok "$name: nothing found"
		echo "# $runs runs in $seconds s"
	else
		not_ok "$name: nothing found" "status $status, ${runs:-no} runs
$(tail -40 "$work/$name")
$(for find in "$work/$name"-*; do [ ! -f "$find" ] || { echo "$find:" && base64 "$find"; }; done)"
	fi
done
finish

#!/bin/bash
# SPDX-License-Identifier: MIT
#
# kernels.sh - system tests on other kernels, and a table of what each kernel keeps by which engine.
#
# WT_KERNELS (6.1 6.12 running) names them, as tests/kernels/boot does; `running` is this one. Those
# in QEMU run side by side, with this machine's files. Besides, what older kernels lack is refused
# on this one by a filter (tests/lib/sandbox.h): a stand-in, and called so. The table's columns: kernel,
# file system, level, engine that the rule names, engine that wrote, why it was another.
#
# Not among the tests that run without a name: `make check-kernels`. With WT_SOAK=1 all of the system
# part, and some of the scripts, run on each.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"

export WT_TOP WT_OBJ WT_LIB
read -ra kernels <<<"${WT_KERNELS:-6.1 6.12 running}"
standins=(5.10 5.15 6.1)
form=short seconds=580 least=200 cuts=2
[ -z "${WT_SOAK:-}" ] || form=long seconds=7000 cuts=${WT_CUTS:-100}

results_of() { echo "$WT_OBJ/kernels/results/${1//\//_}"; }

# Leaves the exit status, and why in `why`.
run_on() {
	local results
	results=$(results_of "$1")
	rm -rf "$results" && mkdir -p "$results"
	if [ "$1" = running ]; then
		"$WT_TOP/tests/kernels/guest" "$results" $form
	else
		WT_GUEST_SECONDS=$seconds "$WT_TOP/tests/kernels/boot" "$1" "$results" \
			"$WT_TOP/tests/kernels/guest" "$results" $form
	fi >"$results/why" 2>&1
	echo $? >"$results/ended"
}

# tests_of NAME FILE: a line a test; what a kernel has not is one line for all.
tests_of() {
	awk -v name="$1" '
		/^ok .*# SKIP this machine: / { lacks++; next }
		/^(not )?ok / { sub(/ok( [0-9]+)?( - )?/, "ok - " name ": ") }
		/^(not )?ok |^#|^ / { print }
		END { if (lacks) print "# " name ": " lacks " tests of what is not there" }' "$2"
}

judge_kernel() {
	local kernel=$1 results part
	results=$(results_of "$kernel")
	if [ "$(cat "$results/ended")" = 77 ]; then
		skip "$kernel" "$(sed -n 's/^boot: //p' "$results/why" | tail -n 1)"
		return
	fi
	for part in "$results"/*.tap; do
		[ -s "$part" ] || continue
		tests_of "$kernel: $(basename "$part" .tap)" "$part" >"$work/tests.part"
		show_part "$kernel" 0 "$work/tests" # how all of it ended is asked below
	done
	check "$kernel: its tests came to their end" is "$(cat "$results/ended")" 0
	check "$kernel: $least tests and more passed" \
		[ "$(passed "$results/system.tap")" -ge $least ]
	judge_levels "$kernel" "$results/levels"
}

passed() { grep -vE '# SKIP|^not ' "$1" 2>/dev/null | grep -c '^ok '; }

# Each line has an engine that wrote; another one than that which was named has a reason.
levels_are_kept() {
	awk -F '\t' '
		$4 == "none" || $4 == "" || ($3 != "auto" && $3 != $4 && $5 == "") { print; wrong = 1 }
		END { exit wrong || NR < 20 }' "$1"
}

# The machine is killed while it writes, on the first kernel that QEMU runs; WT_CUTS times in the long
# form.
judge_cuts() {
	local kernel=$1 rules=(dsync sync "dsync,engine=direct") fs i acked=0 lost=0 troubles=0
	for ((i = 1; i <= cuts; i++)); do
		fs=$([ $((i % 2)) = 1 ] && echo ext4 || echo xfs)
		if one_cut "$kernel" "$fs" "${rules[i / 2 % 3]}" $i; then
			acked=$((acked + cut_acked)) lost=$((lost + cut_lost))
		else
			troubles=$((troubles + 1))
			sed 's/^/# /' "$work/cut.why"
		fi
		[ -z "${WT_SOAK:-}" ] || echo "# cut $i of $cuts: $acked acknowledged, $lost lost" >&2
	done
	echo "# $kernel: killed $cuts times; $acked acknowledged writes, $lost lost"
	check "$kernel: a killed machine loses no acknowledged write" is "$lost" 0
	check "$kernel: each of its ends could be judged" is "$troubles" 0
	check "$kernel: writes were acknowledged before" [ "$acked" -gt $((20 * cuts)) ]
	for fs in ext4 xfs; do
		for i in 1 2 3; do
			one_cut "$kernel" $fs none $i && [ "$cut_lost" -gt 0 ] && break
		done
		check "$kernel, $fs: control: without libwt acknowledged writes are lost" [ "$cut_lost" -gt 0 ]
	done
}

one_cut() { # KERNEL FS RULE SEED
	cut_acked=0 cut_lost=0
	"$WT_TOP/tests/kernels/cut" "$@" >"$work/cut" 2>"$work/cut.why" || return
	cut_acked=$(sed -n 's/^acknowledged=//p' "$work/cut") cut_lost=$(sed -n 's/^lost=//p' "$work/cut")
	[ "$cut_lost" = 0 ] || [ "$3" = none ] || cat "$work/cut"
}

judge_levels() { # KERNEL FILE
	"$WT_TOP/tests/kernels/levels" table <"$2" >"$work/levels"
	check "$1: each level and engine is kept, or falls with a reason" levels_are_kept "$work/levels"
	sed "s/^/$1\t/" "$work/levels" >>"$work/table"
}

judge_standin() {
	"$WT_TOP/tests/with-fs" "$WT_OBJ/tests/prog/sandbox" "linux-$1" "$WT_TOP/tests/kernels/levels" \
		>"$work/reports" 2>"$work/levels.why"
	judge_levels "$1 (stand-in)" "$work/reports"
}

# All guests at once.
for kernel in "${kernels[@]}"; do
	[ "$kernel" = running ] || run_on "$kernel" &
done
wait
for kernel in "${kernels[@]}"; do
	[ "$kernel" != running ] || run_on "$kernel"
	judge_kernel "$kernel"
done
for kernel in "${kernels[@]}"; do
	[ "$kernel" = running ] && continue
	[ "$(cat "$(results_of "$kernel")/ended")" = 77 ] || judge_cuts "$kernel"
	break
done
for version in "${standins[@]}"; do judge_standin "$version"; done
column -t -s "$(printf '\t')" "$work/table" | sed 's/^/# table: /'
finish

#!/bin/bash
# SPDX-License-Identifier: MIT
#
# libwt built with sanitizers, in random programs that know nothing of them (tests/differential):
# AddressSanitizer and UndefinedBehaviorSanitizer, then ThreadSanitizer, report nothing; and under
# valgrind no memory is lost and none touched that is not theirs, but for what is without libwt too.
# That each of them would tell is shown with libraries that are wrong. `make check-asan` and
# `make check-tsan` run the rest of the tests like this.
# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh
. "${WT_TOP:?}/tests/lib/tap.sh"

sanitize=$WT_TOP/tests/sanitize
base=${WT_TEST_EXT4:-$work}
programs=12 seeds="3 6"
[ "${WT_SOAK:-}" != 1 ] || programs=1000 seeds=$(seq 40)
rules=('*=dsync' '*=through,engine=direct' '*=async')

wrong_library() { # name, flags
	# shellcheck disable=SC2086
	"${CC:-cc}" -std=gnu11 -O1 -g -shared -fPIC $2 "-D$1" -o "$work/$1.so" \
		"$WT_TOP/tests/differential/lib/wrong.c"
}

# programs_with PRELOADED RULES: what came of them is in $status; they leave their report behind.
programs_with() {
	local dir
	dir=$(mktemp -d "$base/programs.XXXXXX")
	run timeout 600 env -i DIFFERENTIAL_TAME=1 LD_PRELOAD="$1" WT_POLICY="$2" \
		WT_REPORT="$work/report.json" "$WT_OBJ/tests/prog/differential" all 1 $programs 40 "$dir"
	rm -rf "$dir"
}

# A report is made by who is at work.
ran_well() {
	is "$status" 0 && is "$(grep -c '^ends with 0$' "$work/out")" $programs &&
		jq -se 'any(.[].rules[]; .writes > 0)' "$work/report.json"
}

is_clean() { # kind
	local found
	found=$("$sanitize" "$1" --faults shim/)
	[ -z "$found" ] || { echo "$found" && return 1; }
}

is_found() { # kind
	"$sanitize" "$1" --faults differential/lib/wrong | grep -q .
}

# under KIND WRONG FLAGS
under() {
	local kind=$1 wrong=$2 flags=$3 preloaded rule
	if ! preloaded=$("$sanitize" "$kind" --library 2>"$work/said"); then
		not_ok "$kind: libwt is built" "$(cat "$work/said")"
		return
	fi
	check "$kind: a library that $wrong is built" wrong_library "$wrong" "$flags"
	programs_with "${preloaded%:*}:$work/$wrong.so" ''
	check "$kind: it is found" is_found "$kind"
	rm -f "$WT_TOP/obj/$kind/reports"/*
	for rule in "${rules[@]}"; do
		rm -f "$work/report.json"
		programs_with "$preloaded" "$rule"
		check "$kind: $programs programs run, $rule" ran_well
		check "$kind: nothing is reported, $rule" is_clean "$kind"
	done
}

# by_valgrind SEED [VARIABLE=VALUE...]: errors and lost bytes, of each process.
by_valgrind() {
	local seed=$1 dir
	shift
	dir=$(mktemp -d "$base/programs.XXXXXX")
	rm -f "$work"/valgrind.*
	env -i PATH="$PATH" DIFFERENTIAL_TAME=1 "$@" timeout 600 valgrind --leak-check=full \
		--errors-for-leak-kinds=none --log-file="$work/valgrind.%p" \
		"$WT_OBJ/tests/prog/differential" all "$seed" 40 "$dir" >/dev/null 2>&1
	rm -rf "$dir"
	cat "$work"/valgrind.* | sed -n 's/.*\(ERROR SUMMARY: [0-9]* errors\).*/\1/p; s/.*\(definitely lost: .*\)/\1/p' |
		sort
}

same_by_valgrind() { # seed, what it is without libwt, rules
	is "$(by_valgrind "$1" LD_PRELOAD="$WT_LIB" WT_POLICY="$3")" "$2"
}

sees_a_loss() { # seed, what it is without that library
	! is "$(by_valgrind "$1" LD_PRELOAD="$work/LOSES_MEMORY.so")" "$2" >/dev/null
}

under_valgrind() {
	local seed plain rule

	check "valgrind: a library that LOSES_MEMORY is built" wrong_library LOSES_MEMORY ''
	for seed in $seeds; do
		plain=$(by_valgrind "$seed")
		for rule in "${rules[@]:0:2}"; do
			check "valgrind: program $seed as without libwt, $rule" same_by_valgrind "$seed" "$plain" "$rule"
		done
	done
	check "valgrind: what is lost is seen" sees_a_loss "$seed" "$plain"
}

under address READS_PAST_THE_END "-fsanitize=address,undefined"
under thread COUNTS_IN_A_RACE "-fsanitize=thread"
under_valgrind
finish

# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # shared with the scripts that read it
#
# A program does the same work without libwt and under `*=dsync` over all that it writes. Read by
# tests/apps/programs*.sh, after database.sh. A script has for each program
#
#   NAME_run     its work, in $dir, which is empty and the working directory
#   NAME_result  prints what has to be the same without libwt
#
# and `carry_out NAME`, which calls NAME_run.
#
# The program's own syncs do nothing, with libwt and without: what is dirty in the page cache
# afterwards went past libwt, so the report has to name it. Without libwt there has to be something
# dirty, or this could not be seen.

export LC_ALL=C
launcher=$WT_TOP/wt-preload.sh
nosync=$work/nosync.so
scale=1
[ -z "${WT_SOAK:-}" ] || scale=10

# The files of $dir with pages that are dirty or under writeback.
dirty_files() {
	find "$dir" -type f -exec "${dirty[@]}" {} + 2>>"$work/vanished" |
		awk '$1 + $2 > 0 { sub(/^[0-9]+ [0-9]+ [0-9]+ /, ""); print }' | sort
}

# look [SECONDS]...: adds to $work/dirty the names of the dirty files; under libwt of those that
# still are after so many seconds: a server can be in the middle of a write.
look() {
	local pause
	[ "$level" != control ] || set --
	dirty_files >"$work/seen"
	for pause; do
		[ -s "$work/seen" ] || break
		sleep "$pause"
		dirty_files >"$work/seen_again"
		comm -12 "$work/seen" "$work/seen_again" >"$work/seen_always"
		mv "$work/seen_always" "$work/seen"
	done
	cat "$work/seen" >>"$work/dirty"
}

prepare_nosync() { "${CC:-cc}" -shared -fPIC -o "$nosync" "$WT_TOP/tests/apps/lib/nosync.c"; }

# rule_all LEVEL: after begin, a rule for all of $dir in place of the preset.
rule_all() {
	level=$1
	under=(env "LD_PRELOAD=$nosync")
	[ "$level" = control ] ||
		under+=("$launcher" -p "$dir/*=$level" -r "$reports/%e-%p.json" --)
}

# run_once NAME LEVEL PLACE
run_once() {
	begin "$1" "$2" "$3" || return 1
	run="$1, $run"
	dirty=("$WT_OBJ/tests/prog/dirty")
	[ "$3" != XFS ] || dirty+=(-d "$WT_TEST_XFS_DEV") # dirty.c says why
	rule_all "$2"
	: >"$work/dirty"
	cd "$dir" || return 1
	carry_out "$1" >"$work/$2.out" 2>&1
	status=$?
	look
	"$1_result" >"$work/$2.result" 2>&1
	cd /
}

# Somebody else's sync(2) may clean the pages just before the look.
run_control() {
	local try
	for try in 1 2 3; do
		run_once "$1" control "$2" || return 1
		[ ! -s "$work/dirty" ] || break
	done
	check "$run: it runs" went_well control
	check "$run: pages are dirty" test -s "$work/dirty"
	note "$(sort -u "$work/dirty" | wc -l) files dirty"
}

went_well() {
	cat "$work/$1.out"
	[ "$status" = 0 ] && [ -s "$work/$1.result" ]
}

same() { diff "$work/control.result" "$work/dsync.result"; }

# All that the reports name, a line each: path, tab, way.
named() { jq -r '.not_covered[] | "\(.path)\t\(.way)"' "$reports"/*.json | sort -u; }

# The table of a report is finite: a path of null stands for what went beyond it, and names nothing.
no_dirty_file_unnamed() {
	sort -u "$work/dirty" | comm -23 - <(named | cut -f 1 | sort -u) | { ! grep .; }
}

no_other_hole() { named | grep -Evx "$holes" | { ! grep .; }; }

no_other_fall() { jq -r '(.falls + .errors_shared)[].reason' "$reports"/*.json | grep -Evx "$falls" | { ! grep .; }; }

each_write_counted() {
	jq -s -e '[.[].rules[]] | {writes: map(.writes) | add, errors: map(.errors) | add} |
		., (.writes > 0 and (.errors == 0 or $refused != ""))' --arg refused "$refused" \
		"$reports"/*.json
}

# try NAME PLACE. What the program cannot be without is set before it:
holes=   # an expression for the lines of `named`
falls=   # an expression for the reasons of falls
refused= # yes: it may make writes that fail, with libwt and without
try() {
	run_control "$1" "$2" || return
	run_once "$1" dsync "$2"
	check "$run: it runs" went_well dsync
	check "$run: the results are the same as without libwt" same
	check "$run: no file is dirty that the report does not name" no_dirty_file_unnamed
	check "$run: nothing else is named" no_other_hole
	check "$run: the report counts its writes and errors" each_write_counted
	check "$run: no other engine was needed" no_other_fall
	note "$(sort -u "$work/dirty" | wc -l) files dirty, $(named | wc -l) named"
	rm -rf "$dir"
}

# tree [FIND-EXPRESSION]: names, kinds, modes and contents of what is below the working directory.
tree() {
	find . "$@" -printf '%P %y %m %l\n' | sort
	find . "$@" -type f -exec sha256sum {} + | sort -k 2
}

#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The manual pages are well-formed and complete: each name that a user meets (variable, symbol,
# option, preset, JSON key) is taken from where it is defined and looked for in the page.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"

libwt=$WT_TOP/shim/man/libwt.7
preload=$WT_TOP/shim/man/wt-preload.1

# The words of a page as a reader sees them, one a line; with a second argument, of that section.
words() {
	mandoc -T ascii "$1" | sed 's/.\x08//g' |
		awk -v section="${2:-}" '/^[A-Z]/ { in_it = ($0 == section) } section == "" || in_it' |
		grep -oE '[A-Za-z0-9_-]+' | sort -u
}

# missing FILE-OF-WORDS: which of the names on standard input are not there. None at all is a fault
# too: then the place that they were taken from has changed.
missing() {
	sort -u >"$work/names"
	[ -s "$work/names" ] || echo "found no name to look for"
	comm -23 "$work/names" "$1"
}

variables() { sed -n 's/^[[:space:]]*X(\(WT_[A-Z_]*\)).*/\1/p' "$WT_TOP/shim/state/config.c"; }
symbols() {
	sed -n -e 's/^WT_\(SYMBOL\|LIBC\|URING\)([^,]*, *\([A-Za-z0-9_]*\),.*/\2/p' \
		-e 's/^WT_SAME(\([A-Za-z0-9_]*\),.*/\1/p' "$WT_TOP/shim/os/symbols.def"
}

# The system calls that libwt makes of its own accord, for whoever writes a filter; of an io_uring's
# the page tells apart from these.
own_calls() {
	grep -rohE --include='*.c' --exclude=real.c --exclude-dir=edge \
		'\bSYS_[a-z0-9_]+' "$WT_TOP/shim" |
		sed 's/^SYS_//' | grep -v '^io_uring_'
}

short_options() {
	sed -n 's/.*getopts \([^ ]*\) .*/\1/p' "$WT_TOP/wt-preload.sh" | grep -o '[A-Za-z]' | sed 's/^/-/'
}
long_options() { "$WT_TOP/wt-preload.sh" --help | grep -oE -- '--[a-z][a-z-]*'; }
presets() { "$WT_OBJ/wt-tool" presets | sed -n 's/^# \([a-z]*\):.*/\1/p'; }

# The keys of the report of a process in which a write fell and another had no disk below.
json_keys() {
	local dir=${WT_TEST_EXT4:-$work} no_disk=${WT_TEST_TMPFS:-/dev/shm}
	env -i PATH="$PATH" LD_PRELOAD="$WT_LIB" WT_REPORT="$work/report.json" \
		WT_POLICY='*.wt-man-falls=dsync,engine=direct;*.wt-man-bare=dsync' \
		sh -c "echo >'$dir/$$.wt-man-falls'; echo >'$no_disk/$$.wt-man-bare'"
	rm -f "$dir/$$.wt-man-falls" "$no_disk/$$.wt-man-bare"
	jq -r 'if .falls[0] and .not_covered[0] then [.. | objects | keys[]] | unique[] else empty end' \
		"$work/report.json"
}

# The policies that the pages give as examples, one a line.
examples() {
	{
		sed -n "s/^\.Dl \(.*=.*;.*\)/\1/p" "$libwt"
		sed -n "s/.*\(-p \|WT_POLICY=\)'\([^']*\)'.*/\2/p" "$libwt" "$preload"
	} | sed 's/\\e/\\/g'
}

refused_examples() {
	local rules count=0
	while IFS= read -r rules; do
		count=$((count + 1))
		"$WT_OBJ/wt-tool" policy -p "$rules" >/dev/null || echo "$rules"
	done < <(examples)
	[ $count -ge 3 ] || echo "found only $count examples"
}

words "$libwt" >"$work/libwt"
words "$preload" >"$work/preload"
words "$libwt" "INTERPOSED SYMBOLS" >"$work/symbols"

for page in "$libwt" "$preload"; do
	pass_unless "${page##*/} is well-formed" "$(mandoc -T lint -W warning "$page" 2>&1)"
done
pass_unless "every variable is in libwt(7)" "$(variables | missing "$work/libwt")"
pass_unless "every interposed symbol is in libwt(7)" "$(symbols | missing "$work/symbols")"
pass_unless "every system call of libwt's own is in libwt(7)" "$(own_calls | missing "$work/libwt")"
pass_unless "every short option is in wt-preload(1)" "$(short_options | missing "$work/preload")"
pass_unless "every long option is in wt-preload(1)" "$(long_options | missing "$work/preload")"
pass_unless "every preset is in wt-preload(1)" "$(presets | missing "$work/preload")"
pass_unless "every key of the JSON report is in libwt(7)" "$(json_keys | missing "$work/libwt")"
pass_unless "every example of a policy is one" "$(refused_examples)"

# Words with an underscore or a 64 at the end are symbols: none may be left of an older library.
stale=$(grep -E '^_|64(v2)?$' "$work/symbols" | grep -vxF "$(symbols)")
pass_unless "libwt(7) lists no symbol that is not interposed" "$stale"

# The checks themselves: a name that is in no page is missed, and so is an empty list.
caught=$(echo WT_NO_SUCH_NAME | missing "$work/libwt")
pass_unless "a name that is missing is noticed" "$([ "$caught" = WT_NO_SUCH_NAME ] || echo "$caught")"
caught=$(missing "$work/libwt" </dev/null)
pass_unless "a list without names is noticed" "$([ -n "$caught" ] || echo "nothing said")"
finish

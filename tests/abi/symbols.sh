#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What libwt.so shows to the world: exactly the symbols of its list and of its API, a need for libc
# and nothing else, a manual that names each symbol and no other, and a test that calls each.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"

cd "$WT_TOP" || exit 1

interposed() {
	sed -n -e 's/^WT_\(SYMBOL\|LIBC\|URING\)([^,]*, *\([a-zA-Z0-9_]*\),.*/\2/p' \
		-e 's/^WT_SAME(\([a-zA-Z0-9_]*\),.*/\1/p' shim/os/symbols.def | sort -u
}

# Functions that the header declares, as the compiler sees them.
api() {
	echo '#include <wt.h>' | gcc -E -P -Iinclude -include sys/uio.h - |
		grep -oE '\bwt_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u
}

exported() {
	nm -D --defined-only "$WT_LIB" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u
}

exports_are_the_list() {
	interposed >"$work/interposed"
	api >"$work/api"
	sort -u "$work/interposed" "$work/api" >"$work/wanted"
	exported >"$work/exported"
	echo "< wanted by shim/os/symbols.def or include/wt.h, > exported"
	[ "$(wc -l <"$work/interposed")" -gt 40 ] && diff "$work/wanted" "$work/exported"
}

needs_only_libc() {
	readelf -d "$WT_LIB" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >"$work/needed"
	grep -qx 'libc\.so\.6' "$work/needed" &&
		! grep -vx -e 'libc\.so\.6' -e 'ld-linux-.*\.so\.[0-9]*' "$work/needed"
}

# Text and data of liburing are inside, its names are not.
no_foreign_names() {
	! nm -D "$WT_LIB" | grep wt_own_
}

# The first column of its table.
manual_is_the_list() {
	sed -n '/^\.Sh INTERPOSED SYMBOLS/,/^\.El/{ s/^\.It \([^"]*\) Ta .*/\1/p }' shim/man/libwt.7 |
		tr -s ', ' '\n' | grep -v '^Sy$\|^symbol$' | sort >"$work/manual"
	interposed >"$work/interposed"
	echo "< shim/os/symbols.def, > libwt(7)"
	diff "$work/interposed" "$work/manual"
}

version_script_is_the_list() {
	sed -n '/global:/,/local:/{ s/global:\|local:.*//; p }' shim/libwt.map |
		tr -s '; \t' '\n' | grep . | sort >"$work/map"
	{ interposed && api; } | sort >"$work/wanted"
	echo "< wanted by shim/os/symbols.def or include/wt.h, > shim/libwt.map"
	diff "$work/wanted" "$work/map"
}

# The list of cases is compiled from the same list; here is that each symbol is really called.
tests_call_each() {
	nm -D --undefined-only "$WT_OBJ/tests/prog/symbol" |
		sed 's/.* //; s/@.*//' | sort -u >"$work/called"
	interposed >"$work/interposed"
	echo "not called by tests/abi/symbol:"
	! comm -23 "$work/interposed" "$work/called" | grep .
}

check "exports the interposed symbols and the API, nothing else" exports_are_the_list
check "needs libc and nothing else" needs_only_libc
check "keeps liburing's names to itself" no_foreign_names
check "the version script names these" version_script_is_the_list
check "libwt(7) names the interposed symbols and no others" manual_is_the_list
check "the tests call each symbol" tests_call_each
finish

#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What libwt.so shows to the world: exactly the symbols of its list and of its API, a need for libc
# and nothing else, a manual that names each symbol and no other, a test that calls each, and no
# warning from either compiler.

cd "${WT_TOP:?run by tests/run}" || exit 1

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tests=0

# check NAME COMMAND...: what the command prints on failure becomes the diagnosis.
check() {
	local name=$1 output
	shift
	tests=$((tests + 1))
	if output=$("$@" 2>&1); then
		echo "ok $tests - $name"
	else
		echo "not ok $tests - $name"
		printf '%s\n' "$output" | sed 's/^/# /'
	fi
}

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
	interposed >"$scratch/interposed"
	api >"$scratch/api"
	sort -u "$scratch/interposed" "$scratch/api" >"$scratch/wanted"
	exported >"$scratch/exported"
	echo "< wanted by shim/os/symbols.def or include/wt.h, > exported"
	[ "$(wc -l <"$scratch/interposed")" -gt 40 ] && diff "$scratch/wanted" "$scratch/exported"
}

needs_only_libc() {
	readelf -d "$WT_LIB" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >"$scratch/needed"
	grep -qx 'libc\.so\.6' "$scratch/needed" &&
		! grep -vx -e 'libc\.so\.6' -e 'ld-linux-.*\.so\.[0-9]*' "$scratch/needed"
}

# Text and data of liburing are inside, its names are not.
no_foreign_names() {
	! nm -D "$WT_LIB" | grep wt_own_
}

# The first column of its table.
manual_is_the_list() {
	sed -n '/^\.Sh INTERPOSED SYMBOLS/,/^\.El/{ s/^\.It \([^"]*\) Ta .*/\1/p }' shim/man/libwt.7 |
		tr -s ', ' '\n' | grep -v '^Sy$\|^symbol$' | sort >"$scratch/manual"
	interposed >"$scratch/interposed"
	echo "< shim/os/symbols.def, > libwt(7)"
	diff "$scratch/interposed" "$scratch/manual"
}

version_script_is_the_list() {
	sed -n '/global:/,/local:/{ s/global:\|local:.*//; p }' shim/libwt.map |
		tr -s '; \t' '\n' | grep . | sort >"$scratch/map"
	{ interposed && api; } | sort >"$scratch/wanted"
	echo "< wanted by shim/os/symbols.def or include/wt.h, > shim/libwt.map"
	diff "$scratch/wanted" "$scratch/map"
}

# The list of cases is compiled from the same list; here is that each symbol is really called.
tests_call_each() {
	nm -D --undefined-only "$WT_OBJ/tests/prog/symbol" |
		sed 's/.* //; s/@.*//' | sort -u >"$scratch/called"
	interposed >"$scratch/interposed"
	echo "not called by tests/abi/symbol:"
	! comm -23 "$scratch/interposed" "$scratch/called" | grep .
}

builds_without_warning() {
	local out=$scratch/$1
	make --no-print-directory CC="$1" OBJ="$out" LIB="$out.so" CFLAGS="-O2 -g -Werror" \
		"$out.so" "$out/wt-tool"
}

compiler_test() {
	if command -v "$1" >/dev/null; then
		check "builds without a warning with $1" builds_without_warning "$1"
	else
		tests=$((tests + 1))
		echo "ok $tests - builds without a warning with $1 # SKIP $1 is not installed"
	fi
}

echo 1..8
check "exports the interposed symbols and the API, nothing else" exports_are_the_list
check "needs libc and nothing else" needs_only_libc
check "keeps liburing's names to itself" no_foreign_names
check "the version script names these" version_script_is_the_list
check "libwt(7) names the interposed symbols and no others" manual_is_the_list
check "the tests call each symbol" tests_call_each
compiler_test gcc
compiler_test clang

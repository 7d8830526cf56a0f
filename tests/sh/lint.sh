#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What the sources show without being run (make lint): shellcheck on every shell script; on every C
# file clang-format and the warnings of gcc and clang; cppcheck on the library, its tool and the
# benches. Each is run in a small tree too that has faults, and has to find them.

# shellcheck disable=SC2016 # what is wrong with the scripts of the control
# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh
. "${0%/*}/../lib/tap.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL
top=${WT_TOP:-$(readlink -f "${0%/*}/../..")}
jobs=$(nproc)

# Each of these checks the tree that it is run in, and says what is wrong there.

files() { # what find is to look for; but not among what was built
	find . \( -path ./.git -o -path ./obj \) -prune -o -type f "$@"
}

# A script is known by its name or by its first line.
shellcheck_says() {
	files -exec awk 'FNR == 1 && (FILENAME ~ /\.sh$/ || /^#!.*[\/ ](ba|da)?sh( |$)/) {
			printf "%s%c", FILENAME, 0
		}
		{ nextfile }' {} + | xargs -0 -P "$jobs" -n 4 shellcheck --external-sources -f gcc
}

clang_format_says() {
	files -name '*.[ch]' -print0 | xargs -0 -P "$jobs" -n 64 clang-format --dry-run -Werror
}

# Where a comment is a little too long clang-format moves its end alone onto another line.
comments_say() {
	files -name '*.[ch]' -exec awk '
		/^[ \t]*\/\*.*[^*]$/ && !/\*\// { begin = FNR }
		begin && /^[ \t]*\*\/$/ { print FILENAME ":" FNR ": the end of a comment stands alone" }
		/\*\// { begin = 0 }' {} +
}

# Not the tests: they call with bad arguments on purpose and leave it to exit(3) to close and free,
# and among seventy reports of them two were faults. To cppcheck only the address 0 is a failure.
cppcheck_says() {
	cppcheck --quiet --template=gcc --std=c11 --enable=warning,portability --library=posix,gnu \
		--suppressions-list="$top/tests/lib/cppcheck" -D__linux__ -D__x86_64__ -D__GNUC__ \
		-DMAP_FAILED=0 -DWT_VERSION='""' -Ishim -Iinclude shim bench 2>&1
}

# With the flags that the Makefile has for each file. REPORTS and VERSION are given by the scripts
# that compile the two sources which use them. gcc finds some things only where it optimizes.
compiler_says() { # compiler, its flags
	files -name '*.c' -printf "$work/$1/o/%P\n" | sed 's/c$/o/' |
		xargs make -k -s -j "$jobs" OBJ="$work/$1" CC="$1" CFLAGS="$2" \
			CPPFLAGS='-DREPORTS=\"\" -DVERSION=\"\"' >/dev/null
}
gcc_says() { compiler_says gcc -O2; }
clang_says() { compiler_says clang -fsyntax-only; }

# The faults.
mkdir -p "$work/control/shim" "$work/control/bench"
cd "$work/control" || exit 1
cp "$top/.clang-format" "$top/Makefile" .
printf '%s\n' '#!/bin/sh' 'cd $1' >launcher
printf '%s\n' '# shellcheck shell=bash' 'words=(a b)' 'words=c' 'echo "$words"' >list.sh
cat >shim/fault.c <<'EOF'
int wt_last(void);
int wt_last(void)
{
	int all[2] = { 1, 2 };

	return all[2];
}
EOF
cat >shim/names.c <<'EOF'
int  last();

int wt_at;

int wt_next(int wt_at) { return wt_at + 1; }
EOF
printf '%s\n' '/* A comment whose end stands alone.' ' */' >shim/comment.h

says_nothing() { # check
	cd "$top" || return
	"$1" 2>&1 | head -n 50 >"$work/finds"
	cat "$work/finds"
	[ ! -s "$work/finds" ]
}

finds() { # check, what it has to say
	local check=$1 fault
	shift
	cd "$work/control" || return
	"$check" >"$work/finds" 2>&1
	cat "$work/finds"
	for fault; do grep -qF -e "$fault" "$work/finds" || return; done
}

# holds NAME TOOL CHECK FAULT...: the tree has no faults of the check's kind, the control has these.
holds() {
	local name=$1 tool=$2
	shift 2
	if ! command -v "$tool" >/dev/null; then
		skip "$name" "$tool is not installed (package $tool)"
		return
	fi
	check "$name" says_nothing "$1"
	check "and where that is not so it is found" finds "$@"
}

holds "shellcheck has nothing to say of the scripts" shellcheck shellcheck_says \
	./launcher:2: SC2086 ./list.sh:3: SC2178
version=$(clang-format --version 2>/dev/null | sed 's/.*version \([0-9]*\).*/\1/')
if [ "${version:-14}" = 14 ]; then
	holds "every C file is as clang-format lays it out" clang-format clang_format_says \
		./shim/names.c:1: -Wclang-format-violations
else
	skip "every C file is as clang-format lays it out" \
		"this machine: clang-format $version, which lays some lines out in another way than 14"
fi
holds "no comment ends in a line of nothing" awk comments_say "./shim/comment.h:2: "
holds "cppcheck has nothing to say of library, tool and benches" cppcheck cppcheck_says \
	shim/fault.c:6: arrayIndexOutOfBounds
for compiler in gcc clang; do
	holds "$compiler has no warning for any C file" "$compiler" ${compiler}_says \
		shim/names.c: -Wstrict-prototypes -Wmissing-prototypes -Wshadow
done
finish
[ $tests_failed = 0 ]

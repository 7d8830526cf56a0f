#!/bin/bash
# SPDX-License-Identifier: MIT
# The floors of shim/README.md hold: each is a folder, and every file includes and calls only what
# stands in its own folder or below it. No two files need each other, and none is too long to read.
# Each module below core/ has a file of unit tests, or stands here with the reason why not.
# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091
. "${0%/*}/../lib/tap.sh"

cd "$WT_TOP" || exit 1
objects=$WT_OBJ/o

# shellcheck disable=SC2016 # the table's
mapfile -t floors < <(sed -n '/^## Floors/,/^## Objects/s/^| `\([a-z]*\)\/` |.*/\1/p' shim/README.md)
declare -A height
for i in "${!floors[@]}"; do height[${floors[i]}]=$i; done
height_of() { # a file below shim/
	local floor=${1%%/*}
	echo "${height[$floor]:--1}"
}

folders=$(cd shim && find . -name '*.[ch]' -printf '%P\n' | sed 's|/.*||' | sort -u | tr '\n' ' ')
named=$(printf '%s\n' "${floors[@]}" | sort | tr '\n' ' ')

upward=
while read -r file header; do
	[ "$(height_of "$header")" -le "$(height_of "$file")" ] || upward+=" $file->$header"
done < <(cd shim && grep -rno --include='*.[ch]' '^#include "[a-z_/]*/[a-z_]*\.h"' . |
	sed 's|^\./\([^:]*\):[0-9]*:#include "\(.*\)"|\1 \2|')

# Who calls whom, by the objects: a file and the file that defines what it lacks. The exported
# functions lead to the edges by name only, and an edge of another edge's symbol is the program's.
sources=$(cd shim && find . -name '*.c' ! -path ./edge/front.c -printf '%P\n')
# shellcheck disable=SC2086 # the names of sources have no blanks
calls=$(cd "$objects/shim" && nm -A ${sources//.c/.o} | awk '
	{ sub(/:.*/, "", $1); type = $(NF - 1); name = $NF }
	type == "U" { wants[$1 " " name] }
	type ~ /^[TDBRVW]$/ && name ~ /^wt_/ { defines[name] = defines[name] " " $1 }
	END {
		for (want in wants) {
			split(want, w, " ")
			count = split(defines[w[2]], in_, " ")
			for (i = 1; i <= count; i++)
				if (in_[i] != w[1]) print w[1], in_[i]
		}
	}' | sort -u)
called_upward=
while read -r file callee; do
	[ "$(height_of "$callee")" -le "$(height_of "$file")" ] || called_upward+=" $file->$callee"
done <<<"$calls"
circles=$(tsort <<<"$calls" 2>&1 >/dev/null | sed 's/^tsort: -: input contains a loop://; s/^tsort: -: //' | tr '\n' ' ')

long=$(find shim -name '*.[ch]' -exec wc -l {} + | awk '$2 != "total" && $1 > 500 { printf " %s:%d", $2, $1 }')
# A function starts after an unindented line that ends in ")" and ends at an unindented "}".
functions=$(find shim -name '*.[ch]' -exec awk '
	/^{$/ { start = FNR }
	/^}/ && start { if (FNR - start > 70) printf " %s:%d", FILENAME, start; start = 0 }' {} +)

# By what it includes, as two floors may have a module of one name.
has_test() { # floor, name
	grep -qs "^#include \"$1/" "tests/unit/test_$2.c"
}
declare -A untested=(
	[state/apart]="one word"
	[state/fs_kind]="a table"
	[report/figures]="by test_report, in both forms"
	[report/json]="by test_report, as the report is written"
	[report/text]="by test_report, as the report is written"
)
without_test=
for floor in "${floors[@]}"; do
	[ "$floor" != core ] || break
	for source in shim/"$floor"/*.c; do
		module=$floor/$(basename "$source" .c)
		if has_test "$floor" "${module#*/}"; then
			[ -z "${untested[$module]-}" ] || without_test+=" $module: has one"
		elif [ -z "${untested[$module]-}" ]; then
			without_test+=" $module: has none"
		fi
		unset "untested[$module]"
	done
done
for module in "${!untested[@]}"; do without_test+=" $module: is no module"; done

pass_unless "each folder is a floor of the table, and each floor a folder" "$([ "$folders" = "$named" ] || echo "$folders/ $named")"
pass_unless "no file includes a header from above" "$upward"
pass_unless "the objects were found" "$([ "$(wc -l <<<"$calls")" -gt 200 ] || echo "only $(wc -l <<<"$calls") calls below $objects")"
pass_unless "no object calls one from above" "$called_upward"
pass_unless "no two files need each other" "${circles% }"
pass_unless "no file is longer than 500 lines" "$long"
pass_unless "no function is longer than 70 lines" "$functions"
pass_unless "each module below core/ has a file of unit tests, or a reason" "$without_test"
finish

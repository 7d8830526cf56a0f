#!/bin/bash
# SPDX-License-Identifier: MIT
# The floors of shim/README.md hold: every file stands on one, and includes nothing from above.
set -u
cd "${WT_TOP:-.}" || exit 1

declare -A floor
while IFS='|' read -r _ number _ files _; do
	[[ $number =~ ^\ *[0-9]+\ *$ ]] || continue
	for name in $files; do
		floor[$name]=$((number))
	done
done < <(sed -n '/^## Floors/,/^## Objects/p' shim/README.md)

missing=
upward=
for file in shim/*.[ch]; do
	name=$(basename "${file%.*}")
	if [ -z "${floor[$name]:-}" ]; then
		missing+=" $name"
		continue
	fi
	while read -r header; do
		above=${floor[${header%.h}]:-}
		[ -z "$above" ] && continue
		[ "$above" -le "${floor[$name]}" ] || upward+=" $name->$header"
	done < <(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file")
done

result() { # number, name, what is wrong
	if [ -z "$3" ]; then echo "ok $1 - $2"; else echo "not ok $1 - $2"; echo "#$3"; fi
}
echo 1..3
result 1 "the table names floors" "$([ ${#floor[@]} -gt 20 ] || echo " only ${#floor[@]} files")"
result 2 "every file stands on a floor" "$missing"
result 3 "no file includes a header from above" "$upward"

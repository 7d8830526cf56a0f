#!/bin/bash
# SPDX-License-Identifier: MIT
# Each of the 22 traps of tests/README.md is held by a test, and each test that it names exists.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091
. "${0%/*}/../lib/tap.sh"

# Of each trap its number, and a line for each test: part and name.
sed -n '/^## Traps/,/^## How/p' "$WT_TOP/tests/README.md" | awk -F' *\\| *' '
	$2 ~ /^[0-9]+$/ {
		n = split($4, tests, /; /)
		for (i = 1; i <= n; i++) {
			name = tests[i]
			sub(/^`[a-z-]*` /, "", name)
			split(tests[i], words, "`")
			print $2 "\t" words[2] "\t" name
		}
		if ($4 == "") print $2
	}' >"$work/table"

"$WT_OBJ/tests/system" --list | sed 's/\x1b\[[0-9;]*m//g' |
	awk '/: [0-9]+ tests?$/ { suite = $1; sub(/:$/, "", suite); next } { print suite "/" $NF }' >"$work/system"

missing() { # part, name
	if [ "$1" = system ]; then
		grep -qxF -- "$2" "$work/system"
	else
		grep -qF -- "$2" "$WT_TOP"/tests/*/"$1.sh"
	fi || echo "\`$1\` has no '$2'"
}

held() { # trap
	local part name wrong=''
	while IFS=$'\t' read -r _ part name; do
		[ -n "$part" ] || wrong+="no test is named"
		[ -z "$part" ] || wrong+=$(missing "$part" "$name")
	done < <(awk -F'\t' -v trap="$1" '$1 == trap' "$work/table")
	echo "$wrong"
}

check "the table has the 22 traps" is "$(cut -f1 "$work/table" | uniq | tr '\n' ' ')" "$(seq -s ' ' 22) "
for trap in $(cut -f1 "$work/table" | uniq); do
	pass_unless "trap $trap" "$(held "$trap")"
done
check "a test that does not exist is noticed, here and there" \
	is "$(missing system no/such)$(missing processes 'no such')" \
	"\`system\` has no 'no/such'\`processes\` has no 'no such'"
finish

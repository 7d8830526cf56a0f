#!/bin/bash
# SPDX-License-Identifier: MIT
# A vfork child shares its parent's memory but not its descriptors: what it does to its own must not
# take the parent's files out of their rules. Without libwt the parent's write stays dirty.
set -u
guest=$WT_OBJ/tests/prog/guest
file=${WT_TEST_EXT4:-}/guest.db
n=0

judge() { # what, expected, given
	n=$((n + 1))
	if [ "$2" = "$3" ]; then echo "ok $n - $1"; else
		echo "not ok $n - $1"
		echo "# expected $2 dirty pages, found: $3"
	fi
}

rules=('through' 'dsync' 'dsync,engine=direct' 'through,engine=direct,cache=drop')
echo "1..$((1 + ${#rules[@]}))"
if [ -z "${WT_TEST_EXT4:-}" ]; then
	for n in 1 2 3 4 5; do echo "ok $n - vfork # SKIP ${WT_TEST_EXT4_SKIP:-no ext4}"; done
	exit 0
fi
judge "without libwt both writes stay dirty" 2 "$("$guest" "$file")"
for rule in "${rules[@]}"; do
	rm -f "$file"
	judge "after a vfork child the parent is still written through: $rule" 0 \
		"$(env -i LD_PRELOAD="$WT_LIB" WT_POLICY="*.db=$rule" "$guest" "$file")"
done

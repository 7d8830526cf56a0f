#!/bin/bash
# SPDX-License-Identifier: MIT
# A vfork child shares its parent's memory but not its descriptors: what it does to its own must not
# take the parent's files out of their rules, and what the parent had under a number must not take out
# the child's. Without libwt each write stays dirty.
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
whose=('' open dup2)
titles=("the parent's, after its child put another file there" \
	"the child's, that it opened where its parent has another file" \
	"the child's, that it duplicated to there")
echo "1..$((${#whose[@]} * (1 + ${#rules[@]})))"
if [ -z "${WT_TEST_EXT4:-}" ]; then
	for n in {1..15}; do echo "ok $n - vfork # SKIP ${WT_TEST_EXT4_SKIP:-no ext4}"; done
	exit 0
fi
for i in "${!whose[@]}"; do
	rm -f "$file"
	judge "without libwt both writes stay dirty: ${titles[i]}" 2 \
		"$("$guest" "$file" ${whose[i]:+"${whose[i]}"})"
	for rule in "${rules[@]}"; do
		rm -f "$file"
		judge "a write is covered, ${titles[i]}: $rule" 0 \
			"$(env -i LD_PRELOAD="$WT_LIB" WT_POLICY="*.db=$rule" \
				"$guest" "$file" ${whose[i]:+"${whose[i]}"})"
	done
done

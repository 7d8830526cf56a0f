#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A child that runs in its parent's memory (vfork, clone with CLONE_VM) has descriptors of its own.
# What it does to them takes no file of its parent's out of its rule, and what its parent had under a
# number does not take out the child's; a child that shares the descriptors as well changes what the
# parent's numbers mean. The file has another name by then, by which its rule would not be found.
# acts.c lists what the children do. Without libwt each of these writes stays dirty.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091
. "${0%/*}/../lib/tap.sh"

program=$WT_OBJ/tests/prog/vfork
need_fs EXT4
dir=$WT_TEST_EXT4/vfork
mkdir "$dir"

dirty() { # RULE MAKER KIND ACT: pages, with RULE empty without libwt
	local libwt=()
	[ -z "$1" ] || libwt=("LD_PRELOAD=$WT_LIB" "WT_POLICY=*.db=$1" WT_LOG=error)
	rm -f "$dir"/*
	timeout -s KILL 20 env -i "PATH=$PATH" "${libwt[@]}" "$program" "$dir/child.db" "$2" "$3" "$4" 2>&1
}

# all MAKER KIND RULE...: says what is wrong with any act of that kind, and fails then.
all() {
	local maker=$1 kind=$2 act rule found wrong=0
	shift 2
	for act in $("$program" list "$kind"); do
		found=$(dirty '' "$maker" "$kind" "$act")
		[[ $found =~ ^[1-9] ]] || { wrong=1 && echo "$act: dirty pages without libwt: $found"; }
		for rule in "$@"; do
			found=$(dirty "$rule" "$maker" "$kind" "$act")
			[ "$found" = 0 ] || { wrong=1 && echo "$act, $rule: dirty pages: $found"; }
		done
	done
	return $wrong
}

for maker in vfork clone_vfork clone_vm; do
	check "a child's own descriptors take nothing from its parent's rules: $maker" \
		all $maker be through dsync dsync,engine=direct
	check "a child's writes are covered, whatever its parent has under their numbers: $maker" \
		all $maker write through dsync dsync,engine=direct
done
for maker in clone_files clone_files_vfork; do
	check "a child that shares the descriptors changes what its parent's mean: $maker" \
		all $maker share through dsync
done
finish

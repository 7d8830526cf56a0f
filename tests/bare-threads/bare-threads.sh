#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Threads that libc did not make: by clone(2), with its creator's thread-local storage, none, or some
# bytes without anything of libc's. They write as without libwt, and through; they end alone, and the
# last one ends the process with its own status. A thread in seccomp's strict mode is not killed for
# what libwt does: what it writes is named as not covered.
# bare.c and confined.c list the storages, calls and ways.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091
. "${0%/*}/../lib/tap.sh"

bare=$WT_OBJ/tests/prog/bare
confined=$WT_OBJ/tests/prog/confined
need_fs EXT4
dir=$WT_TEST_EXT4/bare-threads
mkdir "$dir"

# under RULE COMMAND...: what it prints and its exit status; RULE is empty without libwt.
under() {
	local rule=$1 libwt=()
	shift
	[ -z "$rule" ] || libwt=("LD_PRELOAD=$WT_LIB" "WT_POLICY=*.db=$rule" WT_LOG=error
		"WT_REPORT=$dir/report.json")
	rm -f "$dir"/*
	truncate -s 1M "$dir/x.db"
	# Its calls are bound before: to look them up a thread needs the storage.
	{ timeout -s KILL 20 env -i LD_BIND_NOW=1 "${libwt[@]}" "$@"; } 2>"$work/err"
	echo "status=$?"
} 2>/dev/null

# writes STORAGE RULE...: what libc itself cannot do in such a thread, nobody has to.
writes() {
	local storage=$1 call rule found wrong=0 able=0
	shift
	for call in $("$bare" list calls); do
		found=$(under '' "$bare" "$dir/x.db" "$storage" "$call" | tr '\n' ' ')
		case $found in
		"dirty="*" status=0 ") able=$((able + 1)) ;;
		*) continue ;;
		esac
		case $call,$found in
		f*sync,* | *dirty=[1-9]*) ;;
		*) wrong=1 && echo "$call without libwt: $found" ;;
		esac
		for rule in "$@"; do
			found=$(under "$rule" "$bare" "$dir/x.db" "$storage" "$call" | tr '\n' ' ')
			[ "$found" = "dirty=0 status=0 " ] || { wrong=1 && echo "$call, $rule: $found"; }
		done
	done
	[ $able -gt 10 ] || { wrong=1 && echo "only $able calls"; }
	return $wrong
}

for storage in $("$bare" list storages); do
	check "a thread of clone(2) writes through; its storage: $storage" \
		writes "$storage" through dsync dsync,engine=direct dsync,fsync=elide
done

crowd() { # STORAGE
	local rule found wrong=0
	found=$(under '' "$bare" "$dir/x.db" crowd "$1" | tr '\n' ' ')
	[[ $found =~ ^dirty=[1-9][0-9]*\ status=0\ $ ]] || { wrong=1 && echo "without libwt: $found"; }
	for rule in through dsync dsync,engine=direct through,engine=direct; do
		found=$(under "$rule" "$bare" "$dir/x.db" crowd "$1" | tr '\n' ' ')
		[ "$found" = "dirty=0 status=0 " ] || { wrong=1 && echo "$rule: $found"; }
	done
	return $wrong
}

for storage in $("$bare" list storages); do
	check "several write at once, each its own blocks; their storage: $storage" crowd "$storage"
done

exits() { # WAY
	local rule found wrong=0
	found=$(under '' "$bare" "$dir/x.db" exits "$1" | tr '\n' ' ')
	[[ $found =~ ^dirty=[1-9][0-9]*\ status=5\ $ ]] || { wrong=1 && echo "without libwt: $found"; }
	for rule in through dsync dsync,engine=direct; do
		found=$(under "$rule" "$bare" "$dir/x.db" exits "$1" | tr '\n' ' ')
		[ "$found" = "dirty=0 status=5 " ] || { wrong=1 && echo "$rule: $found"; }
		grep -q '"writes": *[1-9]' "$dir/report.json" || { wrong=1 && echo "$rule: no report"; }
	done
	return $wrong
}

for way in $("$bare" list ways); do
	check "a thread ends alone, and the last one ends the process: $way" exits "$way"
done

# as_without ENTER: the same status and bytes for each call and end, and the report names it.
as_without() {
	local call end rule expected found wrong=0
	for call in $("$confined" list calls); do
		for end in exit _exit; do
			expected=$(under '' "$confined" "$dir/x.db" "$1" "$call" "$end"; cksum "$dir/x.db")
			for rule in through dsync dsync,engine=direct; do
				found=$(under "$rule" "$confined" "$dir/x.db" "$1" "$call" "$end"
					cksum "$dir/x.db")
				[ "$found" = "$expected" ] || { wrong=1 && echo "$call, $end, $rule: $found"; }
				case $expected in *status=139*) continue ;; esac
				grep -q "strict mode" "$dir/report.json" ||
					{ wrong=1 && echo "$call, $end, $rule: not named"; }
			done
		done
	done
	return $wrong
}

for enter in $("$confined" list enters); do
	check "a thread in strict mode is not killed, and named: $enter" as_without "$enter"
done
finish

#!/bin/bash
# SPDX-License-Identifier: MIT
#
# libwt beside what else wants to be loaded before a program's own libraries, in front of it and behind
# it: allocators, libraries that drop syncs, drop the cache, or fake the time, sanitizers. Programs work
# as without libwt, files under a rule are covered, and libwt's own syncs and clock are its own.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"

need_fs EXT4
cd "$WT_TEST_EXT4" || exit 1
threads=$WT_OBJ/tests/prog/threads
sandbox=$WT_OBJ/tests/prog/sandbox
standing_still='2001-02-03 04:05:06'

multiarch=/usr/lib/$("${CC:-cc}" -dumpmachine)
declare -A others=(
	[eatmydata]=$multiarch/libeatmydata.so.1
	[nocache]=/usr/lib/nocache/nocache.so
	[faketime]=$multiarch/faketime/libfaketime.so.1
	[jemalloc]=$multiarch/libjemalloc.so.2
	[tcmalloc]=$multiarch/libtcmalloc_minimal.so.4
	[mimalloc]=$multiarch/libmimalloc.so.2
)
# Not libfaketime with them, which hangs at its start beside jemalloc.
all=:${others[eatmydata]}:${others[nocache]}:${others[jemalloc]}

# our NAME MACRO...: a library from preload.c.
our() {
	local name=$1
	shift
	"${CC:-cc}" -std=gnu11 -O1 -fPIC -shared -fno-builtin "${@/#/-D}" -o "$work/$name.so" \
		"$WT_TOP/tests/stacked/preload.c"
}

# preloaded LIBRARIES RULE COMMAND...: FAKETIME counts for libfaketime only.
preloaded() {
	local libraries=$1 rule=$2
	shift 2
	rm -f file report.json
	run timeout -s KILL 120 env FAKETIME="$standing_still" LD_PRELOAD="$libraries" \
		WT_POLICY="file*=$rule;*.db*=$rule" WT_REPORT="$PWD/report.json" "$@"
}

writes() { jq -s '[.[].rules[].writes] | add // 0' report.json 2>/dev/null; }

# Why the last run of `threads child`, nine writes, is not as it should be under libwt.
not_covered() {
	[ "$status" = 0 ] || echo "exit status $status: $(head -c 1000 "$work/err")"
	[ "$(writes)" = 9 ] || echo "'$(writes)' writes counted, not 9"
	[ "$(dirty_pages file)" = 0 ] || echo "$(dirty_pages file) dirty pages"
}

sql='create table a(b); insert into a values(1); insert into a select b + 1 from a; select sum(b) from a'

# stack NAME LIBRARIES-IN-ORDER
stack() {
	local rule wrong=
	for rule in dsync through,engine=direct; do
		preloaded "$2" $rule "$threads" child "$PWD/file"
		wrong+=$(not_covered)
	done
	rm -f test.db
	preloaded "$2" dsync sqlite3 test.db "$sql"
	wrong+=$(is "$status $(cat "$work/out")" "0 3") || wrong+=": sqlite3: $(cat "$work/err")"
	[ "$(writes)" -gt 5 ] || wrong+="sqlite3: '$(writes)' writes counted"
	pass_unless "trap 16: $1" "$wrong"
}

preloaded '' dsync "$threads" child "$PWD/file"
check "control: without libwt pages stay dirty" [ "$(dirty_pages file)" -gt 0 ]
for name in eatmydata nocache faketime jemalloc tcmalloc mimalloc; do
	if [ ! -e "${others[$name]}" ]; then
		skip "trap 16: $name" "${others[$name]} is not installed"
		continue
	fi
	stack "$name behind libwt" "$WT_LIB:${others[$name]}"
	stack "$name in front of it" "${others[$name]}:$WT_LIB"
done
stack "three of them behind it" "$WT_LIB$all"
stack "three of them in front of it" "${all#:}:$WT_LIB"
many=
for ((i = 0; i < 30; i++)); do
	echo "int many_$i;" | "${CC:-cc}" -x c -shared -fPIC -o "$work/many_$i.so" -
	many+=:$work/many_$i.so
done
stack "thirty libraries behind it" "$WT_LIB$many"
stack "thirty libraries in front of it" "${many#:}:$WT_LIB"

### libeatmydata drops the program's syncs, as its user wishes, and none of libwt's

# syncs LIBRARIES RULE DD-OPTION...: calls of fsync and fdatasync that eight writes of dd come to.
syncs() {
	local libraries=$1 rule=$2
	shift 2
	rm -f file
	strace -f -qq -e signal=none -e trace=fsync,fdatasync -o "$work/calls" -E LD_PRELOAD="$libraries" \
		-E WT_POLICY="file=$rule" dd if=/dev/zero of="$PWD/file" bs=4096 count=8 "$@" 2>"$work/err"
	grep -c '(' "$work/calls"
}

eat=${others[eatmydata]}
if [ -e "$eat" ]; then
	check "control: dd makes one sync" is "$(syncs '' off conv=fsync)" 1
	check "control: and none under libeatmydata" is "$(syncs "$eat" off conv=fsync)" 0
	for stack in "$WT_LIB:$eat" "$eat:$WT_LIB"; do
		where=$([ "$stack" = "$WT_LIB:$eat" ] && echo behind || echo "in front")
		check "libeatmydata $where: libwt syncs eight writes without an offset" \
			[ "$(syncs "$stack" dsync)" -ge 8 ]
		check "libeatmydata $where: the program's own sync is dropped" \
			is "$(syncs "$stack" off conv=fsync)" 0
	done
else
	skip "libeatmydata and syncs" "libeatmydata1 is not installed"
fi

### libfaketime: a clock that stands still

fake=${others[faketime]}
if [ -e "$fake" ]; then
	run env FAKETIME="$standing_still" LD_PRELOAD="$fake" date +%s.%N
	before=$(cat "$work/out")
	run env FAKETIME="$standing_still" LD_PRELOAD="$fake" date +%s.%N
	check "control: the clock stands still" is "$(cat "$work/out")" "$before"
	for stack in "$WT_LIB:$fake" "$fake:$WT_LIB"; do
		# Without an io_uring, writers wait for each other's answers: for a killed one a second.
		rm -f file
		run timeout -s KILL 120 "$sandbox" EPERM env FAKETIME="$standing_still" \
			LD_PRELOAD="$stack" WT_POLICY='file=dsync' "$threads" killed "$PWD/file" 1
		check "nobody waits for ever by it" [ "$status" -lt 128 ]
		preloaded "$stack" dsync "$threads" child "$PWD/file"
		check "and the report's times are true" jq -e '.rules[0].max_us > 0' report.json
	done
else
	skip "libfaketime's clock" "libfaketime is not installed"
fi

### Trap 4: an allocator that opens, reads and writes files with its lock held

our allocator ALLOCATOR
our recursive ALLOCATOR RECURSIVE
export WT_LOG=debug WT_LOG_FILE=$work/log
preloaded "$work/recursive.so" off sqlite3 :memory: "$sql"
check "control: an allocator that meets itself ends the program" is "$status" 99
for stack in "$WT_LIB:$work/allocator.so" "$work/allocator.so:$WT_LIB"; do
	for rule in through dsync,engine=direct; do
		export ALLOCATOR_FILE=$PWD/file-allocator
		rm -f "$ALLOCATOR_FILE"
		preloaded "$stack" $rule sqlite3 :memory: "$sql"
		wrong=$(is "$status $(cat "$work/out")" "0 3") || wrong+=" $(cat "$work/err")"
		[ "$(writes)" -gt 0 ] || wrong+=" no write counted"
		[ "$(dirty_pages "$ALLOCATOR_FILE")" = 0 ] || wrong+=" dirty pages"
		preloaded "$stack" $rule "$threads" burst "$PWD/file" 50 2
		wrong+=$(is "$status" 0) || wrong+=" threads: $(cat "$work/err")"
		unset ALLOCATOR_FILE
		pass_unless "trap 4: an allocator that writes $([ "${stack%%:*}" = "$WT_LIB" ] && echo behind ||
			echo in front), $rule" "$wrong"
	done
done
unset WT_LOG WT_LOG_FILE

### Trap 5: calls from constructors and destructors of other libraries

our early EARLY
export EARLY_FILE=$PWD/file-early
rm -f "$EARLY_FILE"
preloaded "$work/early.so" dsync "$threads" child "$PWD/file"
check "control: without libwt the calls succeed, and leave pages dirty" \
	is "$status $(grep '=' "$work/err" | tr '\n' ' ')" \
	"0 early_failed=0 early_dirty=1 late_failed=0 late_dirty=2 "
rm -f "$EARLY_FILE"
preloaded "$WT_LIB:$work/early.so" dsync "$threads" child "$PWD/file"
check "trap 5: calls of other libraries' constructors and destructors are covered" \
	is "$status $(grep '=' "$work/err" | tr '\n' ' ')" \
	"0 early_failed=0 early_dirty=0 late_failed=0 late_dirty=0 "
unset EARLY_FILE

### Trap 15: static TLS, of which libwt takes none

tls=$(readelf -lW "$WT_LIB" | awk '$1 == "TLS" { print $6 }')
check "trap 15: libwt has no thread-local variable" is "$tls" ""
run env WT_POLICY=file=dsync "$WT_OBJ/tests/prog/loader" "$WT_LIB" "$PWD/file"
expect "trap 15: it can be loaded by dlopen, and covers" status 0 out 0

### Trap 18: nobody's code is written over

# Of a process that has written under a rule: its mappings of code that are no longer the file's.
patched() {
	# shellcheck disable=SC2016 # awk's
	preloaded "$1" dsync,engine=direct awk '
		BEGIN {
			print "written" >"file"
			close("file")
			while ((getline <"/proc/self/smaps") > 0) {
				if ($1 ~ /^[0-9a-f]+-[0-9a-f]+$/) {
					code = $2 ~ /x/ ? $6 : ""
					if ($2 ~ /w.*x/) print "writable code:", $0
				} else if ($1 == "Anonymous:" && $2 && code ~ "^/")
					print code
			}
		}'
	cat "$work/out"
}

our patcher PATCHER
check "control: code that was written over is found" [ -n "$(patched "$work/patcher.so")" ]
check "trap 18: under libwt no code is" is "$(patched "$WT_LIB")" ""
check "and it was at work" [ "$(writes)" -gt 0 ]

### Sanitizers

# sanitized NAME FLAGS: compiles `threads` so; false where this compiler cannot.
sanitized() {
	"${CC:-cc}" -std=gnu11 -g -O1 -pthread -w "-fsanitize=$2" ${3:+"$3"} -o "$work/$1" \
		"$WT_TOP"/tests/threads/*.c 2>"$work/said"
}

runtime() { "${CC:-cc}" "-print-file-name=$1"; }
export ASAN_OPTIONS=detect_leaks=0

under_sanitizer() { # WHAT PROGRAM LIBRARIES
	preloaded "$3" dsync "$work/$2" child "$PWD/file"
	pass_unless "$1" "$(not_covered)"
}

if sanitized asan address; then
	preloaded "$WT_LIB" dsync "$work/asan" child "$PWD/file"
	check "address sanitizer's runtime wants to come first, and says so" \
		grep -q 'ASan runtime does not come first' "$work/err"
	under_sanitizer "a program with address sanitizer, its runtime in front" asan \
		"$(runtime libasan.so):$WT_LIB"
	export ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0
	under_sanitizer "or behind, where it is told not to look" asan "$WT_LIB:$(runtime libasan.so)"
	export ASAN_OPTIONS=detect_leaks=0
	sanitized asan-static address -static-libasan &&
		under_sanitizer "or with its runtime in the program" asan-static "$WT_LIB"
	sanitized tsan thread
	under_sanitizer "a program with thread sanitizer" tsan "$WT_LIB"
	sanitized tsan-static thread -static-libtsan &&
		under_sanitizer "or with its runtime in the program" tsan-static "$WT_LIB"
	under_sanitizer "with its runtime in front" tsan "$(runtime libtsan.so):$WT_LIB"
	under_sanitizer "or behind" tsan "$WT_LIB:$(runtime libtsan.so)"
else
	skip "sanitizers" "this machine: $(head -1 "$work/said")"
fi
cd / && finish

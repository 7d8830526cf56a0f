#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Where io_uring is forbidden by a seccomp(2) filter, that answers with an error or ends whoever asks,
# programs run on: libwt does not ask before a file under a rule needs it, asks once, where it can be
# deadly in a child that nobody sees, and WT_STRICT refuses the open of a file whose rule names the
# engine. What is forbidden is held against the same programs without a filter.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"

prog=$WT_OBJ/tests/prog
answers=(EPERM ENOSYS kill kill-thread trap)

need_fs EXT4
cd "$WT_TEST_EXT4" || exit 1

# under ANSWER RULES COMMAND...: in that sandbox, under libwt; $work/calls has the calls of io_uring.
under() {
	local answer=$1 rules=$2
	shift 2
	rm -f "$work/report.json"
	run timeout -k 1 120 "$prog/sandbox" "$answer" \
		strace -f -qq -e signal=none -e trace=io_uring_setup,io_uring_enter,io_uring_register \
		-o "$work/calls" -E LD_PRELOAD="$WT_LIB" -E "WT_POLICY=$rules" \
		-E WT_REPORT="$work/report.json" ${strict:+-E WT_STRICT=1} "$@"
}
strict=

setups() { grep -c 'io_uring_setup(' "$work/calls"; }
calls() { grep -vc 'resumed>' "$work/calls"; }
fall() { jq -r '.falls[] | "\(.from) to \(.to): \(.reason)"' "$work/report.json" | sort -u; }
fresh() { rm -rf ./* && truncate -s 1M file; }

# The bytes and the pages that footprint leaves are the same in all its runs that went well.
fresh
run "$prog/footprint" fds "$PWD/file"
cp file "$work/wanted" && cp "$work/out" "$work/wanted.fds"
check "control: without libwt pages stay dirty" [ "$(dirty_pages file)" -gt 0 ]

### The sandbox

for answer in "${answers[@]}"; do
	run "$prog/sandbox" "$answer" "$prog/sandbox" ask
	case $answer in
	E*) check "control: $answer is what io_uring_setup answers" is "$(head -n 1 "$work/out")" "io_uring=$answer" ;;
	*) check "control: $answer ends who calls io_uring_setup" is "$status" 159 ;;
	esac
done

### Not before it is needed, and never without a need

# not_asked NAME RULES COMMAND...
not_asked() {
	local name=$1 rules=$2
	shift 2
	fresh
	under kill "$rules" "$@"
	check "not asked for: $name" is "$status, $(calls) calls" "0, 0 calls"
}

not_asked "four threads, a file without a rule" 'other=dsync,engine=direct' \
	"$prog/footprint" fds "$PWD/file"
for level in async through dsync sync; do
	not_asked "one thread, $level" "file=$level" "$prog/footprint" rss "$PWD/file"
	[ $level = async ] || check "and no page is left dirty" is "$(dirty_pages file)" 0
done
not_asked "a file that is opened, read and closed" 'file=dsync,engine=direct' cat "$PWD/file"

### Once where it is needed

# judged WHAT SETUPS: the program ended well and did as without libwt, its file is clean.
judged() {
	local wrong=
	wrong+=$(is "$status" 0) || wrong+=", exit status: $(head -c 500 "$work/err")"
	wrong+=$(is "$(dirty_pages file)" 0) || wrong+=" dirty pages"
	wrong+=$(is "$(setups)" "$2") || wrong+=" calls of io_uring_setup: $(cat "$work/calls")"
	cmp file "$work/wanted" >>"$work/said" 2>&1 || wrong+="the file differs"
	cmp "$work/out" "$work/wanted.fds" >>"$work/said" 2>&1 || wrong+="the descriptors differ"
	pass_unless "$1" "$wrong"
}

for rule in through dsync through,engine=direct dsync,engine=direct; do
	fresh
	under allow "file=$rule" "$prog/footprint" fds "$PWD/file"
	check "control: four threads at $rule need io_uring" [ "$(setups)" -gt 0 ]
	for answer in "${answers[@]}"; do
		fresh
		under "$answer" "file=$rule" "$prog/footprint" fds "$PWD/file"
		judged "$answer, four threads at $rule: asked once, and done" 1
		[[ $rule != *direct ]] || check "and the report names the fall" \
			grep -q 'direct to .*: io_uring is refused here' <(fall)
	done
done

# Where a ring can be made and its descriptor cannot be registered (before Linux 5.18), it is of no use:
# that is found by one child and by one thread.
for rule in through dsync dsync,engine=direct; do
	fresh
	under linux-5.10 "file=$rule" "$prog/footprint" fds "$PWD/file"
	judged "as on Linux 5.10, four threads at $rule: asked once, and done" 2
done

# A filter that forbids something else: the child finds that, and nobody has to do without.
fresh
under allow file=dsync,engine=direct "$prog/threads" child "$PWD/file"
check "a filter that allows io_uring costs no file its engine" is "$status $(fall)" "0 "

### Nobody sees the child

for answer in kill trap; do
	fresh
	under $answer file=dsync,engine=direct "$prog/threads" child "$PWD/file"
	check "$answer: neither waitpid nor SIGCHLD tells of a child" \
		is "$(grep -xE '(no_child|told)=.' "$work/out" | tr '\n' ' ')" "no_child=1 told=0 "
	check "$answer: it was asked in a child" is "$(setups)" 1
done

# A forked child knows what its parent was told.
fresh
under kill file=dsync,engine=direct "$prog/threads" forked "$PWD/file" 3
check "forked children do not ask again" \
	is "$status, $(grep status "$work/out"), $(setups)" "0, status=0, 1"

mkdir core && cd core || exit 1
ulimit -c unlimited
run "$prog/sandbox" kill "$prog/sandbox" ask
if compgen -G '*' >/dev/null; then
	rm -f ./*
	under kill "$WT_TEST_EXT4/file=dsync,engine=direct" "$prog/threads" child "$WT_TEST_EXT4/file"
	check "the child leaves no core dump" is "$status, $(setups): $(ls)" "0, 1: "
else
	skip "the child leaves no core dump" "this machine: no core dumps here: $(cat /proc/sys/kernel/core_pattern)"
fi
ulimit -c 0
cd ..

### A program that answers for the kernel, by a handler for SIGSYS

fresh
run "$prog/sandbox" handle "$PWD/file"
expect "control: without libwt nothing is to be answered" status 0 out handled=0
for rule in through dsync dsync,engine=direct; do
	fresh
	run env LD_PRELOAD="$WT_LIB" WT_POLICY="file=$rule" "$prog/sandbox" handle "$PWD/file"
	check "$rule: what its handler answers is taken for an answer" is "$status" 0
	check "and it was asked" grep -q 'handled=[1-9]' "$work/out"
	check "and no page is left dirty" is "$(dirty_pages file)" 0
done

### WT_STRICT

strict=1
for answer in EPERM ENOSYS kill trap; do
	fresh
	echo old >file
	under "$answer" file=dsync,engine=direct dd if=/dev/zero of="$PWD/file" bs=4096 count=1
	expect "$answer, strict: a file whose rule names the engine is not opened" status 1
	check "and the reason is said" grep -q 'Operation not supported' "$work/err"
	check "and its contents are as they were" is "$(cat file)" old
	fresh
	under "$answer" file=dsync "$prog/footprint" fds "$PWD/file"
	judged "$answer, strict: a file whose level only wants it is served" 1
done
fresh
under allow file=dsync,engine=direct "$prog/threads" child "$PWD/file"
check "strict: where io_uring is allowed the file is served by its engine" is "$status $(fall)" "0 "
strict=

### What a filter has to allow

# calls_of ENVIRONMENT... -- COMMAND...: the system calls of the program, from its own first on.
calls_of() {
	strace -f -qq -e signal=none -o "$work/calls" "$@" </dev/null >"$work/out" 2>&1
	sed -n 's/^[0-9]* *\([a-z][a-z0-9_]*\)(.*/\1/p' "$work/calls" | sort -u
}

mandoc -T ascii "$WT_TOP/shim/man/libwt.7" | sed 's/.\x08//g' | tr -s ' \n' ' ' |
	grep -oE 'must allow what else .* refuses them' | grep -oE '[a-z0-9_]+\(2\)' |
	sed 's/(2)//' | sort -u >"$work/named"
check "libwt(7) has a list of them" [ "$(wc -l <"$work/named")" -gt 30 ]
for command in "threads child" "symbol rename" "symbol sendfile" "symbol splice" "symbol pwrite" \
	"symbol lio_listio" "symbol execve"; do
	extra=
	place='file'
	[ "${command% *}" = threads ] || place=place
	for rule in async through dsync dsync,engine=direct; do
		for env in A=a "LD_PRELOAD=$WT_LIB"; do
			fresh
			mkdir place
			# shellcheck disable=SC2086 # a program and its argument
			calls_of -E "$env" -E "WT_POLICY=file=$rule" -E WT_LOG=debug \
				-E "WT_LOG_FILE=$work/log" -E "WT_REPORT=$work/report.json" \
				"$prog/"$command "$PWD/$place" 3>/dev/null >"$work/${env%%=*}"
		done
		extra+=$(comm -13 "$work/A" "$work/LD_PRELOAD" | comm -23 - "$work/named" |
			grep -v '^io_uring_' | tr '\n' ' ')
	done
	check "$command: all that libwt calls is in it" is "$extra" ""
done

run "$prog/sandbox" kill "$WT_OBJ/wt-tool" probe .
check "--probe tells that the engine cannot be had" \
	grep -q '^ *dsync,direct *dsync *io_uring is refused here' "$work/out"
finish

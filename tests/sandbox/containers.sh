#!/bin/bash
# SPDX-License-Identifier: MIT
#
# In a container nothing fails at the start, each level is kept and exact, and what libwt has to do
# without is named: the system tests' programs run under the default seccomp profiles of Docker and
# containerd, as Debian packages them, with io_uring taken out as their later releases do
# (Docker 25, containerd 2.0), without any CAP_SYS_* capability, with little memory to lock, with a
# /proc that is read-only or not there, and as an older kernel would answer.
#
# The test stays outside, and its questions pass the filter (tests/lib/sandbox.h).

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"

prog=$WT_OBJ/tests/prog
packages=$WT_OBJ/packages sources=usr/share/gocode/src/github.com
tests_of_names='symbol|stolen|taken|descriptor|footprint|policy|reuse|scene' # their programs need /proc

### Profiles, as sandbox.h reads them

# What Docker's gives to a container without further capabilities.
docker_profile() {
	jq -r '.syscalls[]
		| select(.action == "SCMP_ACT_ALLOW" and (.includes.caps // []) == [])
		| select((.includes.arches // ["amd64"]) | index("amd64"))
		| (.args // [])[0] as $arg
		| (if $arg == null then ""
		   elif $arg.op == "SCMP_CMP_MASKED_EQ" then " \($arg.index) \($arg.value) \($arg.valueTwo // 0)"
		   else " \($arg.index) 4294967295 \($arg.value)" end) as $when
		| .names[] + $when' "$packages/golang-github-docker-docker-dev/$sources/docker/docker/profiles/seccomp/default.json"
}

# containerd's is a list in its source; what it adds for this machine and to any container follows.
containerd_profile() {
	awk '/syscalls := / { on = 1 }
		on && /Action:/ { exit }
		on && match($0, /"[a-z_0-9]+",/) { print substr($0, RSTART + 1, RLENGTH - 3) }' \
		"$packages/golang-github-containerd-containerd-dev/$sources/containerd/containerd/contrib/seccomp/seccomp_default.go"
	printf '%s\n' arch_prctl modify_ldt ptrace "clone 0 $((0x7e020000)) 0"
}

# Of a megabyte, and unpacked once: installed, each would bring a hundred others.
for package in golang-github-docker-docker-dev golang-github-containerd-containerd-dev; do
	"$WT_TOP/tests/lib/unpack" $package "$packages/$package" >"$work/fetched" 2>&1 ||
		skip_all "this machine: $package could not be fetched: $(tail -n 1 "$work/fetched")"
done
for name in docker containerd; do
	${name}_profile | grep -v '^io_uring_' >"$work/$name"
	check "$name's profile is a long list, with what each program needs" \
		[ "$(grep -cxE 'openat|pwritev2|fdatasync|execve|sync_file_range' "$work/$name")" = 5 ]
	run "$prog/sandbox" "profile=$work/$name" "$prog/sandbox" ask
	check "control: under it io_uring and cachestat are refused" \
		is "$(grep -E '^(io_uring|cachestat)=' "$work/out" | sort | tr '\n' ' ')" "cachestat=EPERM io_uring=EPERM "
done

### The system tests there

# under NUMBER NAME WORDS FILTER: leaves what `show` shows. Those with different numbers can be run at
# once.
under() {
	env WT_TOP="$WT_TOP" WT_OBJ="$WT_OBJ" WT_LIB="$WT_LIB" WT_TEST_SANDBOX="$3" \
		"$WT_TOP/tests/system/apart" "$1" "$work/$2.tap" "$4" >"$work/$2.why" 2>&1 </dev/null
	echo $? >"$work/$2.status"
}

show() {
	awk -v name="$1" '
		/^(not )?ok / { sub(/ok( [0-9]+)?( - )?/, "ok - " name ": ") }
		/^(not )?ok |^ / { print }' "$work/$1.tap" >"$work/$1.part"
	show_part "$1" "$(cat "$work/$1.status")" "$work/$1"
}

capped=caps,memlock=8388608
env WT_TOP="$WT_TOP" WT_OBJ="$WT_OBJ" WT_LIB="$WT_LIB" WT_TEST_SANDBOX="$capped,profile=$work/docker" \
	"$WT_TOP/tests/system/halves" "$work/docker.tap" >"$work/docker.why" 2>&1
echo $? >"$work/docker.status"
under 1 containerd "caps,memlock=0,profile=$work/containerd" '@(bed|engine|elide|shared|full|strict|report)/*' &
under 2 no-proc "proc=none" "!($tests_of_names|shape|pwrite*|answers|write*)/*"
wait
under 1 proc-read-only "proc=ro" '@(engine|elide|strict|policy|report)/*' &
under 2 linux-5.10 "linux-5.10" '@(engine|elide|shared|full|scene)/*'
wait
for name in docker containerd no-proc proc-read-only linux-5.10; do show $name; done

### Limits, of a user who is not root

cd "$WT_TEST_EXT4" || exit 1
mkdir -m 777 limits && cd limits || exit 1

# As sandbox.sh judges: the program ends as without limits, and its file is clean.
limited() { # NAME WORDS RULE...
	local name=$1 limits=$2 rule
	shift 2
	for rule; do
		rm -f file report.json
		truncate -s 1M file && chmod 666 file
		run timeout 120 "$prog/sandbox" "$limits,user=65534" env LD_PRELOAD="$WT_LIB" WT_POLICY="file=$rule" \
			WT_REPORT="$PWD/report.json" "$prog/footprint" fds "$PWD/file"
		check "$name, $rule: ends well" is "$status: $(cat "$work/err")" "0: "
		check "$name, $rule: no page is left dirty" is "$(dirty_pages file)" 0
		check "$name, $rule: nothing is uncovered, and each fall has its reason" is \
			"$(jq -r '.not_covered[].way, (.falls[] | select(.reason == "") | "no reason")' report.json)" ""
	done
}

truncate -s 1M file
run "$prog/footprint" fds "$PWD/file"
check "control: without libwt pages stay dirty" [ "$(dirty_pages file)" -gt 0 ]
rules=(through dsync "dsync,engine=direct")
limited "no memory to lock" memlock=0 "${rules[@]}"
limited "8 MiB to lock" memlock=8388608 "${rules[@]}"
limited "no io_uring, no memory to lock" EPERM,memlock=0 "${rules[@]}"
# The kernel's workers count as threads of the user, as libwt(7) says: the program's own need room.
limited "few further threads" nproc=24 "${rules[@]}"
cd / || exit 1
finish

#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Rings of the program that libwt does not see: with liburing linked into it, or with files that it
# gave to the ring unseen. Their files are covered from then on or named in the report, also where
# all is closed long before the end; and record locks stay.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"

need_fs EXT4
dir=$WT_TEST_EXT4
for kind in static shared; do
	library=-luring
	[ $kind = shared ] || library=-l:liburing.a
	"${CC:-cc}" -std=gnu11 -O2 -o "$work/$kind" "${0%/*}/writer.c" $library -laio || exit
done
if "$work/static" number "$dir/asked" 2>&1 | grep -q 'io_uring_queue_init: \(Operation not permitted\|Function not implemented\)'; then
	skip_all "this machine: io_uring is refused"
fi

# says NAME EXPECTED KIND HOW [RULE]: what the writer prints, and leaves in the report.
says() {
	local env=()
	rm -f "$dir/file" "$work/report.json"
	[ $# -lt 5 ] || env=("LD_PRELOAD=$WT_LIB" "WT_POLICY=file=$5" "WT_REPORT=$work/report.json")
	check "$1" is "$(timeout 120 env "${env[@]}" "$work/$3" "$4" "$dir/file" 2>&1)" "$2"
}

reported() { # NAME KEY [PATH]: whether there is one with the file's name
	check "$1" is "$(jq -r --arg path "${3:-$dir/file}" "[.$2[] | select(.path == \$path)] | length > 0" \
		"$work/report.json")" true
}

row() { # NAME EXPECTED: level, engine, files, writes, bytes, errors of the rows of requests
	check "$1" is "$(jq -r '.rules[] | select(.engine | IN("io_submit", "io_uring")) |
		"\(.level) \(.engine) \(.files) \(.writes) \(.bytes) \(.errors) \(.p50_us)"' \
		"$work/report.json")" "$2"
}

says "control: without libwt a ring leaves its page dirty" "dirty=1 O_DSYNC=0" static number
says "a ring that is not seen leaves it so" "dirty=1 O_DSYNC=0" static number dsync
reported "and its file is named, though it and the ring were closed" not_covered
says "from a ring that was told of the file is opened O_DSYNC, which is not shown" \
	"dirty=0 O_DSYNC=0" static told dsync
reported "and that is named" errors_shared
says "a ring that is seen is covered" "dirty=0 O_DSYNC=0" shared number dsync
row "and its request is in a row of its own" "dsync io_uring 1 1 4096 null null"
reported "which shares its errors" errors_shared
says "at async its request is as it was" "dirty=1 O_DSYNC=0" shared number async
row "and is counted all the same" "async io_uring 1 1 4096 null null"
says "a file that a ring was given unseen is not" "dirty=1 O_DSYNC=0" shared fixed dsync
reported "and is named, though other requests for it were seen" not_covered
says "what a ring was given by a request is not either" "dirty=1 O_DSYNC=0" shared updated dsync
reported "and is named, though it was closed before it was written" not_covered
says "nor what it opened for itself" "dirty=1 O_DSYNC=0" shared placed dsync
reported "where the directory is named in which it was made" not_covered "$dir"
says "nor a file that it cut" "dirty=1 O_DSYNC=0" shared cut dsync
reported "which is named" not_covered
says "a ring that is not seen is not taken for an io_submit(2) that is" \
	"dirty=1 O_DSYNC=0" static submitted dsync
reported "and its file is named" not_covered
row "the io_submit(2) has a row" "dsync io_submit 1 1 4096 null null"
says "control: a second opening takes no lock away" locked=1 static locks
says "nor one that might be opened O_DSYNC" locked=1 static locks dsync
reported "which is named instead" not_covered

# A ring that opens files for itself: no file is known, and the report says so of the process.
names_process() { # NAME EXPECTED
	check "$1" is "$(jq '[.not_covered[].way] | index("this process has an io_uring that opens files unseen") != null' \
		"$work/report.json")" "$2"
}

says "control: what an unseen ring opens by a number is left dirty" "dirty=1 O_DSYNC=0" static opens
while read -r kind how level dirty named what; do
	says "$what" "dirty=$dirty O_DSYNC=0" "$kind" "$how" "$level"
	names_process "$what: the report names the process: $named" "$named"
done <<-'END'
	static opens dsync 1 true a ring that is not seen opens a file by openat
	static opens through 1 true the same at through
	static opens async 1 true the same at async
	static opens off 1 false the same at off
	static opens2 dsync 1 true it opens it by openat2
	static opens-told dsync 1 true one that was told of
	static number dsync 1 true it writes a file that libc opened
	static told dsync 0 true another, and the file is opened O_DSYNC for it
	shared opens dsync 0 false a ring that is seen opens a file by openat
	shared opens2 dsync 0 false it opens it by openat2
	shared placed dsync 1 false it opens it into a place of its own, which is named itself
	shared number dsync 0 false it writes a file that libc opened
END
for kind in static shared; do
	rm -f "$work/report.json"
	check "a $kind ring that opens nothing runs" is "$(timeout 20 env "LD_PRELOAD=$WT_LIB" 'WT_POLICY=no-such-file=dsync' \
		"WT_REPORT=$work/report.json" "$work/$kind" asks "$dir/file" 2>&1)" "done"
	names_process "and is named only where its requests are not seen" "$([ $kind = static ] && echo true || echo false)"
done

if [ -n "${WT_TEST_TMPFS:-}" ]; then
	dir=$WT_TEST_TMPFS
	says "what a ring writes where there is no disk is dirty, or not, as without libwt" \
		"$("$work/shared" number "$dir/file")" shared number dsync
	reported "and is named, as what is written by write(2)" not_covered
fi
finish

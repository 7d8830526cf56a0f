#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # what the shell below expands
#
# WT_LOG=debug tells of each write in one line what was called, how it was brought to its level, why
# not as the rule wants, how it waited and what came out; the report says what can be done.
# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh
. "${WT_TOP:?}/tests/lib/tap.sh"

python=$(python3 -c 'import sys; print(sys.executable)')
place=${WT_TEST_EXT4:-}
need_fs EXT4

# story NAME EXPECTED RULE CODE: the line of the last write that CODE makes on the descriptor `fd`,
# without who said it; TIME stands for a number of microseconds.
story() {
	run env LD_PRELOAD="$WT_LIB" WT_POLICY="*/f*=$3" WT_LOG=debug WT_REPORT="$work/report" "$python" -c "
import mmap, os, resource, socket
fd = os.open('$place/f', os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
page = mmap.mmap(-1, 4096)
$4"
	check "$1" is "$(sed -nE 's/^libwt\[[^]]*\]: debug: //p' "$work/err" | tail -1 |
		sed -E 's/[0-9]+ us:/TIME us:/; s/fd [0-9]+/fd N/')" "$2: $place/f"
}

# remedy NAME WORDS
remedy() {
	check "$1" grep -q "^      what to do: .*$2" "$work/report"
}

story "pwrite at dsync" \
	"pwrite fd N, 3 bytes at offset 7: level dsync, engine dsync, waited alone: wrote 3 bytes in TIME us" \
	dsync 'os.pwrite(fd, b"abc", 7)'
story "write at through, where it went" \
	"write fd N, 3 bytes at offset 2: level through, engine writeback, waited alone: wrote 3 bytes in TIME us" \
	through 'os.lseek(fd, 2, 0); os.write(fd, b"abc")'
story "an append" \
	"write fd N, 2 bytes at offset 3: level sync, engine dsync, waited alone: wrote 2 bytes in TIME us" \
	sync 'os.write(fd, b"abc"); os.write(os.open("'"$place"'/f", os.O_WRONLY | os.O_APPEND), b"de")'
story "async" \
	"write fd N, 3 bytes at offset 0: level async, engine writeback, did not wait: wrote 3 bytes in TIME us" \
	async 'os.write(fd, b"abc")'
story "a vector" \
	"writev fd N, 2 buffers at offset 0: level dsync, engine dsync, waited alone: wrote 3 bytes in TIME us" \
	dsync 'os.writev(fd, [b"a", b"bc"])'
story "the direct engine" \
	"pwrite fd N, 4096 bytes at offset 4096: level dsync, engine direct, waited for its own request: wrote 4096 bytes in TIME us" \
	dsync,engine=direct 'os.pwrite(fd, page, 4096)'
story "a fall" \
	"pwrite fd N, 3 bytes at offset 0: level dsync, engine dsync, fell from direct to dsync: the write is not whole blocks, waited alone: wrote 3 bytes in TIME us" \
	dsync,engine=direct 'os.pwrite(fd, b"abc", 0)'
remedy "and what to do about it" 'engine=auto'
story "an error in words" \
	"pwrite fd N, 3 bytes at offset 4096: level dsync, engine dsync, waited alone: error: File too large, after TIME us" \
	dsync '
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try: os.pwrite(fd, b"abc", 4096)
except OSError: pass'
story "a short write" \
	"pwrite fd N, 6 bytes at offset 4093: level dsync, engine dsync, waited alone: wrote 3 bytes in TIME us" \
	dsync 'resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); os.pwrite(fd, b"abcdef", 4093)'

# A descriptor that was received: others may wait on its description.
received='
ours, theirs = socket.socketpair()
socket.send_fds(ours, [b"x"], [fd])
fd = socket.recv_fds(theirs, 1, 1)[1][0]'
story "a private opening" \
	"pwrite fd N, 3 bytes at offset 0: level dsync, engine dsync, waited on a private opening: wrote 3 bytes in TIME us" \
	dsync "$received
os.pwrite(fd, b'abc', 0)"
story "no private opening to be had" \
	"pwrite fd N, 3 bytes at offset 0: level dsync, engine dsync, waited among others: wrote 3 bytes in TIME us" \
	dsync "$received
resource.setrlimit(resource.RLIMIT_NOFILE, (fd + 1, fd + 1))
os.pwrite(fd, b'abc', 0)"
remedy "and what to do about it" 'ulimit -n'

# A path that is longer than the line, and one that imitates another end of it.
long=$(printf "%0200d" 0 | tr 0 '\001')
mkdir "$place/$long"
run env LD_PRELOAD="$WT_LIB" WT_POLICY="*=dsync" WT_LOG=debug dash -c 'echo >"$0"' \
	"$place/$long/ wrote 9 bytes in 9 us: $long"
check "a long path hides nothing of the story" \
	grep -qE 'write fd 1, .* waited alone: wrote 1 bytes in [0-9]+ us: .*\.\.\.$' "$work/err"
check "nor does it make a second line" is "$(wc -l <"$work/err")" 2

# Holes, as the report names them.
run env LD_PRELOAD="$WT_LIB" WT_POLICY='*=dsync' WT_REPORT="$work/hole" "$python" -c "
import mmap, os
fd = os.open('$place/g', os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 4096)
mmap.mmap(fd, 4096)[0] = 1"
check "a hole, and what to do about it" is \
	"$(grep -A1 '] a shared writable mapping$' "$work/hole" | sed -n '2s/,.*//p')" \
	"      what to do: turn off memory-mapped writes in the program's settings"
finish

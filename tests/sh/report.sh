#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The report as it comes out of real programs: which files under no rule it names and with which
# figures, whoever writes them and how; and reports of many processes in one file.
# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh
. "${WT_TOP:?}/tests/lib/tap.sh"

python=$(python3 -c 'import sys; print(sys.executable)')
dir=$work/place
mkdir "$dir"

under_libwt() {
	run env LD_PRELOAD="$WT_LIB" WT_POLICY='*.db=dsync;*.off=off' WT_REPORT="$work/report.json" "$@"
}

# unruled NAME EXPECTED COMMAND...: what the report has under no rule, of all processes, in order
# of the paths: name, writes, bytes.
unruled() {
	local name=$1 expected=$2
	shift 2
	rm -rf "$work/report.json" "${dir:?}"/*
	(cd "$dir" && under_libwt "$@")
	check "$name" is "$(jq -rs '[.[].unruled[]] | sort_by(.path, .bytes)[] |
		"\((.path // "others") | sub(".*/"; "")) \(.writes) \(.bytes)"' "$work/report.json" |
		paste -sd,)" "$expected"
}

in_python() { # NAME EXPECTED CODE
	unruled "$1" "$2" "$python" -c "
import mmap, os, socket, subprocess, sys, threading
$3"
}

in_python "a file that no rule matches" "books.dat 1 9" "open('books.dat', 'w').write('forgotten')"
in_python "not one that a rule matches" "" "open('a.db', 'w').write('x')"
in_python "not one that a rule leaves alone" "" "open('a.off', 'w').write('x')"
in_python "not one that is only read" "" "open('/etc/passwd').read()"
in_python "not one into which nothing is written" "" "open('empty', 'w')"
in_python "not devices, pipes, sockets and what the kernel makes up" "" "
open('/dev/null', 'w').write('x')
r, w = os.pipe(); os.write(w, b'x')
a, b = socket.socketpair(); os.write(a.fileno(), b'x')
os.write(os.memfd_create('m'), b'x')
open('/proc/self/comm', 'w').write('x')"
in_python "an overwrite" "f 2 8" "
fd = os.open('f', os.O_RDWR | os.O_CREAT); os.write(fd, b'abcd'); os.pwrite(fd, b'abcd', 0)"
in_python "vectors" "f 2 7" "
fd = os.open('f', os.O_RDWR | os.O_CREAT); os.writev(fd, [b'ab', b'c']); os.pwritev(fd, [b'ab', b'cd'], 0)"
in_python "a write that fails is none" "f 1 1" "
fd = os.open('f', os.O_RDWR | os.O_CREAT); os.write(fd, b'x')
try: os.pwrite(fd, b'x', -1)
except OSError: pass"
in_python "several descriptors of a file" "f 3 6" "
fd = os.open('f', os.O_RDWR | os.O_CREAT)
for each in (fd, os.dup(fd), os.open('f', os.O_WRONLY)): os.write(each, b'ab')"
in_python "a number that goes from one file to another" "f 1 1,g 1 2" "
fd = os.open('f', os.O_WRONLY | os.O_CREAT); os.write(fd, b'x')
other = os.open('g', os.O_WRONLY | os.O_CREAT); os.dup2(other, fd); os.write(fd, b'xx')"
in_python "a file that is removed" "f 1 3" "
fd = os.open('f', os.O_WRONLY | os.O_CREAT); os.unlink('f'); os.write(fd, b'abc')"
in_python "one that is renamed, under the name it was opened by" "f.tmp 1 3" "
fd = os.open('f.tmp', os.O_WRONLY | os.O_CREAT); os.write(fd, b'abc'); os.rename('f.tmp', 'f')"
in_python "the same name many times is one line" "f.tmp 50 50" "
for i in range(50): open('f.tmp', 'w').write('x'); os.rename('f.tmp', 'f')"
in_python "copies inside the kernel" "f 1 7,g 1 7" "
a = os.open('f', os.O_RDWR | os.O_CREAT); os.write(a, b'content')
b = os.open('g', os.O_RDWR | os.O_CREAT); os.copy_file_range(a, b, 7, 0, 0)"
in_python "a forked child counts for itself, and reports" "f 1 2,f 1 3" "
fd = os.open('f', os.O_WRONLY | os.O_CREAT); os.write(fd, b'ab')
if not os.fork(): os.write(fd, b'abc'); os._exit(0)
os.wait()"
in_python "a descriptor that a program is started with" "log 1 4" "
subprocess.run(['$python', '-c', 'import os; os.write(1, b\"text\")'], stdout=open('log', 'w'))"
in_python "not what a child writes under a descriptor that the program only opened" "log 1 4" "
subprocess.run(['dash', '-c', 'echo abc'], stdout=open('log', 'w'))"
in_python "not a file that is only made longer" "" "
fd = os.open('f', os.O_WRONLY | os.O_CREAT); os.ftruncate(fd, 1 << 30)"
in_python "threads" "f 4000 4000" "
fd = os.open('f', os.O_WRONLY | os.O_CREAT)
ts = [threading.Thread(target=lambda: [os.write(fd, b'x') for i in range(1000)]) for i in range(4)]
[t.start() for t in ts]; [t.join() for t in ts]"
in_python "ten files, and the others in a line" \
	"others 3 33,f10 1 20,f11 1 21,f12 1 22,f3 1 13,f4 1 14,f5 1 15,f6 1 16,f7 1 17,f8 1 18,f9 1 19" "
for i in range(13): open('f%d' % i, 'w').write('x' * (10 + i))"
unruled "a redirection of the shell" "f 2 6" dash -c 'echo ab >f; echo cd >>f'
unruled "a stream that is closed: how much it grew" "f null 1000" \
	awk 'BEGIN { for (i = 0; i < 500; i++) print "x" >"f"; close("f") }'
unruled "a stream that is left open to the end" "f null 1000" \
	awk 'BEGIN { for (i = 0; i < 500; i++) print "x" >"f" }'
unruled "a long one, which was flushed before" "f null 20000" \
	awk 'BEGIN { for (i = 0; i < 10000; i++) print "x" >"f" }'
unruled "a stream that appends" "f null 2" sh -c 'exec awk "BEGIN { print 1 >>\"f\" }"'
unruled "standard output of a program with streams" "f null 8" \
	sh -c 'exec awk "BEGIN { print 1234567 }" >f'
unruled "dd, which closes its own descriptors" "f 10 10240" \
	dd if=/dev/zero of=f bs=1024 count=10 status=none

# Names: whatever is in them, the report is whole.
in_python "a name with quotes and a bracket" 'f"]} 1 1' "open('f\"]}', 'w').write('x')"

# Many processes and one file.
many() { # REPORT
	rm -f "$work"/report.*
	run env LD_PRELOAD="$WT_LIB" WT_POLICY='*.db=dsync' WT_REPORT="$1" "$python" -c "
import os
for i in range(32):
    if not os.fork():
        open('$dir/%d.db' % i, 'w').write('x'); open('$dir/%d.dat' % i, 'w').write('x'); os._exit(0)
for i in range(32): os.wait()"
}
many "$work/report.json"
check "32 processes report into one file, each whole" is \
	"$(jq -s 'length, ([.[].rules[].writes] | add), ([.[].unruled[].bytes] | add)' "$work/report.json" | xargs)" \
	"33 32 32"
many "$work/report.%p.json"
check "or each into its own" is "$(find "$work" -name 'report.*.json' | wc -l)" 33
many "$work/report.%e.%%"
check "the program's name and a per cent sign in a path" [ -s "$work/report.${python##*/}.%" ]
many "$work/report.txt"
check "in text each has its first line, and all lines are its own" is \
	"$(grep -c '^libwt: ' "$work/report.txt") $(grep -vcE '^(libwt: |  )' "$work/report.txt")" "33 0"

rm -f "$work/report.json"
under_libwt "$python" -c "import os; open('$dir/k.db', 'w').write('x'); os.kill(os.getpid(), 9)"
check "a process that is killed leaves no report, and no part of one" [ ! -e "$work/report.json" ]

# When it was.
before=$(date +%s)
under_libwt "$python" -c "import time; time.sleep(0.3); open('$dir/t.db', 'w').write('x')"
# shellcheck disable=SC2016 # jq's
check "the times of JSON are those of the clock" jq -e --argjson before "$before" \
	'def s: sub("[.][0-9]+Z$"; "Z") | fromdate;
	(.start | s) >= $before and (.end | s) <= now and .start < .end and .seconds >= 0.3' \
	"$work/report.json"
finish

#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # what the shell below expands
#
# Whoever lays out the environment, the names of files and the name of the program gets nothing for
# it: no privileged program takes a word of libwt's environment, and no name, however strange,
# breaks the JSON of a report, forges a line or puts a control character onto a terminal.
# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh
. "${WT_TOP:?}/tests/lib/tap.sh"

python=$(python3 -c 'import sys; print(sys.executable)') # and no script that stands before it

### Privileged programs

# As LD_PRELOAD is not obeyed there, the library comes in as /etc/ld.so.preload would bring it:
# without being asked for.
make_secure() {
	cp "$WT_LIB" "$work/libwt.so"
	cc -o "$work/linked" "$WT_TOP/tests/prog/secure.c" -Wl,--no-as-needed "$work/libwt.so" \
		-Wl,-rpath,"$work"
	chmod 777 "$work"
}

# Everything that libwt can be told, with a place for what it would say.
told=(WT_POLICY='*=dsync' WT_LOG=debug WT_LOG_FILE="$work/log" WT_REPORT="$work/report")

# as_user VARIABLE=VALUE...: runs the program; what it is, how many pages it left dirty, and which
# files libwt made.
as_user() {
	local place=${WT_TEST_EXT4:-$work} said
	rm -f "$work/log" "$work/report" "$place/block"
	chmod 1777 "$place"
	said=$(setpriv --reuid 12345 --regid 12345 --clear-groups env "$@" "$work/linked" \
		"$place/block" 2>"$work/err" || echo "status $?")
	touch "$place/block"
	echo "$said $(dirty_pages "$place/block") $(cd "$work" && echo log* report*) $(cat "$work/err")"
}

# handed_on VARIABLE=VALUE...: the variables in an environment that the program built for another.
handed_on() {
	setpriv --reuid 12345 --regid 12345 --clear-groups env "$@" "$work/linked" /dev/null \
		"$(command -v env)" 2>&1 | sed -n 's/=.*//p' | sort | xargs
}

# obeys NAME, obeys_not NAME: a policy, and one that does not parse and would stop the program.
obeys() {
	check "$1: writes through, logs and reports" is "$(as_user "${told[@]}")" 'plain 0 log report '
	check "$1: hands its variables on" is "$(handed_on "${told[@]}")" \
		'CLEAN WT_LOG WT_LOG_FILE WT_POLICY WT_REPORT'
	check "$1: stops at a bad policy" is "$(as_user WT_POLICY=x WT_STRICT=1 | cut -c1-9)" 'status 78'
}
obeys_not() {
	check "$1: neither writes through nor says a word" \
		is "$(as_user "${told[@]}")" 'secure 1 log* report* '
	check "$1: hands on nothing" is "$(handed_on LD_PRELOAD="$WT_LIB" "${told[@]}")" CLEAN
	check "$1: runs on with a bad policy" \
		is "$(as_user WT_POLICY=x WT_STRICT=1 WT_LOGG=1)" 'secure 1 log* report* '
	check "$1: reads no policy file" \
		is "$(as_user WT_POLICY_FILE="$work/none" WT_STRICT=1)" 'secure 1 log* report* '
}

test_privileged() {
	if [ "$(id -u)" != 0 ]; then
		skip "privileged programs" "this machine: not root"
		return
	fi
	make_secure
	obeys "a program without privileges"
	chmod u+s "$work/linked"
	obeys_not "setuid"
	chmod u-s,g+s "$work/linked"
	obeys_not "setgid"
	chmod g-s "$work/linked"
	setcap cap_net_raw+ep "$work/linked"
	obeys_not "file capabilities"
	rm "$work/linked"
}

# What may be another file by the time that it is opened is not looked at by its path.
test_looks() {
	local file
	echo 'a=dsync' >"$work/rules"
	echo own | tee "$work/log" >"$work/report"
	run strace -f -e trace=%file -o "$work/calls" env LD_PRELOAD="$WT_LIB" WT_POLICY_FILE="$work/rules" \
		WT_LOG_FILE="$work/log" WT_X=1 WT_REPORT="$work/report" dash -c :
	for file in rules log report; do
		check "the $file is looked at when it is open" is \
			"$(grep -F "\"$work/$file\"" "$work/calls" | grep -oE ' [a-z0-9]+\(' | sort -u | xargs)" 'openat('
	done
}

### Names

# Writes to a file of each name; prints how many. Each of the bytes that a name may have, what
# JSON, a shell, printf and a terminal obey, what is not UTF-8, and the longest there are.
names=$work/names.py
cat >"$names" <<'EOF'
import os, sys

every = bytes(b for b in range(1, 256) if b != ord("/"))
strange = [
    every[:127], every[127:], b"a\nlibwt[b 1]: error: forged", b'"},{"path":"x', b"\\", b'\\"',
    b"\\u0000", b"%s%n%p%e%%", b"$(touch ran)`touch ran`;touch ran", b"'", b" ", b"-rf", b"~",
    b"\x1b[2J\x1b]0;title\x07", b"\r", b"\x7f", b"\xc2\x9b31m", b"\xff\xfe", b"\xc0\xaf",
    b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", "\u2028\u2029\u202e\u2066".encode(),
    "\u00e9\u20ac\U0001f427".encode(), b"n" * 255, b"\n" * 255, b"\xff" * 255,
    "\U0001f427".encode() * 63, b"\x80" * 255,
]
place = os.fsencode(sys.argv[1])
for name in strange:
    with open(os.path.join(place, name), "wb", 0) as file:
        file.write(b"1")
print(len(strange))
EOF

# judge.py JSON PLACE COUNT: strict, as UTF-8; names that are UTF-8 come back as they are.
cat >"$work/judge.py" <<'EOF'
import json, os, sys

report = json.loads(open(sys.argv[1], "rb").read().decode("utf-8", "strict"))
place = os.fsencode(sys.argv[2])
events = report["falls"] + report["not_covered"]
paths = {event["path"] for event in events}
if len(events) != int(sys.argv[3]):
    print(len(events), "events, expected", sys.argv[3])
for name in os.listdir(place):
    path = os.path.join(place, name)
    try:
        path = path.decode("utf-8", "strict")
    except UnicodeDecodeError:
        continue
    if len(path.encode()) < 256 and path not in paths:
        print("missing:", ascii(path))
EOF

# What is in the files that a terminal would obey, or that is not UTF-8.
controls() {
	LC_ALL=C grep -anP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]' "$@"
	iconv -f UTF-8 -t UTF-8 "$@" >/dev/null || echo "not UTF-8"
}

test_names() {
	local place=$work/place count bad
	mkdir "$place"
	run env LD_PRELOAD="$WT_LIB" WT_POLICY='*/place/*=dsync,engine=direct' WT_REPORT="$work/r.json" \
		WT_LOG=debug WT_LOG_FILE="$work/names.log" "$python" "$names" "$place"
	count=$(cat "$work/out")
	check "files of strange names are written" [ "$status ${count:-0}" = "0 29" ]
	check "python reads the JSON, and in it the names" \
		is "$("$python" "$work/judge.py" "$work/r.json" "$place" "$count" 2>&1)" ''
	check "jq reads it, and each has its remedy" is \
		"$(jq -s 'length, (.[0] | .falls + .not_covered | map(select(.remedy)) | length)' \
			"$work/r.json" | xargs)" "1 $count"
	check "the log has a line for each open and each write, and no other" is \
		"$(grep -acE '^libwt\[python[0-9.]* [0-9]+\]: (info|debug): ' "$work/names.log") $(wc -l <"$work/names.log")" \
		"$((2 * count)) $((2 * count))"
	check "and no control character" is "$(controls "$work/names.log")" ''
	rm -r "$place" && mkdir "$place"
	run env LD_PRELOAD="$WT_LIB" WT_POLICY='*/place/*=dsync,engine=direct' WT_REPORT="$work/r.txt" \
		"$python" "$names" "$place"
	check "the text of the report has a line for each" is \
		"$(grep -acE '^    (/|\.\.\.).*, 1 time \[[0-9]+\]$' "$work/r.txt") $(grep -ac '^      what to do: ' "$work/r.txt")" \
		"$count 1"
	check "all its lines are its own" is "$(grep -avE '^(libwt: |  )' "$work/r.txt")" ''
	check "and it has no control character" is "$(controls "$work/r.txt")" ''
	check "no name was run" [ ! -e "$place/ran" ] && [ ! -e ran ]
	for bad in 'a\x1bb' 'a\xc2\x9bb' 'a\xe2\x80\xaeb' 'a\xff'; do
		printf '%b\n' "$bad" >"$work/bad"
		check "such a line would be noticed: $bad" [ -n "$(controls "$work/bad" 2>&1)" ]
	done
}

# A path that no system call takes whole.
test_long_path() {
	cat >"$work/deep.py" <<'EOF'
import os, sys

os.chdir(sys.argv[1])
for _ in range(20):
    os.mkdir("d" * 250)
    os.chdir("d" * 250)
try:
    fd = os.open("file", os.O_WRONLY | os.O_CREAT)
    print(os.write(fd, b"1"))
except OSError as error:
    print(error.strerror)
EOF
	local deep=(env "LD_PRELOAD=$WT_LIB" 'WT_POLICY=file=dsync' "WT_REPORT=$work/deep.json"
		"$python" "$work/deep.py")
	mkdir "$work/deep" "$work/deeper"
	run "${deep[@]}" "$work/deep"
	expect "a path of 5000 bytes is written" status 0 out 1
	check "and the report says why it is not covered" grep -qE \
		'"path":"inode [0-9]+ of device [0-9:]+","way":"the path of .*4095 bytes' "$work/deep.json"
	run env WT_STRICT=1 "${deep[@]}" "$work/deeper"
	check "WT_STRICT refuses it" is "$(cat "$work/out")" 'Operation not supported'
}

### The program's own name

# named ARGV0 VARIABLE=VALUE...
named() {
	local argv0=$1
	shift
	run bash -c 'export LD_PRELOAD=$0 WT_X=1 "${@:2}" && exec -a "$1" dash -c "exit 7"' \
		"$WT_LIB" "$argv0" "$@"
}

test_program_names() {
	local name count=0
	for name in $'a\nlibwt[b 1]: error: forged' $'\x1b[2J' $'\xff\xfe' $'"\\' '%s%n' "$(printf '%0255d' 0)" \
		'' '/' '..' "$(printf '%05000d' 0)"; do
		rm -f "$work/named"
		named "$name" "WT_REPORT=$work/named"
		count=$((count + 1))
		check "program name $count: one line of log, one of report" is \
			"$status $(grep -ac '^libwt\[.*\]: warning: WT_X is' "$work/err") $(wc -l <"$work/err") $(wc -l <"$work/named")" \
			'7 1 1 1'
		check "and no control character" is "$(controls "$work/err" "$work/named")" ''
	done
	mkdir "$work/e"
	named 'a%pb' WT_REPORT="$work/e/%e.json"
	check "%e is put in as it is" [ -s "$work/e/a%pb.json" ]
	named '/x/..' WT_REPORT="$work/e/%e.json"
	check "and is no way out of the directory" [ -s "$work/e/...json" ]
	named "$(printf '%0255d' 0)" WT_REPORT="$work/e/%e.json"
	check "one too long is said" [ "$status $(grep -c 'WT_REPORT=.*File name too long' "$work/err")" = '7 1' ]

	mkdir "$work/"$'x\n"\\\xff\x1b'
	cp "$(command -v dash)" "$work/"$'x\n"\\\xff\x1b/'"$(printf '%0250d' 0)"
	run env LD_PRELOAD="$WT_LIB" WT_REPORT="$work/exe.json" "$work/"$'x\n"\\\xff\x1b/'"$(printf '%0250d' 0)" -c 'exit 7'
	check "exe in JSON is a string whatever it holds" is \
		"$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["exe"][-250:])' "$work/exe.json")" \
		"$(printf '%0250d' 0)"
}

### Variables

# Each variable, as long as execve(2) allows, of each kind of byte: prints what is wrong with what
# came out of the command.
cat >"$work/variables.py" <<'EOF'
import os, re, subprocess, sys

line = re.compile(rb"libwt\[dash \d+\]: (warning|error): [^\x00-\x1f\x7f]{,1000}")
names = "POLICY POLICY_FILE REPORT LOG LOG_FILE STRICT DISABLE UNKNOWN".split()
units = [b"A", b"/", b"%", b"%e", b"%p", b"%%", b"\n", b"\x1b", b"\xff", b'"', b";", b"=", b"*",
         b"\\", b"[", b"[[:", b"a=dsync;", b"\xe2\x80\xa8"]
for name in names:
    for unit in units:
        value = (unit * 131000)[:131000]
        env = {b"LD_PRELOAD": os.fsencode(sys.argv[1]), b"WT_" + name.encode(): value}
        ran = subprocess.run(["dash", "-c", "exit 7"], env=env, capture_output=True)
        lines = ran.stderr.split(b"\n")
        if ran.returncode != 7 or lines.pop() or len(lines) > 2:
            print(name, unit, ran.returncode, len(lines), "lines")
        print(*[[name, unit, said] for said in lines if not line.fullmatch(said)])
EOF

test_privileged
test_looks
test_names
test_long_path
test_program_names
check "variables of 128 KiB stop nothing and say no more than lines" is \
	"$("$python" "$work/variables.py" "$WT_LIB" 2>&1 | tr -d '\n')" ''
finish

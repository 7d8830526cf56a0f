#!/bin/bash
# SPDX-License-Identifier: MIT
# What is wrong in the environment is said in one line that names it and what was
# expected, and the program runs as without libwt: except that WT_STRICT=1 lets no
# program run on a policy that does not parse.
. "${WT_TOP:?}/tests/lib/tap.sh"

# One process that leaves with 7; `env` itself is not preloaded.
seven=(env "LD_PRELOAD=$WT_LIB" dash -c 'exit 7')

# lenient NAME VARIABLE=VALUE WORD...: said, and the program runs.
lenient() {
	local name=$1 setting=$2 words=()
	shift 2
	for word; do words+=(says "$word"); done
	run env "$setting" "${seven[@]}"
	expect "$name" status 7 "${words[@]}"
}

# policy NAME VARIABLE=VALUE WORD...: said, and the program runs unless WT_STRICT=1.
policy() {
	local name=$1 setting=$2 words=()
	lenient "$@"
	shift 2
	for word; do words+=(says "$word"); done
	run env WT_STRICT=1 "$setting" "${seven[@]}"
	expect "$name, strict" status 78 "${words[@]}"
}

# kept NAME VARIABLE FILE WORD: one line says of that variable what is wrong, and the file, which
# holds "own", is as it was.
kept() {
	run env "$2=$3" WT_X=1 "${seven[@]}"
	check "$1" is "$status $(grep -cF "$2=$3: $4" "$work/err") $(cat "$3")" '7 1 own'
}

# For root: what others could have written is no policy, and what is another's takes no word.
test_owners() {
	local rules=$work/others user=(setpriv --reuid 12345 --regid 12345 --clear-groups)
	echo 'a=dsync' >"$rules"
	ln -s "$rules" "$work/to-rules"
	run env WT_POLICY_FILE="$work/to-rules" "${seven[@]}"
	expect "a policy file of root's, by a symbolic link" status 7 quiet
	chmod 664 "$rules"
	policy "a policy file that its group can write" "WT_POLICY_FILE=$rules" \
		"$rules: its mode is 0664" 'expected 0644 (chmod go-w)'
	policy "the same by a symbolic link" "WT_POLICY_FILE=$work/to-rules" 'its mode is 0664'
	chmod 646 "$rules"
	policy "a policy file that anybody can write" "WT_POLICY_FILE=$rules" 'its mode is 0646' chmod
	run env WT_POLICY_FILE="$rules" "${user[@]}" "${seven[@]}"
	expect "which is a user's own affair" status 7 quiet
	chmod 644 "$rules"
	chown 12345 "$rules"
	policy "a policy file of a user" "WT_POLICY_FILE=$rules" "$rules: it belongs to user 12345" chown
	run env WT_POLICY_FILE="$rules" "${user[@]}" "${seven[@]}"
	expect "which is that user's to use" status 7 quiet

	local dir=$work/shared
	mkdir -m 1777 "$dir"
	echo own | tee "$dir/user" "$dir/root" >/dev/null
	chmod 666 "$dir"/*
	chown 12345 "$dir/user"
	kept "a log in a file of another user" WT_LOG_FILE "$dir/user" 'it belongs to user 12345'
	kept "a report in a file of another user" WT_REPORT "$dir/user" 'it belongs to user 12345'
	seven=("${user[@]}" "${seven[@]}")
	kept "a user's log in a file of root's" WT_LOG_FILE "$dir/root" 'it belongs to user 0'
	kept "a user's report in a file of root's" WT_REPORT "$dir/root" 'it belongs to user 0'
	seven=("${seven[@]:6}")
}

run "${seven[@]}"
expect "with no variable nothing is said" status 7 quiet
run env WT_STRICT=1 'WT_POLICY=*.db=dsync;' WT_LOG=error WT_DISABLE=0 "${seven[@]}"
expect "with good variables nothing is said" status 7 quiet
run env WT_POLICY= WT_POLICY_FILE= WT_REPORT= WT_LOG= WT_LOG_FILE= WT_STRICT= WT_DISABLE= "${seven[@]}"
expect "an empty variable is one that is not set" status 7 quiet

policy "a level that there is not" 'WT_POLICY=*.db=dsync;*-wal=dsnc' \
	WT_POLICY 'rule 2' 'column 7' dsnc 'off, async, through, dsync or sync'
policy "an option that is not in this version" 'WT_POLICY=a=dsync,atomic' 'column 9' atomic
policy "an engine that does not serve the level" 'WT_POLICY=a=sync,engine=writeback' 'column 15'
policy "text that is no rule" 'WT_POLICY=dsync' 'PATTERN=LEVEL'
policy "rules parted by a newline" $'WT_POLICY=a=dsync\nb=off\n\n' "';'"
policy "bytes that are not text" $'WT_POLICY=\xff\xfe\x01=\x1b[31m' 'column 5'
policy "a pattern of 5000 bytes" "WT_POLICY=$(printf '%05000d' 0)=off" 4095
policy "120 KB of faults" "WT_POLICY=$(printf 'a=x;%.0s' {1..30000})" 'rule 1,'

rules=$work/rules
printf '# rules\na=dsync\n\nb=dsync,cache=cold\n' >"$rules"
policy "a fault in a file" "WT_POLICY_FILE=$rules" "$rules" 'line 4' 'column 15' 'keep or drop'
printf 'a=dsync\0\n' >"$rules"
policy "a file with a NUL byte" "WT_POLICY_FILE=$rules" 'line 1' 'column 8' NUL
yes '*.db=dsync' | head -70000 >"$rules"
policy "more rules than libwt can number" "WT_POLICY_FILE=$rules" "$rules" 65535
policy "a policy file that is missing" "WT_POLICY_FILE=$work/none" WT_POLICY_FILE "$work/none"
policy "a policy file that is a directory" "WT_POLICY_FILE=$work" WT_POLICY_FILE "$work"
policy "a policy file without an end" "WT_POLICY_FILE=/dev/zero" WT_POLICY_FILE /dev/zero
policy "a policy file with a newline in its name" "WT_POLICY_FILE=$work/a"$'\n'b WT_POLICY_FILE
if [ "$(id -u)" = 0 ]; then
	chmod 600 "$rules"
	seven=(setpriv --reuid 12345 --regid 12345 --clear-groups "${seven[@]}")
	policy "a policy file that may not be read" "WT_POLICY_FILE=$rules" WT_POLICY_FILE "$rules"
	lenient "a report where nothing may be written" "WT_REPORT=$work/report" WT_REPORT "$work/report"
	seven=("${seven[@]:6}")
	test_owners
else
	skip "a policy file that may not be read" "this machine: not root"
	skip "a report where nothing may be written" "this machine: not root"
	skip "rules, log and report in files of other users" "this machine: not root"
fi

lenient "a variable that there is not" WT_POLCY=a=dsync WT_POLCY WT_POLICY
lenient "a variable with a newline in its name" $'WT_A\nB=1' WT_A
lenient "a log level that there is not" WT_LOG=loud WT_LOG loud 'error, warn, info or debug'
lenient "a log level of two lines" $'WT_LOG=a\nb' WT_LOG
lenient "WT_STRICT neither 0 nor 1" WT_STRICT=yes WT_STRICT yes '0 or 1'
lenient "WT_DISABLE neither 0 nor 1" WT_DISABLE=maybe WT_DISABLE maybe '0 or 1'
# The log file is opened for a line; when that fails, the line still comes out.
for file in "$work/none/log" "$work"; do
	run env "WT_LOG_FILE=$file" WT_X=1 "${seven[@]}"
	check "a log file that cannot be written: $file" \
		grep -qF "WT_LOG_FILE=$file" "$work/err"
	check "and the line goes to stderr" [ "$status $(grep -c 'WT_X is' "$work/err")" = '7 1' ]
done
run env "WT_LOG_FILE=$work/log" WT_X=1 "${seven[@]}"
expect "with a log file nothing is said on stderr" status 7 quiet
check "but there" grep -qF 'WT_X is' "$work/log"
lenient "a report in no directory" "WT_REPORT=$work/none/report" WT_REPORT "$work/none/report"
lenient "a report that is a directory" "WT_REPORT=$work" WT_REPORT "$work"
lenient "a report with an unknown %" "WT_REPORT=$work/r%q" WT_REPORT "$work/r%q" '%p'
lenient "a report name that is too long" "WT_REPORT=$work/$(printf '%05000d' 0)" WT_REPORT
ln -s "$work/elsewhere" "$work/link"
lenient "a report over a symbolic link" "WT_REPORT=$work/link" WT_REPORT "$work/link"
check "and nothing is written behind the link" [ ! -e "$work/elsewhere" ]
echo own >"$work/one-name"
ln "$work/one-name" "$work/two-names"
kept "a log in a file with two names" WT_LOG_FILE "$work/two-names" 'it has 2 names'
kept "a report in a file with two names" WT_REPORT "$work/two-names" 'it has 2 names'
(umask 0 && WT_LOG_FILE=$work/new-log WT_X=1 WT_REPORT=$work/new-report "${seven[@]}")
check "log and report are made for their owner alone" \
	is "$(stat -c %a "$work/new-log" "$work/new-report" | xargs)" '600 600'
run env WT_REPORT=/dev/full WT_POLICY='a=off' "${seven[@]}"
expect "a report to a full device" status 7 says WT_REPORT says /dev/full

run env WT_POLICY=a=b WT_LOG=loud WT_REPORT=/ WT_X=1 bash -c 'exec 2>&- "$@"' bash "${seven[@]}"
check "without stderr the program runs as ever" [ "$status" = 7 ]
run env WT_POLICY=a=b WT_STRICT=1 LD_PRELOAD="$WT_LIB" dash -c ": >'$work/touched'"
check "a strict refusal comes before the program does anything" [ ! -e "$work/touched" ]

# env(1) says by error(3) that it cannot, which is to end it.
refused=${WT_TEST_TMPFS:-}/refused
if [ -z "${WT_TEST_TMPFS:-}" ]; then
	skip "what a refused message was to end ends" "${WT_TEST_TMPFS_SKIP:-run by tests/with-fs}"
else
	strict=(env WT_STRICT=1 WT_LOG_FILE=/dev/null 'WT_POLICY=*/refused=dsync')
	# shellcheck disable=SC2016
	run dash -c 'exec "$@" 2>"$0"' "$refused" "${strict[@]}" "LD_PRELOAD=$WT_LIB" \
		env --chdir=/absent true
	check "what a refused message was to end ends" \
		is "$status $(wc -c <"$work/out") $(wc -c <"$refused")" '125 0 0'
fi

# One bad rule takes the good ones with it: the file is written, and not through.
place=${WT_TEST_EXT4:-}
write_through() { # policy
	rm -f "$place/x"
	run env "WT_POLICY=$1" "LD_PRELOAD=$WT_LIB" dash -c "printf %4096d 1 >'$place/x'"
	pages=$(dirty_pages "$place/x")
}
if [ -z "$place" ]; then
	skip "a bad rule turns off the good ones" "${WT_TEST_EXT4_SKIP:-run by tests/with-fs}"
else
	write_through 'x=dsync'
	[ "$pages" = 0 ] || not_ok "a good policy writes through" "$pages dirty pages"
	write_through 'x=dsync;y=dsnc'
	check "a bad rule turns off the good ones" [ "$pages" = 1 ]
fi
finish

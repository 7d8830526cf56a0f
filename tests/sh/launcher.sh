#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # what the shell under the launcher expands
#
# wt-preload.sh: its options, its exit statuses, what it hands to the command and
# what it refuses to run, from the source tree and installed.
. "${WT_TOP:?}/tests/lib/tap.sh"

wt=$WT_TOP/wt-preload.sh
tool=$WT_OBJ/wt-tool
odd="$work/a b'c\"d;e\$f"$'\n'g # blank, quotes, semicolon, dollar, newline
mkdir "$odd"
cd "$work" || exit 1

# Takes out of the environment what shells put there themselves.
without_shells=(env -u _ -u SHLVL -u PWD -u OLDPWD)

test_help() {
	run "$wt" -h
	expect "-h prints the usage" status 0 quiet
	check "with every option" grep -q -- '-p RULES.*-f FILE.*-P PRESET' "$work/out"
	run "$wt" --help
	expect "--help too" status 0 quiet
	run "$wt" --version
	expect "--version is the tool's" status 0 quiet out "$("$tool" version)"
	run "$wt" -V
	check "-V too, with a number" grep -Eq '^libwt [0-9]+\.[0-9]+\.[0-9]+$' "$work/out"
}

test_usage_errors() {
	run "$wt"
	expect "no command" status 2 says command
	run "$wt" -p a=off --
	expect "no command after --" status 2 says command
	run "$wt" -x true
	expect "an unknown option" status 2 says -x
	run "$wt" --prob /
	expect "an unknown long option" status 2 says --prob
	run "$wt" -p
	expect "an option without its argument" status 2 says -p
	run "$wt" -r '' true
	expect "an empty report" status 2 says -r
	run "$wt" --probe
	expect "--probe without a path" status 2 says --probe
	run "$wt" --check -p a=off true
	expect "--check with a command" status 2 says --check says true
	run "$tool" policy -x
	expect "the tool: an unknown option" status 2 says -x
	run "$tool" presets oracle
	expect "the tool: an unknown preset" status 2 says oracle says sqlite says mariadb
	run "$tool" program
	expect "the tool: no program" status 2 says program
}

test_check() {
	run "$wt" --check -p ' a=dsync;b=off; '
	expect "--check prints rules in normal form" status 0 quiet \
		out $'a=dsync,engine=auto,cache=keep,fsync=keep\nb=off'
	printf '# c\n*.db=async,window=1048576\r\n\n/x/*=off' >"$odd/rules"
	run "$wt" --check -f "$odd/rules"
	expect "and those of a file of any name" status 0 quiet \
		out $'*.db=async,engine=auto,cache=keep,window=1M\n/x/*=off'
	cp "$work/out" "$work/normal"
	run "$wt" --check -f "$work/normal"
	check "the normal form is a file of the same rules" cmp "$work/out" "$work/normal"
	run "$wt" --check
	expect "--check without rules" status 0 quiet out ''
	run "$wt" --check -p 'a\;b=off' -p 'c=off' -p '\#=off'
	cp "$work/out" "$work/normal"
	run "$wt" --check -f "$work/normal"
	expect "a ';' and a '#' in a pattern survive" status 0 out $'a\\;b=off\nc=off\n\\#=off'
}

test_order() {
	echo 'file1=off' >file1
	echo 'file2=off' >file2
	echo 'own2=off' >own
	run env WT_POLICY='own1=off' WT_POLICY_FILE=own \
		"$wt" -f file1 -P lmdb=off -p p1=off -f file2 -p 'p2=off;p3=off' --check
	expect "rules, then files, then presets, then the environment's" status 0 quiet \
		out "$(printf '%s=off\n' p1 p2 p3 file1 file2 lock.mdb '*-lock' '*.mdb' '*.lmdb' own1 own2)"
	run env WT_POLICY='own1=off' WT_POLICY_FILE=own "$wt" -P lmdb=off -f file1 -p p1=off \
		sh -c 'cd /; echo "$WT_POLICY${WT_POLICY_FILE-}"'
	expect "the command gets them all in one variable" status 0 quiet \
		out 'p1=off;file1=off;lock.mdb=off;*-lock=off;*.mdb=off;*.lmdb=off;own1=off;own2=off'
}

test_policy_errors() {
	run "$wt" -p a=off -p 'b=off;c=of' true
	expect "-p" status 78 says -p: says 'rule 2' says 'column 3' says "'of'"
	printf 'a=off\nb\n' >bad
	run "$wt" -f bad true
	expect "-f" status 78 says bad: says 'line 2' says 'column 1' says PATTERN=LEVEL
	run "$wt" -f "$odd/none" true
	expect "-f with a file that is missing" status 78 says 'No such file'
	run "$wt" -f / true
	expect "-f with a directory" status 78 says /:
	run "$wt" -f /dev/zero true
	expect "-f with a file without an end" status 78 says /dev/zero
	run "$wt" -P oracle true
	expect "-P with an unknown preset" status 78 says "'oracle'" says postgresql
	check "and no other is proposed" [ "$(grep -c mean err)" = 0 ]
	local given
	for given in postgres=postgresql pgsql=postgresql mysql=mariadb InnoDB=mariadb sqlite3=sqlite \
		SQLite=sqlite sqllite=sqlite redis-server=redis valkey=redis lmbd=lmdb rockdb=rocksdb; do
		run "$wt" -P "${given%=*}=through" true
		expect "-P ${given%=*} is asked back" status 78 says "did you mean ${given#*=}?"
	done
	run "$wt" -P sqlite=fsync true
	expect "-P with an unknown level" status 78 says -P: says 'column 8' says "'fsync'"
	run "$wt" -P 'sqlite=dsync;redis' true
	expect "-P with two presets" status 78 says -P:
	run env WT_POLICY=x "$wt" -p a=off true
	expect "WT_POLICY" status 78 says WT_POLICY: says 'rule 1'
	run env WT_POLICY_FILE=bad "$wt" -p a=off true
	expect "WT_POLICY_FILE" status 78 says bad: says 'line 2'
	run "$wt" --check -p x
	expect "--check" status 78 out '' says -p: says "'x'"
	run "$wt" -p x sh -c 'touch ran'
	check "the command is not run" [ ! -e ran ]
	if [ "$(id -u)" = 0 ]; then
		echo 'a=off' >others
		chmod 666 others
		run "$wt" -f others true
		expect "-f with a file that others can write, for root" status 78 \
			says 'others: its mode is 0666' says 'expected 0644 (chmod go-w)'
		run env WT_POLICY_FILE=others "$wt" true
		expect "and WT_POLICY_FILE" status 78 says 'others: its mode is 0666'
		run "$wt" -f <(echo 'a=off') true
		expect "-f with a pipe" status 0 quiet
	else
		skip "-f with a file that others can write" "this machine: not root"
	fi
	seq -f 'some-pattern%.0f=dsync' 5000 >long
	run "$wt" -f long true
	expect "more rules than a variable holds" status 78 says bytes
}

# What parses and can match no file; each goes on.
test_hints() {
	local row hints=(
		"$work/real=dsync|is a directory|'$work/real/*'"
		"$work/real/=dsync|is a directory|'$work/real/*'"
		"/no/such/=dsync|ends in '/'|'/no/such/*'"
		"$work/alias/*.db=dsync|symbolic link|'$work/real/*.db'"
		"$work/alias/sub/x=off|symbolic link|'$work/real/sub/x'"
		"$work//real/*=off|'//'|'$work/real/*'"
		"$work/real/../real/a=off|matches nothing|'$work/real/a'"
		"*=off;*.db=dsync|rule 2|rule 1"
		"a=off;b=off;a=dsync|rule 3|rule 1"
	)
	mkdir real real/sub
	ln -s real alias
	for row in "${hints[@]}"; do
		IFS='|' read -r rules why instead <<<"$row"
		run "$wt" --check -p "$rules"
		expect "--check warns of ${rules//"$work"/}" status 0 says 'warning: -p: rule' \
			says "$why" says "$instead"
		run "$wt" -p "$rules" echo ran
		expect "and so does the start" status 0 out ran says "$why" says "$instead"
	done
	printf '# comment\n%s=off\n' "$work/real" >hinted
	run "$wt" --check -f hinted
	expect "and that of a file" status 0 says 'hinted: rule 1' says "'$work/real/*'"
	for rules in "$work/real/*=off" "$work/real*=off" "$work/rea?=off" '/no/such/file=off' '*/real=off' \
		real=off '*=off'; do
		run "$wt" --check -p "$rules"
		expect "no warning of ${rules//"$work"/}" status 0 quiet
	done
	yes 'a=off' | head -100 >hinted
	run "$wt" --check -f hinted
	check "of many, ten are told, and how many there are" \
		[ "$(wc -l <err) $(grep -c '89 more' err)" = "11 1" ]
	run "$wt" --check -p '*=off' -P sqlite -P lmdb
	expect "nor of presets that are turned off" status 0 quiet
}

test_exit_status() {
	local n
	for n in 0 1 7 78 255; do
		run "$wt" -p a=off sh -c "exit $n"
		expect "exit status $n is the command's" status $n quiet
	done
	run "$wt" -p a=off sh -c 'kill -KILL $$' 2>signal
	expect "a signal is the command's" status 137
	run "$wt" true
	expect "without rules: a warning, and the command" status 0 says 'no rules'
	run "$wt" -p a=off -- printf '<%s>' 'a b' '' "'" '-p'
	expect "arguments arrive as they are" status 0 quiet out "<a b><><'><-p>"
	run "$wt" -sp a=off sh -c 'echo $WT_STRICT'
	expect "-s sets WT_STRICT, bundled too" status 0 quiet out 1
}

test_environment() {
	# Names that a careless script would use for itself.
	local names=(mode=1 rules=1 list=1 status=7 tool=1 lib=1 self=1 option=1 usage=1 report=1)
	env "${names[@]}" "${without_shells[@]}" env -0 | sort -z >env1
	env "${names[@]}" "$wt" -p a=off "${without_shells[@]}" env -0 | sort -z >env2
	comm -z3 env1 env2 | tr '\0' '\n' >changes
	check "nothing else in the environment changes" \
		cmp changes - <<<$'\tLD_PRELOAD='"$WT_LIB"$'\n\tWT_POLICY=a=off'

	other=$(ldd "$WT_LIB" | sed -n 's/.*=> \(.*libc\.so\.6\) .*/\1/p')
	run env LD_PRELOAD="$other libm.so.6" "$wt" -p a=off sh -c 'echo "$LD_PRELOAD"; cat /proc/self/maps'
	check "LD_PRELOAD keeps what it held" [ "$(head -1 out)" = "$WT_LIB:$other libm.so.6" ]
	check "and both are loaded" [ "$(grep -c -e ' r-xp .*/libwt\.so' -e ' r-xp .*/libm\.so' out)" = 2 ]
	run "$wt" -p a=off "$wt" -p b=off sh -c 'echo "$LD_PRELOAD $WT_POLICY"'
	expect "under itself it is loaded once, the inner rules first" status 0 quiet \
		out "$WT_LIB b=off;a=off"
}

test_report() {
	run "$wt" -p a=off -r stderr true
	check "-r stderr" grep -q '^libwt: true (pid [0-9]*)' err
	mkdir '100%p' away
	run bash -c 'cd "100%p" && "$0" -p a=off -r r.%p.%e sh -c "cd ../away; echo \$\$"' "$wt"
	check "-r with a relative path is where the launcher was called" \
		[ -s "100%p/r.$(cat out).sh" ]
	run "$wt" -p a=off -r "$odd/r.json" true
	check "-r with a path of any name, as JSON" grep -q '^{.*}$' "$odd/r.json"
	run "$wt" -p a=off -r "$work/upper.JSON" true
	check "in capitals too" grep -q '^{.*}$' upper.JSON
	run "$wt" -p a=off -r STDERR true
	check "and -r STDERR is stderr" grep -q '^libwt: true (pid [0-9]*)' err
	local word
	for word in - stdout /dev/stdout; do
		run "$wt" -p a=off -r $word true
		expect "-r $word would be taken for the command's data" status 2 says "'$word'" says stderr
	done
	for word in - stdout StdOut /dev/fd/1; do
		run env "LD_PRELOAD=$WT_LIB" WT_POLICY=a=off WT_REPORT=$word cat /dev/null
		expect "and WT_REPORT=$word" status 0 out '' says "WT_REPORT=$word" says stderr
		run env "LD_PRELOAD=$WT_LIB" WT_POLICY=a=off WT_LOG_FILE=$word WT_LOG=info cat /dev/null
		check "no log goes to $word" [ ! -s out ]
	done
	run "$wt" -p a=off -r ./stdout true
	check "a file of that name has a directory in front" [ -s stdout ]
	check "no other file of such a name is made" [ ! -e - ]
	mkdir "$work/x"$'\n'
	run env -C "$work/x"$'\n' "$wt" -p a=off -r r.txt true
	check "-r relative to a directory whose name ends in a newline" [ -s "$work/x"$'\n'/r.txt ]
}

# What happens to a word as an argument and in the environment, and wherever it is refused: an exit
# status and a line each.
fates() { # word, directory
	local word=$1
	run env -C "$2" WORD="$word" IFS="$word" ENV="$word" PS4="$word" CDPATH="$word" wt_mode="$word" \
		wt_lib="$word" wt_joined="$word" wt_report="$word" \
		"$wt" -p a=off -- dash -c 'printf "<%s>" "$@" "$WORD"' - "$word"
	[ "$status $(cat out)" = "0 <$word><$word>" ] || echo "changed"
	for option in -p -f -P --; do
		run env -C "$2" "$wt" "$option$word" true
		echo "$status $(wc -l <err)"
	done
	run env -C "$2" WT_POLICY="$word" "$wt" true
	echo "$status $(wc -l <err)"
	run env -C "$2" "$wt" -p a=off -- "$word"
	echo "$status $(wc -l <err)"
}

# Nothing that comes from outside is taken for more than a word.
test_words() {
	local word words=('$(touch ran)' '`touch ran`' $'\n; touch ran | touch ran\n' "'; touch ran; '"
		'"; touch ran; "' '~ * $PATH' $'\\' '%s%n' '-n' $'\xff\x1b[2J')
	mkdir words
	for word in "${words[@]}"; do
		check "$(printf %q "$word") is a word" is "$(fates "$word" words | xargs)" \
			'78 1 78 1 78 1 2 1 78 1 127 1'
		mkdir "words/d$word"
		run env -C "words/d$word" "$wt" -p "a=off" -r "r${word//%/%%}" true
		check "and a part of a path" [ -s "words/d$word/r$word" ]
	done
	run env -C words "$wt" --probe "${words[@]}"
	check "--probe: a line for each" is "$status $(wc -l <err)" "1 ${#words[@]}"
	check "nothing was run" is "$(find words -name ran)" ''
	run env -C words dash -c "echo $(printf '%s\n' "${words[0]}")"
	check "where a shell takes them for more, it was" [ -e words/ran ]
}

# Held against what the kernel says when it starts the program (AT_SECURE).
privileged() { # name, user to run as, owner, mode, capabilities, setpriv's option
	local name=$1 user=$2 kernel
	cp "$WT_OBJ/tests/prog/secure" program
	chown "$3" program
	chmod "$4" program
	[ -z "$5" ] || setcap "$5" program
	shift 5
	kernel=$(setpriv --reuid "$user" --regid "$user" --clear-groups "$@" ./program)
	run setpriv --reuid "$user" --regid "$user" --clear-groups "$@" "$wt" -p a=off ./program
	if [ "$kernel" = secure ]; then
		expect "$name: refused, as the loader would" status 126 out '' says program
	else
		expect "$name: run" status 0 quiet out plain
	fi
	refused+="$kernel "
}

test_privileges() {
	if [ "$(id -u)" != 0 ]; then
		skip "setuid programs" "this machine: not root"
		return
	fi
	chmod 777 .
	refused=
	privileged "setuid root" 12345 0:0 4755 ''
	privileged "setuid its caller" 12345 12345:0 4755 ''
	privileged "setuid another, called by root" 0 12345:0 4755 ''
	privileged "setgid" 12345 0:0 2755 ''
	privileged "setgid, not executable by its group" 12345 0:0 2705 ''
	privileged "setgid its caller's group" 12345 0:12345 2755 ''
	privileged "setuid with no_new_privs" 12345 0:0 6755 '' --no-new-privs
	privileged "capabilities" 12345 0:0 755 cap_net_raw+ep
	privileged "capabilities, called by root" 0 0:0 755 cap_net_raw+ep
	privileged "capabilities with no_new_privs" 12345 0:0 755 cap_net_raw+ep --no-new-privs
	privileged "no privilege" 12345 0:0 755 ''
	check "the kernel saw both kinds" grep -q 'secure.*plain' <<<"$refused"
	privileged "executable, but not readable" 12345 0:0 711 ''
	privileged "setuid, but not readable" 12345 0:0 4711 ''
}

script() { # file, first line
	printf '%s\necho from a script\n' "$2" >"$1"
	chmod 755 "$1"
}

# patched FROM TO: a copy of a dynamic program with some bytes of it replaced by as many others.
patched() {
	LC_ALL=C sed "s,$1,$2," "$(command -v cat)" >patched
	chmod 755 patched
}

test_programs() {
	local dir=$odd
	run "$wt" -p a=off no-such-command
	expect "a command that is not found" status 127 says no-such-command
	run "$wt" -p a=off ./none
	expect "a path that is not found" status 127 says ./none
	run "$wt" -p a=off ''
	expect "an empty command" status 127 says 'not found'
	run "$wt" -p a=off /
	expect "a directory" status 126 says directory
	touch plain
	run "$wt" -p a=off ./plain
	expect "a file that is not executable" status 126 says ./plain says 'Permission denied'
	run env PATH="$work:$PATH" "$wt" -p a=off plain
	expect "the same, by its name" status 126 says plain

	cp "$(command -v cat)" "$dir/a program"
	echo through >input
	run "$wt" -p a=off "$dir/a program" input
	expect "a program of any name" status 0 quiet out through
	script "$dir/a script" '#!/bin/sh'
	run "$wt" -p a=off "$dir/a script"
	expect "a script" status 0 quiet out 'from a script'
	script bare '# without an interpreter'
	run env PATH="$work:$PATH" "$wt" -p a=off bare
	expect "a script without an interpreter" status 0 quiet out 'from a script'
	script outer "#!  $work/inner  -x"
	script inner '#!/bin/sh -e'
	run "$wt" -p a=off ./outer
	expect "a script for a script" status 0 quiet
	script outer '#!/no/interpreter -e'
	run "$wt" -p a=off ./outer
	expect "a script without its interpreter" status 127 says ./outer says /no/interpreter
	script loop "#!$work/loop"
	run "$wt" -p a=off ./loop
	expect "a script that is its own interpreter" status 126 says ./loop says deep

	patched '/ld-linux-' '/ld-other-'
	run "$wt" -p a=off ./patched
	expect "a program for another loader" status 126 says ./patched says ld-other says ld-linux
	head -c 40 patched >short && chmod 755 short
	run "$wt" -p a=off ./short
	expect "a damaged program" status 126 says ./short says damaged
	patched '^\(.ELF.\{14\}\)..' '\1\xf3\x00'
	run "$wt" -p a=off ./patched
	expect "a program for another machine" status 126 says ./patched says 'machine 243'
}

test_static() {
	local busybox
	busybox=$(command -v busybox)
	if [ -z "$busybox" ] || ! ldd "$busybox" 2>&1 | grep -q 'not a dynamic'; then
		skip "static programs" "busybox is not installed (package busybox-static)"
		return
	fi
	run "$wt" -p a=off busybox true
	expect "a static program" status 126 says "$busybox" says static
	script outer "#!$busybox sh"
	run "$wt" -p a=off ./outer
	expect "a script for a static interpreter" status 126 says ./outer says static
}

test_places() {
	ln -s "$wt" link
	ln -s link link2
	run ./link2 -p a=off true
	expect "by a symbolic link" status 0 quiet
	run env PATH="$work:$PATH" link -p a=off true
	expect "by PATH" status 0 quiet
	mkdir tree tree/obj
	cp "$wt" tree
	run tree/wt-preload.sh -p a=off true
	expect "without its tool" status 126 says "$work/tree/obj/wt-tool" says "run make in $work/tree"
	cp "$tool" tree/obj
	run tree/wt-preload.sh -p a=off true
	expect "without the library" status 126 says "$work/tree/libwt.so"
	mkdir tree/libwt.so
	run tree/wt-preload.sh -p a=off true
	expect "with a directory for the library" status 126 says "$work/tree/libwt.so"
	rmdir tree/libwt.so
	cp "$WT_LIB" tree
	run tree/wt-preload.sh -p a=off true
	expect "with all three, anywhere" status 0 quiet
	mv tree "$odd/tree"
	run "$odd/tree/wt-preload.sh" -p a=off true
	expect "but not where LD_PRELOAD cannot name it" status 126 says libwt.so says LD_PRELOAD
}

test_installed() {
	local prefix=$work/usr
	run make -s -C "$WT_TOP" install PREFIX="$prefix"
	expect "make install" status 0
	run make -C "$WT_TOP" install PREFIX="$prefix"
	check "it says what it put where" [ "$(grep -o "INST  *$prefix/.*" out | awk '{ print $2 }' | xargs ls | wc -l)" = 7 ]
	check "and how it is called" grep -q "$prefix/bin/wt-preload.sh -P" out
	run env -C / PATH="$prefix/bin:$PATH" wt-preload.sh -p a=off sh -c 'echo "$LD_PRELOAD"'
	expect "the installed launcher takes the installed library" status 0 quiet \
		out "$prefix/lib/libwt.so"
	run "$prefix/bin/wt-preload.sh" --check -P lmdb=off
	expect "and the installed tool" status 0 quiet out $'lock.mdb=off\n*-lock=off\n*.mdb=off\n*.lmdb=off'
	rm "$prefix/lib/libwt.so"
	run "$prefix/bin/wt-preload.sh" -p a=off true
	expect "without the installed library" status 126 says "$prefix/lib/libwt.so"
	run make -s -C "$WT_TOP" uninstall PREFIX="$prefix"
	check "make uninstall leaves no file" [ -z "$(find "$prefix" ! -type d)" ]
	run make -s -C "$WT_TOP" install PREFIX=/opt/libwt DESTDIR="$work/stage"
	check "DESTDIR is where it is put, PREFIX where it looks" \
		grep -q "'/opt/libwt/lib'" stage/opt/libwt/bin/wt-preload.sh
	run stage/opt/libwt/bin/wt-preload.sh true
	expect "and it says what is missing there" status 126 says /opt/libwt/libexec/libwt/wt-tool
}

test_presets() {
	local preset
	run "$tool" presets
	cp out presets
	check "there are six presets, each with what is to be known" \
		[ "$(grep -cE '^# [a-z]+: [A-Za-z].* ' presets)" = 6 ]
	run "$wt" --presets
	check "--presets prints them" cmp out presets
	run "$wt" --presets redis lmdb
	check "or some" [ "$(grep '^# ' out | cut -d: -f1 | xargs)" = '# redis # lmdb' ]
	run "$wt" --presets oracle
	expect "but no other" status 2 says oracle says redis
	run "$wt" -P help
	check "-P help tells their names and notes" \
		[ "$(cat out)" = "$(sed -n 's/^# \([a-z]*\): /\1 /p' presets | awk '{ n = $1; $1 = ""; printf "%-11s%s\n", n, $0 }')" ]
	for preset in sqlite postgresql redis rocksdb lmdb mariadb; do
		run "$wt" --check -P $preset
		grep -v '^# ' out >rules
		run "$wt" --check -f rules
		check "$preset: its rules are a file of the same rules" cmp out rules
		run "$wt" --check -P "$preset=through,engine=direct,cache=drop"
		check "$preset: level and options go to what is written, off stays" \
			[ "$(sed 's/=dsync,.*/=through,engine=direct,cache=drop/' rules)" = "$(cat out)" ]
	done
	run "$wt" --check -P lmdb=off -P redis=off -p '*=off'
	check "presets can be combined and turned off" [ "$(grep -cv '=off$' out)" = 0 ]
}

# dirty_files COMMAND...: those of "${files[@]}" that are dirty after the command wrote a block to each.
dirty_files() {
	local file
	for file in "${files[@]}"; do mkdir -p "$place/$(dirname "$file")"; done
	run env -C "$place" "$@" dash -c 'for f; do printf %4096d 1 >"$f"; done' - "${files[@]}"
	for file in "${files[@]}"; do
		[ "$(dirty_pages "$place/$file")" = 0 ] || printf '%s ' "$file"
		rm "$place/$file"
	done
}

written() { # preset, files
	local preset=$1 files=("${@:2}")
	check "$preset: written through: ${files[*]}" [ -z "$(dirty_files "$wt" -P "$preset")" ]
	check "$preset: without libwt: not" [ "$(dirty_files env)" = "${files[*]} " ]
}

untouched() { # preset, files
	local preset=$1 files=("${@:2}")
	check "$preset: left alone: ${files[*]}" [ "$(dirty_files "$wt" -P "$preset")" = "${files[*]} " ]
}

test_preset_files() {
	local wal=0000000100000002000000FE
	place=${WT_TEST_EXT4:-}
	if [ -z "$place" ]; then
		skip "the files of presets" "${WT_TEST_EXT4_SKIP:-run by tests/with-fs}"
		return
	fi
	written sqlite x.db x.db-wal x.db-journal x.sqlite x.db-mjD62A43914
	untouched sqlite x.db-shm etilqs_dc0cac2e text
	written postgresql pg_wal/$wal wal/$wal pg_wal/xlogtemp.42 pg_wal/00000002.history \
		d/base/5/16384 d/base/5/16384.1 d/base/5/16384_fsm d/base/5/pg_filenode.map \
		d/global/1262 d/global/pg_control d/pg_xact/0000 d/pg_multixact/offsets/0000 \
		space/PG_15_202209061/5/16390 d/pg_replslot/s/state d/pg_logical/replorigin_checkpoint \
		d/postmaster.pid
	untouched postgresql d/base/pgsql_tmp/pgsql_tmp42.0 d/base/5/t3_16384 \
		d/pg_wal/archive_status/$wal.ready d/pg_stat_tmp/global.stat d/pg_subtrans/0000 \
		d/global/pg_internal.init.7 d/log/postgresql-2026.log d/current_logfiles.tmp
	written redis appendonly.aof.1.incr.aof appendonly.aof.1.base.rdb dump.rdb \
		temp-42.rdb temp-rewriteaof-42.aof temp-appendonly.aof.manifest nodes.conf
	untouched redis redis-server.log redis.pid
	written rocksdb 000010.log 000012.sst 000013.blob MANIFEST-000005 000001.dbtmp \
		OPTIONS-000007.dbtmp
	untouched rocksdb LOCK LOG LOG.old.1700000000000000 server.log
	written lmdb data.mdb x.lmdb
	untouched lmdb lock.mdb x.lmdb-lock
	written mariadb ib_logfile0 ibdata1 d/i.ibd undo001 aria_log.00000001 aria_log_control \
		vm-bin.000001 vm-bin.index vm-bin.state d/a.MAD d/a.MAI d/m.MYD 'd/#sql-alter-3b-5.frm' \
		ddl_recovery.log d/i.TRG~ 'd/p#P#p0.ibd'
	untouched mariadb ibtmp1 'd/#sql-temptable-3b-5-0.MAD' tc.log vm-slow.log ib_buffer_pool x.err
}

test_probe() {
	run "$wt" --probe "$odd"
	check "--probe looks at a path of any name, and escapes it" \
		[ "$status $(head -1 out)" = "0 ${odd/$'\n'/\\x0a}" ]
	check "--probe says what to do where there is no disk" is \
		"$("$wt" --probe /proc/self/status | grep -A1 ' has no disk$' | tail -1)" \
		'    what to do: put the file on a file system with a disk, or give it the level off'
	run "$wt" --probe "$work/none"
	expect "--probe of a path that is missing fails" status 1 says "$work/none" says 'No such file'
	run "$wt" --probe /dev/null
	expect "and of a device" status 1 says 'neither a file nor a directory'
	if [ "$(id -u)" != 0 ]; then
		skip "--probe as another user" "this machine: not root"
		return
	fi
	run unshare -m sh -c 'mount -t tmpfs none /proc || exit 77; exec "$0" --probe /' "$wt"
	if [ "$(grep -c wt-preload err) $status" = "0 77" ] || grep -q '^unshare: ' err; then
		skip "--probe without /proc" "this machine: $(tail -n 1 err)"
	else
		check "--probe without /proc does not call a disk none" \
			[ "$status $(grep -c 'device  *not known: ' out)" = "0 1" ]
	fi
	local as=(setpriv --reuid 12345 --regid 12345 --clear-groups)
	mkdir -m 755 roots
	mkdir -m 700 closed
	echo x >readable
	install -m 602 readable writable
	run "${as[@]}" "$wt" --probe "$work/roots"
	check "--probe tells of a directory in which the user may make no file" \
		[ "$status $(grep -c -e '^  dsync  *' -e 'O_DIRECT  *not known: ' out)" = "0 2" ]
	run "${as[@]}" "$wt" --probe "$work/closed"
	expect "of one that he cannot read it says so" status 1 says 'Permission denied' says reach
	run "${as[@]}" "$wt" --probe "$work/readable" "$work/writable"
	expect "and it tells of a file that he may only read, or only write" status 0 quiet
}

for part in help usage_errors check order policy_errors hints exit_status environment report words privileges \
	programs static places installed presets preset_files probe; do
	test_$part
done
finish

#!/bin/bash
# SPDX-License-Identifier: MIT
#
# tests/run and tests/with-fs themselves, in a small tree: where other users cannot reach it, cannot
# read it, or LD_PRELOAD cannot name it, what a test is given can be reached, read and named; nothing
# is left in TMPDIR; the runner tells how far it is, and ends what hangs.

# shellcheck disable=SC2016 # what another shell expands
# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh
. "${0%/*}/../lib/tap.sh"
cd "$work" || exit 1
export -n WT_OBJ WT_LIB
for variable in "${!WT_TEST_@}"; do unset "$variable"; done
here=(env -u WT_OBJ -u WT_LIB -u WT_TOP TMPDIR="$work/tmp")
mkdir -m 1777 tmp

# small_tree DIRECTORY
small_tree() {
	mkdir -p "$1"/{tests/sh,obj/tests/prog,.git}
	cp "$WT_TOP"/tests/{run,with-fs} "$1/tests/"
	echo content >"$1/obj/tests/prog/file"
	touch "$1"/{libwt.so,obj/wt-tool,obj/tests/unit,obj/tests/system}
}

part() { # tree, name, lines of the script
	printf '%s\n' '#!/bin/bash' "${@:3}" >"$1/tests/sh/$2.sh"
	chmod 755 "$1/tests/sh/$2.sh"
}

nothing_left() { is "$(ls -A tmp)" ''; }

# What a user who owns nothing can read, through each of the variables.
as_nobody=(setpriv --reuid 12345 --regid 12345 --clear-groups --)
reads='cat "$WT_OBJ/tests/prog/file" "$WT_TOP/obj/tests/prog/file" && touch "$TMPDIR/left" && ls "$WT_LIB"'

reached() { # tree
	local said
	said=$("${here[@]}" "$1/tests/with-fs" "${as_nobody[@]}" sh -c "$reads") || return
	is "$(head -2 <<<"$said" | xargs)" "content content" || return
	# LD_PRELOAD takes blanks and colons for the end of a path.
	is "$(tail -1 <<<"$said" | tr -d '[:graph:]')" ''
}

test_reach() {
	local tree what
	if [ "$(id -u)" != 0 ]; then
		skip "trees that others cannot reach" "this machine: not root"
		return
	fi
	if ! what=$(unshare --mount --pid --fork --mount-proc true 2>&1); then
		skip "trees that others cannot reach" "this machine: $what"
		return
	fi
	small_tree open/tree
	(umask 077 && mkdir closed && small_tree private/tree)
	small_tree closed/tree
	small_tree "a blank/tree"
	small_tree 'a:colon/tr$ee'
	for tree in open/tree closed/tree private/tree "a blank/tree" 'a:colon/tr$ee'; do
		check "others reach what is in $tree" reached "$work/$tree"
		check "and nothing of theirs is left in TMPDIR" nothing_left
	done
	for what in closed/tree private/tree; do
		check "without with-fs, $what is not to be reached" \
			[ -z "$("${as_nobody[@]}" cat "$work/$what/obj/tests/prog/file" 2>/dev/null)" ]
	done
	check "where the command starts in the tree, it does so there too" is \
		"$(cd "$work/a blank/tree/obj" && "${here[@]}" ../tests/with-fs sh -c '[ "$PWD" = "$WT_TOP/obj" ] && cat tests/prog/file')" content
	check "a TMPDIR that others cannot reach is not taken" is \
		"$("${here[@]}" TMPDIR="$work/closed" open/tree/tests/with-fs "${as_nobody[@]}" sh -c 'touch "$TMPDIR/x" && echo yes')" yes
	check "the exit status is the command's" is \
		"$("${here[@]}" open/tree/tests/with-fs sh -c 'exit 7'; echo $?)" 7
}

test_runner() {
	small_tree run/tree
	part run/tree slow 'echo "ok 1 - first"; sleep 2.5; echo "ok 2 - second"; echo 1..2'
	part run/tree hangs 'echo "ok 1 - first"; sleep 1000'
	part run/tree words 'echo 1..1; [ "$LC_ALL${LANGUAGE-}${PGHOST-}${CDPATH-}$(umask)" = C0022 ] || printf "not "; echo ok 1'
	run "${here[@]}" WT_TEST_TELL=1 run/tree/tests/run slow
	expect "the runner ends well" status 0
	check "and told how far it was" grep -qE '^ +1 tests, 0:0[1-9]; ' out
	check "and what came out" grep -qE '^\[1/1\] slow \.\.\. ok \(2 tests, ' out
	check "its last line is the count" is "$(tail -1 out)" '2 passed, 0 failed, 0 skipped'
	run "${here[@]}" WT_TEST_TIMEOUT=1 run/tree/tests/run hangs
	check "what hangs is ended" is "$status $(grep -c 'over the limit of 1 s' out)" "1 1"
	run "${here[@]}" LC_ALL=de_DE.UTF-8 LANGUAGE=de PGHOST=elsewhere CDPATH=/ sh -c 'umask 077; exec "$0" words' run/tree/tests/run
	expect "tests start from nothing that is the caller's" status 0
	run "${here[@]}" run/tree/tests/run oracle
	expect "a part that is none" status 2 says oracle says slow
	rm run/tree/obj/wt-tool
	run "${here[@]}" run/tree/tests/run slow
	expect "a tree that is not built" status 1 says obj/wt-tool says 'make tests'
	check "what a killed part left in TMPDIR is gone after the next" nothing_left
}

test_reach
test_runner
finish

#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bench/demo.sh, which `make demo` runs: a table with all its rows, and where a database cannot be
# measured what it said, while the others are shown and the exit status tells.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh
. "${0%/*}/../lib/tap.sh"
cd "$work" || exit 1
demo=$WT_TOP/bench/demo.sh
mkdir bin tmp

# broken PROGRAM WORDS: it says them and fails.
broken() {
	printf '#!/bin/sh\necho "%s" >&2\necho "USAGE: %s [OPTION]..." >&2\nexit 3\n' "$2" "$1" >"bin/$1"
	chmod 755 "bin/$1"
}

shown() { # databases
	run env PATH="$work/bin:$PATH" TMPDIR="$work/tmp" DEMO_SECONDS=1 "$demo" "$@"
}

for program in sqlite3 jq; do
	command -v $program >/dev/null || skip_all "$program is not installed (package $program)"
done
why=$("$WT_OBJ/tests/prog/dirty" "$demo" 2>&1) || skip_all "this machine: ${why##*: }"

broken db_bench 'unknown flag --benchmarks'
broken redis-server 'cannot bind'
broken redis-benchmark 'never asked'
shown sqlite rocksdb redis
check "what cannot be measured is an exit status" is "$status" 1
check "the others are shown: four levels and its own fsync" is \
	"$(awk '/^sqlite:/ { on = 1 } /^$/ { on = 0 } on && NF >= 8 && $(NF - 6) ~ /^[1-9][0-9]*$/ { print "row" }' out | xargs)" \
	'row row row row row'
check "a line says what RocksDB said, and no usage stands in the table" is \
	"$(grep -c '^demo: failed: db_bench: exit status 3: unknown flag --benchmarks' err) $(grep -ci usage out)" '1 0'
check "and what Redis said" grep -q '^demo: failed: redis-server: ' err
check "and which have no figures" grep -qx 'demo: failed: no figures of: rocksdb redis' err
check "nothing is left" is "$(ls -A tmp)" ''
shown oracle
expect "a database that it does not know" status 1 says oracle says rocksdb
run env DEMO_SECONDS=0.5 "$demo" sqlite
expect "seconds that are no number" status 1 says 0.5
run env TMPDIR="$work/none" "$demo" sqlite
expect "a directory that is not there" status 1 says "$work/none"
run env TMPDIR="$work/a b" "$demo" sqlite
expect "a directory that LD_PRELOAD cannot name" status 1 says "$work/a b"
finish

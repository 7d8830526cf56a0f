#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Code that gets at libc by another way than being linked with it: libraries loaded with
# RTLD_DEEPBIND, in every form that a compiler gives them, functions looked up by name, interpreters
# that call C. Constructors that run before the program. What each writes to a file under a rule is
# where the rule wants it; what libwt cannot reach is named.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154
. "${0%/*}/../lib/tap.sh"

need_fs EXT4
cd "$WT_TEST_EXT4" || exit 1
here=$WT_TOP/tests/loaders
case $(uname -m) in
x86_64) version=GLIBC_2.2.5 ;;
*) version=GLIBC_2.17 ;;
esac

compile() { "${CC:-cc}" -std=gnu11 -w -O1 -fno-builtin "$@"; }
# plugin NAME FLAG...
plugin() { compile -fPIC -shared -o "$work/$1.so" "$here/plugin.c" "${@:2}"; }

# covered NAME COMMAND...: dirty without libwt, clean with it, and nothing said to be uncovered.
covered() {
	local name=$1 wrong='' dirty
	shift
	rm -f file
	run timeout -s KILL 60 "$@"
	dirty=$(dirty_pages file)
	[ "$status" = 0 ] || wrong+="without libwt: exit status $status: $(head -c 500 "$work/err")"
	[ "${dirty:-0}" -gt 0 ] || wrong+=" without libwt nothing is dirty"
	rm -f file report.json
	run timeout -s KILL 60 env LD_PRELOAD="$WT_LIB" WT_POLICY=file=dsync \
		WT_REPORT="$PWD/report.json" "$@"
	dirty=$(dirty_pages file)
	[ "$status" = 0 ] || wrong+=" exit status $status: $(head -c 500 "$work/err")"
	[ "$dirty" = 0 ] || wrong+=" $dirty dirty pages"
	jq -se '([.[].rules[].writes] | add) > 0 and ([.[].not_covered[]] == [])' report.json \
		>"$work/jq" 2>&1 || wrong+=" report: $(cat report.json)"
	pass_unless "$name" "$wrong"
}

compile -DVERSION="\"$version\"" -o "$work/host" "$here/host.c" -ldl -pthread
host=$work/host

### Libraries that are loaded with RTLD_DEEPBIND

while read -r name flags; do
	# shellcheck disable=SC2086
	plugin "$name" $flags || continue
	covered "RTLD_DEEPBIND: $name" "$host" lazy "$work/$name.so" "$PWD/file"
	covered "RTLD_DEEPBIND, RTLD_NOW: $name" "$host" now "$work/$name.so" "$PWD/file"
done <<-'TABLE'
	bound-late -Wl,-z,lazy
	bound-at-once -Wl,-z,now,-z,relro
	read-only-in-part -Wl,-z,lazy,-z,relro
	called-by-address -fno-plt
	a-table-of-functions -DTABLE
	a-read-only-table -DTABLE -Wl,-z,now,-z,relro
	streams -DSTREAM
	streams-at-once -DSTREAM -Wl,-z,now
	an-old-hash-table -Wl,--hash-style=sysv
	symbolic -Wl,-Bsymbolic
	small-pages -Wl,-z,max-page-size=4096,-z,noseparate-code
	without-versions -nostdlib
	an-early-look-up -DNEXT
	a-look-up-in-all -DDEFAULT
	optimized -O3 -fvisibility=default -fno-semantic-interposition
	not-optimized -O0
	position-by-table -mcmodel=large
TABLE

plugin plain
plugin inner -DINNER
compile -fPIC -shared -o "$work/outer.so" -DOUTER "$here/plugin.c" "$work/inner.so"
plugin nested -DNESTED
export NESTED=$work/plain.so
for how in lazy-global now-global now-local thread twice base plain-lazy; do
	covered "loaded another way: $how" "$host" $how "$work/plain.so" "$PWD/file"
done
covered "a library that it needs writes" "$host" lazy "$work/outer.so" "$PWD/file"
covered "a library that it loads writes" "$host" lazy "$work/nested.so" "$PWD/file"
covered "found in LD_LIBRARY_PATH" env LD_LIBRARY_PATH="$work" "$host" lazy plain.so "$PWD/file"

# The loader has to see the caller.
compile -DVERSION="\"$version\"" -o "$work/path-host" "$here/host.c" -ldl -pthread \
	-Wl,-rpath,"$work",--enable-new-dtags
covered "found by the host's DT_RUNPATH" "$work/path-host" lazy plain.so "$PWD/file"
covered "and bound at once" "$work/path-host" now bound-at-once.so "$PWD/file"
# shellcheck disable=SC2016 # the loader's
covered 'found by $ORIGIN' "$host" lazy '$ORIGIN/plain.so' "$PWD/file"
compile -DVERSION="\"$version\"" -o "$work/old-host" "$here/host.c" -ldl -pthread \
	-Wl,-rpath,"$work",--disable-new-dtags
covered "found by its DT_RPATH" "$work/old-host" lazy plain.so "$PWD/file"

### Functions that are looked up

for how in dlsym dlvsym next loaded; do
	covered "looked up: $how" "$host" $how libc.so.6 "$PWD/file"
done
covered "looked up in a library that needs libc" "$host" dlsym "$work/plain.so" "$PWD/file"

# interpreter NAME COMMAND...
interpreter() {
	if command -v "$2" >/dev/null; then
		covered "$@"
	else
		skip "$1" "$2 is not installed"
	fi
}

python_writes() { # HOW
	echo "import ctypes, os; libc = $1; fd = os.open('file', os.O_CREAT | os.O_RDWR); libc.write(fd, b'bytes', 5)"
}
for how in "ctypes.CDLL('libc.so.6')" "ctypes.CDLL(None)" "ctypes.PyDLL('libc.so.6')" \
	"ctypes.CDLL('libc.so.6', mode=os.RTLD_DEEPBIND)" "ctypes.CDLL('libc.so.6', use_errno=True)"; do
	interpreter "Python: $how" python3 -c "$(python_writes "$how")"
done
for how in 'ffi.C' 'ffi.load("libc.so.6")'; do
	interpreter "LuaJIT: $how" luajit -e "local ffi = require 'ffi'
		ffi.cdef 'int open(const char *, int, int); long write(int, const char *, size_t);'
		local c = $how
		c.write(c.open('file', 66, 384), 'bytes', 5)"
done
interpreter "Ruby: Fiddle" ruby -rfiddle -e '
	write = Fiddle::Function.new(Fiddle.dlopen("libc.so.6")["write"], [Fiddle::TYPE_INT,
		Fiddle::TYPE_VOIDP, Fiddle::TYPE_SIZE_T], Fiddle::TYPE_SSIZE_T)
	File.open("file", "w") { |f| write.call(f.fileno, "bytes", 5) }'
# shellcheck disable=SC2016 # PHP's
interpreter "PHP: SQLite by PDO" php -r '
	$d = new PDO("sqlite:file");
	$d->exec("PRAGMA synchronous=OFF");
	$d->exec("create table t(x)");'

### Constructors

export EARLY_FILE=$PWD/file
while read -r name flags; do
	# shellcheck disable=SC2086
	plugin "$name" $flags
	echo 'int act(const char *, int); int main(int n) { return n > 9 && act("", 0); }' >"$work/main.c"
	compile -o "$work/$name" "$work/main.c" "$work/$name.so" -Wl,-rpath,"$work"
	covered "a library's constructor: $name" "$work/$name"
done <<-'TABLE'
	early-write -DEARLY=200
	earliest-write -DEARLY=101
	early-stream -DEARLY=101 -DSTREAM
	early-look-up -DEARLY=101 -DNEXT
TABLE
cat >"$work/main.c" <<-'C'
	int act(const char *, int);
	static void first(void) { act("file", 0); }
	__attribute__((section(".preinit_array"))) void (*before)(void) = first;
	int main(void) { return 0; }
C
compile -o "$work/before" "$work/main.c" "$work/plain.so" -Wl,-rpath,"$work"
covered "the program's DT_PREINIT_ARRAY" "$work/before"
unset EARLY_FILE

### Libraries with functions of their own

# same NAME COMMAND...: the same output and status as without libwt.
same() {
	local name=$1 before
	shift
	run timeout -s KILL 60 "$@"
	before="$status $(cat "$work/out" "$work/err")"
	run timeout -s KILL 60 env LD_PRELOAD="$WT_LIB" WT_POLICY=file=dsync "$@"
	check "$name" is "$status $(cat "$work/out" "$work/err")" "$before"
}

cat >"$work/its.c" <<-'C'
	double NAME(double a) { return a * 9; }
	double plug(double a) { return NAME(a) + 1; }
C
cat >"$work/main.c" <<-'C'
	#define _GNU_SOURCE
	#include <dlfcn.h>
	#include <stdio.h>
	int main(int argc, char **argv)
	{
		void *library = dlopen(argv[1], RTLD_LAZY);
		double (*plug)(double), (*its)(double);
		*(void **)&plug = dlsym(library, "plug");
		*(void **)&its = dlsym(library, argv[2]);
		printf("%.1f %.1f\n", plug(1.5), its(2));
		return 0;
	}
C
compile -o "$work/later" "$work/main.c" -ldl
for name in io_submit io_uring_submit io_uring_enter; do
	for flag in -Wl,-z,lazy -Wl,-z,now -fno-plt; do
		compile -fPIC -shared -DNAME=$name $flag -o "$work/its.so" "$work/its.c"
		same "loaded by the program, with an own $name, $flag" "$work/later" "$work/its.so" $name
	done
done
compile -fPIC -shared -DNAME=error -Wl,-Bsymbolic -o "$work/its.so" "$work/its.c"
same "loaded by the program, with an own error, symbolic" "$work/later" "$work/its.so" error

cat >"$work/main.c" <<-'C'
	#include <error.h>
	#include <stdio.h>
	double plug(double a);
	int main(void)
	{
		printf("%.1f\n", plug(1.5));
		fflush(stdout);
		error(0, 0, "libc's %d", 3);
		return 0;
	}
C
echo 'ITS_1 { global: error; plug; local: *; };' >"$work/map"
compile -fPIC -shared -DNAME=error -Wl,--version-script="$work/map" -o "$work/its.so" "$work/its.c"
compile -o "$work/both" "$work/main.c" -Wl,--no-as-needed -lc "$work/its.so" -Wl,-rpath,"$work"
same "an error with a version of its own, beside libc's" "$work/both"
compile -fPIC -shared -DNAME=error -o "$work/its.so" "$work/its.c"
echo 'double plug(double a) { return a; }' >"$work/plug.c"
compile -fPIC -shared -o "$work/plug.so" "$work/plug.c"
compile -o "$work/both" "$work/main.c" -Wl,--no-as-needed "$work/plug.so" -lc "$work/its.so" \
	-Wl,-rpath,"$work"
same "libc's error, found before a library's" "$work/both"

# Its function is found first, and calls libc's: a wrapper.
cat >"$work/wrapper.c" <<-'C'
	#define _GNU_SOURCE
	#include <dlfcn.h>
	#include <unistd.h>
	ssize_t write(int fd, const void *data, size_t len)
	{
		ssize_t (*next)(int, const void *, size_t);
		*(void **)&next = LOOK_UP;
		return next(fd, data, len);
	}
C
plugin linked
while read -r name look_up; do
	compile -fPIC -shared "-DLOOK_UP=$look_up" -o "$work/wrapper.so" "$work/wrapper.c" -ldl
	echo 'int act(const char *, int); int main(void) { return act("file", 0); }' >"$work/main.c"
	compile -o "$work/wrapped" "$work/main.c" "$work/linked.so" "$work/wrapper.so" -Wl,-rpath,"$work"
	covered "a wrapper of write: $name" "$work/wrapped"
done <<-TABLE
	next dlsym(RTLD_NEXT,"write")
	next-version dlvsym(RTLD_NEXT,"write","$version")
	by-handle dlsym(dlopen("libc.so.6",RTLD_LAZY),"write")
TABLE

### What is not seen is named

cat >"$work/apart.c" <<-'C'
	#define _GNU_SOURCE
	#include <dlfcn.h>
	int main(int argc, char **argv)
	{
		void *handle = dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW);
		int (*act)(const char *, int);
		*(void **)&act = handle ? dlsym(handle, "act") : 0;
		return !act || act(argv[2], 0);
	}
C
compile -o "$work/apart" "$work/apart.c" -ldl
run env LD_PRELOAD="$WT_LIB" WT_POLICY=file=dsync WT_REPORT="$PWD/report.json" "$work/apart" \
	"$work/plain.so" "$PWD/file"
check "control: a library in a namespace of its own is not covered" [ "$(dirty_pages file)" -gt 0 ]
# shellcheck disable=SC2016 # jq's
check "and is named" jq -e --arg library "$work/plain.so" \
	'.not_covered | any(.path == $library and (.way | test("namespace")))' report.json
check "in the log, too" grep -q 'namespace of its own' "$work/err"

cat >"$work/own.c" <<-'C'
	int error(double a) { return a * 2; }
	long write(double a, float b) { return a * b; }
C
compile -fPIC -shared -o "$work/own.so" "$work/own.c"
cat >"$work/main.c" <<-'C'
	int error(double a);
	long write(double a, float b);
	int main(void) { return error(1.5) != 3 || write(2, 3.5) != 7; }
C
compile -o "$work/own" "$work/main.c" "$work/own.so" -Wl,-rpath,"$work"
run env LD_PRELOAD="$WT_LIB" WT_POLICY=file=dsync WT_LOG=info WT_REPORT="$PWD/report.json" "$work/own"
expect "a library with functions of its own by such names is left to itself" status 0
# shellcheck disable=SC2016 # jq's
check "and is named" jq -e --arg library "$work/own.so" \
	'.not_covered | any(.path == $library and (.way | test("functions of its own")))' report.json
check "with its functions, in the log" grep -q 'own.so: .*: write, error' "$work/err"
cd / && finish

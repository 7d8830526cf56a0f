#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A stranger builds and installs: in a directory with a blank in its name, with a umask of 077, in
# another language, from another directory, with eight jobs; without a compiler, libc's headers,
# liburing, binutils; with paths that cannot be. What is missing is named by its package, and what
# was built runs.

# shellcheck disable=SC2016 # what another shell expands
# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh
. "${0%/*}/../lib/tap.sh"
cd "$work" || exit 1

tree="$work/a clone"
mkdir "$tree"
tar -C "$WT_TOP" -cf - Makefile wt-preload.sh include shim tests/deps | tar -C "$tree" -xf - || exit 1
quick=(CFLAGS=-O0 -j8)

# A directory for PATH without some programs, and compilers that do without some headers.
mkdir bin
for program in /bin/* /usr/bin/*; do ln -sf "$program" bin/; done
without() { # program
	cp -a bin "without $1"
	rm "without $1"/"$1"
}
# A compiler that has no header of this name.
blind() { # header
	printf '%s\n' '#!/bin/sh' 'case " $* " in *" -E "*) read -r line' \
		"case \$line in *'<$1>'*) exit 1 ;; esac; exit 0 ;; esac" 'exec cc "$@"' >"cc-$1"
	chmod 755 "cc-$1"
}

# names WHAT WORDS PACKAGE COMMAND...: the build fails and says so, before it compiles anything.
names() {
	local what=$1 said=$2 package=$3
	shift 3
	run "$@" make -C "$tree" "OBJ=$work/none" "${quick[@]}"
	check "make without $what names it, and package ${package:-none}" named "$said" "$package"
}
named() {
	cat out err
	[ "$status" = 2 ] && ! grep -q '^  CC ' out && grep -qF -- "$1" err &&
		{ [ -z "$2" ] || grep -qF "apt-get install $2" err; }
}

test_missing() {
	without cc
	names "a compiler" 'compiler CC=cc' gcc env PATH="$work/without cc"
	without nm
	names "nm" 'nm is missing' binutils env PATH="$work/without nm"
	without objcopy
	names "objcopy" 'objcopy is missing' binutils env PATH="$work/without objcopy"
	blind liburing.h
	names "liburing" 'liburing.h is missing' liburing-dev env "CC=$work/cc-liburing.h"
	blind stdlib.h
	names "libc's headers" 'stdlib.h is missing' libc6-dev env "CC=$work/cc-stdlib.h"
	names "the compiler that was asked for" "CC='no-such-cc -m64'" '' env 'CC=no-such-cc -m64'
	run make -C "$tree" help
	expect "make help needs none of them" status 0 quiet
}

test_paths() {
	local given
	for given in 'PREFIX=/a b' PREFIX=relative LIBDIR=lib 'BINDIR=/x:y' 'PREFIX=~/x'; do
		run make -C "$tree" install "$given" "DESTDIR=$work/nowhere"
		check "make install $given says what a path has to be" \
			grep -q "${given%%=*}.* given, expected an absolute path" err
		check "and installs nothing" [ ! -e nowhere ]
	done
}

test_build() {
	run env -C / LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8 \
		sh -c 'umask 077; make -C "$0" "$@"' "$tree" "${quick[@]}"
	expect "a build with a blank in the path, umask 077, in another language, from elsewhere" status 0
	run "$tree/wt-preload.sh" -p a=off true
	expect "it cannot be preloaded there, and says what to do" status 126 says 'install libwt'
	run "$tree/wt-preload.sh" --check -P lmdb=off
	expect "what needs no preload works there" status 0 quiet
	cp -a "$tree" "$work/clone"
	run "$work/clone/wt-preload.sh" -p '*=dsync' -r stderr sh -c 'echo x >file'
	check "moved, it runs" [ "$status $(grep -c 'dsync' err)" != "0 0" ]
	run env -C / sh -c 'umask 077; make -C "$0" install "DESTDIR=$1" PREFIX=/usr' "$tree" \
		"$work/stage of a package"
	expect "it is installed below a DESTDIR with a blank, with umask 077" status 0
	check "for everybody to read" [ -z "$(find "stage of a package" ! -type l ! -perm -o=r)" ]
	run make -C "$tree" uninstall "DESTDIR=$work/stage of a package" PREFIX=/usr
	check "and taken away again" [ -z "$(find "stage of a package" -type f)" ]
	run make -C "$tree" clean
	check "make clean leaves what was there before" [ ! -e "$tree/obj" ]
}

test_other_compiler() {
	local clang
	clang=$(command -v clang) || {
		skip "clang builds it" "clang is not installed (package clang)"
		return
	}
	run make -C "$tree" "${quick[@]}" "CC=$clang"
	expect "clang builds it" status 0 quiet
	cp "$tree/libwt.so" clang.so
	run env "LD_PRELOAD=$work/clang.so" WT_POLICY='*=dsync' WT_REPORT=stderr sh -c 'echo x >file2'
	check "and it covers" grep -q '^libwt: sh' err
}

test_as_user() {
	if [ "$(id -u)" != 0 ]; then
		skip "as another user" "this machine: not root"
		return
	fi
	local as=(setpriv --reuid 12345 --regid 12345 --clear-groups)
	run "${as[@]}" "$tree/tests/deps" tools
	chmod -R go+rX "$tree"
	run "${as[@]}" make -C "$tree" install PREFIX=/usr/local
	check "a user who may not install is told what to do" [ "$status" != 0 ]
	mkdir "$work/dpkg"
	printf '#!/bin/sh\nexit 1\n' >"$work/dpkg/dpkg-query"
	chmod -R 755 "$work/dpkg"
	run "${as[@]}" env PATH="$work/dpkg:$PATH" sh "$tree/tests/deps" check
	check "a user who lacks packages is told the line that installs them" \
		[ "$status $(grep -c 'sudo apt-get install -y gcc make .*stress-ng' err)" = "1 1" ]
	run "${as[@]}" env PATH="$work/dpkg:$PATH" sh "$tree/tests/deps" oracle
	expect "a word that is none of deps'" status 2 says oracle says check
}

for part in missing paths build other_compiler as_user; do
	test_$part
done
finish

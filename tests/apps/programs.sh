#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Programs that end by themselves, with a dsync rule over all that they write: the same files,
# output and exit status as without libwt, and no page dirty afterwards but those of files that the
# report names.

# shellcheck source-path=SCRIPTDIR source=lib/database.sh disable=SC1091,SC2154
# shellcheck disable=SC2317,SC2034,SC2164 # the functions run in a bash of their own, with -e
. "${0%/*}/lib/database.sh"

# shellcheck source-path=SCRIPTDIR source=lib/programs.sh
. "${0%/*}/lib/programs.sh"

need tar tar rsync rsync git git sqlite3 sqlite3 python3 python3 g++ g++ \
	make make apt-get apt dpkg-deb dpkg jq jq

# The work is a script that runs under libwt, its shell and all.
carry_out() {
	"${under[@]}" bash -euo pipefail -c "$(declare -f "$1_run"); $1_run"
}

# What the programs read lies elsewhere.
export input=$work/input beside=$WT_TOP/tests/apps/lib scale

prepare_input() {
	mkdir "$input" && cp -a "$WT_TOP/shim" "$WT_TOP/include" "$WT_TOP/Makefile" "$input" || return 1
	[ "$scale" = 1 ] || cp -aL /usr/include/linux "$input"
	seq $((scale * 20000)) >"$input/numbers"
	truncate -s 2M "$input/sparse"
	printf 'far out' | dd of="$input/sparse" bs=1 seek=1234567 conv=notrunc status=none
}

tar_run() {
	tar -cf a.tar --sort=name -C "$input" .
	mkdir a b c
	tar -xpf a.tar -C a
	tar -czSf b.tgz --sort=name -C a .
	tar -xzSf b.tgz -C b
	tar -rf a.tar -C "$input" numbers
	tar -xOf a.tar ./numbers >c/numbers
	tar -df a.tar -C "$input"
}

# Times as well: a write that came after its utimensat(2) would change them.
times() { find . -type f ! -path "${1:-}" -printf '%P %T@\n' | sort; }

tar_result() {
	tree
	(cd a && times) && (cd b && times)
}

cp_run() {
	cp -a "$input" a
	cp -a a b
	cp --sparse=always a/numbers a/sparse b
	cp --reflink=never a/numbers c
	install -m 640 c d
	mv d b/moved
	dd if=a/numbers of=c bs=1000 seek=3 conv=notrunc status=none
}

cp_result() { tree; (cd a && times); }

rsync_run() {
	rsync -a "$input/" a
	rsync -a --sparse --checksum a/ b
	date -d @0 >a/numbers
	rsync -a --inplace --no-whole-file a/ b
	rsync -a --preallocate --bwlimit=0 a/shim c
	rsync -a --append "$input/numbers" d
	rsync -a --delete --backup --suffix=.old c/shim/ b
}

rsync_result() { tree; (cd b && times '*/numbers*'); }

# Threads would make other deltas each time.
git_run() {
	export HOME=$PWD GIT_AUTHOR_DATE='@1000000000 +0000' GIT_COMMITTER_DATE='@1000000000 +0000'
	git config --global user.name tester
	git config --global user.email tester@localhost
	git config --global pack.threads 1
	git config --global gc.autoDetach false
	git init -q -b main origin
	cp -r "$input/shim" origin
	git -C origin add .
	git -C origin commit -qm first
	git clone -q "file://$PWD/origin" clone
	git clone -q origin linked
	cd clone
	for n in $(seq $((3 * scale))); do
		echo "$n" >>shim/core/write.c
		git commit -qam "change $n"
	done
	git tag -am tag v1
	git push -q origin main:other v1
	git gc -q
	git fsck --strict --no-progress
	git -C ../origin gc -q --prune=now
	git -C ../origin fsck --strict --no-progress
	cd ../linked
	git pull -q origin other
	git log --stat >../log
}

git_result() {
	tree ! -name index ! -name ORIG_HEAD
	for repository in origin clone linked; do
		git -C "$repository" ls-files -s
		git -C "$repository" status --short
	done
}

sqlite_run() {
	sqlite3 wal.db >said <<-END
		PRAGMA journal_mode=WAL;
		.filectrl persist_wal 1
		CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT); CREATE INDEX tv ON t (v);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $scale * 500)
			INSERT INTO t SELECT i, printf('%0*d', i % 500, i) FROM n;
		BEGIN; UPDATE t SET v = v || 'x' WHERE k % 3 = 0; COMMIT;
		PRAGMA wal_checkpoint(FULL);
		UPDATE t SET v = v || 'y' WHERE k % 7 = 0;
		.backup copy.db
		.output dump.sql
		.dump
		.output
	END
	sqlite3 rollback.db '.read dump.sql' \
		'PRAGMA journal_mode=PERSIST;' 'DELETE FROM t WHERE k % 5 = 0;' 'VACUUM;'
	sqlite3 into.db "ATTACH 'rollback.db' AS r; VACUUM r INTO 'vacuumed.db';"
}

sqlite_result() {
	local database
	for database in wal copy rollback vacuumed; do
		sqlite3 $database.db 'PRAGMA integrity_check;' '.sha3sum'
	done
	cat said
	sha256sum dump.sql
}

python_run() { python3 "$beside/python.py" "$input/numbers" "$scale"; }
python_result() { tree ! -name '*.db' && sqlite3 python.db .sha3sum; }

ofstream_run() { "$input/ofstream" "$input/numbers" $((scale * 1000)) >out; }
ofstream_result() { tree; }

make_run() {
	cp -r "$input" source
	mkdir tmp
	TMPDIR=$PWD/tmp make -s -C source -j2 CFLAGS=-O0 libwt.so
}

make_result() { tree; }

# Installed from a repository of its own, which needs no network.
prepare_package() {
	local package=$work/package repository=$input/repository
	mkdir -p "$package/DEBIAN" "$package/usr/share/wt-test" "$package/etc" "$repository"
	cp "$WT_TOP"/shim/*/*.c "$package/usr/share/wt-test"
	echo configured >"$package/etc/wt-test.conf"
	echo /etc/wt-test.conf >"$package/DEBIAN/conffiles"
	# shellcheck disable=SC2016 # dpkg sets it
	printf '#!/bin/sh\necho "$1" >"$DPKG_ROOT/var/lib/wt-test"\n' >"$package/DEBIAN/postinst"
	chmod 755 "$package/DEBIAN/postinst"
	cat >"$package/DEBIAN/control" <<-END
		Package: wt-test
		Version: 1
		Architecture: all
		Maintainer: nobody <nobody@localhost>
		Description: files to be installed
	END
	dpkg-deb --root-owner-group -b "$package" "$repository/wt-test_1_all.deb" || return 1
	{
		cat "$package/DEBIAN/control"
		echo "Filename: ./wt-test_1_all.deb"
		echo "Size: $(stat -c %s "$repository/wt-test_1_all.deb")"
		echo "SHA256: $(sha256sum "$repository/wt-test_1_all.deb" | cut -d ' ' -f 1)"
	} >"$repository/Packages"
}

apt_run() {
	export APT_CONFIG=$PWD/apt.conf DEBIAN_FRONTEND=noninteractive
	mkdir -p root/etc/apt/{apt.conf.d,preferences.d,trusted.gpg.d} root/var/lib/dpkg/{info,updates} \
		root/var/{log/apt,lib/apt/lists/partial,cache/apt/archives/partial} tmp
	: >root/var/lib/dpkg/status
	echo "deb [trusted=yes] file:$input/repository ./" >root/etc/apt/sources.list
	cat >apt.conf <<-END
		Dir "$PWD/root";
		Dir::Etc::main ".";
		APT::Sandbox::User "root";
		APT::Architecture "$(dpkg --print-architecture)";
		DPkg::Options { "--root=$PWD/root"; "--log=$PWD/root/var/log/dpkg.log";
			"--force-script-chrootless"; };
		DPkg::Path "$PATH";
	END
	export TMPDIR=$PWD/tmp
	apt-get -qq update
	apt-get -qq -y install wt-test
	apt-get -qq -y install --reinstall wt-test
	dpkg --root="$PWD/root" --verify wt-test
}

apt_result() {
	tree ! -path './root/var/log/*' ! -path './root/var/cache/*'
	dpkg --root="$PWD/root" -l
}

# What a shell script does: redirections, filters, an editor in place.
shell_run() {
	for n in 1 2 3; do echo "line $n"; done >loop
	echo more >>loop
	sort -r "$input/numbers" >sorted
	sort -R --random-source="$input/numbers" -o shuffled -S 32K -T . "$input/numbers"
	sed -i 's/7/seven/' sorted
	awk '{ print >"part" $1 % 3; printf "%d,", $1 >"printed" }' "$input/numbers"
	tee one two <"$input/numbers" >three
	gzip -nk "$input/numbers" -c >numbers.gz
	split -n 5 "$input/numbers" piece.
	head -c 50000 "$input/numbers" | dd of=dd bs=999 status=none
	cat "$input/numbers" - <loop >joined
	printf '%s\n' here document | cat >here
	find "$input" -printf '%s\n' >found
	diff "$input/numbers" sorted >differences || true
	truncate -s 77 two
	ln one linked && mv one moved
}

shell_result() { tree; }

# A clone shares what the disk has already and dirties no page. That it is on the disk when cp ends
# shows in a flush of the device; else the report has to name it.
reflink_run() { cp --reflink=always original clone; }

flushes_of_reflink() { # LEVEL PLACE
	local before
	begin reflink "$1" "$2" || return 1
	rule_all "$1"
	cp "$input/numbers" "$dir/original"
	sync -f "$dir"
	before=$(flushes "$2")
	(cd "$dir" && carry_out reflink) || return 1
	flushed=$(($(flushes "$2") - before))
	note "$run: $flushed flushes"
}

try_reflink() {
	local try
	for try in 1 2 3; do
		flushes_of_reflink control "$1" || return
		[ "$flushed" != 0 ] || break
	done
	check "reflink, $run: nothing is flushed" test "$flushed" = 0
	flushes_of_reflink dsync "$1"
	check "reflink, $run: the clone is on the disk, or named" clone_is_safe
}

clone_is_safe() { [ "$flushed" -gt 0 ] || named | grep "^$dir/clone"; }

check "a library is made that syncs nothing" prepare_nosync
check "the input is made" prepare_input || { finish; exit 1; }
check "a package is made" prepare_package
check "a program is compiled" g++ -std=c++17 -o "$input/ofstream" \
	"$beside/ofstream.cc"
places=(EXT4)
[ "$scale" = 1 ] || places=(EXT4 XFS BTRFS)
mapping=$'	a shared writable mapping'
for place in "${places[@]}"; do
	try tar "$place"
	try cp "$place"
	try rsync "$place"
	try git "$place"
	holes=".*/wal.db-shm$mapping" try sqlite "$place"
	holes=".*/mapped.*$mapping" try python "$place"
	try ofstream "$place"
	try make "$place"
	try apt "$place"
	try shell "$place"
done
for place in XFS BTRFS; do
	try_reflink "$place"
done
finish

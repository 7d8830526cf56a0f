#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Files whose name in /proc is not the one that they have here: in another mount namespace, below a
# mount that covers them or is gone, and where names are changed on their way to the kernel (proot).
# Such a name is not believed: the one by which the file was opened decides, or the report says that
# the file's name cannot be told. All other files have the rule of their name, as before.

# shellcheck source-path=SCRIPTDIR source=../lib/tap.sh disable=SC1091,SC2154,SC2016
. "${0%/*}/../lib/tap.sh"

need_fs EXT4
if ! unshare -m true 2>/dev/null; then
	skip_all "this machine: no mount namespace"
fi
dir=$WT_TEST_EXT4/dir
mkdir -p "$dir"
writer=$WT_OBJ/tests/prog/elsewhere
told="a file whose name cannot be told: what /proc calls it is another, or none"
lib=$WT_LIB
export dir work writer lib rule

# Run in a shell of its own, in a mount namespace: the writer under libwt, with what follows.
under() {
	env LD_PRELOAD="$lib" WT_POLICY="$rule" WT_REPORT="$work/report.json" ${strict:+WT_STRICT=1} \
		"$writer" "$@"
}
export -f under

# scene DIRTY TOLD RULE NAME COMMANDS: what the writer prints (or `-`), and whether the report has
# the words above.
scene() {
	rule=$3
	rm -rf "$work/report.json" "${dir:?}"/*
	check "$4" is "$(cd "$dir" && timeout 30 unshare -m --propagation private bash -c "$5" 2>&1 | tail -1)" "$1"
	check "$4: named: $2" is "$(jq --arg told "$told" '[.not_covered[].way] |
		index($told) != null' "$work/report.json")" "$2"
}

d=dirty=0 n=dirty=1
db='*.db=dsync'

scene $n false "$db" "control: a name without a rule" 'under open a'
scene $d false "$db" "a name with one" 'under open a.db'
scene $d false "$dir/*=dsync" "its whole path" 'under open a'
scene $d false "$db" "below a descriptor" 'under at . a.db'
scene $d false "$db" "behind a symbolic link" 'ln -s a.db l; under open l'
scene $n false "$db" "a symbolic link with a rule to a file without" 'ln -s a l.db; under open l.db'
scene $d false "$db" "given by number" 'under given 3<>a.db'
scene $d false "$db" "by number in /proc" 'exec 3<>a.db; under open /proc/self/fd/3'
scene $d false "$db" "unlinked" 'exec 3<>a.db; rm a.db; under given'
scene $d false "$db" "unlinked, with another name" 'exec 3<>a.db; ln a.db b; rm a.db; under given'
scene $n false "$db" "unlinked, with another name that has a rule" 'exec 3<>a; ln a b.db; rm a; under given'
scene $d false "*(deleted)=dsync" "called so" 'under open "a (deleted)"'
scene $d false "$db" "renamed before it is given" 'exec 3<>a; mv a a.db; under given'
scene $d false "$db" "below a directory that was renamed" 'mkdir s; exec 3<>s/a.db; mv s t; under given'
scene $d false "$db" "in a bind mount" 'mkdir m; mount --bind . m; under open m/a.db'
scene $d false "$dir/m/*=dsync" "by the path in a bind mount" 'mkdir m; mount --bind . m; under open m/a'
scene $n true "$dir/s/*=dsync" "below a mount that came later, by number" \
	'mkdir s; exec 3<>s/a; mount -t tmpfs none s; rule=x=dsync under given'
scene $d true "$dir/s/*=dsync" "the same, and what /proc calls it has a rule" \
	'mkdir s; exec 3<>s/a; mount -t tmpfs none s; under given'
scene $n true "$db" "the same beside a file of the same name" \
	'mkdir s; exec 3<>s/a; mount -t tmpfs none s; touch s/a; under given'
scene $n true "$db" "below a directory whose name is covered" \
	'mkdir s; cd s; mount -t tmpfs none "$dir/s"; under open a'
scene $n true "$db" "in a mount that is gone" \
	'mkdir m; mount --bind . m; exec 3<>m/a; umount -l m; under given'
scene $d true "$db" "in a mount that is gone, and what /proc calls it has a rule" \
	'mkdir m; mount --bind . m; exec 3<>m/a.db; umount -l m; under given'
scene $n true "/x=dsync" "given to another mount namespace" \
	'mkdir s; mount --bind . s; exec 3<>s/a; unshare -m --propagation private bash -c "umount s; under given"'
scene $d true "$db" "given to another where all mounts are the same, but not the one that it was opened in" \
	'exec 3<>a.db; unshare -m bash -c "under given"'
scene "pwrite: Operation not supported" false "/x=dsync" "with WT_STRICT it is refused" \
	'mkdir s; exec 3<>s/a; mount -t tmpfs none s; strict=1 under given'
scene $d false "$db" "an overlay" \
	'mkdir u w o l; touch l/a.db; mount -t overlay none -o lowerdir=l,upperdir=u,workdir=w o || exit; under open o/a.db | sed "s/1/0/"'
scene $d false "$db" "in memory, below a covered directory: there is no disk" \
	'mkdir s; mount -t tmpfs none s; exec 3<>s/a; mount -t tmpfs none s; under given'

if command -v proot >/dev/null && proot true 2>/dev/null; then
	mkdir -p "$work/host"
	scene $d false "/data/*=dsync" "proot: by the name inside" \
		'mkdir host; proot -b "$dir/host:/data" bash -c "under open /data/a"'
	scene $d false "$db" "proot: by a pattern" 'mkdir host; proot -b "$dir/host:/data" bash -c "under open /data/a.db"'
	scene $n false "$db" "proot: no rule" 'mkdir host; proot -b "$dir/host:/data" bash -c "under open /data/a"'
	scene $d false "/data/*=dsync" "proot: below a directory of its own" \
		'mkdir host; proot -b "$dir/host:/data" bash -c "cd /data; under open a"'
	scene $d false "/data/*=dsync" "proot: below a descriptor" \
		'mkdir host; proot -b "$dir/host:/data" bash -c "under at /data a"'
	scene $d false "/data/*=dsync" "proot: a file that is bound alone" \
		'touch host; proot -b "$dir/host:/data/file" bash -c "under open /data/file"'
else
	skip "proot" "no proot that runs"
fi
finish

#!/bin/bash
# SPDX-License-Identifier: MIT
#
# fio, which checks by crc32c what it wrote, with psync and pvsync2, in threads and in processes,
# at every level and with the direct engine on a cold cache. Its files have no dirty page, the
# device holds what was written, and the reports count at least the writes that fio issued.

# shellcheck source-path=SCRIPTDIR source=lib/database.sh disable=SC1091,SC2154
. "${0%/*}/lib/database.sh"

need fio fio jq jq
size=1m
[ -z "${WT_SOAK:-}" ] || size=16m

# The processes write parts of blocks too, the threads whole ones; both more than one step's worth.
fio_run() {
	local sizes=(1k/10:4k/50:12k/20:64k/15:512k/5 4k/60:12k/20:64k/15:512k/5)
	local engine thread jobs=()
	for engine in psync pvsync2; do
		for thread in 0 1; do
			jobs+=(--name="$engine-$thread" --ioengine="$engine" --thread="$thread"
				--bssplit="${sizes[thread]}")
		done
	done
	"${under[@]}" fio --output-format=json --output="$work/fio.json" "$@" \
		--directory="$dir" --filename_format="\$jobname.fio" --size="$size" \
		--rw=randwrite --direct=0 --verify=crc32c --verify_state_save=0 "${jobs[@]}"
	fio_status=$?
	jq -c '.jobs[] | [.jobname, .error, .write.total_ios]' "$work/fio.json"
	[ "$fio_status" -eq 0 ] && jq -e 'all(.jobs[]; .error == 0)' "$work/fio.json"
}

issued() { jq '[.jobs[].write.total_ios] | add' "$work/fio.json"; }

# New files, and without the fsync that comes before fio's own verification.
write_new() {
	fio_run --do_verify=0 && writes=$(issued) && [ "$writes" -gt 0 ]
}

write_again() { fio_run --do_verify=0; }

# The same files once more, where every block is allocated. Before it verifies, fio drops the pages,
# so that what it reads comes from the device.
overwrite_and_verify() {
	fio_run --do_verify=1 && writes=$((writes + $(issued)))
}

spoilt_is_seen() {
	fio_run --verify_only=1 || return 1
	printf 'X' | dd of="$dir/psync-1.fio" bs=1 seek=70000 conv=notrunc status=none
	! fio_run --verify_only=1
}

counted() {
	jq -s --argjson issued "$writes" '[.[].rules[]] | {issued: $issued,
		writes: (map(.writes) | add), errors: (map(.errors) | add)}' "$reports"/*.json |
		tee "$work/counted"
	jq -e '.writes >= .issued and .errors == 0' "$work/counted"
}

# Parts of blocks cannot go by O_DIRECT: they fall to another engine, in so many words.
direct_carried() {
	jq -s -e 'any(.[].rules[]; .engine == "direct" and .writes > 0)' "$reports"/*.json
}

falls_explained() {
	jq -s -e '[.[].falls[]] | all(.[]; .count > 0 and (.reason | length > 0))' "$reports"/*.json
}

# run_one LEVEL[,OPTION...] PLACE
run_one() {
	local level=${1%%,*}
	begin fio "$1" "$2" || return
	[ "$level" = control ] || under=("$WT_TOP/wt-preload.sh" -p "*.fio=$1"
		-r "$reports/%e-%p.json" -s --)
	check "$run: fio writes" write_new || return
	judge_pages "$level" "the files" "$dir"/*.fio
	check "$run: fio overwrites and verifies" overwrite_and_verify
	if [ "$level" = control ]; then
		check "$run: fio sees a spoilt byte" spoilt_is_seen
		return
	fi
	if [ "$level" != off ]; then
		check "$run: the reports count fio's writes" counted
	fi
	if [[ $1 == *engine=direct* ]]; then
		check "$run: the direct engine carried writes" direct_carried
		check "$run: every fall has a reason" falls_explained
	else
		judge_report
	fi
	rm -rf "$dir"
}

direct=engine=direct,cache=drop
for place in EXT4 XFS BTRFS; do
	for level in control "${levels[@]}" "through,$direct" "dsync,$direct"; do
		run_one "$level" "$place"
	done
done
finish

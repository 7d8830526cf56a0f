#!/bin/bash
# SPDX-License-Identifier: MIT
#
# quick.sh [--json] [--dir DIR]... [--fs ext4|xfs|btrfs]...
#
# Measures what libwt costs and saves, against the same writes without it, and
# prints each figure beside its target. README.md says how, and what confounds it.
#
#   --dir DIR  on the file system of this directory
#   --fs FS    on a fresh file system on a loop device of its own (root only)
#   --json     the same figures for programs
#
# With neither DIR nor FS: a temporary directory on a disk and, for root, ext4
# and XFS on loop devices. The exit status is 0 whatever the figures are; it is
# 1 when something could not be measured, and 2 for a wrong argument.

set -u -o pipefail

self=$(readlink -f "$0")
top=${self%/bench/*}
obj=${WT_OBJ:-$top/obj}/bench
seconds=7 rounds=7 threads=16 memory_runs=9
small_bytes=$((64 << 20)) large_block=$((8 << 20))

# Eleven rules: the four that decide here come last, behind seven that match nothing.
rules=
for i in 1 2 3 4 5 6 7; do rules+="*/no-such-directory/$i/*.db=through;"; done
rules+="async.dat=async;through.dat=through;dsync.dat=dsync;cold-own.dat=dsync;"
rules+="cold.dat=dsync,engine=direct,cache=drop"

# 2^20 where this user may; not every root has CAP_SYS_RESOURCE.
nofile_max=1048576
prlimit --nofile=$nofile_max true 2>/dev/null || nofile_max=$(ulimit -Hn)

# A row: what it says, then the step, two series of it as the programs name them, the unit (x is
# their ratio, any other their difference) and the target. Those without one explain the others.
rows="
1-byte write to /dev/null, eleven rules, against no preload
	calls libwt:write-null libc:write-null ns <= 10
dup + close, file under no rule, against no preload
	calls libwt:dup-other libc:dup-other x <= 1.15
dup + close, file under a rule, against no preload
	calls libwt:dup-ruled libc:dup-ruled x <= 1.15
fork + exec of /bin/true, against no preload
	spawn libwt:fork libc:fork x <= 1.25
(an empty library against no preload)
	spawn empty:fork libc:fork x
vfork + exec of /bin/true, against no preload
	spawn libwt:vfork libc:vfork x <= 1.25
(an empty library against no preload)
	spawn empty:vfork libc:vfork x
posix_spawn of /bin/true, against no preload
	spawn libwt:posix_spawn libc:posix_spawn x <= 1.25
(an empty library against no preload)
	spawn empty:posix_spawn libc:posix_spawn x
fputc to a file under no rule, against no preload
	fputc libwt:fputc-other libc:fputc-other x <= 1.05
fputc to a file at async, against no preload
	fputc libwt:fputc-async libc:fputc-async x <= 1.5
(the start of each buffer alone, against no preload)
	fputc start:fputc-async libc:fputc-async x
resident memory added
	memory libwt:1024 libc:1024 KiB <= 1024
growth of that from RLIMIT_NOFILE 1024 to $nofile_max
	memory libwt:$nofile_max libwt:1024 KiB <= 0
4 KiB through, against pwrite + sync_file_range
	4k libwt:through.dat writeback:through.dat x <= 1.06
4 KiB through, against RWF_DSYNC
	4k libwt:through.dat dsync:through.dat x <= 0.65
4 KiB through, cache left hot, against O_DIRECT
	4k libwt:through.dat direct:cold.dat x <= 1.15
(pwrite + sync_file_range without libwt)
	4k writeback:through.dat direct:cold.dat x
4 KiB dsync, against RWF_DSYNC
	4k libwt:dsync.dat dsync:dsync.dat x <= 1.03
(RWF_DSYNC against itself)
	4k control:dsync.dat dsync:dsync.dat x
4 KiB dsync by io_uring, against O_DIRECT + RWF_DSYNC
	4k libwt:cold.dat direct-dsync:cold.dat x <= 1.10
8 MiB through, against RWF_DSYNC, file filled by 4 KiB
	8m-small libwt:through.dat dsync:through.dat x <= 0.87
(pwrite + sync_file_range without libwt)
	8m-small writeback:through.dat dsync:through.dat x
8 MiB through, against RWF_DSYNC, file filled by 8 MiB
	8m-large libwt:through.dat dsync:through.dat x <= 0.87
(pwrite + sync_file_range without libwt)
	8m-large writeback:through.dat dsync:through.dat x
16 threads, one file, through, writes/s against RWF_DSYNC
	threads libwt:through.dat dsync:through.dat x >= 1.40
(pwrite + sync_file_range without libwt)
	threads writeback:through.dat dsync:through.dat x
16 threads, one file, direct engine at dsync, against O_DIRECT + RWF_DSYNC
	threads-direct libwt:cold.dat direct-dsync:cold.dat x >= 0.95
16 threads, the program's own O_DIRECT at dsync, against RWF_DSYNC there
	threads-direct libwt-direct:cold-own.dat direct-dsync:cold-own.dat x >= 0.95
"

fail() {
	echo "quick.sh: $*" >&2
	exit 1
}

usage() {
	sed -n 's/^# \(quick.sh \[.*\)/usage: \1/p' "$self" >&2
	exit 2
}

json=false dirs=() filesystems=()
parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		--json) json=true ;;
		--dir) [ -d "${2:-}" ] || fail "--dir ${2:-}: no such directory"; dirs+=("$2"); shift ;;
		--fs) case ${2:-} in ext4 | xfs | btrfs) filesystems+=("$2") ;; *) usage ;; esac; shift ;;
		*) usage ;;
		esac
		shift
	done
	[ ${#dirs[@]} = 0 ] && [ ${#filesystems[@]} = 0 ] || return
	for dir in "${TMPDIR:-/tmp}" /var/tmp "${WT_OBJ:-$top/obj}"; do
		case $(findmnt -nro FSTYPE -T "$dir") in tmpfs | ramfs | overlay) continue ;; esac
		dirs=("$dir")
		break
	done
	[ ${#dirs[@]} = 1 ] || fail "no temporary directory lies on a disk: choose one with --dir"
	[ "$(id -u)" = 0 ] && filesystems=(ext4 xfs)
}

need() {
	local tool
	for tool in jq findmnt setarch prlimit; do
		command -v $tool >/dev/null || fail "$tool is not installed"
	done
	for tool in overwrite threads calls spawn empty.so fputc memory; do
		[ -x "$obj/$tool" ] || fail "$obj/$tool is not built: run make bench-quick"
	done
}

steps_done=0
progress() {
	steps_done=$((steps_done + 1))
	echo "[$steps_done/$steps] $*" >&2
}

# measure STEP PROGRAM ARG...: runs it under libwt, and holds what it measured against the report.
measure() {
	local step=$1 report=$work/report.json
	shift
	rm -f "$report"
	"$top/wt-preload.sh" -s -r "$report" -p "$rules" -- "$obj/$1" "${@:2}" >"$work/series" ||
		fail "$1 ended with status $?"
	[ -s "$report" ] || fail "$1: libwt left no report"
	jq -c --arg step "$step" --slurpfile report "$report" '
		(.series | sub(".*:"; "")) as $file
		| [$report[0].rules[] | select(.pattern == $file)] as $rules
		| [$report[0].falls[] | select(.path | endswith("/" + $file))] as $falls
		| ($rules | map(.writes) | add // 0) as $writes
		| .step = $step
		| if (.series | startswith("libwt:")) and ($step | IN("calls", "spawn", "fputc") | not) then
			.engines = [$rules[] | select(.writes > 0) | .engine]
			| if $falls != [] then
				.problem = ($falls[0] | "fell from \(.from) to \(.to): \(.reason)")
			  elif $writes != .calls then
				.problem = "\(.calls) calls made, \($writes) seen by libwt"
			  elif $file == "cold.dat" and .engines != ["direct"] then
				.problem = "went by \(.engines | join(", "))"
			  else . end
		  else . end
		# Somebody else may drop pages now and then, but nobody makes them dirty.
		| if .unclean > 0 then .problem = "\(.unclean) pages left dirty"
		  elif (.misplaced // 0) * 100 > (.pages // 0) then
			.problem = "\(.misplaced) of \(.pages) pages "
				+ if $file == "cold.dat" then "left in the cache" else "not cached" end
		  else . end' "$work/series" || fail "$1: no valid JSON"
}

# Without a random layout a program has the same size in each run; some sandboxes forbid it.
same_layout="setarch -R"
$same_layout true 2>/dev/null || same_layout=

# memory_series WAY DIR LIMIT COMMAND...: one series of the small program's resident size.
memory_series() {
	local way=$1 dir=$2 limit=$3 i
	shift 3
	for ((i = 0; i < memory_runs; i++)); do
		$same_layout prlimit --nofile="$limit" "$@" "$obj/memory" \
			"$dir"/{through,dsync,cold,plain}.dat || fail "memory failed"
		rm -f "$dir"/*.dat
	done | jq -sc --arg series "$way:$limit" '
		{step: "memory", series: $series, parts: .}'
}

measure_process() {
	progress "calls that libwt has no business with"
	measure calls calls "$1/through.dat" "$1/plain.dat" 300
	rm -f "$1"/*.dat
	progress "start and end of a program"
	measure spawn spawn "$obj/empty.so" /bin/true 800
	progress "a stream, byte by byte"
	measure fputc fputc "$1/plain.dat" "$1/async.dat" 40
	rm -f "$1"/*.dat
	progress "resident memory"
	for limit in 1024 "$nofile_max"; do
		memory_series libc "$1" "$limit" env || exit 1
		memory_series libwt "$1" "$limit" "$top/wt-preload.sh" -s \
			-r "$work/report.json" -p "$rules" -- || exit 1
		jq -e '[.rules[] | select(.writes > 0)] | length == 3' "$work/report.json" >/dev/null ||
			fail "memory: libwt did not see the writes to the files under its three rules"
	done
}

measure_place() {
	local name=$1 dir=$2 large_bytes=$((256 << 20))
	# btrfs writes an overwrite elsewhere before it frees what was there.
	[ $(($(stat -f -c '%a * %S' "$dir") / 3)) -gt $large_bytes ] || large_bytes=$((128 << 20))
	progress "$name: 4 KiB overwrites, $seconds s"
	# Three series a file: one that is written less often than another pays more for each write.
	measure 4k overwrite "$dir" $small_bytes 4096 4096 $seconds \
		libwt:through.dat writeback:through.dat dsync:through.dat \
		libwt:dsync.dat dsync:dsync.dat control:dsync.dat \
		libwt:cold.dat direct-dsync:cold.dat direct:cold.dat
	progress "$name: $threads threads, $((rounds * 3 * 7 / 10)) s"
	measure threads threads "$dir" $small_bytes $threads $rounds 0.7 \
		libwt:through.dat dsync:through.dat writeback:through.dat
	progress "$name: $threads threads, O_DIRECT, $((rounds * 4 * 7 / 10)) s"
	measure threads-direct threads "$dir" $small_bytes $threads $rounds 0.7 \
		libwt:cold.dat direct-dsync:cold.dat libwt-direct:cold-own.dat direct-dsync:cold-own.dat
	rm -f "$dir"/*.dat
	# The size of the writes that filled a file stays with it as the size of its folios.
	for fill in small:4096 large:$large_block; do
		progress "$name: 8 MiB overwrites, file filled by ${fill#*:} bytes, $seconds s"
		measure "8m-${fill%:*}" overwrite "$dir" $large_bytes "${fill#*:}" $large_block $seconds \
			libwt:through.dat dsync:through.dat writeback:through.dat
		rm -f "$dir"/*.dat
	done
}

# describe DIR: the file system and the device under it, as JSON.
describe() {
	local fs number source queue
	read -r fs number source < <(findmnt -nro FSTYPE,MAJ:MIN,SOURCE -T "$1")
	# btrfs has a device number of its own, which is no disk's.
	[ -e "/sys/dev/block/$number" ] || number=$(stat -Lc %Hr:%Lr "${source%%\[*}")
	queue=$(readlink -f "/sys/dev/block/$number")
	[ -d "$queue/queue" ] || queue=${queue%/*}
	[ -d "$queue/queue" ] || fail "$1: $fs on ${source:-nothing} is not on a block device"
	jq -n --arg fs "$fs" --arg device "${queue##*/}" --arg dir "$1" \
		--arg write_cache "$(cat "$queue/queue/write_cache")" \
		--argjson fua "$(cat "$queue/queue/fua")" \
		'{fs: $fs, device: $device, dir: $dir, write_cache: $write_cache, fua: $fua}'
}

# judge [PLACE]: the rows of the series on standard input; PLACE is what describe printed.
judge() {
	jq -sc --arg rows "$rows" --argjson place "${1:-null}" '
		def at($share): sort | .[(length - 1) * $share | round];
		INDEX("\(.step)/\(.series)") as $series
		| ($place // {}) + {series: ., rows: [$rows | gsub("\n\t"; "\t") | split("\n")[]
			| select(. != "") | split("\t") as [$what, $words]
			| ($words | split(" ")) as [$step, $over, $under, $unit, $side, $limit]
			| $series["\($step)/\($over)"] as $a | $series["\($step)/\($under)"] as $b
			| select($a and $b)
			| ([$a.parts, $b.parts] | transpose
				| map(if $unit == "x" then .[0] / .[1] else .[0] - .[1] end)) as $parts
			| {what: $what, unit: $unit, target: ([$side, $limit] | map(values) | join(" ")),
			   value: ($parts | at(0.5)),
			   middle_half: [$parts | at(0.25), at(0.75)],
			   engines: $a.engines, problem: ($a.problem // $b.problem)}
			| if .problem then .verdict = "error" | del(.value, .middle_half)
			  elif "\($step) \($under)" == "4k dsync:through.dat"
				and $place.write_cache != "write back" then
				.verdict = "no volatile cache"
			  elif $limit == null then .
			  elif ($side == "<=") == (.value <= ($limit | tonumber)) then .verdict = "reached"
			  else .verdict = "NOT reached" end]}'
}

print_rows() {
	printf '  %-57s %9s  %-14s %7s\n' "" measured "middle half" target
	jq -r '.rows[] | [.what, .unit, .value // "", (.middle_half // ["", ""])[],
		.target, .verdict // "", .problem // ""] | join("\t")' | awk -F'\t' '
		function figure(value) {
			return sprintf($2 == "x" ? "%.2f" : $2 == "ns" ? "%.1f" : "%d", value)
		}
		$7 == "error" { printf "  %-57s error: %s\n", $1, $8; next }
		{ printf "  %-57s %9s  %-14s %7s  %s\n", $1, figure($3) " " $2,
			figure($4) " .. " figure($5), $6, $7 }'
}

# The base line: what the bare writes cost here, without which a ratio says little.
print_place() {
	jq -r '
		INDEX(.series[]; "\(.step)/\(.series)") as $series
		| def us($name): $series["4k/" + $name].p50 / 1000 | round;
		"\(.fs) on \(.device): write_cache \(.write_cache), fua \(.fua); \(.dir)",
		"  base line, p50 of 4 KiB: pwrite + sync_file_range \(us("writeback:through.dat")) us, "
		+ "RWF_DSYNC \(us("dsync:through.dat")) us,",
		"  O_DIRECT \(us("direct:cold.dat")) us, O_DIRECT + RWF_DSYNC \(us("direct-dsync:cold.dat")) us"'
}

print_tables() {
	echo
	jq -r '"kernel \(.kernel), \(.cpus) CPUs, load \(.load) at the start; page cache "
		+ (if .cachestat then "looked at after every write"
		   else "not looked at: cachestat(2) came with Linux 6.5" end)' "$work/result"
	echo
	jq -c .process "$work/result" | print_rows
	jq -c '.places[]' "$work/result" | while read -r place; do
		echo
		print_place <<<"$place"
		print_rows <<<"$place"
	done
}

parse "$@"
need
if [ ${#filesystems[@]} -gt 0 ] && [ -z "${WT_TEST_EXT4:-}${WT_TEST_EXT4_SKIP:-}" ]; then
	exec "$top/tests/with-fs" "$self" "$@"
fi

made=()
trap 'rm -rf "${made[@]}"' EXIT
trap 'exit 130' INT TERM
make_directory() {
	made+=("$(mktemp -d "$1/wt-bench.XXXXXX")") || exit 1
}

make_directory "${TMPDIR:-/tmp}"
work=${made[0]}
for dir in "${dirs[@]}"; do make_directory "$dir"; done
for fs in "${filesystems[@]}"; do
	dir=WT_TEST_${fs^^} why=WT_TEST_${fs^^}_SKIP
	if [ -n "${!dir:-}" ]; then
		make_directory "${!dir}"
	else
		echo "quick.sh: no $fs: ${!why:-no reason given}" >&2
	fi
done
places=("${made[@]:1}")
[ ${#places[@]} -gt 0 ] || fail "no file system to measure on"
# What with-fs or the caller's shell set for libwt would be taken for a wish.
unset "${!WT_@}"
steps=$((4 + 5 * ${#places[@]}))

read -r load _ </proc/loadavg
measure_process "${places[0]}" >"$work/measured"
judge <"$work/measured" >"$work/process" || exit 1
for place in "${places[@]}"; do
	about=$(describe "$place") || exit 1
	measure_place "$(jq -r '"\(.fs) on \(.device)"' <<<"$about")" "$place" >"$work/measured"
	judge "$about" <"$work/measured" >>"$work/places" || exit 1
done
jq -n --arg kernel "$(uname -r)" --argjson cpus "$(nproc)" --argjson load "$load" \
	--slurpfile process "$work/process" --slurpfile places "$work/places" '
	{kernel: $kernel, cpus: $cpus, load: $load, process: $process[0], places: $places,
	 cachestat: all($places[].series[]; .pages > 0)}' >"$work/result"
if $json; then cat "$work/result"; else print_tables; fi
jq -e 'all(.process, .places[]; all(.rows[]; .verdict != "error"))' "$work/result" >/dev/null

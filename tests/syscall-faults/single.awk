# SPDX-License-Identifier: MIT
#
# From what syscall-faults.sh counted without a fault, a line for each case, all cases with one: each
# call, answer and position. `id` is the number before the first, `all` asks for all positions.

{
	match($0, /seen=[^ ]*/)
	n = split(substr($0, RSTART + 5, RLENGTH - 5), seen, ",")
	match($0, / method=.* env=WT_REPORT/)
	body = substr($0, RSTART, RLENGTH - length(" env=WT_REPORT"))
	sub(/ record=1/, "", body)
	many = body ~ /threads=4/
	cuts = body ~ /level=dsync/ && body !~ / cut=end/
	for (i = 1; i < n; i++) {
		split(seen[i], at, ":")
		if (at[1] !~ /^[0-9]/)
			of_call(at[1], at[2])
	}
}
function of_call(call, count,   what, whats, k, w, i, last) {
	what = "ENOSYS EPERM EINTR EAGAIN ENOMEM EIO EMFILE"
	if (call ~ /write|process_vm_readv|uring_read/)
		what = what " short"
	if (call ~ /sync|write/)
		what = what " ENOSPC"
	if (call == "pwritev2")
		what = what " copied"
	k = split(what, whats, " ")
	last = all && !many ? count : count < 3 ? count : 3
	for (w = 1; w <= k; w++) {
		one(call, whats[w], "1+", w)
		for (i = 1; i <= last; i++)
			one(call, whats[w], i, w + i)
		if (many && count > 3)
			one(call, whats[w], int((count + 3) / 2), w)
	}
}
# Not where the report is to say what could not be covered.
function one(call, what, at, turn,   told) {
	told = at == "1+" && call ~ /readlinkat|statx/
	print "id=" ++id body " fault=" call ":" what ":" at \
		(cuts && !told && turn % 2 ? " cut=struck" : "") \
		" env=WT_REPORT=" work "/report-" id ".json"
}

# SPDX-License-Identifier: MIT
#
# `n` cases for syscall-faults.sh with two or three faults at once, each by chance, from `seed`.

function any(list,   a, k) {
	k = split(list, a, " ")
	return a[int(rand() * k) + 1]
}
function fault(   call, what) {
	call = any("write writev pwrite64 pwritev pwritev2 sync_file_range sync_file_range" \
		" fdatasync fdatasync fadvise64 lseek statx fstatfs fremovexattr removexattr" \
		" ioctl fcntl process_vm_readv prlimit64" \
		" mmap io_uring_setup io_uring_enter io_uring_register uring_write uring_write" \
		" uring_sync uring_openat uring_files_update uring_read cachestat preadv2")
	what = any("ENOSYS EPERM EINTR EAGAIN ENOMEM EIO EMFILE")
	if (call ~ /write/ && rand() < 0.5)
		what = "short"
	return " fault=" call ":" what ":" int(5 + rand() * 75) "%" int(rand() * 1e9)
}
BEGIN {
	srand(seed)
	for (; n; n--) {
		id++
		rule = any(rules)
		level = rule ~ /^d?sync/ ? "dsync" : rule ~ /^async/ ? "async" : "through"
		line = "id=" id " method=" any(methods) " threads=" any("1 4") " count=6"
		line = line fault() fault() (rand() < 0.5 ? fault() : "")
		line = line (level == "dsync" && rand() < 0.5 ? " cut=struck" : "")
		print line " level=" level " env=LD_PRELOAD=" lib " env=WT_POLICY=*.db=" rule \
			" env=WT_REPORT=" work "/report-" id ".json"
	}
}

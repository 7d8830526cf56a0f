/* SPDX-License-Identifier: MIT */
/* What the kernel says: of a descriptor, of the files, and of what is still dirty in them. */
#include "differential.h"
#include "../lib/probe.h"
#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>

void limit_descriptors(unsigned int count)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = count;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int raw_open(const char *path, int flags)
{
	return wt_syscall(SYS_openat, AT_FDCWD, path, flags, 0644);
}

int raw_flags(int fd)
{
	return wt_syscall(SYS_fcntl, fd, F_GETFL);
}

long long raw_offset(int fd)
{
	return wt_syscall(SYS_lseek, fd, 0L, SEEK_CUR);
}

static struct stat raw_stat(int fd)
{
	struct stat st;

	return wt_syscall(SYS_fstat, fd, &st) ? (struct stat){ .st_size = -1 } : st;
}

static struct stat raw_stat_here(void)
{
	struct stat st;

	return wt_syscall(SYS_newfstatat, AT_FDCWD, ".", &st, 0) ? (struct stat){ 0 } : st;
}

long long raw_size(int fd)
{
	return raw_stat(fd).st_size;
}

bool raw_is_device(int fd)
{
	return S_ISCHR(raw_stat(fd).st_mode);
}

bool raw_is_file(int fd)
{
	return S_ISREG(raw_stat(fd).st_mode);
}

/* tmpfile(3) makes its file elsewhere. */
bool raw_is_file_here(int fd)
{
	return raw_is_file(fd) && raw_stat(fd).st_dev == raw_stat_here().st_dev;
}

static unsigned long pages_at_work(int fd, uint64_t offset, uint64_t len)
{
	struct probe_cache pages = { 0 };

	probe_cachestat(fd, offset, len, &pages);
	return pages.dirty + pages.writeback;
}

static bool is_block_on_device(int fd, int device, long at)
{
	long size = raw_size(fd);
	long len = size - at < (long)PROBE_BLOCK ? size - at : (long)PROBE_BLOCK;
	char *block = probe_buffer(PROBE_BLOCK);
	char cached[PROBE_BLOCK];

	if (probe_device_read(fd, device, at, block, PROBE_BLOCK) != PROBE_BLOCK)
		memset(block, 0, PROBE_BLOCK); /* a hole */
	bool same = len <= 0 || (wt_syscall(SYS_pread64, fd, cached, len, at) == len &&
				 !memcmp(cached, block, len));
	free(block);
	return same;
}

/*
 * Whether the device already has what is dirty. The kernel itself dirties a page, and its
 * neighbours of a large folio, when it fills up the block of a former end with zeros, which are
 * there anyway.
 */
static bool is_on_device(int fd, int device, unsigned long at, unsigned long len)
{
	if (!pages_at_work(fd, at, len))
		return true;
	if (len <= PROBE_BLOCK)
		return is_block_on_device(fd, device, at);
	return is_on_device(fd, device, at, len / 2) &&
	       is_on_device(fd, device, at + len / 2, len / 2);
}

/* A line that is no part of the trace: the comparison leaves out what begins with a tilde. */
static void say_what_is_dirty(int fd)
{
	const char *path = getenv("DIFFERENTIAL_DEVICE");
	unsigned long pages = pages_at_work(fd, 0, 0);
	int device = pages && path ? probe_open(path, O_RDONLY | O_DIRECT) : -1;

	if (pages && (device < 0 || !is_on_device(fd, device, 0, 1UL << 62)))
		say("~ dirty %lu: %lu pages, after %s%ld", raw_stat(fd).st_ino, pages, my.prefix,
		    my.op);
	probe_close(device);
}

void look_for_dirt(int fd)
{
	int errno_before = errno;
	struct rlimit limit;
	char path[32];

	if (!my.looks_for_dirt || !raw_is_file_here(fd))
		return;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit_descriptors(limit.rlim_cur + 2);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = raw_open(path, O_RDONLY);
	say_what_is_dirty(fd);
	wt_syscall(SYS_close, fd);
	limit_descriptors(limit.rlim_cur);
	errno = errno_before;
}

static void look_where_it_lies(const char *name)
{
	const char *lies = getenv("DIFFERENTIAL_LIES");
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s/%s", lies ? lies : "..", strrchr(my.dir, '/') + 1,
		 name);
	fd = raw_open(path, O_RDONLY);
	say_what_is_dirty(fd);
	wt_syscall(SYS_close, fd);
}

/* The files that a name leads to; what happened to one may have passed through no descriptor. */
void look_for_dirt_by_name(void)
{
	char name[] = "f0";
	struct rlimit limit;

	if (!my.looks_for_dirt)
		return;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit_descriptors(limit.rlim_cur + 2);
	for (; name[1] < '6'; name[1]++)
		look_where_it_lies(name);
	limit_descriptors(limit.rlim_cur);
}

/* Bytes went into the file in a way that no library covers, but must have seen. */
void say_hole(int fd)
{
	char path[4096] = "";
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	wt_syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof(path) - 1);
	if (my.looks_for_dirt)
		say("~ hole %lu: %s", raw_stat(fd).st_ino, raw_stat(fd).st_nlink ? path : "");
}

/* The rest of a sparse file that goes on to the exabytes has no bytes of interest. */
#define FAR (64LL << 20)

static uint64_t digest_file(int fd, long long size)
{
	uint64_t sum = 0;
	long long at = 0;

	while (at < size && at < FAR) {
		long got = wt_syscall(SYS_pread64, fd, scratch, POOL_BYTES, at);

		if (got <= 0)
			return ~0ULL;
		sum = digest(sum, scratch, got);
		at += got;
	}
	return sum;
}

static int is_regular(const struct dirent *entry)
{
	return entry->d_type == DT_REG;
}

static void trace_file(const char *name, bool at_the_end)
{
	int fd = raw_open(name, O_RDONLY);
	long long size = raw_size(fd);
	uint64_t sum = digest_file(fd, size);

	say("%s%ld: %s holds %lld bytes, digest %016llx", my.prefix, my.op, name, size,
	    (unsigned long long)sum);
	if (my.looks_for_dirt)
		look_where_it_lies(name);
	if (at_the_end) { /* without its clean pages: they must not hold what the disk does not */
		wt_syscall(SYS_fadvise64, fd, 0, 0, POSIX_FADV_DONTNEED);
		if (digest_file(fd, size) != sum)
			say("%s is not on the disk as it is in the page cache", name);
	}
	wt_syscall(SYS_close, fd);
}

static void trace_dir(bool at_the_end)
{
	struct dirent **entries;
	int count;

	limit_descriptors(FEW_DESCRIPTORS + 8);
	count = scandir(".", &entries, is_regular, alphasort);
	for (int i = 0; i < count; i++) {
		trace_file(entries[i]->d_name, at_the_end);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	limit_descriptors(FEW_DESCRIPTORS);
}

/* A line for each file of the directory, so that a stray one shows as well. */
void trace_files(void)
{
	trace_dir(false);
}

void trace_files_at_the_end(void)
{
	trace_dir(true);
}

void trace_descriptors(void)
{
	char numbers[256] = "";
	int len = 0;

	for (int fd = 0; fd < 64; fd++)
		if (raw_flags(fd) >= 0)
			len += snprintf(numbers + len, sizeof(numbers) - len, " %d", fd);
	say("%s%ld: open are%s", my.prefix, my.op, numbers);
}

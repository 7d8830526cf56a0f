/* SPDX-License-Identifier: MIT */
#include "differ.h"
#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct position my;
char *pool;
char *scratch;

static int returned_errno;
static volatile sig_atomic_t too_big_signals;
static volatile sig_atomic_t pipe_signals;

long returned(long result)
{
	returned_errno = errno;
	return result;
}

const char *errno_name(int number)
{
	const char *name = number == UNTOUCHED ? "-" : strerrorname_np(number);

	return name ? name : "?";
}

static void trace_call(long result, const char *format, va_list args)
{
	printf("%s%ld: ", my.prefix, my.op);
	vprintf(format, args);
	printf(" = %ld %s", result, errno_name(returned_errno));
}

void trace(long result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	trace_call(result, format, args);
	va_end(args);
	printf("\n");
}

void trace_fd(int fd, long result, const char *format, ...)
{
	struct stat st;
	va_list args;

	va_start(args, format);
	trace_call(result, format, args);
	va_end(args);
	if (syscall(SYS_fstat, fd, &st) == 0) {
		printf(" | at %lld, flags %#x %ld, mode %o", raw_offset(fd), raw_flags(fd),
		       syscall(SYS_fcntl, fd, F_GETFD), st.st_mode);
		if (S_ISREG(st.st_mode))
			printf(", size %lld, links %ld", (long long)st.st_size, (long)st.st_nlink);
	}
	printf(" | signals %d %d\n", (int)too_big_signals, (int)pipe_signals);
}

uint64_t digest(uint64_t sum, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint64_t word;

	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum = (sum ^ word) * 0x9fb21c651e98df25ULL;
		sum ^= sum >> 29;
	}
	word = 0;
	memcpy(&word, at, len);
	return mix(sum ^ word ^ ((uint64_t)len << 56));
}

void limit_descriptors(unsigned int count)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = count;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int raw_open(const char *path, int flags)
{
	return syscall(SYS_openat, AT_FDCWD, path, flags, 0644);
}

int raw_flags(int fd)
{
	return syscall(SYS_fcntl, fd, F_GETFL);
}

long long raw_offset(int fd)
{
	return syscall(SYS_lseek, fd, 0L, SEEK_CUR);
}

long long raw_size(int fd)
{
	struct stat st;

	return syscall(SYS_fstat, fd, &st) ? -1 : (long long)st.st_size;
}

bool raw_is_device(int fd)
{
	struct stat st;

	return syscall(SYS_fstat, fd, &st) == 0 && S_ISCHR(st.st_mode);
}

static uint64_t digest_file(int fd, long long size)
{
	uint64_t sum = 0;
	long long at = 0;

	while (at < size) {
		long got = syscall(SYS_pread64, fd, scratch, POOL_BYTES, at);

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

/* A line for each file of the directory, so that a stray one shows as well. */
void trace_files(void)
{
	struct dirent **entries;
	int count;

	limit_descriptors(FEW_DESCRIPTORS + 8);
	count = scandir(".", &entries, is_regular, alphasort);
	for (int i = 0; i < count; i++) {
		int fd = raw_open(entries[i]->d_name, O_RDONLY);
		long long size = raw_size(fd);

		printf("%s%ld: %s holds %lld bytes, digest %016llx\n", my.prefix, my.op,
		       entries[i]->d_name, size, (unsigned long long)digest_file(fd, size));
		syscall(SYS_close, fd);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	limit_descriptors(FEW_DESCRIPTORS);
}

static void count_signal(int signal)
{
	if (signal == SIGXFSZ)
		too_big_signals++;
	else
		pipe_signals++;
}

static void *map(size_t len)
{
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED) {
		perror("differ: mmap");
		exit(2);
	}
	return at;
}

void start_trace(const char *dir)
{
	struct sigaction counted = { .sa_handler = count_signal, .sa_flags = SA_RESTART };
	struct rng rng = rng_of(0, 0);
	size_t guard_bytes = 4096;

	/* By lines: a trace survives a crash, and a fork does not copy half of one. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGXFSZ, &counted, NULL);
	sigaction(SIGPIPE, &counted, NULL);
	umask(022);
	pool = map(POOL_BYTES + guard_bytes);
	scratch = map(POOL_BYTES);
	for (size_t at = 0; at < POOL_BYTES; at += sizeof(uint64_t)) {
		uint64_t word = draw(&rng);

		memcpy(pool + at, &word, sizeof(word));
	}
	mprotect(pool, POOL_BYTES, PROT_READ);
	mprotect(pool + POOL_BYTES, guard_bytes, PROT_NONE);
	if (chdir(dir) || !getcwd(my.dir, sizeof(my.dir))) {
		perror(dir);
		exit(2);
	}
	limit_descriptors(FEW_DESCRIPTORS);
}

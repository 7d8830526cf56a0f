/* SPDX-License-Identifier: MIT */
/*
 * answers - what the calls answer to bad, odd and harmless requests.
 *
 *   answers GROUP FILE
 *
 * One line a request: its return value, errno, and where the descriptor stands and
 * how large the file is afterwards. The lines must be the same with libwt as
 * without, so nothing in them depends on the run.
 */
#include "answers.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include "os/raw.h" /* past libwt, which exports syscall(3) */

const char *file_path;

static const char *const symbols[] = { "write",	  "pwrite",    "pwrite64", "writev",
				       "pwritev", "pwritev64", "pwritev2", "pwritev64v2" };

int answer_fd(int flags)
{
	static char zeros[ANSWER_FILE_LEN];
	int fd = wt_syscall(SYS_openat, AT_FDCWD, file_path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	memset(zeros, '0', sizeof(zeros));
	if (wt_syscall(SYS_write, fd, zeros, sizeof(zeros)) != sizeof(zeros))
		abort();
	wt_syscall(SYS_fsync, fd);
	wt_syscall(SYS_close, fd);
	return open(file_path, flags);
}

long answer(const char *request, const char *detail, int fd, long ret)
{
	int err = errno;
	struct stat st = { 0 };

	wt_syscall(SYS_fstat, fd, &st);
	printf("%s %s: ret=%ld errno=%d", request, detail, ret, err == UNTOUCHED ? 0 : err);
	if (S_ISREG(st.st_mode))
		printf(" offset=%ld size=%ld", wt_syscall(SYS_lseek, fd, 0, SEEK_CUR),
		       (long)st.st_size);
	printf("%s\n", ret >= 0 && err != UNTOUCHED ? " errno was touched" : "");
	fflush(stdout);
	return ret;
}

/* Each of the eight calls with these pieces and at this offset, the descriptor's or its own. */
static void answer_all(const char *detail, int fd, const struct iovec *iov, int count,
		       int64_t offset)
{
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		wt_syscall(SYS_lseek, fd, offset < 0 ? 0 : offset, SEEK_SET);
		ASK(symbols[i], detail, fd, ways_write(symbols[i], fd, iov, count, offset, 0));
	}
}

static void group_ebadf(void)
{
	struct iovec bytes = { "bytes", 5 };
	int reader = answer_fd(O_RDONLY), path_only = answer_fd(O_PATH), closed = answer_fd(O_RDWR);

	close(closed);
	answer_all("-1", -1, &bytes, 1, 0);
	answer_all("INT_MAX", INT32_MAX, &bytes, 1, 0);
	answer_all("INT_MIN", INT32_MIN, &bytes, 1, 0);
	answer_all("closed", closed, &bytes, 1, 0);
	answer_all("O_RDONLY", reader, &bytes, 1, 0);
	answer_all("O_PATH", path_only, &bytes, 1, 0);
	answer_all("directory", open(".", O_RDONLY | O_DIRECTORY), &bytes, 1, 0);
}

/* Two pages, then one out of reach: what comes before it may or may not be written. */
static void group_efault(void)
{
	char *pages = mmap(NULL, 3 * PROBE_BLOCK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec null = { NULL, 10 }, wild = { (void *)16, PROBE_BLOCK };
	struct iovec runs_out = { pages, 3 * PROBE_BLOCK };
	struct iovec runs_out_odd = { pages + 100, 2 * PROBE_BLOCK + 50 };
	struct iovec second[2] = { { pages, PROBE_BLOCK }, wild };
	const struct iovec *volatile nowhere = (struct iovec *)16; /* hidden from the compiler */
	int fd = answer_fd(O_RDWR);

	memset(pages, 'p', 3 * PROBE_BLOCK);
	mprotect(pages + 2 * PROBE_BLOCK, PROBE_BLOCK, PROT_NONE);
	answer_all("NULL", fd, &null, 1, 0);
	answer_all("wild", fd, &wild, 1, 0);
	answer_all("runs out", fd, &runs_out, 1, 0);
	answer_all("runs out, odd", fd, &runs_out_odd, 1, 300);
	answer_all("second piece wild", fd, second, 2, 0);
	ASK("writev", "pieces not there", fd, writev(fd, nowhere, 2));
	ASK("pwritev2", "pieces not there", fd, pwritev2(fd, nowhere, 2, 0, 0));
}

static void group_einval(void)
{
	struct iovec bytes = { "bytes", 5 }, negative = { "bytes", SIZE_MAX };
	struct iovec overflow[2] = { { "bytes", 5 }, { "bytes", SSIZE_MAX - 2 } };
	int fd = answer_fd(O_RDWR);

	answer_all("offset -1", fd, &bytes, 1, -1);
	answer_all("offset -2", fd, &bytes, 1, -2);
	answer_all("offset INT64_MIN", fd, &bytes, 1, INT64_MIN);
	answer_all("offset INT64_MAX", fd, &bytes, 1, INT64_MAX);
	answer_all("length -1", fd, &negative, 1, 0);
	answer_all("count -1", fd, &bytes, -1, 0);
	answer_all("lengths overflow", fd, overflow, 2, 0);
	ASK("pwritev2", "unknown flag", fd, pwritev2(fd, &bytes, 1, 0, 1 << 20));
	ASK("pwritev2", "unknown high flag", fd, pwritev2(fd, &bytes, 1, -1, 1 << 30));
}

static void group_espipe(void)
{
	struct iovec bytes = { "bytes", 5 };
	int pipe_fds[2], sockets[2], broken[2];

	signal(SIGPIPE, SIG_IGN);
	if (pipe(pipe_fds) || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) || pipe(broken))
		abort();
	close(broken[0]);
	answer_all("pipe", pipe_fds[1], &bytes, 1, 0);
	answer_all("pipe, offset -1", pipe_fds[1], &bytes, 1, -1);
	answer_all("socket", sockets[0], &bytes, 1, 0);
	answer_all("broken pipe", broken[1], &bytes, 1, 0);
	answer_all("/dev/null", open("/dev/null", O_WRONLY), &bytes, 1, 0);
	answer_all("/dev/full", open("/dev/full", O_WRONLY), &bytes, 1, 0);
	ASK("fsync", "pipe", pipe_fds[1], fsync(pipe_fds[1]));
	ASK("sync_file_range", "pipe", pipe_fds[1], sync_file_range(pipe_fds[1], 0, 0, 7));
}

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

/* A write across the limit is short and silent; one beyond it gets EFBIG and the signal. */
static void group_efbig(void)
{
	static const uint64_t limits[] = { ANSWER_FILE_LEN - 100, ANSWER_FILE_LEN + PROBE_BLOCK,
					   ANSWER_FILE_LEN + 4321 };
	static char bytes[4 * PROBE_BLOCK];
	struct iovec whole = { bytes, sizeof(bytes) };
	char detail[64];

	signal(SIGXFSZ, count_signal);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit limit = { limits[i], RLIM_INFINITY };
		struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
		int fd = answer_fd(O_RDWR), appender;

		setrlimit(RLIMIT_FSIZE, &limit);
		answer_all("across the limit", fd, &whole, 1, limits[i] - PROBE_BLOCK - 7);
		answer_all("beyond the limit", fd, &whole, 1, limits[i]);
		appender = open(file_path, O_RDWR | O_APPEND);
		answer_all("appended", appender, &whole, 1, 0);
		setrlimit(RLIMIT_FSIZE, &none);
		snprintf(detail, sizeof(detail), "limit %zu", i);
		ASK("signals", detail, -1, signals);
		close(fd);
		close(appender);
	}
}

static void group_lengths(void)
{
	static char bytes[1024];
	struct iovec none = { bytes, 0 }, null = { NULL, 0 }, most = { bytes, SSIZE_MAX };
	struct iovec many[1025];
	int fd = answer_fd(O_RDWR);

	answer_all("zero bytes", fd, &none, 1, 0);
	answer_all("zero bytes, NULL", fd, &null, 1, 0);
	answer_all("zero bytes beyond the end", fd, &none, 1, 1 << 20);
	answer_all("zero bytes, offset -5", fd, &none, 1, -5);
	answer_all("zero bytes to a reader", open(file_path, O_RDONLY), &none, 1, 0);
	answer_all("zero pieces", fd, &none, 0, 0);
	answer_all("SSIZE_MAX", fd, &most, 1, 0);
	for (size_t i = 0; i < 1025; i++)
		many[i] = (struct iovec){ bytes, i % 3 };
	answer_all("IOV_MAX pieces", fd, many, 1024, 0);
	answer_all("IOV_MAX + 1 pieces", fd, many, 1025, 0);
}

static const struct group {
	const char *name;
	void (*run)(void);
} groups[] = {
	{ "ebadf", group_ebadf },	  { "efault", group_efault },
	{ "einval", group_einval },	  { "espipe", group_espipe },
	{ "efbig", group_efbig },	  { "lengths", group_lengths },
	{ "offsets", group_offsets },	  { "flags", group_flags },
	{ "opens", group_opens },	  { "duplicates", group_duplicates },
	{ "arguments", group_arguments }, { "copies", group_copies },
};

/* At the end, what all of it has left in the file. */
static void print_digest(void)
{
	int fd = probe_open(file_path, O_RDONLY);
	uint64_t digest = 14695981039346656037ULL;
	unsigned char bytes[4096];
	ssize_t got;

	while ((got = wt_syscall(SYS_read, fd, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < got; i++)
			digest = (digest ^ bytes[i]) * 1099511628211ULL;
	printf("contents: %016lx\n", (unsigned long)digest);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	file_path = argv[2];
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (!strcmp(groups[i].name, argv[1])) {
			groups[i].run();
			print_digest();
			return 0;
		}
	}
	return 2;
}

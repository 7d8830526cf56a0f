/* SPDX-License-Identifier: MIT */
#include "differential.h"
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio_ext.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <wchar.h>

struct position my;
char *pool;
char *scratch;
const char *prose;

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

/* A line of the trace goes out whole: a fork does not copy half of one. */
static struct {
	char text[1024];
	size_t len;
} line;

static void vadd(const char *format, va_list args)
{
	size_t room = sizeof(line.text) - line.len;
	size_t wanted = vsnprintf(line.text + line.len, room, format, args);

	line.len += wanted < room ? wanted : room - 1;
}

static void add(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vadd(format, args);
	va_end(args);
}

static void end_line(void)
{
	line.text[line.len] = '\n';
	wt_syscall(SYS_write, STDOUT_FILENO, line.text, line.len + 1);
	line.len = 0;
}

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vadd(format, args);
	va_end(args);
	end_line();
}

static void add_call(long result, const char *format, va_list args)
{
	add("%s%ld: ", my.prefix, my.op);
	vadd(format, args);
	add(" = %ld %s", result, errno_name(returned_errno));
}

static void add_fd(int fd)
{
	struct stat st;

	if (wt_syscall(SYS_fstat, fd, &st) == 0) {
		add(" | at %lld, flags %#x %ld, mode %o", raw_offset(fd), raw_flags(fd),
		    wt_syscall(SYS_fcntl, fd, F_GETFD), st.st_mode);
		if (S_ISREG(st.st_mode))
			add(", size %lld, links %ld", (long long)st.st_size, (long)st.st_nlink);
	}
	/* One that is held off during a call comes once, however often it was sent. */
	add(" | signals %d %d", too_big_signals > 0, (int)pipe_signals);
}

void trace(long result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_call(result, format, args);
	va_end(args);
	end_line();
}

void trace_fd(int fd, long result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_call(result, format, args);
	va_end(args);
	add_fd(fd);
	end_line();
	look_for_dirt(fd);
}

/* What is in a stream's buffers, and what it says of itself: all of it without changing it. */
void trace_stream(FILE *file, long result, const char *format, ...)
{
	bool narrow = fwide(file, 0) <= 0;
	va_list args;

	va_start(args, format);
	add_call(result, format, args);
	va_end(args);
	add(" | error %d, end %d, buffer %zu, by lines %d, reading %d, writing %d, pending %zu",
	    !!ferror(file), !!feof(file), __fbufsize(file), !!__flbf(file), !!__freading(file),
	    !!__fwriting(file), __fpending(file));
	if (narrow)
		add(" %016llx, ahead %td",
		    (unsigned long long)digest(0, file->_IO_write_base, __fpending(file)),
		    file->_IO_read_end - file->_IO_read_ptr);
	add_fd(fileno(file));
	end_line();
	look_for_dirt(fileno(file));
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
		perror("differential: mmap");
		exit(2);
	}
	return at;
}

void start_trace(void)
{
	struct sigaction counted = { .sa_handler = count_signal, .sa_flags = SA_RESTART };
	struct rng rng = rng_of(0, 0);
	size_t guard_bytes = 4096;
	char *letters;

	sigaction(SIGXFSZ, &counted, NULL);
	sigaction(SIGPIPE, &counted, NULL);
	umask(022);
	setlocale(LC_ALL, "C.UTF-8");
	pool = map(POOL_BYTES + guard_bytes);
	scratch = map(POOL_BYTES);
	prose = letters = map(POOL_BYTES);
	for (size_t at = 0; at < POOL_BYTES; at += sizeof(uint64_t)) {
		uint64_t word = draw(&rng);

		memcpy(pool + at, &word, sizeof(word));
	}
	for (size_t at = 0; at < POOL_BYTES; at++)
		letters[at] = pool[at] % 40 ? 'a' + (pool[at] & 15) : '\n';
	mprotect(pool, POOL_BYTES, PROT_READ);
	mprotect(pool + POOL_BYTES, guard_bytes, PROT_NONE);
	limit_descriptors(FEW_DESCRIPTORS);
}

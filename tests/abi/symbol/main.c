/* SPDX-License-Identifier: MIT */
#include "symbol.h"

#include <dirent.h>
#include <locale.h>
#include <signal.h>
#include <stdio_ext.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define SAY 3
#define CHILD_SECONDS_MAX 120

int fd = -1;
FILE *file;

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
#define WT_SYMBOL(ret, name, params) { #name, try_##name },
#define WT_LIBC(ret, name, params, args) { #name, try_##name },
#define WT_URING(ret, name, params) { #name, try_##name },
#define WT_SAME(name, other) { #name, try_##name },
#include "os/symbols.def"
#define X(name) { "scene_" #name, scene_##name },
	SCENES(X)
};

void say(const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	int len = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (len >= (int)sizeof(line) - 1)
		len = sizeof(line) - 2;
	line[len++] = '\n';
	wt_syscall(SYS_write, SAY, line, len);
}

static int print_stream(char *text, size_t room, FILE *stream)
{
	return snprintf(text, room, " error=%d eof=%d pending=%zu room=%zu lines=%d tell=%ld",
			!!ferror(stream), !!feof(stream), __fpending(stream), __fbufsize(stream),
			!!__flbf(stream), ftell(stream));
}

static int print_descriptor(char *text, size_t room, int of)
{
	struct stat st = { 0 };

	if (wt_syscall(SYS_fstat, of, &st) || !S_ISREG(st.st_mode))
		return 0;
	return snprintf(text, room, " offset=%ld flags=%#lx size=%ld",
			wt_syscall(SYS_lseek, of, 0, SEEK_CUR), wt_syscall(SYS_fcntl, of, F_GETFL),
			(long)st.st_size);
}

long tell(const char *call, long ret)
{
	int err = errno;
	char text[512] = "";
	int at = print_descriptor(text, sizeof(text), file ? fileno(file) : fd);

	if (file)
		print_stream(text + at, sizeof(text) - at, file);
	say("%s: %ld errno=%d%s", call, ret, err == UNTOUCHED ? 0 : err, text);
	return ret;
}

void tell_stream(const char *name, FILE *other)
{
	char text[512] = "";
	int at = print_descriptor(text, sizeof(text), fileno(other));

	print_stream(text + at, sizeof(text) - at, other);
	say("  %s:%s", name, text);
}

static void say_pages(const char *word, const char *name)
{
	struct probe_cache cache = { 0 };
	int of = probe_open(name, O_RDONLY);
	int err = probe_cachestat(of, 0, 0, &cache);

	probe_close(of);
	say("%s %s: dirty=%ld writeback=%ld", word, name, err ? (long)err : (long)cache.dirty,
	    (long)cache.writeback);
}

void judge(const char *name)
{
	say_pages("judged", name);
}

void judge_if_dirty(const char *name)
{
	say_pages("judged, if dirty", name);
}

void tell_dirty(const char *name)
{
	say_pages("synced", name);
}

static uint64_t digest(int of)
{
	uint64_t hash = 14695981039346656037ULL;
	unsigned char bytes[4096];
	ssize_t got;

	for (off_t at = 0; (got = wt_syscall(SYS_pread64, of, bytes, sizeof(bytes), at)) > 0;
	     at += got)
		for (ssize_t i = 0; i < got; i++)
			hash = (hash ^ bytes[i]) * 1099511628211ULL;
	return hash;
}

void tell_contents(int of)
{
	struct stat st = { 0 };

	wt_syscall(SYS_fstat, of, &st);
	say("contents: size=%ld links=%ld %016lx", (long)st.st_size, (long)st.st_nlink,
	    (unsigned long)digest(of));
}

static uint64_t digest_of(const char *name)
{
	int of = probe_open(name, O_RDONLY);
	uint64_t hash = digest(of);

	probe_close(of);
	return hash;
}

long tell_and_judge(const char *name, const char *call, long (*act)(void))
{
	uint64_t before = digest_of(name);
	long ret;

	errno = UNTOUCHED;
	ret = act();
	tell(call, ret);
	if (digest_of(name) != before)
		judge(name);
	return ret;
}

const char *text_of(size_t len)
{
	static char text[1 << 20];

	for (size_t at = 0; at < len; at += 16)
		snprintf(text + at, sizeof(text) - at, "line %10zu\n", at);
	text[len] = '\0';
	return text;
}

void make_file(const char *name, size_t len)
{
	int of = (wt_syscall(SYS_unlinkat, AT_FDCWD, name, 0),
		  probe_open(name, O_WRONLY | O_CREAT | O_EXCL));

	wt_syscall(SYS_write, of, text_of(len), len);
	wt_syscall(SYS_sync_file_range, of, 0, 0, 7);
	probe_close(of);
}

void open_made(int flags)
{
	make_file("file", 10000);
	fd = open("file", flags);
}

void limit(long bytes)
{
	setrlimit(RLIMIT_FSIZE,
		  &(struct rlimit){ bytes < 0 ? RLIM_INFINITY : (rlim_t)bytes, RLIM_INFINITY });
}

static bool is_broken;

int status_of(pid_t child)
{
	int status = -1;

	waitpid(child, &status, 0);
	is_broken |= WIFEXITED(status) && WEXITSTATUS(status) == DIFFERS;
	return status;
}

/* Killed where it hangs: what it waits in may hold signals off. */
int in_child(int (*run)(void))
{
	const struct timespec most = { .tv_sec = CHILD_SECONDS_MAX };
	sigset_t ended, before;

	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ended, &before);
	pid_t child = fork();
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		_exit(run());
	}
	if (sigtimedwait(&ended, NULL, &most) < 0)
		kill(child, SIGKILL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status_of(child);
}

static FILE *standard[3];

void become_standard(FILE *stream)
{
	standard[0] = stdin;
	standard[1] = stdout;
	standard[2] = stderr;
	stdin = stdout = stderr = stream;
}

void restore_standard(void)
{
	stdin = standard[0];
	stdout = standard[1];
	stderr = standard[2];
}

void open_state(const struct state *state)
{
	static char room[4096];

	say("-- %s", state->name);
	wt_syscall(SYS_unlinkat, AT_FDCWD, "file", 0);
	if (*state->mode == 'r')
		make_file("file", 10000);
	file = fopen("file", state->mode);
	if (state->room || state->buffering != _IOFBF)
		setvbuf(file, state->room ? room : NULL, state->buffering, state->room);
	if (state->is_wide)
		fwide(file, 1);
	become_standard(file);
	if (state->limit)
		limit(state->limit);
}

void close_state(void)
{
	int ret;

	limit(-1);
	restore_standard();
	errno = UNTOUCHED;
	ret = fclose(file);
	file = NULL;
	tell("fclose(file)", ret);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* What is in the directory, in the order of names. */
static void each_file(void (*visit)(const char *name))
{
	struct dirent **entries;
	int count = scandir(".", &entries, is_visible, alphasort);

	for (int i = 0; i < count; i++) {
		visit(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

static void remove_file(const char *name)
{
	wt_syscall(SYS_unlinkat, AT_FDCWD, name, 0);
}

static void tell_file(const char *name)
{
	int of = probe_open(name, O_RDONLY);

	say("file %s", name);
	tell_contents(of);
	probe_close(of);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	wt_syscall(SYS_dup3, STDOUT_FILENO, SAY, O_CLOEXEC);
	/* What libwt says of a report that finds no room is not of interest. */
	wt_syscall(SYS_dup3, probe_open("/dev/null", O_WRONLY), STDERR_FILENO, 0);
	mkdir(argv[2], 0700);
	if (chdir(argv[2]))
		return 2;
	each_file(remove_file);
	setlocale(LC_ALL, "C.UTF-8");
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (strcmp(cases[i].name, argv[1]))
			continue;
		cases[i].run();
		each_file(tell_file);
		return is_broken;
	}
	return 2;
}

/* SPDX-License-Identifier: MIT */
/*
 * What a log line looks like, where it goes, and that libwt's own output never
 * harms the program: no signal, no descriptor, no byte in a file of its data.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report/log.h"
#include "scratch.h"

static char output[8192];

TestSuite(log, .init = scratch_make, .fini = scratch_remove);

/* Runs `say` with stderr on a pipe; what came out of it. */
static const char *on_stderr(void (*say)(void))
{
	int saved = dup(STDERR_FILENO), ends[2];
	size_t len = 0;

	cr_assert_eq(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	say();
	dup2(saved, STDERR_FILENO);
	close(saved);
	for (ssize_t n; (n = read(ends[0], output + len, sizeof(output) - 1 - len)) > 0;)
		len += n;
	close(ends[0]);
	output[len] = '\0';
	return output;
}

/* The status of a child that ran `body` and then left with 0. */
static int in_child(void (*body)(void))
{
	pid_t child = fork();
	int status;

	if (!child) {
		body();
		_exit(0);
	}
	waitpid(child, &status, 0);
	return status;
}

static void say_warning(void)
{
	wt_log_init(WT_LOG_WARN, NULL);
	wt_log(WT_LOG_WARN, "%s is %d", "answer", 42);
}

Test(log, line_names_program_process_and_level)
{
	char expected[256];

	program_invocation_short_name = "prog";
	snprintf(expected, sizeof(expected), "libwt[prog %d]: warning: answer is 42\n", getpid());
	cr_assert_str_eq(on_stderr(say_warning), expected);
}

static void say_every_level(void)
{
	wt_log(WT_LOG_ERROR, "1");
	wt_log(WT_LOG_WARN, "2");
	wt_log(WT_LOG_INFO, "3");
	wt_log(WT_LOG_DEBUG, "4");
}

Test(log, only_wanted_levels_are_written)
{
	for (int level = WT_LOG_ERROR; level <= WT_LOG_DEBUG; level++) {
		wt_log_init(level, NULL);
		const char *lines = on_stderr(say_every_level);
		for (int line = WT_LOG_ERROR; line <= WT_LOG_DEBUG; line++) {
			char end[4] = { ' ', '1' + line, '\n' };
			cr_expect_eq(!!strstr(lines, end), line <= level, "level %d: %s", level,
				     lines);
		}
	}
}

Test(log, level_names_are_those_of_the_manual)
{
	cr_expect_eq(wt_log_level_parse("error"), WT_LOG_ERROR);
	cr_expect_eq(wt_log_level_parse("warn"), WT_LOG_WARN);
	cr_expect_eq(wt_log_level_parse("info"), WT_LOG_INFO);
	cr_expect_eq(wt_log_level_parse("debug"), WT_LOG_DEBUG);
	cr_expect_eq(wt_log_level_parse("warning"), -EINVAL);
	cr_expect_eq(wt_log_level_parse("ERROR"), -EINVAL);
	cr_expect_eq(wt_log_level_parse(""), -EINVAL);
}

static void say_evil_name(void)
{
	wt_log(WT_LOG_ERROR, "%s", "a\nlibwt[b 1]: error: forged\x1b[2J\xff \xc3\xa9");
}

Test(log, file_name_cannot_break_the_line)
{
	const char *line = on_stderr(say_evil_name);

	cr_assert(strstr(line, "a\\x0alibwt[b 1]: error: forged\\x1b[2J\\xff \xc3\xa9\n"), "%s",
		  line);
	cr_assert_eq(strchr(line, '\n'), line + strlen(line) - 1);
}

static int long_len;

static void say_long(void)
{
	char text[4096];

	memset(text, 'x', sizeof(text));
	memcpy(text + long_len - 2, "\xc3\xa9", 3);
	wt_log(WT_LOG_ERROR, "%s", text);
}

Test(log, long_line_is_cut_between_characters_and_says_so)
{
	int cut = 0, whole = 0;

	for (long_len = 950; long_len < 1100; long_len++) {
		const char *line = on_stderr(say_long);
		size_t len = strlen(line);

		cr_assert_leq(len, 1024);
		cr_assert_eq(line[len - 1], '\n');
		cr_assert_not(strstr(line, "\\x"), "half a character: %s", line);
		if (strstr(line, "...\n"))
			cut++;
		else if (strstr(line, "x\xc3\xa9\n"))
			whole++;
	}
	cr_assert_eq(cut + whole, 150);
	cr_assert(cut && whole);
}

Test(log, path_is_expanded)
{
	char path[64], expected[64];

	program_invocation_short_name = "prog";
	wt_log_init(WT_LOG_WARN, NULL);
	int len = wt_log_expand("/a/%e.%p.100%%", path, sizeof(path));
	snprintf(expected, sizeof(expected), "/a/prog.%d.100%%", getpid());
	cr_assert_str_eq(path, expected);
	cr_assert_eq(len, (int)strlen(expected));
}

Test(log, path_with_another_letter_is_refused)
{
	char path[64];

	cr_expect_eq(wt_log_expand("/a/%x", path, sizeof(path)), -EINVAL);
	cr_expect_eq(wt_log_expand("/a/%", path, sizeof(path)), -EINVAL);
}

Test(log, path_that_does_not_fit_is_refused)
{
	char path[8];

	cr_expect_eq(wt_log_expand("1234567", path, sizeof(path)), 7);
	cr_expect_eq(wt_log_expand("12345678", path, sizeof(path)), -ENAMETOOLONG);
}

static int open_descriptors(void)
{
	DIR *stream = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(stream))
		count++;
	closedir(stream);
	return count;
}

Test(log, file_takes_the_lines_and_no_descriptor_stays)
{
	const char *path = scratch_path("log");
	struct stat st;
	int before = open_descriptors();

	umask(0);
	wt_log_init(WT_LOG_WARN, path);
	cr_expect_str_eq(on_stderr(say_evil_name), "");
	cr_expect_str_eq(on_stderr(say_evil_name), "");
	cr_expect_eq(open_descriptors(), before);
	const char *lines = scratch_contents(path);
	cr_expect_neq(strchr(lines, '\n'), strrchr(lines, '\n'), "one line of two: %s", lines);
	cr_expect_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600, "%o", st.st_mode);
}

static void say_twice(void)
{
	wt_log(WT_LOG_ERROR, "first");
	wt_log(WT_LOG_ERROR, "second");
}

/* Both lines arrive on stderr, with one line more about the path, not two. */
static void expect_fallback(const char *path, const char *why)
{
	wt_log_init(WT_LOG_WARN, path);
	const char *lines = on_stderr(say_twice);
	const char *complaint = strstr(lines, path);

	cr_assert(complaint && strstr(complaint, why), "%s: %s", why, lines);
	cr_assert_not(strstr(complaint + 1, path), "complained twice: %s", lines);
	cr_assert(strstr(lines, ": first\n") && strstr(lines, ": second\n"), "%s", lines);
}

Test(log, file_in_a_missing_directory_falls_back_to_stderr_and_says_so_once)
{
	expect_fallback(scratch_path("missing/log"), "No such file or directory");
}

Test(log, file_with_a_bad_percent_sign_falls_back_to_stderr)
{
	expect_fallback("/tmp/%d", "expected %p, %e or %%");
}

Test(log, symbolic_link_is_not_followed)
{
	char target[PATH_MAX];

	strcpy(target, scratch_path("target"));
	cr_assert_eq(symlink(target, scratch_path("link")), 0);
	expect_fallback(scratch_path("link"), "symbolic links");
	cr_assert_eq(access(target, F_OK), -1);
}

/* The file keeps what it held, and the lines come out on stderr with the reason. */
static void expect_refusal(const char *path, const char *why)
{
	char place[PATH_MAX];

	strcpy(place, path);
	int fd = open(place, O_WRONLY | O_CREAT, 0666);
	cr_assert_eq(write(fd, "own\n", 4), 4);
	close(fd);
	cr_assert_eq(chmod(place, 0666), 0);
	if (strstr(why, "user 12345;"))
		cr_assert_eq(chown(place, 12345, 12345), 0);
	else if (strstr(why, "hard links"))
		cr_assert_eq(link(place, scratch_path("other name")), 0);
	expect_fallback(place, why);
	cr_assert_str_eq(scratch_contents(place), "own\n");
}

static void need_root(void)
{
	if (geteuid())
		cr_skip_test("this machine: not root");
}

Test(log, file_of_another_user_is_not_written)
{
	need_root();
	expect_refusal(scratch_path("log"), "belongs to user 12345; expected a new file");
}

/* Where the kernel refuses O_CREAT of what is there (fs.protected_regular), the reason is told. */
Test(log, file_of_another_user_in_a_sticky_directory_is_not_written)
{
	need_root();
	cr_assert_eq(chmod(scratch_dir(), 01777), 0);
	expect_refusal(scratch_path("log"), "belongs to user 12345; expected a new file");
}

static void say_as_user(void)
{
	if (seteuid(12345))
		_exit(1);
	wt_log_init(WT_LOG_WARN, scratch_path("log"));
	say_twice();
}

/* To the effective user, not to the real one, which here is root. */
Test(log, file_belongs_to_the_effective_user)
{
	struct stat st;

	need_root();
	cr_assert_eq(chmod(scratch_dir(), 0777), 0);
	cr_assert_eq(in_child(say_as_user), 0);
	cr_assert_eq(stat(scratch_path("log"), &st), 0);
	cr_expect_eq(st.st_uid, 12345);
	cr_expect(strstr(scratch_contents(scratch_path("log")), ": second\n"));
	cr_assert_eq(chown(scratch_path("log"), 0, 0), 0);
	cr_assert_eq(chmod(scratch_path("log"), 0666), 0);
	cr_assert_eq(truncate(scratch_path("log"), 0), 0);
	cr_assert_eq(in_child(say_as_user), 0);
	cr_expect_str_eq(scratch_contents(scratch_path("log")), "");
}

Test(log, file_with_a_second_name_is_not_written)
{
	expect_refusal(scratch_path("log"), "2 names (hard links); expected a new file");
}

Test(log, fifo_of_another_user_is_not_written)
{
	char path[PATH_MAX], byte;

	need_root();
	strcpy(path, scratch_path("fifo"));
	cr_assert_eq(mkfifo(path, 0666), 0);
	cr_assert_eq(chown(path, 12345, 12345), 0);
	int reader = open(path, O_RDONLY | O_NONBLOCK);
	expect_fallback(path, "belongs to user 12345; expected a new file");
	cr_expect_eq(read(reader, &byte, 1), 0);
	close(reader);
}

Test(log, fifo_without_a_reader_does_not_stop_the_program, .timeout = 120)
{
	cr_assert_eq(mkfifo(scratch_path("fifo"), 0600), 0);
	expect_fallback(scratch_path("fifo"), "No such device or address");
}

Test(log, errno_has_words_with_either_sign)
{
	cr_expect_str_eq(wt_log_errno_text(ENOSPC), "No space left on device");
	cr_expect_str_eq(wt_log_errno_text(-ENOSPC), "No space left on device");
	cr_expect_str_eq(wt_log_errno_text(9999), "unknown error");
}

static void say_with_stderr_closed(void)
{
	close(STDERR_FILENO);
	say_twice();
}

Test(log, closed_stderr_is_no_trouble)
{
	cr_assert_eq(in_child(say_with_stderr_closed), 0);
}

static void say_to_data(void)
{
	wt_log_init(WT_LOG_WARN, NULL);
	close(STDERR_FILENO);
	cr_assert_eq(open(scratch_path("data"), O_RDWR | O_CREAT, 0600), STDERR_FILENO);
	say_twice();
}

static void say_to_redirected(void)
{
	dup2(open(scratch_path("data"), O_RDWR | O_CREAT, 0600), STDERR_FILENO);
	wt_log_init(WT_LOG_WARN, NULL);
	say_twice();
}

Test(log, data_file_that_got_descriptor_2_is_left_alone)
{
	cr_assert_eq(in_child(say_to_data), 0);
	cr_assert_str_eq(scratch_contents(scratch_path("data")), "");
}

Test(log, file_that_was_stderr_from_the_start_is_written)
{
	cr_assert_eq(in_child(say_to_redirected), 0);
	cr_assert(strstr(scratch_contents(scratch_path("data")), "second\n"));
}

static void break_stderr(void)
{
	int ends[2];

	signal(SIGPIPE, SIG_DFL);
	if (pipe(ends))
		_exit(1);
	dup2(ends[1], STDERR_FILENO);
	close(ends[0]);
	close(ends[1]);
}

static void say_to_broken_pipe(void)
{
	break_stderr();
	say_twice();
}

static void write_to_broken_pipe(void)
{
	break_stderr();
	if (write(STDERR_FILENO, "x", 1) == 1)
		_exit(1);
}

Test(log, broken_pipe_does_not_kill_the_program)
{
	int control = in_child(write_to_broken_pipe);

	cr_assert(WIFSIGNALED(control) && WTERMSIG(control) == SIGPIPE, "control: %x", control);
	cr_assert_eq(in_child(say_to_broken_pipe), 0);
}

static void keep_own_signal(void)
{
	sigset_t set;

	break_stderr();
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGPIPE);
	say_twice();
	sigpending(&set);
	if (!sigismember(&set, SIGPIPE))
		_exit(1);
}

Test(log, signal_that_was_pending_before_stays_pending)
{
	cr_assert_eq(in_child(keep_own_signal), 0);
}

static void limit_file_size(void)
{
	const struct rlimit limit = { 10, 10 };

	signal(SIGXFSZ, SIG_DFL);
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void say_past_limit(void)
{
	dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
	wt_log_init(WT_LOG_WARN, scratch_path("log"));
	limit_file_size();
	say_twice();
}

static void write_past_limit(void)
{
	int fd = open(scratch_path("control"), O_WRONLY | O_CREAT | O_APPEND, 0600);

	limit_file_size();
	while (write(fd, "0123456789", 10) == 10)
		;
}

Test(log, file_size_limit_does_not_kill_the_program)
{
	int control = in_child(write_past_limit);

	cr_assert(WIFSIGNALED(control) && WTERMSIG(control) == SIGXFSZ, "control: %x", control);
	cr_assert_eq(in_child(say_past_limit), 0);
	cr_assert_eq(strlen(scratch_contents(scratch_path("log"))), 10);
}

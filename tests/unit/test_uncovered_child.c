/* SPDX-License-Identifier: MIT */
/*
 * Executed programs in which libwt covers nothing: told in the log once and in the report with a
 * count, and those that it covers not at all. The programs are files of the test's own making,
 * which are looked at and never executed.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/reason.h"
#include "child.h"
#include "os/thread.h"
#include "report/log.h"
#include "report/stats.h"
#include "scratch.h"
#include "small_elf.h"
#include "state/uncovered_child.h"

static char log_path[PATH_MAX], program[PATH_MAX];

/* This program stands in the library's place: it can be read by whoever executes something. */
static void setup(void)
{
	static char library[PATH_MAX];

	scratch_make();
	wt_thread_init();
	strcpy(log_path, scratch_write("log", "", 0));
	wt_log_init(WT_LOG_WARN, log_path);
	cr_assert_eq(wt_stats_init(1), 0);
	cr_assert_eq(wt_uncovered_child_init(), 0);
	strcpy(library, scratch_write("libwt.so", "", 0));
	_r_debug.r_map->l_name = library;
}

TestSuite(uncovered, .init = setup, .fini = scratch_remove);

static unsigned int execute(const char *path)
{
	const struct wt_uncovered_child child = { .at = { AT_FDCWD, path, 0 } };

	return wt_uncovered_child_executing(&child);
}

static const char *write_program(const char *name, const struct small_elf *elf)
{
	return strcpy(program, small_elf_write(name, elf));
}

static const char *static_program(void)
{
	return write_program("static", &(struct small_elf){ 0 });
}

static const char *dynamic_program(void)
{
	return write_program("dynamic", &(struct small_elf){ .interpreter = small_elf_loader() });
}

static const char *script(const char *name, const char *interpreter)
{
	char text[PATH_MAX + 8];

	snprintf(text, sizeof(text), "#!%s\n", interpreter);
	return scratch_write(name, text, strlen(text));
}

/* How often the report says so of the program; and the log, once. */
static uint64_t told(const char *path, enum wt_way way)
{
	const struct wt_event *event;
	char words[WT_EVENT_PATH + 200];

	snprintf(words, sizeof(words), "%s is not covered: %s", path, wt_way_text(way));
	const char *line = strstr(scratch_contents(log_path), words);
	cr_expect(line && !strstr(line + 1, words), "%s: %s", words, scratch_contents(log_path));
	for (size_t i = 0; (event = wt_stats_event_at(i)); i++)
		if (event->kind == WT_EVENT_NOT_COVERED && !strcmp(event->path, path) &&
		    !strcmp(event->reason, wt_way_text(way)))
			return event->count;
	return 0;
}

static void expect_nothing_told(void)
{
	cr_expect_str_eq(scratch_contents(log_path), "");
	cr_expect_null(wt_stats_event_at(0));
}

Test(uncovered, a_program_that_libwt_covers_is_not_told)
{
	cr_expect_eq(execute(dynamic_program()), 0u);
	cr_expect_eq(execute("/proc/self/exe"), 0u);
	expect_nothing_told();
}

static const struct {
	const char *name;
	struct small_elf elf;
	enum wt_way way;
	unsigned int answer;
} kinds[] = {
	{ "static", { 0 }, WT_WAY_RUNS_STATIC, 0 },
	{ "musl",
	  { .interpreter = "/lib/ld-musl.so.1" },
	  WT_WAY_RUNS_OTHER_LIBC,
	  WT_UNCOVERED_CHILD_LEAVE_OUT },
	{ "s390", { .machine = EM_S390 }, WT_WAY_RUNS_OTHER_MACHINE, 0 },
};

Test(uncovered, a_program_is_told_by_what_it_is)
{
	for (size_t i = 0; i < WT_LENGTH(kinds); i++) {
		cr_expect_eq(execute(write_program(kinds[i].name, &kinds[i].elf)), kinds[i].answer,
			     "%s", kinds[i].name);
		cr_expect_eq(told(program, kinds[i].way), 1u, "%s", kinds[i].name);
	}
}

Test(uncovered, a_go_program_is_told)
{
	struct small_elf elf = { .interpreter = small_elf_loader(), .has_go_note = true };

	execute(write_program("go", &elf));
	cr_expect_eq(told(program, WT_WAY_RUNS_GO), 1u);
}

Test(uncovered, each_execution_is_counted)
{
	static_program();
	for (int i = 0; i < 3; i++)
		execute(program);
	cr_expect_eq(told(program, WT_WAY_RUNS_STATIC), 3u);
}

Test(uncovered, a_file_that_was_replaced_is_read_again)
{
	execute(write_program("program", &(struct small_elf){ .interpreter = small_elf_loader() }));
	unlink(program);
	execute(write_program("program", &(struct small_elf){ 0 }));
	cr_expect_eq(told(program, WT_WAY_RUNS_STATIC), 1u);
}

Test(uncovered, the_interpreters_of_a_script_are_followed)
{
	script("inner", static_program());
	char inner[PATH_MAX];
	strcpy(inner, scratch_path("inner"));
	execute(script("outer", inner));
	cr_expect_eq(told(program, WT_WAY_RUNS_STATIC), 1u);
}

/* The kernel gives up as well. */
Test(uncovered, a_script_that_is_its_own_interpreter_is_not_followed_for_ever)
{
	char path[PATH_MAX];

	execute(script("loop", strcpy(path, scratch_path("loop"))));
	expect_nothing_told();
}

Test(uncovered, a_text_is_the_shells_where_execvp_takes_it)
{
	struct wt_uncovered_child child = { .lacks = WT_LACKS_LIBRARY };

	strcpy(program, scratch_write("text", "echo\n", 5));
	child.at = (struct wt_program_at){ AT_FDCWD, program, 0 };
	wt_uncovered_child_executing(&child);
	expect_nothing_told();
	child.searches = true;
	wt_uncovered_child_executing(&child);
	cr_expect_eq(told("/bin/sh", WT_WAY_RUNS_WITHOUT_LIBRARY), 1u);
}

Test(uncovered, what_cannot_be_executed_is_not_told)
{
	const char *bytes = small_elf(&(struct small_elf){ 0 });

	execute(scratch_path("missing"));
	execute(scratch_dir());
	execute(scratch_write("damaged", bytes, 20));
	chmod(static_program(), 0600);
	execute(program);
	expect_nothing_told();
}

Test(uncovered, a_script_whose_interpreter_cannot_be_executed_is_not_told)
{
	chmod(static_program(), 0600);
	execute(script("script", program));
	expect_nothing_told();
}

static void execute_lacking(const char *path, enum wt_lack lacks)
{
	const struct wt_uncovered_child child = { .at = { AT_FDCWD, path, 0 }, .lacks = lacks };

	wt_uncovered_child_executing(&child);
}

Test(uncovered, an_environment_that_lacks_something_is_told)
{
	execute_lacking(dynamic_program(), WT_LACKS_LIBRARY);
	cr_expect_eq(told(program, WT_WAY_RUNS_WITHOUT_LIBRARY), 1u);
	execute_lacking(program, WT_LACKS_RULES);
	cr_expect_eq(told(program, WT_WAY_RUNS_WITHOUT_RULES), 1u);
}

Test(uncovered, what_can_be_done_depends_on_whose_environment_it_is)
{
	static const struct {
		char *who;
		enum wt_way way;
	} cases[] = {
		{ "env", WT_WAY_RUNS_BY_ENV },		 { "su", WT_WAY_RUNS_BY_SU },
		{ "sudo", WT_WAY_RUNS_BY_SUDO },	 { "cron", WT_WAY_RUNS_BY_CRON },
		{ "make", WT_WAY_RUNS_WITHOUT_LIBRARY },
	};

	dynamic_program();
	for (size_t i = 0; i < WT_LENGTH(cases); i++) {
		program_invocation_short_name = cases[i].who;
		wt_log_init(WT_LOG_WARN, log_path);
		execute_lacking(program, WT_LACKS_LIBRARY);
		cr_expect_eq(told(program, cases[i].way), 1u, "%s", cases[i].who);
	}
	write_program("pg_ctl", &(struct small_elf){ .interpreter = small_elf_loader() });
	execute_lacking(program, WT_LACKS_LIBRARY);
	cr_expect_eq(told(program, WT_WAY_RUNS_POSTGRESQL), 1u);
}

Test(uncovered, a_library_that_cannot_be_loaded_there_is_told)
{
	unlink(scratch_path("libwt.so"));
	execute(dynamic_program());
	cr_expect_eq(told(program, WT_WAY_RUNS_UNLOADABLE), 1u);
}

Test(uncovered, a_privileged_program_is_told)
{
	if (geteuid())
		cr_skip_test("this machine: not root");
	cr_assert_eq(chown(dynamic_program(), 65534, 65534), 0);
	cr_assert_eq(chmod(program, 04755), 0);
	execute(program);
	cr_expect_eq(told(program, WT_WAY_RUNS_PRIVILEGED), 1u);
}

Test(uncovered, the_loader_is_judged_by_what_it_loads)
{
	char *argv[] = { "ld.so",	    "--library-path",	      "/lib", "--argv0", "x",
			 "--inhibit-cache", (char *)static_program(), NULL };
	struct wt_uncovered_child child = { .at = { AT_FDCWD, small_elf_loader(), 0 } };

	wt_uncovered_child_executing(&child);
	expect_nothing_told();
	child.argv = argv;
	wt_uncovered_child_executing(&child);
	cr_expect_eq(told(program, WT_WAY_RUNS_STATIC), 1u);
}

Test(uncovered, arguments_that_are_not_there_are_the_kernel_s_to_answer)
{
	struct wt_uncovered_child child = { .at = { AT_FDCWD, small_elf_loader(), 0 },
					    .argv = (char *const *)16 };

	cr_expect_eq(wt_uncovered_child_executing(&child), 0u);
	expect_nothing_told();
}

/* As execvp(3) does it: the first one that may be executed. */
Test(uncovered, a_name_without_a_slash_is_looked_for_in_the_path)
{
	char path[PATH_MAX + 64];
	const struct wt_uncovered_child child = { .at = { AT_FDCWD, "static", 0 },
						  .searches = true };

	static_program();
	cr_assert_eq(mkdir(scratch_path("first"), 0700), 0);
	scratch_write("first/static", "echo\n", 5);
	chmod(scratch_path("first/static"), 0600);
	snprintf(path, sizeof(path), "/no/such/directory:%s/first:%s", scratch_dir(),
		 scratch_dir());
	setenv("PATH", path, 1);
	wt_uncovered_child_executing(&child);
	cr_expect_eq(told(program, WT_WAY_RUNS_STATIC), 1u);
	unlink(scratch_path("first/static"));
	rmdir(scratch_path("first"));
}

static unsigned int replace_by(const char *path)
{
	const struct wt_uncovered_child child = { .at = { AT_FDCWD, path, 0 }, .replaces = true };

	return wt_uncovered_child_executing(&child);
}

Test(uncovered, a_process_that_becomes_such_a_program_has_to_report)
{
	cr_expect_eq(replace_by(static_program()), (unsigned int)WT_UNCOVERED_CHILD_REPORT);
	cr_expect_eq(told(program, WT_WAY_RUNS_STATIC), 1u);
}

static int become(void *counts)
{
	if (counts)
		wt_stats_write(0, WT_ENGINE_DSYNC, 4096, 50000);
	return replace_by(program);
}

Test(uncovered, a_child_that_only_executes_leaves_it_to_its_parent)
{
	static_program();
	wt_uncovered_child_forking();
	cr_expect_eq(child_forked(become, NULL), 0);
	cr_expect_eq(child_forked(become, NULL), 0);
	cr_expect_null(wt_stats_event_at(0));
	wt_uncovered_child_collect();
	cr_expect_eq(told(program, WT_WAY_RUNS_STATIC), 2u);
	wt_uncovered_child_collect();
	cr_expect_eq(told(program, WT_WAY_RUNS_STATIC), 2u, "once");
}

Test(uncovered, a_child_that_has_counted_reports_itself)
{
	static_program();
	wt_uncovered_child_forking();
	cr_expect_eq(child_forked(become, program), WT_UNCOVERED_CHILD_REPORT << 8);
	wt_uncovered_child_collect();
	cr_expect_null(wt_stats_event_at(0));
}

Test(uncovered, a_child_in_this_memory_counts_for_its_parent)
{
	if (SANITIZED)
		cr_skip_test("this machine: a sanitizer's runtime makes vfork a fork");
	static_program();
	cr_expect_eq(child_cloned(CLONE_VFORK, become, NULL, NULL), 0);
	cr_expect_eq(told(program, WT_WAY_RUNS_STATIC), 1u);
}

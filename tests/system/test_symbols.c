/* SPDX-License-Identifier: MIT */
/*
 * Each symbol that libwt exports answers as libc's does, in success and in failure, leaves the same
 * bytes, and what it hands to the kernel is where the rule wants it when it returns. So do streams
 * in scenes of several calls. tests/abi/symbol makes the calls and tells what came of them.
 *
 * Without libwt the same bytes are dirty. The report names no file that was not covered, but those
 * which a symbol puts out of reach.
 */
#define _GNU_SOURCE
#include "../lib/bed.h"
#include "../lib/rules.h"
#include "../abi/symbol/symbol.h"

#include <criterion/criterion.h>

#define JUDGED "judged"
#define LINE(text) (int)strcspn(text, "\n"), text /* for %.*s */

/* What nothing can be done about is named by its way. */
static const struct {
	const char *name;
	const char *way;
} holes[] = {
	{ "mmap", "a shared writable mapping" },
	{ "mmap64", "a shared writable mapping" },
	{ "scene_mapped_unseen", "a shared writable mapping" },
	{ "mprotect", "a shared mapping, if it was made writable" },
	{ "pkey_mprotect", "a shared mapping, if it was made writable" },
	{ "io_uring_register_files_tags", "an io_uring of the program, if it writes there" },
	{ "io_uring_register_files_update_tag", "an io_uring of the program, if it writes there" },
	{ "io_uring_setup", "an io_uring of the program, if it writes there" },
	{ "io_uring_enter", "an io_uring of the program, if it writes there" },
	{ "io_uring_enter2", "an io_uring of the program, if it writes there" },
	{ "io_uring_register_files", "an io_uring of the program, if it writes there" },
	{ "io_uring_register_files_update", "an io_uring of the program, if it writes there" },
};

/*
 * `async` starts nothing of what the kernel writes by itself, of a size changed by name, and of a
 * page that a failed copy has made dirty. By the beginning of their names.
 */
static const char *const not_started[] = { "io_", "truncate", "pwrite" };

static bool is_started(const char *name)
{
	for (size_t i = 0; i < COUNT(not_started); i++)
		if (!strncmp(name, not_started[i], strlen(not_started[i])))
			return false;
	return true;
}

static bool is_long(void)
{
	const char *soak = getenv("WT_SOAK");

	return soak && !strcmp(soak, "1");
}

static void run_case(struct bed_run *run, const struct bed *bed, const char *name,
		     const char *policy)
{
	char report[300];

	snprintf(report, sizeof(report), "WT_REPORT=%s", bed_path(bed, "report.json"));
	unlink(bed_path(bed, "report.json"));
	bed_run(run, &(struct bed_program){
			     .rules = policy,
			     .env = { "WT_LOG=error", report },
			     .argv = { "symbol", name, bed_path(bed, "here") },
		     });
}

static bool is_judged(const char *line)
{
	return !strncmp(line, JUDGED, strlen(JUDGED));
}

enum pages { DIRTY, STARTED, CLEAN };

/* Each judged line: clean, or at least on their way; or, where it was not `if dirty`, not clean. */
static void expect_pages(const char *label, const char *out, enum pages expected)
{
	const char *last = "";

	for (const char *line = out; *line; line = bed_next_line(line)) {
		long dirty = -1, writeback = -1;

		if (!is_judged(line)) {
			last = line;
			continue;
		}
		sscanf(strstr(line, "dirty="), "dirty=%ld writeback=%ld", &dirty, &writeback);
		if (expected)
			cr_expect(!dirty && (expected == STARTED || !writeback),
				  "%s: after\n  %.*s\n  %.*s", label, LINE(last), LINE(line));
		else if (line[strlen(JUDGED)] != ',')
			cr_expect(dirty + writeback > 0, "%s: shows nothing, clean after\n  %.*s",
				  label, LINE(last));
	}
}

/* A ring that is driven by hand may open files too, and is named whatever rule this file has. */
static bool opens_unseen(const char *name)
{
	return !strcmp(name, "io_uring_setup") || !strncmp(name, "io_uring_enter", 14);
}

static const char *hole_of(const char *name, bool has_rule)
{
	if (!has_rule)
		return opens_unseen(name) ? "this process has an io_uring that opens files unseen"
					  : NULL;
	for (size_t i = 0; i < COUNT(holes); i++)
		if (!strcmp(holes[i].name, name))
			return holes[i].way;
	return NULL;
}

static void expect_report(const char *label, const struct bed *bed, const char *name, bool has_rule)
{
	char *report = bed_slurp(bed_path(bed, "report.json"));
	const char *way = hole_of(name, has_rule), *key = "\"not_covered\":[";

	cr_assert(report && *report, "%s: no report", label);
	if (way)
		cr_expect(strstr(report, way), "%s: not named: %s in %s", label, way, report);
	else
		for (const char *at = report; (at = strstr(at, key)); at += strlen(key))
			cr_expect_eq(at[strlen(key)], ']', "%s: %.200s", label, at);
	free(report);
}

static void check_rule(const struct bed *bed, const char *name, const char *policy,
		       const struct bed_run *without, const struct rule *rule)
{
	static struct bed_run with;
	char label[256];

	snprintf(label, sizeof(label), "%s, %s", bed->name, policy);
	run_case(&with, bed, name, policy);
	cr_expect_eq(with.status, 0, "%s: ended with %d", label, with.status);
	bed_expect_same(label, with.out, without->out, JUDGED);
	if (!rule)
		expect_pages(label, with.out, DIRTY);
	else if (rule->when == STABLE || is_started(name))
		expect_pages(label, with.out, rule->when == STABLE ? CLEAN : STARTED);
	expect_report(label, bed, name, rule);
}

static void check_on(const struct bed *bed, const char *name)
{
	static struct bed_run without;

	run_case(&without, bed, name, NULL);
	cr_assert_eq(without.status, 0, "%s: ended with %d", bed->name, without.status);
	cr_expect(strstr(without.out, "errno="), "%s: said too little", bed->name);
	cr_expect_lt(strlen(without.out), sizeof(without.out) - 1, "%s: said too much", bed->name);
	expect_pages(bed->name, without.out, DIRTY);
	check_rule(bed, name, "file=off;nothing=dsync", &without, NULL);
	RULE_EACH(rule)
		if (rule->always || is_long())
			check_rule(bed, name, rule->text, &without, rule);
}

/* What the program itself cannot have in a sandbox is no test of libwt. */
static void need_for(const char *name)
{
	static const struct {
		const char *prefix, *what;
	} needs[] = { { "io_uring_", "io_uring" }, { "tmpfile", "mount" } };

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (!strncmp(name, needs[i].prefix, strlen(needs[i].prefix)) &&
		    !bed_has(needs[i].what))
			cr_skip_test("this machine: no %s", needs[i].what);
}

/* The short form on the first that has a disk, the long form on all. */
static void check(const char *name)
{
	need_for(name);
	BED_EACH(bed) {
		if (!bed->has_disk || bed->upper)
			continue;
		check_on(bed, name);
		if (!is_long())
			break;
	}
}

#undef X
#define WT_SYMBOL(ret, name, params)                                                               \
	Test(symbol, name)                                                                         \
	{                                                                                          \
		check(#name);                                                                      \
	}
#define WT_LIBC(ret, name, params, args) WT_SYMBOL(ret, name, params)
#define WT_URING(ret, name, params) WT_SYMBOL(ret, name, params)
#define WT_SAME(name, other) WT_SYMBOL(, name, )
#include "os/symbols.def"

#define X(name)                                                                                    \
	Test(scene, name)                                                                          \
	{                                                                                          \
		check("scene_" #name);                                                             \
	}
SCENES(X)

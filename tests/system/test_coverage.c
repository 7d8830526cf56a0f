/* SPDX-License-Identifier: MIT */
/*
 * When a write returns, the disk has it: for every call that writes, every way to
 * come by a descriptor, every level and engine, on every file system.
 *
 * A program writes once and asks the kernel at once (tests/prog/coverage.c). Each
 * test runs it without libwt as well, and fails if that looks no different.
 */
#define _GNU_SOURCE
#include "../lib/bed.h"
#include "../lib/rules.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define MIB (1LL << 20)
#define PAGE 4096
#define WINDOW_PAGES (RULE_WINDOW_BYTES / PAGE)

/* One write, in the words of coverage.c. */
struct one_write {
	const char *way;
	const char *symbol;
	const char *place;
	const char *flags;
	long long offset, len, skew;
	enum bed_contents contents;
	bool levels_only; /* leave out the rules that name another engine for the same level */
};

static bool is_implicit(const struct one_write *w)
{
	return !strcmp(w->symbol, "write") || !strcmp(w->symbol, "writev") ||
	       !strcmp(w->place, "current");
}

static void run_write(struct bed_run *run, const struct bed *bed, const char *rule,
		      const struct one_write *w)
{
	char offset[32], len[32], skew[32], way[32], symbol[32], place[32], flags[32];
	char file[300];
	const char *path = bed_path(bed, "file");
	struct bed_program program = {
		.rules = rule,
		.env = { "WT_LOG=error" },
		.argv = { "coverage", file, way, symbol, place, offset, len, skew, flags },
	};
	struct bed_disk_words disk;

	snprintf(file, sizeof(file), "file=%s", path);
	snprintf(way, sizeof(way), "way=%s", w->way);
	snprintf(symbol, sizeof(symbol), "symbol=%s", w->symbol);
	snprintf(place, sizeof(place), "place=%s", w->place);
	snprintf(offset, sizeof(offset), "offset=%lld", w->offset);
	snprintf(len, sizeof(len), "len=%lld", w->len);
	snprintf(skew, sizeof(skew), "skew=%lld", w->skew);
	snprintf(flags, sizeof(flags), "flags=%s", w->flags);
	bed_tell_disk(bed, &program, 9, &disk);
	bed_prepare(path, w->offset + w->len > 2 * MIB ? w->offset + w->len : 2 * MIB, w->contents);
	bed_run(run, &program);
}

/* The answer a program gets, with libwt as without. */
static void judge_answer(const struct bed_run *run, const char *label, const struct one_write *w)
{
	int64_t at = bed_fact(run, "at");

	cr_expect_eq(run->status, 0, "%s: the program ended with %d", label, run->status);
	cr_expect_eq(bed_fact(run, "ret"), w->len, "%s: wrote less: %s", label, run->out);
	cr_expect_eq(bed_fact(run, "err"), 0, "%s: errno was touched: %s", label, run->out);
	cr_expect_eq(bed_fact(run, "buffered"), 1, "%s: reads back other bytes", label);
	cr_expect_eq(bed_fact(run, "position"), is_implicit(w) ? at + w->len : 0,
		     "%s: the offset is wrong: %s", label, run->out);
}

static void judge_cache(const struct bed_run *run, const char *label, const struct rule *rule,
			bool aligned)
{
	int64_t dirty = bed_fact(run, "dirty"), writeback = bed_fact(run, "writeback");
	int64_t pages = bed_fact(run, "pages"), cached = bed_fact(run, "cached");

	cr_expect_eq(bed_fact(run, "cachestat"), 0, "%s: cachestat failed: %s", label, run->out);
	if (rule->when == ASYNC) {
		cr_expect_leq(dirty + writeback, WINDOW_PAGES, "%s: over the window: %s", label,
			      run->out);
	} else {
		cr_expect_eq(dirty, 0, "%s: dirty pages: %s", label, run->out);
		cr_expect_eq(writeback, 0, "%s: still writing: %s", label, run->out);
	}
	if (rule->cache == KEEP)
		cr_expect_eq(cached, pages, "%s: not all cached: %s", label, run->out);
	else
		cr_expect_leq(cached, aligned ? 0 : 2, "%s: still cached: %s", label, run->out);
}

/* Written to the device, and not written twice. */
static void judge_disk(const struct bed_run *run, const struct bed *bed, const char *label,
		       const struct rule *rule, const struct one_write *w)
{
	int64_t written = bed_fact(run, "written");

	cr_expect_eq(bed_fact(run, "direct"), 1, "%s: O_DIRECT reads other bytes", label);
	if (w->len >= MIB)
		cr_expect_lt(written, 2 * w->len, "%s: written twice: %s", label, run->out);
	if (rule->when == ASYNC)
		return;
	cr_expect_geq(written, w->len, "%s: not all written: %s", label, run->out);
	if (bed->shows_device)
		cr_expect_eq(bed_fact(run, "device"), 1, "%s: the device has other bytes", label);
}

/* Somebody else's sync(2), or dropping of caches, may come between a write and the look. */
#define TRIES 3

static void check_control(const struct bed *bed, const struct one_write *w)
{
	struct bed_run run;

	for (int i = 0; i < TRIES; i++) {
		run_write(&run, bed, NULL, w);
		if (!bed->has_disk || bed_fact(&run, "dirty") == bed_fact(&run, "pages"))
			break;
	}
	judge_answer(&run, bed->name, w);
	if (!bed->has_disk)
		return;
	cr_expect_eq(bed_fact(&run, "dirty"), bed_fact(&run, "pages"),
		     "%s: clean without libwt, so this shows nothing: %s", bed->name, run.out);
	if (bed->shows_device)
		cr_expect_eq(bed_fact(&run, "device"), 0,
			     "%s: on the device without libwt, so this shows nothing", bed->name);
}

static void check_rule(const struct bed *bed, const struct rule *rule, const struct one_write *w)
{
	bool aligned = w->offset % PAGE == 0 && w->len % PAGE == 0;
	struct bed_run run;
	char label[256];

	for (int i = 0; i < TRIES; i++) {
		run_write(&run, bed, rule->text, w);
		if (!bed->has_disk || rule->cache != KEEP ||
		    bed_fact(&run, "cached") == bed_fact(&run, "pages"))
			break;
	}
	snprintf(label, sizeof(label), "%s, %s: %s by %s to %s", bed->name, rule->text, w->symbol,
		 w->way, w->place);
	judge_answer(&run, label, w);
	if (bed->has_disk) {
		judge_cache(&run, label, rule, aligned);
		judge_disk(&run, bed, label, rule, w);
	}
}

static void check_write(struct one_write w)
{
	w.way = w.way ? w.way : "open";
	w.symbol = w.symbol ? w.symbol : "write";
	w.flags = w.flags ? w.flags : "0";
	w.len = w.len ? w.len : MIB;
	BED_EACH(bed) {
		check_control(bed, &w);
		RULE_EACH(rule)
			if (rule->always || !w.levels_only)
				check_rule(bed, rule, &w);
	}
}

/* Over allocated blocks, through the descriptor's offset, past the end, and appending. */
#define WRITE_TESTS(name)                                                                          \
	Test(name, over)                                                                           \
	{                                                                                          \
		check_write(                                                                       \
			(struct one_write){ .symbol = #name, .place = "over", .offset = MIB });    \
	}                                                                                          \
	Test(name, end)                                                                            \
	{                                                                                          \
		check_write((struct one_write){                                                    \
			.symbol = #name, .place = "end", .levels_only = true });                   \
	}                                                                                          \
	Test(name, append)                                                                         \
	{                                                                                          \
		check_write((struct one_write){ .symbol = #name, .place = "append" });             \
	}

WRITE_TESTS(write)
WRITE_TESTS(writev)
WRITE_TESTS(pwrite)
WRITE_TESTS(pwrite64)
WRITE_TESTS(pwritev)
WRITE_TESTS(pwritev64)
WRITE_TESTS(pwritev2)
WRITE_TESTS(pwritev64v2)

#define V2_TESTS(name)                                                                             \
	Test(name, current)                                                                        \
	{                                                                                          \
		check_write((struct one_write){ .symbol = #name,                                   \
						.place = "current",                                \
						.offset = MIB,                                     \
						.levels_only = true });                            \
	}                                                                                          \
	Test(name, rwf_append)                                                                     \
	{                                                                                          \
		check_write((struct one_write){                                                    \
			.symbol = #name, .place = "flag", .levels_only = true });                  \
	}

V2_TESTS(pwritev2)
V2_TESTS(pwritev64v2)

/* Shapes of a write. */
Test(shape, into_a_hole)
{
	check_write((struct one_write){
		.symbol = "pwrite", .place = "over", .offset = MIB, .contents = BED_SPARSE });
}

Test(shape, unaligned_everywhere)
{
	check_write((struct one_write){ .symbol = "pwrite",
					.place = "over",
					.offset = MIB - 123,
					.len = MIB + 4567,
					.skew = 7 });
}

Test(shape, unaligned_pieces)
{
	check_write((struct one_write){
		.symbol = "pwritev", .place = "over", .offset = 517, .len = MIB + 1, .skew = 3 });
}

Test(shape, within_one_page)
{
	check_write((struct one_write){
		.symbol = "pwrite", .place = "over", .offset = 8192 + 100, .len = 200 });
}

Test(shape, large_in_steps)
{
	check_write((struct one_write){ .place = "over", .len = 8 * MIB });
}

Test(shape, large_and_odd)
{
	check_write((struct one_write){ .symbol = "pwrite",
					.place = "over",
					.offset = 4095,
					.len = 8 * MIB + 77777,
					.skew = 1,
					.levels_only = true });
}

Test(shape, large_appended)
{
	check_write((struct one_write){ .symbol = "writev",
					.place = "append",
					.len = 8 * MIB + 4097,
					.levels_only = true });
}

/* Ways to come by a descriptor. */
#define WAY_TEST(name)                                                                             \
	Test(descriptor, name)                                                                     \
	{                                                                                          \
		check_write((struct one_write){ .way = #name,                                      \
						.symbol = "pwrite",                                \
						.place = "over",                                   \
						.offset = MIB,                                     \
						.levels_only = true });                            \
	}

WAY_TEST(open)
WAY_TEST(open64)
WAY_TEST(openat)
WAY_TEST(openat64)
WAY_TEST(creat)
WAY_TEST(creat64)
WAY_TEST(openat2)
WAY_TEST(__open_2)
WAY_TEST(__open64_2)
WAY_TEST(__openat_2)
WAY_TEST(__openat64_2)
WAY_TEST(mkstemp)
WAY_TEST(mkstemp64)
WAY_TEST(mkostemp)
WAY_TEST(mkostemp64)
WAY_TEST(mkstemps)
WAY_TEST(mkstemps64)
WAY_TEST(mkostemps)
WAY_TEST(mkostemps64)
WAY_TEST(fopen)
WAY_TEST(dup)
WAY_TEST(dup2)
WAY_TEST(dup3)
WAY_TEST(F_DUPFD)
WAY_TEST(F_DUPFD_CLOEXEC)
WAY_TEST(fcntl64_F_DUPFD)
WAY_TEST(F_SETFL)
WAY_TEST(exec)
WAY_TEST(socket)
WAY_TEST(unseen)

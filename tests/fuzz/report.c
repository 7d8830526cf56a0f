/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: whatever was counted, under whatever names, the report in JSON parses, in text
 * is made of its own lines, both tell all of it, and no line of the log is more than a line.
 *
 * The input is a list of what happens to a process: files, writes, falls, holes, words for the
 * log. The system calls that libwt makes for names and for its output are replaced, and by the
 * linker (--wrap, see the Makefile) the memory of the counters and the clock.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/reason.h"
#include "fuzz.h"
#include "os/real.h"
#include "os/sys.h"
#include "report/form.h"
#include "report/log.h"
#include "report/report.h"
#include "report/stats.h"
#include "report/unruled.h"

#define RULES_MAX 3
#define OUTPUT_FD 1000
#define LINE_MAX_BYTES 1024

static struct {
	const uint8_t *at;
	size_t len;
} input;

static uint8_t take(void)
{
	uint8_t byte = input.len ? *input.at : 0;

	input.at += input.len > 0;
	input.len -= input.len > 0;
	return byte;
}

static uint64_t take_number(void)
{
	uint64_t value = 0;

	for (int bytes = take() % 9; bytes; bytes--)
		value = value << 8 | take();
	return value;
}

/* Up to `most` bytes in a block of their own, with a NUL behind them that is none of theirs. */
static char *take_bytes(size_t most, size_t *ret_len)
{
	size_t len = take();
	char *bytes;

	if (len >= 240)
		len = (len << 8 | take()) % (PATH_MAX + 10);
	len = len < most ? len : most;
	len = len < input.len ? len : input.len;
	bytes = calloc(1, len + 1);
	require(bytes);
	memcpy(bytes, input.at, len);
	input.at += len;
	input.len -= len;
	*ret_len = len;
	return bytes;
}

/* What the process under libwt is made of. */
static struct wt_rule rules[RULES_MAX];
static struct wt_policy policy = { .rules = rules, .rules_max = RULES_MAX };
static struct stat file;
static bool file_is_unknown;
static char *path;
static size_t path_len;

/* What has to come out. */
static uint64_t writes, events;

static bool unruled_used;

/* What came out. */
static struct {
	char bytes[4 << 20];
	size_t len;
} output, said;

static char counters[1 << 20], unruled[2 << 20];

/* Nothing of the program's is called. */
struct wt_real wt_real;

/* In the place of the library's, by the linker's --wrap. */
int __wrap_wt_sys_map_wiped(size_t size, void **ret_map);
uint64_t __wrap_wt_sys_now_ns(void);
uint64_t __wrap_wt_sys_unix_ms(void);

int __wrap_wt_sys_map_wiped(size_t size, void **ret_map)
{
	bool is_second = size > sizeof(counters);

	/* The second is large, and seldom used: the pages that were not touched are not cleared. */
	require(size <= sizeof(unruled));
	*ret_map = is_second ? unruled : counters;
	if (!is_second || unruled_used)
		memset(*ret_map, 0, size);
	unruled_used &= !is_second;
	return 0;
}

uint64_t __wrap_wt_sys_now_ns(void)
{
	return 1;
}

uint64_t __wrap_wt_sys_unix_ms(void)
{
	return 1764375505000;
}

static ssize_t fake_readlink(const char *link, char *buf, size_t size)
{
	(void)link;
	if (!path_len)
		return -ENOENT;
	memcpy(buf, path, path_len < size ? path_len : size);
	return path_len < size ? path_len : size;
}

static int fake_identify(int fd, struct stat *st)
{
	if (fd == STDERR_FILENO)
		*st = (struct stat){ .st_mode = S_IFCHR };
	else if (fd == OUTPUT_FD)
		*st = (struct stat){ .st_mode = S_IFREG, .st_uid = geteuid(), .st_nlink = 1 };
	else if (file_is_unknown)
		return -EACCES;
	else
		*st = file;
	return 0;
}

static int fake_open(const char *name, int flags, mode_t mode)
{
	(void)flags;
	(void)mode;
	return strlen(name) < PATH_MAX ? OUTPUT_FD : -ENAMETOOLONG;
}

static int fake_close(int fd)
{
	require(fd == OUTPUT_FD);
	return 0;
}

static ssize_t fake_write(int fd, const void *buf, size_t len)
{
	char *bytes = fd == OUTPUT_FD ? output.bytes : said.bytes;
	size_t *have = fd == OUTPUT_FD ? &output.len : &said.len;

	require(fd == OUTPUT_FD || fd == STDERR_FILENO);
	require(len <= sizeof(output.bytes) - *have);
	memcpy(bytes + *have, buf, len);
	*have += len;
	return len;
}

static void make_rules(void)
{
	policy.rules_len = take() % (RULES_MAX + 1);
	for (size_t i = 0; i < policy.rules_len; i++) {
		size_t len;

		rules[i].pattern = take_bytes(300, &len);
		rules[i].pattern_len = len;
		rules[i].level = take() % (WT_LEVEL_SYNC + 1);
	}
}

static const char *some_words(void)
{
	static const char *const words[] = {
#define X(name, text, remedy) text,
		WT_REASONS(X) WT_WAYS(X)
#undef X
	};

	return words[take() % WT_LENGTH(words)];
}

/* To one file, or to so many that the report cannot hold them. */
static void happen_to_files(enum wt_event_kind kind, unsigned int count, const char *from)
{
	const char *words = some_words();

	for (events += count; count; count--, file.st_ino++)
		wt_stats_event(kind, count == 7 ? STDERR_FILENO : 3, from,
			       from ? "fdatasync" : NULL, words);
}

static void happen_under_no_rule(uint64_t bytes)
{
	struct wt_unruled one =
		path_len && path[0] ? wt_unruled_find(path) : (struct wt_unruled){ 0 };

	unruled_used = true;
	if (!one.tag)
		return;
	wt_unruled_opened(one, 0);
	if (bytes % 3)
		wt_unruled_wrote(one, bytes);
	else
		wt_unruled_resized(one, bytes, 0);
	if (bytes % 3)
		writes++;
}

static void happen(void)
{
	uint8_t what = take(), which = take();
	size_t rule = which % RULES_MAX;
	enum wt_engine_id engine = which / RULES_MAX % WT_ENGINES;

	if (what % 64 == 8) {
		happen_under_no_rule(take_number() / 2);
		return;
	}
	switch (what % 8) {
	case 0:
		free(path);
		path = take_bytes(PATH_MAX + 10, &path_len);
		break;
	case 1:
		file = (struct stat){ .st_ino = take_number(), .st_dev = take_number() };
		file_is_unknown = what & 128;
		break;
	case 2:
		wt_stats_file(rule, engine, some_words(), file.st_dev, file.st_ino);
		break;
	case 3:
		wt_stats_write(rule, engine,
			       what & 128 ? -1 - take() : (ssize_t)(take_number() / 2),
			       take_number());
		writes += rule < policy.rules_len;
		break;
	case 4:
		wt_stats_elided(rule, engine);
		break;
	case 5:
		happen_to_files(WT_EVENT_FALL, what >= 248 ? which : 1, wt_engine_name(engine));
		break;
	case 6:
		happen_to_files(which % 2 ? WT_EVENT_NOT_COVERED : WT_EVENT_ERRORS_SHARED,
				what >= 248 ? which : 1, NULL);
		break;
	case 7:
		wt_log(which % 3, "%.*s", (int)path_len, path ? path : "");
	}
}

static const char *exe(void)
{
	static char name[PATH_MAX];
	ssize_t len = fake_readlink(NULL, name, sizeof(name) - 1);

	name[len < 0 ? 0 : len] = '\0';
	return len < 0 ? NULL : name;
}

static struct wt_text build(bool json, char *buf, size_t size)
{
	struct wt_text text = { .buf = buf, .size = size };

	if (json)
		wt_report_json(&text, &policy, exe());
	else
		wt_report_text(&text, &policy);
	return text;
}

/* A room that is too small is not overrun, and is known to be too small. */
static void check_room(bool json, size_t needed, size_t size)
{
	char *room = malloc(size + !size);
	struct wt_text text = build(json, room, size);

	require(text.cut == (needed > size));
	require(text.len <= size);
	free(room);
}

static void check_json(const struct wt_text *text)
{
	struct json_sums sums = require_json(text->buf, text->len);

	require(sums.writes == writes);
	require(sums.count == events);
}

/* Each line says by its beginning what it is, whatever stands further in it. */
static void check_lines(const char *at, size_t len, const char *first, const char *others)
{
	const char *end = at + len;

	require_plain(at, len);
	for (const char *begin = first; at < end; begin = others) {
		require(!strncmp(at, begin, strlen(begin)));
		at = (const char *)memchr(at, '\n', end - at) + 1;
	}
}

static void check_form(bool json, uint8_t part)
{
	static char whole[sizeof(output.bytes)];
	struct wt_text text = build(json, whole, sizeof(whole));

	require(!text.cut);
	if (json)
		check_json(&text);
	else
		check_lines(text.buf, text.len, "libwt: ", "  ");
	check_room(json, text.len, text.len - part % 2);
	check_room(json, text.len, text.len * part / 256);
}

/* To a place of any name: all of it, or a line that says why not. */
static void check_delivery(const char *where)
{
	static char whole[sizeof(output.bytes)];
	size_t len = strlen(where);
	bool json = len >= 5 && !strcmp(where + len - 5, ".json");
	struct wt_text text = build(json, whole, sizeof(whole));

	said.len = 0;
	wt_report_write(where, &policy);
	if (output.len)
		require(output.len == text.len && !memcmp(output.bytes, whole, text.len));
	else
		check_lines(said.bytes, said.len, "libwt", "  ");
}

static void check_said(void)
{
	check_lines(said.bytes, said.len, "libwt[", "libwt[");
	for (const char *at = said.bytes, *end = at + said.len, *next; at < end; at = next) {
		next = (const char *)memchr(at, '\n', end - at) + 1;
		require(next - at <= LINE_MAX_BYTES);
	}
}

static void replace_calls(void)
{
	wt_sys.readlink = fake_readlink;
	wt_sys.identify = fake_identify;
	wt_sys.open = fake_open;
	wt_sys.close = fake_close;
	wt_sys.write = fake_write;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len;

	input.at = data;
	input.len = size;
	writes = events = path_len = said.len = output.len = 0;
	file_is_unknown = false;
	replace_calls();
	char *name = take_bytes(300, &len);
	char *where = take_bytes(300, &len);
	uint8_t part = take();
	program_invocation_short_name = name;
	wt_log_init(WT_LOG_WARN, NULL);
	make_rules();
	require(!wt_stats_init(policy.rules_len));
	require(!wt_unruled_init());
	if (part & 1)
		wt_stats_keep_time();
	while (input.len)
		happen();
	check_said();
	check_form(true, part);
	check_form(false, part);
	check_delivery(where);

	for (size_t i = 0; i < policy.rules_len; i++)
		free((char *)rules[i].pattern);
	free(path);
	path = NULL;
	free(name);
	free(where);
	return 0;
}

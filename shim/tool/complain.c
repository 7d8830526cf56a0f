/* SPDX-License-Identifier: MIT */
/*
 * Says in one line what is wrong, and guesses what the user meant: finds rules that parse but can
 * match no file, and presets for names that are nearly right.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/base.h"
#include "base/text.h"
#include "tool/tool.h"

void wt_tool_complain(const char *format, ...)
{
	char line[2 * PATH_MAX + 1024], escaped[4 * sizeof(line)];
	struct wt_text text = { .buf = escaped, .size = sizeof(escaped) };
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	wt_text_plain(&text, line, strlen(line));
	fprintf(stderr, "wt-preload: %.*s\n", (int)text.len, escaped);
}

/* More warnings are only counted: a list made by a program could be full of such rules. */
#define HINTS_MAX 10

static size_t hints_given;

/* Characters that do not stand for themselves in a pattern. */
#define SPECIAL "*?[\\"

static void warn(const char *source, size_t number, const char *pattern, const char *why,
		 const char *expected)
{
	if (++hints_given <= HINTS_MAX)
		wt_tool_complain("warning: %s: rule %zu: '%s' %s; expected %s", source, number,
				 pattern, why, expected);
}

/*
 * Whether the directories before the first special character are resolved by the kernel to others;
 * then `expected` is the pattern with those.
 */
static bool leads_elsewhere(const char *pattern, char *expected, size_t size)
{
	size_t literal = strcspn(pattern, SPECIAL);
	char dir[PATH_MAX], real[PATH_MAX];

	while (literal && pattern[literal - 1] != '/')
		literal--;
	if (literal < 2 || literal > sizeof(dir))
		return false;
	memcpy(dir, pattern, literal - 1);
	dir[literal - 1] = '\0';
	if (!realpath(dir, real) || !strcmp(dir, real))
		return false;
	snprintf(expected, size, "'%s/%s'", strcmp(real, "/") ? real : "", pattern + literal);
	return true;
}

static bool is_directory(const char *pattern)
{
	struct stat st;

	return !strpbrk(pattern, SPECIAL) && !stat(pattern, &st) && S_ISDIR(st.st_mode);
}

/*
 * Checks a pattern with '/'. It is matched against whole paths, which begin with '/' and do not end
 * in one.
 */
static void look_at_path(const char *source, size_t number, const char *pattern)
{
	char expected[2 * PATH_MAX];
	size_t len = strlen(pattern);
	const char *slash = len && pattern[len - 1] == '/' ? "" : "/";

	if (is_directory(pattern)) {
		snprintf(expected, sizeof(expected), "'%s%s*'", pattern, slash);
		warn(source, number, pattern, "is a directory, and rules name files", expected);
	} else if (!*slash) {
		snprintf(expected, sizeof(expected), "'%s*'", pattern);
		warn(source, number, pattern, "matches nothing: no file's path ends in '/'",
		     expected);
	} else if (leads_elsewhere(pattern, expected, sizeof(expected))) {
		warn(source, number, pattern, "matches nothing: a symbolic link or '//' is in it",
		     expected);
	}
}

/* The number of the earlier rule that matches all files of this one, or 0. */
static size_t taken_by(const struct wt_rule *rules, size_t index)
{
	const struct wt_rule *rule = &rules[index];

	for (size_t i = 0; i < index; i++) {
		const struct wt_rule *earlier = &rules[i];
		bool same = earlier->pattern_len == rule->pattern_len &&
			    !memcmp(earlier->pattern, rule->pattern, rule->pattern_len);

		if (same || (earlier->pattern_len == 1 && *earlier->pattern == '*'))
			return i + 1;
	}
	return 0;
}

void wt_tool_hint_rules(const char *source, const struct wt_rule *rules, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char place[80], *pattern = strndup(rules[i].pattern, rules[i].pattern_len);
		size_t earlier = taken_by(rules, i);

		if (!pattern)
			return;
		if (rules[i].whole_path)
			look_at_path(source, i + 1, pattern);
		if (earlier) {
			snprintf(place, sizeof(place),
				 "it before rule %zu, which decides for all its files", earlier);
			warn(source, i + 1, pattern, "decides for no file", place);
		}
		free(pattern);
	}
	if (hints_given > HINTS_MAX)
		wt_tool_complain("warning: %s: %zu more of its rules decide for no file; expected "
				 "each to name "
				 "files",
				 source, hints_given - HINTS_MAX);
	hints_given = 0;
}

/* How many letters have to be inserted, removed or changed to make one name of the other. */
static size_t distance(const char *a, const char *b)
{
	size_t row[64], len = strlen(b);

	if (len >= WT_LENGTH(row))
		return len;
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = change;
			if (diagonal + 1 < row[j])
				row[j] = diagonal + 1;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
		}
	}
	return row[len];
}

const char *wt_tool_hint_preset(const char *given, size_t len)
{
	char name[64] = "";

	if (!len || len >= sizeof(name))
		return NULL;
	memcpy(name, given, len);
	for (const struct wt_preset *preset = wt_presets; preset->name; preset++) {
		if (!strcasecmp(name, preset->name))
			return preset->name;
		for (const char *const *other = preset->also; *other; other++) {
			if (!strcasecmp(name, *other))
				return preset->name;
		}
	}
	for (const struct wt_preset *preset = wt_presets; preset->name; preset++) {
		if (distance(name, preset->name) <= 2)
			return preset->name;
	}
	return NULL;
}

/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/environment.h"

#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "os/sys.h"

/* The smallest page of any machine: where one byte can be read, so can these bytes around it. */
#define PAGE 4096u

static const char preload[] = "LD_PRELOAD=";

/* Pages found readable, each number plus one. Strings lie close together, so few are asked for. */
struct pages {
	uintptr_t found[8];
};

/* Whether a byte can be read. Where a sandbox forbids to ask, every byte is taken as readable. */
static bool is_readable(struct pages *pages, const void *at)
{
	uintptr_t page = (uintptr_t)at / PAGE + 1;
	uintptr_t *found = &pages->found[page % WT_LENGTH(pages->found)];
	char byte;
	struct iovec to = { &byte, 1 };
	struct iovec from = { (void *)at, 1 };

	if (*found == page)
		return true;
	ssize_t ret = wt_sys.read_memory(&to, &from, 1);
	if (ret != 1 && !wt_sys_is_refusal(ret))
		return false;
	*found = page;
	return true;
}

static bool is_text_readable(struct pages *pages, const char *text)
{
	while (is_readable(pages, text)) {
		size_t left = PAGE - (uintptr_t)text % PAGE;

		if (memchr(text, '\0', left))
			return true;
		text += left;
	}
	return false;
}

/* How many strings a list has; -1 if the list or one of them cannot be read. */
static ssize_t length_of(char *const *list)
{
	struct pages pages = { 0 };
	ssize_t len;

	if ((uintptr_t)list % sizeof(*list))
		return -1;
	for (len = 0; list; len++) {
		if (!is_readable(&pages, &list[len]))
			return -1;
		if (!list[len])
			break;
		if (!is_text_readable(&pages, list[len]))
			return -1;
	}
	return len;
}

static bool is_preload(const char *entry)
{
	return !strncmp(entry, preload, sizeof(preload) - 1);
}

static bool is_ours(const char *entry)
{
	return is_preload(entry) || !strncmp(entry, "WT_", 3);
}

static const char *file_name(const char *path, size_t len)
{
	while (len && path[len - 1] != '/')
		len--;
	return path + len;
}

/* The walk is short: a preloaded library is among the first. */
const char *wt_environment_library(void)
{
	for (const struct link_map *map = _r_debug.r_map; map; map = map->l_next)
		if (map->l_ld == _DYNAMIC)
			return map->l_name;
	return "";
}

/*
 * Finds this library in a value of LD_PRELOAD, as it is written there: perhaps with $LIB, or
 * without a directory. The separators are those of ld.so(8).
 */
static void find_library(struct wt_environment *environment, const char *list)
{
	const char *path = wt_environment_library();
	const char *name = file_name(path, strlen(path));
	size_t name_len = strlen(name);

	for (const char *end; *list; list = end + !!*end) {
		for (end = list; *end && *end != ':' && *end != ' '; end++)
			;
		const char *file = file_name(list, end - list);

		if ((size_t)(end - file) == name_len && !memcmp(file, name, name_len)) {
			environment->library = list;
			environment->library_len = end - list;
			return;
		}
	}
}

/* Finds what an environment names of libwt. Of several LD_PRELOAD the loader takes the last. */
static void read_list(struct wt_environment *environment, char *const *list)
{
	*environment = (struct wt_environment){ 0 };
	for (char *const *at = list; at && *at; at++) {
		if (!is_preload(*at)) {
			environment->variables_len += is_ours(*at);
			continue;
		}
		environment->library = NULL;
		environment->library_len = 0;
		find_library(environment, *at + sizeof(preload) - 1);
	}
}

/*
 * How libwt was loaded. comes_by_itself: not by LD_PRELOAD, so only the WT_ variables are passed
 * on. comes_to_all: by /etc/ld.so.preload, so every program gets it; a library that was linked, or
 * given to the loader as an option, comes to no other program.
 */
static bool comes_by_itself, comes_to_all;

/*
 * Whether /etc/ld.so.preload names libwt. Lines, blanks and colons separate names there, and a
 * comment ends with its line (ld.so(8)).
 */
static bool is_in_preload_file(void)
{
	char text[4096];
	struct wt_environment environment = { 0 };
	int fd = wt_sys.open("/etc/ld.so.preload", O_RDONLY | O_CLOEXEC, 0);
	ssize_t len = fd < 0 ? fd : wt_sys.read(fd, text, sizeof(text) - 1);
	bool is_comment = false;

	if (fd >= 0)
		wt_sys.close(fd);
	for (ssize_t i = 0; i < len; i++) {
		is_comment = text[i] == '#' || (is_comment && text[i] != '\n');
		if (is_comment || !text[i] || strchr("\n\t", text[i]))
			text[i] = ' ';
	}
	text[len < 0 ? 0 : len] = '\0';
	find_library(&environment, text);
	return environment.library;
}

void wt_environment_init(void)
{
	struct wt_environment environment;

	read_list(&environment, environ);
	comes_by_itself = !environment.library;
	comes_to_all = comes_by_itself && is_in_preload_file();
}

static const char *find(const struct wt_environment *environment, const char *entry)
{
	size_t len = strchrnul(entry, '=') - entry;

	for (size_t i = 0; i < environment->given_len; i++) {
		const char *other = environment->given[i];

		if (!strncmp(other, entry, len) && (!other[len] || other[len] == '='))
			return other;
	}
	return NULL;
}

/*
 * Whether the given environment is the program's own but for libwt's variables. So it is of a shell
 * that has unset them: it passes the strings of `environ` on, and `environ` stays as it was.
 */
static bool is_own_without_ours(const struct wt_environment *environment)
{
	bool shares = false;

	for (char **at = environ; *at; at++) {
		const char *given = is_ours(*at) ? *at : find(environment, *at);

		if (!given)
			return false;
		shares = shares || (given == *at && !is_ours(*at));
	}
	return shares;
}

/* The value of the variable `name`, if `entry` sets it to more than nothing; else NULL. */
static const char *value_of(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(entry, name, len) && entry[len] == '=' && entry[len + 1] ? entry + len + 1
										 : NULL;
}

static enum wt_lack lack_of(char *const *list)
{
	struct wt_environment has;
	bool rules = false;

	read_list(&has, list);
	for (char *const *at = list; at && *at; at++) {
		const char *disable = value_of(*at, "WT_DISABLE");

		if (disable && strcmp(disable, "0"))
			return WT_LACKS_NOTHING;
		rules = rules || value_of(*at, "WT_POLICY") || value_of(*at, "WT_POLICY_FILE");
	}
	if (!comes_to_all && !has.library)
		return WT_LACKS_LIBRARY;
	return rules ? WT_LACKS_NOTHING : WT_LACKS_RULES;
}

size_t wt_environment_bytes(struct wt_environment *environment, char *const given[])
{
	*environment = (struct wt_environment){ 0 };
	if (given == environ) {
		environment->lacks = lack_of(given);
		return 0;
	}
	read_list(environment, environ);
	ssize_t len = length_of(given);
	environment->is_not_there = len < 0;
	if (len < 0)
		return 0;
	environment->lacks = lack_of(given);
	if (comes_by_itself ? !environment->variables_len : !environment->library)
		return 0;
	environment->given = given;
	environment->given_len = len;
	for (ssize_t i = 0; i < len; i++)
		if (is_ours(given[i]))
			return 0;
	if (is_own_without_ours(environment))
		return 0;
	environment->lacks = comes_by_itself && !comes_to_all ? WT_LACKS_LIBRARY : WT_LACKS_NOTHING;
	return (1 + environment->variables_len + len + 1) * sizeof(char *) + sizeof(preload) +
	       environment->library_len;
}

size_t wt_environment_bytes_without(struct wt_environment *environment, char *const given[])
{
	size_t len = 0, text_bytes = 0;
	struct wt_environment has;

	read_list(&has, given);
	if (!has.library)
		return 0;
	for (; given[len]; len++)
		text_bytes += is_preload(given[len]) ? strlen(given[len]) + 1 : 0;
	environment->given = given;
	environment->given_len = len;
	environment->leaves_out = true;
	return (len + 1) * sizeof(char *) + text_bytes;
}

/*
 * Copies an LD_PRELOAD variable without libwt, and returns the end of the copy. The caller drops a
 * variable that is then empty.
 */
static char *copy_without(char *to, const char *entry)
{
	const char *list = entry + sizeof(preload) - 1;
	struct wt_environment at = { 0 };

	to = mempcpy(to, entry, list - entry);
	for (find_library(&at, list); at.library; find_library(&at, list)) {
		to = mempcpy(to, list, at.library - list);
		list = at.library + at.library_len;
		list += *list != '\0';
		at.library = NULL;
	}
	return stpcpy(to, list) + 1;
}

static char *const *make_without(const struct wt_environment *environment, char **made)
{
	char *text = (char *)(made + environment->given_len + 1);
	size_t len = 0;

	for (size_t i = 0; i < environment->given_len; i++) {
		char *entry = environment->given[i];

		if (is_preload(entry)) {
			char *end = copy_without(text, entry);

			entry = text;
			text = end;
		}
		if (strcmp(entry, preload))
			made[len++] = entry;
	}
	made[len] = NULL;
	return made;
}

char *const *wt_environment_make(const struct wt_environment *environment, void *room)
{
	char **made = room;
	size_t len = 0;

	if (environment->leaves_out)
		return make_without(environment, made);
	for (char **at = environ; at && *at && len < environment->variables_len; at++)
		if (is_ours(*at) && !is_preload(*at))
			made[len++] = *at;
	for (size_t i = 0; i < environment->given_len; i++)
		made[len++] = environment->given[i];
	if (environment->library) {
		char *entry = (char *)(made + len + 2);

		made[len++] = entry;
		entry = stpcpy(entry, preload);
		*(char *)mempcpy(entry, environment->library, environment->library_len) = '\0';
	}
	made[len] = NULL;
	return made;
}

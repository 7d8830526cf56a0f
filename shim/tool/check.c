/* SPDX-License-Identifier: MIT */
/* Parses rules from all sources, complains of them, and prints them; prints presets. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/file_trust.h"
#include "tool/tool.h"

/* The library reads no more of WT_POLICY_FILE than this. */
#define FILE_MAX (1 << 20)

/* The rules point into texts that are not freed until the program ends. */
static struct wt_policy policy;

static void *must(void *allocated)
{
	if (!allocated) {
		wt_tool_complain("out of memory");
		exit(1);
	}
	return allocated;
}

static void make_room(size_t rules)
{
	policy.rules_max = policy.rules_len + rules;
	policy.rules = must(reallocarray(policy.rules, policy.rules_max, sizeof(*policy.rules)));
}

/*
 * Whether to warn of probable mistakes: with --list, for each source of the launcher's, and not
 * again for the rules that it has joined.
 */
static bool hints;

static int add_text(const char *source, const char *text, size_t len, enum wt_policy_form form)
{
	struct wt_policy_error error;
	size_t before = policy.rules_len;
	char what[512];

	make_room(wt_policy_count(text, len, form));
	if (!wt_policy_parse(&policy, text, len, form, &error)) {
		if (hints)
			wt_tool_hint_rules(source, policy.rules + before,
					   policy.rules_len - before);
		return 0;
	}
	wt_policy_error_format(&error, form, what, sizeof(what));
	wt_tool_complain("%s: %s", source, what);
	return WT_EXIT_POLICY;
}

/* Reads all of a file. Returns its length, or -errno. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, buf + len, size - len);
		len += n > 0 ? n : 0;
	} while (n > 0);
	return n < 0 ? -errno : (ssize_t)len;
}

static ssize_t read_file(const char *path, char *buf, size_t size, struct wt_text *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t len;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		len = -errno;
	} else {
		wt_file_trust_rules(&st, geteuid(), fault);
		len = fault->len ? -EPERM : read_all(fd, buf, size);
	}
	close(fd);
	return len;
}

static int add_file(const char *path)
{
	char *text = must(malloc(FILE_MAX + 1)), words[WT_FILE_TRUST_FAULT_BYTES];
	struct wt_text fault = { .buf = words, .size = sizeof(words) };
	ssize_t len = read_file(path, text, FILE_MAX + 1, &fault);

	if (fault.len)
		wt_tool_complain("%s: %.*s", path, (int)fault.len, fault.buf);
	else if (len < 0)
		wt_tool_complain("%s: %s; expected a readable file of rules", path, strerror(-len));
	else if (len > FILE_MAX)
		wt_tool_complain("%s: expected a file of rules of at most 1 MiB", path);
	else
		return add_text(path, text, len, WT_POLICY_LINES);
	return WT_EXIT_POLICY;
}

static const struct wt_preset *find_preset(const char *name, size_t len)
{
	for (const struct wt_preset *preset = wt_presets; preset->name; preset++) {
		if (strlen(preset->name) == len && !memcmp(preset->name, name, len))
			return preset;
	}
	return NULL;
}

static void complain_of_preset(const char *option, const char *given)
{
	const char *meant = wt_tool_hint_preset(given, strcspn(given, "=,;"));
	char names[256] = "";

	for (const struct wt_preset *preset = wt_presets; preset->name; preset++) {
		if (preset != wt_presets)
			strcat(names, preset[1].name ? ", " : " or ");
		strcat(names, preset->name);
	}
	wt_tool_complain("%s: '%s' given, expected a preset: %s%s%s%s", option, given, names,
			 meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
}

static void add_patterns(const char *const *patterns, const struct wt_rule *model)
{
	for (; *patterns; patterns++) {
		struct wt_rule rule = *model;

		rule.pattern = *patterns;
		rule.pattern_len = strlen(*patterns);
		rule.whole_path = strchr(*patterns, '/');
		make_room(1);
		policy.rules[policy.rules_len++] = rule;
	}
}

/* PRESET[=LEVEL[,OPTION...]] is parsed as a rule that has the preset's name for its pattern. */
static int add_preset(const char *option, const char *given)
{
	static const struct wt_rule off = { .level = WT_LEVEL_OFF };
	size_t name_len = strcspn(given, "=");
	const struct wt_preset *preset = find_preset(given, name_len);
	size_t before = policy.rules_len;
	struct wt_rule model;
	char *text;

	if (!preset) {
		complain_of_preset(option, given);
		return WT_EXIT_POLICY;
	}
	if (asprintf(&text, "%s%s", given, given[name_len] ? "" : "=dsync") < 0)
		must(NULL);
	if (add_text(option, text, strlen(text), WT_POLICY_LIST))
		return WT_EXIT_POLICY;
	if (policy.rules_len != before + 1) {
		wt_tool_complain("%s: '%s' given, expected one preset", option, given);
		return WT_EXIT_POLICY;
	}
	model = policy.rules[before];
	policy.rules_len = before;
	add_patterns(preset->untouched, &off);
	add_patterns(preset->written, &model);
	return 0;
}

static int add_environment(const char *option, const char *argument)
{
	const char *rules = getenv("WT_POLICY");
	const char *file = getenv("WT_POLICY_FILE");
	int status = 0;

	(void)option;
	(void)argument;
	if (rules)
		status = add_text("WT_POLICY", rules, strlen(rules), WT_POLICY_LIST);
	if (!status && file && *file)
		status = add_file(file);
	return status;
}

static void print_rules(bool list)
{
	char text[8192];

	for (size_t i = 0; i < policy.rules_len; i++) {
		wt_rule_format(&policy.rules[i], text, sizeof(text));
		printf("%s%s", list && i ? ";" : "", text);
		if (!list)
			putchar('\n');
	}
	if (list)
		putchar('\n');
}

static int add_list(const char *option, const char *rules)
{
	return add_text(option, rules, strlen(rules), WT_POLICY_LIST);
}

static int add_named_file(const char *option, const char *path)
{
	(void)option;
	return add_file(path);
}

/* The sources, in the order in which their rules are printed. */
static const struct source {
	const char *option;
	bool has_argument;
	int (*add)(const char *option, const char *argument);
} sources[] = {
	{ "-p", true, add_list },
	{ "-f", true, add_named_file },
	{ "-P", true, add_preset },
	{ "-e", false, add_environment },
};

static const struct source *find_source(const char *option)
{
	for (size_t i = 0; i < WT_LENGTH(sources); i++) {
		if (!strcmp(option, sources[i].option))
			return &sources[i];
	}
	return NULL;
}

static int check_options(int argc, char **argv, bool *list)
{
	for (int i = 0; i < argc; i++) {
		const struct source *source = find_source(argv[i]);

		if (!strcmp(argv[i], "--list")) {
			*list = true;
		} else if (!source) {
			wt_tool_complain("policy: '%s' given, expected --list, -e, -p RULES, "
					 "-f FILE or -P PRESET[=LEVEL[,OPTION...]]",
					 argv[i]);
			return WT_EXIT_USAGE;
		} else if (source->has_argument && ++i == argc) {
			wt_tool_complain("policy: %s: expected an argument after it", argv[i - 1]);
			return WT_EXIT_USAGE;
		}
	}
	return 0;
}

static int add_all(const struct source *wanted, int argc, char **argv)
{
	int status = 0;

	for (int i = 0; i < argc && !status; i++) {
		const struct source *source = find_source(argv[i]);
		bool has_argument = source && source->has_argument;

		if (source == wanted)
			status = source->add(argv[i], has_argument ? argv[i + 1] : NULL);
		i += has_argument;
	}
	return status;
}

int wt_tool_policy(int argc, char **argv)
{
	bool list = false;
	int status = check_options(argc, argv, &list);

	hints = list;
	for (size_t i = 0; i < WT_LENGTH(sources) && !status; i++)
		status = add_all(&sources[i], argc, argv);
	if (!status)
		print_rules(list);
	return status;
}

static int print_names(void)
{
	for (const struct wt_preset *preset = wt_presets; preset->name; preset++)
		printf("%-11s %s\n", preset->name, preset->note);
	return 0;
}

int wt_tool_presets(int argc, char **argv)
{
	if (argc == 1 && !strcmp(argv[0], "--names"))
		return print_names();
	for (const struct wt_preset *preset = wt_presets; preset->name; preset++) {
		bool wanted = argc == 0;

		for (int i = 0; i < argc; i++)
			wanted |= !strcmp(argv[i], preset->name);
		if (!wanted)
			continue;
		policy.rules_len = 0;
		if (add_preset("presets", preset->name))
			return WT_EXIT_POLICY;
		printf("# %s: %s\n", preset->name, preset->note);
		print_rules(false);
	}
	for (int i = 0; i < argc; i++) {
		if (find_preset(argv[i], strlen(argv[i])))
			continue;
		complain_of_preset("presets", argv[i]);
		return WT_EXIT_USAGE;
	}
	return 0;
}

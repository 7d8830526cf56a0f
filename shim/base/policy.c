/* SPDX-License-Identifier: MIT */
/*
 * The grammar of a rule is the same in a list and in a file:
 *
 *	PATTERN=LEVEL[,OPTION[=VALUE]]...
 *
 * PATTERN ends at the first '=' that has no backslash before it. A ';' in it needs a backslash too,
 * and so do a '#' at its beginning and blanks at its ends, so that any rule can be moved between a
 * list and a file unchanged. What can only be a mistake (a pattern that can match nothing, an
 * option that has no use at its level) is refused: a rule that silently does nothing leaves a file
 * that is not written through.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/glob.h"
#include "base/policy.h"
#include "base/text.h"

#define PATTERN_MAX 4095
#define WINDOW_MIN (64ULL << 10)
#define WINDOW_MAX (1ULL << 30)

#define ERROR_GIVEN_MAX 40

#define LEVEL_BIT(level) (1u << (level))
#define LEVELS(low, high) (2 * LEVEL_BIT(high) - LEVEL_BIT(low))
#define ALL_LEVELS LEVELS(WT_LEVEL_ASYNC, WT_LEVEL_SYNC)

static const char *const level_names[] = {
	[WT_LEVEL_OFF] = "off",	    [WT_LEVEL_ASYNC] = "async", [WT_LEVEL_THROUGH] = "through",
	[WT_LEVEL_DSYNC] = "dsync", [WT_LEVEL_SYNC] = "sync",
};

static const char *const engine_names[] = {
	[WT_ENGINE_AUTO] = "auto",	     [WT_ENGINE_NONE] = "none",
	[WT_ENGINE_WRITEBACK] = "writeback", [WT_ENGINE_DSYNC] = "dsync",
	[WT_ENGINE_DIRECT] = "direct",
};

/* A part of the text, not terminated. */
struct token {
	const char *at;
	size_t len;
};

struct parser {
	enum wt_policy_form form;
	size_t rule;
	const char *origin; /* the byte that is column 1 */
	struct wt_policy_error *error;
};

static int refuse(const struct parser *parser, struct token given, const char *expected)
{
	*parser->error = (struct wt_policy_error){
		.rule = parser->rule,
		.column = given.at - parser->origin + 1,
		.given = given.at,
		.given_len = given.len,
		.expected = expected,
	};
	return -EINVAL;
}

static bool token_is(struct token token, const char *name)
{
	return token.len == strlen(name) && !memcmp(token.at, name, token.len);
}

/* The index of a name in a table, or -1. */
static int token_find(struct token token, const char *const names[], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (token_is(token, names[i]))
			return i;
	}
	return -1;
}

/*
 * Removes from `rest` what stands before the first `byte`, and that byte too. Returns false if
 * there is no such byte; then `taken` is all of it.
 */
static bool take_until(struct token *rest, char byte, struct token *taken)
{
	const char *stop = memchr(rest->at, byte, rest->len);
	size_t len = stop ? (size_t)(stop - rest->at) : rest->len;

	*taken = (struct token){ rest->at, len };
	rest->at += len + (stop != NULL);
	rest->len -= len + (stop != NULL);
	return stop != NULL;
}

/* The distance to the first `byte` without a backslash before it; text.len if there is none. */
static size_t find_bare(struct token text, char byte)
{
	size_t i = 0;

	while (i < text.len && text.at[i] != byte)
		i += text.at[i] == '\\' ? 2 : 1;
	return i < text.len ? i : text.len;
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct token trim(struct token text)
{
	while (text.len && is_blank(text.at[0])) {
		text.at++;
		text.len--;
	}
	while (text.len && is_blank(text.at[text.len - 1]))
		text.len--;
	return text;
}

static const char *set_engine(struct wt_rule *rule, struct token value)
{
	static const struct {
		unsigned int levels;
		const char *expected;
	} serves[WT_ENGINES] = {
		[WT_ENGINE_AUTO] = { ALL_LEVELS, NULL },
		[WT_ENGINE_WRITEBACK] = { LEVELS(WT_LEVEL_ASYNC, WT_LEVEL_THROUGH),
					  "dsync or direct: writeback serves async and through" },
		[WT_ENGINE_DSYNC] = { LEVELS(WT_LEVEL_THROUGH, WT_LEVEL_SYNC),
				      "writeback: dsync does not serve async" },
		[WT_ENGINE_DIRECT] = { LEVELS(WT_LEVEL_THROUGH, WT_LEVEL_SYNC),
				       "writeback: direct does not serve async" },
	};
	int engine = token_find(value, engine_names, WT_ENGINES);

	if (token_is(value, "native"))
		return "auto, writeback, dsync or direct: native is not in this version";
	if (engine < 0 || engine == WT_ENGINE_NONE)
		return "an engine: auto, writeback, dsync or direct";
	if (!(serves[engine].levels & LEVEL_BIT(rule->level)))
		return serves[engine].expected;
	rule->engine = engine;
	return NULL;
}

static const char *set_cache(struct wt_rule *rule, struct token value)
{
	rule->cache_drop = token_is(value, "drop");
	if (!rule->cache_drop && !token_is(value, "keep"))
		return "keep or drop";
	if (rule->cache_drop && rule->level == WT_LEVEL_ASYNC)
		return "keep: at async, pages are still on their way and cannot be dropped";
	return NULL;
}

static const char *set_window(struct wt_rule *rule, struct token value)
{
	static const char units[] = "KMG";
	const char *unit = value.len ? memchr(units, value.at[value.len - 1], 3) : NULL;
	size_t digits = value.len - (unit != NULL);
	bool number = digits > 0;
	uint64_t bytes = 0;

	for (size_t i = 0; number && i < digits; i++) {
		number = value.at[i] >= '0' && value.at[i] <= '9';
		if (bytes <= WINDOW_MAX)
			bytes = bytes * 10 + (value.at[i] - '0');
	}
	if (unit && bytes <= WINDOW_MAX)
		bytes <<= 10 * (unit - units + 1);
	if (!number || bytes < WINDOW_MIN || bytes > WINDOW_MAX)
		return "a size from 64K to 1G";
	rule->window_bytes = bytes;
	return NULL;
}

static const char *set_fsync(struct wt_rule *rule, struct token value)
{
	rule->fsync_elide = token_is(value, "elide");
	if (!rule->fsync_elide && !token_is(value, "keep"))
		return "keep or elide";
	if (rule->fsync_elide && rule->level < WT_LEVEL_DSYNC)
		return "keep: below dsync an fsync has something left to do";
	return NULL;
}

/*
 * `set` returns NULL, or what was expected instead of the value. `refusal` says what was expected
 * if the rule's level is not in `levels`.
 */
static const struct option {
	const char *name;
	unsigned int levels;
	const char *(*set)(struct wt_rule *rule, struct token value);
	const char *refusal;
} options[] = {
	{ "engine", ALL_LEVELS, set_engine, NULL },
	{ "cache", ALL_LEVELS, set_cache, NULL },
	{ "window", LEVEL_BIT(WT_LEVEL_ASYNC), set_window, "no window: only async has one" },
	{ "fsync", ALL_LEVELS, set_fsync, NULL },
	{ "atomic", 0, NULL, "another option: atomic is not in this version" },
	{ "verify", 0, NULL, "another option: verify is not in this version" },
};

static const struct option *find_option(struct token name)
{
	for (size_t i = 0; i < WT_LENGTH(options); i++) {
		if (token_is(name, options[i].name))
			return &options[i];
	}
	return NULL;
}

/* Parses one NAME=VALUE. `seen` has a bit for each option that the rule has already. */
static int parse_option(const struct parser *parser, struct wt_rule *rule, struct token text,
			unsigned int *seen)
{
	struct token name, value = text;
	bool valued = take_until(&value, '=', &name);
	const struct option *option = find_option(name);
	const char *expected;
	unsigned int bit;

	if (!option)
		return refuse(parser, name, "an option: engine=, cache=, window= or fsync=");
	if (rule->level == WT_LEVEL_OFF)
		return refuse(parser, text, "no option after off");
	if (!(option->levels & LEVEL_BIT(rule->level)))
		return refuse(parser, text, option->refusal);
	bit = 1u << (option - options);
	if (*seen & bit)
		return refuse(parser, text, "each option once");
	*seen |= bit;
	if (!valued)
		return refuse(parser, name, "'=' and a value after the option");
	expected = option->set(rule, value);
	return expected ? refuse(parser, value, expected) : 0;
}

static bool ends_in_bare_blank(struct token text)
{
	size_t i = 0;

	while (i + 1 < text.len)
		i += text.at[i] == '\\' ? 2 : 1;
	return i < text.len && is_blank(text.at[i]);
}

/*
 * A pattern with a '/' is matched against absolute paths, so its beginning must be able to match
 * '/'.
 */
static bool may_be_absolute(struct token pattern)
{
	if (pattern.at[0] == '\\')
		return pattern.at[1] == '/';
	return strchr("/*?[", pattern.at[0]);
}

static int parse_pattern(const struct parser *parser, struct wt_rule *rule, struct token pattern)
{
	const char *expected;
	size_t offset;

	if (!pattern.len)
		return refuse(parser, pattern, "a pattern before '='");
	if (pattern.len > PATTERN_MAX)
		return refuse(parser, pattern, "a pattern of at most 4095 bytes");
	if (pattern.at[0] == '#')
		return refuse(parser, pattern, "\\# where a pattern begins with #");
	if (ends_in_bare_blank(pattern))
		return refuse(parser, pattern, "no blank between pattern and '='");
	expected = wt_glob_fault(pattern.at, pattern.len, &offset);
	if (expected) {
		pattern.at += offset;
		pattern.len -= offset;
		return refuse(parser, pattern, expected);
	}
	rule->pattern = pattern.at;
	rule->pattern_len = pattern.len;
	rule->whole_path = memchr(pattern.at, '/', pattern.len);
	if (rule->whole_path && !may_be_absolute(pattern))
		return refuse(parser, pattern,
			      "'/' or '*' first: a pattern with '/' is matched to absolute paths");
	return 0;
}

/* Refuses bytes that mean something else in the other form of a policy, or that end a C string. */
static int check_bytes(const struct parser *parser, struct token text)
{
	struct token after = text, before;

	if (take_until(&after, '\0', &before))
		return refuse(parser, (struct token){ before.at + before.len, 1 }, "no NUL byte");
	after = text;
	if (parser->form == WT_POLICY_LIST && take_until(&after, '\n', &before))
		return refuse(parser, after, "';' between two rules");
	before.len = find_bare(text, ';');
	if (parser->form == WT_POLICY_LINES && before.len < text.len)
		return refuse(parser, (struct token){ text.at + before.len, 1 },
			      "one rule a line, and \\; for a ';' in a pattern");
	return 0;
}

static int parse_rule(const struct parser *parser, struct wt_rule *rule, struct token text)
{
	struct token pattern = { text.at, find_bare(text, '=') };
	struct token rest, item;
	unsigned int seen = 0;
	bool more;
	int level;

	if (check_bytes(parser, text))
		return -EINVAL;
	if (pattern.len == text.len)
		return refuse(parser, text, "PATTERN=LEVEL");
	if (parse_pattern(parser, rule, pattern))
		return -EINVAL;
	rest = (struct token){ text.at + pattern.len + 1, text.len - pattern.len - 1 };
	more = take_until(&rest, ',', &item);
	level = token_find(item, level_names, WT_LENGTH(level_names));
	if (level < 0)
		return refuse(parser, item, "a level: off, async, through, dsync or sync");
	rule->level = level;
	while (more) {
		more = take_until(&rest, ',', &item);
		if (parse_option(parser, rule, item, &seen))
			return -EINVAL;
	}
	return 0;
}

/* Removes the text of one rule from `rest`. Returns false if no separator follows it. */
static bool take_rule(enum wt_policy_form form, struct token *rest, struct token *text)
{
	size_t len;

	if (form == WT_POLICY_LINES)
		return take_until(rest, '\n', text);
	len = find_bare(*rest, ';');
	*text = (struct token){ rest->at, len };
	if (len == rest->len) {
		rest->len = 0;
		return false;
	}
	rest->at += len + 1;
	rest->len -= len + 1;
	return true;
}

size_t wt_policy_count(const char *text, size_t len, enum wt_policy_form form)
{
	size_t count = 1;

	for (size_t i = 0; i < len; i++)
		count += text[i] == (form == WT_POLICY_LINES ? '\n' : ';');
	return count;
}

int wt_policy_parse(struct wt_policy *policy, const char *text, size_t len,
		    enum wt_policy_form form, struct wt_policy_error *error)
{
	struct parser parser = { .form = form, .error = error };
	struct token rest = { text, len };
	size_t rules_len = policy->rules_len;

	while (rest.len) {
		struct wt_rule rule = { .window_bytes = WT_WINDOW_DEFAULT };
		struct token whole;
		bool separated = take_rule(form, &rest, &whole);
		struct token body = trim(whole);

		parser.rule++;
		parser.origin = form == WT_POLICY_LINES ? whole.at : body.at;
		if (form == WT_POLICY_LINES && (!body.len || body.at[0] == '#'))
			continue;
		if (!body.len && !separated)
			break;
		if (!body.len)
			return refuse(&parser, body, "PATTERN=LEVEL before ';'");
		if (parse_rule(&parser, &rule, body))
			return -EINVAL;
		if (rules_len == policy->rules_max)
			return refuse(&parser, body, "no more rules than there is room for");
		policy->rules[rules_len++] = rule;
	}
	policy->rules_len = rules_len;
	return 0;
}

const struct wt_rule *wt_policy_match(const struct wt_policy *policy, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < policy->rules_len; i++) {
		const struct wt_rule *rule = &policy->rules[i];

		if (wt_glob_match(rule->pattern, rule->pattern_len, rule->whole_path ? path : name))
			return rule;
	}
	return NULL;
}

size_t wt_rule_format(const struct wt_rule *rule, char *buf, size_t size)
{
	static const char *const units[] = { "", "K", "M", "G" };
	unsigned int unit = 0;
	uint64_t window = rule->window_bytes;
	char tail[32] = "";

	if (rule->level == WT_LEVEL_OFF)
		return snprintf(buf, size, "%.*s=off", (int)rule->pattern_len, rule->pattern);
	while (unit < 3 && window % 1024 == 0) {
		window /= 1024;
		unit++;
	}
	if (rule->level == WT_LEVEL_ASYNC)
		snprintf(tail, sizeof(tail), ",window=%llu%s", (unsigned long long)window,
			 units[unit]);
	if (rule->level >= WT_LEVEL_DSYNC)
		snprintf(tail, sizeof(tail), ",fsync=%s", rule->fsync_elide ? "elide" : "keep");
	return snprintf(buf, size, "%.*s=%s,engine=%s,cache=%s%s", (int)rule->pattern_len,
			rule->pattern, level_names[rule->level], engine_names[rule->engine],
			rule->cache_drop ? "drop" : "keep", tail);
}

size_t wt_policy_error_format(const struct wt_policy_error *error, enum wt_policy_form form,
			      char *buf, size_t size)
{
	struct wt_text text = { .buf = buf, .size = size - 1 };
	bool whole = error->given_len <= ERROR_GIVEN_MAX;

	wt_text_str(&text, form == WT_POLICY_LINES ? "line " : "rule ");
	wt_text_u64(&text, error->rule);
	wt_text_str(&text, ", column ");
	wt_text_u64(&text, error->column);
	wt_text_str(&text, ": '");
	wt_text_plain(&text, error->given, whole ? error->given_len : ERROR_GIVEN_MAX);
	wt_text_str(&text, whole ? "' given, expected " : "...' given, expected ");
	wt_text_str(&text, error->expected);
	buf[text.len] = 0;
	return text.len;
}

const char *wt_level_name(enum wt_level level)
{
	return level_names[level];
}

const char *wt_engine_name(enum wt_engine_id engine)
{
	return engine_names[engine];
}

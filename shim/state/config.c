/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"
#include "base/file_trust.h"
#include "os/sys.h"
#include "report/log.h"

#define VARIABLES(X)                                                                               \
	X(WT_POLICY)                                                                               \
	X(WT_POLICY_FILE)                                                                          \
	X(WT_REPORT)                                                                               \
	X(WT_LOG)                                                                                  \
	X(WT_LOG_FILE)                                                                             \
	X(WT_STRICT)                                                                               \
	X(WT_DISABLE)

enum variable {
#define X(name) VAR_##name,
	VARIABLES(X)
#undef X
		VARIABLES_LEN
};

static const char *const names[] = {
#define X(name) #name,
	VARIABLES(X)
#undef X
};

/* A verdict holds the number of its rule in 16 bits (fdtable.h). */
#define RULES_MAX 65535

/* In bytes: more than any policy needs, and little enough to map at every start. */
#define POLICY_FILE_MAX (1 << 20)

struct wt_config wt_config;

/*
 * Memory that is never freed, or NULL. Most configurations fit into the static buffer: an mmap(2)
 * with its first page fault takes 3 us of a program's start.
 */
static void *allocate(size_t size)
{
	static _Alignas(max_align_t) char small[2048];
	static size_t used;

	if (size <= sizeof(small) - used) {
		void *piece = small + used;

		used += wt_round_up(size, _Alignof(max_align_t));
		return piece;
	}
	void *made = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return made == MAP_FAILED ? NULL : made;
}

static const char *copy_text(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = allocate(size);

	return copy ? memcpy(copy, text, size) : NULL;
}

/* Finds the values of the variables. An empty variable counts as unset. */
static void collect(char **environment, const char *values[VARIABLES_LEN])
{
	for (char **at = environment; at && *at; at++) {
		const char *equals = strchr(*at, '=');

		if (!equals || strncmp(*at, "WT_", 3))
			continue;
		for (int i = 0; i < VARIABLES_LEN; i++) {
			size_t len = strlen(names[i]);

			if (len == (size_t)(equals - *at) && !strncmp(*at, names[i], len) &&
			    equals[1] && !values[i])
				values[i] = equals + 1;
		}
	}
}

static void warn_of_unknown(char **environment)
{
	for (char **at = environment; at && *at; at++) {
		size_t len = 0;

		/* No string function: a sanitizer's runtime intercepts some too early. */
		while ((*at)[len] && (*at)[len] != '=')
			len++;
		bool known = strncmp(*at, "WT_", 3);

		for (int i = 0; i < VARIABLES_LEN && !known; i++)
			known = len == strlen(names[i]) && !strncmp(*at, names[i], len);
		if (!known)
			wt_log(WT_LOG_WARN,
			       "%.*s is no variable of libwt; expected WT_POLICY, "
			       "WT_POLICY_FILE, WT_REPORT, WT_LOG, WT_LOG_FILE, WT_STRICT or "
			       "WT_DISABLE",
			       (int)(len < 64 ? len : 64), *at);
	}
}

static bool is_on(const char *name, const char *value)
{
	if (!value || !strcmp(value, "0"))
		return false;
	if (strcmp(value, "1"))
		wt_log(WT_LOG_WARN, "%s=%.64s: expected 0 or 1; taken as 1", name, value);
	return true;
}

/* Behind the rules of the policy, or alone. */
static void add_called(struct wt_policy *policy)
{
#define CALLED(text, its_level)                                                                    \
	{                                                                                          \
		.pattern = (text), .pattern_len = sizeof(text) - 1, .level = (its_level),          \
		.window_bytes = WT_WINDOW_DEFAULT                                                  \
	}
	static struct wt_rule called[] = {
		CALLED("RWF_WRITETHROUGH", WT_LEVEL_THROUGH),
		CALLED("RWF_WRITETHROUGH|RWF_DSYNC", WT_LEVEL_DSYNC),
		CALLED("RWF_WRITETHROUGH|RWF_SYNC", WT_LEVEL_SYNC),
	};
#undef CALLED
	size_t rules_max = policy->rules_len + WT_LENGTH(called);
	struct wt_rule *rules = policy->rules_len ? allocate(rules_max * sizeof(*rules)) : called;

	if (!rules)
		return;
	if (policy->rules_len) {
		memcpy(rules, policy->rules, policy->rules_len * sizeof(*rules));
		memcpy(rules + policy->rules_len, called, sizeof(called));
	}
	policy->rules = rules;
	policy->called_len = WT_LENGTH(called);
}

static void start_log(const char *level_name, const char *file)
{
	int level = level_name ? wt_log_level_parse(level_name) : WT_LOG_WARN;

	wt_log_init(level < 0 ? WT_LOG_WARN : level,
		    file && !wt_file_trust_is_stderr(file) ? copy_text(file) : NULL);
	if (level < 0)
		wt_log(WT_LOG_WARN,
		       "WT_LOG=%.64s: expected error, warn, info or debug; "
		       "taken as warn",
		       level_name);
}

/*
 * Parses `text` into the policy, whose array grows by as many rules as the text can hold. `source`
 * names the text in messages. 0 or -EINVAL.
 */
static int add_rules(const char *source, const char *text, size_t len, enum wt_policy_form form)
{
	struct wt_policy *policy = &wt_config.policy;
	struct wt_policy_error error;
	size_t rules_max = policy->rules_len + wt_policy_count(text, len, form);
	struct wt_rule *rules = allocate(rules_max * sizeof(*rules));

	if (!rules || rules_max > RULES_MAX) {
		wt_log(WT_LOG_ERROR, "%s: %zu rules; expected %d at most", source, rules_max,
		       RULES_MAX);
		return -EINVAL;
	}
	if (policy->rules_len)
		memcpy(rules, policy->rules, policy->rules_len * sizeof(*rules));
	policy->rules = rules;
	policy->rules_max = rules_max;
	if (!wt_policy_parse(policy, text, len, form, &error))
		return 0;
	char what[512];
	wt_policy_error_format(&error, form, what, sizeof(what));
	wt_log(WT_LOG_ERROR, "%.200s: %s", source, what);
	return -EINVAL;
}

/*
 * Accepts a regular file that only trusted users can write; reading a FIFO would wait for a writer.
 * 0 or -errno; -EPERM with `fault` set.
 */
static int check_file(int fd, struct wt_text *fault)
{
	struct stat st;
	int err = wt_sys.identify(fd, &st);

	if (err || !S_ISREG(st.st_mode))
		return err ? err : -EINVAL;
	wt_file_trust_rules(&st, geteuid(), fault);
	return fault->len ? -EPERM : 0;
}

/*
 * Reads the whole file into new memory. Its length or -errno; -EFBIG from POLICY_FILE_MAX bytes on.
 */
static ssize_t read_all(int fd, char **text)
{
	size_t len = 0;
	unsigned int interruptions = 0;
	ssize_t n;

	*text = allocate(POLICY_FILE_MAX);
	if (!*text)
		return -ENOMEM;
	do {
		n = wt_sys.read(fd, *text + len, POLICY_FILE_MAX - len);
		len += n > 0 ? n : 0;
	} while (n > 0 || (n == -EINTR && ++interruptions < WT_INTERRUPTIONS_MAX));
	if (!n && len == POLICY_FILE_MAX)
		return -EFBIG;
	return n < 0 ? n : (ssize_t)len;
}

static ssize_t read_file(const char *path, char **text, struct wt_text *fault)
{
	int fd = wt_sys.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);

	if (fd < 0)
		return fd;
	int err = check_file(fd, fault);
	ssize_t len = err ? err : read_all(fd, text);
	wt_sys.close(fd);
	return len;
}

static int add_file(const char *path)
{
	char *text = NULL, words[WT_FILE_TRUST_FAULT_BYTES];
	struct wt_text fault = { .buf = words, .size = sizeof(words) };
	ssize_t len = read_file(path, &text, &fault);

	if (len >= 0)
		return add_rules(path, text, len, WT_POLICY_LINES);
	if (!fault.len) {
		wt_text_str(&fault, wt_log_errno_text(len));
		wt_text_str(&fault, "; expected a readable file of rules");
	}
	wt_log(WT_LOG_ERROR, "WT_POLICY_FILE=%.200s: %.*s", path, (int)fault.len, fault.buf);
	return -EINVAL;
}

static int load_policy(const char *rules, const char *file)
{
	int err = 0;

	if (rules) {
		rules = copy_text(rules);
		err = rules ? add_rules("WT_POLICY", rules, strlen(rules), WT_POLICY_LIST)
			    : -ENOMEM;
	}
	if (!err && file)
		err = add_file(file);
	return err;
}

int wt_config_load(char **environment)
{
	const char *values[VARIABLES_LEN] = { NULL };

	if (getauxval(AT_SECURE))
		return 0;
	collect(environment, values);
	start_log(values[VAR_WT_LOG], values[VAR_WT_LOG_FILE]);
	warn_of_unknown(environment);
	wt_config.strict = is_on("WT_STRICT", values[VAR_WT_STRICT]);
	if (is_on("WT_DISABLE", values[VAR_WT_DISABLE]))
		return 0;
	if (values[VAR_WT_REPORT])
		wt_config.report = copy_text(values[VAR_WT_REPORT]);

	int err = load_policy(values[VAR_WT_POLICY], values[VAR_WT_POLICY_FILE]);
	if (err) {
		wt_config.policy.rules_len = 0;
		if (wt_config.strict)
			return -EINVAL;
	}
	add_called(&wt_config.policy);
	wt_config.active = wt_config.policy.rules_len;
	for (size_t i = 0; i < wt_config.policy.rules_len; i++) {
		wt_config.names |= wt_config.policy.rules[i].level >= WT_LEVEL_DSYNC;
		wt_config.covers |= wt_config.policy.rules[i].level > WT_LEVEL_OFF;
		wt_config.sizes |= wt_config.policy.rules[i].level >= WT_LEVEL_THROUGH;
		wt_config.elides |= wt_config.policy.rules[i].fsync_elide;
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * As much of Criterion as the unit tests use, for ThreadSanitizer, which leaves no room where
 * Criterion maps its memory. Each test runs in a process of its own.
 */
#ifndef WT_TESTS_CRITERION_H
#define WT_TESTS_CRITERION_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CRITERION_SKIPPED 77

struct criterion_test {
	const char *suite;
	const char *name; /* NULL: what holds for all of the suite */
	void (*run)(void);
	void (*init)(void);
	void (*fini)(void);
	unsigned int timeout;
	struct criterion_test *next;
};

/* One list, and one main, of all files that include this. */
__attribute__((weak)) struct criterion_test *criterion_tests;
__attribute__((weak)) bool criterion_failed;

#define CRITERION_ENTER(symbol, suite_name, test_name, function, ...)                              \
	__attribute__((constructor)) static void symbol##_enter(void)                              \
	{                                                                                          \
		static struct criterion_test entry = { __VA_ARGS__ };                              \
		entry.suite = suite_name;                                                          \
		entry.name = test_name;                                                            \
		entry.run = function;                                                              \
		entry.next = criterion_tests;                                                      \
		criterion_tests = &entry;                                                          \
	}

#define TestSuite(suite, ...)                                                                      \
	CRITERION_ENTER(suite##_suite, #suite, NULL, NULL, __VA_ARGS__)                            \
	struct criterion_test

#define Test(suite, test, ...)                                                                     \
	static void suite##_##test##_test(void);                                                   \
	CRITERION_ENTER(suite##_##test, #suite, #test, suite##_##test##_test, __VA_ARGS__)         \
	static void suite##_##test##_test(void)

__attribute__((weak, format(printf, 5, 6))) void
criterion_fail(bool fatal, const char *file, int line, const char *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# %s:%d: %s: ", file, line, text);
	vprintf(format, args);
	printf("\n");
	va_end(args);
	criterion_failed = true;
	if (fatal) {
		fflush(stdout);
		_exit(1);
	}
}

#define CRITERION_CHECK(fatal, condition, text, ...)                                               \
	do {                                                                                       \
		if (!(condition))                                                                  \
			criterion_fail(fatal, __FILE__, __LINE__, text, " " __VA_ARGS__);          \
	} while (0)
#define CRITERION_COMPARE(fatal, a, op, b, ...)                                                    \
	CRITERION_CHECK(fatal, (a)op(b), #a " " #op " " #b, __VA_ARGS__)

#define cr_assert(a, ...) CRITERION_CHECK(true, a, #a, __VA_ARGS__)
#define cr_assert_not(a, ...) CRITERION_CHECK(true, !(a), "not " #a, __VA_ARGS__)
#define cr_assert_null(a, ...) CRITERION_COMPARE(true, a, ==, NULL, __VA_ARGS__)
#define cr_assert_not_null(a, ...) CRITERION_COMPARE(true, a, !=, NULL, __VA_ARGS__)
#define cr_assert_eq(a, b, ...) CRITERION_COMPARE(true, a, ==, b, __VA_ARGS__)
#define cr_assert_neq(a, b, ...) CRITERION_COMPARE(true, a, !=, b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...) CRITERION_COMPARE(true, a, <, b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...) CRITERION_COMPARE(true, a, <=, b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...) CRITERION_COMPARE(true, a, >, b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...) CRITERION_COMPARE(true, a, >=, b, __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) CRITERION_CHECK(true, !strcmp(a, b), #a " is " #b, __VA_ARGS__)
#define cr_assert_fail(...) CRITERION_CHECK(true, false, "", __VA_ARGS__)
#define cr_expect(a, ...) CRITERION_CHECK(false, a, #a, __VA_ARGS__)
#define cr_expect_not(a, ...) CRITERION_CHECK(false, !(a), "not " #a, __VA_ARGS__)
#define cr_expect_null(a, ...) CRITERION_COMPARE(false, a, ==, NULL, __VA_ARGS__)
#define cr_expect_not_null(a, ...) CRITERION_COMPARE(false, a, !=, NULL, __VA_ARGS__)
#define cr_expect_eq(a, b, ...) CRITERION_COMPARE(false, a, ==, b, __VA_ARGS__)
#define cr_expect_neq(a, b, ...) CRITERION_COMPARE(false, a, !=, b, __VA_ARGS__)
#define cr_expect_lt(a, b, ...) CRITERION_COMPARE(false, a, <, b, __VA_ARGS__)
#define cr_expect_leq(a, b, ...) CRITERION_COMPARE(false, a, <=, b, __VA_ARGS__)
#define cr_expect_gt(a, b, ...) CRITERION_COMPARE(false, a, >, b, __VA_ARGS__)
#define cr_expect_geq(a, b, ...) CRITERION_COMPARE(false, a, >=, b, __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) CRITERION_CHECK(false, !strcmp(a, b), #a " is " #b, __VA_ARGS__)
#define cr_log_error(...) printf("# " __VA_ARGS__)
#define cr_skip_test(...)                                                                          \
	do {                                                                                       \
		printf("# " __VA_ARGS__);                                                          \
		printf("\n");                                                                      \
		fflush(stdout);                                                                    \
		_exit(CRITERION_SKIPPED);                                                          \
	} while (0)

static inline void criterion_run(const struct criterion_test *test)
{
	const struct criterion_test *suite = criterion_tests;

	while (suite && (suite->name || strcmp(suite->suite, test->suite)))
		suite = suite->next;
	alarm(test->timeout + (suite ? suite->timeout : 0));
	if (suite && suite->init)
		suite->init();
	test->run();
	if (suite && suite->fini)
		suite->fini();
	fflush(stdout);
	_exit(criterion_failed);
}

/* In TAP, into the file that Criterion's option names. */
__attribute__((weak)) int main(int argc, char **argv)
{
	const char *file =
		strncmp(argv[argc - 1], "--tap=", 6) ? "/dev/stdout" : argv[argc - 1] + 6;
	FILE *tap = fopen(file, "w");
	int count = 0, failed = 0;

	for (struct criterion_test *test = criterion_tests; test; test = test->next) {
		int status = 0;
		pid_t child;

		if (!test->name)
			continue;
		fflush(NULL);
		child = fork();
		if (child == 0)
			criterion_run(test);
		waitpid(child, &status, 0);
		bool skipped = WIFEXITED(status) && WEXITSTATUS(status) == CRITERION_SKIPPED;
		fprintf(tap, "%sok %d - %s::%s%s\n", status && !skipped ? "not " : "", ++count,
			test->suite, test->name, skipped ? " # SKIP by the test" : "");
		failed += status && !skipped;
	}
	fprintf(tap, "1..%d\n", count);
	fclose(tap);
	return failed != 0;
}

#endif

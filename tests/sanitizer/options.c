/* SPDX-License-Identifier: MIT */
/*
 * What the sanitizers' runtimes ask for when they start. Preloaded, because most tests run programs
 * with an environment of their own making. Reports go to files: what a test does with the output
 * of a program hides none.
 */
#define COMMON "log_path=" REPORTS "/report:exitcode=0:"

/*
 * The runtime does not have to come first. Leaks are looked for in the unit tests and by valgrind:
 * what programs that know nothing of it leave behind at their end is none of libwt's.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return COMMON "verify_asan_link_order=0:detect_leaks=0:detect_stack_use_after_return=1:"
		      "use_sigaltstack=0:handle_segv=1:allow_user_segv_handler=1";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
	return COMMON "print_stacktrace=1:halt_on_error=0";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return COMMON "die_after_fork=0:report_signal_unsafe=1:history_size=4";
}

/* It takes flockfile(3) for no lock. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:wt_stream_carry\nrace:putc_unlocked\n";
}

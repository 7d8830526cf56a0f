/* SPDX-License-Identifier: MIT */
/*
 * raw - system calls by the instruction itself. libwt exports syscall(3) and would call itself; and
 * these calls must also pass by every other preloaded library. As in syscall(2), an error is -1 and
 * errno. Async-signal-safe, and no cancellation point.
 */
#ifndef WT_RAW_H
#define WT_RAW_H

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>

#if defined(__x86_64__)
static inline long wt_raw(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
static inline long wt_raw(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory", "cc");
	return x0;
}
#else
#error "libwt needs the system call instruction of this architecture: add it here"
#endif

static inline long wt_raw_answer(long ret)
{
	if (ret >= 0 || ret < -4095)
		return ret;
	errno = (int)-ret;
	return -1;
}

#define WT_SYSCALL(number, a, b, c, d, e, f, ...)                                                  \
	wt_raw_answer(                                                                             \
		wt_raw(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)))

/* wt_syscall(SYS_name, argument...) */
#define wt_syscall(...) WT_SYSCALL(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

#define WT_KERNEL(number, a, b, c, d, e, f, ...)                                                   \
	wt_raw(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/*
 * The same for libwt's own calls: returns what the kernel answers, a value or -errno, and leaves
 * errno alone, because a thread may have no errno of its own (os/thread.h).
 */
#define wt_kernel(...) WT_KERNEL(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

/* Sleeps for `us` microseconds, less than a second; a signal ends the sleep early. */
static inline void wt_nap_us(unsigned int us)
{
	const struct timespec nap = { .tv_nsec = us * 1000L };

	wt_kernel(SYS_nanosleep, &nap, NULL);
}

#endif

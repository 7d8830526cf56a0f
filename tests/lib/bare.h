/* SPDX-License-Identifier: MIT */
/*
 * bare - system calls past the C library, whose syscall(2) a preloaded library may interpose.
 *
 * bare_syscall(number, ...) answers as syscall(2) does: -1 and errno, or what the kernel said,
 * with errno as it was.
 */
#ifndef WT_TESTS_BARE_H
#define WT_TESTS_BARE_H

#include <errno.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
static inline long bare_kernel(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
static inline long bare_kernel(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
#else
#error "a system call instruction is needed for this machine"
#endif

static inline long bare_answer(long ret)
{
	if (ret >= 0 || ret < -4095)
		return ret;
	errno = -ret;
	return -1;
}

#define BARE_PADDED(number, a, b, c, d, e, f, ...)                                                 \
	bare_answer(bare_kernel(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e),     \
				(long)(f)))
#define bare_syscall(...) BARE_PADDED(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

#endif

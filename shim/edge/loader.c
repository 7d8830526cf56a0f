/* SPDX-License-Identifier: MIT */
/*
 * The loader's own functions (dlopen, dlsym, ...). libc sees by the return address who calls them,
 * and its answer depends on that (RTLD_NEXT, DT_RUNPATH, namespaces). So each asks wt_bind_* first,
 * which gives the answer or a function to jump to; after the jump all is as without libwt.
 */
#include "edge/edge.h"

/*
 * The jump of front.c must land on this instruction if the processor checks the targets of jumps.
 */
#if defined(__aarch64__)
#ifdef __ARM_FEATURE_BTI_DEFAULT
#define LAND "bti c\n"
#else
#define LAND
#endif
#elif defined(__CET__)
#define LAND "endbr64\n"
#else
#define LAND
#endif

#if defined(__x86_64__)
#define ASK(name)                                                                                  \
	__asm__(".text\n"                                                                          \
		".globl wt_edge_" #name "\n"                                                       \
		".hidden wt_edge_" #name "\n"                                                      \
		".type wt_edge_" #name ", @function\n"                                             \
		"wt_edge_" #name ":\n"                                                             \
		".cfi_startproc\n" LAND "push %rdi\n"                                              \
		"push %rsi\n"                                                                      \
		"push %rdx\n"                                                                      \
		".cfi_adjust_cfa_offset 24\n"                                                      \
		"mov 24(%rsp), %rcx\n"                                                             \
		"call wt_bind_" #name "\n"                                                         \
		"mov %rdx, %r11\n"                                                                 \
		"pop %rdx\n"                                                                       \
		"pop %rsi\n"                                                                       \
		"pop %rdi\n"                                                                       \
		".cfi_adjust_cfa_offset -24\n"                                                     \
		"test %r11, %r11\n"                                                                \
		"jnz 1f\n"                                                                         \
		"ret\n"                                                                            \
		"1: jmp *%r11\n"                                                                   \
		".cfi_endproc\n"                                                                   \
		".size wt_edge_" #name ", . - wt_edge_" #name "\n");
#elif defined(__aarch64__)
#define ASK(name)                                                                                  \
	__asm__(".text\n"                                                                          \
		".globl wt_edge_" #name "\n"                                                       \
		".hidden wt_edge_" #name "\n"                                                      \
		".type wt_edge_" #name ", %function\n"                                             \
		"wt_edge_" #name ":\n"                                                             \
		".cfi_startproc\n" LAND "stp x29, x30, [sp, #-48]!\n"                              \
		".cfi_def_cfa_offset 48\n"                                                         \
		".cfi_offset 29, -48\n"                                                            \
		".cfi_offset 30, -40\n"                                                            \
		"mov x29, sp\n"                                                                    \
		"stp x0, x1, [sp, #16]\n"                                                          \
		"str x2, [sp, #32]\n"                                                              \
		"mov x3, x30\n"                                                                    \
		"bl wt_bind_" #name "\n"                                                           \
		"mov x16, x1\n"                                                                    \
		"cbz x16, 1f\n"                                                                    \
		"ldp x0, x1, [sp, #16]\n"                                                          \
		"ldr x2, [sp, #32]\n"                                                              \
		"ldp x29, x30, [sp], #48\n"                                                        \
		"br x16\n"                                                                         \
		"1: ldp x29, x30, [sp], #48\n"                                                     \
		"ret\n"                                                                            \
		".cfi_endproc\n"                                                                   \
		".size wt_edge_" #name ", . - wt_edge_" #name "\n");
#endif

ASK(dlopen)
ASK(dlmopen)
ASK(dlsym)
ASK(dlvsym)

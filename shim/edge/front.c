/* SPDX-License-Identifier: MIT */
/*
 * The exported symbols. In all other objects of the library the Makefile renames `write` to
 * `wt_edge_write`, and so on; this one is linked with its names unchanged, so its `write` is
 * exported.
 */
#include "edge/front.h"

/*
 * The symbols have size 0. If a program has a variable of such a name, the loader copies the first
 * definition that it finds into it, by the size of its symbol, and warns if that is larger than the
 * variable.
 */
#if defined(__x86_64__)
#ifdef __CET__
#define LAND "endbr64\n"
#else
#define LAND
#endif
#define JUMP(name) LAND "jmp *wt_front_slot_" name "(%rip)\n"
#elif defined(__aarch64__)
#ifdef __ARM_FEATURE_BTI_DEFAULT
#define LAND "bti c\n"
#else
#define LAND
#endif
#define JUMP(name)                                                                                 \
	LAND "adrp x16, wt_front_slot_" name "\n"                                                  \
	     "ldr x16, [x16, :lo12:wt_front_slot_" name "]\n"                                      \
	     "br x16\n"
#endif

/* Each line is one of assembly. */
/* clang-format off */
#define SYMBOL(name)                                                                               \
	__asm__(".text\n"                                                                          \
		".globl " name "\n"                                                                \
		".type " name ", %function\n"                                                      \
		".size " name ", 0\n"                                                              \
		".balign 8\n"                                                                     \
		"wt_front_jump_" name ": " name ":\n" JUMP(name)                                               \
		".section .data.wt_front, \"aw\"\n"                                                \
		"wt_front_slot_" name ": .quad wt_edge_" name "\n"                                 \
		".section .rodata.wt_front, \"a\"\n"                                               \
		".long 1f - .\n"                                                                   \
		".long wt_front_jump_" name " - .\n"                                               \
		".long wt_edge_" name " - .\n"                                                     \
		".section .rodata.wt_front_names, \"a\"\n"                                         \
		"1: .asciz \"" name "\"\n"                                                         \
		".text\n");
/* clang-format on */

__asm__(".section .data.wt_front, \"aw\"\n"
	".globl wt_front_slots\n"
	".hidden wt_front_slots\n"
	".balign 8\n"
	"wt_front_slots:\n"
	".section .rodata.wt_front, \"a\"\n"
	".globl wt_front\n"
	".hidden wt_front\n"
	".balign 4\n"
	"wt_front:\n"
	".text\n");

#define WT_SAME(name, other) SYMBOL(#name)
#define WT_SYMBOL(ret, name, params) SYMBOL(#name)
#define WT_LIBC(ret, name, params, args) SYMBOL(#name)
#define WT_URING(ret, name, params) SYMBOL(#name)
#include "os/symbols.def"

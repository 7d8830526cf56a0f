/* SPDX-License-Identifier: MIT */
/* secure - says whether the kernel started it with privileges of its own (AT_SECURE). */
#include <stdio.h>
#include <sys/auxv.h>

int main(void)
{
	puts(getauxval(AT_SECURE) ? "secure" : "plain");
	return 0;
}

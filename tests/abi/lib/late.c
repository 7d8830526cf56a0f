/* SPDX-License-Identifier: MIT */
/* A library whose destructor, as those of most libraries, comes after that of a preloaded one. */
__attribute__((visibility("default"))) void late_do(void (*act)(void));

static void (*late_act)(void);

void late_do(void (*act)(void))
{
	late_act = act;
}

__attribute__((destructor)) static void late(void)
{
	if (late_act)
		late_act();
}

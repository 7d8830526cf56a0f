/* SPDX-License-Identifier: MIT */
/* wt-tool: dispatches to the subcommands. */
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "tool/probe.h"

static int print_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("libwt " WT_VERSION);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;
} commands[] = {
	{ "policy", wt_tool_policy,
	  "[--list] [-e] [-p RULES] [-f FILE] [-P PRESET[=LEVEL...]]..." },
	{ "presets", wt_tool_presets, "[--names | PRESET...]" },
	{ "probe", wt_probe, "PATH..." },
	{ "program", wt_tool_program, "LIBRARY COMMAND [ARGUMENT...]" },
	{ "version", print_version, "" },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < WT_LENGTH(commands) && argc > 1; i++) {
		int status;

		if (strcmp(argv[1], commands[i].name))
			continue;
		status = commands[i].run(argc - 2, argv + 2);
		if (fflush(stdout) || ferror(stdout)) {
			wt_tool_complain("standard output: expected to be writable");
			return 1;
		}
		return status;
	}
	fputs("usage:\n", stderr);
	for (size_t i = 0; i < WT_LENGTH(commands); i++)
		fprintf(stderr, "  wt-tool %s %s\n", commands[i].name, commands[i].usage);
	return WT_EXIT_USAGE;
}

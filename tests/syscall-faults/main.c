/* SPDX-License-Identifier: MIT */
/* syscall-faults DIR - reads cases from stdin, and tells what became of each (syscall_faults.h). */
#include "syscall_faults.h"

static void die(const char *what, const char *word)
{
	fprintf(stderr, "syscall-faults: %s: %s\n", what, word);
	exit(2);
}

static enum level level_of(const char *text)
{
	if (!strcmp(text, "async"))
		return ASYNC;
	if (!strcmp(text, "through"))
		return THROUGH;
	if (strcmp(text, "dsync"))
		die("a level that nobody knows", text);
	return DSYNC;
}

static void parse_word(struct run *run, const char *word)
{
	const char *value = strchr(word, '=');
	size_t len = value ? value - word : 0;
#define IS(key) (len == strlen(key) && !strncmp(word, key, len))

	value += value != NULL;
	if (IS("id"))
		run->file.id = strtoull(value, NULL, 10);
	else if (IS("method"))
		run->file.method = method_of(value);
	else if (IS("threads"))
		run->threads = atoi(value);
	else if (IS("count"))
		run->count = atoi(value);
	else if (IS("level"))
		run->file.level = level_of(value);
	else if (IS("cut"))
		run->cut = true, run->cut_first = !strcmp(value, "first"),
		run->cut_end = !strcmp(value, "end");
	else if (IS("arm"))
		run->from_exec = !strcmp(value, "exec");
	else if (IS("record"))
		fault_record_all(&run->injector);
	else if (IS("env") && run->env_len < ENV_MAX - 1)
		run->env[run->env_len++] = value;
	else if (!IS("fault") || !fault_parse(&run->injector, value))
		die("a word that nobody knows", word);
#undef IS
}

static void parse(struct run *run, char *line, const char *dir)
{
	static const char *const kinds[] = { "allocated", "empty", "sparse" };

	*run = (struct run){ .threads = 1, .count = 1, .file.level = THROUGH };
	for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n"))
		parse_word(run, word);
	if (!run->file.method || run->threads < 1 || run->threads > THREADS_MAX)
		die("a case without a method or threads", "");
	if (run->count > run->file.method->count_max)
		run->count = run->file.method->count_max;
	run->file.alone = run->threads == 1;
	snprintf(run->file.path, sizeof(run->file.path), "%s/%s%s.db", dir,
		 run->file.method->len > 65536 ? "large-" : "", kinds[run->file.method->kind]);
}

static void print(const struct run *run)
{
	const struct facts *facts = &run->facts;

	printf("id=%lu outcome=%s succeeded=%d failed=%d errno=%s fsync=%s close=%s cut=%d",
	       run->file.id, facts->outcome, facts->succeeded, facts->failed,
	       errno_text(facts->first_errno), errno_text(facts->fsync_failed),
	       errno_text(facts->close_failed), facts->cut);
	printf(" struck=%lu seen=", run->injector.struck);
	for (size_t i = 0; i < run->injector.faults_len; i++)
		if (run->injector.faults[i].seen)
			printf("%s:%lu,", run->injector.faults[i].call->name,
			       run->injector.faults[i].seen);
	for (size_t i = 0; i < COUNT(run->injector.others); i++)
		if (run->injector.others[i])
			printf("%zu:%lu,", i, run->injector.others[i]);
	printf(" why=%s said=%s\n", facts->why, facts->said);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static struct run run;
	char *line = NULL;
	size_t room = 0;

	if (argc == 7 && !strcmp(argv[1], "writer"))
		return writer(argv + 2);
	if (argc != 2)
		die("usage", "syscall-faults DIR <CASES");
	int err = uring_prepare();
	if (err) {
		fprintf(stderr, "syscall-faults: an io_uring cannot be struck here: %s\n",
			strerror(-err));
		return 77;
	}
	while (getline(&line, &room, stdin) > 0) {
		parse(&run, line, argv[1]);
		run_case(&run);
		print(&run);
	}
	return 0;
}

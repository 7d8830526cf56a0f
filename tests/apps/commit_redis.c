/* SPDX-License-Identifier: MIT */
/*
 * commit_redis - commits to a Redis by transactions; see commit.h.
 *
 *   commit_redis load SOCKET WRITER FIRST [COUNT]   commits until one fails, or COUNT are made
 *   commit_redis check SOCKET <ACKNOWLEDGED         prints what is wrong
 */
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "commit.h"

static FILE *to, *from;

static void die(const char *what)
{
	fprintf(stderr, "commit_redis: %s\n", what);
	exit(1);
}

static void connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		die("the path of the socket is too long");
	strcpy(address.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die("no server there");
	from = fdopen(fd, "r");
	to = fdopen(dup(fd), "w");
	if (!from || !to)
		die("no memory");
}

/* Words up to a NULL, each a string; the last one may be any bytes. */
static void say(const char *last, size_t last_length, ...)
{
	const char *words[4];
	int count = 0;
	va_list list;

	va_start(list, last_length);
	while ((words[count] = va_arg(list, const char *)))
		count++;
	va_end(list);
	fprintf(to, "*%d\r\n", count + (last != NULL));
	for (int i = 0; i < count; i++)
		fprintf(to, "$%zu\r\n%s\r\n", strlen(words[i]), words[i]);
	if (last) {
		fprintf(to, "$%zu\r\n", last_length);
		fwrite(last, 1, last_length, to);
		fputs("\r\n", to);
	}
}

/* The next line of the answer, without its end. */
static const char *hear(void)
{
	static char line[512];

	if (!fgets(line, sizeof(line), from))
		die("the server has gone");
	line[strcspn(line, "\r")] = 0;
	return line;
}

static void expect(const char *line)
{
	const char *heard = hear();

	if (strcmp(heard, line))
		die(heard);
}

static void commit(unsigned int writer, uint64_t number)
{
	char key[COMMIT_KEY_MAX], value[COMMIT_VALUE_MAX], text[24];
	size_t length = commit_value(value, writer, number);

	say(NULL, 0, "MULTI", NULL);
	commit_key(key, writer, number);
	say(value, length, "SET", key, NULL);
	commit_newest_key(key, writer);
	snprintf(text, sizeof(text), "%" PRIu64, number);
	say(text, strlen(text), "SET", key, NULL);
	say(NULL, 0, "EXEC", NULL);
	fflush(to);
	expect("+OK");
	expect("+QUEUED");
	expect("+QUEUED");
	expect("*2");
	expect("+OK");
	expect("+OK");
	commit_acknowledge(writer, number);
}

static void load(unsigned int writer, uint64_t first, uint64_t count)
{
	for (uint64_t number = first; !count || number < first + count; number++)
		commit(writer, number);
	pause();
}

/* Of at most COMMIT_VALUE_MAX bytes and a null; gives its length, -1 for none. */
static long get(const char *key, char *value)
{
	long length;

	say(NULL, 0, "GET", key, NULL);
	fflush(to);
	if (sscanf(hear(), "$%ld", &length) != 1)
		die("GET fails");
	if (length < 0)
		return -1;
	if (length > COMMIT_VALUE_MAX || fread(value, 1, length, from) != (size_t)length)
		die("GET answers too much or too little");
	value[length] = 0;
	expect("");
	return length;
}

static bool is_there(unsigned int writer, uint64_t number)
{
	char key[COMMIT_KEY_MAX], value[COMMIT_VALUE_MAX + 1];
	long length;

	commit_key(key, writer, number);
	length = get(key, value);
	return length >= 0 && commit_is_value(value, length, writer, number);
}

/* What is stored of a writer is told by his newest: that commit is there, and no younger one. */
static bool newest_is_newest(unsigned int writer)
{
	char key[COMMIT_KEY_MAX], value[COMMIT_VALUE_MAX + 1];
	uint64_t number;

	commit_newest_key(key, writer);
	if (get(key, value) < 0)
		return true;
	number = strtoull(value, NULL, 10);
	return is_there(writer, number) && !is_there(writer, number + 1);
}

static int check(void)
{
	bool seen[1000] = { false };
	unsigned int writer;
	uint64_t number, there = 0;

	while (commit_next(&writer, &number)) {
		if (is_there(writer, number))
			there++;
		else
			printf("lost %u %" PRIu64 "\n", writer, number);
		if (seen[writer % 1000])
			continue;
		seen[writer % 1000] = true;
		if (!newest_is_newest(writer))
			printf("unsound: writer %u: not the newest\n", writer);
	}
	printf("there %" PRIu64 "\n", there);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 5 && !strcmp(argv[1], "load")) {
		connect_to(argv[2]);
		load(atoi(argv[3]), strtoull(argv[4], NULL, 10), argc > 5 ? atoi(argv[5]) : 0);
	}
	if (argc == 3 && !strcmp(argv[1], "check")) {
		connect_to(argv[2]);
		return check();
	}
	fprintf(stderr, "usage: commit_redis load SOCKET WRITER FIRST [COUNT]\n"
			"       commit_redis check SOCKET <ACKNOWLEDGED\n");
	return 2;
}

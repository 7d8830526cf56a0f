/* SPDX-License-Identifier: MIT */
/*
 * commit_rocksdb - commits to a RocksDB without asking it to sync; see commit.h.
 *
 *   commit_rocksdb load DIR WRITERS FIRST COUNT HOW   threads that commit until one fails, or each
 *                                                     COUNT times if that is not 0
 *   commit_rocksdb check DIR <ACKNOWLEDGED            prints what is wrong
 *
 * The memtable is small, so that logs, tables and manifests come and go all the time. HOW is
 * "plain", "mmap-writes" for tables written by stores into mappings, or "synced" to ask for syncs.
 */
#include <pthread.h>
#include <rocksdb/c.h>

#include "commit.h"

static rocksdb_t *db;
static uint64_t first, count;
static bool synced;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "commit_rocksdb: %s: %s\n", what, why);
	_exit(1); /* the other threads are still at work */
}

static rocksdb_t *open_db(const char *dir, const char *how)
{
	rocksdb_options_t *options = rocksdb_options_create();
	char *error = NULL;

	rocksdb_options_set_create_if_missing(options, 1);
	rocksdb_options_set_paranoid_checks(options, 1);
	rocksdb_options_set_compression(options, rocksdb_no_compression);
	rocksdb_options_set_write_buffer_size(options, 256 << 10);
	rocksdb_options_set_level0_file_num_compaction_trigger(options, 2);
	rocksdb_options_set_allow_mmap_writes(options, !strcmp(how, "mmap-writes"));
	db = rocksdb_open(options, dir, &error);
	if (error)
		die("open", error);
	rocksdb_options_destroy(options);
	return db;
}

static void commit(rocksdb_writeoptions_t *options, unsigned int writer, uint64_t number)
{
	rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
	char key[COMMIT_KEY_MAX], value[COMMIT_VALUE_MAX], *error = NULL;
	size_t length = commit_value(value, writer, number);

	commit_key(key, writer, number);
	rocksdb_writebatch_put(batch, key, strlen(key), value, length);
	commit_newest_key(key, writer);
	rocksdb_writebatch_put(batch, key, strlen(key), (char *)&number, sizeof(number));
	rocksdb_write(db, options, batch, &error);
	if (error)
		die("write", error);
	commit_acknowledge(writer, number);
	rocksdb_writebatch_destroy(batch);
}

static void *write_all(void *writer)
{
	rocksdb_writeoptions_t *options = rocksdb_writeoptions_create();

	rocksdb_writeoptions_set_sync(options, synced);
	for (uint64_t number = first; !count || number < first + count; number++)
		commit(options, (uintptr_t)writer, number);
	return NULL;
}

static int load(unsigned int writers)
{
	pthread_t thread;

	for (uintptr_t writer = 1; writer <= writers; writer++)
		if (pthread_create(&thread, NULL, write_all, (void *)writer))
			die("pthread_create", "failed");
	pause();
	return 1;
}

static void unsound(const char *why, const char *what, size_t length)
{
	printf("unsound: %s: %.*s\n", why, (int)length, what);
}

static bool is_there(unsigned int writer, uint64_t number)
{
	rocksdb_readoptions_t *options = rocksdb_readoptions_create();
	char key[COMMIT_KEY_MAX], *value, *error = NULL;
	size_t length;
	bool is;

	commit_key(key, writer, number);
	value = rocksdb_get(db, options, key, strlen(key), &length, &error);
	is = !error && commit_is_value(value, length, writer, number);
	free(value);
	free(error);
	rocksdb_readoptions_destroy(options);
	return is;
}

/* What is stored of a writer is told by his newest: that commit is there, and no younger one. */
static void check_newest(const char *key, size_t key_length, const char *value, size_t length)
{
	unsigned int writer = atoi(key + strlen("newest:"));
	uint64_t number;

	if (length == sizeof(number))
		memcpy(&number, value, sizeof(number));
	if (length != sizeof(number) || !is_there(writer, number) || is_there(writer, number + 1))
		unsound("not the newest", key, key_length);
}

/* Reads all there is, with checksums. */
static void check_everything(void)
{
	rocksdb_readoptions_t *options = rocksdb_readoptions_create();
	rocksdb_iterator_t *at;
	char *error = NULL;

	rocksdb_readoptions_set_verify_checksums(options, 1);
	at = rocksdb_create_iterator(db, options);
	for (rocksdb_iter_seek_to_first(at); rocksdb_iter_valid(at); rocksdb_iter_next(at)) {
		size_t key_length, length;
		const char *key = rocksdb_iter_key(at, &key_length);
		const char *value = rocksdb_iter_value(at, &length);
		char text[COMMIT_KEY_MAX] = "";
		unsigned int writer;
		uint64_t number;

		if (key_length < sizeof(text))
			memcpy(text, key, key_length);
		if (!strncmp(text, "newest:", 7))
			check_newest(text, key_length, value, length);
		else if (sscanf(text, "commit:%u:%" SCNu64, &writer, &number) != 2 ||
			 !commit_is_value(value, length, writer, number))
			unsound("contents", key, key_length);
	}
	rocksdb_iter_get_error(at, &error);
	if (error)
		unsound("iterator", error, strlen(error));
	rocksdb_iter_destroy(at);
	rocksdb_readoptions_destroy(options);
}

static int check(void)
{
	unsigned int writer;
	uint64_t number, there = 0;

	check_everything();
	while (commit_next(&writer, &number))
		if (is_there(writer, number))
			there++;
		else
			printf("lost %u %" PRIu64 "\n", writer, number);
	rocksdb_close(db);
	printf("there %" PRIu64 "\n", there);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 7 && !strcmp(argv[1], "load")) {
		first = strtoull(argv[4], NULL, 10);
		count = strtoull(argv[5], NULL, 10);
		synced = !strcmp(argv[6], "synced");
		open_db(argv[2], argv[6]);
		return load(atoi(argv[3]));
	}
	if (argc == 3 && !strcmp(argv[1], "check")) {
		open_db(argv[2], "plain");
		return check();
	}
	fprintf(stderr, "usage: commit_rocksdb load DIR WRITERS FIRST COUNT HOW\n"
			"       commit_rocksdb check DIR <ACKNOWLEDGED\n");
	return 2;
}

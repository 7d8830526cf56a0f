/* SPDX-License-Identifier: MIT */
/*
 * The files of databases as Debian 12 packages them, as traces of their opens show.
 *
 * Patterns are names, or ends of paths: data directories lie anywhere, and rules are matched after
 * symbolic links are resolved, which pg_wal and tablespaces often are. A file is matched by the
 * name that it has when it is written, so names that are changed later are here as well.
 */
#include "tool/tool.h"

#define DIGITS_3 "[0-9][0-9][0-9]"
#define DIGITS_6 DIGITS_3 DIGITS_3
#define HEX_8                                                                                      \
	"[0-9A-F][0-9A-F][0-9A-F][0-9A-F]"                                                         \
	"[0-9A-F][0-9A-F][0-9A-F][0-9A-F]"

#define PATTERNS(...) ((const char *const[]){ __VA_ARGS__, NULL })

const struct wt_preset wt_presets[] = {
	{
		.name = "sqlite",
		.note = "for a database under another name, add a rule for it",
		.also = PATTERNS("sqlite3", "sqlite-wal"),
		.untouched = PATTERNS("*-shm", "etilqs_*"),
		/*
		 * -mj: a super-journal, which ties together the journals of a commit in several
		 * files.
		 */
		.written = PATTERNS("*-wal", "*-journal", "*-mj??????9??", "*.db", "*.db3",
				    "*.sqlite", "*.sqlite3"),
	},
	{
		.name = "postgresql",
		.note = "servers, and what their archive_command runs",
		.also = PATTERNS("postgres", "pg", "pgsql", "postmaster", "psql", "timescaledb"),
		/*
		 * These are rebuilt after a crash, or of no use then. postmaster.pid is not among
		 * them: the server refuses to start if its name is on the disk and its bytes are
		 * not.
		 */
		.untouched = PATTERNS(
			"*/pgsql_tmp/*", "*/pg_stat_tmp/*", "*/pg_subtrans/*", "*/pg_notify/*",
			"*/pg_serial/*", "*/pg_snapshots/*", "*/pg_dynshmem/*",
			"*/pg_wal/archive_status/*", "*/base/[0-9]*/t[0-9]*_[0-9]*",
			"*/PG_[0-9]*/[0-9]*/t[0-9]*_[0-9]*", "pg_internal.init*", "postmaster.opts",
			".s.PGSQL.*", "current_logfiles*", "postgresql-*.log"),
		.written = PATTERNS(HEX_8 HEX_8 HEX_8, HEX_8 HEX_8 HEX_8 ".partial",
				    HEX_8 ".history", "xlogtemp.*", "*/base/[0-9]*/*", "*/global/*",
				    "*/PG_[0-9]*/[0-9]*/*", "*/pg_xact/*", "*/pg_multixact/*",
				    "*/pg_commit_ts/*", "*/pg_twophase/*", "*/pg_replslot/*",
				    "*/pg_logical/*", "postmaster.pid"),
	},
	{
		.name = "redis",
		.note = "its append-only files, dumps and the cluster's nodes.conf, by their "
			"default names",
		.also = PATTERNS("redis-server", "valkey", "valkey-server", "keydb"),
		.untouched = PATTERNS("redis*.log", "redis*.pid"),
		.written = PATTERNS("*.aof", "*.aof.manifest", "*.rdb", "nodes*.conf"),
	},
	{
		.name = "rocksdb",
		.note = "LOG and LOCK hold no data",
		.also = PATTERNS("rocks", "librocksdb", "myrocks"),
		.untouched = PATTERNS("LOCK", "LOG", "LOG.old.*"),
		.written = PATTERNS(DIGITS_6 "*.log", "*.sst", "*.blob", "*.dbtmp", "MANIFEST-*",
				    "OPTIONS-*"),
	},
	{
		.name = "lmdb",
		.note = "not for MDB_WRITEMAP, which stores into a mapping",
		.also = PATTERNS("mdb", "liblmdb", "openldap", "slapd"),
		.untouched = PATTERNS("lock.mdb", "*-lock"),
		.written = PATTERNS("*.mdb", "*.lmdb"),
	},
	{
		.name = "mariadb",
		.note = "with innodb_use_native_aio=0, or libwt does not see InnoDB's data writes; "
			"MySQL's redo log, #innodb_redo, needs a rule besides",
		.also = PATTERNS("mysql", "mysqld", "mariadbd", "innodb", "percona"),
		.untouched = PATTERNS("ibtmp*", "\\#sql-temptable-*", "ib_buffer_pool*", "tc.log",
				      "*-slow.log", "*.err", "*.pid"),
		/* Binary and relay logs end in six digits whatever they are called. */
		.written = PATTERNS("ib_logfile*", "aria_log.*", "aria_log_control", "*." DIGITS_6,
				    "*.index", "*.state", "*.info", "ddl_recovery.log", "ibdata*",
				    "*.ibd", "undo" DIGITS_3, "*.MAD", "*.MAI", "*.MYD", "*.MYI",
				    "*.CSV", "*.CSM", "*.MRG", "*.frm", "*.par", "*.TR[GN]*",
				    "*.isl", "db.opt"),
	},
	{ .name = NULL },
};

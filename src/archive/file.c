/*
 * file.c
 *	  The manifest of the files that archived rows went to.
 *
 * All functions here but po_file_checksum and po_file_problem need SPI, which the
 * caller has connected.
 */
#include "postgres.h"

#include <unistd.h>

#include "archive/file.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "core/own.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define CHUNK_BYTES 65536

/* Returns the number of the next file. */
int64
po_file_next_id(void)
{
	bool		isnull;

	po_own_execute("SELECT pg_catalog.nextval('perf_optimizer.archive_file_id_seq'::pg_catalog.regclass)",
				   0, NULL, NULL, NULL);
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/* Records a file of a run. */
void
po_file_record(PoArchivePolicy *policy, int64 run_id, const PoFile *file)
{
	Oid			types[] = {INT8OID, INT4OID, TEXTOID, REGROLEOID, INT8OID, TEXTOID, TEXTOID, INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[] = {Int64GetDatum(file->file_id), Int32GetDatum(policy->id), CStringGetTextDatum(policy->name),
		ObjectIdGetDatum(policy->owner), Int64GetDatum(run_id), CStringGetTextDatum(file->path), CStringGetTextDatum(file->columns),
		Int64GetDatum(file->rows), Int64GetDatum(file->bytes), CStringGetTextDatum(file->sha256),
	TimestampTzGetDatum(file->oldest), TimestampTzGetDatum(file->newest)};

	po_own_execute("INSERT INTO perf_optimizer.archive_file (file_id, policy_id, policy, owner, run_id, path, columns, row_count,"
				   " bytes, sha256, oldest, newest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
				   lengthof(types), types, values, NULL);
}

/* Turns a result row into a file. */
static PoFile *
read_file(uint64 row)
{
	HeapTuple	tuple = SPI_tuptable->vals[row];
	TupleDesc	desc = SPI_tuptable->tupdesc;
	PoFile	   *file = palloc0(sizeof(PoFile));
	bool		isnull;

	file->file_id = DatumGetInt64(SPI_getbinval(tuple, desc, 1, &isnull));
	file->path = SPI_getvalue(tuple, desc, 2);
	file->columns = SPI_getvalue(tuple, desc, 3);
	file->rows = DatumGetInt64(SPI_getbinval(tuple, desc, 4, &isnull));
	file->bytes = DatumGetInt64(SPI_getbinval(tuple, desc, 5, &isnull));
	file->sha256 = SPI_getvalue(tuple, desc, 6);
	file->oldest = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 7, &isnull));
	file->newest = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 8, &isnull));
	return file;
}

/* Returns the files of a policy that have rows from a moment on and before another, oldest first. */
List *
po_file_list(PoArchivePolicy *policy, TimestampTz from, TimestampTz until)
{
	Oid			types[] = {INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[] = {Int32GetDatum(policy->id), TimestampTzGetDatum(from), TimestampTzGetDatum(until)};
	uint64		n = po_own_execute("SELECT file_id, path, columns, row_count, bytes, sha256, oldest, newest FROM perf_optimizer.archive_file"
								   " WHERE policy_id OPERATOR(pg_catalog.=) $1 AND purged_at IS NULL"
								   " AND newest OPERATOR(pg_catalog.>=) $2 AND oldest OPERATOR(pg_catalog.<) $3"
								   " ORDER BY oldest, file_id", 3, types, values, NULL);
	List	   *files = NIL;

	for (uint64 i = 0; i < n; i++)
		files = lappend(files, read_file(i));
	return files;
}

/* Feeds a file into a hash; returns its length. */
static int64
hash_file(FILE *file, const char *path, pg_cryptohash_ctx *hash)
{
	uint8	   *chunk = palloc(CHUNK_BYTES);
	int64		bytes = 0;
	size_t		n;

	while ((n = fread(chunk, 1, CHUNK_BYTES, file)) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		if (pg_cryptohash_update(hash, chunk, n) < 0)
			elog(ERROR, "could not compute a checksum");
		bytes += n;
	}
	if (ferror(file))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read file \"%s\": %m", path)));
	pfree(chunk);
	return bytes;
}

/*
 * Returns the SHA-256 of a file in hexadecimal and sets its length; NULL when
 * there is no such file.  Raises the system's error when it cannot be read.
 */
char *
po_file_checksum(const char *path, int64 *bytes)
{
	FILE	   *file = AllocateFile(path, PG_BINARY_R);
	pg_cryptohash_ctx *hash;
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char	   *hex = palloc(PG_SHA256_DIGEST_STRING_LENGTH);

	if (file == NULL && errno == ENOENT)
		return NULL;
	if (file == NULL)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\": %m", path)));
	hash = pg_cryptohash_create(PG_SHA256);
	if (hash == NULL || pg_cryptohash_init(hash) < 0)
		elog(ERROR, "could not compute a checksum");
	*bytes = hash_file(file, path, hash);
	if (pg_cryptohash_final(hash, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute a checksum");
	pg_cryptohash_free(hash);
	FreeFile(file);
	for (int i = 0; i < PG_SHA256_DIGEST_LENGTH; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return hex;
}

/* Returns what is wrong with a file, compared with its row in the manifest; NULL when nothing is. */
char *
po_file_problem(const PoFile *file)
{
	int64		bytes;
	char	   *sha256 = po_file_checksum(file->path, &bytes);

	if (sha256 == NULL)
		return psprintf("file \"%s\" is missing", file->path);
	if (bytes != file->bytes || strcmp(sha256, file->sha256) != 0)
		return psprintf("file \"%s\" has been changed: its length or checksum is not the recorded one", file->path);
	return NULL;
}

/*
 * Removes the oldest file of a policy whose rows are all older than a cutoff and
 * returns how many rows it had, -1 when there is none.  The file goes before the
 * commit, so one that a crash leaves in the manifest is tried again.
 */
int64
po_file_remove_older(PoArchivePolicy *policy, TimestampTz cutoff)
{
	Oid			types[] = {INT4OID, TIMESTAMPTZOID};
	Datum		values[] = {Int32GetDatum(policy->id), TimestampTzGetDatum(cutoff)};
	char	   *path;
	bool		isnull;

	if (po_own_execute("UPDATE perf_optimizer.archive_file SET purged_at = pg_catalog.now() WHERE file_id OPERATOR(pg_catalog.=)"
					   " (SELECT f.file_id FROM perf_optimizer.archive_file f WHERE f.policy_id OPERATOR(pg_catalog.=) $1"
					   " AND f.purged_at IS NULL AND f.newest OPERATOR(pg_catalog.<) $2 ORDER BY f.newest LIMIT 1)"
					   " RETURNING path, row_count", 2, types, values, NULL) == 0)
		return -1;
	path = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (unlink(path) != 0 && errno != ENOENT)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not remove file \"%s\": %m", path)));
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
}

/* Records that rows of a file went back to the table. */
void
po_file_set_restored(int64 file_id, int64 rows)
{
	Oid			types[] = {INT8OID, INT8OID};
	Datum		values[] = {Int64GetDatum(file_id), Int64GetDatum(rows)};

	po_own_execute("UPDATE perf_optimizer.archive_file SET rows_restored = rows_restored OPERATOR(pg_catalog.+) $2"
				   " WHERE file_id OPERATOR(pg_catalog.=) $1", 2, types, values, NULL);
}

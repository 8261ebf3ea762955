/*
 * export.c
 *	  Moving rows into files of the server.
 *
 * A batch becomes one CSV file: COPY of DELETE ... RETURNING writes it under a
 * temporary name, it is flushed to disk and renamed, and its row in the manifest
 * (archive_file) is committed together with the deletion.  Only files in the
 * manifest count; one without a row there is what a crash left of a batch whose
 * rows are still in the table.  A batch that is rolled back takes its file away;
 * only the server's own word that a transaction has aborted may do that.
 */
#include "postgres.h"

#include <ctype.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xact.h"
#include "archive/columns.h"
#include "archive/cutoff.h"
#include "archive/export.h"
#include "archive/file.h"
#include "catalog/pg_authid.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/builtins.h"

struct PoExport
{
	PoArchivePolicy *policy;
	int64		run_id;
	char	   *columns;
};

/* The files of the batch whose transaction is open; empty when there are none. */
static char temporary[MAXPGPATH];
static char path[MAXPGPATH];

/* Removes the files of a batch that has been rolled back. */
static void
discard_files(void)
{
	if (temporary[0] != '\0')
		(void) unlink(temporary);
	if (path[0] != '\0')
		(void) unlink(path);
	temporary[0] = path[0] = '\0';
}

/* Lets the file of a batch that has committed stay, and removes that of one that has not. */
static void
end_of_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT)
		temporary[0] = path[0] = '\0';
	else if (event == XACT_EVENT_ABORT)
		discard_files();
}

/* Removes the file of a batch whose subtransaction was rolled back. */
static void
end_of_subtransaction(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		discard_files();
}

/* Asks to be told of the ends of transactions, once in a process. */
static void
watch_transactions(void)
{
	static bool watching = false;

	if (watching)
		return;
	RegisterXactCallback(end_of_transaction, NULL);
	RegisterSubXactCallback(end_of_subtransaction, NULL);
	watching = true;
}

/* Tells whether the role that works on the tables can write into the policy's directory, and why not. */
bool
po_export_is_possible(PoArchivePolicy *policy, const char **problem)
{
	struct stat st;

	if (!has_privs_of_role(po_policy_run_as(policy), ROLE_PG_WRITE_SERVER_FILES))
		*problem = psprintf("role %s lacks the rights of pg_write_server_files, which writing files needs: grant it",
							GetUserNameFromId(po_policy_run_as(policy), false));
	else if (stat(policy->export_directory, &st) != 0 || !S_ISDIR(st.st_mode))
		*problem = psprintf("\"%s\" is not a directory of the server: make it", policy->export_directory);
	else if (access(policy->export_directory, W_OK | X_OK) != 0)
		*problem = psprintf("the server cannot write into directory \"%s\": give its system user the rights",
							policy->export_directory);
	else
		return true;
	return false;
}

/* Prepares moving rows of a policy into files; lives in the current context. */
PoExport *
po_export_begin(PoArchivePolicy *policy, int64 run_id)
{
	PoExport   *export = palloc0(sizeof(PoExport));

	watch_transactions();
	export->policy = policy;
	export->run_id = run_id;
	export->columns = po_columns_stored(policy->relation);
	return export;
}

/* Appends a name to a path, what is not fit for a file's name replaced. */
static void
append_file_name(StringInfo file, const char *name)
{
	for (const char *c = name; *c; c++)
		appendStringInfoChar(file, isalnum((unsigned char) *c) || strchr("-_.", *c) ? *c : '_');
}

/* Chooses the names of the next file; raises 58P02 when it exists. */
static void
choose_names(PoExport *export, int64 file_id)
{
	StringInfoData name;
	struct stat st;

	initStringInfo(&name);
	appendStringInfo(&name, "%s/", export->policy->export_directory);
	append_file_name(&name, export->policy->name);
	appendStringInfo(&name, "-" INT64_FORMAT ".csv", file_id);
	if (name.len + 5 > MAXPGPATH)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("file name \"%s\" is too long", name.data),
				 errhint("Export to a directory with a shorter path.")));
	if (lstat(name.data, &st) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_FILE),
				 errmsg("file \"%s\" already exists", name.data),
				 errhint("Give each database a directory of its own.")));
	snprintf(temporary, MAXPGPATH, "%s.tmp", name.data);
	strlcpy(path, name.data, MAXPGPATH);
}

/* Writes the rows of a statement to the temporary file; returns how many. */
static int64
write_file(PoExport *export, const char *source)
{
	char	   *sql = psprintf("COPY (DELETE %s RETURNING %s) TO %s WITH (FORMAT csv, HEADER, ENCODING %s)", source,
							   export->columns, quote_literal_cstr(temporary),
							   quote_literal_cstr(GetDatabaseEncodingName()));
	int			rc = SPI_execute(sql, false, 0);

	if (rc < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(rc));
	return (int64) SPI_processed;
}

/*
 * Moves the rows of "FROM ONLY leaf t WHERE ..." to a file and returns how many;
 * first and last are their times.  Part of the batch's transaction.  Raises the
 * system's error when the file cannot be written.
 */
int64
po_export_rows(PoExport *export, const char *source, Datum first, Datum last)
{
	PoFile		file = {.file_id = po_file_next_id()};

	choose_names(export, file.file_id);
	file.rows = write_file(export, source);
	if (file.rows == 0)
	{
		discard_files();
		return 0;
	}
	(void) durable_rename(temporary, path, ERROR);
	temporary[0] = '\0';
	file.path = path;
	file.columns = export->columns;
	file.sha256 = po_file_checksum(path, &file.bytes);
	file.oldest = po_cutoff_moment(export->policy, first);
	file.newest = po_cutoff_moment(export->policy, last);
	po_file_record(export->policy, export->run_id, &file);
	return file.rows;
}

/*
 * verify.c
 *	  Checking an archive against its table and its records.
 *
 * What can be known afterwards: that no row is in both tables, or that a copy is
 * the same as its original; that as many rows are in the archive as were put
 * there; that files are as they were written.  Nothing is changed.
 */
#include "postgres.h"

#include "archive/columns.h"
#include "archive/digest.h"
#include "archive/file.h"
#include "archive/preflight.h"
#include "archive/verify.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "core/own.h"
#include "core/relname.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

/* Adds a result. */
static void
add(List **results, const char *check, int64 expected, int64 found, bool ok, const char *message)
{
	PoVerifyResult *result = palloc(sizeof(PoVerifyResult));

	result->check = check;
	result->ok = ok;
	result->expected = expected;
	result->found = found;
	result->message = message;
	*results = lappend(*results, result);
}

/* Returns the one number that a query gives. */
static int64
fetch_number(const char *sql)
{
	bool		isnull;

	if (SPI_execute(sql, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "unexpected result of a query");
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/*
 * Returns the number of rows that runs have put into a policy's archive and that
 * have not left it since; fills how many of those that came or left as whole
 * partitions were estimated.
 */
static int64
recorded_rows(PoArchivePolicy *policy, int64 *estimated)
{
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(policy->id)};
	bool		isnull;

	po_own_execute("SELECT coalesce(pg_catalog.sum(CASE WHEN action OPERATOR(pg_catalog.=) 'restore' THEN 0 OPERATOR(pg_catalog.-) rows_archived"
				   " ELSE rows_archived OPERATOR(pg_catalog.-) rows_purged END), 0)::pg_catalog.int8,"
				   " coalesce(pg_catalog.sum(rows_estimated), 0)::pg_catalog.int8"
				   " FROM perf_optimizer.archive_run WHERE policy_id OPERATOR(pg_catalog.=) $1", 1, types, values, NULL);
	*estimated = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/* Returns the query that counts the pairs of rows of both tables with the same key and a condition on them. */
static char *
count_pairs(PoArchivePolicy *policy, const char *same_key, const char *condition)
{
	List	   *blockers = NIL;
	char	   *columns = po_columns_shared(policy->relation, policy->destination, PO_COLUMNS_ADD, &blockers);

	return psprintf("SELECT pg_catalog.count(*) FROM (SELECT %s FROM %s) p JOIN (SELECT %s FROM %s) d ON %s%s",
					columns, po_relname_qualified(policy->relation), columns,
					po_relname_qualified(policy->destination), same_key, condition);
}

/* Checks the rows that are in both tables. */
static void
check_pairs(PoArchivePolicy *policy, List **results)
{
	char	   *same_key = po_columns_same_key(policy->relation, "p", "d");
	int64		found;

	if (same_key == NULL)
		return;
	if (policy->strategy == PO_ARCHIVE_COPY)
	{
		found = fetch_number(count_pairs(policy, same_key,
										 " WHERE p::pg_catalog.text OPERATOR(pg_catalog.<>) d::pg_catalog.text"));
		add(results, "copies that differ", 0, found, found == 0,
			found == 0 ? NULL : "rows were changed in the table after they were copied, or in the archive");
		return;
	}
	found = fetch_number(count_pairs(policy, same_key, ""));
	add(results, "rows in both tables", 0, found, found == 0,
		found == 0 ? NULL : get_rel_relkind(policy->destination) == RELKIND_FOREIGN_TABLE
		? "a run was interrupted after the other server had committed: the next run removes those here that are the same there"
		: "rows with these keys were written again");
}

/* Checks that the rows in the archive, as many as were put there, are the ones that were. */
static void
check_content(PoArchivePolicy *policy, int64 rows, List **results)
{
	char	   *expression = po_digest_expression(policy);
	int64		digest;
	bool		same;

	if (expression == NULL || !po_digest_recorded(policy, expression, &digest))
		return;
	same = po_digest_compute(policy, expression) == digest;
	add(results, "content of the archive", rows, same ? rows : 0, same,
		same ? NULL : "rows in the archive are not as they were when they came there");
}

/* Says what a count of the archive means. */
static const char *
explain_count(int64 expected, int64 estimated, int64 found)
{
	if (estimated > 0)
		return psprintf("large partitions move as a whole and are not counted then: of the rows expected, " INT64_FORMAT " are estimates",
						estimated);
	if (found == expected)
		return NULL;
	return found > expected ? "the archive has rows that no run of this policy has put there"
		: "rows have left the archive that no purge and no restore has taken";
}

/* Checks that the archive has as many rows as the runs have put there, as far as they were counted. */
static void
check_count(PoArchivePolicy *policy, List **results)
{
	int64		estimated;
	int64		expected = recorded_rows(policy, &estimated);
	int64		found = fetch_number(psprintf("SELECT pg_catalog.count(*) FROM %s",
											  po_relname_qualified(policy->destination)));

	add(results, "rows in the archive", expected, found, found >= expected - estimated,
		explain_count(expected, estimated, found));
	if (found == expected && found > 0)
		check_content(policy, found, results);
}

/* Checks the files of a policy, one result each. */
static void
check_files(PoArchivePolicy *policy, List **results)
{
	ListCell   *cell;

	foreach(cell, po_file_list(policy, DT_NOBEGIN, DT_NOEND))
	{
		PoFile	   *file = lfirst(cell);
		char	   *problem = po_file_problem(file);

		CHECK_FOR_INTERRUPTS();
		add(results, psprintf("file %s", file->path), file->rows, problem ? 0 : file->rows, problem == NULL, problem);
	}
}

/*
 * Checks a policy's archive and returns PoVerifyResults.  The caller has connected
 * SPI, the policy's settings and the identity that works on the tables.  Raises
 * 55000 when a table is gone.
 */
List *
po_verify(PoArchivePolicy *policy)
{
	List	   *results = NIL;

	if (policy->export_directory)
		check_files(policy, &results);
	if (!OidIsValid(policy->destination))
		return results;
	if (get_rel_relkind(policy->relation) == '\0' || get_rel_relkind(policy->destination) == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a table of archive policy \"%s\" does not exist any more", policy->name),
				 errhint("Remove the policy with SELECT perf_optimizer.drop_archive_policy(%s).",
						 quote_literal_cstr(policy->name))));
	check_pairs(policy, &results);
	check_count(policy, &results);
	return results;
}

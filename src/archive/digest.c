/*
 * digest.c
 *	  A number for the content of archived rows, whatever their order.
 *
 * The digest of rows is the exclusive or of a hash of each.  What a run puts into
 * the archive and what it takes out of it change it the same way, so the digests of
 * all runs together are that of the rows that must be there.  Two equal rows leave no
 * trace in it: rows are counted as well.
 *
 * Each run records by which expression it hashed.  Digests by different ones, after a
 * column was added, cannot be compared.
 */
#include "postgres.h"

#include "access/table.h"
#include "archive/columns.h"
#include "archive/digest.h"
#include "catalog/pg_type.h"
#include "core/own.h"
#include "core/relname.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

/* Tells whether the values of all columns of a relation can be hashed as they are. */
static bool
is_hashable(Oid relation)
{
	Relation	rel = table_open(relation, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	bool		result = true;

	for (int i = 0; i < desc->natts && result; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			result = OidIsValid(lookup_type_cache(TupleDescAttr(desc, i)->atttypid,
												  TYPECACHE_HASH_EXTENDED_PROC)->hash_extended_proc);
	table_close(rel, NoLock);
	return result;
}

/*
 * Returns the expression that hashes one row, over the unqualified columns that the
 * policy's table and archive share; NULL for a policy whose archive is no table that
 * rows move to.  Values that have no hash of their own are hashed as text.
 */
char *
po_digest_expression(const PoArchivePolicy *policy)
{
	List	   *blockers = NIL;
	char	   *columns;

	if (policy->strategy != PO_ARCHIVE_MOVE || !OidIsValid(policy->destination))
		return NULL;
	columns = po_columns_shared(policy->relation, policy->destination, PO_COLUMNS_ADD, &blockers);
	if (is_hashable(policy->relation))
		return psprintf("pg_catalog.hash_record_extended(ROW(%s), 0)", columns);
	return psprintf("pg_catalog.hashtextextended(ROW(%s)::pg_catalog.text COLLATE pg_catalog.\"C\", 0)", columns);
}

/*
 * Sets the digest of the rows that runs have put into the archive and that have not left it since; false when a
 * run did not record it by this expression.  The caller has connected SPI.
 */
bool
po_digest_recorded(const PoArchivePolicy *policy, const char *expression, int64 *digest)
{
	Oid			types[] = {INT4OID, TEXTOID};
	Datum		values[] = {Int32GetDatum(policy->id), CStringGetTextDatum(expression)};
	bool		isnull;

	po_own_execute("SELECT coalesce(pg_catalog.bit_xor(digest), 0::pg_catalog.int8),"
				   " coalesce(pg_catalog.bool_and(digest_of IS NOT DISTINCT FROM $2), false)"
				   " FROM perf_optimizer.archive_run WHERE policy_id OPERATOR(pg_catalog.=) $1"
				   " AND (rows_archived OPERATOR(pg_catalog.>) 0 OR rows_purged OPERATOR(pg_catalog.>) 0)",
				   2, types, values, NULL);
	*digest = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	return DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
}

/* Returns the digest of the rows that are in the archive now.  The caller has connected SPI. */
int64
po_digest_compute(const PoArchivePolicy *policy, const char *expression)
{
	bool		isnull;

	if (SPI_execute(psprintf("SELECT coalesce(pg_catalog.bit_xor(%s), 0::pg_catalog.int8) FROM %s", expression,
							 po_relname_qualified(policy->destination)), true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the archive");
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/*
 * source.c
 *	  What a statement is planned for: given values, captured ones, types, or nothing.
 *
 * A text with parameters and no values for them is planned as one of its executions was,
 * where the current role ran it before and that was captured; else with the types that
 * its constants had; else with what the text alone says.  Only the role's own samples
 * are used, and only under the search_path that they had, for they are planned here and
 * now with its rights.  They are never executed: nobody gave those values in this call.
 *
 * A normalised text has not the identifier of the statement that it stands for, so that
 * is looked up by the text among those of pg_stat_statements, read once in a statement.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "core/preload.h"
#include "core/statements.h"
#include "executor/spi.h"
#include "explain/source.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "plan/repair.h"
#include "plan/sample.h"
#include "utils/memutils.h"

/* One statement of the current role. */
typedef struct KnownText
{
	uint64		hash;			/* of its normalised text */
	int64		queryid;
} KnownText;

/* The current role's statements as they were when the running SQL statement began. */
static MemoryContext known_context = NULL;
static KnownText *known = NULL;
static int	nknown = 0;
static Oid	known_role = InvalidOid;
static TimestampTz known_at = 0;

/* Returns the hash of a text. */
static uint64
hash_text(const char *text)
{
	return hash_bytes_extended((const unsigned char *) text, (int) strlen(text), 0);
}

/* Keeps the rows of the SPI result. */
static void
keep_rows(void)
{
	known = MemoryContextAlloc(known_context, sizeof(KnownText) * Max(SPI_processed, 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		char	   *text = SPI_getvalue(row, SPI_tuptable->tupdesc, 2);
		bool		isnull;

		known[i].queryid = DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
		known[i].hash = hash_text(text);
		pfree(text);
	}
	nknown = (int) SPI_processed;
}

/* Reads the texts of the current role's statements in this database. */
static void
read_known(void)
{
	PoStatementsView view;
	StringInfoData sql;

	if (known_context == NULL)
		known_context = AllocSetContextCreate(CacheMemoryContext, "perf_optimizer known statements",
											  ALLOCSET_SMALL_SIZES);
	nknown = 0;
	MemoryContextReset(known_context);
	known_role = GetUserId();
	known_at = GetCurrentStatementStartTimestamp();
	if (!po_statements_lookup(&view))
		return;
	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "SELECT s.queryid, s.query FROM %s s WHERE s.dbid OPERATOR(pg_catalog.=) %u"
					 " AND s.userid OPERATOR(pg_catalog.=) %u AND s.queryid IS NOT NULL"
					 " AND s.query OPERATOR(pg_catalog.~~) '%%$%%'",
					 view.name, MyDatabaseId, known_role);
	SPI_connect();
	if (SPI_execute(sql.data, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read pg_stat_statements");
	keep_rows();
	SPI_finish();
}

/* Returns the identifier of the current role's statement with a normalised text, 0 when it is not known. */
static int64
find_by_text(const char *text)
{
	uint64		hash = hash_text(text);

	if (known_role != GetUserId() || known_at != GetCurrentStatementStartTimestamp())
		read_known();
	for (int i = 0; i < nknown; i++)
		if (known[i].hash == hash)
			return known[i].queryid;
	return 0;
}

/* Plans a statement as a captured execution was; returns NULL where that does not work here and now. */
static PoStatement *
parse_sample(const PoSample *sample)
{
	PoStatement *statement;

	if (!sample->plannable || strcmp(sample->search_path, namespace_search_path) != 0)
		return NULL;
	statement = po_query_try(sample->text, &sample->params);
	return statement != NULL && statement->queryid == sample->queryid ? statement : NULL;
}

/* Plans a statement with the types that a captured execution had; returns NULL where they are not known or do not fit. */
static PoStatement *
parse_typed(const char *text, const PoSample *sample, int nparams)
{
	PoParams	params = {.nvalues = -1};

	params.ntypes = Max(sample->params.ntypes, sample->nconsts > 0 ? sample->first_const + sample->nconsts : 0);
	if (sample->nconsts < 0 || params.ntypes < nparams)
		return NULL;
	params.types = palloc0(sizeof(Oid) * params.ntypes);
	memcpy(params.types, sample->params.types, sizeof(Oid) * sample->params.ntypes);
	for (int i = 0; i < sample->nconsts; i++)
		params.types[sample->first_const + i] = sample->const_types[i];
	params.ntypes = nparams;
	return po_query_try(text, &params);
}

/* Returns a better form of a statement that was parsed without values, or the statement itself. */
static PoStatement *
improve(PoStatement *statement, const char *text)
{
	PoSample   *sample = po_sample_find(statement->queryid, GetUserId());
	PoStatement *better = NULL;

	if (sample == NULL)
	{
		int64		queryid = find_by_text(text);

		if (queryid == 0)
			return statement;
		statement->queryid = queryid;
		sample = po_sample_find(queryid, GetUserId());
	}
	if (sample != NULL)
		better = parse_sample(sample);
	if (sample != NULL && better == NULL)
		better = parse_typed(text, sample, statement->nparams);
	if (better == NULL)
		return statement;
	better->queryid = statement->queryid;
	return better;
}

/*
 * Parses a statement for whoever explains it, see po_query_parse.  Where its parameters
 * have no values, those or the types of a captured execution are used.
 */
PoStatement *
po_source_parse(const char *text, const PoParams *params)
{
	PoStatement *statement = po_query_parse(text, params);

	if (statement->source != PO_SOURCE_GENERIC || !po_preload_done())
		return statement;
	return improve(statement, text);
}

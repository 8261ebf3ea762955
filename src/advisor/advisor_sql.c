/*
 * advisor_sql.c
 *	  SQL functions of the index advisor.
 */
#include "postgres.h"

#include <math.h>

#include "advisor/checks.h"
#include "advisor/read_workload.h"
#include "advisor/skipped.h"
#include "advisor/suggest.h"
#include "advisor/trigrams.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "core/args.h"
#include "core/srf.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(perf_optimizer_suggest_indexes);
PG_FUNCTION_INFO_V1(perf_optimizer_suggest_indexes_skipped);

/* When no index saves enough, those are looked for that save this share of it. */
#define SMALL_SHARE 0.01

/* Positions of the arguments of suggest_indexes. */
enum
{
	ARG_RELATION,
	ARG_QUERIES,
	ARG_WEIGHTS,
	ARG_BUDGET,
	ARG_MAX_INDEXES,
	ARG_MIN_IMPROVEMENT,
	ARG_TIME_LIMIT
};

/* Raises 22023 about one argument. */
static void
refuse_argument(const char *name, const char *need, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" must be %s", name, need),
			 errhint("%s", hint)));
}

/* Raises 42P01 or 42809 unless the relation is something that can have indexes. */
static void
check_relation(Oid relation)
{
	switch (get_rel_relkind(relation))
	{
		case RELKIND_RELATION:
		case RELKIND_MATVIEW:
		case RELKIND_PARTITIONED_TABLE:
			return;
		case '\0':
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_TABLE),
					 errmsg("relation with OID %u does not exist", relation)));
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" cannot have indexes", get_rel_name(relation)),
					 errhint("Pass a table, a partitioned table or a materialized view in \"relation\".")));
	}
}

/* Reads and checks the limits; raises 22023 for one that makes no sense, 22004 for a NULL minimum. */
static void
read_options(FunctionCallInfo fcinfo, PoSuggestOptions *options)
{
	options->relation = PG_ARGISNULL(ARG_RELATION) ? InvalidOid : PG_GETARG_OID(ARG_RELATION);
	options->budget = PG_ARGISNULL(ARG_BUDGET) ? -1 : PG_GETARG_INT64(ARG_BUDGET);
	options->max_indexes = PG_ARGISNULL(ARG_MAX_INDEXES) ? -1 : PG_GETARG_INT32(ARG_MAX_INDEXES);
	options->time_limit_ms = PG_ARGISNULL(ARG_TIME_LIMIT) ? -1 : PG_GETARG_INT32(ARG_TIME_LIMIT);
	po_args_require(fcinfo, ARG_MIN_IMPROVEMENT, "min_improvement_pct");
	options->min_improvement_pct = PG_GETARG_FLOAT8(ARG_MIN_IMPROVEMENT);

	if (!PG_ARGISNULL(ARG_RELATION))
		check_relation(options->relation);
	if (!PG_ARGISNULL(ARG_BUDGET) && options->budget <= 0)
		refuse_argument("storage_budget_bytes", "positive", "Pass NULL for no storage budget.");
	if (!PG_ARGISNULL(ARG_MAX_INDEXES) && options->max_indexes <= 0)
		refuse_argument("max_indexes", "positive", "Pass NULL for any number of indexes.");
	if (!PG_ARGISNULL(ARG_TIME_LIMIT) && options->time_limit_ms <= 0)
		refuse_argument("time_limit_ms", "positive", "Pass NULL for no time limit.");
	if (!(options->min_improvement_pct >= 0 && options->min_improvement_pct <= 100))
		refuse_argument("min_improvement_pct", "between 0 and 100",
						"It is what an index must save at least, in percent of the workload's cost.");
}

/* Reads argument "weights"; returns NULL when it is NULL.  Raises 22023 and 22004. */
static double *
read_weights(FunctionCallInfo fcinfo, int nqueries)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	double	   *weights;

	if (PG_ARGISNULL(ARG_WEIGHTS))
		return NULL;
	if (PG_ARGISNULL(ARG_QUERIES))
		refuse_argument("weights", "null without \"queries\"",
						"Weights belong to given queries; recorded statements are weighted by their calls.");
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(ARG_WEIGHTS), FLOAT8OID, sizeof(float8),
					  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, &nulls, &n);
	if (n != nqueries)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"weights\" has %d elements, but \"queries\" has %d", n, nqueries),
				 errhint("Pass one weight for each query.")));
	weights = palloc(sizeof(double) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			po_args_refuse_null_element("weights", i);
		weights[i] = DatumGetFloat8(elements[i]);
		if (!(weights[i] >= 0) || isinf(weights[i]))
			refuse_argument("weights", "finite and not negative",
							"A weight says how often a query runs, compared with the others.");
	}
	return weights;
}

/* Reads the workload: the given queries, else the recorded statements. */
static PoWorkload *
read_workload(FunctionCallInfo fcinfo)
{
	char	  **texts;
	int			n = po_args_text_array(fcinfo, ARG_QUERIES, "queries", false, &texts);
	double	   *weights = read_weights(fcinfo, n);

	if (PG_ARGISNULL(ARG_QUERIES))
		return po_workload_from_statistics("suggest_indexes without queries");
	if (n == 0)
		refuse_argument("queries", "null or not empty",
						"Pass NULL to take the statements of pg_stat_statements.");
	return po_workload_from_texts(texts, weights, n);
}

/* Emits one suggestion. */
static void
put_suggestion(PoRow *row, const PoSuggestion *suggestion, int rank)
{
	double		before = suggestion->cost_before;

	po_row_int4(row, rank);
	po_row_oid(row, suggestion->index->relid);
	po_row_text(row, suggestion->index->am_name);
	po_row_text(row, suggestion->index->definition);
	po_row_int8(row, suggestion->size_bytes);
	po_row_float8(row, before);
	po_row_float8(row, suggestion->cost_after);
	po_row_float8(row, before > 0 ? 100 * (before - suggestion->cost_after) / before : 0);
	po_row_float8(row, suggestion->write_cost_pct);
	po_row_int4(row, list_length(suggestion->improved));
	po_read_workload_put_ids(row, suggestion->improved);
	po_row_text(row, suggestion->reason);
	po_srf_emit(row);
}

/*
 * Tells when many indexes of which none saves enough by itself would save that together:
 * a workload of many different statements needs no index most of all, and yet some.
 */
static void
report_small_ones(PoWorkload *workload, const PoSuggestOptions *options)
{
	PoSuggestOptions small = *options;
	const char *ended_by;
	const PoSuggestion *last;
	List	   *suggestions;
	double		saved;

	small.min_improvement_pct *= SMALL_SHARE;
	suggestions = po_suggest_indexes(workload, &small, &ended_by);
	if (list_length(suggestions) < 2)
		return;
	last = (const PoSuggestion *) llast(suggestions);
	saved = 100 * (1 - last->cost_after / ((const PoSuggestion *) linitial(suggestions))->cost_before);
	if (saved >= options->min_improvement_pct)
		ereport(NOTICE,
				(errmsg("no index saves %g %% of the workload by itself, but %d would save %.1f %% together",
						options->min_improvement_pct, list_length(suggestions), saved),
				 errhint("Pass %g as \"min_improvement_pct\" to see them.", small.min_improvement_pct)));
}

/* suggest_indexes(...): the indexes that serve a workload best. */
Datum
perf_optimizer_suggest_indexes(PG_FUNCTION_ARGS)
{
	PoRow		row;
	PoSuggestOptions options;
	PoWorkload *workload;
	const char *ended_by;
	int			rank = 0;
	ListCell   *lc;

	read_options(fcinfo, &options);
	po_srf_begin(fcinfo, &row);
	workload = read_workload(fcinfo);
	po_read_workload_report(workload);
	po_checks_add(workload);
	foreach(lc, po_suggest_indexes(workload, &options, &ended_by))
		put_suggestion(&row, (const PoSuggestion *) lfirst(lc), ++rank);
	if (rank == 0 && ended_by == NULL && options.min_improvement_pct > 0)
		report_small_ones(workload, &options);
	po_trigrams_report(workload);
	if (ended_by != NULL)
		ereport(NOTICE,
				(errmsg("%s ended the search; these are the best indexes found so far", ended_by),
				 errhint("Raise \"%s\" for a longer search.", ended_by)));
	return (Datum) 0;
}

/* suggest_indexes_skipped(): what this session's last call left out. */
Datum
perf_optimizer_suggest_indexes_skipped(PG_FUNCTION_ARGS)
{
	PoRow		row;
	ListCell   *lc;

	po_srf_begin(fcinfo, &row);
	foreach(lc, po_skipped_get())
	{
		const PoSkipped *skipped = (const PoSkipped *) lfirst(lc);

		if (skipped->queryid != 0)
			po_row_int8(&row, skipped->queryid);
		else
			po_row_null(&row);
		po_row_text(&row, skipped->text);
		po_row_text(&row, skipped->reason);
		po_srf_emit(&row);
	}
	return (Datum) 0;
}

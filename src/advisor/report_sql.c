/*
 * report_sql.c
 *	  What the report on existing indexes needs from C.
 */
#include "postgres.h"

#include "access/table.h"
#include "advisor/overlap.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "core/args.h"
#include "core/own.h"
#include "core/rights.h"
#include "core/setting.h"
#include "core/srf.h"
#include "miscadmin.h"
#include "plan/hypo_parse.h"
#include "plan/size.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(perf_optimizer_index_expected_bytes);
PG_FUNCTION_INFO_V1(perf_optimizer_index_facts);

/* Returns the table of an index; raises 42P01 and 42809. */
static Oid
table_of_index(Oid index)
{
	char		relkind = get_rel_relkind(index);
	Oid			table = InvalidOid;

	if (relkind == RELKIND_INDEX)
		table = IndexGetRelation(index, true);
	else if (relkind != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not an index with storage", get_rel_name(index)),
				 errhint("Pass the index of a table, or of one partition.")));
	if (!OidIsValid(table))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("index with OID %u does not exist", index)));
	return table;
}

/*
 * Estimates the size of an index as if it were built now.  The planner folds what the
 * owner wrote into the indexes of the table, so this runs as the owner, restricted.
 */
static int64
expected_bytes(Relation table, Oid index)
{
	PoOwnScope	scope;
	int			guc_level = NewGUCNestLevel();
	char	   *definition;
	int64		bytes;

	po_own_become(&scope, table->rd_rel->relowner);
	po_setting_for_level("search_path", "pg_catalog, pg_temp");
	definition = TextDatumGetCString(DirectFunctionCall1(pg_get_indexdef, ObjectIdGetDatum(index)));
	bytes = po_size_bytes(po_hypo_parse_statement(definition));
	AtEOXact_GUC(false, guc_level);
	po_own_end(&scope);
	return bytes;
}

/* SQL: index_expected_bytes(index). */
Datum
perf_optimizer_index_expected_bytes(PG_FUNCTION_ARGS)
{
	Oid			index;
	Oid			relid;
	Relation	table;
	int64		bytes = -1;

	po_args_require(fcinfo, 0, "index");
	index = PG_GETARG_OID(0);
	relid = table_of_index(index);
	table = try_table_open(relid, AccessShareLock);
	if (table == NULL)
		PG_RETURN_NULL();
	if (table->rd_rel->reltuples >= 0 && po_rights_may_know(relid, GetUserId()) &&
		po_rights_may_know(relid, table->rd_rel->relowner) && SearchSysCacheExists1(RELOID, ObjectIdGetDatum(index)))
		bytes = expected_bytes(table, index);
	table_close(table, AccessShareLock);
	if (bytes < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(bytes);
}

/* Emits what is known of an index and found about it. */
static void
emit_verdict(PoRow *row, const PoIndexVerdict *verdict)
{
	const PoInventoryIndex *index = verdict->index;

	po_row_oid(row, index->table->relid);
	po_row_oid(row, index->relid);
	po_row_oid(row, index->constraint);
	po_row_float8(row, index->table->rows);
	po_row_bool(row, index->relkind == RELKIND_PARTITIONED_INDEX);
	po_row_bool(row, index->attached);
	po_row_bool(row, index->valid);
	po_row_bool(row, index->needed);
	po_row_bool(row, index->am == BTREE_AM_OID);
	po_row_bool(row, index->expressions[0] != '\0');
	po_row_int4(row, index->ncolumns == 1 && index->predicate[0] == '\0' ? index->columns[0] : 0);
	po_row_int4(row, index->pages);
	po_row_int8(row, index->attached ? index->scans : verdict->scans);
	po_row_int8(row, verdict->table_scans);
	po_row_int8(row, verdict->writes);
	po_row_bool(row, verdict->sole);
	po_row_bool(row, verdict->unused);
	po_row_oid(row, verdict->duplicate ? verdict->twin->relid : InvalidOid);
	po_row_bool(row, verdict->duplicate && verdict->twin->unique && verdict->twin->immediate && !index->unique);
	po_row_oid(row, verdict->cover ? verdict->cover->relid : InvalidOid);
	po_srf_emit(row);
}

/* Emits a foreign key that has no index: a row of which only the constraint is known. */
static void
emit_unserved(PoRow *row, Oid constraint)
{
	po_row_null(row);
	po_row_null(row);
	po_row_oid(row, constraint);
	while (row->next < row->ncolumns)
		po_row_null(row);
	po_srf_emit(row);
}

/* SQL: index_facts(relations). */
Datum
perf_optimizer_index_facts(PG_FUNCTION_ARGS)
{
	ArrayType  *relations;
	Datum	   *values;
	Oid		   *relids;
	int			n;
	PoOverlap  *overlap;
	PoRow		row;
	ListCell   *lc;

	po_args_require(fcinfo, 0, "relations");
	relations = PG_GETARG_ARRAYTYPE_P(0);
	deconstruct_array(relations, OIDOID, sizeof(Oid), true, TYPALIGN_INT, &values, NULL, &n);
	relids = palloc(Max(n, 1) * sizeof(Oid));
	for (int i = 0; i < n; i++)
		relids[i] = DatumGetObjectId(values[i]);
	po_srf_begin(fcinfo, &row);
	overlap = po_overlap_find(po_inventory_read(relids, n), BTREE_AM_OID);
	for (int i = 0; i < overlap->nverdicts; i++)
		emit_verdict(&row, &overlap->verdicts[i]);
	foreach(lc, overlap->unserved)
		emit_unserved(&row, lfirst_oid(lc));
	return (Datum) 0;
}

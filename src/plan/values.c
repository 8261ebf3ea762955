/*
 * values.c
 *	  What an index would hold in a column, as far as some rows of the table tell.
 *
 * A B-tree has no room for a long value: one is enough to make CREATE INDEX fail, and
 * statistics do not tell the longest.  An expression has no statistics before an index
 * has it, and may raise an error for some row.  So some rows are looked at: of a plain
 * column only where the table has values outside its rows, of an expression only when
 * it calls nothing but compiled functions, which nobody but a superuser can bring.
 * Partitions with their columns in another sequence than their parent's are left out.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/toast_internals.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_statistic.h"
#include "core/compat.h"
#include "core/subtransaction.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "plan/candidate.h"
#include "plan/rows.h"
#include "plan/values.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* How much of a table, and how many of its partitions, is looked at. */
static const PoRowsLimit limit_of_column = {100000, 1000};
static const PoRowsLimit limit_of_expression = {2000, 200};

#define MAX_PARTITIONS 4

/* An index compresses values of more bytes than this. */
#define COMPRESSED_FROM 512

/* More distinct values than this share of the rows grow with them. */
#define GROWING_SHARE 0.1

/* What was found of one column, kept in PoExpressions. */
typedef struct Entry
{
	Oid			relid;
	int			column;
	PoValues	values;
} Entry;

/* A look under way. */
typedef struct Look
{
	Node	   *node;
	int16		typlen;
	Oid			collation;
	FmgrInfo   *hash;			/* NULL: the type has none */
	ExprState  *state;			/* NULL: a plain column */
	ExprContext *context;
	int			widest;
	double		rows;			/* seen */
	double		total;			/* rows of what was looked at */
	double		nulls;
	double		bytes;
	int			nhashes;
	uint32		hashes[8192];
} Look;

/* What is to be evaluated. */
typedef struct Evaluation
{
	PoExpressions *expressions;
	Oid			relid;
	Node	   *node;
	PoValues   *values;
} Evaluation;

/* Says whether a function is not a compiled one. */
static bool
is_interpreted(Oid function, void *context)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			language = HeapTupleIsValid(tuple) ? ((Form_pg_proc) GETSTRUCT(tuple))->prolang : InvalidOid;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return language != INTERNALlanguageId && language != ClanguageId;
}

/* Says whether a part of an expression calls what is not compiled. */
static bool
calls_interpreted(Node *node, void *context)
{
	if (node == NULL)
		return false;
	return check_functions_in_node(node, is_interpreted, context) ||
		IsA(node, CoerceToDomain) || expression_tree_walker(node, calls_interpreted, context);
}

/* Returns the bytes of a value of variable length in an index entry. */
static int
entry_bytes(struct varlena *value)
{
	Datum		compressed;
	int			bytes;

	if (VARATT_IS_EXTERNAL_ONDISK(value))
	{
		struct varatt_external pointer;

		VARATT_EXTERNAL_GET_POINTER(pointer, value);
		return (int) VARATT_EXTERNAL_GET_EXTSIZE(pointer);
	}
	if (VARATT_IS_EXTERNAL(value))
		value = detoast_attr(value);
	bytes = (int) VARSIZE_ANY(value);
	if (bytes < COMPRESSED_FROM || VARATT_IS_COMPRESSED(value))
		return bytes;
	compressed = toast_compress_datum(PointerGetDatum(value), TOAST_PGLZ_COMPRESSION);
	return DatumGetPointer(compressed) == NULL ? bytes : (int) VARSIZE_ANY(DatumGetPointer(compressed));
}

/* Notes one value of an expression for its statistics. */
static void
note_value(Look *look, Datum value)
{
	if (look->typlen == -1)
		value = PointerGetDatum(PG_DETOAST_DATUM(value));
	look->bytes += look->typlen > 0 ? look->typlen :
		look->typlen == -1 ? (double) VARSIZE_ANY(DatumGetPointer(value)) : strlen(DatumGetCString(value)) + 1;
	if (look->hash != NULL && look->nhashes < lengthof(look->hashes))
		look->hashes[look->nhashes++] = DatumGetUInt32(FunctionCall1Coll(look->hash, look->collation, value));
}

/* Looks at one row. */
static void
take_row(TupleTableSlot *slot, void *arg)
{
	Look	   *look = (Look *) arg;
	MemoryContext old = MemoryContextSwitchTo(look->context->ecxt_per_tuple_memory);
	bool		isnull;
	Datum		value;

	look->context->ecxt_scantuple = slot;
	value = look->state != NULL ? ExecEvalExpr(look->state, look->context, &isnull)
		: slot_getattr(slot, ((Var *) look->node)->varattno, &isnull);
	look->rows++;
	if (isnull)
		look->nulls++;
	else
	{
		if (look->typlen == -1)
		{
			Size		width = entry_bytes((struct varlena *) DatumGetPointer(value));

			look->widest = Max(look->widest, width);
		}
		if (look->state != NULL)
			note_value(look, value);
	}
	MemoryContextSwitchTo(old);
	ResetExprContext(look->context);
}

/* Says whether a table keeps values outside its rows. */
static bool
has_outside_values(Relation table)
{
	bool		result;
	Relation	toast;

	if (!OidIsValid(table->rd_rel->reltoastrelid))
		return false;
	toast = table_open(table->rd_rel->reltoastrelid, AccessShareLock);
	result = RelationGetNumberOfBlocks(toast) > 0;
	table_close(toast, AccessShareLock);
	return result;
}

/* Says whether the columns of a partition have the numbers that they have in its parent. */
static bool
has_same_columns(Node *node, Oid parent, Oid partition)
{
	List	   *vars = pull_var_clause(node, 0);
	ListCell   *lc;

	foreach(lc, vars)
	{
		AttrNumber	attnum = lfirst_node(Var, lc)->varattno;

		if (get_attnum(partition, get_attname(parent, attnum, false)) != attnum)
			return false;
	}
	return true;
}

/* Looks at one table that has rows. */
static void
look_at_table(Look *look, Relation table)
{
	if (look->state == NULL && !has_outside_values(table))
		return;
	look->total += Max(table->rd_rel->reltuples, 0);
	(void) po_rows_visit(table, look->state == NULL ? &limit_of_column : &limit_of_expression, take_row, look);
}

/* Looks at a table, or at some of its partitions. */
static void
look_at_all(Look *look, Oid relid)
{
	List	   *relids = get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE
	? find_all_inheritors(relid, AccessShareLock, NULL) : list_make1_oid(relid);
	int			looked = 0;
	ListCell   *lc;

	foreach(lc, relids)
	{
		Relation	table = table_open(lfirst_oid(lc), NoLock);
		char		relkind = table->rd_rel->relkind;

		if ((relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW) && looked < MAX_PARTITIONS &&
			(lfirst_oid(lc) == relid || has_same_columns(look->node, relid, lfirst_oid(lc))))
		{
			looked++;
			look_at_table(look, table);
		}
		table_close(table, NoLock);
	}
}

/* Compares two hashes. */
static int
compare_hashes(const void *a, const void *b)
{
	uint32		x = *(const uint32 *) a;
	uint32		y = *(const uint32 *) b;

	return x < y ? -1 : x > y;
}

/*
 * Returns the number of distinct values as pg_statistic has it: negative for a share of
 * the rows, 0 for unknown.  The estimator is the one that ANALYZE uses.
 */
static float4
count_distinct(Look *look)
{
	double		n = look->nhashes;
	double		rows = Max(look->total, look->rows);
	double		distinct = 0;
	double		once = 0;

	qsort(look->hashes, look->nhashes, sizeof(uint32), compare_hashes);
	for (int i = 0; i < look->nhashes;)
	{
		int			from = i;

		while (i < look->nhashes && look->hashes[i] == look->hashes[from])
			i++;
		distinct++;
		if (i == from + 1)
			once++;
	}
	if (n < 1)
		return 0;
	if (once >= n)
		return -1;
	distinct = Max(distinct, n * distinct / (n - once + once * n / rows));
	distinct = Min(distinct, rows);
	return (float4) (distinct > GROWING_SHARE * rows ? -distinct / rows : distinct);
}

/* Returns what was found as a row of pg_statistic without slots. */
static HeapTuple
make_statistics(Look *look, Oid relid)
{
	Relation	catalog = table_open(StatisticRelationId, AccessShareLock);
	Datum		values[Natts_pg_statistic] = {0};
	bool		nulls[Natts_pg_statistic] = {0};
	double		n = Max(look->rows - look->nulls, 1);
	HeapTuple	tuple;

	for (int i = Anum_pg_statistic_stanumbers1 - 1; i < Natts_pg_statistic; i++)
		nulls[i] = true;
	values[Anum_pg_statistic_starelid - 1] = ObjectIdGetDatum(relid);
	values[Anum_pg_statistic_staattnum - 1] = Int16GetDatum(1);
	values[Anum_pg_statistic_stainherit - 1] = BoolGetDatum(false);
	values[Anum_pg_statistic_stanullfrac - 1] = Float4GetDatum((float4) (look->nulls / look->rows));
	values[Anum_pg_statistic_stawidth - 1] = Int32GetDatum((int32) (look->bytes / n));
	values[Anum_pg_statistic_stadistinct - 1] = Float4GetDatum(count_distinct(look));
	tuple = heap_form_tuple(RelationGetDescr(catalog), values, nulls);
	table_close(catalog, AccessShareLock);
	return tuple;
}

/* Looks at the values of a column or an expression; raises what the expression raises. */
static void
look_at_values(PoExpressions *expressions, Oid relid, Node *node, PoValues *values)
{
	Look	   *look = palloc0(sizeof(Look));
	EState	   *estate = CreateExecutorState();
	TypeCacheEntry *type = lookup_type_cache(exprType(node), TYPECACHE_HASH_PROC_FINFO);

	look->node = node;
	look->typlen = type->typlen;
	look->collation = exprCollation(node);
	look->hash = OidIsValid(type->hash_proc) ? &type->hash_proc_finfo : NULL;
	look->context = GetPerTupleExprContext(estate);
	if (!IsA(node, Var))
		look->state = ExecPrepareExpr((Expr *) node, estate);
	look_at_all(look, relid);
	values->widest = look->widest;
	if (look->state != NULL && look->rows > 0)
	{
		MemoryContext old = MemoryContextSwitchTo(expressions->context);

		values->statistics = make_statistics(look, relid);
		MemoryContextSwitchTo(old);
	}
	FreeExecutorState(estate);
	pfree(look);
}

/* Says whether an error is the expression's, not the server's or the user's who cancels. */
static bool
is_about_value(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_FEATURE_NOT_SUPPORTED:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
		case ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION:
			return true;
		default:
			return false;
	}
}

/* Does look_at_values. */
static void
evaluate(void *arg)
{
	const Evaluation *evaluation = (const Evaluation *) arg;

	look_at_values(evaluation->expressions, evaluation->relid, evaluation->node, evaluation->values);
}

/* Evaluates an expression; nothing of that stays, and an error of the expression's is noted. */
static void
look_at_expression(PoExpressions *expressions, Oid relid, Node *node, PoValues *values)
{
	Evaluation	evaluation = {expressions, relid, node, values};
	ErrorData  *error = po_subtransaction_undo(evaluate, &evaluation);

	if (error != NULL && !is_about_value(error->sqlerrcode))
		ReThrowError(error);
	values->failed = error != NULL;
}

/* Returns what is known of a column already, or NULL. */
static const PoValues *
find_entry(const PoExpressions *expressions, Oid relid, int column)
{
	ListCell   *lc;

	foreach(lc, expressions->values)
	{
		const Entry *entry = (const Entry *) lfirst(lc);

		if (entry->relid == relid && entry->column == column)
			return &entry->values;
	}
	return NULL;
}

/*
 * Returns what an index would hold in a column of a table, which must be locked; looks
 * only once.  What is returned lives as long as the expressions.
 */
const PoValues *
po_values_get(PoExpressions *expressions, Oid relid, int column)
{
	const PoValues *known;
	Node	   *node;
	Entry	   *entry;
	MemoryContext old;

	column = PO_COLUMN_ATTNUM(column);
	known = find_entry(expressions, relid, column);
	if (known != NULL)
		return known;
	old = MemoryContextSwitchTo(expressions->context);
	entry = palloc0(sizeof(Entry));
	entry->relid = relid;
	entry->column = column;
	expressions->values = lappend(expressions->values, entry);
	MemoryContextSwitchTo(old);
	node = po_key_column_node(expressions, relid, column);
	if (!IsA(node, Var) && !calls_interpreted(node, NULL))
		look_at_expression(expressions, relid, node, &entry->values);
	else if (IsA(node, Var) && get_typlen(((Var *) node)->vartype) == -1)
		look_at_values(expressions, relid, node, &entry->values);
	return &entry->values;
}

/* Returns the statistics of an expression that was looked at, or NULL. */
HeapTuple
po_values_statistics(const PoExpressions *expressions, Oid relid, int column)
{
	const PoValues *known = find_entry(expressions, relid, PO_COLUMN_ATTNUM(column));

	return known != NULL ? known->statistics : NULL;
}

/*
 * node_rows.c
 *	  Plan nodes as result rows and as jsonb.
 *
 * One table says which columns a row of plan_nodes has; rows and JSON both follow it.
 */
#include "postgres.h"

#include <math.h>

#include "plan/node_rows.h"
#include "utils/builtins.h"
#include "utils/regproc.h"

typedef enum ColumnType
{
	COLUMN_INT,
	COLUMN_PARENT,				/* int, 0 is NULL */
	COLUMN_BIGINT,
	COLUMN_FLOAT,
	COLUMN_TEXT,
	COLUMN_RELATION
} ColumnType;

/* Where a column's value stands in a PoNode. */
typedef struct NodeColumn
{
	const char *name;
	ColumnType	type;
	bool		measured;		/* NULL unless the plan was executed */
	size_t		offset;
} NodeColumn;

#define FIELD(field) offsetof(PoNode, field)

/* The columns of plan_nodes in their order. */
static const NodeColumn columns[] = {
	{"node_id", COLUMN_INT, false, FIELD(id)},
	{"parent_id", COLUMN_PARENT, false, FIELD(parent)},
	{"depth", COLUMN_INT, false, FIELD(depth)},
	{"node_type", COLUMN_TEXT, false, FIELD(type)},
	{"relation", COLUMN_RELATION, false, FIELD(relid)},
	{"alias", COLUMN_TEXT, false, FIELD(alias)},
	{"index_name", COLUMN_TEXT, false, FIELD(index_name)},
	{"startup_cost", COLUMN_FLOAT, false, FIELD(startup_cost)},
	{"total_cost", COLUMN_FLOAT, false, FIELD(total_cost)},
	{"self_cost", COLUMN_FLOAT, false, FIELD(self_cost)},
	{"plan_rows", COLUMN_FLOAT, false, FIELD(rows)},
	{"plan_width", COLUMN_INT, false, FIELD(width)},
	{"actual_rows", COLUMN_FLOAT, true, FIELD(actual_rows)},
	{"loops", COLUMN_FLOAT, true, FIELD(loops)},
	{"total_time_ms", COLUMN_FLOAT, true, FIELD(total_ms)},
	{"self_time_ms", COLUMN_FLOAT, true, FIELD(self_ms)},
	{"rows_removed", COLUMN_FLOAT, true, FIELD(rows_removed)},
	{"shared_hit_blocks", COLUMN_BIGINT, true, FIELD(shared_hit)},
	{"shared_read_blocks", COLUMN_BIGINT, true, FIELD(shared_read)},
	{"temp_written_blocks", COLUMN_BIGINT, true, FIELD(temp_written)},
	{"condition", COLUMN_TEXT, false, FIELD(condition)},
	{"filter", COLUMN_TEXT, false, FIELD(filter)},
	{"join_filter", COLUMN_TEXT, false, FIELD(join_filter)},
	{"keys", COLUMN_TEXT, false, FIELD(keys)},
	{"subplan_name", COLUMN_TEXT, false, FIELD(subplan)},
};

/* Rounds to the digits that EXPLAIN's own figures can carry. */
static double
rounded(double value)
{
	return fabs(value) < 1e12 ? rint(value * 1000.0) / 1000.0 : value;
}

/* Adds one column of a node to a result row. */
static void
emit_column(PoRow *row, const NodeColumn *column, const PoNode *node)
{
	const char *field = (const char *) node + column->offset;

	if (column->measured && !node->executed)
	{
		po_row_null(row);
		return;
	}
	switch (column->type)
	{
		case COLUMN_INT:
			po_row_int4(row, *(const int *) field);
			break;
		case COLUMN_PARENT:
			if (*(const int *) field == 0)
				po_row_null(row);
			else
				po_row_int4(row, *(const int *) field);
			break;
		case COLUMN_BIGINT:
			po_row_int8(row, *(const int64 *) field);
			break;
		case COLUMN_FLOAT:
			po_row_float8(row, rounded(*(const double *) field));
			break;
		case COLUMN_TEXT:
			po_row_text(row, *(char *const *) field);
			break;
		case COLUMN_RELATION:
			po_row_oid(row, *(const Oid *) field);
			break;
	}
}

/* Adds one column of a node to a JSON object. */
static void
append_column(PoJson *json, const NodeColumn *column, const PoNode *node)
{
	const char *field = (const char *) node + column->offset;
	Oid			relid;

	if (column->measured && !node->executed)
	{
		po_json_null(json, column->name);
		return;
	}
	switch (column->type)
	{
		case COLUMN_INT:
			po_json_int(json, column->name, *(const int *) field);
			break;
		case COLUMN_PARENT:
			if (*(const int *) field == 0)
				po_json_null(json, column->name);
			else
				po_json_int(json, column->name, *(const int *) field);
			break;
		case COLUMN_BIGINT:
			po_json_int(json, column->name, *(const int64 *) field);
			break;
		case COLUMN_FLOAT:
			po_json_float(json, column->name, rounded(*(const double *) field));
			break;
		case COLUMN_TEXT:
			po_json_text(json, column->name, *(char *const *) field);
			break;
		case COLUMN_RELATION:
			relid = *(const Oid *) field;
			po_json_text(json, column->name, !OidIsValid(relid) ? NULL :
						 DatumGetCString(DirectFunctionCall1(regclassout,
															 ObjectIdGetDatum(relid))));
			break;
	}
}

/* Puts each node as a row of plan_nodes into the result set of row. */
void
po_node_rows_emit(PoRow *row, const PoPlanTree *tree)
{
	for (int i = 0; i < tree->nnodes; i++)
	{
		for (int c = 0; c < lengthof(columns); c++)
			emit_column(row, &columns[c], &tree->nodes[i]);
		po_srf_emit(row);
	}
}

/* Orders columns as jsonb orders the keys of an object: by length, then by bytes. */
static int
compare_columns(const void *a, const void *b)
{
	const char *left = columns[*(const int *) a].name;
	const char *right = columns[*(const int *) b].name;
	size_t		left_length = strlen(left);
	size_t		right_length = strlen(right);

	if (left_length != right_length)
		return left_length < right_length ? -1 : 1;
	return memcmp(left, right, left_length);
}

/* Returns the columns in jsonb's order, so that it finds nothing to sort. */
static const int *
json_order(void)
{
	static int	order[lengthof(columns)];
	static bool sorted = false;

	if (!sorted)
	{
		for (int c = 0; c < lengthof(columns); c++)
			order[c] = c;
		qsort(order, lengthof(columns), sizeof(int), compare_columns);
		sorted = true;
	}
	return order;
}

/* Adds the rows of plan_nodes as an array of objects to a value under construction. */
void
po_node_rows_append(PoJson *json, const char *key, const PoPlanTree *tree)
{
	const int  *order = json_order();

	po_json_begin_array(json, key);
	for (int i = 0; i < tree->nnodes; i++)
	{
		po_json_begin_object(json, NULL);
		for (int c = 0; c < lengthof(columns); c++)
			append_column(json, &columns[order[c]], &tree->nodes[i]);
		po_json_end_object(json);
	}
	po_json_end_array(json);
}

/* Returns the rows of plan_nodes as a jsonb array of objects. */
Jsonb *
po_node_rows_json(const PoPlanTree *tree)
{
	PoJson		json = {0};

	po_node_rows_append(&json, NULL, tree);
	return po_json_finish(&json);
}

/* Compares two C strings for qsort. */
static int
compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Returns the names of the indexes that the plan uses, sorted, each once. */
char	  **
po_node_rows_indexes(const PoPlanTree *tree, int *n)
{
	char	  **names = palloc(sizeof(char *) * Max(tree->nnodes, 1));
	int			found = 0;
	int			kept = 0;

	for (int i = 0; i < tree->nnodes; i++)
		if (tree->nodes[i].index_name != NULL)
			names[found++] = tree->nodes[i].index_name;
	qsort(names, found, sizeof(char *), compare_strings);
	for (int i = 0; i < found; i++)
		if (i == 0 || strcmp(names[i], names[kept - 1]) != 0)
			names[kept++] = names[i];
	*n = kept;
	return names;
}

/*
 * pasted_node.c
 *	  One node of a pasted plan: the fields of its object.
 *
 * What parallel workers used of memory and disk stands in objects of their own, and is
 * merged here as the executor's figures are in plan/node_stats.c.
 */
#include "postgres.h"

#include <math.h>

#include "explain/pasted_internal.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#define DISABLE_COST 1.0e10

typedef enum FieldType
{
	FIELD_FLOAT,
	FIELD_INT,
	FIELD_BIGINT,
	FIELD_BOOL,
	FIELD_TEXT,
	FIELD_LIST					/* an array of texts, joined by commas */
} FieldType;

/* Which JSON field fills which field of a PoNode. */
typedef struct NodeField
{
	const char *name;
	FieldType	type;
	size_t		offset;
} NodeField;

#define OF(field) offsetof(PoNode, field)

static const NodeField fields[] = {
	{"Alias", FIELD_TEXT, OF(alias)},
	{"Cache Evictions", FIELD_FLOAT, OF(cache_evictions)},
	{"Cache Hits", FIELD_FLOAT, OF(cache_hits)},
	{"Cache Key", FIELD_TEXT, OF(keys)},
	{"Cache Misses", FIELD_FLOAT, OF(cache_misses)},
	{"Cache Overflows", FIELD_FLOAT, OF(cache_overflows)},
	{"CTE Name", FIELD_TEXT, OF(relation)},
	{"Disabled", FIELD_BOOL, OF(disabled)},
	{"Disk Usage", FIELD_BIGINT, OF(hash_disk_kb)},
	{"Exact Heap Blocks", FIELD_BIGINT, OF(exact_pages)},
	{"Filter", FIELD_TEXT, OF(filter)},
	{"Group Key", FIELD_LIST, OF(keys)},
	{"Hash Batches", FIELD_BIGINT, OF(hash_batches)},
	{"Hash Cond", FIELD_TEXT, OF(condition)},
	{"HashAgg Batches", FIELD_BIGINT, OF(hash_batches)},
	{"Heap Fetches", FIELD_FLOAT, OF(heap_fetches)},
	{"Index Cond", FIELD_TEXT, OF(condition)},
	{"Index Name", FIELD_TEXT, OF(index_name)},
	{"Join Filter", FIELD_TEXT, OF(join_filter)},
	{"Lossy Heap Blocks", FIELD_BIGINT, OF(lossy_pages)},
	{"Merge Cond", FIELD_TEXT, OF(condition)},
	{"One-Time Filter", FIELD_TEXT, OF(condition)},
	{"Original Hash Batches", FIELD_BIGINT, OF(hash_batches_planned)},
	{"Parallel Aware", FIELD_BOOL, OF(parallel_aware)},
	{"Peak Memory Usage", FIELD_BIGINT, OF(hash_memory_kb)},
	{"Plan Rows", FIELD_FLOAT, OF(rows)},
	{"Plan Width", FIELD_INT, OF(width)},
	{"Recheck Cond", FIELD_TEXT, OF(condition)},
	{"Relation Name", FIELD_TEXT, OF(relation)},
	{"Shared Dirtied Blocks", FIELD_BIGINT, OF(shared_dirtied)},
	{"Shared Hit Blocks", FIELD_BIGINT, OF(shared_hit)},
	{"Shared Read Blocks", FIELD_BIGINT, OF(shared_read)},
	{"Sort Key", FIELD_LIST, OF(keys)},
	{"Startup Cost", FIELD_FLOAT, OF(startup_cost)},
	{"Subplan Name", FIELD_TEXT, OF(subplan)},
	{"Subplans Removed", FIELD_INT, OF(subplans_removed)},
	{"TID Cond", FIELD_TEXT, OF(condition)},
	{"Temp Read Blocks", FIELD_BIGINT, OF(temp_read)},
	{"Temp Written Blocks", FIELD_BIGINT, OF(temp_written)},
	{"Total Cost", FIELD_FLOAT, OF(total_cost)},
	{"Workers Launched", FIELD_INT, OF(workers_launched)},
	{"Workers Planned", FIELD_INT, OF(workers_planned)},
};

/* The node types that rules tell apart. */
static const struct
{
	const char *name;
	PoNodeKind	kind;
}			kinds[] = {
	{"Aggregate", PO_NODE_AGGREGATE},
	{"Append", PO_NODE_APPEND},
	{"Bitmap Heap Scan", PO_NODE_BITMAP_HEAP_SCAN},
	{"Bitmap Index Scan", PO_NODE_BITMAP_INDEX_SCAN},
	{"BitmapAnd", PO_NODE_BITMAP_AND},
	{"BitmapOr", PO_NODE_BITMAP_OR},
	{"CTE Scan", PO_NODE_CTE_SCAN},
	{"Foreign Scan", PO_NODE_FOREIGN_SCAN},
	{"Gather", PO_NODE_GATHER},
	{"Gather Merge", PO_NODE_GATHER},
	{"Hash", PO_NODE_HASH},
	{"Hash Join", PO_NODE_HASH_JOIN},
	{"Incremental Sort", PO_NODE_INCREMENTAL_SORT},
	{"Index Only Scan", PO_NODE_INDEX_ONLY_SCAN},
	{"Index Scan", PO_NODE_INDEX_SCAN},
	{"Limit", PO_NODE_LIMIT},
	{"Materialize", PO_NODE_MATERIALIZE},
	{"Memoize", PO_NODE_MEMOIZE},
	{"Merge Append", PO_NODE_MERGE_APPEND},
	{"Merge Join", PO_NODE_MERGE_JOIN},
	{"ModifyTable", PO_NODE_MODIFY},
	{"Nested Loop", PO_NODE_NESTED_LOOP},
	{"Seq Scan", PO_NODE_SEQ_SCAN},
	{"Sort", PO_NODE_SORT},
	{"Subquery Scan", PO_NODE_SUBQUERY_SCAN},
};

/* Looks a field of an object up; NULL when it is missing. */
JsonbValue *
po_pasted_node_field(JsonbContainer *object, const char *name)
{
	return getKeyJsonValueFromContainer(object, name, strlen(name), NULL);
}

/* Returns a text field, palloc'd, or NULL. */
char *
po_pasted_node_string(JsonbContainer *object, const char *name)
{
	JsonbValue *value = po_pasted_node_field(object, name);

	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* Returns a finite number field, or fallback. */
double
po_pasted_node_number(JsonbContainer *object, const char *name, double fallback)
{
	JsonbValue *value = po_pasted_node_field(object, name);
	double		number;

	if (value == NULL || value->type != jbvNumeric)
		return fallback;
	number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												NumericGetDatum(value->val.numeric)));
	return isfinite(number) ? number : fallback;
}

/* Returns a number field cut to the range of an integer; negative counts are taken as 0. */
int64
po_pasted_node_integer(JsonbContainer *object, const char *name, int64 most)
{
	double		number = po_pasted_node_number(object, name, 0);

	if (number <= 0)
		return 0;
	return number >= (double) most ? most : (int64) number;
}

/* Returns a field that is an object or array, or NULL. */
JsonbContainer *
po_pasted_node_container(JsonbContainer *object, const char *name, bool array)
{
	JsonbValue *value = po_pasted_node_field(object, name);
	JsonbContainer *inner;

	if (value == NULL || value->type != jbvBinary)
		return NULL;
	inner = value->val.binary.data;
	return (array ? JsonContainerIsArray(inner) : JsonContainerIsObject(inner)) ? inner : NULL;
}

/* Returns an array's element that is an object, or NULL. */
JsonbContainer *
po_pasted_node_element(JsonbContainer *array, int i)
{
	JsonbValue *value = getIthJsonbValueFromContainer(array, i);

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		return NULL;
	return value->val.binary.data;
}

/* Returns an array field's texts joined by commas, or NULL. */
static char *
get_list(JsonbContainer *object, const char *name)
{
	JsonbContainer *array = po_pasted_node_container(object, name, true);
	StringInfoData text;

	if (array == NULL)
		return NULL;
	initStringInfo(&text);
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(array, i);

		if (value->type == jbvString)
			appendStringInfo(&text, "%s%.*s", text.len > 0 ? ", " : "",
							 value->val.string.len, value->val.string.val);
	}
	return text.data;
}

/* Fills one field of a node when the document has it. */
static void
fill_field(PoNode *node, JsonbContainer *object, const NodeField *field)
{
	void	   *place = (char *) node + field->offset;
	JsonbValue *value = po_pasted_node_field(object, field->name);

	if (value == NULL)
		return;
	switch (field->type)
	{
		case FIELD_FLOAT:
			*(double *) place = Max(po_pasted_node_number(object, field->name, 0), 0);
			break;
		case FIELD_INT:
			*(int *) place = (int) po_pasted_node_integer(object, field->name, PG_INT32_MAX);
			break;
		case FIELD_BIGINT:
			*(int64 *) place = po_pasted_node_integer(object, field->name, PG_INT64_MAX);
			break;
		case FIELD_BOOL:
			*(bool *) place = value->type == jbvBool && value->val.boolean;
			break;
		case FIELD_TEXT:
			*(char **) place = po_pasted_node_string(object, field->name);
			break;
		case FIELD_LIST:
			*(char **) place = get_list(object, field->name);
			break;
	}
}

/* Returns the join type that the document's word stands for. */
static int
join_type(const char *word)
{
	if (word == NULL || strcmp(word, "Inner") == 0)
		return JOIN_INNER;
	if (strcmp(word, "Semi") == 0)
		return JOIN_SEMI;
	if (strcmp(word, "Anti") == 0)
		return JOIN_ANTI;
	return strcmp(word, "Full") == 0 ? JOIN_FULL : strcmp(word, "Right") == 0 ? JOIN_RIGHT : JOIN_LEFT;
}

/* Returns an aggregation's name in text format from the JSON's parts. */
static char *
aggregate_type(JsonbContainer *object)
{
	char	   *strategy = po_pasted_node_string(object, "Strategy");
	char	   *mode = po_pasted_node_string(object, "Partial Mode");
	const char *name = "Aggregate";

	if (strategy != NULL && strcmp(strategy, "Sorted") == 0)
		name = "GroupAggregate";
	else if (strategy != NULL && strcmp(strategy, "Hashed") == 0)
		name = "HashAggregate";
	else if (strategy != NULL && strcmp(strategy, "Mixed") == 0)
		name = "MixedAggregate";
	if (mode != NULL && strcmp(mode, "Simple") != 0)
		return psprintf("%s %s", mode, name);
	return pstrdup(name);
}

/* Returns a node's name as the text format prints it. */
static char *
text_type(const PoNode *node, JsonbContainer *object, char *type)
{
	char	   *word;

	switch (node->kind)
	{
		case PO_NODE_AGGREGATE:
			type = aggregate_type(object);
			break;
		case PO_NODE_MODIFY:
			word = po_pasted_node_string(object, "Operation");
			type = word ? word : type;
			break;
		case PO_NODE_NESTED_LOOP:
		case PO_NODE_HASH_JOIN:
		case PO_NODE_MERGE_JOIN:
			word = po_pasted_node_string(object, "Join Type");
			if (word != NULL && strcmp(word, "Inner") != 0)
				type = psprintf("%s %s Join", node->kind == PO_NODE_NESTED_LOOP ? "Nested Loop" :
								node->kind == PO_NODE_HASH_JOIN ? "Hash" : "Merge", word);
			break;
		default:
			break;
	}
	return node->parallel_aware ? psprintf("Parallel %s", type) : type;
}

/* Returns the role that the document's word stands for. */
static PoNodeRole
node_role(const char *word)
{
	if (word == NULL)
		return PO_ROLE_ROOT;
	if (strcmp(word, "Outer") == 0)
		return PO_ROLE_OUTER;
	if (strcmp(word, "Inner") == 0)
		return PO_ROLE_INNER;
	if (strcmp(word, "Subquery") == 0)
		return PO_ROLE_SUBQUERY;
	if (strcmp(word, "InitPlan") == 0)
		return PO_ROLE_INITPLAN;
	if (strcmp(word, "SubPlan") == 0)
		return PO_ROLE_SUBPLAN;
	return PO_ROLE_MEMBER;
}

/* Adds what a process used for a sort: the largest memory, all disk. */
static void
add_sort(PoNode *node, JsonbContainer *object)
{
	char	   *space = po_pasted_node_string(object, "Sort Space Type");
	int64		used = po_pasted_node_integer(object, "Sort Space Used", PG_INT32_MAX);

	if (space != NULL && strcmp(space, "Disk") == 0)
		node->sort_disk_kb += used;
	else
		node->sort_memory_kb = Max(node->sort_memory_kb, used);
}

/* Adds a process's largest group of an incremental sort. */
static void
add_sort_groups(PoNode *node, JsonbContainer *object, const char *name)
{
	JsonbContainer *groups = po_pasted_node_container(object, name, false);
	JsonbContainer *disk;
	JsonbContainer *memory;

	if (groups == NULL)
		return;
	disk = po_pasted_node_container(groups, "Sort Space Disk", false);
	memory = po_pasted_node_container(groups, "Sort Space Memory", false);
	if (disk != NULL)
		node->sort_disk_kb = Max(node->sort_disk_kb,
								 po_pasted_node_integer(disk, "Peak Sort Space Used", PG_INT32_MAX));
	if (memory != NULL)
		node->sort_memory_kb = Max(node->sort_memory_kb,
								   po_pasted_node_integer(memory, "Peak Sort Space Used",
														  PG_INT32_MAX));
}

/* Adds what a process sorted. */
static void
add_sorting(PoNode *node, JsonbContainer *object)
{
	add_sort(node, object);
	add_sort_groups(node, object, "Full-sort Groups");
	add_sort_groups(node, object, "Pre-sorted Groups");
}

/* Adds what a worker reports in an object of its own; the leader's figures are there already. */
static void
add_worker(PoNode *node, JsonbContainer *worker)
{
	add_sorting(node, worker);
	node->hash_batches = Max(node->hash_batches,
							 po_pasted_node_integer(worker, "HashAgg Batches", PG_INT32_MAX));
	node->hash_memory_kb = Max(node->hash_memory_kb,
							   po_pasted_node_integer(worker, "Peak Memory Usage", PG_INT32_MAX));
	node->hash_disk_kb += po_pasted_node_integer(worker, "Disk Usage", PG_INT32_MAX);
	node->cache_hits += po_pasted_node_integer(worker, "Cache Hits", PG_INT32_MAX);
	node->cache_misses += po_pasted_node_integer(worker, "Cache Misses", PG_INT32_MAX);
	node->cache_evictions += po_pasted_node_integer(worker, "Cache Evictions", PG_INT32_MAX);
	node->cache_overflows += po_pasted_node_integer(worker, "Cache Overflows", PG_INT32_MAX);
	node->exact_pages += po_pasted_node_integer(worker, "Exact Heap Blocks", PG_INT32_MAX);
	node->lossy_pages += po_pasted_node_integer(worker, "Lossy Heap Blocks", PG_INT32_MAX);
}

/* Takes over the size of rows stored on disk (since 17) where blocks were not counted. */
static void
fill_storage(PoNode *node, JsonbContainer *object)
{
	char	   *storage = po_pasted_node_string(object, "Storage");

	if (storage != NULL && strcmp(storage, "Disk") == 0 && node->temp_written == 0)
		node->temp_written = po_pasted_node_integer(object, "Maximum Storage", PG_INT32_MAX) /
			(BLCKSZ / 1024);
}

/* Fills in rows, loops and times; the document gives averages per loop. */
static void
fill_measures(PoNode *node, JsonbContainer *object, double processes)
{
	double		removed;

	node->executed = true;
	node->loops = Max(po_pasted_node_number(object, "Actual Loops", 0), 0);
	node->actual_rows = Max(po_pasted_node_number(object, "Actual Rows", 0), 0);
	node->total_rows = node->actual_rows * node->loops;
	node->total_ms = Max(po_pasted_node_number(object, "Actual Total Time", 0), 0) * node->loops /
		processes;
	removed = Max(po_pasted_node_number(object, "Rows Removed by Filter", 0) +
				  po_pasted_node_number(object, "Rows Removed by Join Filter", 0), 0);
	node->removed_join = Max(po_pasted_node_number(object, "Rows Removed by Join Filter", 0), 0) *
		node->loops;
	node->removed_filter = removed * node->loops;
	node->removed_recheck =
		Max(po_pasted_node_number(object, "Rows Removed by Index Recheck", 0), 0) * node->loops;
	node->rows_removed = removed + po_pasted_node_number(object, "Rows Removed by Index Recheck", 0);
}

/*
 * Fills a node in from its object: all but its place in the tree.  processes: how many
 * ran it, more than 1 beneath a Gather.
 */
void
po_pasted_node_fill(PoNode *node, JsonbContainer *object, double processes)
{
	char	   *type = po_pasted_node_string(object, "Node Type");
	JsonbContainer *workers = po_pasted_node_container(object, "Workers", true);

	for (int i = 0; i < lengthof(kinds); i++)
		if (strcmp(kinds[i].name, type) == 0)
			node->kind = kinds[i].kind;
	node->role = node->parent == 0 ? PO_ROLE_ROOT :
		node_role(po_pasted_node_string(object, "Parent Relationship"));
	node->jointype = join_type(po_pasted_node_string(object, "Join Type"));
	for (int i = 0; i < lengthof(fields); i++)
		fill_field(node, object, &fields[i]);
	node->type = text_type(node, object, type);

	/*
	 * Before version 18 a disabled node shows by its cost alone, which it has
	 * from its start on.
	 */
	if (po_pasted_node_field(object, "Disabled") == NULL)
		node->disabled = node->startup_cost >= DISABLE_COST;
	if (po_pasted_node_field(object, "Actual Loops") == NULL)
		return;
	fill_measures(node, object, processes);
	add_sorting(node, object);
	fill_storage(node, object);
	for (uint32 i = 0; workers != NULL && i < JsonContainerSize(workers); i++)
	{
		JsonbContainer *worker = po_pasted_node_element(workers, i);

		if (worker != NULL)
			add_worker(node, worker);
	}
}

/*
 * pasted.c
 *	  Plans from the output of EXPLAIN (FORMAT JSON), of any supported version, with or
 *	  without ANALYZE and BUFFERS.
 *
 * The document may come from another server: names in it are not looked up.  Unknown
 * node types and fields do no harm.
 */
#include "postgres.h"

#include <math.h>

#include "explain/pasted.h"
#include "explain/rule.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
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
static JsonbValue *
get_field(JsonbContainer *object, const char *name)
{
	return getKeyJsonValueFromContainer(object, name, strlen(name), NULL);
}

/* Returns a text field, palloc'd, or NULL. */
static char *
get_text(JsonbContainer *object, const char *name)
{
	JsonbValue *value = get_field(object, name);

	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* Returns a finite number field, or fallback. */
static double
get_number(JsonbContainer *object, const char *name, double fallback)
{
	JsonbValue *value = get_field(object, name);
	double		number;

	if (value == NULL || value->type != jbvNumeric)
		return fallback;
	number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												NumericGetDatum(value->val.numeric)));
	return isfinite(number) ? number : fallback;
}

/* Returns a number field cut to the range of an integer; negative counts are taken as 0. */
static int64
get_integer(JsonbContainer *object, const char *name, int64 most)
{
	double		number = get_number(object, name, 0);

	if (number <= 0)
		return 0;
	return number >= (double) most ? most : (int64) number;
}

/* Returns a field that is an object or array, or NULL. */
static JsonbContainer *
get_container(JsonbContainer *object, const char *name, bool array)
{
	JsonbValue *value = get_field(object, name);
	JsonbContainer *inner;

	if (value == NULL || value->type != jbvBinary)
		return NULL;
	inner = value->val.binary.data;
	return (array ? JsonContainerIsArray(inner) : JsonContainerIsObject(inner)) ? inner : NULL;
}

/* Returns an array field's texts joined by commas, or NULL. */
static char *
get_list(JsonbContainer *object, const char *name)
{
	JsonbContainer *array = get_container(object, name, true);
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
	char	   *place = (char *) node + field->offset;
	JsonbValue *value = get_field(object, field->name);

	if (value == NULL)
		return;
	switch (field->type)
	{
		case FIELD_FLOAT:
			*(double *) place = Max(get_number(object, field->name, 0), 0);
			break;
		case FIELD_INT:
			*(int *) place = (int) get_integer(object, field->name, PG_INT32_MAX);
			break;
		case FIELD_BIGINT:
			*(int64 *) place = get_integer(object, field->name, PG_INT64_MAX);
			break;
		case FIELD_BOOL:
			*(bool *) place = value->type == jbvBool && value->val.boolean;
			break;
		case FIELD_TEXT:
			*(char **) place = get_text(object, field->name);
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
	char	   *strategy = get_text(object, "Strategy");
	char	   *mode = get_text(object, "Partial Mode");
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
			word = get_text(object, "Operation");
			type = word ? word : type;
			break;
		case PO_NODE_NESTED_LOOP:
		case PO_NODE_HASH_JOIN:
		case PO_NODE_MERGE_JOIN:
			word = get_text(object, "Join Type");
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

/* Fills in what was measured; the document gives averages per loop. */
static void
fill_measures(PoNode *node, JsonbContainer *object, double processes)
{
	char	   *space = get_text(object, "Sort Space Type");
	int64		sort_kb = get_integer(object, "Sort Space Used", PG_INT64_MAX);
	double		removed;

	node->executed = true;
	node->loops = get_number(object, "Actual Loops", 0);
	node->actual_rows = get_number(object, "Actual Rows", 0);
	node->total_rows = node->actual_rows * node->loops;
	node->total_ms = get_number(object, "Actual Total Time", 0) * node->loops / processes;
	removed = get_number(object, "Rows Removed by Filter", 0) +
		get_number(object, "Rows Removed by Join Filter", 0);
	node->removed_join = get_number(object, "Rows Removed by Join Filter", 0) * node->loops;
	node->removed_filter = removed * node->loops;
	node->removed_recheck = get_number(object, "Rows Removed by Index Recheck", 0) * node->loops;
	node->rows_removed = removed + get_number(object, "Rows Removed by Index Recheck", 0);
	if (space != NULL && strcmp(space, "Disk") == 0)
		node->sort_disk_kb = sort_kb;
	else
		node->sort_memory_kb = sort_kb;
}

/* Finds out how the root of a SubPlan is used: looked up in a hash table, or run for each row. */
static void
fill_subplan(PoPlanTree *tree, PoNode *node)
{
	PoNode	   *above = po_node_parent(tree, node);
	char	   *hashed = psprintf("hashed %s", node->subplan ? node->subplan : "SubPlan");

	if (node->role != PO_ROLE_SUBPLAN)
		return;
	node->hashed = above != NULL && above->filter != NULL && strstr(above->filter, hashed) != NULL;
	node->correlated = !node->hashed && node->loops > 1;
}

/* Reads one node and all below it. */
static void
read_node(PoPlanTree *tree, JsonbContainer *object, int parent, double processes)
{
	char	   *type = get_text(object, "Node Type");
	JsonbContainer *plans = get_container(object, "Plans", true);
	PoNode	   *node;
	int			id;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"plan\" holds a plan node without \"Node Type\""),
				 errhint("Pass the whole output of EXPLAIN (FORMAT JSON).")));
	node = po_node_add(tree, parent ? &tree->nodes[parent - 1] : NULL);
	id = node->id;
	for (int i = 0; i < lengthof(kinds); i++)
		if (strcmp(kinds[i].name, type) == 0)
			node->kind = kinds[i].kind;
	node->role = parent ? node_role(get_text(object, "Parent Relationship")) : PO_ROLE_ROOT;
	node->jointype = join_type(get_text(object, "Join Type"));
	for (int i = 0; i < lengthof(fields); i++)
		fill_field(node, object, &fields[i]);
	node->type = text_type(node, object, type);
	if (get_field(object, "Actual Loops") != NULL)
		fill_measures(node, object, processes);
	/* Before version 18 a disabled node shows by its cost alone. */
	node->disabled |= node->total_cost >= DISABLE_COST;
	tree->executed |= node->executed;
	fill_subplan(tree, node);
	if (plans == NULL)
		return;
	/* The loops of a Gather's input are the processes that ran it. */
	for (uint32 i = 0; i < JsonContainerSize(plans); i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(plans, i);
		double		below = processes;

		if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
			continue;
		if (tree->nodes[id - 1].kind == PO_NODE_GATHER)
			below = Max(get_number(value->val.binary.data, "Actual Loops", 1), 1);
		read_node(tree, value->val.binary.data, id, below);
	}
}

/* Counts the members of Appends, which the document lists one by one. */
static void
count_members(PoPlanTree *tree)
{
	for (int i = 0; i < tree->nnodes; i++)
	{
		PoNode	   *above = po_node_parent(tree, &tree->nodes[i]);

		if (above != NULL && tree->nodes[i].role == PO_ROLE_MEMBER)
			above->subplans_total++;
	}
	for (int i = 0; i < tree->nnodes; i++)
		if (tree->nodes[i].subplans_total > 0)
			tree->nodes[i].subplans_total += tree->nodes[i].subplans_removed;
}

/* Reads the triggers that fired. */
static void
read_triggers(PoPlanTree *tree, JsonbContainer *list)
{
	int			n = JsonContainerSize(list);

	tree->triggers = palloc0(sizeof(PoTrigger) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(list, i);
		JsonbContainer *object;
		PoTrigger  *trigger = &tree->triggers[tree->ntriggers];

		if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
			continue;
		object = value->val.binary.data;
		trigger->name = get_text(object, "Trigger Name");
		trigger->constraint_name = get_text(object, "Constraint Name");
		trigger->calls = get_number(object, "Calls", 0);
		trigger->total_ms = get_number(object, "Time", 0);
		tree->ntriggers += trigger->name != NULL;
	}
}

/* Returns the names of the planner's methods that the document's settings switch off. */
static List *
read_switches(JsonbContainer *settings)
{
	JsonbIterator *iterator = JsonbIteratorInit(settings);
	JsonbValue	value;
	JsonbIteratorToken token;
	char	   *name = NULL;
	List	   *result = NIL;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE && value.type == jbvString &&
				 value.val.string.len == 3 && strncmp(value.val.string.val, "off", 3) == 0 &&
				 strncmp(name, "enable_", 7) == 0)
			result = lappend(result, pstrdup(quote_identifier(name)));
	}
	return result;
}

/* Returns how many processes ran the plan at most: compiling is given as the sum over them. */
static double
count_processes(const PoPlanTree *tree)
{
	int			workers = 0;

	for (int i = 0; i < tree->nnodes; i++)
		workers = Max(workers, tree->nodes[i].workers_launched);
	return workers + 1.0;
}

/* Reads what stands beside the plan: times, compilation, triggers, settings. */
static void
read_statement(PoAnalysis *analysis, JsonbContainer *object)
{
	PoPlanTree *tree = analysis->tree;
	JsonbContainer *jit = get_container(object, "JIT", false);
	JsonbContainer *timing = jit ? get_container(jit, "Timing", false) : NULL;
	JsonbContainer *triggers = get_container(object, "Triggers", true);
	JsonbContainer *settings = get_container(object, "Settings", false);

	analysis->planning_ms = get_number(object, "Planning Time", -1);
	tree->execution_ms = get_number(object, "Execution Time", tree->nodes[0].total_ms);
	tree->result_rows = tree->nodes[0].total_rows;
	if (jit != NULL)
		tree->jit_functions = (int) get_integer(jit, "Functions", PG_INT32_MAX);
	if (timing != NULL)
		tree->jit_ms = get_number(timing, "Total", 0);
	tree->jit_wall_ms = tree->jit_ms / count_processes(tree);
	if (triggers != NULL)
		read_triggers(tree, triggers);
	if (settings != NULL)
		analysis->switches_off = read_switches(settings);
}

/* Returns the object that holds "Plan"; raises 22023 when the document is no plan. */
static JsonbContainer *
find_statement(Jsonb *document)
{
	JsonbContainer *root = &document->root;

	if (JsonContainerIsArray(root) && !JsonContainerIsScalar(root) && JsonContainerSize(root) == 1)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(root, 0);

		if (value->type == jbvBinary)
			root = value->val.binary.data;
	}
	if (!JsonContainerIsObject(root) || get_container(root, "Plan", false) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"plan\" is not the plan of one statement"),
				 errhint("Pass the whole output of EXPLAIN (FORMAT JSON).")));
	return root;
}

/*
 * Reads the output of EXPLAIN (FORMAT JSON) for one statement and applies the rules that
 * its fields allow.  The result lives in the current memory context.  Raises 22023 for
 * a document that is no plan.
 */
PoAnalysis *
po_pasted_run(Jsonb *document)
{
	PoAnalysis *analysis = palloc0(sizeof(PoAnalysis));
	JsonbContainer *statement = find_statement(document);

	analysis->tree = po_node_tree_create();
	read_node(analysis->tree, get_container(statement, "Plan", false), 0, 1);
	count_members(analysis->tree);
	read_statement(analysis, statement);
	po_node_account(analysis->tree);
	po_finding_run(analysis, po_rule_table, po_rule_count);
	return analysis;
}

/*
 * pasted.c
 *	  Plans from the output of EXPLAIN (FORMAT JSON), of any supported version, with or
 *	  without ANALYZE and BUFFERS.
 *
 * The document may come from another server: names in it are not looked up.  Unknown
 * node types and fields do no harm.
 */
#include "postgres.h"

#include <ctype.h>

#include "explain/pasted.h"
#include "explain/pasted_internal.h"
#include "explain/rule.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"

/* The fields of a node in which expressions stand. */
static const char *const expressions[] = {
	"Filter", "Hash Cond", "Index Cond", "Join Filter", "Merge Cond", "One-Time Filter", "Recheck Cond"
};

/* How the text of a node's expressions speaks of a subplan. */
typedef struct Mention
{
	bool		hashed;
	bool		plain;
	bool		alternative;	/* in 12 and 13: one of two ways, to be chosen
								 * at run time */
} Mention;

/* Notes how a text speaks of a subplan. */
static void
note_mentions(const char *text, const char *subplan, Mention *mention)
{
	static const char hashed[] = "hashed ";
	int			before = strlen(hashed);
	int			length = strlen(subplan);

	for (const char *place = strstr(text, subplan); place != NULL;
		 place = strstr(place + length, subplan))
	{
		/* "SubPlan 1" is not "SubPlan 10". */
		if (isalnum((unsigned char) place[length]) || place[length] == '_')
			continue;
		if (place - text >= before && strncmp(place - before, hashed, before) == 0)
			mention->hashed = true;
		else
			mention->plain = true;
		mention->alternative |= strstr(text, "alternatives: ") != NULL;
	}
}

/* Finds out how a node's expressions speak of a subplan, its output among them if printed. */
static Mention
find_mentions(JsonbContainer *above, const char *subplan)
{
	Mention		mention = {0};
	JsonbContainer *output = po_pasted_node_container(above, "Output", true);

	for (int i = 0; i < lengthof(expressions); i++)
	{
		char	   *text = po_pasted_node_string(above, expressions[i]);

		if (text != NULL)
			note_mentions(text, subplan, &mention);
	}
	for (uint32 i = 0; output != NULL && i < JsonContainerSize(output); i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(output, i);

		if (value->type == jbvString)
			note_mentions(pnstrdup(value->val.string.val, value->val.string.len), subplan, &mention);
	}
	return mention;
}

/*
 * Finds out how the root of a SubPlan is used: looked up in a hash table, or run for each
 * row of the node above.  The planner stores the rows of one that needs no value from
 * there (Materialize).
 */
static void
fill_subplan(PoNode *node, JsonbContainer *above)
{
	Mention		mention;

	if (node->role != PO_ROLE_SUBPLAN || node->subplan == NULL || node->subplan[0] == '\0' ||
		above == NULL)
		return;
	mention = find_mentions(above, node->subplan);
	node->hashed = mention.hashed;
	if (mention.hashed || node->kind == PO_NODE_MATERIALIZE)
		return;
	node->correlated = node->executed ? node->loops > 1 : mention.plain && !mention.alternative;
}

/* Reads one node and all below it; above is the object of the parent, or NULL. */
static void
read_node(PoPlanTree *tree, JsonbContainer *object, JsonbContainer *above, int parent,
		  double processes)
{
	JsonbContainer *plans = po_pasted_node_container(object, "Plans", true);
	PoNode	   *node;
	int			id;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (po_pasted_node_string(object, "Node Type") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"plan\" holds a plan node without \"Node Type\""),
				 errhint("Pass the whole output of EXPLAIN (FORMAT JSON).")));
	node = po_node_add(tree, parent ? &tree->nodes[parent - 1] : NULL);
	id = node->id;
	po_pasted_node_fill(node, object, processes);
	fill_subplan(node, above);
	tree->executed |= node->executed;
	for (uint32 i = 0; plans != NULL && i < JsonContainerSize(plans); i++)
	{
		JsonbContainer *child = po_pasted_node_element(plans, i);
		double		below = processes;

		if (child == NULL)
			continue;
		/* The loops of a Gather's input are the processes that ran it. */
		if (tree->nodes[id - 1].kind == PO_NODE_GATHER)
			below = Max(po_pasted_node_number(child, "Actual Loops", 1), 1);
		read_node(tree, child, object, id, below);
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

/* The table of a pasted plan: its name, or the alias that its partitions share below one Append. */
typedef struct TableKey
{
	char		name[2 * NAMEDATALEN];
	int			append;			/* node id, 0: the name is the table's own */
} TableKey;

/* A table that was met, and its number. */
typedef struct TableEntry
{
	TableKey	key;
	Oid			number;
} TableEntry;

/* Fills in what tells a node's table from others. */
static void
table_key(const PoPlanTree *tree, const PoNode *node, TableKey *key)
{
	const PoNode *above = po_node_parent(tree, node);
	int			length;

	memset(key, 0, sizeof(TableKey));
	while (above != NULL && above->kind != PO_NODE_APPEND && above->kind != PO_NODE_MERGE_APPEND)
		above = po_node_parent(tree, above);
	if (above == NULL || node->alias == NULL)
	{
		strlcpy(key->name, node->relation, sizeof(key->name));
		return;
	}
	/* The server calls the partitions of "t" t_1, t_2, ... */
	key->append = above->id;
	strlcpy(key->name, node->alias, sizeof(key->name));
	length = strlen(key->name);
	while (length > 0 && isdigit((unsigned char) key->name[length - 1]))
		length--;
	if (length > 1 && key->name[length - 1] == '_')
		memset(key->name + length - 1, 0, sizeof(key->name) - length + 1);
}

/*
 * Numbers the tables that are read, the same table with the same number, partitions of one
 * like one: rules report a table once.
 */
static void
number_tables(PoPlanTree *tree)
{
	HASHCTL		info = {.keysize = sizeof(TableKey),.entrysize = sizeof(TableEntry),
	.hcxt = CurrentMemoryContext};
	HTAB	   *tables = hash_create("perf_optimizer pasted tables", 64, &info,
									 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	for (int i = 0; i < tree->nnodes; i++)
	{
		PoNode	   *node = &tree->nodes[i];
		TableKey	key;
		bool		found;
		TableEntry *entry;

		if (node->relation == NULL || !po_node_is_scan(node))
			continue;
		table_key(tree, node, &key);
		entry = hash_search(tables, &key, HASH_ENTER, &found);
		if (!found)
			entry->number = (Oid) hash_get_num_entries(tables);
		node->relid = entry->number;
	}
	hash_destroy(tables);
}

/* Adds the triggers that fired. */
static void
read_triggers(PoPlanTree *tree, JsonbContainer *list)
{
	int			n = JsonContainerSize(list);
	int			size = sizeof(PoTrigger) * (tree->ntriggers + n + 1);

	tree->triggers = tree->triggers ? repalloc(tree->triggers, size) : palloc(size);
	for (int i = 0; i < n; i++)
	{
		JsonbContainer *object = po_pasted_node_element(list, i);
		PoTrigger  *trigger = &tree->triggers[tree->ntriggers];

		if (object == NULL)
			continue;
		memset(trigger, 0, sizeof(PoTrigger));
		trigger->name = po_pasted_node_string(object, "Trigger Name");
		trigger->constraint_name = po_pasted_node_string(object, "Constraint Name");
		trigger->calls = po_pasted_node_number(object, "Calls", 0);
		trigger->total_ms = po_pasted_node_number(object, "Time", 0);
		tree->ntriggers += trigger->name != NULL;
	}
}

/* Takes over a setting that the document shows because it is not the server's default. */
static void
read_setting(PoAnalysis *analysis, const char *name, const char *value)
{
	int			kilobytes;

	if (strcmp(value, "off") == 0 && strncmp(name, "enable_", 7) == 0)
		analysis->switches_off = lappend(analysis->switches_off, pstrdup(quote_identifier(name)));
	else if (strcmp(name, "work_mem") == 0 && parse_int(value, &kilobytes, GUC_UNIT_KB, NULL))
		analysis->work_mem_kb = kilobytes;
	else if (strcmp(name, "seq_page_cost") == 0 || strcmp(name, "cpu_tuple_cost") == 0 ||
			 strcmp(name, "cpu_operator_cost") == 0)
		analysis->other_costs = true;
}

/* Reads the settings that the document shows. */
static void
read_settings(PoAnalysis *analysis, JsonbContainer *settings)
{
	JsonbIterator *iterator = JsonbIteratorInit(settings);
	JsonbValue	value;
	JsonbIteratorToken token;
	char	   *name = NULL;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE && value.type == jbvString)
			read_setting(analysis, name, pnstrdup(value.val.string.val, value.val.string.len));
	}
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

/* Reads what stands beside a plan: times, compilation, triggers, settings. */
static void
read_beside_plan(PoAnalysis *analysis, const PoNode *root, JsonbContainer *object)
{
	PoPlanTree *tree = analysis->tree;
	JsonbContainer *jit = po_pasted_node_container(object, "JIT", false);
	JsonbContainer *timing = jit ? po_pasted_node_container(jit, "Timing", false) : NULL;
	JsonbContainer *triggers = po_pasted_node_container(object, "Triggers", true);
	JsonbContainer *settings = po_pasted_node_container(object, "Settings", false);

	if (po_pasted_node_field(object, "Planning Time") != NULL)
		analysis->planning_ms = Max(analysis->planning_ms, 0) +
			po_pasted_node_number(object, "Planning Time", 0);
	tree->execution_ms += po_pasted_node_number(object, "Execution Time", root->total_ms);
	tree->result_rows += root->total_rows;
	if (jit != NULL)
		tree->jit_functions += (int) po_pasted_node_integer(jit, "Functions", PG_INT16_MAX);
	if (timing != NULL)
		tree->jit_ms += po_pasted_node_number(timing, "Total", 0);
	tree->jit_wall_ms = tree->jit_ms / count_processes(tree);
	if (triggers != NULL)
		read_triggers(tree, triggers);
	if (settings != NULL)
		read_settings(analysis, settings);
}

/*
 * Reads one plan of the document; a statement has several where rules rewrite it.
 * Raises 22023 for an object that holds none.
 */
static void
read_plan(PoAnalysis *analysis, JsonbContainer *object)
{
	JsonbContainer *plan = object ? po_pasted_node_container(object, "Plan", false) : NULL;
	int			root = analysis->tree->nnodes;

	if (plan == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"plan\" is not the plan of a statement"),
				 errhint("Pass the whole output of EXPLAIN (FORMAT JSON).")));
	read_node(analysis->tree, plan, NULL, 0, 1);
	read_beside_plan(analysis, &analysis->tree->nodes[root], object);
}

/* Reads a document: an object with a plan, or an array of them. */
static void
read_document(PoAnalysis *analysis, JsonbContainer *root)
{
	if (JsonContainerIsObject(root))
	{
		read_plan(analysis, root);
		return;
	}
	for (uint32 i = 0; i < JsonContainerSize(root); i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(root, i);

		/*
		 * What a rule adds may be a utility statement, which EXPLAIN names
		 * and does not plan.
		 */
		if (value->type != jbvString)
			read_plan(analysis, po_pasted_node_element(root, i));
	}
	if (analysis->tree->nnodes == 0)
		read_plan(analysis, NULL);
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

	analysis->tree = po_node_tree_create();
	analysis->planning_ms = -1;
	read_document(analysis, &document->root);
	count_members(analysis->tree);
	number_tables(analysis->tree);
	po_node_account(analysis->tree);
	po_finding_run(analysis, po_rule_table, po_rule_count);
	return analysis;
}

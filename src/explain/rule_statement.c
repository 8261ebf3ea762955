/*
 * rule_statement.c
 *	  Findings about the statement as a whole.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "core/foreign_key.h"
#include "core/relname.h"
#include "core/text.h"
#include "explain/advice.h"
#include "explain/rule.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "parser/parsetree.h"
#include "plan/hypo_parse.h"
#include "plan/run.h"
#include "plan/size.h"
#include "plan/whatif.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"

/* jit-overhead */
#define JIT_SHARE 0.5
#define JIT_MIN_MS 5
/* planning-dominates */
#define PLANNING_FACTOR 2
#define PLANNING_MIN_MS 1
/* cold-reads */
#define COLD_RATIO 0.9
#define COLD_MIN_BLOCKS 10000
/* generic-plan-gap */
#define GENERIC_FACTOR 2
#define GENERIC_MIN_COST 100
/* select-star */
#define STAR_MIN_BYTES 500
#define STAR_MIN_TOAST 0.1		/* pages out of line to pages of the table */
/* fk-trigger-time */
#define TRIGGER_SHARE 0.2
#define TRIGGER_MIN_MS 1
#define TRIGGER_MIN_PAGES 10

/* jit-overhead: compiling expressions takes most of the execution. */
void
po_rule_statement_jit(PoAnalysis *analysis)
{
	const PoPlanTree *tree = analysis->tree;
	PoFindingDraft draft;

	if (tree->jit_wall_ms < JIT_MIN_MS || tree->jit_wall_ms < JIT_SHARE * tree->execution_ms)
		return;
	draft = po_finding_begin(analysis, NULL, Min(tree->jit_wall_ms / tree->execution_ms, 1));
	po_json_float(&draft.evidence, "jit_ms", tree->jit_ms);
	po_json_float(&draft.evidence, "execution_ms", tree->execution_ms);
	po_json_int(&draft.evidence, "functions", tree->jit_functions);
	draft.finding->message = psprintf("Compiling %d expressions took %.1f of %.1f ms.",
									  tree->jit_functions, tree->jit_wall_ms, tree->execution_ms);
	draft.finding->advice = pstrdup("Raise jit_above_cost above this statement's cost, or turn jit off.");
	draft.finding->suggested_sql = psprintf("SET jit_above_cost = %.0f", tree->total_cost * 2);
	po_finding_end(analysis, &draft);
}

/*
 * Returns the time that planning takes once the session's caches are warm: plans a
 * second time.  A pasted plan has but its one figure.
 */
static double
warm_planning_ms(PoAnalysis *analysis)
{
	instr_time	start;
	instr_time	duration;

	if (analysis->statement == NULL)
		return analysis->planning_ms;
	INSTR_TIME_SET_CURRENT(start);
	(void) po_query_cost(analysis->statement);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	return Min(analysis->planning_ms, INSTR_TIME_GET_MILLISEC(duration));
}

/* Tells whether planning took so long that running the statement hardly counts. */
static bool
planning_dominates(const PoPlanTree *tree, double planning_ms)
{
	return planning_ms >= PLANNING_MIN_MS && planning_ms >= PLANNING_FACTOR * tree->execution_ms;
}

/* planning-dominates: planning takes longer than running, not only the first time. */
void
po_rule_statement_planning(PoAnalysis *analysis)
{
	const PoPlanTree *tree = analysis->tree;
	double		planning;
	PoFindingDraft draft;

	if (!planning_dominates(tree, analysis->planning_ms))
		return;
	planning = warm_planning_ms(analysis);
	if (!planning_dominates(tree, planning))
		return;
	draft = po_finding_begin(analysis, NULL, planning / (planning + tree->execution_ms));
	po_json_float(&draft.evidence, "planning_ms", planning);
	po_json_float(&draft.evidence, "execution_ms", tree->execution_ms);
	draft.finding->message = psprintf("Planning took %.1f ms, running %.1f ms.", planning,
									  tree->execution_ms);
	draft.finding->advice =
		pstrdup("Prepare the statement once and execute it many times; fewer partitions and joins plan faster.");
	po_finding_end(analysis, &draft);
}

/* workers-not-launched: fewer parallel workers ran than were planned. */
void
po_rule_statement_workers(PoAnalysis *analysis, const PoNode *node)
{
	PoFindingDraft draft;

	if (node->kind != PO_NODE_GATHER || node->loops == 0 ||
		node->workers_launched >= node->workers_planned)
		return;
	draft = po_finding_begin(analysis, node, po_finding_subtree_share(analysis, node));
	po_json_int(&draft.evidence, "workers_planned", node->workers_planned);
	po_json_int(&draft.evidence, "workers_launched", node->workers_launched);
	draft.finding->message = psprintf("%d parallel workers were planned and %d launched.",
									  node->workers_planned, node->workers_launched);
	draft.finding->advice =
		pstrdup("Raise max_parallel_workers and max_worker_processes, or lower max_parallel_workers_per_gather.");
	po_finding_end(analysis, &draft);
}

/* cold-reads: nearly all blocks came from outside the buffer cache. */
void
po_rule_statement_cold(PoAnalysis *analysis)
{
	double		hit = 0;
	double		read = 0;
	PoFindingDraft draft;

	for (int i = 0; i < analysis->tree->nnodes; i++)
	{
		if (analysis->tree->nodes[i].parent != 0)
			continue;
		hit += analysis->tree->nodes[i].shared_hit;
		read += analysis->tree->nodes[i].shared_read;
	}
	if (read < COLD_MIN_BLOCKS || read < COLD_RATIO * (hit + read))
		return;
	draft = po_finding_begin(analysis, NULL, 0);
	po_json_float(&draft.evidence, "blocks_read", read);
	po_json_float(&draft.evidence, "blocks_hit", hit);
	draft.finding->message = psprintf("%.0f of %.0f blocks were not in the buffer cache.", read,
									  hit + read);
	draft.finding->advice =
		pstrdup("Run it again for a warm figure; if it stays cold, prewarm the table or read less of it by a covering index.");
	po_finding_end(analysis, &draft);
}

/* The settings that forbid the planner something. */
static const struct
{
	const char *name;
	const bool *value;
}			planner_switches[] = {
	{"enable_bitmapscan", &enable_bitmapscan},
	{"enable_gathermerge", &enable_gathermerge},
	{"enable_hashagg", &enable_hashagg},
	{"enable_hashjoin", &enable_hashjoin},
	{"enable_incremental_sort", &enable_incremental_sort},
	{"enable_indexonlyscan", &enable_indexonlyscan},
	{"enable_indexscan", &enable_indexscan},
	{"enable_material", &enable_material},
	{"enable_memoize", &enable_memoize},
	{"enable_mergejoin", &enable_mergejoin},
	{"enable_nestloop", &enable_nestloop},
	{"enable_parallel_append", &enable_parallel_append},
	{"enable_parallel_hash", &enable_parallel_hash},
	{"enable_partition_pruning", &enable_partition_pruning},
	{"enable_seqscan", &enable_seqscan},
	{"enable_sort", &enable_sort},
	{"enable_tidscan", &enable_tidscan},
};

/* Returns the names of the switches that are off in this session. */
static List *
switches_off(void)
{
	List	   *names = NIL;

	for (int i = 0; i < lengthof(planner_switches); i++)
		if (!*planner_switches[i].value)
			names = lappend(names, pstrdup(planner_switches[i].name));
	return names;
}

/*
 * Returns the statements that switch planner methods on again: a RESET, or a SET where
 * the setting is off by this session's role, database or server, too.  Of a pasted plan's
 * session (here is false) no such thing is known.  NULL for none.
 */
static char *
switch_on(const List *names, bool here)
{
	List	   *statements = NIL;
	ListCell   *lc;

	foreach(lc, names)
	{
		const char *name = lfirst(lc);
		const char *at_reset = here ? GetConfigOptionResetString(name) : NULL;

		statements = lappend(statements,
							 psprintf(at_reset != NULL && strcmp(at_reset, "off") == 0 ? "SET %s = on" : "RESET %s", name));
	}
	return po_text_join(statements, "; ");
}

/* Tells whether a child of the node is disabled too. */
static bool
has_disabled_child(const PoPlanTree *tree, const PoNode *node)
{
	for (int i = node->id; i < tree->nnodes && tree->nodes[i].depth > node->depth; i++)
		if (tree->nodes[i].parent == node->id && tree->nodes[i].disabled)
			return true;
	return false;
}

/* Returns the node where a forbidden method is used nonetheless, NULL for none. */
static const PoNode *
find_disabled(const PoPlanTree *tree)
{
	for (int i = 0; i < tree->nnodes; i++)
		if (tree->nodes[i].disabled && !has_disabled_child(tree, &tree->nodes[i]))
			return &tree->nodes[i];
	return NULL;
}

/* forced-settings: the planner is not free to choose. */
void
po_rule_statement_settings(PoAnalysis *analysis)
{
	List	   *switches = analysis->statement ? switches_off() : analysis->switches_off;
	char	   *names = po_text_join(switches, ", ");
	const PoNode *disabled = find_disabled(analysis->tree);
	PoFindingDraft draft;

	if (names == NULL && disabled == NULL)
		return;
	draft = po_finding_begin(analysis, disabled, 0);
	if (names != NULL)
		po_json_text(&draft.evidence, "settings_off", names);
	if (disabled != NULL)
		po_json_text(&draft.evidence, "disabled_node", disabled->type);
	draft.finding->message = names != NULL ?
		psprintf("Planner settings are switched off: %s.", names) :
		psprintf("%s was chosen although a setting forbids it.", po_finding_label(disabled));
	draft.finding->advice = pstrdup("Reset them: they are meant for finding out, not for production.");
	draft.finding->suggested_sql = switch_on(switches, analysis->statement != NULL);
	po_finding_end(analysis, &draft);
}

/*
 * Returns what the statement costs without its values, or 0 where that says nothing: a
 * plan that leaves out partitions during execution costs less than the planner says.
 */
static double
generic_cost(const PoStatement *statement)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer generic plan",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PoStatement without = *statement;
	double		cost = 0;

	/*
	 * A copy without values: the statement itself stays as it is when
	 * planning fails.
	 */
	without.params = NULL;
	(void) po_query_plan(&without);
	if (!po_run_prunes(&without))
		cost = po_query_total_cost(without.plans);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return cost;
}

/* generic-plan-gap: the plan without the values costs far more than the one with them. */
void
po_rule_statement_generic(PoAnalysis *analysis)
{
	PoStatement *statement = analysis->statement;
	ParamListInfo params = statement->params;
	double		custom = analysis->tree->total_cost;
	double		generic;
	PoFindingDraft draft;

	if (params == NULL)
		return;
	generic = generic_cost(statement);
	if (generic < GENERIC_FACTOR * custom || generic < GENERIC_MIN_COST)
		return;
	draft = po_finding_begin(analysis, NULL, 0);
	po_json_float(&draft.evidence, "custom_cost", custom);
	po_json_float(&draft.evidence, "generic_cost", generic);
	draft.finding->message =
		psprintf("A generic plan costs %.0f, the plan for these values %.0f.", generic, custom);
	draft.finding->advice =
		pstrdup("Where the statement is prepared, keep the server from switching to the generic plan.");
	draft.finding->suggested_sql = pstrdup("SET plan_cache_mode = 'force_custom_plan'");
	po_finding_end(analysis, &draft);
}

/* Adds the names of the statement's tables that hold values out of line. */
static int
toasted_tables(PoAnalysis *analysis, StringInfo names)
{
	int			found = 0;
	ListCell   *lc;

	foreach(lc, analysis->statement->query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION && rte->relkind == RELKIND_RELATION && rte->inFromCl &&
			po_facts_toast_pages(rte->relid) > STAR_MIN_TOAST * po_facts_get(analysis, rte->relid)->pages)
			appendStringInfo(names, "%s%s", found++ > 0 ? ", " : "",
							 po_facts_get(analysis, rte->relid)->name);
	}
	return found;
}

/* select-star: all columns are fetched, among them wide ones. */
void
po_rule_statement_star(PoAnalysis *analysis)
{
	PoStatement *statement = analysis->statement;
	StringInfoData names;
	int			toasted;
	int			width;
	PoFindingDraft draft;

	if (!statement->star || statement->query == NULL || analysis->tree->nnodes == 0)
		return;
	initStringInfo(&names);
	toasted = toasted_tables(analysis, &names);
	width = analysis->tree->nodes[0].width;
	if (toasted == 0 && width < STAR_MIN_BYTES)
		return;
	draft = po_finding_begin(analysis, NULL, 0);
	draft.finding->severity = PO_SEVERITY_INFO;
	po_json_int(&draft.evidence, "row_bytes", width);
	if (toasted > 0)
		po_json_text(&draft.evidence, "tables_with_toasted_values", names.data);
	draft.finding->message = toasted > 0 ?
		psprintf("SELECT * fetches rows of %d bytes, and values that %s stores out of line.", width,
				 names.data) :
		psprintf("SELECT * fetches rows of %d bytes.", width);
	draft.finding->advice = pstrdup("Name the columns that are needed.");
	po_finding_end(analysis, &draft);
}

/* Stores a parallel-unsafe or restricted function; a check_functions_in_node callback. */
static bool
is_parallel_unsafe(Oid funcid, void *context)
{
	if (func_parallel(funcid) != PROPARALLEL_UNSAFE)
		return false;
	*(Oid *) context = funcid;
	return true;
}

/* Finds a parallel-unsafe function in a query, views and subqueries included. */
static bool
find_unsafe_function(Node *node, Oid *funcid)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_parallel_unsafe, funcid))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, find_unsafe_function, funcid, 0);
	return expression_tree_walker(node, find_unsafe_function, funcid);
}

/* Fills in what can be done about a function that is parallel unsafe. */
static void
advise_unsafe(PoFinding *finding, Oid funcid)
{
	if (funcid < FirstNormalObjectId)
		finding->advice = pstrdup("It is the server's own and cannot be marked: call it outside of the statement that scans.");
	else if (get_func_prokind(funcid) == PROKIND_FUNCTION)
	{
		finding->advice = pstrdup("If it neither writes nor changes the session, mark it parallel safe.");
		finding->suggested_sql = psprintf("ALTER FUNCTION %s PARALLEL SAFE",
										  format_procedure_qualified(funcid));
	}
	else
		finding->advice = pstrdup("If it neither writes nor changes the session, create it again with PARALLEL = SAFE.");
}

/* Tells whether a sequential scan is large enough for the planner to consider workers. */
static const PoNode *
large_scan(PoAnalysis *analysis)
{
	for (int i = 0; i < analysis->tree->nnodes; i++)
	{
		const PoNode *node = &analysis->tree->nodes[i];

		if (node->kind == PO_NODE_SEQ_SCAN && OidIsValid(node->relid) &&
			get_rel_persistence(node->relid) != RELPERSISTENCE_TEMP &&
			po_facts_get(analysis, node->relid)->pages >= min_parallel_table_scan_size)
			return node;
	}
	return NULL;
}

/* Tells whether workers could run the statement, but for its functions. */
static bool
may_use_workers(const PoStatement *statement)
{
	return statement->query != NULL && statement->query->commandType == CMD_SELECT &&
		!statement->query->hasModifyingCTE && statement->query->rowMarks == NIL &&
		(statement->cursor_options & CURSOR_OPT_PARALLEL_OK) != 0 &&
		max_parallel_workers_per_gather > 0;
}

/* Replaces calls of parallel-unsafe functions by parameters of unknown value, which workers could be handed. */
static Node *
replace_unsafe(Node *node, int *nparams)
{
	Oid			funcid;

	if (node == NULL)
		return NULL;
	if ((IsA(node, FuncExpr) || IsA(node, OpExpr)) && !expression_returns_set(node) &&
		check_functions_in_node(node, is_parallel_unsafe, &funcid))
	{
		Param	   *param = makeNode(Param);

		param->paramkind = PARAM_EXTERN;
		param->paramid = ++*nparams;
		param->paramtype = exprType(node);
		param->paramtypmod = exprTypmod(node);
		param->paramcollid = exprCollation(node);
		param->location = -1;
		return (Node *) param;
	}
	if (IsA(node, Query))
		return (Node *) query_tree_mutator((Query *) node, replace_unsafe, nparams, 0);
	return expression_tree_mutator(node, replace_unsafe, nparams);
}

/*
 * Tells whether the planner uses workers once the calls of unsafe functions are out of
 * the way.  Where that changes how many rows there are, or leaves a call, of an aggregate
 * say, nothing can be proven and it is assumed.
 */
static bool
uses_workers_without(const PoStatement *statement)
{
	PoStatement without = *statement;
	Oid			funcid;

	if (find_unsafe_function((Node *) statement->query->jointree, &funcid))
		return true;
	without.query = (Query *) replace_unsafe((Node *) statement->query, &without.nparams);
	if (find_unsafe_function((Node *) without.query, &funcid))
		return true;
	without.queries = list_make1(without.query);
	(void) po_query_plan(&without);
	return without.plan != NULL && without.plan->parallelModeNeeded;
}

/* parallel-unsafe-function: one function keeps a large scan from being shared among workers. */
void
po_rule_statement_parallel(PoAnalysis *analysis)
{
	PoStatement *statement = analysis->statement;
	const PoNode *scan;
	Oid			funcid = InvalidOid;
	PoFindingDraft draft;

	if (!may_use_workers(statement) || analysis->tree->total_cost < parallel_setup_cost ||
		!find_unsafe_function((Node *) statement->query, &funcid))
		return;
	scan = large_scan(analysis);
	if (scan == NULL || !uses_workers_without(statement))
		return;
	draft = po_finding_begin(analysis, scan, po_finding_share(analysis, scan));
	po_json_text(&draft.evidence, "function", format_procedure(funcid));
	draft.finding->message =
		psprintf("Function %s is marked parallel unsafe, so no worker may help with this statement.",
				 format_procedure(funcid));
	advise_unsafe(draft.finding, funcid);
	po_finding_end(analysis, &draft);
}

/*
 * Adds to a finding what the search of a foreign key costs without and with its index,
 * where the user may know of the table.
 */
static void
prove_foreign_key(PoAnalysis *analysis, const PoForeignKey *key, PoFindingDraft *draft)
{
	StringInfoData text;
	PoParams	params = {.nvalues = -1};
	PoStatement *statement;
	PoHypoIndex *index;

	if (!po_facts_may_read(key->referencing) || !po_advice_can_prove(analysis))
		return;
	analysis->proofs++;
	initStringInfo(&text);
	appendStringInfo(&text, "SELECT 1 FROM %s x WHERE ", po_relname_qualified(key->referencing));
	for (int i = 0; i < key->ncolumns; i++)
		appendStringInfo(&text, "%s%s OPERATOR(pg_catalog.=) $%d", i > 0 ? " AND " : "",
						 quote_identifier(get_attname(key->referencing, key->columns[i], false)), i + 1);
	statement = po_query_parse(text.data, &params);
	index = po_hypo_parse_statement(draft->finding->suggested_sql);
	po_json_float(&draft->evidence, "cost_before", po_query_cost(statement));
	po_json_float(&draft->evidence, "cost_after",
				  po_whatif_cost(statement, list_make1(index), NIL, NULL));
	po_json_int(&draft->evidence, "index_size_bytes", po_size_bytes(index));
}

/* Reports a foreign key's trigger that took much of the time. */
static void
check_trigger(PoAnalysis *analysis, const PoTrigger *trigger)
{
	const PoPlanTree *tree = analysis->tree;
	PoForeignKey key;
	PoFindingDraft draft;

	if (!OidIsValid(trigger->constraint) || trigger->total_ms < TRIGGER_MIN_MS ||
		trigger->total_ms < TRIGGER_SHARE * tree->execution_ms ||
		!po_foreign_key_read(trigger->constraint, &key) || key.referenced != trigger->relid ||
		po_finding_repeats(analysis, key.referencing))
		return;
	draft = po_finding_begin(analysis, NULL, Min(trigger->total_ms / tree->execution_ms, 1));
	draft.finding->relid = key.referencing;
	po_json_text(&draft.evidence, "constraint", get_constraint_name(trigger->constraint));
	po_json_float(&draft.evidence, "calls", trigger->calls);
	po_json_float(&draft.evidence, "trigger_ms", trigger->total_ms);
	po_json_bool(&draft.evidence, "indexed", key.indexed);
	draft.finding->message = psprintf("The foreign key %s took %.1f of %.1f ms in %.0f calls.",
									  get_constraint_name(trigger->constraint), trigger->total_ms,
									  tree->execution_ms, trigger->calls);
	if (key.indexed)
	{
		/*
		 * What its index cannot make faster is a fact to know, no fault to
		 * mend.
		 */
		draft.finding->severity = PO_SEVERITY_INFO;
		draft.finding->advice =
			pstrdup("An index serves it, so this is the work on the referencing rows themselves.");
	}
	else
	{
		draft.finding->advice = pstrdup("Create an index on the referencing columns.");
		draft.finding->suggested_sql = po_foreign_key_index(&key);
		prove_foreign_key(analysis, &key, &draft);
	}
	po_finding_end(analysis, &draft);
}

/* Tells whether a statement removes, or may change, values that a foreign key refers to. */
static bool
changes_referenced(const Query *query, const PoForeignKey *key)
{
	ListCell   *lc;

	if (query->commandType == CMD_DELETE)
		return true;
	foreach(lc, query->targetList)
		for (int i = 0; i < key->ncolumns; i++)
		if (!lfirst_node(TargetEntry, lc)->resjunk &&
			lfirst_node(TargetEntry, lc)->resno == key->referenced_columns[i])
			return true;
	return false;
}

/* Returns how many rows the statement is expected to change, at least one. */
static double
rows_changed(const PoAnalysis *analysis)
{
	const PoNode *root = &analysis->tree->nodes[0];
	const PoNode *input = po_node_child(analysis->tree, root, PO_ROLE_OUTER);

	return Max(input ? input->rows : 1, 1);
}

/*
 * Reports a foreign key that a DELETE or key UPDATE must check in a table without an
 * index: each changed row reads the table once.
 */
static void
check_key(PoAnalysis *analysis, const PoForeignKey *key)
{
	const PoFacts *facts = po_facts_get(analysis, key->referencing);
	double		rows = rows_changed(analysis);
	double		cost = rows * (facts->pages * seq_page_cost +
							   facts->tuples * (cpu_tuple_cost + cpu_operator_cost));
	PoFindingDraft draft;

	if (key->indexed || facts->pages < TRIGGER_MIN_PAGES ||
		po_finding_repeats(analysis, key->referencing))
		return;
	draft = po_finding_begin(analysis, NULL, cost / (cost + analysis->tree->total_cost));
	draft.finding->relid = key->referencing;
	po_json_text(&draft.evidence, "constraint", get_constraint_name(key->constraint));
	po_json_float(&draft.evidence, "rows_changed", rows);
	po_json_float(&draft.evidence, "referencing_pages", facts->pages);
	po_json_float(&draft.evidence, "referencing_rows", facts->tuples);
	draft.finding->message =
		psprintf("Each changed row makes the foreign key %s search %s without an index.",
				 get_constraint_name(key->constraint), facts->name);
	draft.finding->advice = pstrdup("Create an index on the referencing columns.");
	draft.finding->suggested_sql = po_foreign_key_index(key);
	prove_foreign_key(analysis, key, &draft);
	po_finding_end(analysis, &draft);
}

/* fk-trigger-time: referential actions search the referencing table without an index. */
void
po_rule_statement_triggers(PoAnalysis *analysis)
{
	Query	   *query = analysis->statement->query;
	ListCell   *lc;

	for (int i = 0; i < analysis->tree->ntriggers; i++)
		check_trigger(analysis, &analysis->tree->triggers[i]);
	if (query == NULL || analysis->tree->executed || analysis->tree->nnodes == 0 ||
		(query->commandType != CMD_DELETE && query->commandType != CMD_UPDATE))
		return;
	foreach(lc, po_foreign_key_referencing(rt_fetch(query->resultRelation, query->rtable)->relid))
		if (changes_referenced(query, lfirst(lc)))
		check_key(analysis, lfirst(lc));
}

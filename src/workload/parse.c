/*
 * parse.c
 *	  What parse analysis tells of a statement: its constants and its keys.
 *
 * The normalised text of a statement has lost the types of its constants; the
 * analysed query has them, in the same order.  They are noted in the backend's
 * memory, once for each statement.  A key is a column that is compared with one value,
 * where an N+1 burst could ask for all values at once.  Keys and the values of constants are noted
 * at each analysis, for texts of one statement differ in them and in where they stand.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/transam.h"
#include "common/hashfn.h"
#include "core/compat.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "workload/burst.h"
#include "workload/local.h"
#include "workload/parse.h"
#include "workload/settings.h"
#include "workload/text.h"

#define UTILITIES 64

/* A constant and where it stands. */
typedef struct Constant
{
	int			location;
	Oid			type;
} Constant;

/* The constants of a query under collection. */
typedef struct Constants
{
	int			n;
	Constant	items[PO_LOCAL_CONSTS + 1];
} Constants;

/* Query identifiers of utility statements by the hash of their text: others may clear them before the statement runs. */
static struct
{
	uint64		hash;
	uint64		queryid;
}			utilities[UTILITIES];

static post_parse_analyze_hook_type prev_post_parse_analyze = NULL;

/* Returns the hash of a statement's text. */
static uint64
hash_statement(const char *text, int location, int length)
{
	const char *start = text + Max(location, 0);

	return hash_bytes_extended((const unsigned char *) start,
							   length > 0 ? length : (int) strlen(start), 0);
}

/* Returns the query identifier of a utility statement that is about to run, 0 when there is none. */
uint64
po_parse_utility_queryid(const PlannedStmt *stmt, const char *text)
{
	uint64		hash;

	if (stmt->queryId != 0)
		return (uint64) stmt->queryId;
	hash = hash_statement(text, stmt->stmt_location, stmt->stmt_len);
	return utilities[hash % UTILITIES].hash == hash ? utilities[hash % UTILITIES].queryid : 0;
}

/* Collects constants; one more than fit tells that there are too many. */
static bool
collect_constants(Node *node, void *context)
{
	Constants  *constants = context;

	if (node == NULL)
		return false;
	if (IsA(node, Const) && ((Const *) node)->location >= 0 && constants->n <= PO_LOCAL_CONSTS)
	{
		constants->items[constants->n].location = ((Const *) node)->location;
		constants->items[constants->n].type = ((Const *) node)->consttype;
		constants->n++;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, collect_constants, context, 0);
	return expression_tree_walker(node, collect_constants, context);
}

/* Orders constants by location. */
static int
compare_constants(const void *a, const void *b)
{
	return ((const Constant *) a)->location - ((const Constant *) b)->location;
}

/* Returns how many different places the jumbling recorded. */
static int
count_locations(PO_JUMBLE_STATE * jstate)
{
	int			n = 0;

	for (int i = 0; i < jstate->clocations_count; i++)
	{
		bool		seen = false;

		for (int j = 0; j < i && !seen; j++)
			seen = (jstate->clocations[j].location == jstate->clocations[i].location);
		n += !seen;
	}
	return n;
}

/* Notes the types of the constants in the order of the text; -1 where they do not fit what jumbling saw. */
static void
note_constants(PoLocal *local, Query *query, PO_JUMBLE_STATE * jstate)
{
	Constants	constants = {0};
	int			n = 0;

	local->nconsts = -1;
	if (jstate == NULL)
		return;
	local->first_const = jstate->highest_extern_param_id;
	if (jstate->clocations_count > PO_LOCAL_CONSTS)
		return;
	(void) query_tree_walker(query, collect_constants, &constants, 0);
	if (constants.n > PO_LOCAL_CONSTS)
		return;
	qsort(constants.items, constants.n, sizeof(Constant), compare_constants);
	for (int i = 0; i < constants.n; i++)
		if (i == 0 || constants.items[i].location != constants.items[i - 1].location)
			local->const_types[n++] = constants.items[i].type;
	if (n == count_locations(jstate))
		local->nconsts = n;
}

/* ---- keys and values ---- */

/* Returns an expression without the casts that the parser put around it. */
static Node *
strip_casts(Node *node)
{
	while (node != NULL)
	{
		if (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		else if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcformat != COERCE_EXPLICIT_CALL &&
				 list_length(((FuncExpr *) node)->args) >= 1)
			node = linitial(((FuncExpr *) node)->args);
		else
			break;
	}
	return node;
}

/* Fills what a key knows of its value; returns false for anything but a constant or a parameter of the statement. */
static bool
note_value(PoLocalKey *key, const Node *node)
{
	if (node != NULL && IsA(node, Const) && !((const Const *) node)->constisnull)
	{
		key->type = ((const Const *) node)->consttype;
		key->location = ((const Const *) node)->location;
	}
	else if (node != NULL && IsA(node, Param) && ((const Param *) node)->paramkind == PARAM_EXTERN)
	{
		key->type = ((const Param *) node)->paramtype;
		key->param = ((const Param *) node)->paramid;
		key->location = ((const Param *) node)->location;
	}
	else
		return false;
	return key->location >= 0;
}

/* Finds the one column that an expression is over. */
static bool
find_column(Node *node, void *context)
{
	Var		  **column = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		if (*column != NULL || ((Var *) node)->varlevelsup != 0)
			return true;
		*column = (Var *) node;
		return false;
	}
	if (IsA(node, SubLink))
		return true;
	return expression_tree_walker(node, find_column, context);
}

/* Returns the hash of a piece of the statement's text from the first location to the end of the value at the last. */
static uint64
hash_piece(const char *text, int first, int last)
{
	const char *end = po_text_skip_value(text + last);

	return end == NULL ? 0 : po_burst_mix_bytes(1, text + first, end - (text + first));
}

/* Adds "column = value" to the keys when this is one on a user's table; text is the statement's own. */
static void
note_comparison(PoLocalText *noted, Query *query, OpExpr *op, const char *text)
{
	PoLocalKey	key = {0};
	Node	   *left = strip_casts(linitial(op->args));
	Node	   *right = strip_casts(lsecond(op->args));
	Var		   *column = NULL;
	Node	   *side;
	RangeTblEntry *rte;

	if (note_value(&key, right))
		side = left;
	else if (note_value(&key, left))
		side = right;
	else
		return;
	if (find_column(side, &column) || column == NULL || column->varattno <= 0 || column->location < 0 ||
		!op_mergejoinable(op->opno, exprType(linitial(op->args))))
		return;
	rte = rt_fetch(column->varno, query->rtable);
	if (rte->rtekind != RTE_RELATION || rte->relid < FirstNormalObjectId)
		return;
	key.relid = rte->relid;
	key.attno = IsA(side, Var) ? column->varattno : 0;
	key.location -= Max(query->stmt_location, 0);
	key.column_location = column->location - Max(query->stmt_location, 0);
	key.text = hash_piece(text, Min(key.column_location, key.location), key.location);
	noted->keys[noted->nkeys++] = key;
}

/* Looks for keys among conditions that must all hold. */
static void
search_conditions(PoLocalText *noted, Query *query, Node *condition, const char *text)
{
	ListCell   *lc;

	if (condition == NULL || noted->nkeys == PO_LOCAL_KEYS)
		return;
	if (IsA(condition, BoolExpr) && ((BoolExpr *) condition)->boolop == AND_EXPR)
	{
		foreach(lc, ((BoolExpr *) condition)->args)
			search_conditions(noted, query, lfirst(lc), text);
	}
	else if (IsA(condition, OpExpr) && list_length(((OpExpr *) condition)->args) == 2)
		note_comparison(noted, query, (OpExpr *) condition, text);
}

/* Returns the hash of a statement's constants; of its whole text where the jumbling does not tell them. */
static uint64
hash_constants(Query *query, PO_JUMBLE_STATE * jstate, const char *source)
{
	uint64		hash = 1;

	if (jstate == NULL)
		return hash_statement(source, query->stmt_location, query->stmt_len);
	for (int i = 0; i < jstate->clocations_count; i++)
	{
		const char *start = source + jstate->clocations[i].location;
		const char *end = jstate->clocations[i].location < 0 ? NULL : po_text_skip_value(start);

		if (end != NULL)
			hash = po_burst_mix_bytes(hash, start, end - start);
	}
	return hash;
}

/* Notes what burst detection wants to know of a SELECT that a client or a procedure is about to run. */
static void
note_text(PoLocalText *noted, Query *query, PO_JUMBLE_STATE * jstate, const char *source)
{
	noted->known = true;
	noted->nkeys = 0;
	noted->constants = hash_constants(query, jstate, source);
	if (query->jointree != NULL)
		search_conditions(noted, query, query->jointree->quals, source + Max(query->stmt_location, 0));
	noted->plain = !query->hasAggs && !query->hasWindowFuncs && query->groupClause == NIL &&
		query->groupingSets == NIL && query->havingQual == NULL && query->distinctClause == NIL &&
		query->limitCount == NULL && query->limitOffset == NULL && query->setOperations == NULL &&
		query->cteList == NIL && query->rowMarks == NIL && !query->hasTargetSRFs;
}

/* Notes what is to be known of a statement, after it was analysed. */
static void
parse_analyzed(ParseState *pstate, Query *query, PO_JUMBLE_STATE * jstate)
{
	PoLocal    *local;
	uint64		hash;

	if (prev_post_parse_analyze)
		prev_post_parse_analyze(pstate, query, jstate);
	if (query->queryId == 0 || po_settings_track == PO_TRACK_NONE || IsParallelWorker())
		return;
	if (query->commandType == CMD_UTILITY)
	{
		hash = hash_statement(pstate->p_sourcetext, query->stmt_location, query->stmt_len);
		utilities[hash % UTILITIES].hash = hash;
		utilities[hash % UTILITIES].queryid = (uint64) query->queryId;
		return;
	}
	local = po_local_find((uint64) query->queryId);
	if (query->commandType == CMD_SELECT && po_settings_n_plus_one)
		note_text(&local->text, query, jstate, pstate->p_sourcetext);
	if (local->parsed)
		return;
	local->parsed = true;
	note_constants(local, query, jstate);
}

/* Installs the hook; called once from _PG_init while preloading. */
void
po_parse_init(void)
{
	prev_post_parse_analyze = post_parse_analyze_hook;
	post_parse_analyze_hook = parse_analyzed;
}

/*
 * parse.c
 *	  What parse analysis tells of a statement: its constants' types and its key.
 *
 * The normalised text of a statement has lost the types of its constants; the
 * analysed query has them, in the same order.  The key is the column that is
 * compared with one value, where an N+1 burst could ask for all values at once.
 * Both are noted in the backend's memory, once for each statement.
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
#include "workload/local.h"
#include "workload/parse.h"
#include "workload/settings.h"

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
count_locations(PO_JUMBLE_STATE *jstate)
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
note_constants(PoLocal *local, Query *query, PO_JUMBLE_STATE *jstate)
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

/* Returns where a single value stands: a constant or a parameter of the statement; -1 for anything else. */
static int
value_location(Node *node, Oid *type)
{
	if (node != NULL && IsA(node, Const))
	{
		*type = ((Const *) node)->consttype;
		return ((Const *) node)->constisnull ? -1 : ((Const *) node)->location;
	}
	if (node != NULL && IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
	{
		*type = ((Param *) node)->paramtype;
		return ((Param *) node)->location;
	}
	return -1;
}

/* Notes "column = value" when this is one on a user's table. */
static void
note_comparison(PoLocalKey *key, Query *query, OpExpr *op)
{
	Node	   *column = strip_casts(linitial(op->args));
	Node	   *value = strip_casts(lsecond(op->args));
	RangeTblEntry *rte;
	Oid			type = InvalidOid;
	int			location = value_location(value, &type);

	if (column == NULL || !IsA(column, Var) || ((Var *) column)->varlevelsup != 0 || location < 0 ||
		((Var *) column)->varattno <= 0 || ((Var *) column)->location < 0 ||
		!op_mergejoinable(op->opno, exprType(linitial(op->args))))
		return;
	rte = rt_fetch(((Var *) column)->varno, query->rtable);
	if (rte->rtekind != RTE_RELATION || rte->relid < FirstNormalObjectId)
		return;
	key->relid = rte->relid;
	key->attno = ((Var *) column)->varattno;
	key->type = type;
	key->location = location - Max(query->stmt_location, 0);
	key->column_location = ((Var *) column)->location - Max(query->stmt_location, 0);
}

/* Looks for the key among conditions that must all hold. */
static void
search_conditions(PoLocalKey *key, Query *query, Node *condition)
{
	ListCell   *lc;

	if (condition == NULL || OidIsValid(key->relid))
		return;
	if (IsA(condition, BoolExpr) && ((BoolExpr *) condition)->boolop == AND_EXPR)
	{
		foreach(lc, ((BoolExpr *) condition)->args)
			search_conditions(key, query, lfirst(lc));
	}
	else if (IsA(condition, OpExpr) && list_length(((OpExpr *) condition)->args) == 2)
		note_comparison(key, query, (OpExpr *) condition);
}

/* Notes the key of a SELECT. */
static void
note_key(PoLocal *local, Query *query)
{
	PoLocalKey *key = &local->key;

	memset(key, 0, sizeof(PoLocalKey));
	if (query->commandType != CMD_SELECT || query->jointree == NULL)
		return;
	search_conditions(key, query, query->jointree->quals);
	key->plain = !query->hasAggs && !query->hasWindowFuncs && query->groupClause == NIL &&
		query->groupingSets == NIL && query->havingQual == NULL && query->distinctClause == NIL &&
		query->limitCount == NULL && query->limitOffset == NULL && query->setOperations == NULL &&
		query->cteList == NIL && query->rowMarks == NIL;
}

/* Notes what is to be known of a statement, after it was analysed. */
static void
parse_analyzed(ParseState *pstate, Query *query, PO_JUMBLE_STATE *jstate)
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
	if (local->parsed)
		return;
	local->parsed = true;
	note_constants(local, query, jstate);
	note_key(local, query);
}

/* Installs the hook; called once from _PG_init while preloading. */
void
po_parse_init(void)
{
	prev_post_parse_analyze = post_parse_analyze_hook;
	post_parse_analyze_hook = parse_analyzed;
}

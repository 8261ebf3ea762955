/*
 * advice.c
 *	  Index advice inside findings, proven by planning with the index.
 *
 * A finding carries a CREATE INDEX only when the planner, shown that index, uses it
 * and the whole statement gets cheaper by a material share.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "core/collation.h"
#include "explain/advice.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "plan/hypo_build.h"
#include "plan/hypo_parse.h"
#include "plan/proof.h"
#include "plan/size.h"
#include "plan/whatif.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

/* An index must save this share of the statement's cost. */
#define MIN_GAIN 0.10
/* Proofs in one analysis at most: each costs a few planner calls. */
#define MAX_PROOFS 12
/* Statements that take longer to plan are not planned dozens of times. */
#define MAX_PLANNING_MS 100

/*
 * Tells whether indexes can be tried out: the statement is at hand, quick to plan, and
 * was not tried too often.
 */
bool
po_advice_can_prove(const PoAnalysis *analysis)
{
	return analysis->statement != NULL && analysis->planning_ms <= MAX_PLANNING_MS &&
		analysis->proofs < MAX_PROOFS;
}

/* Tells whether a user can create an index on the relation at all; system catalogs take none. */
static bool
can_have_index(Oid relid)
{
	char		kind = get_rel_relkind(relid);

	if (relid < FirstNormalObjectId)
		return false;
	return kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE ||
		kind == RELKIND_MATVIEW;
}

/* Puts a proof into a finding, with the statements that create its indexes. */
static void
attach(PoFindingDraft *draft, char *sql, const PoProof *proof)
{
	draft->finding->suggested_sql = sql;
	po_json_float(&draft->evidence, "cost_before", proof->cost_before);
	po_json_float(&draft->evidence, "cost_after", proof->cost_after);
	po_json_int(&draft->evidence, "index_size_bytes", proof->size_bytes);
}

/*
 * Looks for an index on a relation, or on the root of the partition tree that it
 * belongs to, that makes the whole statement cheaper.  Attaches it to the finding and
 * returns true when it saves enough.  Each table is tried once in an analysis.
 */
bool
po_advice_prove(PoAnalysis *analysis, Oid relid, PoFindingDraft *draft)
{
	PoFacts    *facts;

	if (analysis->statement == NULL || !OidIsValid(relid))
		return false;
	facts = po_facts_get(analysis, po_facts_root(analysis, relid));
	if (!facts->tried && po_advice_can_prove(analysis) && can_have_index(facts->relid))
	{
		analysis->proofs++;
		facts->tried = true;
		facts->proven = po_proof_find(analysis->statement, facts->relid, MIN_GAIN, &facts->proof);
	}
	if (facts->proven)
		attach(draft, facts->proof.index->definition, &facts->proof);
	return facts->proven;
}

/* Prints an expression over the columns of a scan's table, without the table's name. */
char *
po_advice_expression(const PoNode *node, Node *expr)
{
	Node	   *copy = copyObject(expr);

	ChangeVarNodes(copy, node->rti, 1, 0);
	return deparse_expression(copy, deparse_context_for(get_rel_name(node->relid), node->relid),
							  false, false);
}

/* Returns the quoted name of a column. */
char *
po_advice_column(Oid relid, AttrNumber attnum)
{
	return pstrdup(quote_identifier(get_attname(relid, attnum, false)));
}

/* Tells whether an expression holds a parameter; an expression_tree_walker callback. */
static bool
has_parameter(Node *node, void *context)
{
	if (node == NULL)
		return false;
	return IsA(node, Param) || expression_tree_walker(node, has_parameter, context);
}

/* Tells whether an expression holds a parameter, so that no object of the catalog can be made of it. */
bool
po_advice_has_parameter(Node *expr)
{
	return has_parameter(expr, NULL);
}

/* Returns the operator class that an index needs to serve a predicate on an expression; empty for the default one. */
static const char *
class_suffix(const PoPredicate *predicate)
{
	Oid			collation = exprCollation(predicate->operand);

	if (predicate->pattern == NULL || (OidIsValid(collation) && po_collation_is_c(collation)))
		return "";
	return exprType(predicate->operand) == BPCHAROID ? " bpchar_pattern_ops" : " text_pattern_ops";
}

/*
 * Tries the indexes (PoHypoIndex, with their definitions) together; attaches those that
 * the planner takes to the finding and returns true when they save enough.
 */
static bool
prove_indexes(PoAnalysis *analysis, List *indexes, PoFindingDraft *draft)
{
	PoProof		proof = {0};
	StringInfoData sql;
	List	   *used;
	ListCell   *lc;

	analysis->proofs++;
	proof.cost_before = po_query_cost(analysis->statement);
	proof.cost_after = po_whatif_cost(analysis->statement, indexes, NIL, &used);
	if (used == NIL || proof.cost_before - proof.cost_after < MIN_GAIN * proof.cost_before)
		return false;
	initStringInfo(&sql);
	foreach(lc, used)
	{
		PoHypoIndex *index = lfirst(lc);

		appendStringInfo(&sql, "%s%s", sql.len > 0 ? "; " : "", index->definition);
		proof.size_bytes += po_size_bytes(index);
	}
	attach(draft, sql.data, &proof);
	return true;
}

/*
 * Tries the index that a CREATE INDEX on a scan's table, or the partitioned table above
 * it, describes; like po_advice_prove.
 */
bool
po_advice_prove_statement(PoAnalysis *analysis, const PoNode *node, char *definition,
						  PoFindingDraft *draft)
{
	Oid			root = po_facts_root(analysis, node->relid);
	PoHypoIndex *index;

	if (!po_advice_can_prove(analysis) || !can_have_index(root) || !po_facts_may_read(root))
		return false;
	if (root != node->relid)
		definition = psprintf("CREATE INDEX%s", definition + strlen("CREATE INDEX CONCURRENTLY"));
	index = po_hypo_parse_statement(definition);
	index->definition = definition;
	return prove_indexes(analysis, list_make1(index), draft);
}

/* Tries an index on each of some columns of a scan's table, all together; like po_advice_prove. */
bool
po_advice_prove_each(PoAnalysis *analysis, const PoNode *node, List *columns, PoFindingDraft *draft)
{
	List	   *indexes = NIL;
	ListCell   *lc;

	if (!po_advice_can_prove(analysis) || !can_have_index(node->relid) ||
		po_facts_root(analysis, node->relid) != node->relid)
		return false;
	foreach(lc, columns)
	{
		PoForm		form = {.key = {.ncolumns = 1}};

		form.key.columns[0] = lfirst_int(lc);
		if (!po_hypo_build_supported(node->relid, lfirst_int(lc)))
			return false;
		indexes = lappend(indexes, po_hypo_build_form(node->relid, &form, NULL));
		po_hypo_build_definition(llast(indexes), &form, NULL);
	}
	return prove_indexes(analysis, indexes, draft);
}

/* Tells whether a column stands at the same place in a partition and in the partitioned table. */
static bool
same_column(Oid relid, Oid root, AttrNumber attnum)
{
	char	   *name = get_attname(root, attnum, true);

	return name != NULL && strcmp(name, get_attname(relid, attnum, false)) == 0;
}

/* Tries an index on the expression that a predicate compares; like po_advice_prove. */
bool
po_advice_prove_expression(PoAnalysis *analysis, const PoNode *node, const PoPredicate *predicate,
						   PoFindingDraft *draft)
{
	Node	   *expr = predicate->operand;
	Oid			root = po_facts_root(analysis, node->relid);

	if (get_typtype(exprType(expr)) == TYPTYPE_PSEUDO || contain_mutable_functions(expr) ||
		has_parameter(expr, NULL) || !same_column(node->relid, root, predicate->attnum))
		return false;
	return po_advice_prove_statement(analysis, node,
									 psprintf("CREATE INDEX CONCURRENTLY ON %s ((%s)%s)",
											  po_facts_get(analysis, root)->name,
											  po_advice_expression(node, expr), class_suffix(predicate)),
									 draft);
}

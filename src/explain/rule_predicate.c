/*
 * rule_predicate.c
 *	  Findings about conditions that keep indexes from being used.
 */
#include "postgres.h"

#include <ctype.h>
#include <unistd.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "core/collation.h"
#include "core/compat.h"
#include "explain/advice.h"
#include "explain/predicate.h"
#include "explain/rule.h"
#include "explain/skew.h"
#include "explain/wrapper.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

/* Smaller tables are read in no time whatever the condition. */
#define MIN_ROWS 1000
/* A condition that keeps more than this share of the table gains nothing by an index. */
#define MAX_KEPT 0.2
/* leading-wildcard: fewer characters in a row than this make a trigram index be read whole. */
#define TRIGRAM_LENGTH 3
#define TRIGRAM_BEFORE 2
#define TRIGRAM_AFTER 1
/* implicit-cast: pages that finding a value in an index costs, generously; its rows cost one each. */
#define PAGES_OF_LOOKUP 2
/* or-across-columns: most arms of an OR for which indexes are tried. */
#define MAX_ARMS 8

/* Tests one index of a table. */
typedef bool (*IndexTest) (Relation index, const PoPredicate *predicate, const PoNode *node);

/* Tells whether some valid index of the scan's table passes a test. */
static bool
any_index(const PoNode *node, const PoPredicate *predicate, IndexTest test)
{
	Relation	table = table_open(node->relid, AccessShareLock);
	List	   *indexes = RelationGetIndexList(table);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		found = index->rd_index->indisvalid && test(index, predicate, node);
		index_close(index, AccessShareLock);
		if (found)
			break;
	}
	list_free(indexes);
	table_close(table, AccessShareLock);
	return found;
}

/* Passes an index that holds the predicate's expression. */
static bool
holds_expression(Relation index, const PoPredicate *predicate, const PoNode *node)
{
	Node	   *expr = copyObject(predicate->operand);
	ListCell   *lc;

	ChangeVarNodes(expr, node->rti, 1, 0);
	foreach(lc, RelationGetIndexExpressions(index))
		if (equal(lfirst(lc), expr))
		return true;
	return false;
}

/* Tells whether the scan is one where a better condition would matter. */
static bool
is_worth_it(PoAnalysis *analysis, const PoNode *node)
{
	double		tuples;
	double		kept = po_finding_rows(analysis, node);

	if (node->plan == NULL || node->filter == NULL || !po_node_is_scan(node) ||
		!OidIsValid(node->relid))
		return false;

	/*
	 * Where an index finds the rows already, the filter has little left to
	 * remove.
	 */
	if (node->condition != NULL && node->removed_filter < MIN_ROWS * Max(node->loops, 1))
		return false;
	tuples = po_facts_get(analysis, node->relid)->tuples;
	return tuples >= MIN_ROWS && kept <= MAX_KEPT * tuples * Max(node->loops, 1) &&
		!po_finding_repeats(analysis, node->relid);
}

/* Returns the predicates in the filter of a scan, which are read once for all rules. */
static List *
filter_predicates(PoAnalysis *analysis, const PoNode *node)
{
	List	  **predicates;

	if (analysis->predicates == NULL)
		analysis->predicates = palloc0(sizeof(List *) * analysis->tree->nnodes);
	predicates = &analysis->predicates[node->id - 1];
	if (*predicates == NIL)
		*predicates = po_predicate_of_scan(node);
	return *predicates;
}

/* Returns the first predicate of a kind in a scan's filter that an index has no answer to. */
static PoPredicate *
find_predicate(PoAnalysis *analysis, const PoNode *node, PoPredicateKind kind)
{
	ListCell   *lc;

	foreach(lc, filter_predicates(analysis, node))
	{
		PoPredicate *predicate = lfirst(lc);

		if (predicate->kind == kind)
			return predicate;
	}
	return NULL;
}

/* wrapped-column: a function or cast over a column hides it from every index. */
void
po_rule_predicate_wrapped(PoAnalysis *analysis, const PoNode *node)
{
	PoPredicate *predicate;
	char	   *expression;
	PoFindingDraft draft;

	if (!is_worth_it(analysis, node))
		return;
	predicate = find_predicate(analysis, node, PO_PREDICATE_WRAPPED);
	if (predicate == NULL || any_index(node, predicate, holds_expression))
		return;
	expression = po_advice_expression(node, predicate->operand);
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	po_json_text(&draft.evidence, "expression", expression);
	po_json_text(&draft.evidence, "column", get_attname(node->relid, predicate->attnum, false));
	draft.finding->message =
		psprintf("The condition on %s compares %s, so no index on column %s can serve it.",
				 quote_identifier(get_rel_name(po_facts_root(analysis, node->relid))), expression,
				 po_advice_column(node->relid, predicate->attnum));
	draft.finding->advice =
		po_wrapper_advice(node, predicate,
						  po_advice_prove_expression(analysis, node, predicate, &draft));
	po_finding_end(analysis, &draft);
}

/* Passes a B-tree on all rows that begins with the predicate's column. */
static bool
begins_with_column(Relation index, const PoPredicate *predicate, const PoNode *node)
{
	return index->rd_rel->relam == BTREE_AM_OID && RelationGetIndexPredicate(index) == NIL &&
		index->rd_index->indkey.values[0] == predicate->attnum;
}

/* Tells whether a node joins two others. */
static bool
is_join(const PoNode *node)
{
	return node->kind == PO_NODE_NESTED_LOOP || node->kind == PO_NODE_HASH_JOIN ||
		node->kind == PO_NODE_MERGE_JOIN;
}

/* Returns the conditions by which a join pairs rows. */
static List *
join_clauses(const Plan *plan)
{
	List	   *clauses = list_copy(((const Join *) plan)->joinqual);

	if (IsA(plan, HashJoin))
		clauses = list_concat(clauses, ((const HashJoin *) plan)->hashclauses);
	else if (IsA(plan, MergeJoin))
		clauses = list_concat(clauses, ((const MergeJoin *) plan)->mergeclauses);
	return clauses;
}

/* Returns the scan of a range table entry beneath a node, or NULL. */
static const PoNode *
scan_beneath(const PoAnalysis *analysis, const PoNode *top, int rti)
{
	for (int i = top->id; i < analysis->tree->nnodes && analysis->tree->nodes[i].depth > top->depth; i++)
	{
		const PoNode *node = &analysis->tree->nodes[i];

		if (node->rti == rti && po_node_is_scan(node))
			return node;
	}
	return NULL;
}

/* Tells whether a join gives each row of one of its sides, paired or not, so that all of them are read. */
static bool
keeps_all(const PoNode *join, bool outer_side)
{
	switch (join->jointype)
	{
		case JOIN_INNER:
		case JOIN_SEMI:
			return false;
		case JOIN_LEFT:
		case JOIN_ANTI:
			return outer_side;
		case JOIN_FULL:
			return true;
		default:
			return !outer_side;
	}
}

/* Returns how many rows of a scan's table a value of a predicate's column has on average. */
static double
rows_of_value(PoAnalysis *analysis, const PoNode *scan, const PoPredicate *predicate)
{
	double		tuples = po_facts_get(analysis, scan->relid)->tuples;
	double		distinct = po_skew_distinct(scan->relid, predicate->attnum, tuples);

	return distinct > 0 ? tuples / distinct : tuples;
}

/*
 * Tells whether a table that a join reads whole would be entered by an index, if only its
 * column were not cast: looking up each row of the other side costs less than the scan.
 * The planner's estimate of the join is of no use, it knows nothing of the cast's values.
 */
static bool
would_look_up(PoAnalysis *analysis, const PoNode *join, const PoNode *scan,
			  const PoPredicate *predicate)
{
	const PoNode *outer = po_node_child(analysis->tree, join, PO_ROLE_OUTER);
	const PoNode *inner = po_node_child(analysis->tree, join, PO_ROLE_INNER);
	bool		in_outer = inner != NULL && scan->id < inner->id;
	double		lookups;

	if (outer == NULL || inner == NULL || scan->condition != NULL || keeps_all(join, in_outer))
		return false;
	lookups = po_finding_rows(analysis, in_outer ? inner : outer);
	return lookups * (PAGES_OF_LOOKUP + rows_of_value(analysis, scan, predicate)) * random_page_cost <
		scan->total_cost;
}

/* Completes a finding about a column that is cast: what for, and what to do. */
static void
end_cast(PoAnalysis *analysis, PoFindingDraft *draft, const PoNode *scan, const PoPredicate *predicate,
		 const char *purpose, char *advice)
{
	char	   *from = format_type_be(predicate->from_type);
	char	   *to = format_type_be(predicate->to_type);

	po_json_text(&draft->evidence, "column", get_attname(scan->relid, predicate->attnum, false));
	po_json_text(&draft->evidence, "column_type", from);
	po_json_text(&draft->evidence, "cast_to", to);
	draft->finding->message =
		psprintf("Column %s of type %s is cast to %s to be %s, so no index on it can serve.",
				 po_advice_column(scan->relid, predicate->attnum), from, to, purpose);
	draft->finding->advice = advice;
	po_finding_end(analysis, draft);
}

/* Reports a join whose condition casts the indexed column of a table that is therefore read whole. */
static void
check_cast_join(PoAnalysis *analysis, const PoNode *join)
{
	ListCell   *lc;

	foreach(lc, join_clauses(join->plan))
	{
		int			rti;
		PoPredicate *predicate = po_predicate_joined_cast(join->plan, lfirst(lc), &rti);
		const PoNode *scan = predicate ? scan_beneath(analysis, join, rti) : NULL;
		PoFindingDraft draft;

		if (scan == NULL || po_finding_repeats(analysis, scan->relid) ||
			!would_look_up(analysis, join, scan, predicate) || !any_index(scan, predicate, begins_with_column) ||
			any_index(scan, predicate, holds_expression))
			continue;
		draft = po_finding_begin(analysis, join, po_finding_share(analysis, scan));
		draft.finding->relid = scan->relid;
		end_cast(analysis, &draft, scan, predicate, "joined",
				 psprintf("Give both columns one type, or cast the other side to %s where its values allow it.",
						  format_type_be(predicate->from_type)));
	}
}

/* implicit-cast: the column is cast to the type of what it is compared or joined with, which hides it from every index. */
void
po_rule_predicate_cast(PoAnalysis *analysis, const PoNode *node)
{
	PoPredicate *predicate;
	PoFindingDraft draft;

	if (is_join(node))
	{
		check_cast_join(analysis, node);
		return;
	}
	if (!is_worth_it(analysis, node))
		return;
	predicate = find_predicate(analysis, node, PO_PREDICATE_CAST);
	if (predicate == NULL || any_index(node, predicate, holds_expression))
		return;
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	end_cast(analysis, &draft, node, predicate, "compared",
			 psprintf("Cast the other side: compare with a value of type %s.",
					  format_type_be(predicate->from_type)));
}

/* Passes an index on what the predicate searches that answers its operator: one of trigrams. */
static bool
is_trigram_index(Relation index, const PoPredicate *predicate, const PoNode *node)
{
	Oid			opno = ((OpExpr *) predicate->clause)->opno;

	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		AttrNumber	attnum = index->rd_index->indkey.values[i];

		if (op_in_opfamily(opno, index->rd_opfamily[i]) &&
			(attnum == predicate->attnum || attnum == 0) &&
			(attnum != 0 || holds_expression(index, predicate, node)))
			return true;
	}
	return false;
}

/* Returns what a LIKE searches as an index column: the column's name, or an expression in parentheses. */
static char *
searched_text(const PoNode *node, const PoPredicate *predicate)
{
	Node	   *operand = predicate->operand;

	while (IsA(operand, RelabelType))
		operand = (Node *) ((RelabelType *) operand)->arg;
	return IsA(operand, Var) ? po_advice_column(node->relid, predicate->attnum) :
		psprintf("(%s)", po_advice_expression(node, operand));
}

/* Returns the first LIKE predicate whose constant pattern begins, or not, with a wildcard. */
static PoPredicate *
find_like(PoAnalysis *analysis, const PoNode *node, bool leading)
{
	ListCell   *lc;

	foreach(lc, filter_predicates(analysis, node))
	{
		PoPredicate *predicate = lfirst(lc);

		if (predicate->kind != PO_PREDICATE_LIKE || predicate->pattern == NULL ||
			predicate->pattern[0] == '\0')
			continue;
		if (leading != po_predicate_is_prefix(predicate))
			return predicate;
	}
	return NULL;
}

/* Tells whether a character is part of a word, as trigrams see it. */
static bool
is_word_character(const char *c)
{
	return IS_HIGHBIT_SET(*c) || isalnum((unsigned char) *c);
}

/*
 * Tells whether a trigram can be taken out of a pattern.  A word whose beginning is known
 * counts two characters more, one whose end is known one more: it is padded with spaces.
 */
static bool
has_trigram(const char *pattern)
{
	int			run = TRIGRAM_BEFORE;
	bool		in_word = false;

	for (const char *c = pattern; *c != '\0'; c += pg_mblen(c))
	{
		bool		wildcard = *c == '%' || *c == '_';

		if (*c == '\\' && c[1] != '\0')
			c++;
		if (!wildcard && is_word_character(c))
		{
			in_word = true;
			run++;
			continue;
		}
		if (in_word && run + (wildcard ? 0 : TRIGRAM_AFTER) >= TRIGRAM_LENGTH)
			return true;
		in_word = false;
		run = wildcard ? 0 : TRIGRAM_BEFORE;
	}
	return in_word && run + TRIGRAM_AFTER >= TRIGRAM_LENGTH;
}

/* Tells whether an extension's files are on this server, so that it can be installed. */
static bool
is_available(const char *extension)
{
	char		share[MAXPGPATH];

	get_share_path(my_exec_path, share);
	return access(psprintf("%s/extension/%s.control", share, extension), F_OK) == 0;
}

/* Returns the name of the schema that holds an extension's objects. */
static char *
extension_schema(Oid extension)
{
	Relation	catalog = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *schema = NULL;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	scan = systable_beginscan(catalog, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		schema = get_namespace_name(((Form_pg_extension) GETSTRUCT(tuple))->extnamespace);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return schema;
}

/* Fills in how to get a trigram index: with the extension that is there, or is to be installed. */
static void
advise_trigrams(PoAnalysis *analysis, const PoNode *node, const PoPredicate *predicate,
				PoFindingDraft *draft)
{
	Oid			extension = get_extension_oid("pg_trgm", true);
	char	   *column = searched_text(node, predicate);
	char	   *schema;

	po_json_bool(&draft->evidence, "pg_trgm_installed", OidIsValid(extension));
	if (!OidIsValid(extension))
	{
		bool		available = is_available("pg_trgm");

		po_json_bool(&draft->evidence, "pg_trgm_available", available);
		draft->finding->advice = available ?
			psprintf("Install the extension pg_trgm, which this server has, and create a GIN index on %s with gin_trgm_ops.",
					 column) :
			psprintf("A GIN index on %s with gin_trgm_ops would serve it; its extension pg_trgm is not on this server.",
					 column);
		if (available)
			draft->finding->suggested_sql = pstrdup("CREATE EXTENSION pg_trgm");
		return;
	}
	schema = extension_schema(extension);
	draft->finding->advice = pstrdup("Create a trigram index on the column.");
	po_advice_prove_statement(analysis, node,
							  psprintf("CREATE INDEX CONCURRENTLY ON %s USING gin (%s %s)",
									   po_facts_get(analysis, po_facts_root(analysis, node->relid))->name, column,
									   quote_qualified_identifier(schema, "gin_trgm_ops")), draft);
}

/* leading-wildcard: a pattern without a fixed beginning makes every row be read. */
void
po_rule_predicate_wildcard(PoAnalysis *analysis, const PoNode *node)
{
	PoPredicate *predicate;
	PoFindingDraft draft;

	if (!is_worth_it(analysis, node))
		return;
	predicate = find_like(analysis, node, true);
	if (predicate == NULL || !has_trigram(predicate->pattern) ||
		any_index(node, predicate, is_trigram_index))
		return;
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	po_json_text(&draft.evidence, "column", get_attname(node->relid, predicate->attnum, false));
	po_json_text(&draft.evidence, "pattern", predicate->pattern);
	advise_trigrams(analysis, node, predicate, &draft);
	draft.finding->message =
		psprintf("No B-tree index can find %s %s '%s'.",
				 searched_text(node, predicate),
				 predicate->ignores_case ? "ILIKE" : "LIKE", predicate->pattern);
	po_finding_end(analysis, &draft);
}

/* Tells whether an index key sorts by bytes, by its operator class or its collation. */
static bool
sorts_by_bytes(Relation index, int key)
{
	Oid			family = index->rd_opfamily[key];
	Oid			collation = index->rd_indcollation[key];

	if (family == TEXT_PATTERN_BTREE_FAM_OID || family == BPCHAR_PATTERN_BTREE_FAM_OID)
		return true;
	return OidIsValid(collation) && po_collation_is_c(collation);
}

/* Passes a B-tree that begins with the predicate's column and serves prefixes. */
static bool
is_prefix_index(Relation index, const PoPredicate *predicate, const PoNode *node)
{
	return index->rd_rel->relam == BTREE_AM_OID &&
		index->rd_index->indkey.values[0] == predicate->attnum && sorts_by_bytes(index, 0);
}

/* Passes a B-tree that begins with the predicate's column and does not serve prefixes. */
static bool
is_useless_for_prefix(Relation index, const PoPredicate *predicate, const PoNode *node)
{
	return index->rd_rel->relam == BTREE_AM_OID &&
		index->rd_index->indkey.values[0] == predicate->attnum && !sorts_by_bytes(index, 0);
}

/* like-collation: an index on the column exists, but its collation makes it useless for a prefix. */
void
po_rule_predicate_collation(PoAnalysis *analysis, const PoNode *node)
{
	PoPredicate *predicate;
	Oid			type;
	PoFindingDraft draft;

	if (!is_worth_it(analysis, node))
		return;
	predicate = find_like(analysis, node, false);
	if (predicate == NULL || !any_index(node, predicate, is_useless_for_prefix) ||
		any_index(node, predicate, is_prefix_index) ||
		any_index(node, predicate, is_trigram_index))
		return;
	type = get_atttype(node->relid, predicate->attnum);
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	po_json_text(&draft.evidence, "column", get_attname(node->relid, predicate->attnum, false));
	po_json_text(&draft.evidence, "pattern", predicate->pattern);
	draft.finding->message =
		psprintf("The index on %s cannot find the prefix of LIKE '%s', because it sorts by a linguistic collation.",
				 po_advice_column(node->relid, predicate->attnum), predicate->pattern);
	draft.finding->advice = pstrdup("Create an index whose operator class compares characters.");
	if (!po_advice_prove_statement(analysis, node,
								   psprintf("CREATE INDEX CONCURRENTLY ON %s (%s %s)",
											po_facts_get(analysis, po_facts_root(analysis, node->relid))->name,
											po_advice_column(node->relid, predicate->attnum),
											type == BPCHAROID ? "bpchar_pattern_ops" :
											type == VARCHAROID ? "varchar_pattern_ops" : "text_pattern_ops"),
								   &draft))
		return;
	po_finding_end(analysis, &draft);
}

/* Notes in a bit mask which sides of its join an expression is about, 4 for what cannot be told; an expression_tree_walker callback. */
static bool
note_sides(Node *node, int *sides)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		*sides |= ((Var *) node)->varno == OUTER_VAR ? 1 : ((Var *) node)->varno == INNER_VAR ? 2 : 4;
	else if (IsA(node, SubPlan) || IsA(node, AlternativeSubPlan))
		*sides |= 4;
	return expression_tree_walker(node, note_sides, sides);
}

/* Returns the condition of a join that is an OR each of whose arms is about one side alone, or NULL. */
static BoolExpr *
or_over_sides(const PoNode *node)
{
	List	   *quals;
	ListCell   *lc;

	if (node->plan == NULL || !is_join(node))
		return NULL;
	quals = list_concat_copy(((Join *) node->plan)->joinqual, node->plan->qual);
	foreach(lc, quals)
	{
		BoolExpr   *clause = lfirst(lc);
		int			sides = 0;
		ListCell   *lc2;

		if (!is_orclause(clause))
			continue;
		foreach(lc2, clause->args)
		{
			int			about = 0;

			(void) note_sides(lfirst(lc2), &about);
			if (about != 1 && about != 2)
				break;
			sides |= about;
		}
		if (lc2 == NULL && sides == 3)
			return clause;
	}
	return NULL;
}

/* Tells whether a join's condition is an OR over its two sides, which or-across-columns reports. */
bool
po_rule_predicate_is_or_join(const PoNode *node)
{
	return or_over_sides(node) != NULL;
}

/* Reports alternatives over the two sides of a join: none of the tables can be entered by its own condition. */
static void
check_or_join(PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *outer = po_node_child(analysis->tree, node, PO_ROLE_OUTER);
	double		read = outer ? po_finding_rows(analysis, outer) : 0;
	double		kept = po_finding_rows(analysis, node);
	char	   *condition = node->join_filter ? node->join_filter : node->filter;
	PoFindingDraft draft;

	if (read < MIN_ROWS || kept > MAX_KEPT * read || condition == NULL)
		return;
	draft = po_finding_begin(analysis, node, po_finding_subtree_share(analysis, node));
	po_json_text(&draft.evidence, "condition", condition);
	po_json_float(&draft.evidence, "rows_joined", read);
	po_json_float(&draft.evidence, "rows_kept", kept);
	draft.finding->message =
		psprintf("%s joins %.0f rows to keep %.0f, because %s names alternatives over different tables.",
				 node->type, read, kept, condition);
	draft.finding->advice =
		pstrdup("Write the alternatives as a UNION, each of which can enter its own table by an index.");
	po_finding_end(analysis, &draft);
}

/*
 * Returns the columns that the alternatives of an OR compare and that no index begins
 * with, NIL when one alternative compares none that an index could hold.
 */
static List *
compared_by_arms(const PoNode *node, Node *clause)
{
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, ((BoolExpr *) clause)->args)
	{
		PoPredicate first = {0};
		Node	   *arm = lfirst(lc);
		List	   *predicates = po_predicate_list(is_andclause(arm) ? ((BoolExpr *) arm)->args : list_make1(arm),
												   node->rti);
		List	   *found = po_predicate_columns(predicates, PO_PREDICATE_EQUAL);

		if (found == NIL)
			found = po_predicate_columns(predicates, PO_PREDICATE_RANGE);
		if (found == NIL)
			return NIL;
		first.attnum = linitial_int(found);
		if (!any_index(node, &first, begins_with_column))
			columns = list_append_unique_int(columns, first.attnum);
	}
	return columns;
}

/* or-across-columns: alternatives over several columns force a scan of the whole table. */
void
po_rule_predicate_or(PoAnalysis *analysis, const PoNode *node)
{
	PoPredicate *predicate;
	PoFindingDraft draft;
	List	   *columns;

	if (po_rule_predicate_is_or_join(node))
	{
		check_or_join(analysis, node);
		return;
	}
	if (node->kind != PO_NODE_SEQ_SCAN || !is_worth_it(analysis, node))
		return;
	predicate = find_predicate(analysis, node, PO_PREDICATE_OR);
	if (predicate == NULL)
		return;
	columns = compared_by_arms(node, predicate->clause);
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	po_json_text(&draft.evidence, "condition", po_advice_expression(node, predicate->clause));
	draft.finding->message =
		psprintf("%s reads the whole table, because %s names alternatives over different columns.",
				 po_finding_label(node), po_advice_expression(node, predicate->clause));
	if (columns != NIL && list_length(columns) <= MAX_ARMS &&
		po_advice_prove_each(analysis, node, columns, &draft))
		draft.finding->advice =
			pstrdup("Create an index for each of the columns that has none, or write the alternatives as a UNION.");
	else
		draft.finding->advice =
			pstrdup("Write the alternatives as a UNION, so that each can use an index of its own.");
	po_finding_end(analysis, &draft);
}

/*
 * rule_predicate.c
 *	  Findings about conditions that keep indexes from being used.
 */
#include "postgres.h"

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
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
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
	/* Where an index finds the rows already, the filter has little left to remove. */
	if (node->condition != NULL && node->removed_filter < MIN_ROWS * Max(node->loops, 1))
		return false;
	tuples = po_facts_get(analysis, node->relid)->tuples;
	return tuples >= MIN_ROWS && kept <= MAX_KEPT * tuples * Max(node->loops, 1) &&
		!po_finding_repeats(analysis, node->relid);
}

/* Returns the first predicate of a kind in a scan's filter that an index has no answer to. */
static PoPredicate *
find_predicate(const PoNode *node, PoPredicateKind kind)
{
	ListCell   *lc;

	foreach(lc, po_predicate_of_scan(node))
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
	predicate = find_predicate(node, PO_PREDICATE_WRAPPED);
	if (predicate == NULL || any_index(node, predicate, holds_expression))
		return;
	expression = po_advice_expression(node, predicate->operand);
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	po_json_text(&draft.evidence, "expression", expression);
	po_json_text(&draft.evidence, "column", get_attname(node->relid, predicate->attnum, false));
	draft.finding->message =
		psprintf("The condition on %s compares %s, so no index on column %s can serve it.",
				 node->relation, expression, po_advice_column(node->relid, predicate->attnum));
	draft.finding->advice =
		po_advice_prove_expression(analysis, node, predicate->operand, &draft) ?
		pstrdup("Compare the bare column instead, or create an index on the expression.") :
		pstrdup("Compare the bare column instead, with a range of values where the expression rounds.");
	po_finding_end(analysis, &draft);
}

/* implicit-cast: the column is cast to the value's type, which hides it from every index. */
void
po_rule_predicate_cast(PoAnalysis *analysis, const PoNode *node)
{
	PoPredicate *predicate;
	PoFindingDraft draft;

	if (!is_worth_it(analysis, node))
		return;
	predicate = find_predicate(node, PO_PREDICATE_CAST);
	if (predicate == NULL || any_index(node, predicate, holds_expression))
		return;
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	po_json_text(&draft.evidence, "column", get_attname(node->relid, predicate->attnum, false));
	po_json_text(&draft.evidence, "column_type", format_type_be(predicate->from_type));
	po_json_text(&draft.evidence, "cast_to", format_type_be(predicate->to_type));
	draft.finding->message =
		psprintf("Column %s of type %s is cast to %s to be compared, so no index on it can serve.",
				 po_advice_column(node->relid, predicate->attnum),
				 format_type_be(predicate->from_type), format_type_be(predicate->to_type));
	draft.finding->advice = psprintf("Cast the other side: compare with a value of type %s.",
									 format_type_be(predicate->from_type));
	po_finding_end(analysis, &draft);
}

/* Passes an index on the predicate's column by an access method that knows trigrams. */
static bool
is_trigram_index(Relation index, const PoPredicate *predicate, const PoNode *node)
{
	if (index->rd_rel->relam != GIN_AM_OID && index->rd_rel->relam != GIST_AM_OID)
		return false;
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
		if (index->rd_index->indkey.values[i] == predicate->attnum)
			return true;
	return false;
}

/* Returns the first LIKE predicate whose constant pattern begins, or not, with a wildcard. */
static PoPredicate *
find_like(const PoNode *node, bool leading)
{
	ListCell   *lc;

	foreach(lc, po_predicate_of_scan(node))
	{
		PoPredicate *predicate = lfirst(lc);
		bool		starts;

		if (predicate->kind != PO_PREDICATE_LIKE || predicate->pattern == NULL)
			continue;
		starts = (predicate->pattern[0] == '%' || predicate->pattern[0] == '_');
		/* Without regard to case, a B-tree cannot serve even a prefix. */
		if (leading ? (starts || predicate->ignores_case) :
			(!starts && !predicate->ignores_case && predicate->pattern[0] != '\0'))
			return predicate;
	}
	return NULL;
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
	char	   *column = po_advice_column(node->relid, predicate->attnum);
	char	   *schema;

	po_json_bool(&draft->evidence, "pg_trgm_installed", OidIsValid(extension));
	if (!OidIsValid(extension))
	{
		draft->finding->advice =
			psprintf("Install the extension pg_trgm and create a GIN index on %s with gin_trgm_ops.",
					 column);
		return;
	}
	schema = extension_schema(extension);
	draft->finding->advice = pstrdup("Create a trigram index on the column.");
	draft->finding->suggested_sql =
		psprintf("CREATE INDEX CONCURRENTLY ON %s USING gin (%s %s)",
				 po_facts_get(analysis, node->relid)->name, column,
				 quote_qualified_identifier(schema, "gin_trgm_ops"));
}

/* leading-wildcard: a pattern without a fixed beginning makes every row be read. */
void
po_rule_predicate_wildcard(PoAnalysis *analysis, const PoNode *node)
{
	PoPredicate *predicate;
	PoFindingDraft draft;

	if (!is_worth_it(analysis, node))
		return;
	predicate = find_like(node, true);
	if (predicate == NULL || any_index(node, predicate, is_trigram_index))
		return;
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	po_json_text(&draft.evidence, "column", get_attname(node->relid, predicate->attnum, false));
	po_json_text(&draft.evidence, "pattern", predicate->pattern);
	advise_trigrams(analysis, node, predicate, &draft);
	draft.finding->message =
		psprintf("No B-tree index can find %s %s '%s'.",
				 po_advice_column(node->relid, predicate->attnum),
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
	predicate = find_like(node, false);
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
	draft.finding->suggested_sql =
		psprintf("CREATE INDEX CONCURRENTLY ON %s (%s %s)", po_facts_get(analysis, node->relid)->name,
				 po_advice_column(node->relid, predicate->attnum),
				 type == BPCHAROID ? "bpchar_pattern_ops" :
				 type == VARCHAROID ? "varchar_pattern_ops" : "text_pattern_ops");
	po_finding_end(analysis, &draft);
}

/* or-across-columns: alternatives over several columns force a scan of the whole table. */
void
po_rule_predicate_or(PoAnalysis *analysis, const PoNode *node)
{
	PoPredicate *predicate;
	PoFindingDraft draft;

	if (node->kind != PO_NODE_SEQ_SCAN || !is_worth_it(analysis, node))
		return;
	predicate = find_predicate(node, PO_PREDICATE_OR);
	if (predicate == NULL)
		return;
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	po_json_text(&draft.evidence, "condition", po_advice_expression(node, predicate->clause));
	draft.finding->message =
		psprintf("%s reads the whole table, because %s names alternatives over different columns.",
				 po_finding_label(node), po_advice_expression(node, predicate->clause));
	draft.finding->advice =
		pstrdup("Create an index for each of the columns, or write the alternatives as a UNION.");
	po_finding_end(analysis, &draft);
}

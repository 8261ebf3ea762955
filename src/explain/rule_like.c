/*
 * rule_like.c
 *	  Findings about patterns that no index on the column can find.
 */
#include "postgres.h"

#include <ctype.h>
#include <unistd.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_opfamily.h"
#include "commands/extension.h"
#include "core/collation.h"
#include "explain/advice.h"
#include "explain/condition.h"
#include "explain/rule.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* leading-wildcard: fewer characters in a row than this make a trigram index be read whole. */
#define TRIGRAM_LENGTH 3
#define TRIGRAM_BEFORE 2
#define TRIGRAM_AFTER 1

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
			(attnum != 0 || po_condition_in_index(index, predicate, node)))
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

	foreach(lc, po_condition_list(analysis, node))
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
po_rule_like_wildcard(PoAnalysis *analysis, const PoNode *node)
{
	PoPredicate *predicate;
	PoFindingDraft draft;

	if (!po_condition_is_worth_it(analysis, node))
		return;
	predicate = find_like(analysis, node, true);
	if (predicate == NULL || !has_trigram(predicate->pattern) ||
		po_condition_any_index(node, predicate, is_trigram_index))
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
po_rule_like_collation(PoAnalysis *analysis, const PoNode *node)
{
	PoPredicate *predicate;
	Oid			type;
	PoFindingDraft draft;

	if (!po_condition_is_worth_it(analysis, node))
		return;
	predicate = find_like(analysis, node, false);
	if (predicate == NULL || !po_condition_any_index(node, predicate, is_useless_for_prefix) ||
		po_condition_any_index(node, predicate, is_prefix_index) ||
		po_condition_any_index(node, predicate, is_trigram_index))
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

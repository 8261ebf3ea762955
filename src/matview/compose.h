/*
 * compose.h
 *	  Queries made of nodes, and running them.
 */
#ifndef PO_COMPOSE_H
#define PO_COMPOSE_H

#include "catalog/pg_attribute.h"
#include "nodes/parsenodes.h"
#include "tcop/dest.h"
#include "utils/queryenvironment.h"
#include "utils/relcache.h"
#include "utils/tuplestore.h"

/* Rows in memory that queries can read. */
typedef struct PoComposeRows
{
	Tuplestorestate *store;
	TupleDesc	desc;
	int64		count;
} PoComposeRows;

extern RangeTblEntry *po_compose_table_entry(Relation rel);
extern RangeTblEntry *po_compose_subquery_entry(Query *query);
extern RangeTblEntry *po_compose_rows_entry(QueryEnvironment *environment, const char *name);
extern Expr *po_compose_null_column(Form_pg_attribute att);
extern void po_compose_replace_entry(RangeTblEntry *rte, Query *subquery);
extern Query *po_compose_select(List *rtable, List *target_list, Node *condition);
extern Query *po_compose_parse(const char *text, QueryEnvironment *environment);
extern void po_compose_add_rows(QueryEnvironment *environment, const char *name, PoComposeRows *rows);
extern QueryEnvironment *po_compose_environment(const char *name, PoComposeRows *rows);
extern void po_compose_run(Query *query, const char *text, QueryEnvironment *environment, DestReceiver *dest);

#endif							/* PO_COMPOSE_H */

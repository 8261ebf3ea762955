/*
 * statements.h
 *	  Where pg_stat_statements is, which columns its installed version has, and its rows.
 */
#ifndef PO_STATEMENTS_H
#define PO_STATEMENTS_H

#include "access/tupdesc.h"
#include "utils/tuplestore.h"

/* The view of an installed pg_stat_statements, whatever its schema and version. */
typedef struct PoStatementsView
{
	Oid			relid;
	char	   *name;			/* qualified and quoted, to be used in SQL */
	bool		has_toplevel;	/* 1.9 and later */
} PoStatementsView;

extern bool po_statements_lookup(PoStatementsView *view);
extern void po_statements_find(PoStatementsView *view, const char *what);
extern Tuplestorestate *po_statements_read(const PoStatementsView *view, TupleDesc *columns);

#endif							/* PO_STATEMENTS_H */

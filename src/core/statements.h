/*
 * statements.h
 *	  Where pg_stat_statements is and which columns its installed version has.
 */
#ifndef PO_STATEMENTS_H
#define PO_STATEMENTS_H

/* The view of an installed pg_stat_statements, whatever its schema and version. */
typedef struct PoStatementsView
{
	Oid			relid;
	char	   *name;			/* qualified and quoted, to be used in SQL */
	bool		has_toplevel;	/* 1.9 and later */
} PoStatementsView;

extern bool po_statements_lookup(PoStatementsView *view);
extern void po_statements_find(PoStatementsView *view, const char *what);

#endif							/* PO_STATEMENTS_H */

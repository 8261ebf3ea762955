/*
 * statement_forms.h
 *	  The indexes that each statement of a workload could use.
 */
#ifndef PO_STATEMENT_FORMS_H
#define PO_STATEMENT_FORMS_H

#include "advisor/workload.h"
#include "plan/form.h"
#include "plan/hypo.h"
#include "utils/hsearch.h"

/* Most forms that are tried for one statement. */
#define PO_STATEMENT_FORMS_MAX 1024

/* What sets a form apart from a plain B-tree. */
typedef enum PoFormKind
{
	PO_FORM_PLAIN,
	PO_FORM_COVERING,			/* includes columns */
	PO_FORM_PARTIAL,			/* has a predicate, and may include columns */
	PO_FORM_OTHER				/* is no B-tree */
} PoFormKind;

#define PO_FORM_KINDS 4

/* A form on a table. */
typedef struct PoFormId
{
	Oid			relid;
	PoForm		form;
} PoFormId;

/* A form that some statement could use. */
typedef struct PoFormEntry
{
	PoFormId	id;				/* hash key */
	PoFormKind	kind;
	bool		served;			/* an existing index does it */
	bool		impossible;		/* CREATE INDEX would fail */
	PoHypoIndex *index;			/* NULL when served or impossible */
	bool		kept;			/* it is a candidate */
	List	   *superfluous;	/* of a candidate: OIDs of the existing
								 * indexes that nobody needs beside it */
	int			number;			/* of the candidate; -1: none */
	int			seen;			/* the last collection that it was in */
} PoFormEntry;

/* The forms of one statement. */
typedef struct PoStatementForms
{
	int			n;
	int			nofkind[PO_FORM_KINDS];
	PoFormEntry *entries[FLEXIBLE_ARRAY_MEMBER];
} PoStatementForms;

/* All forms, and the tables that they are on. */
typedef struct PoFormTable
{
	HTAB	   *entries;
	HTAB	   *tables;			/* what existing indexes serve */
	PoExpressions *expressions;
	Oid			relation;		/* only indexes on it; InvalidOid: on any
								 * table */
	int			collections;	/* made so far */
} PoFormTable;

extern PoFormTable *po_statement_forms_create(PoExpressions *expressions, Oid relation);
extern PoStatementForms *po_statement_forms_collect(PoFormTable *table, const PoAdvisorQuery *query);
extern bool po_statement_forms_equal(const PoStatementForms *a, const PoStatementForms *b);
extern PoFormEntry *po_statement_forms_entry(PoFormTable *table, Oid relid, const PoForm *form);
extern List *po_statement_forms_existing(PoFormTable *table, Oid relid);

#endif							/* PO_STATEMENT_FORMS_H */

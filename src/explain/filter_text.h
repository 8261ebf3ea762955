/*
 * filter_text.h
 *	  Conditions as EXPLAIN prints them.
 */
#ifndef PO_FILTER_TEXT_H
#define PO_FILTER_TEXT_H

/* What stands on the left of a comparison. */
typedef enum PoFilterShape
{
	PO_FILTER_OTHER,
	PO_FILTER_COLUMN,
	PO_FILTER_CAST,				/* a column converted to another type */
	PO_FILTER_FUNCTION			/* a function, or an explicit conversion, of a
								 * column */
} PoFilterShape;

/* One comparison. */
typedef struct PoFilterClause
{
	PoFilterShape shape;
	char	   *left;			/* what is compared, as printed */
	char	   *column;			/* in it, as printed without its table; NULL
								 * for PO_FILTER_OTHER */
	char	   *type;			/* of a PO_FILTER_CAST: what the column is
								 * converted to */
	char	   *op;				/* the operator, "" without one */
	char	   *right;			/* what it is compared with, "" without an
								 * operator */
	bool		constant;		/* the right side holds no column */
} PoFilterClause;

extern char **po_filter_text_split(const char *condition, const char *word, int *n);
extern PoFilterClause po_filter_text_clause(const char *condition);
extern double po_filter_text_row_cost(const char *condition);

#endif							/* PO_FILTER_TEXT_H */

/*
 * text.h
 *	  Statement texts: without constants, and rewritten for all values at once.
 */
#ifndef PO_WORKLOAD_TEXT_H
#define PO_WORKLOAD_TEXT_H

/* What to rewrite: where the column and its value stand, and what they are called. */
typedef struct PoRewrite
{
	int			column_location;
	int			location;
	const char *type;			/* of the value */
	const char *relation;		/* qualified and quoted */
	const char *column;			/* quoted */
	bool		plain;			/* no grouping, limit or set operation */
	bool		readable;		/* the text is whole and means what it says */
} PoRewrite;

extern int	po_text_prepare_length(const char *text, int length);
extern char *po_text_redact(const char *text, bool keep_numbers);
extern char *po_text_rewrite(const char *text, const PoRewrite *rewrite);

#endif							/* PO_WORKLOAD_TEXT_H */

/*
 * text.h
 *	  Statement texts: without constants, and rewritten for all values at once.
 */
#ifndef PO_WORKLOAD_TEXT_H
#define PO_WORKLOAD_TEXT_H

#define PO_REWRITE_KEYS 4

/* A value that differs from execution to execution: where it and its column stand, and what they are called. */
typedef struct PoRewriteKey
{
	int			column_location;
	int			location;
	int			param;			/* n of $n, 0: a constant */
	const char *type;			/* of the value */
	const char *column;			/* quoted; NULL: an expression */
} PoRewriteKey;

/* What to rewrite. */
typedef struct PoRewrite
{
	int			nkeys;
	PoRewriteKey keys[PO_REWRITE_KEYS];
	const char *relation;		/* that the columns belong to, qualified and
								 * quoted */
	bool		plain;			/* no grouping, limit or set operation */
	bool		readable;		/* the text is whole and means what it says */
} PoRewrite;

extern const char *po_text_skip_value(const char *at);
extern bool po_text_is_plannable(const char *text);
extern int	po_text_prepare_length(const char *text, int length);
extern char *po_text_redact(const char *text, bool keep_numbers);
extern char *po_text_rewrite(const char *text, const PoRewrite *rewrite);

#endif							/* PO_WORKLOAD_TEXT_H */

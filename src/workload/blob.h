/*
 * blob.h
 *	  The form in which samples of executions are kept.
 */
#ifndef PO_WORKLOAD_BLOB_H
#define PO_WORKLOAD_BLOB_H

#include "lib/stringinfo.h"
#include "nodes/params.h"
#include "plan/sample.h"
#include "workload/local.h"

/* Where the text of an execution is. */
typedef struct PoBlobText
{
	const char *start;			/* NULL: not known */
	int			location;		/* of the statement in it, -1: it is all of it */
	int			length;			/* 0: to the end */
	int			nparams;		/* of the statement */
	bool		secret;			/* strings in it may be passwords */
} PoBlobText;

extern char *po_blob_text(const PoBlobText *source, bool *whole, int *skipped);
extern void po_blob_build(StringInfo blob, const PoLocal *local, const PoBlobText *source,
						  ParamListInfo params);
extern PoSample *po_blob_read(const PoTrackEntry *entry, PoSampleKind kind);

#endif							/* PO_WORKLOAD_BLOB_H */

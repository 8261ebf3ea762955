/*
 * sample.h
 *	  Captured executions of statements, for whoever plans a normalised text.
 *
 * Tracking, on a higher floor, registers the function that reads them.
 */
#ifndef PO_SAMPLE_H
#define PO_SAMPLE_H

#include "datatype/timestamp.h"
#include "plan/query.h"

/* One captured execution; allocated in the memory context of the caller. */
typedef struct PoSample
{
	int64		queryid;
	Oid			userid;			/* who ran it */
	char	   *text;			/* as it was sent, with its constants */
	char	   *search_path;	/* under which its names mean what they meant */
	bool		plannable;		/* whole text, no constant removed, all values
								 * there */
	PoParams	params;			/* of $1, $2, ...; its sample flag is set */
	double		time_ms;
	TimestampTz at;

	/*
	 * types of the constants that normalisation replaced, from $first_const +
	 * 1; nconsts is -1 when they are not known
	 */
	int			first_const;
	int			nconsts;
	Oid		   *const_types;
} PoSample;

typedef PoSample *(*PoSampleReader) (int64 queryid, Oid userid);

extern void po_sample_register(PoSampleReader reader);
extern PoSample *po_sample_find(int64 queryid, Oid userid);
extern bool po_sample_may_read(Oid userid);

#endif							/* PO_SAMPLE_H */

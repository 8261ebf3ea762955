/*
 * verify.h
 *	  Checking an archive against its table and its records.
 */
#ifndef PO_VERIFY_H
#define PO_VERIFY_H

#include "archive/policy.h"
#include "nodes/pg_list.h"

/* One thing that was checked. */
typedef struct PoVerifyResult
{
	const char *check;
	bool		ok;
	int64		expected;
	int64		found;
	const char *message;
} PoVerifyResult;

extern List *po_verify(PoArchivePolicy *policy);

#endif							/* PO_VERIFY_H */

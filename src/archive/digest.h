/*
 * digest.h
 *	  A number for the content of archived rows, whatever their order.
 */
#ifndef PO_DIGEST_H
#define PO_DIGEST_H

#include "archive/policy.h"

extern char *po_digest_expression(const PoArchivePolicy *policy);
extern bool po_digest_recorded(const PoArchivePolicy *policy, const char *expression, int64 *digest);
extern int64 po_digest_compute(const PoArchivePolicy *policy, const char *expression);

#endif							/* PO_DIGEST_H */

/*
 * restore.h
 *	  Bringing archived rows back.
 */
#ifndef PO_RESTORE_H
#define PO_RESTORE_H

#include "datatype/timestamp.h"

extern void po_restore_archive(const char *policy, TimestampTz from, TimestampTz until);

#endif							/* PO_RESTORE_H */

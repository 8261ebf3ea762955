/*
 * export.h
 *	  Moving rows into files of the server.
 */
#ifndef PO_EXPORT_H
#define PO_EXPORT_H

#include "archive/policy.h"

typedef struct PoExport PoExport;

extern bool po_export_is_possible(PoArchivePolicy *policy, const char **problem);
extern PoExport *po_export_begin(PoArchivePolicy *policy, int64 run_id);
extern int64 po_export_rows(PoExport *export, const char *source, Datum first, Datum last);

#endif							/* PO_EXPORT_H */

/*
 * guc.c
 *	  The settings of perf_optimizer.*, sorted by name.
 *
 * Settings that need shared memory or background workers (PGC_POSTMASTER) are
 * defined only while the library is preloaded.
 */
#include "postgres.h"

#include "core/guc.h"
#include "utils/guc.h"

/* Defines every setting; called once from _PG_init. */
void
po_guc_init(void)
{
}

/* Makes misspelt perf_optimizer.* settings an error; call after all definitions. */
void
po_guc_reserve(void)
{
	MarkGUCPrefixReserved("perf_optimizer");
}

/*
 * trigrams.c
 *	  The hint at an extension that would serve searches inside texts.
 */
#include "postgres.h"

#include "advisor/trigrams.h"
#include "executor/spi.h"

/* Says whether the extension pg_trgm could be created here. */
static bool
is_available(void)
{
	bool		available;

	SPI_connect();
	if (SPI_execute("SELECT 1 FROM pg_catalog.pg_available_extensions WHERE name OPERATOR(pg_catalog.=) 'pg_trgm'"
					" AND installed_version IS NULL", true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read pg_available_extensions");
	available = SPI_processed > 0;
	SPI_finish();
	return available;
}

/* Tells by a notice that statements of the workload search inside texts and that pg_trgm, which could help, is not created. */
void
po_trigrams_report(const PoWorkload *workload)
{
	if (!workload->expressions->searches_texts || !is_available())
		return;
	ereport(NOTICE,
			(errmsg("statements search inside texts, which an index could serve with the extension pg_trgm"),
			 errhint("CREATE EXTENSION pg_trgm, and call suggest_indexes again.")));
}

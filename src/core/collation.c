/*
 * collation.c
 *	  What the planner asks of a collation.
 *
 * Read from the catalogs: the server's own header for this needs ICU's
 * development files from 16 on.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_database.h"
#include "core/collation.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

/* The provider inside the server, from 17 on: it always sorts by bytes. */
#define BUILTIN_PROVIDER 'b'

/* Tells whether a provider with this locale, a text or null, sorts by bytes. */
static bool
locale_is_c(char provider, Datum locale, bool isnull)
{
	char	   *name;

	if (provider == BUILTIN_PROVIDER)
		return true;
	if (provider != COLLPROVIDER_LIBC || isnull)
		return false;
	name = TextDatumGetCString(locale);
	return strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0;
}

/* Tells whether this database's default collation sorts by bytes. */
static bool
database_is_c(void)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	Datum		locale;
	bool		isnull;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for database %u", MyDatabaseId);
	locale = SysCacheGetAttr(DATABASEOID, tuple, Anum_pg_database_datcollate, &isnull);
	result = locale_is_c(((Form_pg_database) GETSTRUCT(tuple))->datlocprovider, locale, isnull);
	ReleaseSysCache(tuple);
	return result;
}

/* Tells whether a collation sorts by bytes; false for one that is gone. */
bool
po_collation_is_c(Oid collation)
{
	HeapTuple	tuple;
	Datum		locale;
	bool		isnull;
	bool		result;

	if (collation == DEFAULT_COLLATION_OID)
		return database_is_c();
	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	if (!HeapTupleIsValid(tuple))
		return false;
	locale = SysCacheGetAttr(COLLOID, tuple, Anum_pg_collation_collcollate, &isnull);
	result = locale_is_c(((Form_pg_collation) GETSTRUCT(tuple))->collprovider, locale, isnull);
	ReleaseSysCache(tuple);
	return result;
}

/*
 * build.h
 *	  Building an index concurrently in a runner, and taking it away again.
 */
#ifndef PO_BUILD_H
#define PO_BUILD_H

/* An index that is to be built: its statement names it, so that it can be found when the build fails. */
typedef struct PoBuild
{
	Oid			relid;			/* its table */
	char	   *name;			/* of the index, in the schema of the table */
	char	   *sql;			/* the statement, with that name */
	bool		concurrent;
} PoBuild;

extern PoBuild *po_build_prepare(const char *definition);
extern void po_build_run(const PoBuild *build, bool again);
extern char *po_build_name(const char *definition, const char *name);
extern void po_build_drop(const PoBuild *build);
extern void po_build_remove(const PoBuild *build);

#endif							/* PO_BUILD_H */

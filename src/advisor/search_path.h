/*
 * search_path.h
 *	  The search_paths that names of recorded statements may be meant under.
 */
#ifndef PO_SEARCH_PATH_H
#define PO_SEARCH_PATH_H

#include "nodes/pg_list.h"

/* What is known of the search_paths of roles; read when it is asked for. */
typedef struct PoSearchPaths
{
	List	   *queries;		/* PoAdvisorQuery, of all roles */
	List	   *roles;			/* of those asked about so far */
} PoSearchPaths;

extern const char *po_search_path_first(PoSearchPaths *paths, Oid role);
extern List *po_search_path_others(PoSearchPaths *paths, Oid role);

#endif							/* PO_SEARCH_PATH_H */

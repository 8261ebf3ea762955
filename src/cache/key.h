/*
 * key.h
 *	  What tells cached results apart.
 */
#ifndef PO_CACHE_KEY_H
#define PO_CACHE_KEY_H

/* A call's arguments in text form. */
typedef struct PoCacheArgs
{
	char	   *query;
	int			nvalues;
	char	  **values;			/* a NULL pointer is SQL NULL */
	int			ntags;
	char	  **tags;
} PoCacheArgs;

/* The start of a key; the query's text, the tags and the rest follow, each ended by a zero byte. */
typedef struct PoCacheKeyHead
{
	Oid			database;
	Oid			role;
	Oid			session_role;
	int32		ntags;
} PoCacheKeyHead;

/* A key: bytes that are the same for the same results only. */
typedef struct PoCacheKey
{
	char	   *data;
	Size		length;
	uint64		hash;
} PoCacheKey;

extern void po_cache_key_build(const PoCacheArgs *args, PoCacheKey *key);
extern const char *po_cache_key_query(const char *data);
extern bool po_cache_key_has_tag(const char *data, const char *tag);

#endif							/* PO_CACHE_KEY_H */

/*
 * file.h
 *	  The manifest of the files that archived rows went to.
 */
#ifndef PO_FILE_H
#define PO_FILE_H

#include "archive/policy.h"
#include "nodes/pg_list.h"

/* A file in the manifest. */
typedef struct PoFile
{
	int64		file_id;
	char	   *path;
	char	   *columns;		/* quoted list, in the file's order */
	int64		rows;
	int64		bytes;
	char	   *sha256;			/* in hexadecimal */
	TimestampTz oldest;
	TimestampTz newest;
} PoFile;

extern int64 po_file_next_id(void);
extern void po_file_record(PoArchivePolicy *policy, int64 run_id, const PoFile *file);
extern List *po_file_list(PoArchivePolicy *policy, TimestampTz from, TimestampTz until);
extern char *po_file_checksum(const char *path, int64 *bytes);
extern char *po_file_problem(const PoFile *file);
extern int64 po_file_remove_older(PoArchivePolicy *policy, TimestampTz cutoff);
extern void po_file_set_restored(int64 file_id, int64 rows);

#endif							/* PO_FILE_H */

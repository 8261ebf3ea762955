/*
 * memory_limit.h
 *	  How much memory a container leaves to this process.
 */
#ifndef PO_MEMORY_LIMIT_H
#define PO_MEMORY_LIMIT_H

extern int64 po_memory_limit_read(const char *membership, const char *mount);

#endif							/* PO_MEMORY_LIMIT_H */

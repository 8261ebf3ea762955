/*
 * shmem.h
 *	  Areas of shared memory, and the locks that guard them.
 */
#ifndef PO_SHMEM_H
#define PO_SHMEM_H

#include "storage/lwlock.h"

/*
 * An area: size is asked once, after all settings are known; init fills a new
 * area.  *pointer and *lock are set in every process before it runs our code.
 */
typedef struct PoShmemArea
{
	const char *name;
	Size		(*size) (void);
	void		(*init) (void *area);
	void	  **pointer;
	LWLock	  **lock;
} PoShmemArea;

extern void po_shmem_register(const PoShmemArea *area);
extern void po_shmem_init(void);

#endif							/* PO_SHMEM_H */

/*
 * settings.h
 *	  The settings of the result cache.
 */
#ifndef PO_CACHE_SETTINGS_H
#define PO_CACHE_SETTINGS_H

extern int	po_cache_size;		/* kB */
extern bool po_cache_stale;

extern void po_cache_settings_init(void);

#endif							/* PO_CACHE_SETTINGS_H */

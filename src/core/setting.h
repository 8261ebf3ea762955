/*
 * setting.h
 *	  Changing a setting for a while.
 */
#ifndef PO_SETTING_H
#define PO_SETTING_H

extern void po_setting_for_level(const char *name, const char *value);
extern void po_setting_for_transaction(const char *name, const char *value);

#endif							/* PO_SETTING_H */

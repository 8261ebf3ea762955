/*
 * setting.c
 *	  Changing a setting for a while.
 */
#include "postgres.h"

#include "core/setting.h"
#include "utils/guc.h"

/* Changes a setting as its user may, until an action's end. */
static void
change(const char *name, const char *value, GucAction action)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, action, true, 0, false);
}

/*
 * Changes a setting until the nest level ends that the caller has begun with
 * NewGUCNestLevel and ends with AtEOXact_GUC.  Raises the setting's own error for a
 * value that it does not take.
 */
void
po_setting_for_level(const char *name, const char *value)
{
	change(name, value, GUC_ACTION_SAVE);
}

/* Changes a setting until the transaction ends. */
void
po_setting_for_transaction(const char *name, const char *value)
{
	change(name, value, GUC_ACTION_LOCAL);
}

/*
 * text.c
 *	  Texts made of texts.
 */
#include "postgres.h"

#include "core/text.h"
#include "lib/stringinfo.h"

/* Returns a list of texts (char *) as one, with a separator between each two; NULL for none. */
char *
po_text_join(const List *texts, const char *separator)
{
	StringInfoData joined;
	ListCell   *lc;

	if (texts == NIL)
		return NULL;
	initStringInfo(&joined);
	foreach(lc, texts)
		appendStringInfo(&joined, "%s%s", foreach_current_index(lc) > 0 ? separator : "",
						 (const char *) lfirst(lc));
	return joined.data;
}

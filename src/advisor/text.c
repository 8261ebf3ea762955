/*
 * text.c
 *	  Statements as reasons quote them.
 */
#include "postgres.h"

#include "advisor/text.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

/* Most bytes of a statement's text in a reason. */
#define MAX_TEXT_BYTES 60

/* Returns a statement's text on one line, cut to a readable length. */
char *
po_text_short(const char *text)
{
	StringInfoData line;
	bool		space = true;
	int			length;

	initStringInfo(&line);
	for (const char *p = text; *p != '\0' && line.len <= MAX_TEXT_BYTES + MAX_MULTIBYTE_CHAR_LEN; p++)
	{
		bool		blank = *p == ' ' || *p == '\n' || *p == '\t' || *p == '\r';

		if (!blank)
			appendStringInfoChar(&line, *p);
		else if (!space)
			appendStringInfoChar(&line, ' ');
		space = blank;
	}
	if (line.len <= MAX_TEXT_BYTES)
		return line.data;
	length = pg_mbcliplen(line.data, line.len, MAX_TEXT_BYTES);
	return psprintf("%.*s...", length, line.data);
}

/*
 * text.h
 *	  Statements as reasons quote them.
 */
#ifndef PO_ADVISOR_TEXT_H
#define PO_ADVISOR_TEXT_H

extern char *po_text_short(const char *text);

#endif							/* PO_ADVISOR_TEXT_H */

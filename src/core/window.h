/*
 * window.h
 *	  Weekly windows of time, such as "mon-fri 22:00-06:00".  Pure.
 */
#ifndef PO_WINDOW_H
#define PO_WINDOW_H

#define PO_MINUTES_PER_DAY (24 * 60)
#define PO_MINUTES_PER_WEEK (7 * PO_MINUTES_PER_DAY)

/* One bit for each minute of a week that starts on Sunday at 00:00. */
typedef struct PoWindow
{
	unsigned char minutes[(PO_MINUTES_PER_WEEK + 7) / 8];
} PoWindow;

extern const char *po_window_parse(const char *text, PoWindow *window);
extern bool po_window_contains(const PoWindow *window, int minute_of_week);

#endif							/* PO_WINDOW_H */

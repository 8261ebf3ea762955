/*
 * due.c
 *	  When a schedule is due: cron expressions and intervals.  Pure.
 *
 * A cron expression has five fields (minute hour day-of-month month
 * day-of-week) or six, seconds first.  The search walks the stretches of time
 * in which the zone's offset is constant; within one stretch local time is
 * continuous, so the search there is calendar arithmetic over sets.  Between
 * two stretches the rules for daylight saving apply:
 *
 * - A schedule whose hour field is restricted names local times.  A local time
 *	 that is skipped by the change is due at the moment of the change; a local
 *	 time that occurs twice is due the first time only.
 * - With a star, or a star and a step, as hour field every slot that elapses is
 *	 due.
 *
 * Day of month and day of week follow Vixie cron: when both are restricted a
 * day that fits either is due; a field that starts with * restricts nothing by
 * being listed, so then both must fit.
 *
 * No catalog, no shared memory, no allocation: the unit test links this file
 * alone.
 */
#include "postgres.h"

#include "sched/due.h"

#define SECS_A_DAY INT64CONST(86400)
/* The Gregorian calendar repeats after 400 years: what is not due by then never is. */
#define DAYS_IN_CYCLE INT64CONST(146097)
#define MAX_INTERVAL_S (INT64CONST(36500) * SECS_A_DAY)
#define MAX_TOKENS 12

/* A field of a cron expression: its values and the names they may have. */
typedef struct Field
{
	const char *name;
	int			min;
	int			max;
	const char *names;			/* three letters each, from value first_name
								 * on */
	int			first_name;
} Field;

typedef enum
{
	F_SECOND, F_MINUTE, F_HOUR, F_DAY, F_MONTH, F_WEEKDAY
} FieldNo;

static const Field fields[] = {
	{"second", 0, 59, NULL, 0},
	{"minute", 0, 59, NULL, 0},
	{"hour", 0, 23, NULL, 0},
	{"day of month", 1, 31, NULL, 0},
	{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec", 1},
	{"day of week", 0, 7, "sunmontuewedthufrisat", 0},
};

static const struct
{
	const char *name;
	const char *expression;		/* NULL: at server start */
}			macros[] = {
	{"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
	{"@monthly", "0 0 1 * *"},
	{"@weekly", "0 0 * * 0"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@hourly", "0 * * * *"},
	{"@reboot", NULL},
};

static const struct
{
	const char *name;
	int			seconds;		/* 0: a unit without fixed length */
}			units[] = {
	{"s", 1}, {"sec", 1}, {"secs", 1}, {"second", 1}, {"seconds", 1},
	{"m", 60}, {"min", 60}, {"mins", 60}, {"minute", 60}, {"minutes", 60},
	{"h", 3600}, {"hour", 3600}, {"hours", 3600},
	{"d", 86400}, {"day", 86400}, {"days", 86400},
	{"w", 604800}, {"week", 604800}, {"weeks", 604800},
	{"mon", 0}, {"mons", 0}, {"month", 0}, {"months", 0},
	{"y", 0}, {"year", 0}, {"years", 0},
};

/* A piece of the text between blanks. */
typedef struct Token
{
	const char *start;
	int			len;
} Token;

/* Records the problem and returns false, for the caller to return. */
static bool
fail(PoScheduleError *error, const char *field, const char *problem)
{
	error->field = field;
	error->problem = problem;
	return false;
}

/* Lower case of an ASCII letter, whatever the locale. */
static char
lower(char c)
{
	return (c >= 'A' && c <= 'Z') ? c - 'A' + 'a' : c;
}

/* Tells whether c is an ASCII digit. */
static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Tells whether c is an ASCII letter. */
static bool
is_letter(char c)
{
	return lower(c) >= 'a' && lower(c) <= 'z';
}

/* Compares len characters of text with a whole lower-case word, ignoring case. */
static bool
same_word(const char *text, int len, const char *word)
{
	if ((int) strlen(word) != len)
		return false;
	for (int i = 0; i < len; i++)
		if (lower(text[i]) != word[i])
			return false;
	return true;
}

/* Splits at blanks; returns the number of pieces, MAX_TOKENS + 1 when there are more. */
static int
split(const char *text, Token *tokens)
{
	int			n = 0;

	for (;;)
	{
		text += strspn(text, " \t\r\n");
		if (*text == '\0')
			return n;
		if (n == MAX_TOKENS)
			return n + 1;
		tokens[n].start = text;
		tokens[n].len = strcspn(text, " \t\r\n");
		text += tokens[n].len;
		n++;
	}
}

/* Reads digits at *p into *value; false when there are none or too many. */
static bool
read_number(const char **p, const char *end, int *value)
{
	const char *start = *p;

	*value = 0;
	while (*p < end && is_digit(**p) && *p - start < 9)
		*value = *value * 10 + (*(*p)++ - '0');
	return *p > start && !(*p < end && is_digit(**p));
}

/* Reads a number or a three-letter name at *p, checked against the field's range. */
static bool
read_value(const char **p, const char *end, const Field *field, int *value, PoScheduleError *error)
{
	if (*p < end && is_digit(**p))
	{
		if (!read_number(p, end, value) || *value < field->min || *value > field->max)
			return fail(error, field->name, "a value is out of range");
		return true;
	}
	for (int i = 0; field->names != NULL && field->names[3 * i] != '\0' && end - *p >= 3; i++)
	{
		if (lower((*p)[0]) == field->names[3 * i] && lower((*p)[1]) == field->names[3 * i + 1] &&
			lower((*p)[2]) == field->names[3 * i + 2])
		{
			*value = i + field->first_name;
			*p += 3;
			return true;
		}
	}
	return fail(error, field->name, "a value is not understood");
}

/* Reads "/n" at *p when it is there; *step is 1 when not. */
static bool
read_step(const char **p, const char *end, const Field *field, int *step, PoScheduleError *error)
{
	*step = 1;
	if (*p == end || **p != '/')
		return true;
	(*p)++;
	if (!read_number(p, end, step) || *step < 1 || *step > field->max)
		return fail(error, field->name, "a step is out of range");
	return true;
}

/* Reads "a", "a-b", "a/n" or "a-b/n" at *p into the bounds of a stepped range. */
static bool
read_range(const char **p, const char *end, FieldNo no, int *low, int *high, int *step,
		   PoScheduleError *error)
{
	const Field *field = &fields[no];
	bool		is_range = false;

	if (!read_value(p, end, field, low, error))
		return false;
	*high = *low;
	if (*p < end && **p == '-')
	{
		(*p)++;
		is_range = true;
		if (!read_value(p, end, field, high, error))
			return false;
		/* Sunday is both 0 and 7: fri-sun, 7-2. */
		if (no == F_WEEKDAY && *high == 0 && *low > 0)
			*high = 7;
		if (no == F_WEEKDAY && *low == 7 && *high < 7)
			*low = 0;
		if (*high < *low)
			return fail(error, field->name, "a range runs backwards");
	}
	if (*p < end && **p == '/' && !is_range)
		*high = no == F_WEEKDAY ? 6 : field->max;
	return read_step(p, end, field, step, error);
}

/* Reads the "L" forms of the two day fields at *p; *done tells whether it was one. */
static bool
read_last(const char **p, const char *end, FieldNo no, PoSchedule *schedule, bool *done,
		  PoScheduleError *error)
{
	const char *q = *p;
	int			value;

	*done = false;
	if (no == F_DAY && lower(*q) == 'l')
	{
		schedule->last_day = true;
		q++;
	}
	else if (no == F_WEEKDAY && lower(*q) == 'l')
		return fail(error, fields[no].name, "\"L\" needs a weekday before it, as in 5L for the last Friday");
	else if (no == F_WEEKDAY && read_value(&q, end, &fields[no], &value, error) &&
			 q < end && lower(*q) == 'l')
	{
		schedule->last_weekdays |= UINT64CONST(1) << (value % 7);
		q++;
	}
	else
		return true;
	*done = true;
	*p = q;
	return true;
}

/* Reads one item of a list at *p into *set, and into the schedule for "L". */
static bool
read_item(const char **p, const char *end, FieldNo no, PoSchedule *schedule, uint64 *set,
		  PoScheduleError *error)
{
	const Field *field = &fields[no];
	int			low = field->min;
	int			high = no == F_WEEKDAY ? 6 : field->max;
	int			step = 1;
	bool		done;

	if (*p == end)
		return fail(error, field->name, "a value is missing");
	if (**p == '*' || (**p == '?' && (no == F_DAY || no == F_WEEKDAY)))
	{
		(*p)++;
		if (!read_step(p, end, field, &step, error))
			return false;
	}
	else
	{
		if (!read_last(p, end, no, schedule, &done, error))
			return false;
		if (done)
			return true;
		if (!read_range(p, end, no, &low, &high, &step, error))
			return false;
	}
	for (int i = low; i <= high; i += step)
		*set |= UINT64CONST(1) << (no == F_WEEKDAY ? i % 7 : i);
	return true;
}

/* Reads a whole field, a list of items, into *set. */
static bool
read_field(const Token *token, FieldNo no, PoSchedule *schedule, uint64 *set, PoScheduleError *error)
{
	const char *p = token->start;
	const char *end = p + token->len;

	*set = 0;
	for (;;)
	{
		if (!read_item(&p, end, no, schedule, set, error))
			return false;
		if (p == end)
			return true;
		if (*p++ != ',')
			return fail(error, fields[no].name, "a value is not understood");
	}
}

/* Tells whether a field starts with a star, and so restricts nothing by being listed. */
static bool
starts_with_star(const Token *token)
{
	return *token->start == '*' || *token->start == '?';
}

/* Tells whether a field is a star alone, or one with a step. */
static bool
is_star(const Token *token)
{
	return starts_with_star(token) && memchr(token->start, ',', token->len) == NULL;
}

/* The zone UTC: one stretch without end. */
static void
utc_segment(const void *state, int64 utc, int *offset, int64 *end)
{
	*offset = 0;
	*end = PG_INT64_MAX;
}

/* Reads the five or six fields of a cron expression. */
static bool
parse_cron(const Token *tokens, int n, PoSchedule *schedule, PoScheduleError *error)
{
	static const PoZone utc = {NULL, utc_segment};
	const Token *t = n == 6 ? tokens + 1 : tokens;
	int64		moment;

	schedule->type = PO_SCHEDULE_CRON;
	schedule->seconds = 1;
	if (n == 6 && !read_field(tokens, F_SECOND, schedule, &schedule->seconds, error))
		return false;
	if (!read_field(&t[0], F_MINUTE, schedule, &schedule->minutes, error) ||
		!read_field(&t[1], F_HOUR, schedule, &schedule->hours, error) ||
		!read_field(&t[2], F_DAY, schedule, &schedule->days, error) ||
		!read_field(&t[3], F_MONTH, schedule, &schedule->months, error) ||
		!read_field(&t[4], F_WEEKDAY, schedule, &schedule->weekdays, error))
		return false;
	schedule->any_hour = is_star(&t[1]);
	schedule->any_day = starts_with_star(&t[2]);
	schedule->any_weekday = starts_with_star(&t[4]);
	if (!po_due_next(schedule, &utc, 0, &moment))
		return fail(error, NULL, "no such day exists in any year");
	return true;
}

/* Finds the length of a unit; false when there is no such unit. */
static bool
find_unit(const char *text, int len, int *seconds)
{
	for (int i = 0; i < (int) lengthof(units); i++)
	{
		if (same_word(text, len, units[i].name))
		{
			*seconds = units[i].seconds;
			return true;
		}
	}
	return false;
}

/*
 * Reads one "number unit" pair, written with or without a blank, from the tokens
 * at *i; without_number allows "every hour".
 */
static bool
read_duration(const Token *tokens, int n, int *i, bool without_number, int64 *total,
			  PoScheduleError *error)
{
	const char *p = tokens[*i].start;
	const char *end = p + tokens[*i].len;
	int			count = 1;
	int			seconds;

	if (*p == '-')
		return fail(error, NULL, "an interval must be positive");
	if (is_digit(*p) || !without_number)
	{
		if (!read_number(&p, end, &count) || (p < end && !is_letter(*p)))
			return fail(error, NULL, "an interval needs a whole number before its unit");
		if (p == end && ++(*i) < n)
		{
			p = tokens[*i].start;
			end = p + tokens[*i].len;
		}
	}
	if (p == end || !find_unit(p, end - p, &seconds))
		return fail(error, NULL, "the unit of an interval is second, minute, hour, day or week");
	if (seconds == 0)
		return fail(error, NULL, "months and years have no fixed length and cannot be an interval");
	*total += (int64) count * seconds;
	(*i)++;
	return true;
}

/* Reads an interval: [every] number unit [number unit ...]. */
static bool
parse_interval(const Token *tokens, int n, PoSchedule *schedule, PoScheduleError *error)
{
	bool		every = same_word(tokens[0].start, tokens[0].len, "every");
	int			i = every ? 1 : 0;

	schedule->type = PO_SCHEDULE_INTERVAL;
	if (i == n)
		return fail(error, NULL, "an interval needs a whole number before its unit");
	while (i < n)
		if (!read_duration(tokens, n, &i, every && n == 2, &schedule->interval_s, error))
			return false;
	if (schedule->interval_s < 1)
		return fail(error, NULL, "an interval must be positive");
	if (schedule->interval_s > MAX_INTERVAL_S)
		return fail(error, NULL, "an interval must not be longer than 100 years");
	return true;
}

/* Replaces @hourly and its kin. */
static bool
parse_macro(const Token *token, PoSchedule *schedule, PoScheduleError *error)
{
	for (int i = 0; i < (int) lengthof(macros); i++)
	{
		if (!same_word(token->start, token->len, macros[i].name))
			continue;
		if (macros[i].expression != NULL)
			return po_due_parse(macros[i].expression, schedule, error);
		schedule->type = PO_SCHEDULE_REBOOT;
		return true;
	}
	return fail(error, NULL, "the names are @hourly, @daily, @weekly, @monthly, @yearly and @reboot");
}

/*
 * Reads a schedule.  Returns false and fills *error when text is none, or is one
 * that never comes due.
 */
bool
po_due_parse(const char *text, PoSchedule *schedule, PoScheduleError *error)
{
	Token		tokens[MAX_TOKENS];
	int			n = split(text, tokens);

	memset(schedule, 0, sizeof(PoSchedule));
	if (n == 0)
		return fail(error, NULL, "it is empty");
	if (n > MAX_TOKENS)
		return fail(error, NULL, "it has too many parts");
	if (n == 1 && *tokens[0].start == '@')
		return parse_macro(&tokens[0], schedule, error);
	if ((n == 5 || n == 6) && !is_letter(*tokens[1].start) && !is_letter(*tokens[0].start))
		return parse_cron(tokens, n, schedule, error);
	if (is_digit(*tokens[0].start) || *tokens[0].start == '-')
	{
		const char *p = tokens[0].start;

		/*
		 * "5 4 * *" is a short cron expression, "5 minutes" and "5min" are
		 * intervals.
		 */
		p += strspn(p, "-0123456789");
		if ((p < tokens[0].start + tokens[0].len && is_letter(*p)) ||
			(n > 1 && is_letter(*tokens[1].start)))
			return parse_interval(tokens, n, schedule, error);
	}
	if (same_word(tokens[0].start, tokens[0].len, "every"))
		return parse_interval(tokens, n, schedule, error);
	return fail(error, NULL, "a cron expression has five fields, or six with seconds first");
}

/* Division that rounds towards minus infinity. */
static int64
floor_div(int64 a, int64 b)
{
	return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar. */
static int64
days_from_civil(int64 year, int month, int day)
{
	int64		y = month <= 2 ? year - 1 : year;
	int64		era = floor_div(y, 400);
	int64		yoe = y - era * 400;
	int64		doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * DAYS_IN_CYCLE + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* The date that lies days after 1970-01-01. */
static void
civil_from_days(int64 days, int64 *year, int *month, int *day)
{
	int64		z = days + 719468;
	int64		era = floor_div(z, DAYS_IN_CYCLE);
	int64		doe = z - era * DAYS_IN_CYCLE;
	int64		yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64		doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64		mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = yoe + era * 400 + (*month <= 2);
}

/* The day number of the first day of the month after the given one. */
static int64
next_month(int64 year, int month)
{
	return month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, month + 1, 1);
}

/* The smallest value of the set that is at least from, or -1. */
static int
next_in_set(uint64 set, int from, int max)
{
	for (int i = from; i <= max; i++)
		if (set & (UINT64CONST(1) << i))
			return i;
	return -1;
}

/* Tells whether a day, whose month fits already, is one of the schedule's. */
static bool
day_fits(const PoSchedule *s, int64 days, int64 year, int month, int day)
{
	int64		month_end = next_month(year, month) - 1;
	int			weekday = (days + 4) - floor_div(days + 4, 7) * 7;
	uint64		bit = UINT64CONST(1) << weekday;
	bool		by_day = (s->days & (UINT64CONST(1) << day)) != 0 ||
	(s->last_day && days == month_end);
	bool		by_weekday = (s->weekdays & bit) != 0 ||
	((s->last_weekdays & bit) != 0 && days > month_end - 7);

	if (s->any_day || s->any_weekday)
		return by_day && by_weekday;
	return by_day || by_weekday;
}

/* The first second of the day, at or after from, that the schedule names; -1 when none is left. */
static int
time_of_day(const PoSchedule *s, int from)
{
	int			hour = from / 3600;
	int			minute = from / 60 % 60;
	int			second = next_in_set(s->seconds, from % 60, 59);

	if (second < 0)
	{
		second = next_in_set(s->seconds, 0, 59);
		minute++;
	}
	if ((s->hours & (UINT64CONST(1) << hour)) != 0 &&
		(minute = next_in_set(s->minutes, minute, 59)) >= 0)
	{
		/* A later minute than from's starts with its first second. */
		if (minute != from / 60 % 60)
			second = next_in_set(s->seconds, 0, 59);
		return hour * 3600 + minute * 60 + second;
	}
	hour = next_in_set(s->hours, hour + 1, 23);
	if (hour < 0)
		return -1;
	return hour * 3600 + next_in_set(s->minutes, 0, 59) * 60 + next_in_set(s->seconds, 0, 59);
}

/* Finds the first local second in [low, high) that the schedule names. */
static bool
search_local(const PoSchedule *s, int64 low, int64 high, int64 *found)
{
	int64		day = floor_div(low, SECS_A_DAY);
	int			from = low - day * SECS_A_DAY;

	while (day * SECS_A_DAY < high)
	{
		int64		year;
		int			month;
		int			mday;
		int			second;

		civil_from_days(day, &year, &month, &mday);
		if ((s->months & (UINT64CONST(1) << month)) == 0)
		{
			day = next_month(year, month);
			from = 0;
			continue;
		}
		if (day_fits(s, day, year, month, mday) && (second = time_of_day(s, from)) >= 0)
		{
			*found = day * SECS_A_DAY + second;
			return *found < high;
		}
		day++;
		from = 0;
	}
	return false;
}

/*
 * Finds the first moment after the given one at which a cron schedule is due.
 * The walk begins two days early, so that it knows which local times have
 * already been when "after" lies in a repeated hour.
 */
static bool
next_cron(const PoSchedule *s, const PoZone *zone, int64 after, int64 *next)
{
	int64		start = after + 1;
	int64		limit = start + DAYS_IN_CYCLE * SECS_A_DAY;
	int64		pos = start - 2 * SECS_A_DAY;
	int64		local_done = PG_INT64_MIN;	/* local times before this have
											 * been */

	while (pos < limit)
	{
		int			offset;
		int64		end;
		int64		low;
		int64		found;

		zone->segment(zone->state, pos, &offset, &end);
		end = Min(end, limit);
		low = pos + offset;
		if (!s->any_hour && local_done != PG_INT64_MIN && pos >= start &&
			search_local(s, local_done, low, &found))
		{
			*next = pos;
			return true;
		}
		if (!s->any_hour)
			low = Max(low, local_done);
		low = Max(low, start + offset);
		if (search_local(s, low, end + offset, &found))
		{
			*next = found - offset;
			return true;
		}
		local_done = Max(local_done, end + offset);
		pos = end;
	}
	return false;
}

/*
 * Finds the first moment after the given one at which the schedule is due; for
 * an interval that is one interval later.  Returns false when there is none,
 * which of the parsed schedules holds for @reboot alone.
 */
bool
po_due_next(const PoSchedule *schedule, const PoZone *zone, int64 after, int64 *next)
{
	if (schedule->type == PO_SCHEDULE_CRON)
		return next_cron(schedule, zone, after, next);
	if (schedule->type == PO_SCHEDULE_REBOOT)
		return false;
	*next = after + schedule->interval_s;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A zone is a table of days. For each civil day from 1900 to 2439 it holds when the day starts in
 * UTC and at most one change of the offset within the day; so any look-up is one or two array
 * reads. That is also how ClickHouse sees time zones, down to its answers for local times that
 * happen twice or never:
 *
 *     day:   start_utc ─────────────┬──────────────────────▶ next day
 *            wall = elapsed         │ wall = elapsed + change
 *                            change_at (quarter hours)
 *
 * Times before the table are looked up in the rules it was made from; times after it are taken
 * 400 years earlier, for the calendar repeats. Zones are made under a lock, then read by any
 * thread, and never freed. */
#include "column/zone.h"

#include <pthread.h>
#include <stdio.h>

#include "base/mem.h"
#include "column/type.h"
#include "column/zone_priv.h"

enum { DAY = 86400, QUARTER_HOUR = 900 };

enum { FIRST_DAY = -25567, END_DAY = 171664 }; /* 1900-01-01, 2440-01-01 */

struct zone_day {
    int32_t shift;     /* UTC second of the day's start - day * 86400 */
    int16_t change_at; /* quarter hours after the start; DAY_UNCHANGED if there is none */
    int16_t change;    /* quarter hours to add to the wall clock from there */
};

enum { DAY_UNCHANGED = INT16_MAX, STEADY_DAYS = 49710, UNSTEADY = INT32_MAX };

struct zone {
    const char *name;
    const struct zone *next;
    bool is_utc;           /* offset 0 at all times */
    bool is_whole_hours;   /* since 1970 */
    bool is_whole_minutes; /* since 1970 */
    struct zone_day *days;
    int32_t *steady;         /* per UTC day of DateTime: the offset all day long, or UNSTEADY */
    struct zone_rules early; /* up to the table's first day */
};

static const struct zone zone_utc = {
    .name = "UTC",
    .is_utc = true,
    .is_whole_hours = true,
    .is_whole_minutes = true,
};

static pthread_mutex_t zones_lock = PTHREAD_MUTEX_INITIALIZER;
static const struct zone *zones; /* lock: zones_lock */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* ---- making the table ---- */

/* The day's start. `*k` is the offset in force before the day's end and only grows. A midnight
 * that never was is where the offset before the gap puts it; of two midnights it is the second
 * one, if hours of the day before lie between them. */
static int64_t day_start(const struct zone_rules *r, int64_t local_s, size_t *k)
{
    while (*k + 1 < r->n && local_s - r->items[*k].offset >= r->items[*k + 1].at &&
           local_s - r->items[*k + 1].offset >= r->items[*k + 1].at)
        ++*k;
    int64_t before = local_s - r->items[*k].offset;
    if (*k + 1 == r->n)
        return before;
    int64_t change = r->items[*k + 1].at, after = local_s - r->items[*k + 1].offset;
    return change < after ? after : before;
}

static void add_change(struct zone_day *d, const struct zone_rules *r, size_t k, int64_t day,
                       int64_t start)
{
    while (k < r->n && (k == 0 || r->items[k].at < start || !r->items[k].is_change))
        k++;
    if (k == r->n)
        return;
    int64_t from = r->items[k].at + r->items[k - 1].offset;
    int64_t to = r->items[k].at + r->items[k].offset;
    if (from == to || (floor_div(from, DAY) != day && floor_div(to, DAY) != day))
        return;
    /* One unsigned byte in ClickHouse: a change before the day's start is one that never comes. */
    int at = (uint8_t)((from - day * DAY) / QUARTER_HOUR);
    int by = (int)((to - from) / QUARTER_HOUR);
    by = by > 96 ? 96 : by < -96 ? -96 : by;
    d->change_at = (int16_t)(at + by < 0 ? -by : at);
    d->change = (int16_t)by;
}

static struct zone_day *make_days(const struct zone_rules *r)
{
    struct zone_day *days = xcalloc(END_DAY - FIRST_DAY + 1, sizeof(*days));
    size_t k = 0;

    for (int64_t day = FIRST_DAY; day <= END_DAY; day++) {
        struct zone_day *d = &days[day - FIRST_DAY];
        int64_t start = day_start(r, day * DAY, &k);
        *d = (struct zone_day){(int32_t)(start - day * DAY), DAY_UNCHANGED, 0};
        add_change(d, r, k, day, start);
    }
    return days;
}

/* A UTC day touches two or three civil ones; none of them may change. */
static int32_t *make_steady(const struct zone *z)
{
    int32_t *steady = xmalloc(STEADY_DAYS * sizeof(*steady));
    for (int64_t day = 0; day < STEADY_DAYS; day++) {
        const struct zone_day *d = &z->days[day - FIRST_DAY];
        bool is_same = true;
        for (int k = -1; k <= 1; k++)
            is_same &= d[k].change_at == DAY_UNCHANGED && d[k].shift == d->shift;
        steady[day] = is_same && d[2].shift == d->shift ? -d->shift : UNSTEADY;
    }
    return steady;
}

static struct zone *make_zone(struct str name, const struct zone_rules *r)
{
    struct zone *z = xcalloc(1, sizeof(*z));

    z->name = xstrndup(name.p, name.n);
    z->is_utc = z->is_whole_hours = z->is_whole_minutes = true;
    for (size_t i = 0; i < r->n; i++)
        z->is_utc &= r->items[i].offset == 0;
    if (z->is_utc)
        return z;
    z->days = make_days(r);
    z->steady = make_steady(z);
    while (z->early.n < r->n && r->items[z->early.n].at < (FIRST_DAY - 1) * (int64_t)DAY)
        z->early.n++;
    z->early.items = xmalloc(z->early.n * sizeof(*r->items));
    memcpy(z->early.items, r->items, z->early.n * sizeof(*r->items));
    for (int64_t day = 1; day < END_DAY; day++) {
        int32_t shift = z->days[day - FIRST_DAY].shift;
        z->is_whole_hours &= shift % 3600 == 0;
        z->is_whole_minutes &= shift % 60 == 0;
    }
    return z;
}

static const struct zone *find_loaded(struct str name)
{
    for (const struct zone *z = zones; z; z = z->next)
        if (str_is(name, z->name))
            return z;
    return NULL;
}

enum err_code zone_find(const struct zone **ret, struct str name, struct err *e)
{
    struct zone_rules rules = {0};
    enum err_code code = ERR_OK;

    if (str_is(name, "UTC")) {
        *ret = &zone_utc;
        return ERR_OK;
    }
    pthread_mutex_lock(&zones_lock);
    const struct zone *z = find_loaded(name);
    if (z == NULL && (code = zone_rules_load(&rules, name, e)) == ERR_OK) {
        struct zone *made = make_zone(name, &rules);
        made->next = zones;
        zones = z = made;
    }
    pthread_mutex_unlock(&zones_lock);
    free(rules.items);
    if (code == ERR_OK)
        *ret = z;
    return code;
}

const char *zone_name(const struct zone *z)
{
    return z ? z->name : "UTC";
}

bool zone_is_utc(const struct zone *z)
{
    return z == NULL || z->is_utc;
}

/* ---- look-ups ---- */

static int64_t clamp_day(int64_t day)
{
    return day < FIRST_DAY ? FIRST_DAY : day > END_DAY - 1 ? END_DAY - 1 : day;
}

static inline int64_t start_of(const struct zone *z, int64_t day)
{
    if (z->days == NULL)
        return day * DAY;
    return day * DAY + z->days[clamp_day(day) - FIRST_DAY].shift;
}

/* The civil day that holds utc_s. */
static inline int64_t day_of(const struct zone *z, int64_t utc_s)
{
    int64_t day = floor_div(utc_s, DAY);

    if (z->days == NULL)
        return day;
    while (start_of(z, day) > utc_s)
        day--;
    while (start_of(z, day + 1) <= utc_s)
        day++;
    return day;
}

static inline struct zone_day change_of(const struct zone *z, int64_t day)
{
    static const struct zone_day none = {0, DAY_UNCHANGED, 0};

    if (z->days == NULL || day < FIRST_DAY || day >= END_DAY)
        return none;
    return z->days[day - FIRST_DAY];
}

/* UTC seconds are far from overflow where anybody uses them, but input is free to say otherwise. */
static int64_t clamp_s(int64_t s)
{
    const int64_t most = (int64_t)1 << 52;
    return s < -most ? -most : s > most ? most : s;
}

/* Years after the table: as many days back as bring the time into its last 400 years. */
static int64_t later_shift(int64_t s)
{
    const int64_t cycle = (int64_t)146097 * DAY, end = (END_DAY - 1) * (int64_t)DAY;
    return s < end ? 0 : ((s - end) / cycle + 1) * cycle;
}

static int32_t early_offset(const struct zone *z, int64_t utc_s)
{
    size_t k = z->early.n - 1;
    while (k > 0 && utc_s < z->early.items[k].at)
        k--;
    return z->early.items[k].offset;
}

int32_t zone_offset_at(const struct zone *z, int64_t utc_s)
{
    if (z == NULL || z->days == NULL)
        return 0;
    utc_s = clamp_s(utc_s);
    utc_s -= later_shift(utc_s);
    if (utc_s < start_of(z, FIRST_DAY))
        return early_offset(z, utc_s);
    int64_t day = day_of(z, utc_s);
    struct zone_day d = change_of(z, day);
    int64_t elapsed = utc_s - start_of(z, day);
    if (elapsed >= d.change_at * QUARTER_HOUR)
        elapsed += d.change * QUARTER_HOUR;
    return (int32_t)(day * DAY + elapsed - utc_s);
}

void zone_local(const struct zone *z, int64_t *local, const int64_t *utc, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t s = (uint64_t)utc[i], day = s / DAY;
        int32_t offset = day < STEADY_DAYS && z->steady ? z->steady[day] : UNSTEADY;
        if (__builtin_expect(offset == UNSTEADY, 0))
            offset = zone_offset_at(z, utc[i]);
        local[i] = utc[i] + offset;
    }
}

int64_t zone_to_utc(const struct zone *z, int64_t local_s)
{
    if (z == NULL || z->days == NULL)
        return local_s;
    local_s = clamp_s(local_s);
    int64_t shift = later_shift(local_s);
    int64_t day = floor_div(local_s - shift, DAY);
    if (day < FIRST_DAY)
        return local_s - early_offset(z, local_s - early_offset(z, local_s));
    struct zone_day d = change_of(z, day);
    int64_t wall = local_s - shift - day * DAY;
    if (wall >= d.change_at * QUARTER_HOUR)
        wall -= d.change * QUARTER_HOUR;
    return start_of(z, day) + wall + shift;
}

/* ---- the calendar ---- */

int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

void civil_from_days(int64_t days, int32_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = floor_div(days, 146097);
    int64_t of_era = days - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153; /* months from March */
    *day = (unsigned)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = (int32_t)(year_of_era + era * 400 + (*month <= 2));
}

struct civil civil_from_local(int64_t local_s)
{
    local_s = clamp_s(local_s);
    int64_t days = floor_div(local_s, DAY);
    int64_t s = local_s - days * DAY;
    struct civil c;
    unsigned month, day;

    civil_from_days(days, &c.year, &month, &day);
    c.month = (uint8_t)month;
    c.day = (uint8_t)day;
    c.hour = (uint8_t)(s / 3600);
    c.minute = (uint8_t)(s / 60 % 60);
    c.second = (uint8_t)(s % 60);
    c.weekday = (uint8_t)((days + 3) - floor_div(days + 3, 7) * 7 + 1);
    c.yearday = (uint16_t)(days - days_from_civil(c.year, 1, 1) + 1);
    return c;
}

/* ---- windows ---- */

static int64_t round_down(int64_t s, int64_t step)
{
    return floor_div(s, step) * step;
}

/* Zones with half hours count seconds from the day's start, the others from 1970, as ClickHouse
 * does. */
static int64_t second_start(const struct zone *z, int64_t utc_s, int64_t seconds)
{
    if (z->is_whole_hours)
        return round_down(utc_s, seconds);
    int64_t start = start_of(z, day_of(z, utc_s));
    return start + round_down(utc_s - start, seconds);
}

static int64_t minute_start(const struct zone *z, int64_t utc_s, int64_t minutes)
{
    if (z->is_whole_minutes)
        return round_down(utc_s, minutes * 60);
    int64_t start = start_of(z, day_of(z, utc_s));
    return start + round_down(utc_s - start, minutes * 60);
}

/* Whole hours since the day's start, by the wall clock: a change of the offset makes one window
 * longer or shorter. */
static int64_t hour_start(const struct zone *z, int64_t utc_s, int64_t hours)
{
    if (hours == 1 && z->is_whole_hours)
        return round_down(utc_s, 3600);
    int64_t day = day_of(z, utc_s);
    int64_t start = start_of(z, day);
    int64_t elapsed = utc_s - start;
    if (hours == 1)
        return start + round_down(elapsed, 3600);

    struct zone_day d = change_of(z, day);
    int64_t change_at = d.change_at * QUARTER_HOUR, change = d.change * QUARTER_HOUR;
    if (elapsed < change_at)
        return start + round_down(elapsed, hours * 3600);
    elapsed = round_down(elapsed + change, hours * 3600);
    if (elapsed >= change_at) {
        elapsed -= change;
        if (elapsed < change_at)
            elapsed = change_at;
    }
    return start + elapsed;
}

static int64_t month_index(int64_t day)
{
    int32_t year;
    unsigned month, of_month;

    civil_from_days(day, &year, &month, &of_month);
    return ((int64_t)year - 1900) * 12 + month - 1;
}

static int64_t month_day(int64_t index)
{
    int64_t year = floor_div(index, 12);
    return days_from_civil(1900 + year, (unsigned)(index - year * 12 + 1), 1);
}

/* First day of the window that holds `day`, or, with `next`, of the one after. */
static int64_t window_day(int64_t day, int64_t count, int unit, bool next)
{
    int64_t index;
    int32_t year;
    unsigned month, of_month;

    switch (unit) {
    case INTERVAL_WEEK: return 4 + (floor_div(day - 4, count * 7) + next) * count * 7;
    case INTERVAL_QUARTER:
        count *= 3;
        /* fall through */
    case INTERVAL_MONTH:
        index = month_index(day);
        return month_day((floor_div(index, count) + next) * count);
    case INTERVAL_YEAR:
        civil_from_days(day, &year, &month, &of_month);
        return days_from_civil((floor_div(year, count) + next) * count, 1, 1);
    default: return (floor_div(day, count) + next) * count;
    }
}

int64_t zone_bucket_start(const struct zone *z, int64_t utc_s, int64_t count, int unit)
{
    if (z == NULL)
        z = &zone_utc;
    if (count < 1)
        count = 1;
    utc_s = clamp_s(utc_s);
    switch (unit) {
    case INTERVAL_NANOSECOND:
    case INTERVAL_MICROSECOND:
    case INTERVAL_MILLISECOND: return utc_s;
    case INTERVAL_SECOND:
        return count % 60 == 0 ? minute_start(z, utc_s, count / 60) : second_start(z, utc_s, count);
    case INTERVAL_MINUTE: return minute_start(z, utc_s, count);
    case INTERVAL_HOUR: return hour_start(z, utc_s, count);
    default: return start_of(z, window_day(day_of(z, utc_s), count, unit, false));
    }
}

/* On a day on which clocks go back, ClickHouse's window may have a second part later in the day
 * (hours by the wall clock that come twice): its end is the end of the last part. */
static int64_t search_last_part(const struct zone *z, int64_t start, int64_t count, int unit,
                                int64_t next)
{
    for (int64_t s = start + DAY + 4 * 3600; s >= next; s -= QUARTER_HOUR)
        if (zone_bucket_start(z, s - 1, count, unit) == start)
            return s;
    return next;
}

/* The first second after `start` from which no time is in its window. Windows are never longer
 * than their length by more than a change of offset. */
static int64_t search_next(const struct zone *z, int64_t start, int64_t count, int unit)
{
    int64_t length = count * (unit == INTERVAL_HOUR ? 3600 : unit == INTERVAL_MINUTE ? 60 : 1);
    int64_t low = start, high = start + length + DAY;
    bool goes_back = unit == INTERVAL_HOUR && change_of(z, day_of(z, start)).change < 0;

    if (!goes_back && zone_bucket_start(z, start + length, count, unit) == start + length &&
        zone_bucket_start(z, start + length - 1, count, unit) == start)
        return start + length;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (zone_bucket_start(z, middle, count, unit) > start)
            high = middle;
        else
            low = middle;
    }
    return goes_back ? search_last_part(z, start, count, unit, high) : high;
}

int64_t zone_bucket_next(const struct zone *z, int64_t start_utc_s, int64_t count, int unit)
{
    if (z == NULL)
        z = &zone_utc;
    if (count < 1)
        count = 1;
    start_utc_s = clamp_s(start_utc_s);
    switch (unit) {
    case INTERVAL_NANOSECOND:
    case INTERVAL_MICROSECOND:
    case INTERVAL_MILLISECOND: return start_utc_s + 1;
    case INTERVAL_SECOND:
    case INTERVAL_MINUTE:
    case INTERVAL_HOUR: return search_next(z, start_utc_s, count, unit);
    default: return start_of(z, window_day(day_of(z, start_utc_s), count, unit, true));
    }
}

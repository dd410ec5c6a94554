/* SPDX-License-Identifier: Apache-2.0
 *
 * What a column's name says about it, and what it is called in SQL. */
#include <ctype.h>

#include "cli/infer/infer.h"

/* The last word of a name: "user_id", "userId", "user id" -> "id", in lower case. */
static size_t last_word(char out[64], const char *name)
{
    size_t n = strlen(name), start = n;
    while (n > 0 && !isalnum((unsigned char)name[n - 1]))
        n--;
    start = n;
    while (start > 0 && isalnum((unsigned char)name[start - 1])) {
        start--;
        bool is_hump = isupper((unsigned char)name[start]) && start > 0 &&
                       islower((unsigned char)name[start - 1]);
        if (is_hump)
            break;
    }
    size_t length = 0;
    for (size_t i = start; i < n && length < 63; i++)
        out[length++] = (char)tolower((unsigned char)name[i]);
    out[length] = '\0';
    return length;
}

static bool is_one_of(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0)
            return true;
    return false;
}

static bool has_word(const char *name, const char *const *list)
{
    char word[64];
    size_t n = 0;
    for (const char *p = name;; p++) {
        bool is_hump = isupper((unsigned char)*p) && p > name && islower((unsigned char)p[-1]);
        if (!isalnum((unsigned char)*p) || is_hump) {
            word[n] = '\0';
            if (n > 0 && is_one_of(word, list))
                return true;
            n = 0;
        }
        if (*p == '\0')
            return false;
        if (isalnum((unsigned char)*p) && n < sizeof(word) - 1)
            word[n++] = (char)tolower((unsigned char)*p);
    }
}

/* Ends in id, code or zip. */
bool name_is_key(const char *name)
{
    static const char *const words[] = {"id",  "ids",     "uid",      "uuid",  "guid", "code",
                                        "zip", "zipcode", "postcode", "phone", NULL};
    static const char *const other_words[] = {
        "paid",  "bid",   "valid", "invalid", "humid",   "grid",   "void", "solid", "liquid",
        "avoid", "fluid", "mid",   "acid",    "android", "covid",  "aid",  "said",  "laid",
        "kid",   "lid",   "rid",   "rapid",   "prepaid", "unpaid", "gzip", "unzip", NULL};
    char word[64];
    size_t n = last_word(word, name);
    if (is_one_of(word, other_words))
        return false;
    return is_one_of(word, words) || (n > 2 && strcmp(word + n - 2, "id") == 0) ||
           (n > 4 && strcmp(word + n - 4, "code") == 0) ||
           (n > 3 && strcmp(word + n - 3, "zip") == 0);
}

bool name_is_time(const char *name)
{
    static const char *const words[] = {
        "time",    "timestamp", "ts", "date", "datetime", "when",    "at",    "day", "epoch",
        "created", "event",     "t",  "utc",  "logged",   "started", "start", NULL};
    char word[64];
    size_t n = last_word(word, name);
    return has_word(name, words) ||
           (n > 4 && (strcmp(word + n - 4, "time") == 0 || strcmp(word + n - 4, "date") == 0)) ||
           strncasecmp(name, "time", 4) == 0;
}

bool name_is_other_time(const char *name)
{
    static const char *const words[] = {"birth",   "birthdate", "birthday",   "born",  "dob",
                                        "expires", "expiry",    "expiration", "due",   "end",
                                        "ended",   "updated",   "modified",   "valid", "until",
                                        "renewal", NULL};
    return has_word(name, words);
}

bool name_is_rate(const char *name)
{
    static const char *const words[] = {
        "delay",       "latency",   "duration", "elapsed",  "time",     "ms",         "us",
        "ns",          "sec",       "secs",     "seconds",  "rtt",      "ttfb",       "temp",
        "temperature", "rate",      "ratio",    "pct",      "percent",  "percentage", "price",
        "score",       "age",       "speed",    "load",     "cpu",      "util",       "utilization",
        "avg",         "mean",      "level",    "humidity", "pressure", "loss",       "rank",
        "rating",      "lag",       "jitter",   "voltage",  "value",    "val",        "reading",
        "usage",       "occupancy", "min",      "max",      "median",   NULL};
    return has_word(name, words);
}

bool name_is_sum(const char *name)
{
    static const char *const words[] = {"bytes",    "count",    "amount", "total",  "qty",
                                        "quantity", "distance", "size",   "volume", "requests",
                                        "packets",  "pkts",     "num",    "cost",   "revenue",
                                        "sales",    "fare",     "tip",    "sum",    "units",
                                        "hits",     "clicks",   "octets", "kwh",    NULL};
    return has_word(name, words);
}

bool name_is_place(const char *name)
{
    static const char *const words[] = {
        "lat",     "latitude", "lon",      "lng",      "long",     "longitude", "x",
        "y",       "year",     "month",    "hour",     "minute",   "weekday",   "port",
        "version", "index",    "row",      "line",     "seq",      "sequence",  "offset",
        "p",       "status",   "priority", "facility", "severity", NULL};
    char word[64];
    last_word(word, name);
    return is_one_of(word, words);
}

/* ---- names in SQL ---- */

static bool is_taken(const struct inference *inf, size_t before, const char *name)
{
    static const char *const own[] = {
        "_source", "_partition", "_offset",   "_arrival", "_id",    "_path", "_file",  "_set",
        "_lane",   "_mark",      "_deadline", "_epoch",   "_block", "_time", "bucket", NULL};
    if (is_one_of(name, own))
        return true;
    for (size_t i = 0; i < before; i++) {
        const struct infer_column *c = inf->columns[i];
        if ((c->name && strcmp(c->name, name) == 0) ||
            (c->text_name && strcmp(c->text_name, name) == 0))
            return true;
    }
    return false;
}

char *column_free_name(struct inference *inf, size_t before, const char *wish)
{
    char *name = arena_text(&inf->arena, str_of(wish));
    for (int i = 2; is_taken(inf, before, name); i++)
        name = arena_printf(&inf->arena, "%s_%d", wish, i);
    return name;
}

/* U+00C0 to U+017F without their marks. */
static const char latin[] = "AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTsaaaaaaaceeeeiiiidnooooo_ouuuuyty"
                            "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlL"
                            "lLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

/* One character at p; its bytes. What is no UTF-8 is one byte of nothing. */
static size_t take_character(const char *p, uint32_t *c)
{
    unsigned char first = (unsigned char)*p;
    size_t n = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    *c = n == 0 ? 0xfffd : n == 1 ? first : first & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)p[i] & 0xc0) != 0x80) {
            *c = 0xfffd;
            return i;
        }
        *c = *c << 6 | ((unsigned char)p[i] & 0x3f);
    }
    return n ? n : 1;
}

static const char *spelled(uint32_t c)
{
    switch (c) {
    case '%': return "_percent_";
    case '#': return "_number_";
    case '&': return "_and_";
    case '$': return "_usd_";
    case 0x20ac: return "_eur_";
    case 0xa3: return "_gbp_";
    case 0xb5:
    case 0x3bc: return "u";
    case 0xdf: return "ss";
    default: return NULL;
    }
}

/* A header as people write them has blanks or brackets; it is written small. Names of programs keep
 * their case. Nothing is left of it: NULL. */
static char *plain_name(struct arena *arena, const char *path)
{
    static const char usual[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    if (path[strspn(path, usual)] == '\0' && !isdigit((unsigned char)*path) &&
        path[strspn(path, "_")] != '\0')
        return arena_text(arena, str_of(path));
    AUTO_DONE(buf) all = {0};
    bool is_small = strpbrk(path, " (") != NULL;
    for (const char *p = path; *p;) {
        uint32_t c;
        p += take_character(p, &c);
        const char *word = spelled(c);
        char one = c >= 0xc0 && c < 0x180        ? latin[c - 0xc0]
                   : c < 0x80 && isalnum((int)c) ? (char)c
                                                 : '_';
        buf_text(&all, word ? word : "");
        if (word == NULL)
            buf_byte(&all, (uint8_t)(is_small ? tolower((unsigned char)one) : one));
    }
    size_t n = 0;
    const char *text = buf_cstr(&all);
    char *name = (char *)arena_bytes(arena, all.n + 3) + 2; /* room for c_ before it */
    bool is_marked = *path == '_';                          /* kept: _id */
    for (const char *p = text; *p; p++)
        if (*p != '_' || (n > 0 && name[n - 1] != '_') || (n == 0 && is_marked))
            name[n++] = *p;
    while (n > 0 && name[n - 1] == '_')
        n--;
    if (n == 0)
        return NULL;
    if (isdigit((unsigned char)*name)) {
        name -= 2;
        memcpy(name, "c_", 2);
        n += 2;
    }
    name[n] = '\0';
    return name;
}

void columns_name(struct inference *inf)
{
    for (size_t i = 0; i < inf->n_columns; i++) {
        struct infer_column *c = inf->columns[i];
        char *name = c->path ? plain_name(&inf->arena, c->path) : NULL;
        c->name = column_free_name(inf, i, name ? name : arena_printf(&inf->arena, "c%zu", i + 1));
    }
}

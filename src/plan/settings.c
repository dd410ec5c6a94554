/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings: one row each. Order of strength: built-in default < SET < environment WEIR_NAME <
 * flag. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "plan/plan.h"

#define ROW(name, type, field, fallback, help)                                                     \
    {                                                                                              \
        name, type, offsetof(struct plan_settings, field), fallback, help                          \
    }

const struct setting_row setting_rows[] = {
    ROW("store", SETTING_TEXT, store, "embedded:./weir-data",
        "Where everything is kept: 'embedded:FOLDER', or 'clickhouse://user@host:8123/db'."),
    ROW("database", SETTING_TEXT, database, "weir", "The database of an embedded store."),
    ROW("store_password_env", SETTING_TEXT, store_password_env, "",
        "The environment variable that holds the password of a store that is a server; "
        "SET store = … PASSWORD FROM ENV 'X'."),
    ROW("store_password_file", SETTING_TEXT, store_password_file, "",
        "The file that holds it (mode 0600); SET store = … PASSWORD FROM FILE 'p'."),
    ROW("epoch_min", SETTING_DURATION_MS, epoch_min_ms, "1s",
        "Shortest epoch while little comes in."),
    ROW("epoch_max", SETTING_DURATION_MS, epoch_max_ms, "60s", "Longest epoch under load."),
    ROW("memory", SETTING_BYTES, memory_bytes, "1GiB",
        "Memory for partial aggregates and raw rows; an epoch ends early when it is reached."),
    ROW("threads", SETTING_INTEGER, threads, "0", "Worker threads of a source; 0 = one a core."),
    ROW("max_record", SETTING_BYTES, max_record_bytes, "16MiB",
        "Longest record; longer ones are rejected."),
    ROW("max_columns", SETTING_INTEGER, max_columns, "4096", "Most columns of a record."),
    ROW("max_depth", SETTING_INTEGER, max_depth, "1000", "Deepest nesting of a record."),
    ROW("max_open_files", SETTING_INTEGER, max_open_files, "512", "Files held open at a time."),
    ROW("max_future", SETTING_DURATION_S, max_future_s, "1d",
        "How far ahead of the epoch's time an event may be."),
    ROW("allow_errors_ratio", SETTING_RATIO, allow_errors_ratio, "0.01",
        "Share of rejected records among the last 10,000 above which a source pauses."),
    ROW("rejects_max", SETTING_BYTES, rejects_max_bytes, "10GiB",
        "Most bytes of rejected records kept; then the source pauses."),
    ROW("lookup_max_bytes", SETTING_BYTES, lookup_max_bytes, "2GiB",
        "Most bytes that a file of a lookup may hold, decompressed."),
    ROW("idle_timeout", SETTING_DURATION_S, idle_timeout_s, "1m",
        "A partition without input for so long no longer holds the watermark back."),
    ROW("unended_line", SETTING_DURATION_S, unended_line_s, "60s",
        "A last line without line end counts as a record after so long."),
    ROW("epoch_slot", SETTING_DURATION_S, slot_s, "10m",
        "L of the epoch protocol: length of a token's slot."),
    ROW("epoch_margin", SETTING_DURATION_S, margin_s, "30s",
        "M of the epoch protocol: no insert starts so near a slot's end."),
    ROW("dedup_window", SETTING_INTEGER, dedup_window, "20000",
        "Insert tokens that each table remembers."),
    ROW("dedup_rate", SETTING_INTEGER, dedup_rate, "1000",
        "Events a second and source that the plan expects of DEDUPLICATE: what WITHIN would have "
        "to be remembered must fit half of 'memory'."),
    ROW("dedup_prune", SETTING_INTEGER, dedup_prune, "1000000",
        "Rows of weir_window that are written before those that nothing needs any more are "
        "removed."),
    ROW("checkpoint_every", SETTING_INTEGER, checkpoint_every, "1000",
        "Epochs between checkpoints of the chain."),
};

size_t setting_row_count(void)
{
    return COUNT(setting_rows);
}

struct unit {
    const char *name;
    double factor;
};

static bool number_with_unit(struct str text, const struct unit *units, size_t n_units, double *ret)
{
    char copy[64];
    if (text.n == 0 || text.n >= sizeof(copy))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    char *end;
    double value = strtod(copy, &end);
    if (end == copy || value < 0)
        return false;
    while (isspace((unsigned char)*end))
        end++;
    for (size_t i = 0; i < n_units; i++) {
        if (strcasecmp(end, units[i].name) == 0) {
            *ret = value * units[i].factor;
            return true;
        }
    }
    return false;
}

static bool parse_ms(struct str text, double unitless, double *ret)
{
    const struct unit units[] = {{"", unitless},   {"ms", 1},         {"s", 1000},
                                 {"second", 1000}, {"seconds", 1000}, {"m", 60e3},
                                 {"min", 60e3},    {"minute", 60e3},  {"minutes", 60e3},
                                 {"h", 3600e3},    {"hour", 3600e3},  {"hours", 3600e3},
                                 {"d", 86400e3},   {"day", 86400e3},  {"days", 86400e3}};
    return number_with_unit(text, units, COUNT(units), ret);
}

static bool parse_bytes(struct str text, double *ret)
{
    static const struct unit units[] = {{"", 1},          {"b", 1},
                                        {"k", 1024},      {"kb", 1000},
                                        {"kib", 1024},    {"m", 1 << 20},
                                        {"mb", 1e6},      {"mib", 1 << 20},
                                        {"g", 1 << 30},   {"gb", 1e9},
                                        {"gib", 1 << 30}, {"t", 1099511627776.0},
                                        {"tb", 1e12},     {"tib", 1099511627776.0}};
    return number_with_unit(text, units, COUNT(units), ret);
}

static const struct setting_row *find_row(struct str name)
{
    for (size_t i = 0; i < COUNT(setting_rows); i++)
        if (str_is(name, setting_rows[i].name))
            return &setting_rows[i];
    return NULL;
}

enum err_code setting_apply(struct plan_settings *s, struct arena *arena, struct str name,
                            struct str value, struct err *e)
{
    const struct setting_row *row = find_row(name);
    if (row == NULL) {
        const char *names[COUNT(setting_rows)];
        for (size_t i = 0; i < COUNT(setting_rows); i++)
            names[i] = setting_rows[i].name;
        const char *near = nearest_name(name, names, COUNT(names));
        return err_set(e, ERR_NOT_FOUND, "unknown setting '%.*s'%s%s%s", STR_FMT(name),
                       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    void *field = (char *)s + row->offset;
    double number = 0;
    bool is_good = true;
    switch (row->type) {
    case SETTING_TEXT: *(char **)field = arena_text(arena, value); break;
    case SETTING_INTEGER: {
        static const struct unit none[] = {{"", 1}};
        is_good = number_with_unit(value, none, 1, &number) && number < 1e15;
        *(int64_t *)field = (int64_t)number;
        break;
    }
    case SETTING_DURATION_MS:
        is_good = parse_ms(value, 1, &number) && number < 1e15;
        *(int64_t *)field = (int64_t)number;
        break;
    case SETTING_DURATION_S:
        is_good = parse_ms(value, 1000, &number) && number < 1e15;
        *(int64_t *)field = (int64_t)(number / 1000);
        break;
    case SETTING_BYTES:
        is_good = parse_bytes(value, &number) && number < 1e18;
        *(int64_t *)field = (int64_t)number;
        break;
    case SETTING_RATIO: {
        static const struct unit none[] = {{"", 1}, {"%", 0.01}};
        is_good = number_with_unit(value, none, 2, &number) && number <= 1;
        *(double *)field = number;
        break;
    }
    }
    if (!is_good)
        return err_set(e, ERR_INVALID, "setting '%s' cannot be '%.*s'; its default is '%s'",
                       row->name, STR_FMT(value), row->fallback);
    return ERR_OK;
}

enum err_code settings_check(const struct plan_settings *s, struct err *e)
{
    /* Pane rows of a cube are addressed by 32 bits, in words of 8 bytes; tables double when they
     * grow. */
    static const int64_t most_memory = (int64_t)16 << 30;
    enum { MOST_DEPTH = 100000, MOST_COLUMNS = 65536 };
    if (s->memory_bytes > most_memory)
        return err_set(e, ERR_INVALID, "setting 'memory' can be 16GiB at most");
    if (s->margin_s < 1)
        return err_set(e, ERR_INVALID, "setting 'epoch_margin' must be a second or more");
    if (s->slot_s <= 2 * s->margin_s)
        return err_set(e, ERR_INVALID,
                       "setting 'epoch_slot' must be longer than two times 'epoch_margin'");
    if (s->max_depth < 1 || s->max_depth > MOST_DEPTH)
        return err_set(e, ERR_INVALID, "setting 'max_depth' must be from 1 to %d", MOST_DEPTH);
    if (s->max_columns < 1 || s->max_columns > MOST_COLUMNS)
        return err_set(e, ERR_INVALID, "setting 'max_columns' must be from 1 to %d", MOST_COLUMNS);
    if (s->max_open_files < 1)
        return err_set(e, ERR_INVALID, "setting 'max_open_files' must be 1 or more");
    if (s->max_record_bytes < 1)
        return err_set(e, ERR_INVALID, "setting 'max_record' must be 1 byte or more");
    return ERR_OK;
}

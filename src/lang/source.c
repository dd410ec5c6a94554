/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE SOURCE name (columns) FROM FILES … FORMAT … EVENT TIME … KEEP … */
#include "lang/parse_priv.h"

static const char *const source_clauses[] = {
    "FROM",      "DISTINCT", "FORMAT",      "SETTINGS", "EVENT",
    "WATERMARK", "KEEP",     "DEDUPLICATE", "KEYED",    NULL,
};
static const char *const column_words[] = {
    "DEFAULT", "MATERIALIZED", "EPHEMERAL", "ALIAS", "FROM", "CODEC",
    "TTL",     "COMMENT",      "NOT",       "NULL",  NULL,
};

static bool at_one_of(const struct parser *p, const char *const *words)
{
    for (; *words != NULL; words++)
        if (at_word(p, *words))
            return true;
    return false;
}

/* ---- columns ---- */

static bool column_type(struct parser *p, struct column_def *c)
{
    struct err e;
    c->type_at = place_here(p);
    c->type_text = type_text(p);
    if (c->type_text.n == 0)
        return false;
    c->type_at = place_since(p, c->type_at);
    c->has_type = true;
    if (type_parse(&c->type, c->type_text, &e) != ERR_OK)
        refuse(p, c->type_at, NULL, "%s", e.text);
    return true;
}

static bool column_from(struct parser *p, struct column_def *c)
{
    struct place at = place_here(p);
    if (c->has_from)
        refuse(p, at, NULL, "FROM is given twice");
    c->has_from = true;
    if (!string_here(p, "the field's path in quotes", &c->from))
        return false;
    if (c->from.n == 0)
        refuse(p, at, NULL, "the field's path is empty");
    return true;
}

static bool column_value(struct parser *p, struct column_def *c, struct place at,
                         enum column_mode mode)
{
    if (c->mode != COLUMN_PLAIN)
        refuse(p, at, NULL, "a column has one of DEFAULT, MATERIALIZED, EPHEMERAL, ALIAS");
    c->mode = mode;
    c->is_ephemeral = mode == COLUMN_EPHEMERAL;
    bool has_value = mode != COLUMN_EPHEMERAL ||
                     !(at_symbol(p, ',') || at_symbol(p, ')') || at_one_of(p, column_words));
    if (!has_value)
        return true;
    c->value = expression(p);
    return c->value != NULL;
}

static bool refuse_column_word(struct parser *p, struct place at, const char *word)
{
    if (strcmp(word, "NULL") == 0 || strcmp(word, "NOT") == 0) {
        accept_word(p, "NULL");
        refuse(p, at, NULL, "write Nullable(T) where NULL is allowed, and T where it is not");
        return true;
    }
    refuse(p, at, NULL, "%s of a column is not there yet", word);
    if (at_symbol(p, '('))
        skip_brackets(p);
    else
        return expression(p) != NULL;
    return true;
}

static bool column_part(struct parser *p, struct column_def *c)
{
    static const enum column_mode modes[] = {COLUMN_DEFAULT, COLUMN_MATERIALIZED, COLUMN_EPHEMERAL,
                                             COLUMN_ALIAS};
    struct place at = place_here(p);

    for (size_t i = 0; column_words[i] != NULL; i++) {
        if (!accept_word(p, column_words[i]))
            continue;
        if (i < COUNT(modes))
            return column_value(p, c, at, modes[i]);
        if (strcmp(column_words[i], "FROM") == 0)
            return column_from(p, c);
        return refuse_column_word(p, at, column_words[i]);
    }
    if (p->token.kind == TOKEN_WORD)
        unexpected_clause(p, column_words);
    else
        mistake_expected(p, "',' or ')' after the column");
    return false;
}

static void check_column(struct parser *p, const struct column_def *c)
{
    static const char *const own[] = {"_source", "_partition", "_offset", "_arrival",
                                      "_id",     "_path",      "_file",   "_set"};

    for (size_t i = 0; i < COUNT(own); i++)
        if (str_is(c->name, own[i]))
            refuse(p, c->at, NULL, "every source has %s already; choose another name", own[i]);
    bool is_computed = c->mode == COLUMN_MATERIALIZED || c->mode == COLUMN_ALIAS;
    if (is_computed && c->has_from)
        refuse(p, c->at, "read the field into an EPHEMERAL column and compute from that",
               "column %.*s is computed, so it has no FROM", STR_FMT(c->name));
    bool is_map =
        c->type.kind == TYPE_MAP && c->type.more && type_element(c->type, 0).kind == TYPE_STRING;
    if (c->has_from && str_is(c->from, "*") && c->has_type && !is_map)
        refuse(p, c->type_at, NULL, "FROM '*' is all other fields, as Map(String, String)");
    if (!c->has_type && c->value == NULL)
        refuse(p, c->at, NULL, "column %.*s needs a type", STR_FMT(c->name));
}

static bool column(struct parser *p, struct column_def *c)
{
    struct token next = token_after(p);
    c->at = place_here(p);
    if (at_word(p, "PRIMARY") && token_is_word(&next, "KEY")) {
        mistake(p, c->at, "KEEP … ORDER BY (…) orders what is stored",
                "a source has no PRIMARY KEY");
        return false;
    }
    if (!name_here(p, "the name of a column", &c->name))
        return false;
    if (p->token.kind == TOKEN_WORD && !at_one_of(p, column_words) && !column_type(p, c))
        return false;
    while (!at_symbol(p, ',') && !at_symbol(p, ')'))
        if (!column_part(p, c))
            return false;
    check_column(p, c);
    return !p->in_panic;
}

static void check_column_is_new(struct parser *p, const struct source_def *s,
                                const struct column_def *c)
{
    for (uint32_t i = 0; i < s->n_columns; i++)
        if (str_eq(s->columns[i].name, c->name)) {
            refuse(p, c->at, NULL, "column %.*s is there twice", STR_FMT(c->name));
            return;
        }
}

bool source_columns(struct parser *p, struct source_def *s, struct lookup_def *lookup)
{
    if (!at_symbol(p, '(')) {
        mistake(p, place_here(p), "`weir init FILE` writes them from a sample",
                "expected '(' and the %s's columns", lookup ? "lookup" : "source");
        return false;
    }
    advance(p);
    unsigned brackets = p->brackets;
    do {
        struct column_def c = {0};
        struct token next = token_after(p);
        if (at_symbol(p, ')') && s->n_columns > 0)
            break; /* a comma behind the last column */
        if (lookup && at_word(p, "PRIMARY") && token_is_word(&next, "KEY")) {
            if (!lookup_key(p, lookup) && !resume_in_list(p, brackets, NULL))
                return false;
            continue;
        }
        if (!column(p, &c)) {
            if (!resume_in_list(p, brackets, NULL))
                return false;
            continue;
        }
        check_column_is_new(p, s, &c);
        if (s->n_columns == MAX_COLUMNS) {
            mistake(p, c.at, NULL, "a %s has at most %d columns", lookup ? "lookup" : "source",
                    MAX_COLUMNS);
            return false;
        }
        s->columns = room_for_one(p, s->columns, s->n_columns, sizeof(c));
        s->columns[s->n_columns++] = c;
    } while (accept_symbol(p, ','));
    return expect_symbol(p, ')', "after the columns");
}

/* ---- clauses ---- */

bool source_files(struct parser *p, struct source_def *s)
{
    do {
        s->files = room_for_one(p, s->files, s->n_files, sizeof(*s->files));
        s->files_at = room_for_one(p, s->files_at, s->n_files, sizeof(*s->files_at));
        s->files_at[s->n_files] = place_here(p);
        if (!string_here(p, "a path or pattern in quotes", &s->files[s->n_files]))
            return false;
        if (s->files[s->n_files].n == 0)
            refuse(p, s->files_at[s->n_files], NULL, "the path is empty");
        s->n_files++;
    } while (accept_symbol(p, ','));
    return true;
}

static bool from_clause(struct parser *p, struct source_def *s)
{
    static const char *const kinds[] = {"FILES", "KAFKA", "HTTP", NULL};
    struct place at = place_here(p);

    if (accept_word(p, "FILES"))
        return source_files(p, s);
    if (at_word(p, "KAFKA") || at_word(p, "HTTP")) {
        refuse(p, at, NULL, "FROM %.*s is not there yet", STR_FMT(p->token.text));
        skip_to_clause(p, source_clauses);
        return !p->in_panic;
    }
    const char *near =
        p->token.kind == TOKEN_WORD ? suggest_keyword(p, p->token.text, kinds, 3) : NULL;
    if (p->token.kind == TOKEN_STRING)
        near = "write FROM FILES";
    mistake(p, at, near, "expected FILES after FROM");
    return false;
}

/* ClickHouse's, and ours where it has none. */
static const char *const later_formats[] = {
    "Avro",
    "AvroConfluent",
    "CapnProto",
    "Protobuf",
    "ProtobufSingle",
    "ProtobufList",
    "MsgPack",
    "Template",
    "CustomSeparated",
    "JSON",
    "JSONAsObject",
    "JSONColumns",
    "JSONObjectEachRow",
    "BSONEachRow",
    "TSKV",
    "RawBLOB",
    "Values",
    "Native",
    "RowBinary",
    "RowBinaryWithNames",
    "Parquet",
    "ORC",
    "Arrow",
    "ArrowStream",
    "MySQLDump",
    "Npy",
    "OTLP",
    "Prometheus",
};

bool source_format(struct parser *p, struct source_def *s)
{
    struct str name;

    s->format_at = place_here(p);
    if (!name_here(p, "the name of a format", &name))
        return false;
    s->format = format_find(name);
    if (s->format == FORMAT_NONE) {
        const char *known = NULL;
        for (size_t i = 0; i < COUNT(later_formats); i++)
            if (str_is(name, later_formats[i]))
                known = later_formats[i];
        size_t n = 0;
        while (format_names[n] != NULL)
            n++;
        if (known != NULL)
            refuse(p, s->format_at,
                   "there are CSV and TSV (WithNames, WithNamesAndTypes), TSVRaw, JSONEachRow, "
                   "JSONCompactEachRow, JSONCompactEachRowWithNames, JSONAsString, "
                   "LineAsString, CombinedLog, CommonLog, Logfmt, Regexp, Syslog and Zeek",
                   "FORMAT %s is not there yet", known);
        else
            refuse(p, s->format_at, suggest(p, name, format_names, n), "unknown format %.*s",
                   STR_FMT(name));
    }
    while (at_word(p, "SCHEMA") || at_word(p, "REGISTRY")) {
        struct str ignored;
        if (s->format != FORMAT_NONE)
            refuse(p, place_here(p), NULL, "%.*s has no place here", STR_FMT(p->token.text));
        advance(p);
        if (!string_here(p, "a text in quotes", &ignored))
            return false;
    }
    return true;
}

static bool event_time_clause(struct parser *p, struct source_def *s)
{
    if (!expect_word(p, "TIME", "after EVENT"))
        return false;
    s->event_time = expression(p);
    return s->event_time != NULL;
}

enum {
    SEEN_FROM = 1,
    SEEN_DISTINCT = 2,
    SEEN_FORMAT = 4,
    SEEN_SETTINGS = 8,
    SEEN_EVENT = 16,
    SEEN_WATERMARK = 32,
    SEEN_KEEP = 64,
    SEEN_DEDUPLICATE = 128
};

/* BY (k, …) WITHIN duration */
static bool deduplicate_clause(struct parser *p, struct source_def *s)
{
    struct ast_list keys = {0};
    if (!expect_word(p, "BY", "after DEDUPLICATE") || !key_list(p, &keys))
        return false;
    s->deduplicate = keys.items;
    s->n_deduplicate = keys.n;
    return expect_word(p, "WITHIN", "after the keys") &&
           duration_here(p, &s->within, DURATION_POSITIVE);
}

static bool source_clause(struct parser *p, struct source_def *s, uint32_t *seen)
{
    struct place at = place_here(p);

    if (at_word(p, "FROM")) {
        check_once(p, seen, SEEN_FROM, "FROM");
        advance(p);
        return from_clause(p, s);
    }
    if (at_word(p, "DISTINCT")) {
        check_once(p, seen, SEEN_DISTINCT, "DISTINCT PATH");
        advance(p);
        s->is_distinct_path = true;
        return expect_word(p, "PATH", "after DISTINCT");
    }
    if (at_word(p, "FORMAT")) {
        check_once(p, seen, SEEN_FORMAT, "FORMAT");
        advance(p);
        return source_format(p, s);
    }
    if (at_word(p, "SETTINGS")) {
        check_once(p, seen, SEEN_SETTINGS, "SETTINGS");
        advance(p);
        return settings_here(p, &s->settings, &s->n_settings);
    }
    if (at_word(p, "EVENT")) {
        check_once(p, seen, SEEN_EVENT, "EVENT TIME");
        advance(p);
        return event_time_clause(p, s);
    }
    if (at_word(p, "WATERMARK")) {
        check_once(p, seen, SEEN_WATERMARK, "WATERMARK");
        advance(p);
        return duration_here(p, &s->watermark, DURATION_ANY);
    }
    if (at_word(p, "KEEP")) {
        check_once(p, seen, SEEN_KEEP, "KEEP");
        advance(p);
        return keep_here(p, &s->keep, KEEP_OF_ROWS);
    }
    if (at_word(p, "DEDUPLICATE")) {
        check_once(p, seen, SEEN_DEDUPLICATE, "DEDUPLICATE");
        advance(p);
        s->deduplicate_at = at;
        return deduplicate_clause(p, s);
    }
    if (at_word(p, "KEYED")) {
        refuse(p, at, NULL, "KEYED BY is not there yet");
        advance(p);
        skip_to_clause(p, source_clauses);
        return !p->in_panic;
    }
    if (at_word(p, "ORDER"))
        mistake(p, at, "write KEEP 30 DAYS ORDER BY (…)", "ORDER BY belongs behind KEEP");
    else
        unexpected_clause(p, source_clauses);
    return false;
}

static void check_source_is_whole(struct parser *p, const struct source_def *s)
{
    if (s->n_files == 0)
        refuse(p, s->at, NULL, "source %.*s needs FROM FILES 'path'", STR_FMT(s->name));
    if (s->format == FORMAT_NONE)
        refuse(p, s->at, NULL, "source %.*s needs FORMAT", STR_FMT(s->name));
    if (s->event_time == NULL)
        refuse(p, s->at, "EVENT TIME _arrival takes the time of reading",
               "source %.*s needs EVENT TIME", STR_FMT(s->name));
}

bool source_statement(struct parser *p, struct source_def *s)
{
    size_t n_errors = p->d->n_errors;
    uint32_t seen = 0;

    s->at = place_here(p);
    if (!name_here(p, "the source's name", &s->name))
        return false;
    if (!source_columns(p, s, NULL) && !resume_at_clause(p, source_clauses))
        return false;
    while (!at_end_of_statement(p))
        if (!source_clause(p, s, &seen) && !resume_at_clause(p, source_clauses))
            return false;
    if (p->d->n_errors == n_errors)
        check_source_is_whole(p, s);
    return !p->in_panic;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/host/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Appends `s` decoded (%xx, and + as a blank when asked) to `out`, which has the room. */
static struct str decode(struct buf *out, struct str s, bool is_form)
{
    char *p = out->p + out->n;
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        int high, low;

        if (s.p[i] == '%' && i + 2 < s.n && (high = hex_digit(s.p[i + 1])) >= 0 &&
            (low = hex_digit(s.p[i + 2])) >= 0) {
            p[n++] = (char)(high << 4 | low);
            i += 2;
        } else {
            p[n++] = is_form && s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    out->n += n;
    return (struct str){p, n};
}

static bool is_simple_name(struct str s)
{
    if (s.n == 0 || s.n > 128)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_'))
            return false;
    }
    return true;
}

/* Names of the interface that have no meaning here: there are no sessions, no users, no quotas. */
static bool is_ignored_name(struct str name)
{
    static const char *const ignored[] = {
        "session_id",
        "session_timeout",
        "session_check",
        "close_session",
        "user",
        "quota_key",
        "role",
        "stacktrace",
        "buffer_size",
        "query_cache_tag",
        "client_protocol_version",
        "http_write_exception_in_output_format",
    };

    for (size_t i = 0; i < COUNT(ignored); i++) {
        if (str_is(name, ignored[i]))
            return true;
    }
    return false;
}

static bool is_true(struct str value)
{
    return str_is(value, "1") || str_is(value, "true");
}

static bool take_format(struct store_request *r, struct str value, struct exception *x)
{
    if (!is_simple_name(value)) {
        exception_set(x, 73, "UNKNOWN_FORMAT", "Unknown format '%.*s'", STR_FMT(value));
        return false;
    }
    r->format = value;
    return true;
}

static bool take_pair(struct store_request *r, struct str name, struct str value,
                      struct exception *x)
{
    if (str_is(name, "query")) {
        r->query = value;
    } else if (str_is(name, "database")) {
        r->database = value;
    } else if (str_is(name, "default_format")) {
        return value.n == 0 || take_format(r, value, x);
    } else if (str_is(name, "query_id")) {
        r->query_id = value;
    } else if (str_is(name, "password")) {
        r->password = value;
    } else if (str_is(name, "wait_end_of_query")) {
        r->waits_for_end = is_true(value);
    } else if (str_is(name, "compress") || str_is(name, "decompress")) {
        if (is_true(value)) {
            exception_set(x, 48, "NOT_IMPLEMENTED",
                          "The parameter '%.*s' is not supported: use Content-Encoding gzip, zstd "
                          "or lz4",
                          STR_FMT(name));
            return false;
        }
    } else if (is_ignored_name(name)) {
        return true;
    } else if (str_starts(name, "param_")) {
        struct str bare = {name.p + 6, name.n - 6};
        if (!is_simple_name(bare)) {
            exception_set(x, 36, "BAD_ARGUMENTS", "Bad name of a query parameter: '%.*s'",
                          STR_FMT(name));
            return false;
        }
        r->params[r->n_params++] = (struct pair){bare, value};
    } else if (!is_simple_name(name) || memchr(value.p, '\0', value.n)) {
        exception_set(x, 115, "UNKNOWN_SETTING", "Unknown setting '%.*s'", STR_FMT(name));
        return false;
    } else {
        r->settings[r->n_settings++] = (struct pair){name, value};
    }
    return true;
}

static bool parse_pairs(struct store_request *r, struct str rest, struct exception *x)
{
    for (size_t count = 0; rest.n; count++) {
        const char *amp = memchr(rest.p, '&', rest.n);
        struct str item = {rest.p, amp ? (size_t)(amp - rest.p) : rest.n};
        const char *eq = memchr(item.p, '=', item.n);
        struct str name = {item.p, eq ? (size_t)(eq - item.p) : item.n};
        struct str value = {eq ? eq + 1 : item.p + item.n, item.n - name.n - (eq != NULL)};

        rest = (struct str){item.p + item.n + (amp != NULL), rest.n - item.n - (amp != NULL)};
        if (item.n == 0)
            continue;
        if (count >= REQUEST_PARAMS_MAX) {
            exception_set(x, 36, "BAD_ARGUMENTS", "More than %d parameters in one address",
                          REQUEST_PARAMS_MAX);
            return false;
        }
        struct str name_decoded = decode(&r->text, name, true);
        if (!take_pair(r, name_decoded, decode(&r->text, value, true), x))
            return false;
    }
    return true;
}

static enum request_target target_of(const struct store_request *r, struct str path, bool has_pairs)
{
    if (str_is(path, "/ping"))
        return TARGET_PING;
    if (!str_is(path, "/") && path.n != 0)
        return TARGET_UNKNOWN;
    return r->is_get && !has_pairs ? TARGET_PING : TARGET_QUERY;
}

bool request_init(struct store_request *r, struct str method, struct str address,
                  struct exception *x)
{
    const char *mark = address.n ? memchr(address.p, '?', address.n) : NULL;
    struct str path = {address.p, mark ? (size_t)(mark - address.p) : address.n};
    struct str pairs = {mark ? mark + 1 : NULL, mark ? address.n - path.n - 1 : 0};

    memset(r, 0, offsetof(struct store_request, settings));
    r->n_settings = r->n_params = 0;
    r->text = r->kept = (struct buf){0};
    r->format = STR("TabSeparated");
    r->is_head = str_is(method, "HEAD");
    r->is_get = r->is_head || str_is(method, "GET");
    if (!r->is_get && !str_is(method, "POST") && !str_is(method, "PUT")) {
        r->target = TARGET_METHOD;
        return true;
    }
    if (address.n > REQUEST_ADDRESS_MAX) {
        exception_set(x, 36, "BAD_ARGUMENTS", "Address longer than %d bytes", REQUEST_ADDRESS_MAX);
        return false;
    }
    buf_reserve(&r->text, address.n + 1);
    r->target = target_of(r, decode(&r->text, path, false), pairs.n > 0);
    return r->target != TARGET_QUERY || parse_pairs(r, pairs, x);
}

void request_done(struct store_request *r)
{
    buf_done(&r->text);
    buf_done(&r->kept);
}

static bool header_is(struct str name, const char *expected)
{
    return name.n == strlen(expected) && strncasecmp(name.p, expected, name.n) == 0;
}

/* Header values are few and short; their copies share one buffer that must not move. */
static bool keep(struct store_request *r, struct str value, struct str *ret)
{
    if (r->kept.cap == 0)
        buf_reserve(&r->kept, 4096);
    if (value.n > r->kept.cap - r->kept.n)
        return false;
    char *at = r->kept.p + r->kept.n;
    buf_put(&r->kept, value.p, value.n);
    *ret = (struct str){at, value.n};
    return true;
}

static enum body_coding coding_of(struct str value)
{
    if (value.n == 0 || header_is(value, "identity"))
        return CODING_PLAIN;
    if (header_is(value, "gzip") || header_is(value, "x-gzip"))
        return CODING_GZIP;
    if (header_is(value, "lz4"))
        return CODING_LZ4;
    return header_is(value, "zstd") ? CODING_ZSTD : CODING_UNKNOWN;
}

static bool too_long(struct str name, struct exception *x)
{
    exception_set(x, 36, "BAD_ARGUMENTS", "Header %.*s is too long", STR_FMT(name));
    return false;
}

bool request_header(struct store_request *r, struct str name, struct str value, struct exception *x)
{
    struct str copy;

    if (header_is(name, "Content-Encoding")) {
        r->coding = coding_of(value);
        if (r->coding == CODING_UNKNOWN) {
            exception_set(x, 48, "NOT_IMPLEMENTED",
                          "Content-Encoding '%.*s' is not supported: use gzip, zstd or lz4",
                          STR_FMT(value));
            return false;
        }
    } else if (header_is(name, "Content-Type")) {
        if (str_starts(value, "multipart/form-data")) {
            exception_set(x, 48, "NOT_IMPLEMENTED",
                          "External tables (multipart/form-data) are not supported");
            return false;
        }
    } else if (header_is(name, "X-ClickHouse-Key")) {
        if (r->password.n == 0 && !keep(r, value, &r->password))
            return too_long(name, x);
    } else if (header_is(name, "X-ClickHouse-Database")) {
        if (r->database.n == 0 && !keep(r, value, &r->database))
            return too_long(name, x);
    } else if (header_is(name, "X-ClickHouse-Format")) {
        if (r->format.n && !str_is(r->format, "TabSeparated"))
            return true;
        if (!keep(r, value, &copy))
            return too_long(name, x);
        return take_format(r, copy, x);
    } else if (header_is(name, "Authorization")) {
        bool is_bearer = value.n > 7 && strncasecmp(value.p, "Bearer ", 7) == 0;
        bool is_basic = value.n > 6 && strncasecmp(value.p, "Basic ", 6) == 0;
        struct str secret = is_bearer  ? (struct str){value.p + 7, value.n - 7}
                            : is_basic ? (struct str){value.p + 6, value.n - 6}
                                       : (struct str){0};
        if (secret.n && !keep(r, secret, is_bearer ? &r->password : &r->credentials))
            return too_long(name, x);
    }
    return true;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static void base64_decode(struct buf *out, struct str s)
{
    unsigned bits = 0, n_bits = 0;

    for (size_t i = 0; i < s.n; i++) {
        int digit = base64_digit(s.p[i]);
        if (digit < 0)
            break;
        bits = bits << 6 | (unsigned)digit;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            buf_byte(out, (uint8_t)(bits >> n_bits));
        }
    }
}

static bool equal_in_constant_time(struct str a, struct str b)
{
    unsigned difference = a.n != b.n;

    for (size_t i = 0; i < a.n && b.n; i++)
        difference |= (unsigned char)a.p[i] ^ (unsigned char)b.p[i % b.n];
    return difference == 0 && a.n > 0;
}

bool request_shows_any(const struct store_request *r)
{
    return r->password.n || r->credentials.n;
}

bool request_shows_token(const struct store_request *r, struct str token)
{
    AUTO_DONE(buf) plain = {0};

    if (equal_in_constant_time(r->password, token))
        return true;
    base64_decode(&plain, r->credentials);
    const char *colon = plain.n ? memchr(plain.p, ':', plain.n) : NULL;
    if (colon == NULL)
        return false;
    struct str password = {colon + 1, plain.n - (size_t)(colon + 1 - plain.p)};
    return equal_in_constant_time(password, token);
}

/* `readonly` goes last: nothing can be set after it. */
void request_write_set(const struct store_request *r, struct buf *out)
{
    size_t n = 0;

    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < r->n_settings; i++) {
            if (str_is(r->settings[i].name, "readonly") != (pass == 1))
                continue;
            buf_text(out, n++ ? ", " : "SET ");
            buf_str(out, r->settings[i].name);
            buf_text(out, " = ");
            sql_quote(out, r->settings[i].value);
        }
    }
}

void exception_set(struct exception *x, int code, const char *name, const char *fmt, ...)
{
    char text[768];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    x->code = code;
    buf_reset(&x->text);
    buf_printf(&x->text, "Code: %d. DB::Exception: %s. (%s)", code, text, name);
}

void exception_take(struct exception *x, const char *text)
{
    int code = 0;

    if (text == NULL || text[0] == '\0') {
        exception_set(x, 62, "SYNTAX_ERROR", "Syntax error: empty query");
        return;
    }
    if (strncmp(text, "Code: ", 6) == 0)
        code = (int)strtol(text + 6, NULL, 10);
    if (code <= 0) {
        exception_set(x, 1002, "UNKNOWN_EXCEPTION", "%s", text);
        return;
    }
    x->code = code;
    buf_reset(&x->text);
    buf_text(&x->text, text);
}

void exception_done(struct exception *x)
{
    buf_done(&x->text);
    x->code = 0;
}

/* As ClickHouse maps them, and READONLY as forbidden. */
unsigned exception_status(int code)
{
    static const short bad_request[] = {
        6,  8,   15,  25,  26,  27,  36,  37,  38,  41,  44,  53,  62,
        72, 117, 123, 167, 168, 223, 321, 376, 427, 441, 675, 676,
    };
    static const short not_found[] = {46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511};

    for (size_t i = 0; i < COUNT(bad_request); i++) {
        if (bad_request[i] == code)
            return 400;
    }
    for (size_t i = 0; i < COUNT(not_found); i++) {
        if (not_found[i] == code)
            return 404;
    }
    switch (code) {
    case 194: /* REQUIRED_PASSWORD */ return 401;
    case 164: /* READONLY */
    case 192: /* UNKNOWN_USER */
    case 193: /* WRONG_PASSWORD */
    case 497: /* ACCESS_DENIED */
    case 512: /* SET_NON_GRANTED_ROLE */
    case 516: /* AUTHENTICATION_FAILED */ return 403;
    case 159: /* TIMEOUT_EXCEEDED */ return 408;
    case 381: /* HTTP_LENGTH_REQUIRED */ return 411;
    case 229: /* QUERY_IS_TOO_LARGE */ return 413;
    case 779: /* UNSUPPORTED_MEDIA_TYPE */ return 415;
    case 48: /* NOT_IMPLEMENTED */ return 501;
    case 76:  /* CANNOT_OPEN_FILE */
    case 209: /* SOCKET_TIMEOUT */
    case 439: /* CANNOT_SCHEDULE_TASK */ return 503;
    default: return 500;
    }
}

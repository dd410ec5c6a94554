/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of a section: heads, stepping over, paths, numbers, JSON. Nothing here trusts that a
 * section was checked. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "lookup/mmdb_priv.h"

static bool read_pointer(struct mmdb_section s, uint32_t at, uint8_t control,
                         struct mmdb_head *head)
{
    static const uint32_t base[] = {0, 2048, 526336, 0};
    uint32_t n = (uint32_t)(control >> 3 & 3) + 1, v = n == 4 ? 0 : control & 7;
    if (s.n - at < n)
        return false;
    for (uint32_t i = 0; i < n; i++)
        v = v << 8 | s.p[at + i];
    *head = (struct mmdb_head){MMDB_POINTER, v + base[n - 1], at + n};
    return true;
}

bool mmdb_head_at(struct mmdb_section s, uint32_t at, struct mmdb_head *head)
{
    if (at >= s.n)
        return false;
    uint8_t control = s.p[at++], type = control >> 5;
    if (type == MMDB_POINTER)
        return read_pointer(s, at, control, head);
    if (type == 0) {
        if (at >= s.n || s.p[at] > MMDB_FLOAT - 7)
            return false;
        type = s.p[at++] + 7;
        if (type < MMDB_INT32 || type == 12 || type == 13)
            return false;
    }
    static const uint32_t base[] = {29, 285, 65821};
    uint32_t size = control & 31, n = size < 29 ? 0 : size - 28;
    if (n > 0) {
        if (s.n - at < n)
            return false;
        size = 0;
        for (uint32_t i = 0; i < n; i++)
            size = size << 8 | s.p[at + i];
        size += base[n - 1];
        at += n;
    }
    *head = (struct mmdb_head){type, size, at};
    return true;
}

/* Bytes of the payload that lie right behind the head. */
static uint32_t payload_bytes(const struct mmdb_head *h)
{
    bool none = h->type == MMDB_MAP || h->type == MMDB_ARRAY || h->type == MMDB_BOOL ||
                h->type == MMDB_POINTER;
    return none ? 0 : h->size;
}

bool mmdb_value_at(struct mmdb_section s, uint32_t at, struct mmdb_value *v, uint32_t *next)
{
    struct mmdb_head head;
    if (!mmdb_head_at(s, at, &head))
        return false;
    uint32_t behind = head.body;
    if (head.type == MMDB_POINTER) {
        if (!mmdb_head_at(s, head.size, &head) || head.type == MMDB_POINTER ||
            payload_bytes(&head) > s.n - head.body)
            return false;
    } else {
        if (payload_bytes(&head) > s.n - head.body)
            return false;
        behind += payload_bytes(&head);
    }
    if (next)
        *next = behind;
    *v = (struct mmdb_value){head.type, head.size, head.body};
    return true;
}

bool mmdb_skip(struct mmdb_section s, uint32_t at, uint32_t *next)
{
    struct mmdb_head head;
    for (uint64_t left = 1; left > 0; left--) {
        if (left > (uint64_t)s.n + 1 || !mmdb_head_at(s, at, &head) ||
            payload_bytes(&head) > s.n - head.body)
            return false;
        at = head.body + payload_bytes(&head);
        if (head.type == MMDB_MAP)
            left += 2 * (uint64_t)head.size;
        else if (head.type == MMDB_ARRAY)
            left += head.size;
    }
    *next = at;
    return true;
}

bool mmdb_map_get(struct mmdb_section s, struct mmdb_value map, struct str key,
                  struct mmdb_value *ret)
{
    uint32_t at = map.at;
    for (uint32_t i = 0; i < map.size; i++) {
        struct mmdb_value name;
        if (!mmdb_value_at(s, at, &name, &at) || name.type != MMDB_STRING)
            return false;
        if (str_eq(key, (struct str){(const char *)s.p + name.at, name.size}))
            return mmdb_value_at(s, at, ret, NULL);
        if (!mmdb_skip(s, at, &at))
            return false;
    }
    return false;
}

static bool array_get(struct mmdb_section s, struct mmdb_value array, uint32_t item,
                      struct mmdb_value *ret)
{
    uint32_t at = array.at;
    if (item >= array.size)
        return false;
    for (uint32_t i = 0; i < item; i++)
        if (!mmdb_skip(s, at, &at))
            return false;
    return mmdb_value_at(s, at, ret, NULL);
}

struct mmdb_value mmdb_get(const struct mmdb *db, uint32_t record, const struct mmdb_path *path)
{
    struct mmdb_value v, none = {0};
    if (record == MMDB_NONE || !mmdb_value_at(db->data, record, &v, NULL))
        return none;
    for (size_t i = 0; i < path->n; i++) {
        struct str key = path->steps[i].key;
        if (key.p ? v.type != MMDB_MAP || !mmdb_map_get(db->data, v, key, &v)
                  : v.type != MMDB_ARRAY || !array_get(db->data, v, path->steps[i].item, &v))
            return none;
    }
    return v;
}

struct str mmdb_text(const struct mmdb *db, struct mmdb_value v)
{
    return (struct str){(const char *)db->data.p + v.at, v.size};
}

bool mmdb_section_uint(struct mmdb_section s, struct mmdb_value v, uint64_t *ret)
{
    uint64_t n = v.type == MMDB_BOOL ? v.size : 0;
    switch (v.type) {
    case MMDB_INT32:
        if (v.size == 4 && s.p[v.at] & 0x80)
            return false;
        break;
    case MMDB_UINT128:
        for (uint32_t i = 0; i + 8 < v.size; i++)
            if (s.p[v.at + i] != 0)
                return false;
        break;
    case MMDB_BOOL:
    case MMDB_UINT16:
    case MMDB_UINT32:
    case MMDB_UINT64: break;
    default: return false;
    }
    for (uint32_t i = 0; v.type != MMDB_BOOL && i < v.size; i++)
        n = n << 8 | s.p[v.at + i];
    *ret = n;
    return true;
}

bool mmdb_uint(const struct mmdb *db, struct mmdb_value v, uint64_t *ret)
{
    return mmdb_section_uint(db->data, v, ret);
}

bool mmdb_number(const struct mmdb *db, struct mmdb_value v, double *ret)
{
    const uint8_t *p = db->data.p + v.at;
    uint64_t n;
    if (v.type == MMDB_DOUBLE) {
        n = (uint64_t)mmdb_u32(p) << 32 | mmdb_u32(p + 4);
        memcpy(ret, &n, 8);
    } else if (v.type == MMDB_FLOAT) {
        uint32_t bits = mmdb_u32(p);
        float f;
        memcpy(&f, &bits, 4);
        *ret = f;
    } else if (mmdb_uint(db, v, &n)) {
        *ret = (double)n;
    } else if (v.type == MMDB_INT32) {
        *ret = (int32_t)mmdb_u32(p);
    } else if (v.type == MMDB_UINT128) {
        *ret = 0;
        for (uint32_t i = 0; i < v.size; i++)
            *ret = *ret * 256 + p[i];
    } else {
        return false;
    }
    return true;
}

/* ---- paths ---- */

static enum err_code path_add(struct mmdb_path *path, struct str key, uint32_t item, struct err *e)
{
    if (path->n == COUNT(path->steps))
        return err_set(e, ERR_LIMIT, "a path has at most %zu steps", COUNT(path->steps));
    path->steps[path->n].key = key;
    path->steps[path->n++].item = item;
    return ERR_OK;
}

static enum err_code path_item(struct mmdb_path *path, struct str text, size_t *at, struct err *e)
{
    uint64_t item = 0;
    size_t i = *at + 1, from = i;
    for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9' && item < UINT32_MAX; i++)
        item = item * 10 + (uint64_t)(text.p[i] - '0');
    if (i == from || i == text.n || text.p[i] != ']' || item >= UINT32_MAX)
        return err_set(e, ERR_SYNTAX, "path '%.*s': [ needs the number of an item and ]",
                       STR_FMT(text));
    *at = i + 1;
    return path_add(path, (struct str){0}, (uint32_t)item, e);
}

static enum err_code path_key(struct mmdb_path *path, struct str text, size_t *at, struct err *e)
{
    size_t from = *at, end = from;
    if (text.p[from] == '"') {
        const char *close = memchr(text.p + from + 1, '"', text.n - from - 1);
        if (!close)
            return err_set(e, ERR_SYNTAX, "path '%.*s': a quote is not closed", STR_FMT(text));
        end = (size_t)(close - text.p);
        *at = end + 1;
        from++;
    } else {
        while (end < text.n && text.p[end] != '.' && text.p[end] != '[')
            end++;
        *at = end;
    }
    if (end == from)
        return err_set(e, ERR_SYNTAX, "path '%.*s': a name is empty", STR_FMT(text));
    return path_add(path, (struct str){text.p + from, end - from}, 0, e);
}

enum err_code mmdb_path_parse(struct mmdb_path *path, struct str text, struct err *e)
{
    size_t at = 0;
    *path = (struct mmdb_path){0};
    while (at < text.n) {
        if (text.p[at] == '[') {
            TRY(path_item(path, text, &at, e));
        } else {
            TRY(path_key(path, text, &at, e));
        }
        if (at < text.n && text.p[at] == '.' && ++at < text.n)
            continue;
        if (at == text.n ? text.p[at - 1] == '.' : text.p[at] != '[')
            return err_set(e, ERR_SYNTAX, "path '%.*s': a name, . or [ is wanted at %zu",
                           STR_FMT(text), at + 1);
    }
    return path->n ? ERR_OK : err_set(e, ERR_SYNTAX, "a path is empty");
}

/* ---- JSON ---- */

static void print_string(struct buf *out, struct str s)
{
    buf_byte(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (c == '"' || c == '\\')
            buf_byte(out, '\\');
        if (c < 0x20)
            buf_printf(out, "\\u%04x", c);
        else
            buf_byte(out, c);
    }
    buf_byte(out, '"');
}

/* All digits of up to 16 bytes. */
static void print_uint128(struct buf *out, const uint8_t *p, uint32_t n)
{
    unsigned __int128 v = 0;
    char digits[40];
    size_t at = sizeof(digits);
    for (uint32_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    do {
        digits[--at] = (char)('0' + (int)(v % 10));
        v /= 10;
    } while (v > 0);
    buf_put(out, digits + at, sizeof(digits) - at);
}

/* As few digits as give the value back. */
static void print_float(struct buf *out, double v, bool is_single)
{
    char text[40];
    if (!isfinite(v)) {
        buf_text(out, "null");
        return;
    }
    for (int digits = is_single ? 6 : 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, v);
        if (is_single ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v)
            break;
    }
    buf_text(out, text);
}

static void print_scalar(struct buf *out, const struct mmdb *db, struct mmdb_value v)
{
    double number = 0;
    switch (v.type) {
    case MMDB_STRING: print_string(out, mmdb_text(db, v)); break;
    case MMDB_BYTES:
        buf_byte(out, '"');
        for (uint32_t i = 0; i < v.size; i++)
            buf_printf(out, "%02x", db->data.p[v.at + i]);
        buf_byte(out, '"');
        break;
    case MMDB_BOOL: buf_text(out, v.size ? "true" : "false"); break;
    case MMDB_DOUBLE:
    case MMDB_FLOAT:
        mmdb_number(db, v, &number);
        print_float(out, number, v.type == MMDB_FLOAT);
        break;
    case MMDB_INT32:
        mmdb_number(db, v, &number);
        buf_printf(out, "%" PRId32, (int32_t)number);
        break;
    default: print_uint128(out, db->data.p + v.at, v.size);
    }
}

static enum err_code print(struct buf *out, const struct mmdb *db, struct mmdb_value v,
                           size_t max_bytes, int depth, struct err *e)
{
    uint32_t at = v.at;
    if (v.type != MMDB_MAP && v.type != MMDB_ARRAY) {
        print_scalar(out, db, v);
        return out->n > max_bytes
                   ? err_set(e, ERR_LIMIT, "a record is longer than %zu bytes", max_bytes)
                   : ERR_OK;
    }
    if (depth > MMDB_MAX_DEPTH)
        return err_set(e, ERR_LIMIT, "a record is nested deeper than %d", MMDB_MAX_DEPTH);
    buf_byte(out, v.type == MMDB_MAP ? '{' : '[');
    for (uint32_t i = 0; i < v.size; i++) {
        struct mmdb_value key, item;
        if (i > 0)
            buf_byte(out, ',');
        if (v.type == MMDB_MAP) {
            if (!mmdb_value_at(db->data, at, &key, &at) || key.type != MMDB_STRING)
                return err_set(e, ERR_INVALID, "a key is no string");
            print_string(out, mmdb_text(db, key));
            buf_byte(out, ':');
        }
        if (!mmdb_value_at(db->data, at, &item, NULL) || !mmdb_skip(db->data, at, &at))
            return err_set(e, ERR_INVALID, "a record is cut off");
        TRY(print(out, db, item, max_bytes, depth + 1, e));
    }
    buf_byte(out, v.type == MMDB_MAP ? '}' : ']');
    return out->n > max_bytes
               ? err_set(e, ERR_LIMIT, "a record is longer than %zu bytes", max_bytes)
               : ERR_OK;
}

enum err_code mmdb_print_json(struct buf *out, const struct mmdb *db, struct mmdb_value v,
                              size_t max_bytes, struct err *e)
{
    if (v.type == 0) {
        buf_text(out, "null");
        return ERR_OK;
    }
    return print(out, db, v, out->n + max_bytes, 0, e);
}

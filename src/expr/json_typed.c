/* SPDX-License-Identifier: Apache-2.0
 *
 * JSONExtract(document, path…, 'type') and its like: an element as a value of any type. What does
 * not fit is the type's default; in Nullable it is NULL. An array without one element that fits is
 * itself one that does not; so is a tuple. */
#include "codec/value.h"
#include "expr/compound.h"
#include "expr/json_get.h"
#include "expr/text_value.h"

enum { TYPED, KEYS, ARRAY_RAW, KEYS_AND_VALUES, KEYS_AND_VALUES_RAW, ANY_CASE = 16 };

/* What the elements of a batch become values in. */
struct making {
    struct arena *arena;
    struct text_out raw;
    uint8_t fault; /* of the row */
};

static bool make(struct making *m, struct type t, struct json_at at, char *to, uint8_t *null);

static struct str raw_text(struct making *m, struct json_at at)
{
    json_put_raw(&m->raw, at, JSON_AS_EXTRACTED);
    return text_out_row(&m->raw);
}

/* ---- numbers ---- */

static bool make_float(struct type t, struct json_at at, char *to)
{
    double v = 0;
    float narrow;

    switch (at.node->kind) {
    case JSON_BOOL:
    case JSON_UINT: v = (double)at.node->u64; break;
    case JSON_INT: v = (double)at.node->i64; break;
    case JSON_DOUBLE: v = at.node->f64; break;
    case JSON_TEXT:
        if (t.kind == TYPE_FLOAT32)
            return value_float32((float *)to, json_text(at)) == NULL;
        return value_float((double *)to, json_text(at)) == NULL;
    default: return false;
    }
    narrow = (float)v;
    memcpy(to, t.kind == TYPE_FLOAT32 ? (void *)&narrow : (void *)&v, type_width(t));
    return true;
}

/* NaN, which only a text can be, as x86 converts it. */
static uint64_t integer_of_nan(struct type t)
{
    if (t.kind == TYPE_INT32)
        return (uint64_t)1 << 31;
    return type_width(t) == 8 ? (uint64_t)1 << 63 : 0;
}

static bool make_integer(struct type t, struct json_at at, char *to)
{
    unsigned unused = 64 - 8 * (unsigned)type_width(t);
    uint64_t u = 0;
    int64_t v = 0;
    /* what is behind the point is dropped only within the type's range */
    double d = at.node->kind == JSON_DOUBLE ? at.node->f64 : 0;

    if (at.node->kind == JSON_TEXT && value_float(&d, json_text(at)) != NULL)
        d = 0;
    if (at.node->kind == JSON_BOOL) {
        u = at.node->u64;
    } else if (d != d) {
        u = integer_of_nan(t);
    } else if (type_is_signed(t)) {
        int64_t min = INT64_MIN >> unused, max = INT64_MAX >> unused;
        if (!json_int(at, &v) || v < min || v > max)
            return false;
        if (unused && (d < (double)min || d > (double)max))
            return false;
        u = (uint64_t)v;
    } else {
        uint64_t max = UINT64_MAX >> unused;
        if (!json_uint(at, &u) || u > max || (unused && d > (double)max))
            return false;
    }
    memcpy(to, &u, type_width(t));
    return true;
}

static bool make_bool(struct json_at at, char *to)
{
    uint8_t u = 0;

    if (!make_integer(type_of(TYPE_UINT8), at, (char *)&u))
        return false;
    *to = u != 0;
    return true;
}

/* Numbers that do not fit throw, texts that do not are no value. */
static bool make_decimal(struct making *m, struct type t, struct json_at at, char *to)
{
    __int128 v = 0;
    bool fits = true;

    switch (at.node->kind) {
    case JSON_TEXT: return value_decimal(to, t, json_text(at)) == NULL;
    case JSON_INT: v = at.node->i64; break;
    case JSON_UINT: v = at.node->u64; break;
    case JSON_DOUBLE: break;
    default: return false;
    }
    size_t width = type_width(t);
    if (at.node->kind == JSON_DOUBLE) {
        double limit = width == 4 ? 2147483648.0 : width == 8 ? 0x1p63 : 0x1p127;
        double scaled = at.node->f64 * (double)decimal_powers[t.scale];
        fits = scaled > -limit && scaled < limit;
        v = fits ? (__int128)scaled : 0;
    } else {
        fits = !__builtin_mul_overflow(v, decimal_powers[t.scale], &v);
        fits &= width == 16 || (width == 8 ? v == (int64_t)v : v == (int32_t)v);
    }
    if (fits)
        decimal_write(t, to, v);
    else
        m->fault = FAULT_RANGE;
    return fits;
}

/* ---- times and others that have a text ---- */

static bool make_ticks(struct making *m, struct type t, struct json_at at, char *to)
{
    int64_t v;

    switch (at.node->kind) {
    case JSON_TEXT: return text_to_other(to, json_text(at), type_bare(t), m->arena);
    case JSON_INT: v = at.node->i64; break; /* ticks */
    case JSON_DOUBLE: {
        double scaled = at.node->f64 * (double)power_of_ten[t.scale];
        if (!(scaled > -0x1p63 && scaled < 0x1p63)) {
            m->fault = FAULT_RANGE;
            return false;
        }
        v = (int64_t)scaled;
        break;
    }
    default: return false;
    }
    memcpy(to, &v, sizeof(v));
    return true;
}

static bool make_second(struct making *m, struct type t, struct json_at at, char *to)
{
    if (at.node->kind == JSON_TEXT)
        return text_to_other(to, json_text(at), type_bare(t), m->arena);
    if ((at.node->kind != JSON_INT && at.node->kind != JSON_UINT) ||
        (at.node->kind == JSON_INT && at.node->i64 < 0))
        return false;
    uint32_t v = at.node->u64 > UINT32_MAX ? UINT32_MAX : (uint32_t)at.node->u64;
    memcpy(to, &v, sizeof(v));
    return true;
}

/* A date alone is wanted: no time of day behind it. */
static bool has_time(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == ' ' || s.p[i] == 'T' || s.p[i] == ':')
            return true;
    return false;
}

static bool make_enum(struct type t, struct json_at at, char *to)
{
    int16_t value = 0;
    struct str name;

    if (at.node->kind == JSON_TEXT) {
        if (!enum_value(t, json_text(at), &value))
            return false;
    } else if (at.node->kind != JSON_INT || at.node->i64 != (int16_t)at.node->i64 ||
               !enum_name(t, at.node->i64, &name)) {
        return false;
    } else {
        value = (int16_t)at.node->i64;
    }
    memcpy(to, &value, type_width(t));
    return true;
}

static bool make_text(struct making *m, struct type t, struct json_at at, char *to)
{
    struct str s = at.node->kind == JSON_TEXT ? json_text(at) : raw_text(m, at);

    if (t.kind == TYPE_STRING) {
        *(struct str *)to = s;
        return true;
    }
    if (s.n > t.size)
        return false;
    char *p = memset(arena_bytes(m->arena, t.size), 0, t.size);
    memcpy(p, s.p, s.n);
    *(struct str *)to = (struct str){p, t.size};
    return true;
}

/* ---- compound ---- */

/* The default where there is no value. */
static void make_default(struct making *m, struct type t, char *to, uint8_t *null)
{
    struct str name;

    if (t.is_nullable) {
        *null = 1;
    } else if (t.kind == TYPE_TUPLE) {
        char *fields = tuple_new(m->arena, t, (struct tuple_value *)to);
        for (uint32_t i = 0; i < t.more->n; i++)
            make_default(m, t.more->elements[i], fields + t.more->offsets[i],
                         (uint8_t *)fields + t.more->null_offset + i);
    } else if (type_is_enum(t) && !enum_name(t, 0, &name)) {
        m->fault = FAULT_RANGE; /* ClickHouse has a 0 there, which has no name */
    }
}

static bool make_or_default(struct making *m, struct type t, struct json_at at, char *to,
                            uint8_t *null)
{
    bool is_valid = make(m, t, at, to, null);

    if (!is_valid)
        make_default(m, t, to, null);
    return is_valid;
}

static bool make_array(struct making *m, struct type t, struct json_at at, char *to)
{
    struct type element = t.more->elements[0];
    size_t width = type_width(element);
    struct array_room room;
    uint8_t ignored = 0;
    bool any = at.node->n == 0;

    if (at.node->kind != JSON_ARRAY)
        return false;
    struct array_value ret = array_new(m->arena, t, at.node->n, &room);
    const struct json_node *node = at.node + 1;
    for (uint32_t i = 0; i < at.node->n; i++, node = json_next(node))
        any |= make_or_default(m, element, (struct json_at){node, at.doc, at.text},
                               room.values + i * width, room.nulls ? room.nulls + i : &ignored);
    if (any)
        *(struct array_value *)to = ret;
    return any;
}

static bool make_map(struct making *m, struct type t, struct json_at at, char *to)
{
    struct type value = t.more->elements[1];
    size_t width = type_width(value);
    struct array_room room;
    uint8_t ignored = 0;

    if (at.node->kind != JSON_OBJECT)
        return false;
    struct array_value ret = array_new(m->arena, t, at.node->n, &room);
    const struct json_node *node = at.node + 1;
    for (uint32_t i = 0; i < at.node->n; i++, node = json_next(node)) {
        ((struct str *)room.keys)[i] = json_text((struct json_at){node++, at.doc, at.text});
        make_or_default(m, value, (struct json_at){node, at.doc, at.text}, room.values + i * width,
                        room.nulls ? room.nulls + i : &ignored);
    }
    *(struct array_value *)to = ret;
    return true;
}

/* Field i: by name where both have names, else in order. */
static bool field_at(struct type t, struct json_at at, uint32_t i, const struct json_node **next,
                     uint32_t *n_left, struct json_at *ret)
{
    bool is_object = at.node->kind == JSON_OBJECT;

    if (is_object && t.more->names) {
        *ret = at;
        return json_to_key(ret, t.more->names[i], false);
    }
    if (*n_left == 0)
        return false;
    *ret = (struct json_at){*next + is_object, at.doc, at.text};
    *next = json_next(ret->node);
    --*n_left;
    return true;
}

static bool make_tuple(struct making *m, struct type t, struct json_at at, char *to)
{
    const struct json_node *next = at.node + 1;
    uint32_t n_left = at.node->n;
    bool any = false;

    if (at.node->kind != JSON_ARRAY && at.node->kind != JSON_OBJECT)
        return false;
    char *fields = tuple_new(m->arena, t, (struct tuple_value *)to);
    uint8_t *nulls = (uint8_t *)fields + t.more->null_offset;
    for (uint32_t i = 0; i < t.more->n; i++) {
        struct json_at field;
        struct type type = t.more->elements[i];
        char *value = fields + t.more->offsets[i];
        if (field_at(t, at, i, &next, &n_left, &field))
            any |= make_or_default(m, type, field, value, nulls + i);
        else
            make_default(m, type, value, nulls + i);
    }
    return any;
}

/* `to` is zeroed, and stays so where the element does not fit (false). */
static bool make(struct making *m, struct type t, struct json_at at, char *to, uint8_t *null)
{
    if (at.node->kind == JSON_NULL) {
        if (t.is_nullable)
            *null = 1;
        return t.is_nullable;
    }
    switch ((enum type_kind)t.kind) {
    case TYPE_BOOL: return make_bool(at, to);
    case TYPE_FLOAT32:
    case TYPE_FLOAT64: return make_float(t, at, to);
    case TYPE_STRING:
    case TYPE_FIXED_STRING: return make_text(m, t, at, to);
    case TYPE_DECIMAL: return make_decimal(m, t, at, to);
    case TYPE_DATETIME: return make_second(m, t, at, to);
    case TYPE_DATETIME64: return make_ticks(m, t, at, to);
    case TYPE_ENUM8:
    case TYPE_ENUM16: return make_enum(t, at, to);
    case TYPE_ARRAY: return make_array(m, t, at, to);
    case TYPE_MAP: return make_map(m, t, at, to);
    case TYPE_TUPLE: return make_tuple(m, t, at, to);
    case TYPE_DATE:
    case TYPE_DATE32:
        if (at.node->kind == JSON_TEXT && has_time(json_text(at)))
            return false;
        /* fall through */
    case TYPE_IPV4:
    case TYPE_IPV6:
    case TYPE_UUID:
        return at.node->kind == JSON_TEXT &&
               text_to_other(to, json_text(at), type_bare(t), m->arena);
    default: return make_integer(t, at, to);
    }
}

/* ---- lists of an object or array ---- */

static struct array_value list_of(struct making *m, struct type t, struct json_at at, int64_t what)
{
    struct type element = t.more->elements[0];
    bool has_keys = what != ARRAY_RAW, has_values = what != KEYS;
    struct array_value ret = {0};
    struct array_room room;

    if (at.node->kind != (has_keys ? JSON_OBJECT : JSON_ARRAY))
        return ret;
    ret = array_new(m->arena, t, at.node->n, &room);
    ret.n = 0;
    const struct json_node *node = at.node + 1;
    for (uint32_t i = 0; i < at.node->n; i++, node = json_next(node)) {
        struct str key = {0};
        if (has_keys)
            key = json_text((struct json_at){node++, at.doc, at.text});
        struct json_at value = {node, at.doc, at.text};
        struct str *text = (struct str *)room.values + ret.n;
        if (!has_values) {
            *text = key;
        } else if (!has_keys) {
            *text = raw_text(m, value);
        } else {
            struct tuple_value pair;
            char *fields = tuple_new(m->arena, element, &pair);
            char *to = fields + element.more->offsets[1];
            *(struct str *)(fields + element.more->offsets[0]) = key;
            if (what == KEYS_AND_VALUES_RAW)
                *(struct str *)to = raw_text(m, value);
            else if (!make(m, element.more->elements[1], value, to,
                           (uint8_t *)fields + element.more->null_offset + 1))
                continue;
            ((struct tuple_value *)room.values)[ret.n] = pair;
        }
        ret.n++;
    }
    return ret;
}

/* ---- the kernel: args as of site_json; param.i = what ---- */

struct typed {
    struct type type; /* as written; the result is Nullable, too, where an argument is */
    const uint8_t *is_name;
};

static bool masks_of_arguments(struct call *c, size_t row)
{
    bool is_null = false;

    c->faults[row] = 0;
    for (uint32_t a = 0; a < c->n_args + c->n_guards; a++) {
        const struct column *arg = c->args[a];
        if (arg->faults && arg->faults[row] && !c->faults[row])
            c->faults[row] = arg->faults[row];
        is_null |= a < c->n_args && arg->nulls && arg->nulls[row];
    }
    return is_null;
}

static void run_typed(struct call *c)
{
    const struct typed *typed = c->data;
    struct making m = {.arena = c->arena, .raw = {.arena = c->arena}};
    size_t width = type_width(typed->type);
    int64_t what = c->param.i & ~ANY_CASE;

    for (size_t i = 0; i < c->n; i++) {
        char *to = (char *)c->out->values + i * width;
        bool is_null = masks_of_arguments(c, i);
        struct json_at at;
        struct str key;
        memset(to, 0, width);
        c->nulls[i] = is_null;
        if (is_null || c->faults[i])
            continue;
        m.fault = 0;
        bool found = json_walk(c, typed->is_name, c->param.i & ANY_CASE, i, &at, &key);
        if (what != TYPED && found)
            *(struct array_value *)to = list_of(&m, typed->type, at, what);
        else if (what == TYPED && found)
            make_or_default(&m, typed->type, at, to, &c->nulls[i]);
        else if (what == TYPED)
            make_default(&m, typed->type, to, &c->nulls[i]);
        c->faults[i] = m.fault;
    }
    c->out->nulls = c->out->type.is_nullable ? c->nulls : NULL;
    c->out->faults = c->faults;
}
static const struct op op_typed = {"JSONExtract", run_typed, OP_OWN_MASKS | OP_FAULTS};

/* ---- building ---- */

/* ClickHouse's objects have names that are Strings. */
static bool is_extractable(struct type t)
{
    if (t.kind == TYPE_NOTHING || t.kind == TYPE_INTERVAL)
        return false;
    if (t.kind == TYPE_MAP && t.more->elements[0].kind != TYPE_STRING)
        return false;
    for (uint32_t i = 0; type_is_compound(t) && i < t.more->n; i++)
        if (!is_extractable(t.more->elements[i]))
            return false;
    return true;
}

static bool site_type(struct site *s, uint32_t arg, struct type *ret)
{
    struct str name;
    struct err e;

    if (!site_string(s, arg, &name))
        return false;
    if (type_parse(ret, name, &e) != ERR_OK)
        return site_error(s, "%s", e.text) >= 0;
    if (!is_extractable(*ret))
        return site_error(s, "'%.*s' gives no %.*s", STR_FMT(s->name), STR_FMT(name)) >= 0;
    return true;
}

static struct type pair_type(struct type value)
{
    return type_array(type_tuple((const struct type[]){type_of(TYPE_STRING), value}, NULL, 2));
}

static value_id build_typed(struct site *s)
{
    int64_t what = s->f->param & ~ANY_CASE;
    bool has_type = what == TYPED || what == KEYS_AND_VALUES;
    struct typed *typed = arena_zero(&s->b->memory->arena, sizeof(*typed));
    struct type type = type_of(TYPE_STRING);
    struct json_args j;
    char name[64];

    if (has_type && !site_type(s, s->n_args - 1, &type))
        return VALUE_FAILED;
    if (!site_json(s, s->n_args - 1 - has_type, &j))
        return VALUE_FAILED;
    if (what == KEYS_AND_VALUES || what == KEYS_AND_VALUES_RAW)
        type = pair_type(type);
    else if (what != TYPED)
        type = type_array(type);
    *typed = (struct typed){type, j.is_name};
    bool may_be_null = type.is_nullable || (!type.is_low_cardinality && type_may_be_nullable(type));
    for (uint32_t i = 1; i < j.n; i++) {
        if (!value_at(s->b, j.args[i])->type.is_nullable)
            continue;
        if (!may_be_null)
            return site_error(s,
                              "'%.*s' of a Nullable argument cannot be %s: write ifNull around it",
                              STR_FMT(s->name), type_name(type, name));
        type.is_nullable = true;
    }
    return emit(s->b, &op_typed, type, j.args, j.n, (struct param){.i = s->f->param}, typed);
}

#define ANY_CASE_OF(name, arguments, min, what)                                                    \
    {                                                                                              \
        name, arguments, "The same, names by ASCII letters of either case.", min, 255, FN_OWN_LC,  \
            build_typed, (what) | ANY_CASE                                                         \
    }
static const struct function functions[] = {
    {"JSONExtract", "json, path…, 'type'",
     "The value at the path as that type; what does not fit is its default, or NULL.", 2, 255,
     FN_OWN_LC, build_typed, TYPED},
    {"JSONExtractKeys", "json, path…", "The names of the object's members.", 1, 255, FN_OWN_LC,
     build_typed, KEYS},
    {"JSONExtractArrayRaw", "json, path…", "The array's elements, each as JSON.", 1, 255, FN_OWN_LC,
     build_typed, ARRAY_RAW},
    {"JSONExtractKeysAndValues", "json, path…, 'type'",
     "Pairs of name and value of the members whose value fits the type.", 2, 255, FN_OWN_LC,
     build_typed, KEYS_AND_VALUES},
    {"JSONExtractKeysAndValuesRaw", "json, path…", "Pairs of name and value as JSON.", 1, 255,
     FN_OWN_LC, build_typed, KEYS_AND_VALUES_RAW},
    ANY_CASE_OF("JSONExtractCaseInsensitive", "json, path…, 'type'", 2, TYPED),
    ANY_CASE_OF("JSONExtractKeysCaseInsensitive", "json, path…", 1, KEYS),
    ANY_CASE_OF("JSONExtractArrayRawCaseInsensitive", "json, path…", 1, ARRAY_RAW),
    ANY_CASE_OF("JSONExtractKeysAndValuesCaseInsensitive", "json, path…, 'type'", 2,
                KEYS_AND_VALUES),
    ANY_CASE_OF("JSONExtractKeysAndValuesRawCaseInsensitive", "json, path…", 1,
                KEYS_AND_VALUES_RAW),
};
const struct function_family family_json_typed = {"JSON as any type", functions, COUNT(functions)};

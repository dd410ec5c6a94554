/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses of networks and network cards: as numbers, as text, in ranges. */
#include "codec/value.h"

#include "expr/compound.h"

/* ---- IPv4 as a number ---- */

/* The decimal digits of each byte and their number, so that an address is four copies. */
static const char *byte_text(uint8_t v, unsigned *n)
{
    static const char text[256][4] = {
#define D0(v) {'0' + (v) / 100, '0' + (v) / 10 % 10, '0' + (v) % 10, '.'}
#define D1(v) D0(v), D0((v) + 1), D0((v) + 2), D0((v) + 3)
#define D2(v) D1(v), D1((v) + 4), D1((v) + 8), D1((v) + 12)
#define D3(v) D2(v), D2((v) + 16), D2((v) + 32), D2((v) + 48)
        D3(0), D3(64), D3(128), D3(192)
#undef D0
#undef D1
#undef D2
#undef D3
    };
    unsigned skip = (v < 10) + (v < 100);

    *n = 4 - skip;
    return text[v] + skip;
}

enum { IPV4_TEXT_MAX = 16 };

/* param.i: the last byte is written xxx */
static void run_ip4_text(struct call *c)
{
    char *p = arena_bytes(c->arena, c->n * IPV4_TEXT_MAX + 16);
    unsigned n_bytes = c->param.i ? 3 : 4;

    for (size_t i = 0; i < c->n; i++) {
        uint32_t v = VALUES(0, uint32_t)[i];
        char *start = p;
        for (unsigned k = 0; k < n_bytes; k++) {
            unsigned n;
            const char *digits = byte_text((uint8_t)(v >> (24 - 8 * k)), &n);
            memcpy(p, digits, 4); /* more than needed: the next overwrites it */
            p += n;
        }
        if (c->param.i) {
            memcpy(p, "xxx", 3);
            p += 3;
        } else {
            p--; /* the last point */
        }
        RESULT(struct str)[i] = (struct str){start, (size_t)(p - start)};
    }
}
static const struct op op_ip4_text = {"IPv4NumToString", run_ip4_text, 0};

static value_id build_ip4_text(struct site *s)
{
    enum type_kind kind = s->types[0].kind;

    if (kind != TYPE_IPV4 && kind != TYPE_UINT8 && kind != TYPE_UINT16 && kind != TYPE_UINT32)
        return site_bad_type(s, 0, "an IPv4, UInt8, UInt16 or UInt32");
    value_id v = cast_number(s->b, s->args[0], TYPE_UINT32);
    return emit(s->b, &op_ip4_text, type_of(TYPE_STRING), &v, 1, (struct param){.i = s->f->param},
                NULL);
}

enum { ON_ERROR_THROW, ON_ERROR_DEFAULT, ON_ERROR_NULL };

static void run_ip4_number(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        uint32_t v = 0;
        bool is_bad = value_ipv4(&v, str_at(c->args[0], i)) != NULL;
        RESULT(uint32_t)[i] = is_bad ? 0 : v;
        c->fresh[i] = is_bad ? FAULT_PARSE : 0;
    }
}
static void run_ip4_number_default(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        uint32_t v = 0;
        RESULT(uint32_t)[i] = value_ipv4(&v, str_at(c->args[0], i)) ? 0 : v;
    }
}
static void run_ip4_number_null(struct call *c)
{
    const uint8_t *nulls = c->args[0]->nulls;

    for (size_t i = 0; i < c->n; i++) {
        uint32_t v = 0;
        c->nulls[i] = (nulls && nulls[i]) || value_ipv4(&v, str_at(c->args[0], i));
        RESULT(uint32_t)[i] = c->nulls[i] ? 0 : v;
    }
    c->out->nulls = c->nulls;
    c->out->faults = c->args[0]->faults ? memcpy(c->faults, c->args[0]->faults, c->n) : NULL;
}
static const struct op ip4_number_ops[] = {
    [ON_ERROR_THROW] = {"IPv4StringToNum", run_ip4_number, OP_FAULTS},
    [ON_ERROR_DEFAULT] = {"IPv4StringToNumOrDefault", run_ip4_number_default, 0},
    [ON_ERROR_NULL] = {"IPv4StringToNumOrNull", run_ip4_number_null, OP_OWN_MASKS},
};

static value_id build_ip4_number(struct site *s)
{
    struct type type = type_of(TYPE_UINT32);

    if (s->types[0].kind != TYPE_STRING)
        return site_bad_type(s, 0, "a String");
    type.is_nullable = s->f->param == ON_ERROR_NULL;
    return EMIT(s->b, &ip4_number_ops[s->f->param], type, s->args[0]);
}

static value_id build_ip4_to_ip6(struct site *s)
{
    if (s->types[0].kind != TYPE_IPV4)
        return site_bad_type(s, 0, "an IPv4");
    return cast_values(s->b, s->args[0],
                       (struct type){.kind = TYPE_IPV6,
                                     .is_nullable = value_at(s->b, s->args[0])->type.is_nullable});
}

/* ---- IPv6 ---- */

static value_id build_ip6_text(struct site *s)
{
    if (s->types[0].kind != TYPE_IPV6)
        return site_bad_type(s, 0, "an IPv6");
    return cast_values(s->b, s->args[0],
                       (struct type){.kind = TYPE_STRING,
                                     .is_nullable = value_at(s->b, s->args[0])->type.is_nullable});
}

static bool is_mapped_ip4(const uint8_t *address)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

    return memcmp(address, prefix, sizeof(prefix)) == 0;
}

/* param.i, param.j: bytes set to zero at the end of an IPv6, of an IPv4 in one */
static void run_cut_ip6(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        const uint8_t *in = VALUES(0, uint8_t) + i * 16;
        uint8_t *out = RESULT(uint8_t) + i * 16;
        size_t n_kept = 16 - (size_t)(is_mapped_ip4(in) ? c->param.j : c->param.i);
        memcpy(out, in, n_kept);
        memset(out + n_kept, 0, 16 - n_kept);
    }
}
static const struct op op_cut_ip6 = {"cutIPv6", run_cut_ip6, 0};

static value_id build_cut_ip6(struct site *s)
{
    int64_t n[2];

    if (s->types[0].kind != TYPE_IPV6)
        return site_bad_type(s, 0, "an IPv6");
    for (uint32_t i = 0; i < 2; i++) {
        if (s->types[i + 1].kind != TYPE_UINT8)
            return site_bad_type(s, i + 1, "a constant UInt8");
        if (!site_integer(s, i + 1, &n[i]))
            return VALUE_FAILED;
        if (n[i] > 16)
            return site_error(s, "'%.*s' cuts 0 to 16 bytes, not %lld", STR_FMT(s->name),
                              (long long)n[i]);
    }
    value_id cut = emit(s->b, &op_cut_ip6, type_of(TYPE_IPV6), s->args, 1,
                        (struct param){.i = n[0], .j = n[1]}, NULL);
    return cast_values(
        s->b, cut,
        (struct type){.kind = TYPE_STRING, .is_nullable = value_at(s->b, cut)->type.is_nullable});
}

static void run_ip6_number(struct call *c)
{
    uint8_t *p = arena_alloc(c->arena, c->n * 16);
    bool has_null = false;

    for (size_t i = 0; i < c->n; i++, p += 16) {
        bool is_null = c->param.i == ON_ERROR_NULL && c->args[0]->nulls && c->args[0]->nulls[i];
        bool is_bad = is_null || value_ipv6(p, str_at(c->args[0], i)) != NULL;
        if (is_bad)
            memset(p, 0, 16);
        RESULT(struct str)[i] = (struct str){(const char *)p, 16};
        if (c->param.i == ON_ERROR_THROW)
            c->fresh[i] = is_bad ? FAULT_PARSE : 0;
        else if (c->param.i == ON_ERROR_NULL)
            c->nulls[i] = is_bad;
        has_null |= is_bad;
    }
    if (c->param.i != ON_ERROR_NULL)
        return;
    c->out->nulls = has_null ? c->nulls : NULL;
    c->out->faults = c->args[0]->faults ? memcpy(c->faults, c->args[0]->faults, c->n) : NULL;
}
static const struct op ip6_number_ops[] = {
    [ON_ERROR_THROW] = {"IPv6StringToNum", run_ip6_number, OP_FAULTS},
    [ON_ERROR_DEFAULT] = {"IPv6StringToNumOrDefault", run_ip6_number, 0},
    [ON_ERROR_NULL] = {"IPv6StringToNumOrNull", run_ip6_number, OP_OWN_MASKS},
};

static value_id build_ip6_number(struct site *s)
{
    struct type type = {.kind = TYPE_FIXED_STRING, .size = 16};

    if (s->types[0].kind != TYPE_STRING)
        return site_bad_type(s, 0, "a String");
    type.is_nullable = s->f->param == ON_ERROR_NULL;
    return emit(s->b, &ip6_number_ops[s->f->param], type, s->args, 1,
                (struct param){.i = s->f->param}, NULL);
}

/* ---- text that is an address ---- */

static void run_is_ip(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str text = str_at(c->args[0], i);
        uint8_t address[16];
        uint32_t v;
        bool is_ip4 = value_ipv4(&v, text) == NULL;
        RESULT(uint8_t)
        [i] = c->param.i == 4 ? is_ip4 : !is_ip4 && value_ipv6(address, text) == NULL;
    }
}
static const struct op op_is_ip = {"isIPString", run_is_ip, 0};

static value_id build_is_ip(struct site *s)
{
    if (s->types[0].kind != TYPE_STRING)
        return site_bad_type(s, 0, "a String");
    return emit(s->b, &op_is_ip, type_of(TYPE_UINT8), s->args, 1, (struct param){.i = s->f->param},
                NULL);
}

/* ---- ranges ---- */

struct address {
    uint8_t bytes[16];
    bool is_ip4; /* then in the first four bytes */
};

static void address_set_ip4(struct address *a, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        a->bytes[i] = (uint8_t)(v >> (24 - 8 * i));
    a->is_ip4 = true;
}

static bool address_parse(struct address *a, struct str text)
{
    uint32_t v;

    if (value_ipv4(&v, text) == NULL) {
        address_set_ip4(a, v);
        return true;
    }
    a->is_ip4 = false;
    return value_ipv6(a->bytes, text) == NULL;
}

struct range {
    struct address address;
    unsigned bits;
    bool is_good;
};

static struct range range_parse(struct str text)
{
    struct range r = {.is_good = false};
    const char *slash = text.n ? memrchr(text.p, '/', text.n) : NULL;
    uint64_t bits = 0;

    if (slash == NULL || !address_parse(&r.address, (struct str){text.p, (size_t)(slash - text.p)}))
        return r;
    const char *p = slash + 1, *end = text.p + text.n;
    if (p == end || end - p > 20)
        return r;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return r;
        bits = bits * 10 + (uint64_t)(*p - '0');
        if (bits > 128)
            return r;
    }
    r.bits = (unsigned)bits;
    r.is_good = bits <= (r.address.is_ip4 ? 32 : 128);
    return r;
}

static bool range_has(const struct range *r, const struct address *a)
{
    unsigned whole = r->bits / 8, rest = r->bits % 8;

    if (a->is_ip4 != r->address.is_ip4 || memcmp(a->bytes, r->address.bytes, whole) != 0)
        return false;
    return rest == 0 || (a->bytes[whole] ^ r->address.bytes[whole]) >> (8 - rest) == 0;
}

static bool address_of_row(struct address *a, const struct column *column, enum type_kind kind,
                           size_t row)
{
    if (kind == TYPE_STRING)
        return address_parse(a, str_at(column, row));
    if (kind == TYPE_IPV4) {
        address_set_ip4(a, ((const uint32_t *)column->values)[row]);
        return true;
    }
    a->is_ip4 = false;
    memcpy(a->bytes, (const uint8_t *)column->values + row * 16, 16);
    return true;
}

/* param.i = kind of the address; a NULL is in no range */
static void run_in_range(struct call *c)
{
    const uint8_t *nulls = c->args[0]->nulls, *faults[2] = {c->args[0]->faults, c->args[1]->faults};
    struct range r = {0};

    for (size_t i = 0; i < c->n; i++) {
        uint8_t fault = faults[0] && faults[0][i] ? faults[0][i] : faults[1] ? faults[1][i] : 0;
        bool is_null = nulls && nulls[i], is_good = fault == 0;
        struct address a;
        if (i == 0 || !c->is_constant[1])
            r = range_parse(str_at(c->args[1], i));
        if (!is_null)
            is_good &= address_of_row(&a, c->args[0], (enum type_kind)c->param.i, i);
        is_good &= r.is_good;
        RESULT(uint8_t)[i] = is_good && !is_null && range_has(&r, &a);
        c->faults[i] = fault ? fault : is_good ? 0 : FAULT_PARSE;
    }
    c->out->faults = c->faults;
}
static const struct op op_in_range = {"isIPAddressInRange", run_in_range, OP_OWN_MASKS | OP_FAULTS};

static value_id build_in_range(struct site *s)
{
    enum type_kind kind = s->types[0].kind;

    if (kind != TYPE_STRING && kind != TYPE_IPV4 && kind != TYPE_IPV6)
        return site_bad_type(s, 0, "a String, IPv4 or IPv6");
    if (s->types[1].kind != TYPE_STRING || s->types[1].is_nullable)
        return site_bad_type(s, 1, "a String");
    return emit(s->b, &op_in_range, type_of(TYPE_UINT8), s->args, 2, (struct param){.i = kind},
                NULL);
}

/* Bits behind the prefix are 0 in the first address, 1 in the last. param.i: bytes of an address */
static void run_cidr_range(struct call *c)
{
    struct type t = call_result_type(c);
    size_t bytes = (size_t)c->param.i;

    for (size_t i = 0; i < c->n; i++) {
        char *fields = tuple_new(c->arena, t, RESULT(struct tuple_value) + i);
        uint8_t *first = (uint8_t *)fields + t.more->offsets[0],
                *last = (uint8_t *)fields + t.more->offsets[1];
        unsigned bits = VALUES(1, uint8_t)[i];
        if (bytes == 4) {
            uint32_t v = VALUES(0, uint32_t)[i], mask = bits >= 32 ? 0 : UINT32_MAX >> bits;
            uint32_t from = v & ~mask, to = v | mask;
            memcpy(first, &from, 4);
            memcpy(last, &to, 4);
            continue;
        }
        for (unsigned k = 0; k < 16; k++) {
            uint8_t v = VALUES(0, uint8_t)[i * 16 + k];
            unsigned kept = bits >= 8 * k + 8 ? 8 : bits > 8 * k ? bits - 8 * k : 0;
            uint8_t mask = (uint8_t)(0xff >> kept);
            first[k] = v & (uint8_t)~mask;
            last[k] = v | mask;
        }
    }
}
static const struct op op_cidr_range = {"IPv4CIDRToRange", run_cidr_range, 0};

static value_id build_cidr_range(struct site *s)
{
    bool is_ip4 = s->f->param == 4;
    enum type_kind kind = s->types[0].kind;
    struct type address = type_of(is_ip4 ? TYPE_IPV4 : TYPE_IPV6);

    bool is_good = is_ip4 ? kind == TYPE_IPV4 || kind == TYPE_UINT8 || kind == TYPE_UINT16 ||
                                kind == TYPE_UINT32
                          : kind == TYPE_IPV6;
    if (!is_good)
        return site_bad_type(s, 0, is_ip4 ? "an IPv4, UInt8, UInt16 or UInt32" : "an IPv6");
    if (s->types[1].kind != TYPE_UINT8)
        return site_bad_type(s, 1, "a UInt8");
    for (uint32_t i = 0; i < 2; i++)
        if (s->types[i].is_nullable)
            return site_bad_type(s, i, "a value that is not Nullable: write assumeNotNull");
    struct type pair = type_tuple((struct type[]){address, address}, NULL, 2);
    value_id args[] = {is_ip4 ? cast_number(s->b, s->args[0], TYPE_UINT32) : s->args[0],
                       s->args[1]};
    return emit_typed(s->b, &op_cidr_range, pair, args, 2, (struct param){.i = is_ip4 ? 4 : 16});
}

/* ---- network cards ---- */

static void run_mac_text(struct call *c)
{
    static const char digits[] = "0123456789ABCDEF";
    char *p = arena_bytes(c->arena, c->n * 17 + 1);

    for (size_t i = 0; i < c->n; i++) {
        uint64_t v = VALUES(0, uint64_t)[i];
        RESULT(struct str)[i] = (struct str){p, 17};
        for (int k = 0; k < 6; k++) {
            uint8_t byte = (uint8_t)(v >> (40 - 8 * k));
            *p++ = digits[byte >> 4];
            *p++ = digits[byte & 15];
            if (k < 5)
                *p++ = ':';
        }
    }
}
static const struct op op_mac_text = {"MACNumToString", run_mac_text, 0};

static value_id build_mac_text(struct site *s)
{
    if (s->types[0].kind != TYPE_UINT64)
        return site_bad_type(s, 0, "a UInt64");
    return EMIT(s->b, &op_mac_text, type_of(TYPE_STRING), s->args[0]);
}

/* A character as a hexadecimal digit; all others count as 255, as in ClickHouse. */
static uint64_t hex_digit(char ch)
{
    if (ch >= '0' && ch <= '9')
        return (uint64_t)(ch - '0');
    char letter = (char)(ch | 32);
    return letter >= 'a' && letter <= 'f' ? (uint64_t)(letter - 'a' + 10) : 0xff;
}

/* xx?xx?xx…: of the separators only the place counts. What is no digit sets bits of its
 * neighbour, too. */
static uint64_t hex_bytes(const char *p, unsigned n)
{
    uint64_t v = 0;

    for (unsigned k = 0; k < n; k++) {
        unsigned shift = 8 * (n - 1 - k);
        v |= hex_digit(p[3 * k]) << (shift + 4) | hex_digit(p[3 * k + 1]) << shift;
    }
    return v;
}

static void run_mac_number(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str text = str_at(c->args[0], i);
        RESULT(uint64_t)[i] = text.n == 17 ? hex_bytes(text.p, 6) : 0;
    }
}
static void run_mac_maker(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str text = str_at(c->args[0], i);
        RESULT(uint64_t)[i] = text.n >= 8 && text.n <= 17 ? hex_bytes(text.p, 3) : 0;
    }
}
static const struct op mac_ops[] = {{"MACStringToNum", run_mac_number, 0},
                                    {"MACStringToOUI", run_mac_maker, 0}};

static value_id build_mac_number(struct site *s)
{
    if (s->types[0].kind != TYPE_STRING)
        return site_bad_type(s, 0, "a String");
    return EMIT(s->b, &mac_ops[s->f->param], type_of(TYPE_UINT64), s->args[0]);
}

static const struct function functions[] = {
    {"IPv4NumToString", "n", "IPv4 or unsigned number as a.b.c.d.", 1, 1, 0, build_ip4_text, 0},
    {"INET_NTOA", "n", "IPv4NumToString", 1, 1, FN_ANY_CASE | FN_ALIAS, build_ip4_text, 0},
    {"IPv4NumToStringClassC", "n", "The same, its last byte as xxx.", 1, 1, 0, build_ip4_text, 1},
    {"IPv4StringToNum", "s", "a.b.c.d as UInt32; rejects what is none.", 1, 1, 0, build_ip4_number,
     ON_ERROR_THROW},
    {"INET_ATON", "s", "IPv4StringToNum", 1, 1, FN_ANY_CASE | FN_ALIAS, build_ip4_number,
     ON_ERROR_THROW},
    {"IPv4StringToNumOrDefault", "s", "The same, 0 where it is none.", 1, 1, 0, build_ip4_number,
     ON_ERROR_DEFAULT},
    {"IPv4StringToNumOrNull", "s", "The same, NULL where it is none.", 1, 1, 0, build_ip4_number,
     ON_ERROR_NULL},
    {"IPv4ToIPv6", "a", "IPv4 as ::ffff:a.b.c.d.", 1, 1, 0, build_ip4_to_ip6, 0},
    {"IPv6StringToNum", "s", "An IPv6 (or IPv4) as FixedString(16); rejects what is none.", 1, 1, 0,
     build_ip6_number, ON_ERROR_THROW},
    {"INET6_ATON", "s", "IPv6StringToNum", 1, 1, FN_ANY_CASE | FN_ALIAS, build_ip6_number,
     ON_ERROR_THROW},
    {"IPv6StringToNumOrDefault", "s", "The same, zeroes where it is none.", 1, 1, 0,
     build_ip6_number, ON_ERROR_DEFAULT},
    {"IPv6StringToNumOrNull", "s", "The same, NULL where it is none.", 1, 1, 0, build_ip6_number,
     ON_ERROR_NULL},
    {"IPv4CIDRToRange", "a, bits", "Tuple of the first and last address of a's network.", 2, 2,
     FN_OWN_NULLS, build_cidr_range, 4},
    {"IPv6CIDRToRange", "a, bits", "The same of an IPv6.", 2, 2, FN_OWN_NULLS, build_cidr_range,
     16},
    {"IPv6NumToString", "a", "IPv6 as text.", 1, 1, 0, build_ip6_text, 0},
    {"INET6_NTOA", "a", "IPv6NumToString", 1, 1, FN_ANY_CASE | FN_ALIAS, build_ip6_text, 0},
    {"cutIPv6", "a, bytes, bytes4",
     "IPv6 as text with the last bytes 0; bytes4 where it holds an IPv4.", 3, 3, 0, build_cut_ip6,
     0},
    {"isIPv4String", "s", "Is it the text of an IPv4?", 1, 1, 0, build_is_ip, 4},
    {"isIPv6String", "s", "Is it the text of an IPv6?", 1, 1, 0, build_is_ip, 6},
    {"isIPAddressInRange", "a, 'net/bits'", "Does the network hold the address?", 2, 2,
     FN_OWN_NULLS, build_in_range, 0},
    {"MACNumToString", "n", "UInt64 as 01:23:45:67:89:AB.", 1, 1, 0, build_mac_text, 0},
    {"MACStringToNum", "s", "01:23:45:67:89:AB as UInt64; 0 for other lengths.", 1, 1, 0,
     build_mac_number, 0},
    {"MACStringToOUI", "s", "The first three bytes of it, the card's maker.", 1, 1, 0,
     build_mac_number, 1},
};
const struct function_family family_network = {"Networks", functions, COUNT(functions)};

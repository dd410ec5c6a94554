/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this folder share: values of a builder, operations (typed kernels) and the
 * functions of the language that choose among them.
 *
 *     text ─parse─▶ ast ─builder─▶ values (hash-consed, folded) ─finish─▶ instructions over registers
 *
 * A *function* is a name in the language; its `build` looks at the argument types and emits values.
 * An
 * *operation* is one kernel over arrays. A strict operation knows nothing of NULLs and faults: the
 * program ORs the arguments' masks around it. Its kernel must be safe on filler. */
#ifndef EXPR_EXPR_PRIV_H
#define EXPR_EXPR_PRIV_H

#include "expr/program.h"

struct param {
    int64_t i, j;
    const void *p;
};

/* One run of a kernel over n rows. */
struct call {
    size_t n;
    const struct column *const *args;
    const bool *is_constant; /* per argument: all rows are equal to row 0 */
    uint32_t n_args;
    struct param param;
    const void *data;    /* made when the value was built: a set, a pattern */
    struct arena *arena; /* for string contents */
    int64_t now_s;
    struct column *out; /* values: room for n rows */
    /* own-masks operations: room for n bytes each; an operation that fills */
    uint8_t *nulls;
    uint8_t *faults;     /* them points out->nulls, out->faults here */
    uint8_t *fresh;      /* strict operations that may fault: one byte a row, zeroed */
    uint32_t n_guards;   /* args[n_args ..]: only their faults count */
    struct frame *frame; /* of the program that runs; NULL while a constant is folded */
};

enum op_flags {
    OP_OWN_MASKS = 1,         /* the kernel computes nulls and faults itself */
    OP_FAULTS = 2,            /* may make faults */
    OP_RUN = 4,               /* depends on the run (now): never folded */
    OP_RETYPE = 8,            /* the same bytes under another type: costs nothing */
    OP_LAZY = 16,             /* arguments after the first are evaluated only where needed */
    OP_LAZY_COMMON = 32,      /* lazy, and stays so for parts common to several arguments */
    OP_NULL_FAULTS = 128,     /* faults also where the first argument is NULL */
    OP_ANY_NULL_FAULTS = 256, /* faults also where any argument is NULL: computed with 0 */
    OP_LABEL = 512,           /* explain shows its data, a C string, in place of its name */
    OP_EAGER_FAULTS = 64,     /* ClickHouse would evaluate it even in a branch not taken */
};

/* A kernel of plain loops, compiled for what the machine has (AVX-512, AVX2, or what every x86-64
 * has); the loader chooses. It is the same text each time, so all give the same values: products
 * and sums are not fused (-ffp-contract=off). Loops must count in locals, and write through
 * pointers that are `restrict`, or else each store might change the count. */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(WEIR_FUZZ)
#define WIDE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define WIDE
#endif

struct op {
    const char *name;
    void (*run)(struct call *c);
    unsigned flags;
};

/* A constant's value, 16 bytes as in a column. */
struct cell {
    union {
        uint64_t u64;
        int64_t i64;
        double f64;
        float f32;
        struct str str;
        uint8_t bytes[16];
    };
    bool is_null;
    uint8_t fault;
};

enum value_kind { VALUE_INPUT, VALUE_CONSTANT, VALUE_CALL };

struct value {
    struct type type;
    uint8_t kind;
    bool can_fault;
    bool is_lazy;  /* ClickHouse would not compute it, or a part of it, in a branch not taken */
    bool is_eager; /* all its arguments are computed, once it is (the guards say so) */
    uint32_t slot; /* VALUE_INPUT */
    uint32_t n_args;
    uint32_t n_guards; /* the last n_guards args are there for their faults only */
    value_id *args;
    const struct op *op;
    struct param param;
    const void *data;
    struct cell cell; /* VALUE_CONSTANT */
    uint64_t hash;
};

/* Would ClickHouse put it off where it stands in an argument that may not be needed? */
static inline bool value_is_lazy(const struct value *v)
{
    return v->is_lazy ||
           (v->kind == VALUE_CALL && (v->op->flags & (OP_FAULTS | OP_EAGER_FAULTS)) == OP_FAULTS);
}

/* Memory of values, constants and compiled data; a program keeps it alive. */
struct expr_memory {
    _Atomic uint32_t refs;
    struct arena arena;
    struct expr_owned *owned; /* what is not in the arena */
};
struct expr_owned {
    struct expr_owned *next;
    void (*free)(void *p);
    void *p;
};
void expr_memory_unref(struct expr_memory *m);
void expr_memory_own(struct expr_memory *m, void *p, void (*free)(void *p));

struct builder {
    struct expr_memory *memory;
    struct value *values;
    size_t n, cap;
    value_id *table; /* open addressing, -1 = empty */
    size_t table_cap;
    const struct expr_lookups *lookups; /* or NULL */
    bool reads_lookups;
};

static inline const struct value *value_at(const struct builder *b, value_id v)
{
    return &b->values[v];
}

/* One call in the text, while it is being built. */
struct site {
    struct builder *b;
    const struct function *f;
    struct place at;
    const struct ast *node;
    const struct scope *scope;
    struct diagnostics *d;
    struct str name; /* as written */
    value_id *args;
    /* of args; for default-NULL functions without Nullable and LowCardinality */
    struct type *types;
    uint32_t n_args;
};

enum function_flags {
    FN_ANY_CASE = 1,  /* the name is case-insensitive, as in ClickHouse */
    FN_OWN_NULLS = 2, /* sees Nullable types itself */
    FN_OWN_LC = 4,    /* its result never becomes LowCardinality by the general rule */
    FN_RAW = 8,       /* builds from the AST: arguments are not built for it */
    FN_ALIAS = 16,    /* another spelling: left out of the reference's index */
};

struct function {
    const char *name;
    const char *arguments; /* "s, offset[, length]" */
    const char *summary;
    uint8_t min_args, max_args; /* max 255: any number */
    unsigned flags;
    value_id (*build)(struct site *s);
    int64_t param; /* distinguishes functions that share a builder */
};

struct function_family {
    const char *title;
    const struct function *functions;
    size_t n;
};

extern const struct function_family family_arithmetic, family_compare, family_logic,
    family_conditional, family_null, family_cast, family_time_part, family_time_start,
    family_time_shift, family_time_unix, family_text, family_like, family_in, family_round,
    family_other, family_text_utf8, family_text_search, family_text_make, family_text_code,
    family_readable, family_math, family_bits, family_geo, family_hash, family_network,
    family_pattern, family_url, family_time_age, family_time_format, family_time_make,
    family_time_parse, family_time_trunc, family_time_week, family_cast_accurate, family_digest,
    family_json, family_json_simple, family_compound, family_array, family_lambda,
    family_pattern_many, family_json_typed, family_json_path, family_key_values, family_transform;

/* All of them, in the order of the reference. */
const struct function_family *const *function_families(size_t *n);
const struct function *function_find(struct str name);
/* Would ClickHouse leave this call alone in a branch that is not taken? Else it computes it,
 * unless one of its arguments is such a call. */
bool function_is_lazy(const struct function *f, const struct type *types);
/* Which of the kinds behind TYPE_INTERVAL it takes: those it does not know are refused before it
 * sees them. */
enum more_types {
    MORE_TYPES_NONE,
    MORE_TYPES_ALL,          /* looks for itself */
    MORE_TYPES_ANY_TEXT,     /* as ALL; a FixedString comes as a String */
    MORE_TYPES_FIXED_STRING, /* which comes as a String */
    MORE_TYPES_DATE32,       /* which comes as a DateTime64(0) */
};
enum more_types function_more_types(const struct function *f);
/* Does ClickHouse have it, though weir does not (yet)? */
bool function_is_elsewhere(struct str name);

/* ---- building ---- */

value_id emit(struct builder *b, const struct op *op, struct type type, const value_id *args,
              uint32_t n, struct param param, const void *data);
#define EMIT(b, op, type, ...)                                                                     \
    emit(b, op, type, (const value_id[]){__VA_ARGS__}, COUNT(((const value_id[]){__VA_ARGS__})),   \
         (struct param){0}, NULL)
/* A lazy operation, with the guards that ClickHouse's rules of short circuit ask for. */
value_id emit_lazy(struct builder *b, const struct op *op, struct type type, const value_id *args,
                   uint32_t n);
/* The same operation where ClickHouse evaluates all arguments: each may fault. */
value_id emit_eager(struct builder *b, const struct op *op, struct type type, const value_id *args,
                    uint32_t n);
value_id emit_constant(struct builder *b, struct type type, struct cell cell);
value_id constant_u64(struct builder *b, enum type_kind kind, uint64_t v);
value_id constant_str(struct builder *b, struct str s);
value_id constant_null(struct builder *b);
/* The same bytes under another type; stays Nullable where v is. */
value_id retype(struct builder *b, value_id v, struct type type);
const struct cell *constant_cell(const struct builder *b, value_id v); /* NULL if not constant */
/* Constant integer argument; false (with a diagnostic) if it is not one. */
bool site_integer(struct site *s, uint32_t arg, int64_t *ret);
bool site_string(struct site *s, uint32_t arg, struct str *ret);
/* "illegal type String of argument 1 of 'f'" */
value_id site_bad_type(struct site *s, uint32_t arg, const char *expected);
value_id site_error(struct site *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
value_id build_node(struct builder *b, const struct ast *node, const struct scope *scope,
                    struct diagnostics *d);
value_id build_call(struct builder *b, const struct ast *node, struct str name, value_id *args,
                    uint32_t n, const struct scope *scope, struct diagnostics *d);

/* The frame of a program within the program that runs: kept between runs. While a constant is
 * folded there is nowhere to keep it, and *own is to be freed. */
struct frame *inner_frame(struct call *c, const struct program *p, struct frame **own);
/* An operation that looks into compound values: its data is the types of its arguments, then its
 * result's. */
value_id emit_typed(struct builder *b, const struct op *op, struct type type, const value_id *args,
                    uint32_t n, struct param param);
/* ClickHouse's rule: a function over one LowCardinality column and constants gives
 * LowCardinality. */
bool gives_low_cardinality(const struct builder *b, const value_id *args, uint32_t n);
value_id build_lookup(struct builder *b, const struct ast *node, const struct scope *scope,
                      struct diagnostics *d);
/* What the run reads lookups from, and the memory of a field or path of a GeoIP database. */
const struct lookup_table *const *frame_tables(const struct frame *f);
struct lookup_geo *frame_geo(struct frame *f, const struct lookup_table *t, struct param what,
                             const struct str *path);
/* Runs an operation over columns: the masks around strict kernels. */
void op_run(const struct op *op, struct call *c);

/* ---- types ---- */

static inline struct type type_of(enum type_kind kind)
{
    return (struct type){.kind = (uint8_t)kind};
}
static inline struct type type_bare(struct type t)
{
    t.is_nullable = t.is_low_cardinality = false;
    return t;
}
static inline struct type type_nullable(struct type t)
{
    t.is_nullable = true;
    return t;
}
/* The number a kind is kept as: DATE -> UINT16, BOOL -> UINT8, DATETIME64 -> INT64 … */
enum type_kind type_storage(struct type t);
/* UINT8..INT64 of that width. */
enum type_kind integer_kind(bool is_signed, size_t bytes);
/* ClickHouse's least supertype; false if there is none. */
bool type_super(struct type *ret, const struct type *types, size_t n);
value_id cast_super(struct builder *b, value_id v, struct type type); /* implicit,
    never fails: to a supertype */
/* The same of a branch of multiIf or an element: as in ClickHouse a number becomes a Bool only where
 * it must become Nullable as well; else it keeps its value. */
value_id cast_branch(struct builder *b, value_id v, struct type type);
value_id cast_number(struct builder *b, value_id v,
                     enum type_kind kind); /* static_cast between numbers */
/* The same; infinity and NaN to an integer are faults. */
value_id cast_number_checked(struct builder *b, value_id v, enum type_kind kind);
value_id cast_bool(struct builder *b, value_id v, struct type to); /* != 0 */
value_id cast_values(struct builder *b, value_id v,
                     struct type to); /* CAST; -1 if there is no such cast */

/* A constant as a value of `type` for comparisons and sets. 1 = done, 0 = no such value (an integer
 * that does not fit), -1 = cannot be (text that does not parse; the reason is given). */
int constant_convert(struct cell *ret, struct builder *b, value_id v, struct type type,
                     const char **why);

static inline struct str str_at(const struct column *c, size_t row)
{
    return ((const struct str *)c->values)[row];
}

/* 10^n, n in 0..18 */
extern const int64_t power_of_ten[19];

static inline int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - ((a % b != 0) & ((a < 0) != (b < 0)));
}

#endif

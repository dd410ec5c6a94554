/* SPDX-License-Identifier: Apache-2.0
 *
 * The reference pages of functions and types: rows of the tables that the program works by, with an
 * example each, and the part that is in no table. */
#include "expr/reference.h"

#include "expr/expr_priv.h"
#include "expr/function_examples.h"
#include "expr/type_examples.h"

const struct example *function_example(const char *name)
{
    return example_find(function_examples, COUNT(function_examples), name);
}

const struct example *type_example(const char *name)
{
    const struct type_row *row = type_row_find(name);

    return row ? &row->example : NULL;
}

const char function_differences[] =
    "\n## Where weir differs from ClickHouse\n\n"
    "- Only String is ever LowCardinality: `length(lc)` is UInt64, not LowCardinality(UInt64).\n"
    "- Results that would be Int128, UInt128 or Variant are refused: UInt64 with a signed integer "
    "in `if`,\n"
    "  the difference of two DateTime64, arithmetic with addresses.\n"
    "- A Decimal of 38 digits that overflows rejects; ClickHouse lets some of them wrap. `if` over "
    "Decimals of\n"
    "  different scales gives the finer one; ClickHouse throws.\n"
    "- An Enum beside a text that is none of its names is refused. `range` makes at most 1,048,576 "
    "numbers a row.\n"
    "- Lambdas over maps are not there yet.\n"
    "- `if` with branches of unlike types (number and text) is refused; ClickHouse 26.7 makes it a "
    "Variant.\n"
    "- `CASE x WHEN 'text'` with an x that is no String is refused; ClickHouse never matches it.\n"
    "- Text with a year missing, and zone abbreviations outside docs/formats/times.md, are refused "
    "by\n"
    "  parseDateTimeBestEffort.\n"
    "- A NULL is never computed with: `toDateTime64(NULL::Nullable(String), 3)`, which throws in "
    "ClickHouse, is NULL.\n"
    "- Refused though ClickHouse takes them: a constant offset 0 in `substring`, `%` by the "
    "smallest\n"
    "  number of a signed type, negative numbers among DateTimes in IN,\n"
    "  `dateTrunc` of a DateTime64 to weeks and longer (a Date32), a DateTime64 as origin of "
    "windows.\n"
    "- `toDate` and its like on moments before 1970 or after 2106 follow ClickHouse where it is\n"
    "  consistent; windows that begin before 1971-05 are not compared.\n"
    "- `now()` and `today()` are the epoch's, in UTC.\n"
    "- `farmHash64` of 512 bytes and more rejects; `age` in weeks between times with fractions may "
    "be one off.\n"
    "- A floating point number that is NaN or infinite as the count of `addDays` and its like "
    "rejects; ClickHouse\n"
    "  moves by noise.\n"
    "- ILIKE folds the letters of Latin, Greek, Cyrillic and Armenian.\n"
    "- exp, log, sin and their like agree with ClickHouse to some units in the last place; `pow` "
    "with exponents\n"
    "  beyond 10^18 gives 0 or infinity, not the noise ClickHouse has there.\n"
    "- `multiMatchAny` searches by RE2, too: in text that is not UTF-8 its answer may differ from "
    "ClickHouse's other\n"
    "  engine, and patterns that one finds too dear are taken. `transform` looks for values of x's "
    "own type or for\n"
    "  numbers among numbers. `JSONExtractKeys` and `IPv4CIDRToRange` take no Nullable.\n"
    "- Floating point numbers outside an integer type have no meaning in ClickHouse either (the "
    "result depends on\n"
    "  the processor); weir keeps the low bits of the 64-bit value.\n";

static void function_row(struct buf *out, const struct function *f)
{
    AUTO_DONE(buf) usage = {0};

    buf_printf(&usage, "%s(%s)", f->name, f->arguments);
    buf_text(out, "| ");
    code_cell(out, buf_cstr(&usage));
    buf_printf(out, " | %s%s%s | ", f->summary, f->flags & FN_ANY_CASE ? " *any case*" : "",
               f->flags & FN_ALIAS ? " (another spelling)" : "");
    if (!(f->flags & FN_ALIAS))
        example_cell(out, function_example(f->name));
    buf_text(out, " |\n");
}

void function_reference(struct buf *out)
{
    size_t n;
    const struct function_family *const *families = function_families(&n);

    buf_text(out,
             "# Functions\n\n"
             "Names, types and results are ClickHouse's (26.7). A name that is not here is "
             "refused. This page is\n"
             "written from the function table by `weir help --reference functions`.\n\n"
             "*any case*: the name may be written in upper or lower case. Unless said otherwise\n"
             "NULL in gives NULL out, and where ClickHouse would throw for a row, the event is\n"
             "rejected. Each example is run in weir and in ClickHouse by the tests.\n");
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "\n## %s\n\n| function | does | example |\n|---|---|---|\n",
                   families[i]->title);
        for (size_t k = 0; k < families[i]->n; k++)
            function_row(out, &families[i]->functions[k]);
    }
    buf_text(out, function_differences);
}

static void other_names(struct buf *out, const char *name)
{
    const char *alias;

    for (size_t i = 0; (alias = type_alias(name, i)) != NULL; i++)
        buf_printf(out, "%s`%s`", i ? ", " : "", alias);
}

void type_reference(struct buf *out)
{
    buf_text(out,
             "# Types\n\n"
             "Names and values are ClickHouse's (26.7). Written from the tables of types by `weir "
             "help --reference types`;\n"
             "each example is run in weir and in ClickHouse by the tests. How values are read from "
             "text: [CSV, TSV](formats/csv.md),\n"
             "[JSON](formats/json.md), [times](formats/times.md).\n\n"
             "| type | holds | example | other names |\n|---|---|---|---|\n");
    for (size_t i = 0; i < COUNT(type_rows); i++) {
        buf_text(out, "| ");
        code_cell(out, type_rows[i].usage);
        buf_printf(out, " | %s | ", type_rows[i].holds);
        example_cell(out, &type_rows[i].example);
        buf_text(out, " | ");
        other_names(out, type_rows[i].example.name);
        buf_text(out, " |\n");
    }
}

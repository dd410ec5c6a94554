/* SPDX-License-Identifier: Apache-2.0
 *
 * Places in a pane row: row count, key words, states. A key lies beside its states, so that looking
 * it up and updating it touch the same cache line. */
#include "aggregate/shape.h"

void cube_shape_init(struct cube_shape *shape)
{
    size_t at = 8 + shape_key_words(shape) * 8;
    for (size_t m = 0; m < shape->n_measures; m++) {
        shape->measures[m].offset = (uint32_t)at;
        at += aggregate_state_bytes(shape->measures[m].aggregate);
    }
    /* Rows that all but fill a line get one of their own; others lie dense: memory counts more
     * there. */
    shape->stride = at > 48 && at <= 64 ? 64 : at;
}

/* Dimensions take 1, 2, 4 (strings: an id), 8 or 16 bytes; one byte holds the NULL marks of eight
 * nullable ones that are not strings (those have an id for NULL). */
size_t shape_key_words(const struct cube_shape *shape)
{
    size_t bytes = shape->count > 0 ? 4 : 0, n_nullable = 0;
    for (size_t d = 0; d < shape->n_dimensions; d++) {
        struct type t = shape->dimensions[d];
        bytes += type_is_text(t) ? 4 : t.kind == TYPE_NOTHING ? 0 : type_width(t);
        n_nullable += t.is_nullable && !type_is_text(t);
    }
    return (bytes + (n_nullable + 7) / 8 + 7) / 8;
}

bool shape_divides(const struct cube_shape *fine, const struct cube_shape *coarse)
{
    static const int64_t seconds[] = {[INTERVAL_SECOND] = 1, [INTERVAL_MINUTE] = 60};
    if (fine->zone != coarse->zone || (fine->count == 0) != (coarse->count == 0))
        return false;
    if (fine->count == coarse->count && (fine->count == 0 || fine->unit == coarse->unit))
        return true;
    switch (fine->unit) {
    case INTERVAL_SECOND:
    case INTERVAL_MINUTE: {
        int64_t f = fine->count * seconds[fine->unit];
        /* Offsets of zones are multiples of a quarter of an hour. */
        if (900 % f != 0)
            return false;
        return coarse->unit > INTERVAL_MINUTE || coarse->count * seconds[coarse->unit] % f == 0;
    }
    case INTERVAL_HOUR: return fine->count == 1 && coarse->unit >= INTERVAL_DAY;
    case INTERVAL_DAY:
    case INTERVAL_MONTH: return fine->count == 1 && coarse->unit >= fine->unit;
    default: return false;
    }
}

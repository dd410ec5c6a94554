/* SPDX-License-Identifier: Apache-2.0
 *
 * A database is looked through before anything is read from it: no way down the tree is longer
 * than an address or comes back to itself, all its nodes are on such ways, each record it names
 * is a whole value, no value holds itself, strings are UTF-8. What was seen is remembered by
 * place, so shared parts cost once. Overlapping values could still cost the square of the file's
 * size; the steps are counted and a file that needs many times its size is refused. */
#include "lookup/mmdb_priv.h"

enum { SEEN_NOT = 0, SEEN_OPEN = 255 }; /* else: height + 1 */

struct check {
    struct mmdb_section s;
    uint8_t *seen; /* per byte of the section: of values that the tree or a pointer names */
    uint64_t steps, max_steps;
};

static void check_init(struct check *c, struct mmdb_section s)
{
    *c = (struct check){
        .s = s, .seen = xmap((size_t)s.n + 1), .max_steps = 16 * (uint64_t)s.n + 4096};
}

static void check_done(struct check *c)
{
    xunmap(c->seen, (size_t)c->s.n + 1);
}

static bool is_utf8(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t c = p[i++];
        if (c < 0x80)
            continue;
        uint32_t more = c >= 0xf0   ? 3
                        : c >= 0xe0 ? 2
                                    : 1,
                 low = more == 3   ? 0x10000
                       : more == 2 ? 0x800
                                   : 0x80;
        if (c < 0xc2 || c > 0xf4 || n - i < more)
            return false;
        c &= 0x3f >> more;
        for (uint32_t k = 0; k < more; k++, i++) {
            if ((p[i] & 0xc0) != 0x80)
                return false;
            c = c << 6 | (p[i] & 0x3f);
        }
        if (c < low || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
            return false;
    }
    return true;
}

static enum err_code check_scalar(struct check *c, const struct mmdb_head *h, uint32_t at,
                                  struct err *e)
{
    uint32_t max = h->type == MMDB_UINT16                             ? 2
                   : h->type == MMDB_UINT64 || h->type == MMDB_DOUBLE ? 8
                   : h->type == MMDB_UINT128                          ? 16
                   : h->type == MMDB_BOOL                             ? 1
                                                                      : 4;
    if (h->type == MMDB_STRING || h->type == MMDB_BYTES)
        max = UINT32_MAX;
    bool is_whole = h->type == MMDB_DOUBLE || h->type == MMDB_FLOAT;
    if (h->size > max || (is_whole && h->size != max))
        return err_set(e, ERR_INVALID, "value at %u: %u bytes are not a size of its type", at,
                       h->size);
    if (h->type == MMDB_BOOL)
        return ERR_OK;
    if (h->size > c->s.n - h->body)
        return err_set(e, ERR_INVALID, "value at %u: its end is beyond the section's", at);
    c->steps += h->size / 16;
    if (h->type == MMDB_STRING && !is_utf8(c->s.p + h->body, h->size))
        return err_set(e, ERR_INVALID, "string at %u is not UTF-8", at);
    return ERR_OK;
}

static enum err_code check_value(struct check *c, uint32_t at, int depth, uint32_t *next,
                                 int *height, struct err *e);

/* A value that something names from elsewhere: looked at once. Pointers to pointers are not
 * allowed. */
static enum err_code check_target(struct check *c, uint32_t at, int depth, int *height,
                                  struct err *e)
{
    uint32_t next;
    if (at >= c->s.n)
        return err_set(e, ERR_INVALID, "a pointer to %u leads out of the section of %u bytes", at,
                       c->s.n);
    if (c->s.p[at] >> 5 == MMDB_POINTER)
        return err_set(e, ERR_INVALID, "a pointer leads to another one at %u", at);
    if (c->seen[at] == SEEN_OPEN)
        return err_set(e, ERR_INVALID, "value at %u holds itself", at);
    if (c->seen[at] == SEEN_NOT) {
        c->seen[at] = SEEN_OPEN;
        TRY(check_value(c, at, depth, &next, height, e));
        c->seen[at] = (uint8_t)(*height + 1);
    }
    *height = c->seen[at] - 1;
    if (depth + *height > MMDB_MAX_DEPTH)
        return err_set(e, ERR_INVALID, "value at %u is nested deeper than %d", at, MMDB_MAX_DEPTH);
    return ERR_OK;
}

static enum err_code check_key(struct check *c, uint32_t at, struct err *e)
{
    struct mmdb_head h;
    if (mmdb_head_at(c->s, at, &h) && h.type == MMDB_POINTER && !mmdb_head_at(c->s, h.size, &h))
        return err_set(e, ERR_INVALID, "key at %u leads to no value", at);
    if (h.type != MMDB_STRING)
        return err_set(e, ERR_INVALID, "key at %u is no string", at);
    return ERR_OK;
}

static enum err_code check_items(struct check *c, const struct mmdb_head *h, int depth,
                                 uint32_t *next, int *height, struct err *e)
{
    uint32_t at = h->body, each = h->type == MMDB_MAP ? 2 : 1;
    if ((uint64_t)h->size * each > c->s.n - at)
        return err_set(e, ERR_INVALID, "%u items cannot be in the bytes left at %u", h->size, at);
    if (depth >= MMDB_MAX_DEPTH)
        return err_set(e, ERR_INVALID, "value at %u is nested deeper than %d", at, MMDB_MAX_DEPTH);
    *height = 0;
    for (uint32_t i = 0; i < h->size * each; i++) {
        int inner = 0;
        uint32_t from = at;
        TRY(check_value(c, at, depth + 1, &at, &inner, e));
        if (each == 2 && i % 2 == 0)
            TRY(check_key(c, from, e));
        *height = inner > *height ? inner : *height;
    }
    *height += 1;
    *next = at;
    return ERR_OK;
}

static enum err_code check_value(struct check *c, uint32_t at, int depth, uint32_t *next,
                                 int *height, struct err *e)
{
    struct mmdb_head h;
    *height = 0;
    if (++c->steps > c->max_steps)
        return err_set(e, ERR_INVALID, "values overlap so often that reading them is endless");
    if (!mmdb_head_at(c->s, at, &h))
        return err_set(e, ERR_INVALID, "at %u is no value", at);
    if (h.type == MMDB_POINTER) {
        *next = h.body;
        return check_target(c, h.size, depth, height, e);
    }
    if (h.type == MMDB_MAP || h.type == MMDB_ARRAY)
        return check_items(c, &h, depth, next, height, e);
    TRY(check_scalar(c, &h, at, e));
    *next = h.body + (h.type == MMDB_BOOL ? 0 : h.size);
    return ERR_OK;
}

enum err_code mmdb_check_section(struct mmdb_section s, struct err *e)
{
    struct check c;
    uint32_t next = 0;
    int height;
    check_init(&c, s);
    enum err_code code = check_value(&c, 0, 0, &next, &height, e);
    check_done(&c);
    if (code == ERR_OK && next != s.n)
        return err_set(e, ERR_INVALID, "%u bytes too many at its end", s.n - next);
    return code;
}

/* ---- the tree ---- */

static enum err_code check_record(struct mmdb *db, struct check *c, uint32_t to, struct err *e)
{
    uint32_t n_nodes = db->facts.n_nodes;
    int height = 0;
    if (to == n_nodes)
        return ERR_OK;
    if (to - n_nodes < MMDB_SEPARATOR_BYTES || to - n_nodes - MMDB_SEPARATOR_BYTES >= c->s.n)
        return err_set(e, ERR_INVALID, "the tree leads to %u, which is no node and no record", to);
    uint32_t at = to - n_nodes - MMDB_SEPARATOR_BYTES;
    db->facts.n_records += c->seen[at] == SEEN_NOT;
    TRY(check_target(c, at, 0, &height, e));
    return ERR_OK;
}

/* The way from the root to the node looked at: at most one node per bit of an address. */
struct way {
    struct {
        uint32_t node, side;
        int height; /* levels below, as far as known */
    } steps[129];
    int n;
};

static void way_enter(struct way *w, uint8_t *seen, uint32_t node)
{
    seen[node] = SEEN_OPEN;
    w->steps[w->n].node = node;
    w->steps[w->n].side = 0;
    w->steps[w->n++].height = 0;
}

static enum err_code walk(struct mmdb *db, struct check *c, uint8_t *seen, struct err *e)
{
    int bits = db->facts.ip_version == 4 ? 32 : 128;
    struct way w = {.n = 0};

    way_enter(&w, seen, 0);
    while (w.n > 0) {
        typeof(&w.steps[0]) step = &w.steps[w.n - 1];
        if (step->side == 2) {
            /* its own level and the one for not seen */
            seen[step->node] = (uint8_t)(step->height + 2);
            if (--w.n > 0 && step[-1].height < step->height + 1)
                step[-1].height = step->height + 1;
            continue;
        }
        uint32_t to = mmdb_child(db, step->node, step->side++);
        if (to >= db->facts.n_nodes) {
            TRY(check_record(db, c, to, e));
        } else if (seen[to] == SEEN_OPEN) {
            return err_set(e, ERR_INVALID, "the tree comes back to its node %u", to);
        } else if (seen[to] == SEEN_NOT) {
            if (w.n >= bits)
                return err_set(e, ERR_INVALID, "the tree is deeper than an address has bits");
            way_enter(&w, seen, to);
        } else {
            int height = seen[to] - 1;
            if (w.n + height > bits)
                return err_set(e, ERR_INVALID, "the tree is deeper than an address has bits");
            step->height = step->height < height ? height : step->height;
        }
    }
    return ERR_OK;
}

enum err_code mmdb_check(struct mmdb *db, struct err *e)
{
    struct check c;
    uint8_t *seen = xmap(db->facts.n_nodes);
    check_init(&c, db->data);
    enum err_code code = walk(db, &c, seen, e);
    for (uint32_t node = 0; code == ERR_OK && node < db->facts.n_nodes; node++)
        if (seen[node] == SEEN_NOT)
            code = err_set(e, ERR_INVALID,
                           "nothing in the tree leads to its node %u: networks are lost", node);
    check_done(&c);
    xunmap(seen, db->facts.n_nodes);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands over several sources by merge('…') is complete up to where all of them are. */
#include "cli/merged.h"

#include <string.h>

static bool is_in(const struct plan_source *p, const struct plan_stream *like)
{
    for (size_t i = 0; i < p->n_streams; i++)
        if (str_eq(p->streams[i].name, like->name))
            return true;
    return false;
}

/* The source's watermark, or NULL before its first event. */
static const char *watermark_of(json_t *sources, struct str name)
{
    size_t i;
    json_t *row;
    json_array_foreach(sources, i, row)
    {
        const char *source = json_string_value(json_object_get(row, "source"));
        if (source != NULL && str_is(name, source))
            return json_string_value(json_object_get(row, "watermark"));
    }
    return NULL;
}

/* Of one stream or metric; NULL if it has one source only, or was told of at an earlier one. */
static json_t *merged_one(const struct plan *p, size_t first, const struct plan_stream *s,
                          json_t *sources)
{
    json_t *names = json_array();
    const char *least = NULL;
    bool is_complete = true, is_told = false;
    for (size_t i = 0; i < p->n_sources; i++) {
        if (!is_in(&p->sources[i], s))
            continue;
        is_told |= i < first;
        const char *own = watermark_of(sources, p->sources[i].name);
        is_complete &= own != NULL;
        least = own != NULL && (least == NULL || strcmp(own, least) < 0) ? own : least;
        json_array_append_new(names, json_stringn(p->sources[i].name.p, p->sources[i].name.n));
    }
    if (is_told || json_array_size(names) < 2) {
        json_decref(names);
        return NULL;
    }
    json_t *o = json_object();
    json_object_set_new(o, "name", json_stringn(s->name.p, s->name.n));
    json_object_set_new(o, "kind", json_string(s->is_metric ? "metric" : "stream"));
    json_object_set_new(o, "sources", names);
    json_object_set_new(o, "watermark", is_complete ? json_string(least) : json_null());
    return o;
}

json_t *merged_objects(const struct plan *p, json_t *sources)
{
    json_t *ret = json_array();
    for (size_t i = 0; i < p->n_sources; i++)
        for (size_t k = 0; k < p->sources[i].n_streams; k++) {
            json_t *o = merged_one(p, i, &p->sources[i].streams[k], sources);
            if (o != NULL)
                json_array_append_new(ret, o);
        }
    return ret;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "records.h"

#include <math.h>

#include "column/zone.h"

const char *const record_names[10] = {
    "timestamp", "user_id", "client_ip", "server_ip", "download_bytes", "upload_bytes",
    "internal_rtt", "external_rtt", "internal_loss", "external_loss",
};

const char *const record_types[10] = {
    "DateTime64(3)", "String", "IPv4", "IPv4", "UInt64", "UInt64", "Float32", "Float32", "Float32", "Float32",
};

static uint64_t draw(struct record_source *s)
{
    s->state ^= s->state << 13;
    s->state ^= s->state >> 7;
    s->state ^= s->state << 17;
    return s->state;
}

static double draw_unit(struct record_source *s)
{
    return (double)(draw(s) >> 11) * 0x1p-53;
}

static double draw_lognormal(struct record_source *s, double mean, double deviation)
{
    double u = draw_unit(s) + 1e-12, v = draw_unit(s);
    return exp(mean + deviation * sqrt(-2 * log(u)) * cos(6.283185307179586 * v));
}

struct record_source record_source(uint32_t n_users)
{
    return (struct record_source){88172645463325252ULL, 1725527700000, n_users ? n_users : 1};
}

struct record record_next(struct record_source *s)
{
    struct record r = {.time_ms = s->time_ms++, .user = (uint32_t)(draw(s) % s->n_users)};
    uint64_t bits = draw(s);

    r.client[0] = (uint8_t)bits;
    r.client[1] = (uint8_t)(bits >> 8);
    r.server = (uint8_t)(bits >> 16);
    r.download = (uint64_t)draw_lognormal(s, 12, 1.5);
    r.upload = (uint64_t)draw_lognormal(s, 10.5, 1.5);
    r.rtt[0] = (uint32_t)(draw_lognormal(s, 2.5, 0.6) * 1000) % 1000000;
    r.rtt[1] = (uint32_t)(draw_lognormal(s, 4, 0.6) * 10) % 100000 * 100;
    r.loss[0] = (uint32_t)(bits >> 24) % 20 * 10;
    r.loss[1] = (uint32_t)(bits >> 32) % 400;
    return r;
}

/* Thousandths without zeros at the end. */
static void put_decimal(struct buf *out, uint32_t v)
{
    unsigned part = v % 1000, width = 3;

    buf_printf(out, "%u", v / 1000);
    if (part == 0)
        return;
    for (; part % 10 == 0; part /= 10)
        width--;
    buf_printf(out, ".%0*u", (int)width, part);
}

static void put_time(struct buf *out, int64_t ms)
{
    struct civil c = civil_from_local(ms / 1000);

    buf_printf(out, "%04d-%02u-%02uT%02u:%02u:%02u.%03uZ", c.year, c.month, c.day, c.hour, c.minute, c.second,
               (unsigned)(ms % 1000));
}

void record_put_csv(struct buf *out, const struct record *r)
{
    put_time(out, r->time_ms);
    buf_printf(out, ",user%05u,192.168.%u.%u,203.0.113.%u,%llu,%llu", r->user, r->client[0], r->client[1], r->server,
               (unsigned long long)r->download, (unsigned long long)r->upload);
    for (int k = 0; k < 4; k++) {
        buf_byte(out, ',');
        put_decimal(out, k < 2 ? r->rtt[k] : r->loss[k - 2]);
    }
    buf_byte(out, '\n');
}

void record_put_json(struct buf *out, const struct record *r)
{
    buf_text(out, "{\"timestamp\":\"");
    put_time(out, r->time_ms);
    buf_printf(out,
               "\",\"user_id\":\"user%05u\",\"client_ip\":\"192.168.%u.%u\",\"server_ip\":\"203.0.113.%u\","
               "\"download_bytes\":%llu,\"upload_bytes\":%llu",
               r->user, r->client[0], r->client[1], r->server, (unsigned long long)r->download,
               (unsigned long long)r->upload);
    for (int k = 0; k < 4; k++) {
        buf_printf(out, ",\"%s\":", record_names[6 + k]);
        put_decimal(out, k < 2 ? r->rtt[k] : r->loss[k - 2]);
    }
    buf_text(out, "}\n");
}

void records_csv(struct buf *out, size_t n, uint32_t n_users)
{
    struct record_source s = record_source(n_users);

    for (size_t i = 0; i < n; i++) {
        struct record r = record_next(&s);
        record_put_csv(out, &r);
    }
}

void records_json(struct buf *out, size_t n, uint32_t n_users)
{
    struct record_source s = record_source(n_users);

    for (size_t i = 0; i < n; i++) {
        struct record r = record_next(&s);
        record_put_json(out, &r);
    }
}

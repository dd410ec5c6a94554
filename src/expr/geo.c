/* SPDX-License-Identifier: Apache-2.0
 *
 * Distances on the globe by ClickHouse's method, so that results agree: up to 13 degrees of
 * longitude a plane whose scales depend on the latitude between the points, beyond it the
 * haversine over tables of the cosine and the arc sine. In float unless an argument is Float64. */
#include <math.h>
#include <pthread.h>

#include "expr/kinds.h"

#define EARTH_DIAMETER (2 * 6371007.180918474)
enum { N_COSINES = 1024, N_ARCS = 512, N_LATITUDES = 1024 };
enum { METHOD_DEGREES, METHOD_METERS, METHOD_ELLIPSOID };

#define TABLES(T, suffix)                                                                          \
    static struct {                                                                                \
        T cosine[N_COSINES + 1];                                                                   \
        T arc[N_ARCS + 1];                                                                         \
        T degrees[N_LATITUDES + 1], meters[N_LATITUDES + 1]; /* squared scales of the longitude */ \
        T ellipsoid[2][N_LATITUDES + 1]; /* of the latitude, of the longitude */                   \
    } tables_##suffix;
TABLES(float, f32)
TABLES(double, f64)

static double square(double v)
{
    return v * v;
}

#define FILL(T, suffix)                                                                            \
    do {                                                                                           \
        for (int i = 0; i <= N_COSINES; i++)                                                       \
            tables_##suffix.cosine[i] = (T)cos(i * 2 * M_PI / N_COSINES);                          \
        for (int i = 0; i <= N_ARCS; i++)                                                          \
            tables_##suffix.arc[i] = (T)asin(sqrt((double)i / N_ARCS));                            \
        for (int i = 0; i <= N_LATITUDES; i++) {                                                   \
            double lat = i * (M_PI / N_LATITUDES) - M_PI * 0.5;                                    \
            tables_##suffix.ellipsoid[0][i] =                                                      \
                (T)square(111132.09 - 566.05 * cos(2 * lat) + 1.20 * cos(4 * lat));                \
            tables_##suffix.ellipsoid[1][i] =                                                      \
                (T)square(111415.13 * cos(lat) - 94.55 * cos(3 * lat) + 0.12 * cos(5 * lat));      \
            tables_##suffix.meters[i] = (T)square(EARTH_DIAMETER * M_PI / 360 * cos(lat));         \
            tables_##suffix.degrees[i] = (T)square(cos(lat));                                      \
        }                                                                                          \
    } while (0)

static void fill_tables(void)
{
    FILL(float, f32);
    FILL(double, f64);
}
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static inline size_t index_of(double v)
{
    return (size_t)double_to_u64(v);
}

#define GEO(T, suffix, SQRT, ASIN, FABS)                                                           \
    static inline T degrees_between_##suffix(T a, T b)                                             \
    {                                                                                              \
        T v = FABS(a - b);                                                                         \
        return v > 180 ? 360 - v : v;                                                              \
    }                                                                                              \
    static inline T fast_cos_##suffix(T x)                                                         \
    {                                                                                              \
        T y = FABS(x) * ((T)N_COSINES / (T)M_PI / (T)2.0);                                         \
        size_t i = index_of(y);                                                                    \
        y -= (T)i;                                                                                 \
        i &= N_COSINES - 1;                                                                        \
        const T *at = tables_##suffix.cosine + i;                                                  \
        return at[0] + (at[1] - at[0]) * y;                                                        \
    }                                                                                              \
    static inline T fast_sin_##suffix(T x)                                                         \
    {                                                                                              \
        T y = FABS(x) * ((T)N_COSINES / (T)M_PI / (T)2.0);                                         \
        size_t i = index_of(y);                                                                    \
        y -= (T)i;                                                                                 \
        i = (i - N_COSINES / 4) & (N_COSINES - 1);                                                 \
        const T *at = tables_##suffix.cosine + i;                                                  \
        return at[0] + (at[1] - at[0]) * y;                                                        \
    }                                                                                              \
    static inline T fast_asin_sqrt_##suffix(T x)                                                   \
    {                                                                                              \
        if (x < (T)0.122) {                                                                        \
            T y = SQRT(x);                                                                         \
            return y + x * y * (T)0.166666666666666 + x * x * y * (T)0.075 +                       \
                   x * x * x * y * (T)0.044642857142857;                                           \
        }                                                                                          \
        if (x < (T)0.948) {                                                                        \
            x *= N_ARCS;                                                                           \
            size_t i = index_of(x);                                                                \
            const T *at = tables_##suffix.arc + i;                                                 \
            return at[0] + (at[1] - at[0]) * (x - (T)i);                                           \
        }                                                                                          \
        return ASIN(SQRT(x));                                                                      \
    }                                                                                              \
    static inline T between_##suffix(const T *at, T rest)                                          \
    {                                                                                              \
        return at[0] + (at[1] - at[0]) * rest;                                                     \
    }                                                                                              \
    static inline T near_##suffix(int method, T lat1, T lat2, T lat_diff, T lon_diff)              \
    {                                                                                              \
        T middle = (lat1 + lat2 + 180) * (T)N_LATITUDES / 360;                                     \
        size_t i = index_of(middle) & (N_LATITUDES - 1);                                           \
        T rest = middle - (T)i, k_lat, k_lon;                                                      \
        if (method == METHOD_DEGREES) {                                                            \
            k_lat = 1;                                                                             \
            k_lon = between_##suffix(tables_##suffix.degrees + i, rest);                           \
        } else if (method == METHOD_METERS) {                                                      \
            T scale = (T)EARTH_DIAMETER * (T)M_PI / (T)360;                                        \
            k_lat = scale * scale;                                                                 \
            k_lon = between_##suffix(tables_##suffix.meters + i, rest);                            \
        } else {                                                                                   \
            k_lat = between_##suffix(tables_##suffix.ellipsoid[0] + i, rest);                      \
            k_lon = between_##suffix(tables_##suffix.ellipsoid[1] + i, rest);                      \
        }                                                                                          \
        return SQRT(k_lat * lat_diff * lat_diff + k_lon * lon_diff * lon_diff);                    \
    }                                                                                              \
    static inline T distance_##suffix(int method, T lon1, T lat1, T lon2, T lat2)                  \
    {                                                                                              \
        const T rad = (T)(M_PI / 180), half_rad = (T)(M_PI / 360);                                 \
        T lat_diff = degrees_between_##suffix(lat1, lat2),                                         \
          lon_diff = degrees_between_##suffix(lon1, lon2);                                         \
        if (lon_diff < 13)                                                                         \
            return near_##suffix(method, lat1, lat2, lat_diff, lon_diff);                          \
        T sin_lat = fast_sin_##suffix(lat_diff * half_rad),                                        \
          sin_lon = fast_sin_##suffix(lon_diff * half_rad);                                        \
        T arg = sin_lat * sin_lat + fast_cos_##suffix(lat1 * rad) *                                \
                                        fast_cos_##suffix(lat2 * rad) * (sin_lon * sin_lon);       \
        T arc = fast_asin_sqrt_##suffix(arg);                                                      \
        return method == METHOD_DEGREES ? (T)360.0 / (T)M_PI * arc : (T)EARTH_DIAMETER * arc;      \
    }                                                                                              \
    static void run_distance_##suffix(struct call *c)                                              \
    {                                                                                              \
        pthread_once(&tables_once, fill_tables);                                                   \
        for (size_t i = 0; i < c->n; i++)                                                          \
            RESULT(T)                                                                              \
        [i] = distance_##suffix((int)c->param.i, VALUES(0, T)[i], VALUES(1, T)[i],                 \
                                VALUES(2, T)[i], VALUES(3, T)[i]);                                 \
    }                                                                                              \
    static const struct op op_distance_##suffix = {"distance", run_distance_##suffix, 0};
GEO(float, f32, sqrtf, asinf, fabsf)
GEO(double, f64, sqrt, asin, fabs)

static value_id build_distance(struct site *s)
{
    bool is_wide = false;
    value_id args[4];

    for (uint32_t i = 0; i < 4; i++) {
        if (!type_is_number(s->types[i]))
            return site_bad_type(s, i, "a number");
        is_wide |= s->types[i].kind == TYPE_FLOAT64;
    }
    enum type_kind kind = is_wide ? TYPE_FLOAT64 : TYPE_FLOAT32;
    for (uint32_t i = 0; i < 4; i++)
        args[i] = cast_number(s->b, s->args[i], kind);
    return emit(s->b, is_wide ? &op_distance_f64 : &op_distance_f32, type_of(kind), args, 4,
                (struct param){.i = s->f->param}, NULL);
}

#define DISTANCE(name, text, method)                                                               \
    {                                                                                              \
        name, "lon1, lat1, lon2, lat2", text, 4, 4, 0, build_distance, method                      \
    }
static const struct function functions[] = {
    DISTANCE("greatCircleDistance", "Meters on a globe, of points in degrees.", METHOD_METERS),
    DISTANCE("geoDistance", "Meters on the ellipsoid WGS-84.", METHOD_ELLIPSOID),
    DISTANCE("greatCircleAngle", "Degrees between the two, seen from the centre.", METHOD_DEGREES),
};
const struct function_family family_geo = {"Geography", functions, COUNT(functions)};

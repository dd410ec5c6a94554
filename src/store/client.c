/* SPDX-License-Identifier: Apache-2.0
 *
 * One libcurl handle per struct store, kept alive between calls. The SQL of a call without a
 * body is the request's body; that of an INSERT is the `query` parameter and the body is its
 * data. */
#include "store/client.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/deaths.h"
#include "store/launch.h"

enum { START_SECONDS = 60, BACK_OFF_S = 60 };

struct store {
    const struct store_place *place;
    CURL *curl;
    char problem[CURL_ERROR_SIZE];
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_ALL);
}

/* ---- places ---- */

static enum err_code parse_embedded(struct store_place *p, const char *path, const char *folder,
                                    struct err *e)
{
    if (*path == '\0')
        return err_set(e, ERR_INVALID,
                       "store 'embedded:' names no folder; write 'embedded:./NAME.weir'");
    AUTO_MEM char *joined =
        *path == '/' ? xstrdup(path) : xasprintf("%s/%s", folder && *folder ? folder : ".", path);
    char resolved[PATH_MAX];
    if (realpath(joined, resolved) != NULL) {
        p->folder = xstrdup(resolved);
    } else {
        /* Not there yet: resolve the folder it will be made in. */
        while (joined[0] && joined[strlen(joined) - 1] == '/' && joined[1])
            joined[strlen(joined) - 1] = '\0';
        char *slash = strrchr(joined, '/');
        const char *base = slash ? slash + 1 : joined;
        AUTO_MEM char *parent =
            slash ? xstrndup(joined, slash == joined ? 1 : (size_t)(slash - joined)) : xstrdup(".");
        if (realpath(parent, resolved) == NULL)
            return err_errno(e, "store folder %s: %s", joined, parent);
        p->folder = xasprintf("%s/%s", strcmp(resolved, "/") ? resolved : "", base);
    }
    p->socket = xasprintf("%s/store.sock", p->folder);
    if (strlen(p->socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return err_set(e, ERR_LIMIT,
                       "the path of the store's socket is longer than the system's 107 bytes: %s; "
                       "choose a shorter folder by SET store",
                       p->socket);
    p->http = xstrdup("http://localhost");
    p->database = xstrdup("weir");
    return ERR_OK;
}

static enum err_code parse_server(struct store_place *p, const char *rest, struct err *e)
{
    const char *at = strchr(rest, '@');
    const char *slash = strchr(rest, '/');
    if (at != NULL && (slash == NULL || at < slash)) {
        p->user = xstrndup(rest, (size_t)(at - rest));
        if (strchr(p->user, ':') != NULL)
            return err_set(e, ERR_INVALID,
                           "a password in the store's URL is refused; set WEIR_STORE_PASSWORD");
        rest = at + 1;
    }
    slash = strchr(rest, '/');
    AUTO_MEM char *host = slash ? xstrndup(rest, (size_t)(slash - rest)) : xstrdup(rest);
    if (*host == '\0')
        return err_set(e, ERR_INVALID, "the store's URL names no host: %s", p->url);
    p->http = strchr(host, ':') ? xasprintf("http://%s", host) : xasprintf("http://%s:8123", host);
    p->database = xstrdup(slash && slash[1] ? slash + 1 : "weir");
    char *query = strchr(p->database, '?');
    if (query)
        *query = '\0';
    const char *password = getenv("WEIR_STORE_PASSWORD");
    p->password = password ? xstrdup(password) : NULL;
    return ERR_OK;
}

enum err_code store_place_parse(struct store_place *ret, const char *url, const char *folder,
                                struct err *e)
{
    struct store_place p = {.url = xstrdup(url)};
    enum err_code code;
    if (strncmp(url, "embedded:", 9) == 0)
        code = parse_embedded(&p, url + 9, folder, e);
    else if (strncmp(url, "clickhouse://", 13) == 0)
        code = parse_server(&p, url + 13, e);
    else
        code = err_set(
            e, ERR_INVALID,
            "store '%s' is neither 'embedded:FOLDER' nor 'clickhouse://user@host:8123/db'", url);
    if (code != ERR_OK) {
        store_place_done(&p);
        return code;
    }
    *ret = p;
    return ERR_OK;
}

void store_place_done(struct store_place *p)
{
    free(p->url);
    free(p->folder);
    free(p->socket);
    free(p->http);
    free(p->user);
    free(p->password);
    free(p->database);
    *p = (struct store_place){0};
}

/* ---- calls ---- */

struct store *store_new(const struct store_place *place)
{
    pthread_once(&curl_once, start_curl);
    struct store *s = xcalloc(1, sizeof(*s));
    s->place = place;
    s->curl = curl_easy_init();
    return s;
}

void store_free(struct store *s)
{
    if (s == NULL)
        return;
    curl_easy_cleanup(s->curl);
    free(s);
}

struct transfer {
    const struct store_call *call;
    struct buf error; /* body of an answer that is not 2xx */
    struct buf tail;  /* last bytes of a 2xx answer: an exception may end it */
    CURL *curl;
    int store_code;
    /* ClickHouse from 25.11 on ends an exception within an answer by this word; empty: none */
    char tag[40];
    bool is_cut;
};

enum { TAIL_BYTES = 4096 };

static size_t take_header(char *data, size_t size, size_t n, void *context)
{
    struct transfer *t = context;
    static const char name[] = "X-ClickHouse-Exception-Code:";
    if (n > sizeof(name) && strncasecmp(data, name, sizeof(name) - 1) == 0)
        t->store_code = (int)strtol(data + sizeof(name) - 1, NULL, 10);
    static const char tag[] = "X-ClickHouse-Exception-Tag:";
    if (n > sizeof(tag) && strncasecmp(data, tag, sizeof(tag) - 1) == 0) {
        const char *from = data + sizeof(tag) - 1, *end = data + n;
        while (from < end && isspace((unsigned char)*from))
            from++;
        while (end > from && isspace((unsigned char)end[-1]))
            end--;
        snprintf(t->tag, sizeof(t->tag), "%.*s", (int)(end - from), from);
    }
    return size * n;
}

static void keep_tail(struct buf *tail, const char *data, size_t n)
{
    if (n >= TAIL_BYTES) {
        buf_reset(tail);
        buf_put(tail, data + n - TAIL_BYTES, TAIL_BYTES);
        return;
    }
    buf_put(tail, data, n);
    if (tail->n > 4 * TAIL_BYTES) {
        memmove(tail->p, tail->p + tail->n - TAIL_BYTES, TAIL_BYTES);
        tail->n = TAIL_BYTES;
    }
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    size_t n = size * count;
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status >= 300) {
        if (t->error.n < 1 << 16)
            buf_put(&t->error, data, n);
        return n;
    }
    keep_tail(&t->tail, data, n);
    if (t->call->write != NULL) {
        t->is_cut = !t->call->write(t->call->context, data, n);
        return t->is_cut ? 0 : n;
    }
    if (t->call->answer != NULL)
        buf_put(t->call->answer, data, n);
    return n;
}

static void url_escape(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (isalnum((unsigned char)*text) || strchr("-_.~", *text))
            buf_byte(out, (uint8_t)*text);
        else
            buf_printf(out, "%%%02X", (unsigned char)*text);
    }
}

static void url_param(struct buf *url, const char *name, const char *value)
{
    buf_byte(url, url->n && memchr(url->p, '?', url->n) ? '&' : '?');
    buf_text(url, name);
    buf_byte(url, '=');
    url_escape(url, value);
}

/* ClickHouse reads so much of a statement unless it is told another limit. */
enum { QUERY_BYTES = 256 << 10 };

static void make_url(struct buf *url, const struct store *s, const struct store_call *call)
{
    buf_printf(url, "%s/", s->place->http);
    url_param(url, "database", call->database ? call->database : "default");
    if (call->format != NULL)
        url_param(url, "default_format", call->format);
    for (size_t i = 0; i < call->n_settings; i++)
        url_param(url, call->settings[i].name, call->settings[i].value);
    if (call->body.n > 0)
        url_param(url, "query", call->sql);
    else if (strlen(call->sql) >= QUERY_BYTES)
        url_param(url, "max_query_size", "0"); /* text of wide definitions is part of one */
}

/* An exception after the answer had begun stands at its end; ClickHouse's text begins a line
 * with "Code: ". */
/* Rows may hold any text, so only the tag tells: "__exception__ TAG", the text, "LENGTH TAG
 * __exception__". */
static const char *tagged_exception(struct transfer *t)
{
    char mark[80];
    struct buf *tail = &t->tail;
    size_t n = (size_t)snprintf(mark, sizeof(mark), " %s\r\n__exception__\r\n", t->tag);
    if (tail->n < n || memcmp(tail->p + tail->n - n, mark, n) != 0)
        return NULL;
    for (tail->n -= n; tail->n > 0 && isdigit((unsigned char)tail->p[tail->n - 1]); tail->n--)
        ;
    const char *text = buf_cstr(tail);
    n = (size_t)snprintf(mark, sizeof(mark), "__exception__\r\n%s\r\n", t->tag);
    const char *begin = memmem(text, tail->n, mark, n);
    return begin ? begin + n : text;
}

static const char *exception_in_tail(struct transfer *t)
{
    struct buf *tail = &t->tail;
    const char *text = buf_cstr(tail);
    if (tail->n < 20)
        return NULL;
    if (t->tag[0] != '\0')
        return tagged_exception(t);
    size_t from = tail->n > TAIL_BYTES ? tail->n - TAIL_BYTES : 0;
    for (size_t i = from; i + 6 < tail->n; i++)
        if (memcmp(text + i, "Code: ", 6) == 0 &&
            memmem(text + i, tail->n - i, "DB::Exception", 13) != NULL &&
            memmem(text + i, tail->n - i, "(version ", 9) != NULL)
            return text + i;
    return NULL;
}

static int code_in_text(const char *text)
{
    return strncmp(text, "Code: ", 6) == 0 ? (int)strtol(text + 6, NULL, 10) : 0;
}

static enum err_code store_exception(struct err *e, const char *text, int code)
{
    char line[900];
    snprintf(line, sizeof(line), "%s", text);
    for (size_t n = strlen(line); n > 0 && isspace((unsigned char)line[n - 1]); n--)
        line[n - 1] = '\0';
    err_set(e, ERR_STORE, "%s", line);
    if (e)
        e->store_code = code ? code : code_in_text(text);
    return ERR_STORE;
}

enum err_code store_call(struct store *s, const struct store_call *call, struct err *e)
{
    AUTO_DONE(buf) url = {0};
    make_url(&url, s, call);
    struct transfer t = {.call = call, .curl = s->curl};
    struct str body = call->body.n ? call->body : str_of(call->sql);

    curl_easy_reset(s->curl);
    CURL *c = s->curl;
    curl_easy_setopt(c, CURLOPT_URL, buf_cstr(&url));
    if (s->place->socket != NULL)
        curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, s->place->socket);
    curl_easy_setopt(c, CURLOPT_POST, 1L);
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.p);
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &t);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &t);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->problem);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_TIMEOUT, call->timeout_s);
    curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, 512L << 10);
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 256L << 10);
    /* no round trip before the body */
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    headers = curl_slist_append(headers, "Content-Type: application/octet-stream");
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    if (s->place->user != NULL)
        curl_easy_setopt(c, CURLOPT_USERNAME, s->place->user);
    if (s->place->password != NULL)
        curl_easy_setopt(c, CURLOPT_PASSWORD, s->place->password);

    s->problem[0] = '\0';
    CURLcode code = curl_easy_perform(c);
    curl_slist_free_all(headers);
    long status = 0;
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);

    enum err_code result = ERR_OK;
    const char *late;
    if (status >= 300 && t.error.n > 0)
        result = store_exception(e, buf_cstr(&t.error), t.store_code);
    else if (t.is_cut)
        result = ERR_OK; /* the caller has enough */
    else if (code != CURLE_OK && (late = exception_in_tail(&t)) != NULL)
        result = store_exception(e, late, 0);
    else if (code != CURLE_OK)
        result = err_set(e, ERR_UNAVAILABLE, "the store at %s does not answer: %s", s->place->url,
                         s->problem[0] ? s->problem : curl_easy_strerror(code));
    else if (status < 200 || status >= 300)
        result = err_set(e, ERR_UNAVAILABLE, "the store at %s answers with HTTP %ld", s->place->url,
                         status);
    else if ((late = exception_in_tail(&t)) != NULL)
        result = store_exception(e, late, t.store_code);
    buf_done(&t.error);
    buf_done(&t.tail);
    return result;
}

enum err_code store_exec(struct store *s, const char *sql, struct err *e)
{
    struct store_call call = {.sql = sql};
    return store_call(s, &call, e);
}

enum err_code store_text(struct store *s, const char *sql, struct buf *answer, struct err *e)
{
    struct store_call call = {.sql = sql, .answer = answer};
    return store_call(s, &call, e);
}

enum err_code store_native(struct store *s, const char *sql, struct native_result *ret,
                           struct err *e)
{
    AUTO_DONE(buf) answer = {0};
    struct store_call call = {.sql = sql, .answer = &answer, .format = "Native"};
    TRY(store_call(s, &call, e));
    return native_read(ret, answer.p, answer.n, e);
}

/* ---- start ---- */

static enum err_code ping(struct store *s, struct err *e)
{
    AUTO_DONE(buf) answer = {0};
    struct store_call call = {.sql = "SELECT 1", .answer = &answer, .timeout_s = 10};
    return store_call(s, &call, e);
}

static enum err_code early_end(const struct store_place *place, int status, struct err *e)
{
    AUTO_DONE(buf) last = {0};
    AUTO_MEM char *path = xasprintf("%s/store.log", place->folder);
    FILE *f = fopen(path, "r");
    char line[700] = "";
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        buf_reset(&last);
        buf_text(&last, line);
    }
    if (f != NULL)
        fclose(f);
    while (last.n && isspace((unsigned char)last.p[last.n - 1]))
        last.n--;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return err_set(e, ERR_UNAVAILABLE, "weir-store on %s ended with %d: %s", place->folder, code,
                   last.n ? buf_cstr(&last) : "it said nothing");
}

/* Deaths that this process answered with a start; at the fifth it waits, so that a query which
 * kills the store again and again cannot keep the machine busy. A start follows a death only if
 * the store answered since the one before. */
static struct {
    pthread_mutex_t lock;
    bool was_up;
    int64_t at_ns[DEATHS_ALLOWED - 1];
    unsigned n;
    int64_t last_ns;
} starts = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note_up(void)
{
    pthread_mutex_lock(&starts.lock);
    starts.was_up = true;
    pthread_mutex_unlock(&starts.lock);
}

/* Seconds until a start may be made; 0: it is noted and made now. */
static int start_wait(void)
{
    pthread_mutex_lock(&starts.lock);
    int64_t now = clock_mono_ns(), second = 1000000000;
    bool follows_death = starts.was_up;
    unsigned slot = starts.n % COUNT(starts.at_ns);
    int64_t oldest = starts.n >= COUNT(starts.at_ns) ? starts.at_ns[slot] : 0;
    int64_t next = starts.last_ns + BACK_OFF_S * second;
    bool is_refused =
        follows_death && oldest != 0 && now - oldest < DEATH_WINDOW_S * second && now < next;
    if (!is_refused) {
        if (follows_death)
            starts.at_ns[starts.n++ % COUNT(starts.at_ns)] = now;
        starts.last_ns = now;
        starts.was_up = false;
    }
    pthread_mutex_unlock(&starts.lock);
    return is_refused ? (int)((next - now) / second) + 1 : 0;
}

static enum err_code may_start(const struct store_place *place, struct err *e)
{
    int wait_s = start_wait();
    if (wait_s == 0)
        return ERR_OK;
    AUTO_DONE(buf) last = {0};
    deaths_count(place->folder, &last);
    return err_set(e, ERR_UNAVAILABLE,
                   "weir-store died %d times within ten minutes; the next start is in %d s; at "
                   "work when it died: %s",
                   DEATHS_ALLOWED, wait_s, last.n ? buf_cstr(&last) : "nothing");
}

static pthread_mutex_t launching = PTHREAD_MUTEX_INITIALIZER;

static enum err_code start_store(struct store *s, struct err *e)
{
    const struct store_place *place = s->place;
    struct err first;
    TRY(may_start(place, e));
    int pid = 0, status = 0;
    TRY(launch_store(place->folder, &pid, e));
    int64_t deadline = clock_mono_ns() + (int64_t)START_SECONDS * 1000000000;
    bool has_ended = false;
    while (clock_mono_ns() < deadline) {
        if (access(place->socket, F_OK) == 0 && ping(s, &first) == ERR_OK)
            return ERR_OK;
        if (!has_ended && launch_has_ended(pid, &status)) {
            has_ended = true;
            /* 3: another weir-store holds the folder: ours was not needed, the other one will
             * answer. */
            if (!(WIFEXITED(status) && WEXITSTATUS(status) == 3))
                return early_end(place, status, e);
        }
        clock_sleep_ms(5);
    }
    return err_set(e, ERR_UNAVAILABLE,
                   "weir-store on %s did not answer within %d s; see %s/store.log", place->folder,
                   START_SECONDS, place->folder);
}

enum err_code store_ensure(struct store *s, bool create, struct err *e)
{
    struct err first;
    if (ping(s, &first) == ERR_OK) {
        note_up();
        return ERR_OK;
    }
    const struct store_place *place = s->place;
    if (place->folder == NULL) {
        if (e)
            *e = first;
        return first.code;
    }
    if (!create && access(place->folder, F_OK) != 0)
        return err_set(e, ERR_NOT_FOUND, "there is no store at %s yet; `weir run` makes it",
                       place->folder);
    /* One start at a time: threads that miss the store together would count as many deaths. */
    pthread_mutex_lock(&launching);
    enum err_code code = ping(s, &first) == ERR_OK ? ERR_OK : start_store(s, e);
    if (code == ERR_OK)
        note_up();
    pthread_mutex_unlock(&launching);
    return code;
}

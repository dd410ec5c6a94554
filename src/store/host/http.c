/* SPDX-License-Identifier: Apache-2.0 */
#include "store/host/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"

#define BACKLOG 128
#define CONNECTIONS_MAX 250            /* on each socket; both below RUNNING_MAX */
#define CONNECTION_MEMORY (512 * 1024) /* address and headers, and the read size of bodies */
#define STREAM_BLOCK (128 * 1024)

/* One socket listened on. All but `daemon` is set before its first connection. */
struct listener {
    struct http *http;
    bool needs_token;
    int fd; /* -1: none */
    struct MHD_Daemon *daemon;
};

struct http {
    struct host *host;
    struct listener local, tcp;
    char *path;
    ino_t socket_inode; /* of the socket that is ours */
    dev_t socket_device;
    _Atomic int n_connections;
};

/* A request's own data: made when its address is known, gone when it is completed. */
struct call {
    const struct listener *listener;
    struct exchange *exchange;
    bool has_begun;
    char *address;
    size_t address_bytes;
};

static void *on_address(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct call *c = xcalloc(1, sizeof(*c));

    c->listener = cls;
    c->address_bytes = strlen(uri);
    c->address = xstrndup(uri, c->address_bytes);
    return c;
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t n_key,
                                 const char *value, size_t n_value)
{
    exchange_header(cls, (struct str){key, n_key}, (struct str){value, value ? n_value : 0});
    return MHD_YES;
}

static void begin(struct call *c, struct MHD_Connection *connection, const char *method)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    c->has_begun = true;
    c->exchange = exchange_new(c->listener->http->host, (struct str){c->address, c->address_bytes},
                               info ? info->connect_fd : -1, c->listener->needs_token);
    exchange_method(c->exchange, str_of(method));
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, on_header, c->exchange);
}

static ssize_t on_read(void *cls, uint64_t pos, char *to, size_t room)
{
    ssize_t n = exchange_read(cls, to, room);

    return n > 0    ? n
           : n == 0 ? MHD_CONTENT_READER_END_OF_STREAM
                    : MHD_CONTENT_READER_END_WITH_ERROR;
}

static struct MHD_Response *response_of(struct exchange *x)
{
    struct reply *r = exchange_reply(x);

    if (r->is_stream)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, on_read, x, NULL);
    return MHD_create_response_from_buffer(r->body.n, r->body.p, MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result answer(struct exchange *x, struct MHD_Connection *connection)
{
    struct reply *r = exchange_reply(x);
    struct MHD_Response *response = response_of(x);

    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, "X-ClickHouse-Server-Display-Name", "weir-store");
    MHD_add_response_header(response, "X-ClickHouse-Timezone", "UTC");
    for (int i = 0; i < N_HEADERS; i++) {
        if (r->headers[i].n)
            MHD_add_response_header(response, header_names[i], buf_cstr(&r->headers[i]));
    }
    enum MHD_Result queued = MHD_queue_response(connection, r->status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *n_upload, void **call)
{
    struct call *c = *call;

    if (c == NULL)
        return MHD_NO;
    if (!c->has_begun) {
        begin(c, connection, method);
        return MHD_YES;
    }
    if (*n_upload) {
        exchange_body(c->exchange, upload, *n_upload);
        *n_upload = 0;
        return MHD_YES;
    }
    exchange_finish(c->exchange);
    return answer(c->exchange, connection);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **call,
                         enum MHD_RequestTerminationCode how)
{
    struct call *c = *call;

    if (c == NULL)
        return;
    exchange_free(c->exchange);
    free(c->address);
    free(c);
    *call = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **data,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http *h = ((struct listener *)cls)->http;

    atomic_fetch_add(&h->n_connections, what == MHD_CONNECTION_NOTIFY_STARTED ? 1 : -1);
}

/* ---- listening ----------------------------------------------------------------------------- */

/* A path too long for a sockaddr_un is bound through its folder's descriptor. */
static enum err_code listen_local(int *ret, const char *path, struct err *e)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    AUTO_MEM char *folder = xstrdup(path);
    char *slash = strrchr(folder, '/');
    const char *name = slash ? path + (slash - folder) + 1 : path;
    int folder_fd = -1;

    if (slash)
        *slash = '\0';
    if (strlen(path) < sizeof(a.sun_path)) {
        memcpy(a.sun_path, path, strlen(path));
    } else {
        folder_fd = open(slash ? folder : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%.60s", folder_fd, name);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(path);
    bool is_ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
                 chmod(path, 0600) == 0 && listen(fd, BACKLOG) == 0;
    if (!is_ok)
        err_errno(e, "cannot listen on %s", path);
    if (folder_fd >= 0)
        close(folder_fd);
    if (!is_ok && fd >= 0)
        close(fd);
    *ret = fd;
    return is_ok ? ERR_OK : ERR_IO;
}

static enum err_code listen_tcp(int *ret, const char *where, struct err *e)
{
    AUTO_MEM char *host = xstrdup(where);
    char *colon = strrchr(host, ':');
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    int on = 1;

    long port = colon ? strtol(colon + 1, NULL, 10) : 0;

    if (port < 1 || port > 65535)
        return err_set(e, ERR_INVALID,
                       "--listen %s: an address and a port are needed, as in 127.0.0.1:8123",
                       where);
    *colon = '\0';
    size_t n = strlen(host);
    bool is_bracketed = n > 1 && host[0] == '[' && host[n - 1] == ']';
    if (is_bracketed)
        host[n - 1] = '\0';
    int failed = getaddrinfo(is_bracketed ? host + 1 : host, colon + 1, &hints, &found);
    if (failed)
        return err_set(e, ERR_INVALID, "--listen %s: %s", where, gai_strerror(failed));
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    bool is_ok =
        fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    if (!is_ok) {
        err_errno(e, "cannot listen on %s", where);
        if (fd >= 0)
            close(fd);
    }
    freeaddrinfo(found);
    *ret = fd;
    return is_ok ? ERR_OK : ERR_IO;
}

static enum err_code start(struct listener *l, struct err *e)
{
    if (l->fd < 0)
        return ERR_OK;
    l->daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                                     MHD_USE_POLL | MHD_USE_ITC,
                                 0, NULL, NULL, on_request, l, MHD_OPTION_LISTEN_SOCKET, l->fd,
                                 MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                                 MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_URI_LOG_CALLBACK,
                                 on_address, l, MHD_OPTION_NOTIFY_COMPLETED, on_completed, l,
                                 MHD_OPTION_NOTIFY_CONNECTION, on_connection, l, MHD_OPTION_END);
    return l->daemon ? ERR_OK : err_set(e, ERR_IO, "cannot start the HTTP server");
}

enum err_code http_open(struct http **ret, struct host *host, const char *path, const char *listen,
                        struct err *e)
{
    struct http *h = xcalloc(1, sizeof(*h));

    h->host = host;
    h->local = (struct listener){.http = h, .fd = -1};
    h->tcp = (struct listener){.http = h, .fd = -1, .needs_token = true};
    h->path = xstrdup(path);
    enum err_code code = listen ? listen_tcp(&h->tcp.fd, listen, e) : ERR_OK;
    if (code == ERR_OK)
        code = listen_local(&h->local.fd, path, e);
    struct stat st;
    if (code == ERR_OK && lstat(path, &st) == 0) {
        h->socket_inode = st.st_ino;
        h->socket_device = st.st_dev;
    }
    if (code == ERR_OK)
        code = start(&h->tcp, e);
    if (code == ERR_OK)
        code = start(&h->local, e);
    if (code != ERR_OK) {
        http_close(h);
        return code;
    }
    *ret = h;
    return ERR_OK;
}

int http_connections(const struct http *h)
{
    return atomic_load(&h->n_connections);
}

static void stop_listening(struct listener *l)
{
    if (l->daemon)
        MHD_quiesce_daemon(l->daemon);
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

void http_stop_listening(struct http *h)
{
    /* Only our own: the folder may have been removed and made anew with another store's socket
     * in it. */
    struct stat st;
    if (h->local.fd >= 0 && lstat(h->path, &st) == 0 && st.st_ino == h->socket_inode &&
        st.st_dev == h->socket_device)
        unlink(h->path);
    stop_listening(&h->local);
    stop_listening(&h->tcp);
}

void http_close(struct http *h)
{
    if (h == NULL)
        return;
    http_stop_listening(h);
    if (h->local.daemon)
        MHD_stop_daemon(h->local.daemon);
    if (h->tcp.daemon)
        MHD_stop_daemon(h->tcp.daemon);
    free(h->path);
    free(h);
}

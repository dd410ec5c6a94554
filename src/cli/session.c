/* SPDX-License-Identifier: Apache-2.0
 *
 * What most commands begin with: find and read the definitions, build the plan, find the store. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

/* The first line of every file that init and open write. */
static const char init_mark[] = "-- weir definitions, written by";

static bool is_written_by_init(const char *path)
{
    char line[64] = "";
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return false;
    size_t n = fread(line, 1, sizeof(init_mark) - 1, f);
    fclose(f);
    return n == sizeof(init_mark) - 1 && memcmp(line, init_mark, n) == 0;
}

static char found_name[300];

int find_definitions(const struct arguments *a, const char **files, size_t cap, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < a->n_list[0] && *n < cap; i++)
        files[(*n)++] = a->list[0][i];
    if (*n > 0)
        return EXIT_OK;
    if (access("weir.sql", F_OK) == 0) {
        files[(*n)++] = "weir.sql";
        return EXIT_OK;
    }
    DIR *dir = opendir(".");
    size_t n_sql = 0, n_init = 0;
    AUTO_DONE(buf) list = {0};
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (!str_ends(str_of(entry->d_name), ".sql"))
            continue;
        n_sql++;
        buf_printf(&list, "%s%s", list.n ? ", " : "", entry->d_name);
        if (is_written_by_init(entry->d_name) && ++n_init == 1)
            snprintf(found_name, sizeof(found_name), "%s", entry->d_name);
    }
    if (dir)
        closedir(dir);
    if (n_init == 1) {
        files[(*n)++] = found_name;
        return EXIT_OK;
    }
    if (n_sql == 0)
        complain("no definitions: there is no weir.sql here; `weir init FILE` writes some, or name "
                 "them by -f FILE");
    else
        complain("which definitions? choose by -f: %s", buf_cstr(&list));
    return EXIT_USAGE;
}

static int apply_flags(struct plan *plan, const struct arguments *a)
{
    struct err e;
    for (size_t i = 0; i < a->n_settings; i++) {
        if (setting_apply(&plan->settings, &plan->arena, str_of(a->settings[i][0]),
                          str_of(a->settings[i][1]), &e) != ERR_OK) {
            complain("%s", e.text);
            return EXIT_USAGE;
        }
    }
    if (plan->settings.threads == 0)
        plan->settings.threads = sysconf(_SC_NPROCESSORS_ONLN);
    if (plan->settings.threads > 256)
        plan->settings.threads = 256;
    if (settings_check(&plan->settings, &e) != ERR_OK) {
        complain("%s", e.text);
        return EXIT_USAGE;
    }
    const char *store = argument(a, "store");
    if (store != NULL)
        plan->settings.store = arena_text(&plan->arena, str_of(store));
    return EXIT_OK;
}

/* The first line of a file that only its owner may read. */
static int read_password_file(char **ret, const char *folder, const char *name)
{
    AUTO_MEM char *path = *name == '/' ? xstrdup(name) : xasprintf("%s/%s", folder, name);
    AUTO_DONE(buf) text = {0};
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;
    if (fd >= 0 && fstat(fd, &st) == 0) {
        if (st.st_mode & 077) {
            close(fd);
            complain("%s may be read by others: chmod 600 '%s'", path, path);
            return EXIT_USAGE;
        }
        buf_reserve(&text, 4096);
        n = read(fd, text.p, 4096);
    }
    if (n < 0)
        complain("the password's file %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return EXIT_USAGE;
    const char *end = memchr(text.p, '\n', (size_t)n);
    *ret = xstrndup(text.p, end ? (size_t)(end - (const char *)text.p) : (size_t)n);
    return EXIT_OK;
}

/* PASSWORD FROM ENV and FROM FILE of a store that is a server; WEIR_STORE_PASSWORD else. */
static int read_password(struct session *s)
{
    const char *variable = s->plan->settings.store_password_env;
    const char *file = s->plan->settings.store_password_file;
    char *password = NULL;
    if (s->place.folder != NULL)
        return EXIT_OK;
    if (*variable) {
        const char *value = getenv(variable);
        if (value == NULL) {
            complain("the store's password is to come from the environment variable %s, which is "
                     "not set",
                     variable);
            return EXIT_USAGE;
        }
        password = xstrdup(value);
    } else if (*file) {
        int code = read_password_file(&password, s->folder, file);
        if (code != EXIT_OK)
            return code;
    }
    if (password != NULL) {
        free(s->place.password);
        s->place.password = password;
    }
    return EXIT_OK;
}

static int open_place(struct session *s)
{
    struct err e;
    if (store_place_parse(&s->place, s->plan->settings.store, s->folder, &e) != ERR_OK) {
        complain("%s", e.text);
        return EXIT_USAGE;
    }
    int code = read_password(s);
    if (code != EXIT_OK)
        return code;
    if (s->place.folder == NULL)
        s->plan->settings.database = arena_text(&s->plan->arena, str_of(s->place.database));
    s->store = store_new(&s->place);
    return EXIT_OK;
}

static void set_folder(struct session *s, const char *file)
{
    AUTO_MEM char *copy = xstrdup(file);
    s->folder = xstrdup(dirname(copy));
}

int session_read(struct session *s, const struct arguments *a, struct diagnostics *d)
{
    *s = (struct session){0};
    const char *files[MAX_LIST];
    size_t n = 0;
    int code = find_definitions(a, files, MAX_LIST, &n);
    if (code != EXIT_OK)
        return code;
    for (size_t i = 0; i < n; i++) {
        struct err e;
        if (definitions_read_file(&s->definitions, files[i], d, &e) != ERR_OK) {
            complain("%s", e.text);
            session_close(s);
            return EXIT_FAILED;
        }
    }
    set_folder(s, files[0]);
    if (plan_build(&s->plan, &s->definitions, s->folder, d) != ERR_OK)
        s->plan = NULL;
    return EXIT_OK;
}

int session_open(struct session *s, const struct arguments *a)
{
    AUTO_DONE(diagnostics) d = {0};
    int code = session_read(s, a, &d);
    if (code != EXIT_OK)
        return code;
    if (d.n > 0) {
        AUTO_DONE(buf) text = {0};
        diagnostics_print(&text, &d, &s->definitions);
        fflush(stdout);
        fwrite(text.p, 1, text.n, stderr);
    }
    if (s->plan == NULL) {
        session_close(s);
        return EXIT_FAILED;
    }
    code = apply_flags(s->plan, a);
    if (code == EXIT_OK)
        code = open_place(s);
    if (code != EXIT_OK)
        session_close(s);
    return code;
}

int session_open_store(struct session *s, const struct arguments *a)
{
    bool has_store = argument(a, "store") != NULL || getenv("WEIR_STORE") != NULL;
    if (a->n_list[0] > 0 || !has_store)
        return session_open(s, a);
    /* A store by name needs no definitions. */
    *s = (struct session){.folder = xstrdup(".")};
    AUTO_DONE(diagnostics) d = {0};
    if (plan_build(&s->plan, &s->definitions, ".", &d) != ERR_OK) {
        AUTO_DONE(buf) text = {0};
        diagnostics_print(&text, &d, &s->definitions);
        fwrite(text.p, 1, text.n, stderr);
        session_close(s);
        return EXIT_FAILED;
    }
    int code = apply_flags(s->plan, a);
    if (code == EXIT_OK)
        code = open_place(s);
    if (code != EXIT_OK)
        session_close(s);
    return code;
}

void session_close(struct session *s)
{
    store_free(s->store);
    store_place_done(&s->place);
    plan_free(s->plan);
    definitions_done(&s->definitions);
    free(s->folder);
    *s = (struct session){0};
}

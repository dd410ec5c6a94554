/* SPDX-License-Identifier: Apache-2.0
 *
 * A pattern without braces is a row of components. A node is one folder in which one component is
 * looked for; nodes form a tree per pattern:
 *
 *     /var/log/app-?/x*.log       node("/", "var") ─ node("/var", "log") ─ node("/var/log", "app-?")
 *                                    ─┬ node("/var/log/app-1", "x*.log")   names: x1.log, x2.log
 *                                     └ node("/var/log/app-2", "x*.log")   names: … */
#include "source/glob.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"

enum { MAX_PATTERNS = 10000, MAX_DEPTH = 64 };
/* A folder changed this recently may change again without a new mtime (coarse clocks of file
 * systems). */
static const int64_t RACY_NS = 2000000000;

struct node;

struct name {
    char *name;
    uint64_t inode;
    struct node *child; /* components before the last */
};

struct node {
    char *folder;       /* without trailing slash; "" is the root */
    uint32_t component; /* index in its pattern */
    int depth;
    bool is_listed, is_racy;
    int error; /* said last */
    uint64_t device, inode;
    int64_t mtime_ns, ctime_ns;
    struct name *names; /* sorted */
    size_t n_names;
    /* "**": the rest of the pattern in this same folder; literal: the folder below */
    struct node *below;
};

struct pattern {
    uint32_t id; /* index of the pattern as it was given */
    char **components;
    size_t n_components;
    struct node *root;
};

struct glob {
    struct pattern *patterns;
    size_t n;
};

static struct node *node_new(const char *folder, uint32_t component, int depth)
{
    struct node *n = xcalloc(1, sizeof(*n));
    n->folder = xstrdup(folder);
    n->component = component;
    n->depth = depth;
    return n;
}

static void node_free(struct node *n)
{
    if (n == NULL)
        return;
    for (size_t i = 0; i < n->n_names; i++) {
        free(n->names[i].name);
        node_free(n->names[i].child);
    }
    free(n->names);
    node_free(n->below);
    free(n->folder);
    free(n);
}

/* ---- patterns ---- */

struct words {
    char **items;
    size_t n;
};

static void words_add(struct words *w, char *text)
{
    w->items = xrealloc(w->items, (w->n + 1) * sizeof(*w->items));
    w->items[w->n++] = text;
}

static void words_done(struct words *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->items[i]);
    free(w->items);
}

/* The alternatives between two braces: a,b,c or 1..12 (leading zeros keep the width). */
static enum err_code brace_options(struct str inside, struct words *ret, struct err *e)
{
    char text[64], tail;
    long from, to;
    if (inside.n < sizeof(text)) {
        memcpy(text, inside.p, inside.n);
        text[inside.n] = '\0';
        if (sscanf(text, "%9ld..%9ld%c", &from, &to, &tail) == 2 && from >= 0 && to >= from) {
            if (to - from >= MAX_PATTERNS)
                return err_set(e, ERR_INVALID, "{%s} stands for more than 10,000 names", text);
            int width = text[0] == '0' ? (int)strcspn(text, ".") : 1;
            for (long i = from; i <= to; i++)
                words_add(ret, xasprintf("%0*ld", width, i));
            return ERR_OK;
        }
    }
    int depth = 0;
    size_t start = 0;
    for (size_t i = 0; i <= inside.n; i++) {
        if (i < inside.n && inside.p[i] == '{')
            depth++;
        if (i < inside.n && inside.p[i] == '}')
            depth--;
        if (i == inside.n || (inside.p[i] == ',' && depth == 0)) {
            words_add(ret, xstrndup(inside.p + start, i - start));
            start = i + 1;
        }
    }
    return ERR_OK;
}

/* Adds the pattern, once for each way through its braces. Takes `text`. */
static enum err_code expand(char *text, struct words *ret, struct err *e)
{
    AUTO_MEM char *own = text;
    char *open = strchr(own, '{');
    if (open == NULL) {
        if (ret->n >= MAX_PATTERNS)
            return err_set(e, ERR_INVALID,
                           "the braces of the pattern make more than 10,000 patterns");
        words_add(ret, MOVE(own));
        return ERR_OK;
    }
    char *close = open;
    for (int depth = 0; *close != '\0'; close++) {
        depth += (*close == '{') - (*close == '}');
        if (depth == 0)
            break;
    }
    if (*close == '\0')
        return err_set(e, ERR_INVALID, "'{' without '}' in the pattern '%s'", own);

    struct words options = {0};
    enum err_code code =
        brace_options((struct str){open + 1, (size_t)(close - open - 1)}, &options, e);
    for (size_t i = 0; code == ERR_OK && i < options.n; i++)
        code = expand(xasprintf("%.*s%s%s", (int)(open - own), own, options.items[i], close + 1),
                      ret, e);
    words_done(&options);
    return code;
}

static void pattern_init(struct pattern *p, uint32_t id, const char *text)
{
    *p = (struct pattern){.id = id};
    bool is_absolute = text[0] == '/';
    for (const char *at = text; *at != '\0';) {
        size_t n = strcspn(at, "/");
        if (n > 0) {
            p->components = xrealloc(p->components, (p->n_components + 1) * sizeof(char *));
            p->components[p->n_components++] = xstrndup(at, n);
        }
        at += n + (at[n] == '/');
    }
    p->root = node_new(is_absolute ? "" : ".", 0, 0);
}

enum err_code glob_new(struct glob **ret, const char *const *patterns, size_t n, struct err *e)
{
    struct glob *g = xcalloc(1, sizeof(*g));
    for (size_t i = 0; i < n; i++) {
        struct words plain = {0};
        enum err_code code = expand(xstrdup(patterns[i]), &plain, e);
        for (size_t k = 0; code == ERR_OK && k < plain.n; k++) {
            g->patterns = xrealloc(g->patterns, (g->n + 1) * sizeof(*g->patterns));
            pattern_init(&g->patterns[g->n++], (uint32_t)i, plain.items[k]);
        }
        words_done(&plain);
        if (code != ERR_OK) {
            glob_free(g);
            return code;
        }
    }
    *ret = g;
    return ERR_OK;
}

void glob_free(struct glob *g)
{
    if (g == NULL)
        return;
    for (size_t i = 0; i < g->n; i++) {
        for (size_t k = 0; k < g->patterns[i].n_components; k++)
            free(g->patterns[i].components[k]);
        free(g->patterns[i].components);
        node_free(g->patterns[i].root);
    }
    free(g->patterns);
    free(g);
}

/* ---- walking ---- */

static bool is_wild(const char *component)
{
    return strpbrk(component, "*?[\\") != NULL;
}

static char *path_join(const char *folder, const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->name, ((const struct name *)b)->name);
}

struct walk {
    const struct pattern *pattern;
    const struct glob_visitor *v;
};

static void name_done(struct walk *w, struct node *node, struct name *n);

static bool is_stopped(const struct walk *w)
{
    return w->v->stop != NULL && *w->v->stop;
}

/* Everything below is gone. */
static void node_drop(struct walk *w, struct node *node)
{
    if (node == NULL)
        return;
    for (size_t i = 0; i < node->n_names; i++)
        name_done(w, node, &node->names[i]);
    free(node->names);
    node->names = NULL;
    node->n_names = 0;
    node->is_listed = false;
    node_drop(w, node->below);
}

static bool is_last(const struct walk *w, const struct node *node)
{
    return node->component + 1 == w->pattern->n_components;
}

static void name_done(struct walk *w, struct node *node, struct name *n)
{
    if (n->child != NULL) {
        node_drop(w, n->child);
        node_free(n->child);
    } else {
        AUTO_MEM char *path = path_join(node->folder, n->name);
        w->v->gone(w->v->context, path);
    }
    free(n->name);
}

static void tell_found(struct walk *w, struct node *node, const char *name)
{
    AUTO_MEM char *path = path_join(node->folder, name);
    w->v->found(w->v->context, path, w->pattern->id);
}

/* Does the listed name belong to this node, as a file (last component) or as a folder to go
 * into? */
static bool is_wanted(struct walk *w, struct node *node, const struct dirent *d)
{
    const char *component = w->pattern->components[node->component];
    if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
        return false;
    if (strcmp(component, "**") == 0) {
        if (d->d_name[0] == '.' || node->depth >= MAX_DEPTH)
            return false;
        if (d->d_type != DT_UNKNOWN)
            return d->d_type == DT_DIR; /* links are not followed: they may lead in circles */
        AUTO_MEM char *path = path_join(node->folder, d->d_name);
        struct stat st;
        return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
    }
    if (fnmatch(component, d->d_name, FNM_PERIOD) != 0)
        return false;
    return is_last(w, node) ? d->d_type != DT_DIR
                            : d->d_type == DT_DIR || d->d_type == DT_LNK || d->d_type == DT_UNKNOWN;
}

static bool is_recursive(const struct walk *w, const struct node *node)
{
    return strcmp(w->pattern->components[node->component], "**") == 0;
}

static struct node *child_of(struct walk *w, struct node *node, const char *name)
{
    if (is_last(w, node) && !is_recursive(w, node))
        return NULL;
    AUTO_MEM char *path = path_join(node->folder, name);
    return node_new(path, node->component + !is_recursive(w, node), node->depth + 1);
}

/* Takes the new listing: both are sorted, so one pass tells what came and went. */
static void node_take(struct walk *w, struct node *node, struct name *fresh, size_t n_fresh)
{
    struct name *old = node->names;
    size_t n_old = node->n_names, i = 0, k = 0;
    while (i < n_old || k < n_fresh) {
        int c = i == n_old ? 1 : k == n_fresh ? -1 : strcmp(old[i].name, fresh[k].name);
        if (c < 0) {
            name_done(w, node, &old[i++]);
            continue;
        }
        bool is_same = c == 0 && old[i].inode == fresh[k].inode;
        if (c == 0) {
            fresh[k].child = old[i].child;
            free(old[i++].name);
        } else {
            fresh[k].child = child_of(w, node, fresh[k].name);
        }
        if (fresh[k].child == NULL && !is_same)
            tell_found(w, node, fresh[k].name);
        k++;
    }
    free(old);
    node->names = fresh;
    node->n_names = n_fresh;
}

/* Lists the folder unless it is as it was. False: it is not there or cannot be listed. */
static bool node_list(struct walk *w, struct node *node)
{
    const char *folder = node->folder[0] ? node->folder : "/";
    struct stat st;
    DIR *dir = NULL;
    if (stat(folder, &st) == 0) {
        int64_t mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
        int64_t ctime_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
        if (node->is_listed && !node->is_racy && node->device == st.st_dev &&
            node->inode == st.st_ino && node->mtime_ns == mtime_ns && node->ctime_ns == ctime_ns)
            return true;
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        node->is_racy = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - mtime_ns < RACY_NS;
        node->device = st.st_dev;
        node->inode = st.st_ino;
        node->mtime_ns = mtime_ns;
        node->ctime_ns = ctime_ns;
        dir = opendir(folder);
    }
    if (dir == NULL) {
        int error = errno;
        node->is_listed = false;
        if (error == ENOENT || error == ENOTDIR)
            node_drop(w, node);
        else if (error != node->error)
            w->v->failed(w->v->context, folder, error);
        node->error = error;
        return false;
    }
    struct name *fresh = NULL;
    size_t n = 0, cap = 0;
    struct dirent *d;
    while (!is_stopped(w) && (d = readdir(dir)) != NULL) {
        if (!is_wanted(w, node, d))
            continue;
        if (n == cap) {
            cap = cap ? cap * 2 : 16;
            fresh = xrealloc(fresh, cap * sizeof(*fresh));
        }
        fresh[n++] = (struct name){.name = xstrdup(d->d_name), .inode = d->d_ino};
    }
    closedir(dir);
    if (n > 0)
        qsort(fresh, n, sizeof(*fresh), compare_names);
    node->is_listed = true;
    node->error = 0;
    node_take(w, node, fresh, n);
    return true;
}

static void node_walk(struct walk *w, struct node *node);

/* A component without wildcards is not looked for in a listing, but by its name. */
static void walk_literal(struct walk *w, struct node *node, const char *component)
{
    if (!is_last(w, node)) {
        if (node->below == NULL) {
            AUTO_MEM char *path = path_join(node->folder, component);
            node->below = node_new(path, node->component + 1, node->depth + 1);
        }
        node_walk(w, node->below);
        return;
    }
    AUTO_MEM char *path = path_join(node->folder, component);
    struct stat st;
    if (stat(path, &st) != 0 || S_ISDIR(st.st_mode)) {
        node_drop(w, node);
        return;
    }
    if (node->n_names == 0) {
        node->names = xcalloc(1, sizeof(*node->names));
        node->names[0].name = xstrdup(component);
        node->n_names = 1;
    } else if (node->names[0].inode == st.st_ino) {
        return;
    }
    node->names[0].inode = st.st_ino;
    tell_found(w, node, component);
}

static void node_walk(struct walk *w, struct node *node)
{
    const char *component = w->pattern->components[node->component];
    if (!is_wild(component)) {
        walk_literal(w, node, component);
        return;
    }
    if (!node_list(w, node))
        return;
    if (is_recursive(w, node) && !is_last(w, node)) {
        if (node->below == NULL)
            node->below = node_new(node->folder, node->component + 1, node->depth);
        node_walk(w, node->below);
    }
    for (size_t i = 0; i < node->n_names && !is_stopped(w); i++)
        if (node->names[i].child != NULL)
            node_walk(w, node->names[i].child);
}

void glob_walk(struct glob *g, const struct glob_visitor *v)
{
    for (size_t i = 0; i < g->n; i++) {
        struct walk w = {&g->patterns[i], v};
        if (g->patterns[i].n_components > 0)
            node_walk(&w, g->patterns[i].root);
    }
}

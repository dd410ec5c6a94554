/* SPDX-License-Identifier: Apache-2.0
 *
 * weir-store is looked for in WEIR_STORE_PROGRAM, beside weir itself, in its build folder's
 * src/store/host, and in ../lib/weir. Its stderr goes to FOLDER/store.log. */
#include "store/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

enum err_code launch_find_program(char *path, size_t size, struct err *e)
{
    const char *named = getenv("WEIR_STORE_PROGRAM");
    if (named != NULL) {
        snprintf(path, size, "%s", named);
        if (access(path, X_OK) == 0)
            return ERR_OK;
        return err_errno(e, "WEIR_STORE_PROGRAM=%s", named);
    }
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n < 0)
        return err_errno(e, "/proc/self/exe");
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    *slash = '\0';
    static const char *const places[] = {"weir-store",
                                         "../lib/weir/weir-store",
                                         "../store/host/weir-store",
                                         "src/store/host/weir-store",
                                         "../src/store/host/weir-store",
                                         "../../src/store/host/weir-store"};
    for (size_t i = 0; i < COUNT(places); i++) {
        snprintf(path, size, "%.3000s/%s", self, places[i]);
        if (access(path, X_OK) == 0)
            return ERR_OK;
    }
    return err_set(
        e, ERR_NOT_FOUND,
        "the program weir-store is not in %s, nor in ../lib/weir beside it; set WEIR_STORE_PROGRAM",
        self);
}

static _Noreturn void become_store(const char *program, const char *folder)
{
    char log_path[PATH_MAX];
    snprintf(log_path, sizeof(log_path), "%.3000s/store.log", folder);
    int log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null_fd, 0);
    dup2(null_fd, 1);
    dup2(log_fd >= 0 ? log_fd : null_fd, 2);
    setsid(); /* a Ctrl-C for weir is not one for the store */
    const char *linger = getenv("WEIR_STORE_LINGER");
    execl(program, "weir-store", "--dir", folder, "--linger", linger ? linger : "10", (char *)NULL);
    _exit(127);
}

enum err_code launch_store(const char *folder, int *pid, struct err *e)
{
    char program[PATH_MAX];
    TRY(launch_find_program(program, sizeof(program), e));
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return err_errno(e, "cannot make the store's folder %s", folder);
    pid_t child = fork();
    if (child < 0)
        return err_errno(e, "fork");
    if (child == 0)
        become_store(program, folder);
    *pid = child;
    return ERR_OK;
}

bool launch_has_ended(int pid, int *status)
{
    return waitpid(pid, status, WNOHANG) == pid;
}

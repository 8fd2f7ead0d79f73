/* Stands before the C library's fsync and fdatasync, and lets one of them fail as a dying disk would.
 *
 * $DLCS_SHIM names a folder. A file `armed` in it holds a pattern of paths: the next sync of a file
 * that fits fails with EIO, once, and `armed` becomes `failed`. A later sync of such a file is noted
 * in `again`: whoever asks a second time has not understood what the first answer meant. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void place(char *into, const char *name) {
    snprintf(into, PATH_MAX, "%s/%s", getenv("DLCS_SHIM"), name);
}

/* Says whether the pattern in a file of the folder fits a path. */
static int fits(const char *name, const char *path) {
    char file[PATH_MAX], pattern[PATH_MAX];
    place(file, name);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t length = read(fd, pattern, sizeof pattern - 1);
    close(fd);
    if (length <= 0) return 0;
    pattern[length] = 0;
    return fnmatch(pattern, path, 0) == 0;
}

static int fails(int fd) {
    if (!getenv("DLCS_SHIM")) return 0;
    char link[64], path[PATH_MAX], armed[PATH_MAX], failed[PATH_MAX], again[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    place(armed, "armed");
    place(failed, "failed");
    place(again, "again");
    if (fits("armed", path)) return rename(armed, failed) == 0;
    if (fits("failed", path)) {
        int note = open(again, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (note >= 0) {
            if (write(note, path, strlen(path)) < 0) abort();
            close(note);
        }
    }
    return 0;
}

static int pass_on(const char *name, int fd) {
    if (fails(fd)) {
        errno = EIO;
        return -1;
    }
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return next(fd);
}

int fsync(int fd) { return pass_on("fsync", fd); }
int fdatasync(int fd) { return pass_on("fdatasync", fd); }

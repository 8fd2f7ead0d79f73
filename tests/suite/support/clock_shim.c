/* Stands before the C library's clock_gettime, and sets the clock of the world forward or back.
 *
 * $DLCS_CLOCK names a file of eight bytes: so many seconds are added. It can be changed at any time.
 * Clocks that only count on are left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset(void) {
    static const volatile int64_t *mapped;
    if (mapped) return mapped;
    const char *name = getenv("DLCS_CLOCK");
    int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return 0;
    void *page = mmap(0, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (page != MAP_FAILED) mapped = page;
    return mapped;
}

int clock_gettime(clockid_t id, struct timespec *now) {
    static int (*next)(clockid_t, struct timespec *);
    if (!next) next = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = next(id, now);
    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        const volatile int64_t *seconds = offset();
        if (seconds) now->tv_sec += *seconds;
    }
    return result;
}

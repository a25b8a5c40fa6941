/* Shift the wall clock of a process and of every process it starts by SHIFTED_CLOCK_S seconds.
 *
 * Preloaded. Shifted: the time of day, the times of files (read and written), and absolute deadlines on the
 * wall clock. Untouched: monotonic clocks and every duration, so that sleeps and time-outs last as long as ever.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <utime.h>

#define MONOTONIC_ENDS 1000000000 /* seconds; a machine is not up for 31 years, and the year is past 2001 */

static time_t shift_s;

__attribute__((constructor)) static void read_shift(void) {
    const char *text = getenv("SHIFTED_CLOCK_S");
    shift_s = text == NULL ? 0 : strtol(text, NULL, 10);
}

/* pthread_cond_* exist in two versions; dlsym would find the older one, which has another layout. */
static void *next(const char *name, const char *version) {
    void *found = version == NULL ? NULL : dlvsym(RTLD_NEXT, name, version);
    return found == NULL ? dlsym(RTLD_NEXT, name) : found;
}

#define REAL(name, version)                                    \
    static __typeof__(&name) real;                             \
    if (real == NULL) real = (__typeof__(real))next(#name, version)

static int is_wall(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

/* --- The time of day --- */

int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(clock_gettime, NULL);
    int failed = real(clock, now);
    if (!failed && is_wall(clock)) now->tv_sec += shift_s;
    return failed;
}

time_t time(time_t *seconds) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (seconds != NULL) *seconds = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    REAL(gettimeofday, NULL);
    int failed = real(now, zone);
    struct timeval *volatile given = now; /* declared as never NULL, but glibc allows it */
    if (!failed && given != NULL) now->tv_sec += shift_s;
    return failed;
}

/* --- The times of files --- */

static int shifted(int failed, struct stat *file) {
    if (!failed) {
        file->st_atim.tv_sec += shift_s;
        file->st_mtim.tv_sec += shift_s;
        file->st_ctim.tv_sec += shift_s;
    }
    return failed;
}

/* On 64-bit machines stat and stat64 are one structure under two names. */
#define STAT(name, parameters, arguments)                          \
    int name parameters {                                          \
        REAL(name, NULL);                                          \
        return shifted(real arguments, (struct stat *)file);       \
    }

STAT(stat, (const char *restrict path, struct stat *restrict file), (path, file))
STAT(lstat, (const char *restrict path, struct stat *restrict file), (path, file))
STAT(fstat, (int fd, struct stat *file), (fd, file))
STAT(fstatat, (int fd, const char *restrict path, struct stat *restrict file, int flags), (fd, path, file, flags))
STAT(stat64, (const char *restrict path, struct stat64 *restrict file), (path, file))
STAT(lstat64, (const char *restrict path, struct stat64 *restrict file), (path, file))
STAT(fstat64, (int fd, struct stat64 *file), (fd, file))
STAT(fstatat64, (int fd, const char *restrict path, struct stat64 *restrict file, int flags), (fd, path, file, flags))

/* What programs built against a glibc older than 2.33 call. */
#define XSTAT(name, parameters, arguments)                         \
    int name parameters;                                           \
    int name parameters {                                          \
        REAL(name, NULL);                                          \
        return shifted(real arguments, (struct stat *)file);       \
    }

XSTAT(__xstat, (int version, const char *path, struct stat *file), (version, path, file))
XSTAT(__lxstat, (int version, const char *path, struct stat *file), (version, path, file))
XSTAT(__fxstat, (int version, int fd, struct stat *file), (version, fd, file))
XSTAT(__fxstatat, (int version, int fd, const char *path, struct stat *file, int flags), (version, fd, path, file, flags))
XSTAT(__xstat64, (int version, const char *path, struct stat64 *file), (version, path, file))
XSTAT(__lxstat64, (int version, const char *path, struct stat64 *file), (version, path, file))
XSTAT(__fxstat64, (int version, int fd, struct stat64 *file), (version, fd, file))
XSTAT(__fxstatat64, (int version, int fd, const char *path, struct stat64 *file, int flags), (version, fd, path, file, flags))

int statx(int fd, const char *restrict path, int flags, unsigned mask, struct statx *restrict file) {
    REAL(statx, NULL);
    int failed = real(fd, path, flags, mask, file);
    if (!failed) {
        file->stx_atime.tv_sec += shift_s;
        file->stx_btime.tv_sec += shift_s;
        file->stx_ctime.tv_sec += shift_s;
        file->stx_mtime.tv_sec += shift_s;
    }
    return failed;
}

static const struct timespec *unshifted(const struct timespec *times, struct timespec copy[2]) {
    if (times == NULL) return NULL;
    for (int each = 0; each < 2; each++) {
        copy[each] = times[each];
        if (times[each].tv_nsec != UTIME_NOW && times[each].tv_nsec != UTIME_OMIT) copy[each].tv_sec -= shift_s;
    }
    return copy;
}

int utimensat(int fd, const char *path, const struct timespec times[2], int flags) {
    REAL(utimensat, NULL);
    struct timespec copy[2];
    return real(fd, path, unshifted(times, copy), flags);
}

int futimens(int fd, const struct timespec times[2]) {
    REAL(futimens, NULL);
    struct timespec copy[2];
    return real(fd, unshifted(times, copy));
}

int utimes(const char *path, const struct timeval times[2]) {
    struct timespec exact[2];
    if (times == NULL) return utimensat(AT_FDCWD, path, NULL, 0);
    for (int each = 0; each < 2; each++)
        exact[each] = (struct timespec){times[each].tv_sec, times[each].tv_usec * 1000};
    return utimensat(AT_FDCWD, path, exact, 0);
}

int utime(const char *path, const struct utimbuf *times) {
    if (times == NULL) return utimensat(AT_FDCWD, path, NULL, 0);
    struct timespec exact[2] = {{times->actime, 0}, {times->modtime, 0}};
    return utimensat(AT_FDCWD, path, exact, 0);
}

/* --- Absolute deadlines on the wall clock --- */

static const struct timespec *real_deadline(const struct timespec *deadline, struct timespec *copy) {
    if (deadline == NULL || deadline->tv_sec < MONOTONIC_ENDS) return deadline;
    *copy = *deadline;
    copy->tv_sec -= shift_s;
    return copy;
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict deadline) {
    REAL(sem_timedwait, "GLIBC_2.34");
    struct timespec copy;
    return real(semaphore, real_deadline(deadline, &copy));
}

int sem_clockwait(sem_t *restrict semaphore, clockid_t clock, const struct timespec *restrict deadline) {
    REAL(sem_clockwait, NULL);
    struct timespec copy;
    return real(semaphore, clock, real_deadline(deadline, &copy));
}

int pthread_cond_timedwait(
    pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, const struct timespec *restrict deadline
) {
    REAL(pthread_cond_timedwait, "GLIBC_2.3.2");
    struct timespec copy;
    return real(condition, mutex, real_deadline(deadline, &copy));
}

int pthread_cond_clockwait(
    pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, clockid_t clock,
    const struct timespec *restrict deadline
) {
    REAL(pthread_cond_clockwait, NULL);
    struct timespec copy;
    return real(condition, mutex, clock, real_deadline(deadline, &copy));
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict deadline) {
    REAL(pthread_mutex_timedlock, "GLIBC_2.34");
    struct timespec copy;
    return real(mutex, real_deadline(deadline, &copy));
}

int timerfd_settime(int fd, int flags, const struct itimerspec *wanted, struct itimerspec *before) {
    REAL(timerfd_settime, NULL);
    struct itimerspec copy = *wanted;
    if (flags & TFD_TIMER_ABSTIME && copy.it_value.tv_sec >= MONOTONIC_ENDS) copy.it_value.tv_sec -= shift_s;
    return real(fd, flags, &copy, before);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted, struct timespec *left) {
    REAL(clock_nanosleep, "GLIBC_2.17");
    struct timespec copy;
    return real(clock, flags, flags & TIMER_ABSTIME ? real_deadline(wanted, &copy) : wanted, left);
}

/* A disk that can lose its power: preloaded into a process, it writes down what the process does to one folder.
 *
 * POWER_CUT_FOLDER   the folder, absolute and without symbolic links
 * POWER_CUT_JOURNAL  the file, outside of the folder, that takes the records; disk.py reads them
 * POWER_CUT_AFTER    the number of the record after which the process is killed; 0 or none: never
 *
 * Every operation is done first and written down then, in one write at the journal's end, so a process that is killed
 * in between has not heard that it was done. fsync only writes down: what it is worth is decided by disk.py. What this
 * file cannot write down faithfully it writes down as unknown, and disk.py refuses it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define HEARD __attribute__((visibility("default")))
#define ROOM (2 * PATH_MAX + 2)

enum kind { CREATE = 'C', FOLDER = 'M', WRITE = 'W', SIZE = 'T', SYNC = 'S', LINK = 'L', UNLINK = 'U', RENAME = 'R',
            TOLD = 'P', UNKNOWN = '!' };

struct record { uint32_t length, kind; uint64_t file, offset; };

static char folder[PATH_MAX];
static size_t folder_length;
static int journal = -1;
static long kill_after, records;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("POWER_CUT_FOLDER"), *file = getenv("POWER_CUT_JOURNAL"), *after = getenv("POWER_CUT_AFTER");
    if (path == NULL || file == NULL)
        return;
    int opened = syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (opened < 0 || strlen(path) >= sizeof folder)
        abort();
    /* High, where no program puts a descriptor of its own. */
    journal = fcntl(opened, F_DUPFD_CLOEXEC, 900);
    syscall(SYS_close, opened);
    if (journal < 0)
        abort();
    strcpy(folder, path);
    folder_length = strlen(folder);
    kill_after = after == NULL ? 0 : atol(after);
}

static void note(enum kind kind, uint64_t file, uint64_t offset, const void *data, size_t length)
{
    struct record head = { (uint32_t)length, kind, file, offset };
    struct iovec parts[2] = { { &head, sizeof head }, { (void *)data, length } };
    int kept = errno;
    if (syscall(SYS_writev, journal, parts, 2) != (long)(sizeof head + length))
        abort();
    if (__atomic_add_fetch(&records, 1, __ATOMIC_SEQ_CST) == kill_after)
        syscall(SYS_kill, getpid(), SIGKILL);
    errno = kept;
}

static int within(const char *path)
{
    return journal >= 0 && strncmp(path, folder, folder_length) == 0
        && (path[folder_length] == '/' || path[folder_length] == 0);
}

/* Whether an open file belongs to the folder; its path as the kernel knows it. */
static int watched(int fd, char *path, uint64_t *file)
{
    char link[64];
    struct stat status;
    if (journal < 0 || fd == journal)
        return 0;
    int kept = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length > 0)
        path[length] = 0;
    int found = length > 0 && within(path) && fstat(fd, &status) == 0
        && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
    if (found)
        *file = status.st_ino;
    errno = kept;
    return found;
}

/* Whether a name belongs to the folder; the name with its folder's real path. */
static int located(int base, const char *path, char *full)
{
    char joined[ROOM], parent[PATH_MAX], start[PATH_MAX] = "";
    int kept = errno, found = 0;
    if (journal < 0 || path == NULL)
        return 0;
    if (path[0] != '/' && base == AT_FDCWD && getcwd(start, sizeof start) == NULL)
        goto out;
    if (path[0] != '/' && base != AT_FDCWD) {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", base);
        ssize_t length = readlink(link, start, sizeof start - 1);
        start[length < 0 ? 0 : length] = 0;
    }
    snprintf(joined, sizeof joined, "%s/%s", start, path);
    size_t length = strlen(joined);
    while (length > 1 && joined[length - 1] == '/')
        joined[--length] = 0;
    char *slash = strrchr(joined, '/');
    *slash = 0;
    if (realpath(slash == joined ? "/" : joined, parent) == NULL)
        goto out;
    snprintf(full, ROOM, "%s/%s", parent, slash + 1);
    found = within(full);
out:
    errno = kept;
    return found;
}

static void unknown(const char *what)
{
    note(UNKNOWN, 0, 0, what, strlen(what));
}

static void unknown_when_watched(int fd, const char *what)
{
    char path[PATH_MAX];
    uint64_t file;
    if (watched(fd, path, &file))
        unknown(what);
}

/* --- names ------------------------------------------------------------------------------------------------------- */

static int open_at(int base, const char *path, int flags, mode_t mode)
{
    char full[ROOM];
    struct stat status;
    int changes = flags & (O_CREAT | O_TRUNC), inside = changes && located(base, path, full);
    int fresh = inside && lstat(full, &status) != 0;
    int fd = syscall(SYS_openat, base, path, flags, mode);
    if (fd < 0 || !inside)
        return fd;
    if ((flags & O_TMPFILE) == O_TMPFILE)
        unknown("O_TMPFILE");
    if (fstat(fd, &status) != 0)
        abort();
    if (fresh)
        note(CREATE, status.st_ino, 0, full, strlen(full));
    else if (flags & O_TRUNC)
        note(SIZE, status.st_ino, 0, NULL, 0);
    return fd;
}

#define OPEN(name, parameters, base) \
    HEARD int name parameters \
    { \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { \
            va_list rest; \
            va_start(rest, flags); \
            mode = va_arg(rest, mode_t); \
            va_end(rest); \
        } \
        return open_at(base, path, flags, mode); \
    }
OPEN(open, (const char *path, int flags, ...), AT_FDCWD)
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD)
OPEN(openat, (int base, const char *path, int flags, ...), base)
OPEN(openat64, (int base, const char *path, int flags, ...), base)

HEARD int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
HEARD int creat64(const char *path, mode_t mode) { return creat(path, mode); }

HEARD int mkdirat(int base, const char *path, mode_t mode)
{
    char full[ROOM];
    struct stat status;
    int done = syscall(SYS_mkdirat, base, path, mode);
    if (done == 0 && located(base, path, full) && lstat(full, &status) == 0)
        note(FOLDER, status.st_ino, 0, full, strlen(full));
    return done;
}
HEARD int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

HEARD int unlinkat(int base, const char *path, int flags)
{
    char full[ROOM];
    int inside = located(base, path, full), done = syscall(SYS_unlinkat, base, path, flags);
    if (done == 0 && inside)
        note(UNLINK, 0, 0, full, strlen(full));
    return done;
}
HEARD int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
HEARD int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
HEARD int remove(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) ? rmdir(path) : unlink(path);
}

HEARD int linkat(int from, const char *old, int to, const char *new, int flags)
{
    char full[ROOM];
    struct stat status;
    int done = syscall(SYS_linkat, from, old, to, new, flags);
    if (done == 0 && located(to, new, full) && lstat(full, &status) == 0)
        note(LINK, status.st_ino, 0, full, strlen(full));
    return done;
}
HEARD int link(const char *old, const char *new) { return linkat(AT_FDCWD, old, AT_FDCWD, new, 0); }

HEARD int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    char first[ROOM], both[2 * ROOM];
    int left = located(from, old, first), right = located(to, new, both);
    int done = syscall(SYS_renameat2, from, old, to, new, flags);
    if (done != 0 || (!left && !right))
        return done;
    if (!left || !right || flags != 0)
        unknown("a rename over the folder's edge or with flags");
    size_t length = strlen(first) + 1;
    memmove(both + length, both, strlen(both) + 1);
    memcpy(both, first, length);
    note(RENAME, 0, 0, both, length + strlen(both + length));
    return done;
}
HEARD int renameat(int from, const char *old, int to, const char *new) { return renameat2(from, old, to, new, 0); }
HEARD int rename(const char *old, const char *new) { return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0); }

HEARD int symlinkat(const char *target, int base, const char *path)
{
    char full[ROOM];
    int done = syscall(SYS_symlinkat, target, base, path);
    if (done == 0 && located(base, path, full))
        unknown("symlink");
    return done;
}
HEARD int symlink(const char *target, const char *path) { return symlinkat(target, AT_FDCWD, path); }

/* --- contents ---------------------------------------------------------------------------------------------------- */

HEARD ssize_t write(int fd, const void *data, size_t length)
{
    char path[PATH_MAX];
    uint64_t file;
    if (fd == STDOUT_FILENO && journal >= 0) {
        /* Before it is said: from now on it must hold. */
        note(TOLD, 0, 0, data, length);
        return syscall(SYS_write, fd, data, length);
    }
    int inside = fd > STDERR_FILENO && watched(fd, path, &file);
    ssize_t done = syscall(SYS_write, fd, data, length);
    if (done >= 0 && inside)
        note(WRITE, file, (uint64_t)(lseek(fd, 0, SEEK_CUR) - done), data, done);
    return done;
}

HEARD ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset)
{
    char path[PATH_MAX];
    uint64_t file;
    ssize_t done = syscall(SYS_pwrite64, fd, data, length, offset);
    if (done >= 0 && watched(fd, path, &file))
        note(WRITE, file, (uint64_t)offset, data, done);
    return done;
}
HEARD ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

HEARD int ftruncate64(int fd, off_t size)
{
    char path[PATH_MAX];
    uint64_t file;
    int done = syscall(SYS_ftruncate, fd, size);
    if (done == 0 && watched(fd, path, &file))
        note(SIZE, file, (uint64_t)size, NULL, 0);
    return done;
}
HEARD int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

HEARD int truncate64(const char *path, off_t size)
{
    char full[ROOM];
    struct stat status;
    int done = syscall(SYS_truncate, path, size);
    if (done == 0 && located(AT_FDCWD, path, full) && stat(full, &status) == 0)
        note(SIZE, status.st_ino, (uint64_t)size, NULL, 0);
    return done;
}
HEARD int truncate(const char *path, off_t size) { return truncate64(path, size); }

static int synced(int fd, long call)
{
    char path[PATH_MAX];
    uint64_t file;
    if (!watched(fd, path, &file))
        return syscall(call, fd);
    note(SYNC, file, 0, NULL, 0);
    return 0;
}
HEARD int fsync(int fd) { return synced(fd, SYS_fsync); }
HEARD int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

/* sync_file_range promises nothing after a power cut, so it is let through; sync() would promise everything. */
HEARD void sync(void) { if (journal >= 0) unknown("sync"); }
HEARD int syncfs(int fd) { unknown_when_watched(fd, "syncfs"); return 0; }

/* --- ways to write that are not written down -------------------------------------------------------------------- */

HEARD void *mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    char path[PATH_MAX];
    uint64_t file;
    /* SQLite keeps its index of the log in memory of this kind, and makes it anew after a crash. */
    if (fd >= 0 && (flags & MAP_SHARED) && (protection & PROT_WRITE) && watched(fd, path, &file)) {
        size_t end = strlen(path);
        if (end < 4 || strcmp(path + end - 4, "-shm") != 0)
            unknown("a shared mapping that can be written");
    }
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}
HEARD void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    return mmap64(address, length, protection, flags, fd, offset);
}
HEARD ssize_t writev(int fd, const struct iovec *parts, int count)
{
    unknown_when_watched(fd, "writev");
    return syscall(SYS_writev, fd, parts, count);
}
HEARD ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
    unknown_when_watched(fd, "pwritev");
    return syscall(SYS_pwritev2, fd, parts, count, offset, 0, flags);
}
HEARD ssize_t pwritev2(int fd, const struct iovec *p, int n, off_t at, int flags) { return pwritev64v2(fd, p, n, at, flags); }
HEARD ssize_t pwritev(int fd, const struct iovec *p, int n, off_t at) { return pwritev64v2(fd, p, n, at, 0); }
HEARD ssize_t pwritev64(int fd, const struct iovec *p, int n, off_t at) { return pwritev64v2(fd, p, n, at, 0); }
HEARD int fallocate64(int fd, int mode, off_t offset, off_t length)
{
    unknown_when_watched(fd, "fallocate");
    return syscall(SYS_fallocate, fd, mode, offset, length);
}
HEARD int fallocate(int fd, int mode, off_t offset, off_t length) { return fallocate64(fd, mode, offset, length); }
HEARD int posix_fallocate64(int fd, off_t at, off_t length) { return fallocate64(fd, 0, at, length) == 0 ? 0 : errno; }
HEARD int posix_fallocate(int fd, off_t at, off_t length) { return posix_fallocate64(fd, at, length); }
HEARD ssize_t copy_file_range(int from, off64_t *start, int to, off64_t *end, size_t length, unsigned flags)
{
    unknown_when_watched(to, "copy_file_range");
    return syscall(SYS_copy_file_range, from, start, to, end, length, flags);
}
HEARD ssize_t sendfile64(int to, int from, off64_t *offset, size_t count)
{
    unknown_when_watched(to, "sendfile");
    return syscall(SYS_sendfile, to, from, offset, count);
}
HEARD ssize_t sendfile(int to, int from, off_t *offset, size_t count) { return sendfile64(to, from, offset, count); }
HEARD ssize_t splice(int from, off64_t *start, int to, off64_t *end, size_t length, unsigned flags)
{
    unknown_when_watched(to, "splice");
    return syscall(SYS_splice, from, start, to, end, length, flags);
}

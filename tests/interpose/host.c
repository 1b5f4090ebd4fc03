// SPDX-License-Identifier: Apache-2.0
//
// A plain C program that calls one libc function and says what came back: `host VERB ARGUMENTS...`. One verb per function that
// line 2 guards, called by the name under test. Prints `ok ...` or the name of errno.
#define _GNU_SOURCE
#include "errno_name.h"
#include "newer.h"
#include "start.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <glob.h>
#include <linux/openat2.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pty.h>
#include <pthread.h>
#include <resolv.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

extern char **environ;
static char **arg;  // the verb's arguments
static int args;

static int number(int i) { return i < args ? atoi(arg[i]) : 0; }

static int say(long result) {
  if (result < 0) {
    printf("%s\n", errno_name(errno));
    return 1;
  }
  printf("ok\n");
  return 0;
}

static int say_read(int fd) {
  if (fd < 0) return say(fd);
  char text[200];
  const ssize_t n = read(fd, text, sizeof text - 1);
  if (n < 0) return say(n);
  text[n] = 0;
  printf("ok %s\n", text);
  return 0;
}

static int say_write(int fd) {
  if (fd < 0) return say(fd);
  return say(write(fd, "written", 7));
}

static int say_stream(FILE *stream) {
  if (!stream) return say(-1);
  char text[200] = "";
  if (!fgets(text, sizeof text, stream)) text[0] = 0;
  printf("ok %s\n", text);
  return 0;
}

static struct {
  const char *name;
  int (*run)(void);
} verbs[300];
static int verb_count;

#define VERB(verb, ...)                                       \
  static int verb_##verb(void) { __VA_ARGS__ }                \
  __attribute__((constructor)) static void add_##verb(void) { \
    verbs[verb_count].name = #verb;                           \
    verbs[verb_count++].run = verb_##verb;                    \
  }

// --- files ------------------------------------------------------------------------------------------------------------------
extern int __open_2(const char *, int), __open64_2(const char *, int), __openat_2(int, const char *, int), __openat64_2(int, const char *, int);

VERB(open, return say_read(open(arg[0], O_RDONLY));)
VERB(open64, return say_read(open64(arg[0], O_RDONLY));)
VERB(openat, return say_read(openat(AT_FDCWD, arg[0], O_RDONLY));)
VERB(openat_dir, return say_read(openat(open(arg[0], O_PATH), arg[1], O_RDONLY));)
VERB(openat64, return say_read(openat64(AT_FDCWD, arg[0], O_RDONLY));)
VERB(open_2, return say_read(__open_2(arg[0], O_RDONLY));)
VERB(open64_2, return say_read(__open64_2(arg[0], O_RDONLY));)
VERB(openat_2, return say_read(__openat_2(AT_FDCWD, arg[0], O_RDONLY));)
VERB(openat64_2, return say_read(__openat64_2(AT_FDCWD, arg[0], O_RDONLY));)
VERB(open_write, return say_write(open(arg[0], O_WRONLY));)
VERB(open_rdwr, return say_write(open(arg[0], O_RDWR));)
VERB(open_append, return say_write(open(arg[0], O_WRONLY | O_APPEND));)
VERB(open_trunc, return say(open(arg[0], O_RDONLY | O_TRUNC));)
VERB(open_create, return say_write(open(arg[0], O_WRONLY | O_CREAT, 0644));)
VERB(open_excl, return say_write(open(arg[0], O_WRONLY | O_CREAT | O_EXCL, 0644));)
VERB(open_tmpfile, {
  const int fd = open(arg[0], O_TMPFILE | O_RDWR, 0600);
  if (fd < 0) return say(fd);
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  char name[500];
  snprintf(name, sizeof name, "%s/from_tmpfile", arg[0]);
  return say(linkat(AT_FDCWD, link, AT_FDCWD, name, AT_SYMLINK_FOLLOW));
})
VERB(creat, return say_write(creat(arg[0], 0644));)
VERB(creat64, return say_write(creat64(arg[0], 0644));)
VERB(fopen, return say_stream(fopen(arg[0], "r"));)
VERB(fopen_write, {
  FILE *f = fopen(arg[0], "w");
  if (!f) return say(-1);
  return say(fputs("x", f));
})
VERB(freopen, return say_stream(freopen(arg[0], "r", stdin));)
VERB(opendir, {
  DIR *d = opendir(arg[0]);
  if (!d) return say(-1);
  printf("ok");
  for (struct dirent *e; (e = readdir(d));)
    if (e->d_name[0] != '.') printf(" %s", e->d_name);
  printf("\n");
  return 0;
})
VERB(scandir, {
  struct dirent **list;
  const int n = scandir(arg[0], &list, NULL, alphasort);
  if (n < 0) return say(n);
  printf("ok %d\n", n);
  return 0;
})
VERB(scandirat, {
  struct dirent **list;
  const int n = scandirat(AT_FDCWD, arg[0], &list, NULL, alphasort);
  if (n < 0) return say(n);
  printf("ok %d\n", n);
  return 0;
})
static int visited;
static int visit(const char *path, const struct stat *st, int type) {
  (void)path, (void)st;
  if (type != FTW_DNR) ++visited;
  return 0;
}
static int visit4(const char *path, const struct stat *st, int type, struct FTW *f) {
  (void)f;
  return visit(path, st, type);
}
VERB(ftw, ftw(arg[0], visit, 8); printf("visited %d\n", visited); return 0;)
VERB(nftw, nftw(arg[0], visit4, 8, FTW_PHYS); printf("visited %d\n", visited); return 0;)
VERB(fts, {
  char *paths[] = {arg[0], NULL};
  FTS *f = fts_open(paths, FTS_PHYSICAL | FTS_NOSTAT, NULL);
  for (FTSENT *e; f && (e = fts_read(f));)
    if (e->fts_info != FTS_DNR && e->fts_info != FTS_DP) ++visited;
  printf("visited %d\n", visited);
  return 0;
})
VERB(glob, {
  glob_t g;
  const int r = glob(arg[0], 0, NULL, &g);
  printf("found %d\n", r ? 0 : (int)g.gl_pathc);
  return 0;
})
VERB(mkstemp, {
  char name[500];
  snprintf(name, sizeof name, "%s/XXXXXX", arg[0]);
  return say(mkstemp(name));
})
VERB(mkdtemp, {
  char name[500];
  snprintf(name, sizeof name, "%s/XXXXXX", arg[0]);
  return say(mkdtemp(name) ? 0 : -1);
})
VERB(openat2, {
  struct open_how how = {.flags = O_RDONLY};
  return say_read((int)syscall(SYS_openat2, AT_FDCWD, arg[0], &how, sizeof how));
})
VERB(openat2_beneath, {
  struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_BENEATH};
  return say_read((int)syscall(SYS_openat2, open(arg[0], O_PATH), arg[1], &how, sizeof how));
})
VERB(openat2_in_root, {
  struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT};
  return say_read((int)syscall(SYS_openat2, open(arg[0], O_PATH), arg[1], &how, sizeof how));
})
VERB(open_by_handle_at, {
  union {
    struct file_handle handle;
    char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
  } h = {.handle.handle_bytes = MAX_HANDLE_SZ};
  int mount;
  if (name_to_handle_at(AT_FDCWD, arg[0], &h.handle, &mount, 0)) return say(-1);
  return say_read(open_by_handle_at(open(arg[1], O_RDONLY | O_DIRECTORY), &h.handle, O_RDONLY));
})
VERB(mkdir, return say(mkdir(arg[0], 0755));)
VERB(mkdirat, return say(mkdirat(AT_FDCWD, arg[0], 0755));)
VERB(mknod, return say(mknod(arg[0], S_IFREG | 0644, 0));)
VERB(mknodat, return say(mknodat(AT_FDCWD, arg[0], S_IFREG | 0644, 0));)
VERB(mkfifo, return say(mkfifo(arg[0], 0644));)
VERB(mkfifoat, return say(mkfifoat(AT_FDCWD, arg[0], 0644));)
VERB(unlink, return say(unlink(arg[0]));)
VERB(unlinkat, return say(unlinkat(AT_FDCWD, arg[0], 0));)
VERB(unlinkat_dir, return say(unlinkat(open(arg[0], O_PATH), arg[1], 0));)
VERB(remove, return say(remove(arg[0]));)
VERB(rmdir, return say(rmdir(arg[0]));)
VERB(unlinkat_rmdir, return say(unlinkat(AT_FDCWD, arg[0], AT_REMOVEDIR));)
VERB(symlink, return say(symlink(arg[0], arg[1]));)
VERB(symlinkat, return say(symlinkat(arg[0], AT_FDCWD, arg[1]));)
VERB(rename, return say(rename(arg[0], arg[1]));)
VERB(renameat, return say(renameat(AT_FDCWD, arg[0], AT_FDCWD, arg[1]));)
VERB(renameat2, return say(renameat2(AT_FDCWD, arg[0], AT_FDCWD, arg[1], 0));)
VERB(renameat2_exchange, return say(renameat2(AT_FDCWD, arg[0], AT_FDCWD, arg[1], RENAME_EXCHANGE));)
VERB(link, return say(link(arg[0], arg[1]));)
VERB(linkat, return say(linkat(AT_FDCWD, arg[0], AT_FDCWD, arg[1], 0));)
VERB(linkat_follow, return say(linkat(AT_FDCWD, arg[0], AT_FDCWD, arg[1], AT_SYMLINK_FOLLOW));)
VERB(truncate, return say(truncate(arg[0], 1));)
VERB(truncate64, return say(truncate64(arg[0], 1));)
VERB(chmod, return say(chmod(arg[0], 0600));)
VERB(fchmodat, return say(fchmodat(AT_FDCWD, arg[0], 0600, 0));)
VERB(fchmod, return say(fchmod(open(arg[0], O_RDONLY), 0600));)
VERB(lchmod, return say(lchmod(arg[0], 0600));)
VERB(chown, return say(chown(arg[0], 12345, 12345));)
VERB(lchown, return say(lchown(arg[0], 12345, 12345));)
VERB(fchown, return say(fchown(open(arg[0], O_RDONLY), 12345, 12345));)
VERB(fchownat, return say(fchownat(AT_FDCWD, arg[0], 12345, 12345, 0));)
VERB(fchownat_empty, return say(fchownat(open(arg[0], O_PATH), "", 12345, 12345, AT_EMPTY_PATH));)
VERB(utime, struct utimbuf t = {1, 1}; return say(utime(arg[0], &t));)
VERB(utimes, struct timeval t[2] = {{1, 0}, {1, 0}}; return say(utimes(arg[0], t));)
VERB(lutimes, struct timeval t[2] = {{1, 0}, {1, 0}}; return say(lutimes(arg[0], t));)
VERB(futimes, struct timeval t[2] = {{1, 0}, {1, 0}}; return say(futimes(open(arg[0], O_RDONLY), t));)
VERB(futimesat, struct timeval t[2] = {{1, 0}, {1, 0}}; return say(futimesat(AT_FDCWD, arg[0], t));)
VERB(utimensat, struct timespec t[2] = {{1, 0}, {1, 0}}; return say(utimensat(AT_FDCWD, arg[0], t, 0));)
VERB(futimens, struct timespec t[2] = {{1, 0}, {1, 0}}; return say(futimens(open(arg[0], O_RDONLY), t));)
VERB(setxattr, return say(setxattr(arg[0], "user.t", "v", 1, 0));)
VERB(lsetxattr, return say(lsetxattr(arg[0], "user.t", "v", 1, 0));)
VERB(fsetxattr, return say(fsetxattr(open(arg[0], O_RDONLY), "user.t", "v", 1, 0));)
VERB(removexattr, return say(removexattr(arg[0], "user.old"));)
VERB(lremovexattr, return say(lremovexattr(arg[0], "user.old"));)
VERB(fremovexattr, return say(fremovexattr(open(arg[0], O_RDONLY), "user.old"));)
VERB(getxattr, char b[9]; return say(getxattr(arg[0], "user.old", b, sizeof b));)
VERB(lgetxattr, char b[9]; return say(lgetxattr(arg[0], "user.old", b, sizeof b));)
VERB(listxattr, char b[99]; return say(listxattr(arg[0], b, sizeof b));)
VERB(llistxattr, char b[99]; return say(llistxattr(arg[0], b, sizeof b));)
VERB(stat, struct stat s; return say(stat(arg[0], &s));)
VERB(lstat, struct stat s; return say(lstat(arg[0], &s));)
VERB(fstatat, struct stat s; return say(fstatat(AT_FDCWD, arg[0], &s, 0));)
extern int __xstat(int, const char *, struct stat *), __lxstat(int, const char *, struct stat *), __fxstatat(int, int, const char *, struct stat *, int);
#ifdef SYS_open
enum { stat_version = 1 };
#else
enum { stat_version = 0 };
#endif
VERB(xstat, struct stat s; return say(__xstat(stat_version, arg[0], &s));)
VERB(lxstat, struct stat s; return say(__lxstat(stat_version, arg[0], &s));)
VERB(fxstatat, struct stat s; return say(__fxstatat(stat_version, AT_FDCWD, arg[0], &s, 0));)
VERB(statx, struct statx s; return say(statx(AT_FDCWD, arg[0], 0, STATX_BASIC_STATS, &s));)
VERB(access, return say(access(arg[0], R_OK));)
VERB(faccessat, return say(faccessat(AT_FDCWD, arg[0], R_OK, 0));)
VERB(euidaccess, return say(euidaccess(arg[0], R_OK));)
VERB(readlink, char b[500]; return say(readlink(arg[0], b, sizeof b));)
VERB(readlinkat, char b[500]; return say(readlinkat(AT_FDCWD, arg[0], b, sizeof b));)
VERB(statfs, struct statfs s; return say(statfs(arg[0], &s));)
VERB(statvfs, struct statvfs s; return say(statvfs(arg[0], &s));)
VERB(raw_statfs, struct statfs s; return say((int)syscall(SYS_statfs, arg[0], &s));)
VERB(name_to_handle_at, {
  union {
    struct file_handle handle;
    char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
  } h = {.handle.handle_bytes = MAX_HANDLE_SZ};
  int mount;
  return say(name_to_handle_at(AT_FDCWD, arg[0], &h.handle, &mount, 0));
})
VERB(inotify_add_watch, return say(inotify_add_watch(inotify_init(), arg[0], IN_OPEN));)
VERB(raw_inotify_add_watch, return say((int)syscall(SYS_inotify_add_watch, inotify_init(), arg[0], IN_OPEN));)
VERB(bind_unix, {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  strncpy(a.sun_path, arg[0], sizeof a.sun_path - 1);
  return say(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof a));
})
VERB(addopen, {  // the child's standard output becomes the file
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, arg[0], O_WRONLY | O_CREAT | O_TRUNC, 0644);
  char *argv[] = {"echo", "from the child", NULL};
  pid_t pid;
  const int r = posix_spawn(&pid, "/bin/echo", &actions, NULL, argv, environ);
  errno = r;
  if (r) return say(-1);
  waitpid(pid, NULL, 0);
  return say(0);
})
#define RAW(verb, ...) VERB(raw_##verb, return say(syscall(__VA_ARGS__));)
VERB(raw_openat, return say_read((int)syscall(SYS_openat, AT_FDCWD, arg[0], O_RDONLY));)
RAW(mkdirat, SYS_mkdirat, AT_FDCWD, arg[0], 0755)
RAW(mknodat, SYS_mknodat, AT_FDCWD, arg[0], S_IFREG | 0644, 0)
RAW(unlinkat, SYS_unlinkat, AT_FDCWD, arg[0], 0)
RAW(symlinkat, SYS_symlinkat, arg[0], AT_FDCWD, arg[1])
RAW(renameat, SYS_renameat, AT_FDCWD, arg[0], AT_FDCWD, arg[1])
RAW(renameat2, SYS_renameat2, AT_FDCWD, arg[0], AT_FDCWD, arg[1], 0)
RAW(linkat, SYS_linkat, AT_FDCWD, arg[0], AT_FDCWD, arg[1], 0)
RAW(truncate, SYS_truncate, arg[0], 1)
RAW(fchmodat, SYS_fchmodat, AT_FDCWD, arg[0], 0600)
RAW(fchmodat2, SYS_fchmodat2, AT_FDCWD, arg[0], 0600, 0)
RAW(fchmod, SYS_fchmod, open(arg[0], O_RDONLY), 0600)
RAW(fchownat, SYS_fchownat, AT_FDCWD, arg[0], 12345, 12345, 0)
RAW(utimensat, SYS_utimensat, AT_FDCWD, arg[0], NULL, 0)
RAW(setxattr, SYS_setxattr, arg[0], "user.t", "v", 1, 0)
RAW(removexattr, SYS_removexattr, arg[0], "user.old")
VERB(raw_statx, struct statx s; return say(syscall(SYS_statx, AT_FDCWD, arg[0], 0, STATX_BASIC_STATS, &s));)
RAW(faccessat2, SYS_faccessat2, AT_FDCWD, arg[0], R_OK, 0)
#ifdef SYS_open  // calls that newer machines never had
VERB(raw_open, return say_read((int)syscall(SYS_open, arg[0], O_RDONLY));)
RAW(creat, SYS_creat, arg[0], 0644)
RAW(mkdir, SYS_mkdir, arg[0], 0755)
RAW(mknod, SYS_mknod, arg[0], S_IFREG | 0644, 0)
RAW(unlink, SYS_unlink, arg[0])
RAW(rmdir, SYS_rmdir, arg[0])
RAW(symlink, SYS_symlink, arg[0], arg[1])
RAW(rename, SYS_rename, arg[0], arg[1])
RAW(link, SYS_link, arg[0], arg[1])
RAW(chmod, SYS_chmod, arg[0], 0600)
RAW(chown, SYS_chown, arg[0], 12345, 12345)
RAW(lchown, SYS_lchown, arg[0], 12345, 12345)
RAW(utimes, SYS_utimes, arg[0], NULL)
VERB(raw_stat, struct stat s; return say(syscall(SYS_stat, arg[0], &s));)
RAW(access, SYS_access, arg[0], R_OK)
VERB(raw_readlink, char b[500]; return say(syscall(SYS_readlink, arg[0], b, sizeof b));)
#endif

// --- network ----------------------------------------------------------------------------------------------------------------
static struct sockaddr_in inet(const char *ip, int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  inet_pton(AF_INET, ip, &a.sin_addr);
  return a;
}
static struct sockaddr_in6 inet6(const char *ip, int port) {
  struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
  inet_pton(AF_INET6, ip, &a.sin6_addr);
  return a;
}
static int tell(int fd, long result) {
  if (result < 0) return say(result);
  (void)!send(fd, "hello", 5, MSG_NOSIGNAL);
  return say(0);
}
VERB(connect, {
  struct sockaddr_in a = inet(arg[0], number(1));
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  return tell(fd, connect(fd, (struct sockaddr *)&a, sizeof a));
})
VERB(connect_mapped, {  // an IPv4 address in an IPv6 socket
  char text[64];
  snprintf(text, sizeof text, "::ffff:%s", arg[0]);
  struct sockaddr_in6 a = inet6(text, number(1));
  const int fd = socket(AF_INET6, SOCK_STREAM, 0);
  return tell(fd, connect(fd, (struct sockaddr *)&a, sizeof a));
})
VERB(connect6, {
  struct sockaddr_in6 a = inet6("::1", number(1));
  const int fd = socket(AF_INET6, SOCK_STREAM, 0);
  return tell(fd, connect(fd, (struct sockaddr *)&a, sizeof a));
})
VERB(connect6_short, {  // the 24 bytes of RFC 2133
  struct sockaddr_in6 a = inet6("::1", number(1));
  const int fd = socket(AF_INET6, SOCK_STREAM, 0);
  return tell(fd, connect(fd, (struct sockaddr *)&a, 24));
})
VERB(connect_any, {  // 0.0.0.0 reaches this machine
  struct sockaddr_in a = inet("0.0.0.0", number(1));
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  return tell(fd, connect(fd, (struct sockaddr *)&a, sizeof a));
})
VERB(connect_mptcp, {
  struct sockaddr_in a = inet(arg[0], number(1));
  int fd = socket(AF_INET, SOCK_STREAM, 262);
  if (fd < 0) fd = socket(AF_INET, SOCK_STREAM, 0);
  return tell(fd, connect(fd, (struct sockaddr *)&a, sizeof a));
})
VERB(connect_unix, {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  strncpy(a.sun_path, arg[0], sizeof a.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  return tell(fd, connect(fd, (struct sockaddr *)&a, sizeof a));
})
VERB(connect_udp, {
  struct sockaddr_in a = inet(arg[0], number(1));
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  return tell(fd, connect(fd, (struct sockaddr *)&a, sizeof a));
})
VERB(sendto, {
  struct sockaddr_in a = inet(arg[0], number(1));
  return say(sendto(socket(AF_INET, SOCK_DGRAM, 0), "hello", 5, 0, (struct sockaddr *)&a, sizeof a));
})
VERB(sendto_unspec, {  // family 0 is delivered as IPv4
  struct sockaddr_in a = inet(arg[0], number(1));
  a.sin_family = AF_UNSPEC;
  return say(sendto(socket(AF_INET, SOCK_DGRAM, 0), "hello", 5, 0, (struct sockaddr *)&a, sizeof a));
})
VERB(sendto_in_on_in6, {  // an IPv4 address on an IPv6 socket
  struct sockaddr_in a = inet(arg[0], number(1));
  return say(sendto(socket(AF_INET6, SOCK_DGRAM, 0), "hello", 5, 0, (struct sockaddr *)&a, sizeof a));
})
VERB(sendto_connected, {  // connected to one, sends to the other
  struct sockaddr_in first = inet(arg[0], number(2));
  struct sockaddr_in a = inet(arg[0], number(1));
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (connect(fd, (struct sockaddr *)&first, sizeof first)) return say(-1);
  return say(sendto(fd, "hello", 5, 0, (struct sockaddr *)&a, sizeof a));
})
VERB(sendto_fastopen, {
  struct sockaddr_in a = inet(arg[0], number(1));
  return say(sendto(socket(AF_INET, SOCK_STREAM, 0), "hello", 5, MSG_FASTOPEN, (struct sockaddr *)&a, sizeof a));
})
VERB(sendmsg, {
  struct sockaddr_in a = inet(arg[0], number(1));
  struct iovec v = {"hello", 5};
  struct msghdr m = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &v, .msg_iovlen = 1};
  return say(sendmsg(socket(AF_INET, SOCK_DGRAM, 0), &m, 0));
})
VERB(sendmmsg, {  // the first message goes to arg 2's port, the 11th to arg 1's
  enum { N = 12 };
  struct sockaddr_in a[N];
  struct iovec v = {"hello", 5};
  struct mmsghdr m[N];
  memset(m, 0, sizeof m);
  for (int i = 0; i < N; ++i) {
    a[i] = inet(arg[0], i == 10 || args < 3 ? number(1) : number(2));
    m[i].msg_hdr = (struct msghdr){.msg_name = &a[i], .msg_namelen = sizeof a[i], .msg_iov = &v, .msg_iovlen = 1};
  }
  const int n = sendmmsg(socket(AF_INET, SOCK_DGRAM, 0), m, N, 0);
  if (n < 0) return say(n);
  printf("ok %d\n", n);
  return 0;
})
VERB(raw_connect, {
  struct sockaddr_in a = inet(arg[0], number(1));
  const int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
  return tell(fd, syscall(SYS_connect, fd, &a, sizeof a));
})
VERB(raw_sendto, {
  struct sockaddr_in a = inet(arg[0], number(1));
  return say(syscall(SYS_sendto, socket(AF_INET, SOCK_DGRAM, 0), "hello", 5, 0, &a, sizeof a));
})
VERB(raw_sendmsg, {
  struct sockaddr_in a = inet(arg[0], number(1));
  struct iovec v = {"hello", 5};
  struct msghdr m = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &v, .msg_iovlen = 1};
  return say(syscall(SYS_sendmsg, socket(AF_INET, SOCK_DGRAM, 0), &m, 0));
})
VERB(socket_vsock, return say(socket(40, SOCK_STREAM, 0));)
VERB(socket_raw, return say(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));)
VERB(socket_packet, return say(socket(AF_PACKET, SOCK_RAW, htons(3)));)
VERB(io_uring, char room[200] = ""; return say(syscall(425, 4, room));)

// --- look-ups: the name asked for, the first address or the error --------------------------------------------------------------
static int say_host(const struct hostent *h) {
  if (!h) {
    printf("h_errno %d %s\n", h_errno, h_errno == NETDB_INTERNAL ? errno_name(errno) : "");
    return 1;
  }
  char text[64] = "";
  if (h->h_addr_list[0]) inet_ntop(h->h_addrtype, h->h_addr_list[0], text, sizeof text);
  printf("ok %s\n", text);
  return 0;
}
VERB(getaddrinfo, {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_INET};
  struct addrinfo *list = NULL;
  const int r = getaddrinfo(arg[0], args > 1 ? arg[1] : NULL, &hints, &list);
  if (r) {
    printf("%s\n", r == EAI_SYSTEM ? errno_name(errno) : gai_strerror(r));
    return 1;
  }
  char text[64];
  inet_ntop(AF_INET, &((struct sockaddr_in *)list->ai_addr)->sin_addr, text, sizeof text);
  printf("ok %s\n", text);
  return 0;
})
VERB(getaddrinfo_connect, {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_INET};
  struct addrinfo *list = NULL;
  const int r = getaddrinfo(arg[0], arg[1], &hints, &list);
  if (r) {
    printf("%s\n", r == EAI_SYSTEM ? errno_name(errno) : gai_strerror(r));
    return 1;
  }
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  return tell(fd, connect(fd, list->ai_addr, list->ai_addrlen));
})
VERB(gethostbyname, return say_host(gethostbyname(arg[0]));)
VERB(gethostbyname2, return say_host(gethostbyname2(arg[0], AF_INET));)
VERB(gethostbyname_r, {
  struct hostent h;
  struct hostent *result = NULL;
  char room[4000];
  int error = 0;
  const int r = gethostbyname_r(arg[0], &h, room, sizeof room, &result, &error);
  if (!result) {
    printf("h_errno %d %s\n", error, r ? errno_name(r) : "");
    return 1;
  }
  return say_host(result);
})
VERB(gethostbyname2_r, {
  struct hostent h;
  struct hostent *result = NULL;
  char room[4000];
  int error = 0;
  const int r = gethostbyname2_r(arg[0], AF_INET, &h, room, sizeof room, &result, &error);
  if (!result) {
    printf("h_errno %d %s\n", error, r ? errno_name(r) : "");
    return 1;
  }
  return say_host(result);
})
VERB(gethostbyaddr, {
  struct in_addr a;
  inet_pton(AF_INET, arg[0], &a);
  const struct hostent *h = gethostbyaddr(&a, sizeof a, AF_INET);
  if (!h) return say_host(h);
  printf("ok %s\n", h->h_name);
  return 0;
})
VERB(getnameinfo, {
  struct sockaddr_in a = inet(arg[0], 80);
  char host[300];
  const int r = getnameinfo((struct sockaddr *)&a, sizeof a, host, sizeof host, NULL, 0, NI_NAMEREQD);
  if (r) {
    printf("%s\n", r == EAI_SYSTEM ? errno_name(errno) : gai_strerror(r));
    return 1;
  }
  printf("ok %s\n", host);
  return 0;
})
static int say_answer(int n) {
  if (n >= 0) return say(0);
  printf("h_errno %d %s\n", h_errno, h_errno == NETDB_INTERNAL ? errno_name(errno) : "");
  return 1;
}
static unsigned char answer[2000];
VERB(res_query, return say_answer(res_query(arg[0], 1, 1, answer, sizeof answer));)
VERB(res_search, return say_answer(res_search(arg[0], 1, 1, answer, sizeof answer));)
VERB(res_querydomain, return say_answer(res_querydomain(arg[0], arg[1], 1, 1, answer, sizeof answer));)
VERB(res_send, {
  unsigned char query[500];
  res_init();
  const int n = res_mkquery(QUERY, arg[0], 1, 1, NULL, 0, NULL, query, sizeof query);
  return say_answer(res_send(query, n, answer, sizeof answer));
})
VERB(res_nquery, {
  struct __res_state state;
  memset(&state, 0, sizeof state);
  res_ninit(&state);
  return say_answer(res_nquery(&state, arg[0], 1, 1, answer, sizeof answer));
})
VERB(res_nsearch, {
  struct __res_state state;
  memset(&state, 0, sizeof state);
  res_ninit(&state);
  return say_answer(res_nsearch(&state, arg[0], 1, 1, answer, sizeof answer));
})
VERB(res_nsend, {
  struct __res_state state;
  memset(&state, 0, sizeof state);
  res_ninit(&state);
  unsigned char query[500];
  const int n = res_nmkquery(&state, QUERY, arg[0], 1, 1, NULL, 0, NULL, query, sizeof query);
  return say_answer(res_nsend(&state, query, n, answer, sizeof answer));
})

// --- processes: each starts `arg[0] arg[1]...` ------------------------------------------------------------------------------
static int wait_for(pid_t pid) {
  if (pid < 0) return say(-1);
  int status;
  waitpid(pid, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return say(0);
  if (WIFEXITED(status) && WEXITSTATUS(status) > 200) {
    printf("child: %s\n", errno_name(WEXITSTATUS(status) - 200));
    return 1;
  }
  printf("status %x\n", status);
  return 1;
}
#define IN_CHILD(call)              \
  {                                 \
    const pid_t pid = fork();       \
    if (pid == 0) {                 \
      call;                         \
      _exit(200 + errno);           \
    }                               \
    return wait_for(pid);           \
  }
// Directly: this process becomes the program.
VERB(execve, execve(arg[0], arg, environ); return say(-1);)
VERB(execv, execv(arg[0], arg); return say(-1);)
VERB(execvp, execvp(arg[0], arg); return say(-1);)
VERB(execvpe, execvpe(arg[0], arg, environ); return say(-1);)
VERB(execl, execl(arg[0], arg[0], arg[1], NULL); return say(-1);)
VERB(execlp, execlp(arg[0], arg[0], arg[1], NULL); return say(-1);)
VERB(execle, execle(arg[0], arg[0], arg[1], NULL, environ); return say(-1);)
VERB(execveat, execveat(AT_FDCWD, arg[0], arg, environ, 0); return say(-1);)
VERB(execveat_fd, execveat(open(arg[0], O_PATH), "", arg, environ, AT_EMPTY_PATH); return say(-1);)
VERB(fexecve, fexecve(open(arg[0], O_RDONLY | O_CLOEXEC), arg, environ); return say(-1);)
VERB(raw_execve, syscall(SYS_execve, arg[0], arg, environ); return say(-1);)
VERB(raw_execveat, syscall(SYS_execveat, AT_FDCWD, arg[0], arg, environ, 0); return say(-1);)
VERB(execve_no_environment, {
  char *none[] = {NULL};
  execve(arg[0], arg, none);
  return say(-1);
})
VERB(execve_null_environment, execve(arg[0], arg, NULL); return say(-1);)
VERB(execve_edited_environment, {
  char *edited[] = {"LD_PRELOAD=", "LD_PRELOAD=/lib/x86_64-linux-gnu/libm.so.6", "TREND_AP_HANDOVER=99,98,97,0",
                    "TREND_AP_POLICY={}", "PATH=/usr/bin:/bin", NULL};
  execve(arg[0], arg, edited);
  return say(-1);
})
VERB(execve_closed_descriptors, close_range(3, ~0u, 0); execve(arg[0], arg, environ); return 1;)
VERB(fork_exec, IN_CHILD(execv(arg[0], arg)))
VERB(vfork_exec, {
  const pid_t pid = vfork();
  if (pid == 0) {
    execv(arg[0], arg);
    _exit(200 + errno);
  }
  return wait_for(pid);
})
static char child_stack[64 * 1024] __attribute__((aligned(16)));
static int exec_in_clone(void *unused) {
  (void)unused;
  execv(arg[0], arg);
  _exit(200 + errno);
}
VERB(clone_exec, return wait_for(clone(exec_in_clone, child_stack + sizeof child_stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL));)
VERB(clone_vm, return wait_for(clone(exec_in_clone, child_stack + sizeof child_stack, CLONE_VM | SIGCHLD, NULL));)
VERB(posix_spawn, {
  pid_t pid;
  const int r = posix_spawn(&pid, arg[0], NULL, NULL, arg, environ);
  errno = r;
  return r ? say(-1) : wait_for(pid);
})
// Python 3.13's subprocess: libc closes every descriptor, ours too, before the program is judged.
VERB(spawn_closed, {
  pid_t pid;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
#if __GLIBC_PREREQ(2, 34)
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
#endif
  const int r = posix_spawn(&pid, arg[0], &actions, NULL, arg, environ);
  posix_spawn_file_actions_destroy(&actions);
  errno = r;
  return r ? say(-1) : wait_for(pid);
})
// From the fifth child on a process hands its children libc as they need it: this one is the sixth.
VERB(sixth, {
  char *nothing[] = {"true", NULL};
  pid_t pid;
  for (int i = 0; i < 5; ++i) {
    if (posix_spawn(&pid, "/bin/true", NULL, NULL, nothing, environ)) return say(-1);
    waitpid(pid, NULL, 0);
  }
  const int r = posix_spawn(&pid, arg[0], NULL, NULL, arg, environ);
  errno = r;
  if (r) return say(-1);
  int status;
  waitpid(pid, &status, 0);
  if (WIFSIGNALED(status)) raise(WTERMSIG(status));
  return WEXITSTATUS(status);
})
// How many pages the parent has grown by while children that run on were started.
static long pages(void) {
  long size = -1;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f) {
    if (fscanf(f, "%ld", &size) != 1) size = -1;
    fclose(f);
  }
  return size;
}
VERB(spawn_many, {
  char *sleeper[] = {"sleep", "60", NULL};
  pid_t pids[60];
  long before = 0;
  for (int i = 0; i < 60; ++i) {
    if (i == 10) before = pages();
    if (posix_spawn(&pids[i], "/bin/sleep", NULL, NULL, sleeper, environ)) return say(-1);
  }
  const long after = pages();
  for (int i = 0; i < 60; ++i) {
    kill(pids[i], SIGKILL);
    waitpid(pids[i], NULL, 0);
  }
  printf("%ld pages\n", after - before);
  return 0;
})
VERB(posix_spawnp, {
  pid_t pid;
  const int r = posix_spawnp(&pid, arg[0], NULL, NULL, arg, environ);
  errno = r;
  return r ? say(-1) : wait_for(pid);
})
VERB(system, {
  const int status = system(arg[0]);
  if (status < 0) return say(-1);
  printf(status ? "status %x\n" : "ok\n", status);
  return status != 0;
})
VERB(popen, {
  FILE *f = popen(arg[0], "r");
  const int r = say_stream(f);
  if (f) pclose(f);
  return r;
})
// Forks without a program: the child leaves a marker.
static void leave_marker(void) {
  close(open(arg[0], O_CREAT | O_WRONLY, 0644));
  _exit(0);
}
VERB(fork, const pid_t pid = fork(); if (pid == 0) leave_marker(); return wait_for(pid);)
#ifdef SYS_fork
VERB(raw_fork, const pid_t pid = (pid_t)syscall(SYS_fork); if (pid == 0) leave_marker(); return wait_for(pid);)
#endif
VERB(_Fork, const pid_t pid = _Fork(); if (pid == 0) leave_marker(); return wait_for(pid);)
VERB(vfork, const pid_t pid = vfork(); if (pid == 0) leave_marker(); return wait_for(pid);)
static int marker_in_clone(void *unused) {
  (void)unused;
  leave_marker();
  return 0;
}
VERB(clone, return wait_for(clone(marker_in_clone, child_stack + sizeof child_stack, SIGCHLD, NULL));)
VERB(raw_clone, const pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL); if (pid == 0) leave_marker(); return wait_for(pid);)
VERB(raw_clone3, {
  uint64_t arguments[8] = {0, 0, 0, 0, SIGCHLD};
  pid_t pid = (pid_t)syscall(SYS_clone3, arguments, sizeof arguments);
  if (pid < 0 && errno == ENOSYS) pid = fork();
  if (pid == 0) leave_marker();
  return wait_for(pid);
})
VERB(forkpty, {
  int fd;
  const pid_t pid = forkpty(&fd, NULL, NULL, NULL);
  if (pid == 0) leave_marker();
  return wait_for(pid);
})
VERB(daemon, {
  if (daemon(1, 1)) return say(-1);
  leave_marker();
  return 0;
})

// --- native code -------------------------------------------------------------------------------------------------------------
VERB(dlopen, {
  void *h = dlopen(arg[0], RTLD_NOW);
  printf("%s\n", h ? "ok" : dlerror());
  return !h;
})
VERB(dlmopen, {
  void *h = dlmopen(LM_ID_NEWLM, arg[0], RTLD_NOW);
  printf("%s\n", h ? "ok" : dlerror());
  return !h;
})
VERB(mmap_exec, return say(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);)
VERB(mprotect_exec, {
  void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return say(mprotect(p, 4096, PROT_READ | PROT_EXEC));
})
VERB(raw_mmap_exec, return say(syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == -1 ? -1 : 0);)
VERB(personality, return say(personality(0x0400000));)
VERB(ptrace, return say(ptrace(PTRACE_TRACEME, 0, 0, 0));)
VERB(shmat_exec, return say(shmat(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0700), NULL, SHM_EXEC) == (void *)-1 ? -1 : 0);)
VERB(memfd_exec, {
  const int fd = memfd_create("x", 0);
  const int from = open(arg[0], O_RDONLY);
  while (sendfile(fd, from, NULL, 1 << 20) > 0) {
  }
  fexecve(fd, arg, environ);
  return say(-1);
})
VERB(process_vm_writev, {
  char target[8] = "";
  struct iovec local = {"x", 1};
  struct iovec remote = {target, 1};
  return say(process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
})

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IONBF, 0);
  start_app_protect();
  for (int i = 0; argc > 1 && i < verb_count; ++i) {
    if (strcmp(verbs[i].name, argv[1])) continue;
    arg = argv + 2;
    args = argc - 2;
    return verbs[i].run();
  }
  fprintf(stderr, "no such verb\n");
  return 98;
}

// SPDX-License-Identifier: Apache-2.0
//
// Calls at the edges of their contracts, one line each: result, errno, what the descriptor is. The lines must be the same
// without us and under a policy that grants or observes. `fidelity FOLDER`: a fresh, empty folder to work in.
#define _GNU_SOURCE
#include "errno_name.h"
#include "newer.h"
#include "start.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *name_of_errno(int e) { return e ? errno_name(e) : "-"; }

static void line(const char *what, long result) {
  const int e = errno;
  printf("%s: %s %s\n", what, result < 0 ? "-1" : "ok", name_of_errno(result < 0 ? e : 0));
  errno = 0;
}

// A descriptor: its number, flags and what it is.
static void opened(const char *what, int fd) {
  const int e = errno;
  if (fd < 0) {
    printf("%s: -1 %s\n", what, name_of_errno(e));
  } else {
    struct stat st;
    fstat(fd, &st);
    printf("%s: fd %d flags %x cloexec %d mode %o size %ld\n", what, fd, fcntl(fd, F_GETFL), fcntl(fd, F_GETFD), st.st_mode, (long)st.st_size);
    close(fd);
  }
  errno = 0;
}

static char *path_of_length(size_t length, const char *end) {
  char *path = malloc(length + 1);
  const size_t tail = strlen(end);
  for (size_t i = 0; i < length - tail; ++i) path[i] = i % 2 ? '/' : '.';
  memcpy(path + length - tail, end, tail + 1);
  return path;
}

static void on_alarm(int signal) { (void)signal; }

static void *change_umask(void *unused) {
  (void)unused;
  return NULL;
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IONBF, 0);
  start_app_protect();
  if (argc < 2 || chdir(argv[1])) return 98;
  umask(022);
  char descriptor[64];
  struct stat st;
  char buffer[600];

  // A tree.
  close(open("file", O_CREAT | O_WRONLY, 0644));
  (void)!truncate("file", 5);
  mkdir("dir", 0755);
  mkdir("dir/sub", 0755);
  line("symlink", symlink("file", "link"));
  symlink("dir", "dlink");
  symlink("nowhere", "dangling");
  symlink("dir/created", "dangling_in_dir");
  symlink("loop2", "loop1");
  symlink("loop1", "loop2");
  symlink("/proc/self/fd", "fdlink");
  line("mkfifo", mkfifo("fifo", 0644));
  char previous[32] = "file", next[32];
  for (int i = 0; i < 45; ++i) {
    snprintf(next, sizeof next, "chain%d", i);
    symlink(previous, next);
    strcpy(previous, next);
  }

  // open: what there is and what is not.
  static const struct { const char *path; int flags; } opens[] = {
      {"file", O_RDONLY}, {"file", O_RDWR}, {"file", O_WRONLY | O_APPEND | O_CLOEXEC}, {"file", O_RDONLY | O_NONBLOCK | O_NOATIME}, {"missing", O_RDONLY},
      {"missing/x", O_RDONLY}, {"file/x", O_RDONLY}, {"file/", O_RDONLY}, {"file/.", O_RDONLY}, {"dir", O_RDONLY}, {"dir/", O_RDONLY},
      {"dir//sub/..", O_RDONLY}, {"dir", O_WRONLY}, {"dir", O_RDONLY | O_DIRECTORY}, {"file", O_RDONLY | O_DIRECTORY}, {"link", O_RDONLY},
      {"link", O_RDONLY | O_NOFOLLOW}, {"link", O_PATH | O_NOFOLLOW}, {"link", O_PATH}, {"link", O_PATH | O_CLOEXEC}, {"dlink", O_RDONLY | O_DIRECTORY},
      {"dlink", O_RDONLY | O_DIRECTORY | O_NOFOLLOW}, {"dlink/", O_RDONLY | O_NOFOLLOW}, {"dlink/sub", O_RDONLY}, {"dangling", O_RDONLY},
      {"loop1", O_RDONLY}, {"loop1", O_WRONLY | O_CREAT}, {"chain30", O_RDONLY}, {"chain39", O_RDONLY}, {"chain40", O_RDONLY}, {"", O_RDONLY},
      {".", O_RDONLY}, {"..", O_RDONLY | O_DIRECTORY}, {"/", O_RDONLY}, {"//", O_RDONLY}, {"/..", O_PATH}, {"./dir/./../file", O_RDONLY},
      {"missing/../file", O_RDONLY}, {"file/../file", O_RDONLY}, {"/dev/null", O_RDWR}, {"/dev/null", O_WRONLY | O_CREAT | O_TRUNC},
      {"/dev/tty", O_RDWR}, {"/dev/stdin", O_RDONLY}, {"/dev/fd/0", O_RDONLY}, {"/proc/self/fd/0", O_RDONLY}, {"fdlink/0", O_RDONLY},
      {"/proc/self/exe", O_RDONLY}, {"/proc/self/maps", O_RDONLY}, {"/proc/thread-self/stat", O_RDONLY}, {"/proc/self/nothing", O_RDONLY},
      {"/proc/self/cwd/file", O_RDONLY}, {"/proc/self/fd/9999", O_RDONLY}, {"fifo", O_RDONLY | O_NONBLOCK}, {"fifo", O_WRONLY | O_NONBLOCK},
      {"fifo", O_RDWR}, {"file", 3}, {"file", O_RDONLY | 0x40000000}, {"file", O_RDONLY | O_TRUNC | O_PATH}, {"/etc/shadow", O_RDONLY},
      {"/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY}, {"/proc/self/root/etc/passwd", O_RDONLY}, {"/sys/kernel/ostype", O_WRONLY},
  };
  for (size_t i = 0; i < sizeof opens / sizeof *opens; ++i) {
    snprintf(buffer, sizeof buffer, "open(%s, %x)", opens[i].path, opens[i].flags);
    opened(buffer, open(opens[i].path, opens[i].flags, 0640));
  }
  opened("open null", open(NULL, O_RDONLY));
  opened("open bad pointer", open((const char *)0x10, O_RDONLY));
  opened("open bad pointer 2", open((const char *)0xdeadbeef000, O_RDONLY));
  opened("open kernel pointer", open((const char *)0xffffffff80000000, O_RDONLY));
  char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(pages + 4096, 4096);
  memset(pages, 'a', 4096);
  opened("open unterminated", open(pages + 4090, O_RDONLY));
  memcpy(pages + 4091, "file", 5);
  opened("open at a page's end", open(pages + 4091, O_RDONLY));
  mprotect(pages, 4096, PROT_NONE);
  opened("open unreadable", open(pages + 4091, O_RDONLY));
  munmap(pages, 4096);
  opened("open unmapped", open(pages + 4091, O_RDONLY));
  line("stat bad pointer", stat((const char *)0x10, &st));
  line("rename bad pointer", rename("file", (const char *)0x10));
  line("mkdir bad pointer", mkdir((const char *)0xdeadbeef000, 0755));

  // Creation.
  opened("create", open("new", O_CREAT | O_WRONLY, 0666));
  opened("create exists", open("new", O_CREAT | O_WRONLY, 0600));
  opened("create exclusive exists", open("new", O_CREAT | O_EXCL | O_WRONLY, 0600));
  opened("create exclusive link", open("link", O_CREAT | O_EXCL | O_WRONLY, 0600));
  opened("create exclusive dangling", open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0600));
  opened("create nofollow dangling", open("dangling", O_CREAT | O_NOFOLLOW | O_WRONLY, 0600));
  opened("create through dangling", open("dangling_in_dir", O_CREAT | O_RDWR | O_CLOEXEC, 0604));
  line("it is there", lstat("dir/created", &st));
  opened("create through link", open("link", O_CREAT | O_WRONLY, 0600));
  opened("create through dlink", open("dlink/other", O_CREAT | O_WRONLY, 07777));
  opened("create slash", open("new2/", O_CREAT | O_WRONLY, 0600));
  opened("create on dir", open("dir", O_CREAT | O_WRONLY, 0600));
  opened("create in missing", open("missing/new", O_CREAT | O_WRONLY, 0600));
  opened("create below file", open("file/new", O_CREAT | O_WRONLY, 0600));
  opened("create directory", open("newdir", O_CREAT | O_DIRECTORY | O_RDONLY, 0700));
  opened("create dot", open(".", O_CREAT | O_RDWR, 0600));
  opened("create empty", open("", O_CREAT | O_RDWR, 0600));
  umask(077);
  opened("create umask", open("masked", O_CREAT | O_WRONLY, 0666));
  opened("create umask dlink", open("dlink/masked", O_CREAT | O_WRONLY, 0666));
  umask(022);
  opened("tmpfile", open(".", O_TMPFILE | O_RDWR, 0600));
  opened("tmpfile read only", open(".", O_TMPFILE | O_RDONLY, 0600));
  opened("tmpfile dlink", open("dlink", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0640));
  opened("tmpfile on file", open("file", O_TMPFILE | O_RDWR, 0600));
  opened("creat", creat("created", 0640));

  // Lengths.
  char name[400];
  memset(name, 'n', sizeof name);
  name[255] = 0;
  opened("name 255", open(name, O_CREAT | O_WRONLY, 0600));
  name[255] = 'n', name[256] = 0;
  opened("name 256", open(name, O_CREAT | O_WRONLY, 0600));
  opened("path 4095", open(path_of_length(4095, "/file"), O_RDONLY));
  opened("path 4094", open(path_of_length(4094, "/file"), O_RDONLY));
  opened("path 4096", open(path_of_length(4096, "/file"), O_RDONLY));
  opened("path 5000", open(path_of_length(5000, "/file"), O_RDONLY));
  line("stat 4095", stat(path_of_length(4095, "/file"), &st));
  line("stat 5000", stat(path_of_length(5000, "/file"), &st));
  line("unlink 5000", unlink(path_of_length(5000, "/file")));
  line("mkdir 4095", mkdir(path_of_length(4095, "/longdir"), 0755));

  // Directories as descriptors.
  const int dir = open("dir", O_RDONLY | O_DIRECTORY), file = open("file", O_RDONLY), path = open("dir", O_PATH);
  opened("openat", openat(dir, "created", O_RDONLY));
  opened("openat path", openat(path, "created", O_RDONLY));
  opened("openat missing", openat(dir, "missing", O_RDONLY));
  opened("openat up", openat(dir, "../file", O_RDONLY));
  opened("openat file", openat(file, "x", O_RDONLY));
  opened("openat bad", openat(-5, "file", O_RDONLY));
  opened("openat closed", openat(300, "file", O_RDONLY));
  opened("openat absolute on bad", openat(-5, "/etc/passwd", O_RDONLY));
  opened("openat empty", openat(dir, "", O_RDONLY));
  opened("openat dot", openat(dir, ".", O_RDONLY));
  opened("openat create", openat(dir, "by_dir", O_CREAT | O_WRONLY, 0600));
  line("fstatat empty", fstatat(dir, "", &st, AT_EMPTY_PATH));
  line("fstatat empty without", fstatat(dir, "", &st, 0));
  line("fstatat null", fstatat(dir, NULL, &st, 0));
  line("fchownat empty", fchownat(dir, "", (uid_t)-1, (gid_t)-1, AT_EMPTY_PATH));
  line("unlinkat", unlinkat(dir, "by_dir", 0));
  line("unlinkat wrong", unlinkat(dir, "sub", 0));
  line("unlinkat flags", unlinkat(dir, "sub", 0x4000));
  line("mkdirat", mkdirat(dir, "made", 0777));
  line("readlinkat", readlinkat(AT_FDCWD, "link", buffer, sizeof buffer));
  const int lfd = open("link", O_PATH | O_NOFOLLOW);
  line("readlinkat empty", readlinkat(lfd, "", buffer, sizeof buffer));
  close(lfd);
  struct statvfs volume;
  line("statvfs", statvfs("link", &volume));
  line("statvfs nothing", statvfs("nothing", &volume));
  line("pathconf", pathconf("link", _PC_NAME_MAX) > 0 ? 0 : -1);
  const int watch = inotify_init();
  line("inotify_add_watch", inotify_add_watch(watch, "link", IN_OPEN));
  line("inotify_add_watch no link", inotify_add_watch(watch, "link", IN_OPEN | IN_DONT_FOLLOW));
  line("inotify_add_watch no folder", inotify_add_watch(watch, "link", IN_OPEN | IN_ONLYDIR));
  line("inotify_add_watch nothing", inotify_add_watch(watch, "nothing", IN_OPEN));
  close(watch);
  snprintf(descriptor, sizeof descriptor, "/proc/self/fd/%d", dir);
  opened("open by /proc/self/fd", open(descriptor, O_RDONLY));
  snprintf(buffer, sizeof buffer, "%s/created", descriptor);
  opened("open below /proc/self/fd", open(buffer, O_RDONLY));

  // Names.
  line("stat", stat("file", &st));
  line("stat slash", stat("file/", &st));
  line("stat dir slash", stat("dir/", &st));
  line("stat missing", stat("missing", &st));
  line("stat empty", stat("", &st));
  line("lstat dangling", lstat("dangling", &st));
  line("stat dangling", stat("dangling", &st));
  line("stat loop", stat("loop1", &st));
  line("lstat dlink", lstat("dlink", &st));
  printf("is link %d\n", S_ISLNK(st.st_mode));
  line("lstat dlink slash", lstat("dlink/", &st));
  printf("is link %d\n", S_ISLNK(st.st_mode));
  line("access w", access("file", W_OK));
  line("access x", access("file", X_OK));
  line("access bad mode", access("file", 77));
  line("faccessat nofollow", faccessat(AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));
  line("faccessat flags", faccessat(AT_FDCWD, "file", F_OK, 0x8000));
  line("readlink", readlink("link", buffer, sizeof buffer));
  line("readlink file", readlink("file", buffer, sizeof buffer));
  line("readlink missing", readlink("missing", buffer, sizeof buffer));
  line("readlink size", readlink("link", buffer, 0));
  line("readlink exe", readlink("/proc/self/exe", buffer, sizeof buffer));
  line("mkdir exists", mkdir("dir", 0755));
  line("mkdir slash", mkdir("slash/", 0755));
  line("mkdir dot", mkdir("dir/.", 0755));
  line("mkdir dotdot", mkdir("dir/..", 0755));
  line("mkdir root", mkdir("/", 0755));
  line("mkdir on dangling", mkdir("dangling", 0755));
  line("mkdir below file", mkdir("file/x", 0755));
  line("mkdir empty", mkdir("", 0755));
  line("rmdir not empty", rmdir("dir"));
  line("rmdir file", rmdir("file"));
  line("rmdir dot", rmdir("dir/."));
  line("rmdir link", rmdir("dlink"));
  line("rmdir slash", rmdir("slash/"));
  line("rmdir root", rmdir("/"));
  line("unlink dir", unlink("dir"));
  line("unlink slash", unlink("file/"));
  line("unlink missing", unlink("missing"));
  line("unlink link", unlink("link"));
  line("link again", symlink("file", "link"));
  line("symlink exists", symlink("x", "link"));
  line("symlink empty", symlink("", "newlink"));
  line("remove dir", remove("dir/made"));
  line("remove missing", remove("missing"));
  line("rename missing", rename("missing", "x"));
  line("rename onto dir", rename("file", "dir"));
  line("rename dir onto file", rename("dir", "file"));
  line("rename into itself", rename("dir", "dir/sub/x"));
  line("rename dot", rename("dir/.", "x"));
  line("rename slash", rename("file", "file3/"));
  line("rename dir slash", rename("dir/sub", "sub2/"));
  line("rename back", rename("sub2", "dir/sub"));
  line("rename same", rename("file", "file"));
  line("renameat2 noreplace", renameat2(AT_FDCWD, "new", AT_FDCWD, "file", RENAME_NOREPLACE));
  line("renameat2 flags", renameat2(AT_FDCWD, "new", AT_FDCWD, "file", 0x100));
  line("link", link("file", "hard"));
  line("link exists", link("file", "hard"));
  line("link dir", link("dir", "hard2"));
  line("link symlink", link("link", "hardlink"));
  lstat("hardlink", &st);
  printf("is link %d nlink %d\n", S_ISLNK(st.st_mode), (int)st.st_nlink);
  line("linkat follow", linkat(AT_FDCWD, "link", AT_FDCWD, "hard3", AT_SYMLINK_FOLLOW));
  line("linkat flags", linkat(AT_FDCWD, "link", AT_FDCWD, "hard4", 0x1));
  line("linkat empty", linkat(file, "", AT_FDCWD, "hard5", AT_EMPTY_PATH));
  line("mknod", mknod("node", S_IFREG | 0600, 0));
  line("mknod exists", mknod("node", S_IFREG | 0600, 0));
  line("truncate", truncate("file", 3));
  line("truncate dir", truncate("dir", 3));
  line("truncate negative", truncate("file", -3));
  line("chmod", chmod("link", 0600));
  stat("file", &st);
  printf("mode %o\n", st.st_mode);
  line("chmod missing", chmod("missing", 0600));
  line("fchmodat nofollow", fchmodat(AT_FDCWD, "link", 0600, AT_SYMLINK_NOFOLLOW));
  line("fchmodat nofollow file", fchmodat(AT_FDCWD, "file", 0640, AT_SYMLINK_NOFOLLOW));
  line("fchmodat flags", fchmodat(AT_FDCWD, "file", 0640, 0x1));
  line("fchmod bad", fchmod(-1, 0600));
  line("fchmod path fd", fchmod(path, 0700));
  line("lchown link", lchown("link", (uid_t)-1, (gid_t)-1));
  line("chown dangling", chown("dangling", (uid_t)-1, (gid_t)-1));
  struct timespec times[2] = {{5, 0}, {6, 7}};
  line("utimensat", utimensat(AT_FDCWD, "link", times, 0));
  stat("file", &st);
  printf("times %ld %ld.%ld\n", (long)st.st_atime, (long)st.st_mtime, st.st_mtim.tv_nsec);
  line("utimensat nofollow", utimensat(AT_FDCWD, "link", times, AT_SYMLINK_NOFOLLOW));
  line("utimensat null", utimensat(AT_FDCWD, NULL, times, 0));
  line("utimensat flags", utimensat(AT_FDCWD, "file", times, 0x1));
  line("utimensat bad times", utimensat(AT_FDCWD, "file", (struct timespec *)0x10, 0));
  line("futimens bad", futimens(-1, times));
  line("futimens", futimens(file, times));
  struct timeval tv[2] = {{5, 0}, {6, 2000000}};
  line("utimes bad", utimes("file", tv));
  line("lutimes bad", lutimes("file", tv));
  line("utimes null", utimes("file", NULL));
  line("setxattr", setxattr("link", "user.a", "b", 1, 0));
  line("setxattr replace", setxattr("file", "user.b", "b", 1, XATTR_REPLACE));
  line("setxattr bad name", setxattr("file", "nonsense", "b", 1, 0));
  line("lsetxattr link", lsetxattr("link", "user.a", "b", 1, 0));
  line("getxattr", getxattr("link", "user.a", buffer, sizeof buffer));
  line("getxattr none", getxattr("file", "user.none", buffer, sizeof buffer));
  line("lgetxattr", lgetxattr("link", "user.a", buffer, sizeof buffer));
  line("removexattr", removexattr("file", "user.a"));
  line("listxattr missing", listxattr("missing", buffer, sizeof buffer));

  // Two paths, every pair of odd ones: of several errors the kernel's first. What went is put back.
  mkdir("pairs", 0755);
  if (chdir("pairs") == 0) {
    char *odd[] = {"file", "dir", "missing", "none/x", "file/x", "loop/x", "loop", "", ".", "dir/", "missing/", "file/", "..",
                   path_of_length(5000, "/x"), name, "none/../x", (char *)0x10, "link", "dir/.", "/", "link/"};
    enum { kOdd = sizeof odd / sizeof *odd };
    for (int i = 0; i < kOdd * kOdd * 6; ++i) {
      close(open("file", O_CREAT | O_WRONLY, 0600));
      mkdir("dir", 0700);
      (void)!symlink("loop", "loop");
      (void)!symlink("file", "link");
      char *from = odd[i / kOdd % kOdd], *to = odd[i % kOdd];
      errno = 0;
      int r = 0;
      switch (i / kOdd / kOdd) {
        case 0: r = rename(from, to); break;
        case 1: r = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE); break;
        case 2: r = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE); break;
        case 3: r = link(from, to); break;
        case 4: r = linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW); break;
        case 5: r = symlink(from, to); break;
      }
      snprintf(buffer, 100, "pair %d", i);
      line(buffer, r);
      if (r == 0) {
        static const char *const all[] = {"file", "missing", "loop", "link", "x"};
        for (int k = 0; k < 5; ++k) (void)!remove(all[k]);
        (void)!rmdir("dir");
      }
      errno = 0;
    }
    if (chdir(argv[1])) return 97;
  }

  // Reading directories.
  DIR *d = opendir("dlink");
  int entries = 0;
  while (d && readdir(d)) ++entries;
  if (d) closedir(d);
  printf("entries %d\n", entries);
  line("opendir file", opendir("file") ? 0 : -1);
  line("opendir missing", opendir("missing") ? 0 : -1);
  line("opendir empty", opendir("") ? 0 : -1);

  // A wait that a signal ends, and one that it does not.
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval timer = {.it_value.tv_usec = 30000};
  setitimer(ITIMER_REAL, &timer, NULL);
  opened("fifo interrupted", open("fifo", O_RDONLY));
  const pid_t writer = fork();
  if (writer == 0) {
    usleep(30000);
    const int fd = open("fifo", O_WRONLY);
    (void)!write(fd, "x", 1);
    _exit(0);
  }
  const int reader = open("fifo", O_RDONLY);
  line("fifo reads", read(reader, buffer, 1));
  close(reader);
  waitpid(writer, NULL, 0);

  // The working directory: gone, and moved.
  mkdir("gone", 0755);
  if (chdir("gone") == 0) {
    rmdir("../gone");
    opened("cwd gone open", open("x", O_RDONLY));
    opened("cwd gone create", open("x", O_CREAT | O_WRONLY, 0600));
    opened("cwd gone dot", open(".", O_RDONLY | O_DIRECTORY));
    opened("cwd gone up", open("../file", O_RDONLY));
    line("cwd gone stat", stat(".", &st));
    line("cwd gone stat up", stat("../file", &st));
    line("cwd gone mkdir", mkdir("x", 0755));
    opened("cwd gone absolute", open("/etc/passwd", O_RDONLY));
  }
  if (chdir(argv[1])) return 97;
  mkdir("deep", 0755);
  char deep[256];
  memset(deep, 'd', 250);
  deep[250] = 0;
  int levels = 0;
  if (chdir("deep") == 0)
    while (levels < 20 && mkdir(deep, 0755) == 0 && chdir(deep) == 0) ++levels;
  printf("levels %d\n", levels);
  opened("deep cwd create", open("x", O_CREAT | O_WRONLY, 0600));
  opened("deep cwd open", open("x", O_RDONLY));
  line("deep cwd stat", stat("x", &st));
  line("deep cwd mkdir", mkdir("y", 0755));
  line("deep cwd rename", rename("x", "z"));
  line("deep cwd unlink", unlink("z"));
  if (chdir(argv[1])) return 97;

  // Sockets.
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(1)};
  inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
  int s = socket(AF_INET, SOCK_STREAM, 0);
  line("connect refused", connect(s, (struct sockaddr *)&a, sizeof a));
  line("connect short", connect(s, (struct sockaddr *)&a, 3));
  line("connect long", connect(s, (struct sockaddr *)&a, 5000));
  line("connect negative", connect(s, (struct sockaddr *)&a, (socklen_t)-1));
  line("connect null", connect(s, NULL, sizeof a));
  line("connect bad pointer", connect(s, (struct sockaddr *)0x10, sizeof a));
  line("connect bad fd", connect(-1, (struct sockaddr *)&a, sizeof a));
  line("connect not a socket", connect(file, (struct sockaddr *)&a, sizeof a));
  line("send unconnected", send(s, "x", 1, MSG_NOSIGNAL));
  int u = socket(AF_INET, SOCK_DGRAM, 0);
  line("sendto", sendto(u, "x", 1, 0, (struct sockaddr *)&a, sizeof a));
  line("sendto short", sendto(u, "x", 1, 0, (struct sockaddr *)&a, 4));
  line("sendto null data", sendto(u, NULL, 0, 0, (struct sockaddr *)&a, sizeof a));
  line("sendto bad data", sendto(u, (void *)0x10, 10, 0, (struct sockaddr *)&a, sizeof a));
  line("sendto no address", sendto(u, "x", 1, 0, NULL, 0));
  struct msghdr m = {0};
  line("sendmsg empty", sendmsg(u, &m, 0));
  line("sendmsg bad", sendmsg(u, (struct msghdr *)0x10, 0));
  struct iovec v = {"x", 1};
  m = (struct msghdr){.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &v, .msg_iovlen = 5000};
  line("sendmsg many", sendmsg(u, &m, 0));
  m.msg_iovlen = 1;
  m.msg_namelen = 4;
  line("sendmsg short name", sendmsg(u, &m, 0));
  struct mmsghdr mm[3] = {{.msg_hdr = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &v, .msg_iovlen = 1}}, {.msg_hdr = {.msg_name = (void *)0x10, .msg_namelen = 16}}};
  printf("sendmmsg %d\n", sendmmsg(u, mm, 2, 0));
  line("sendmmsg none", sendmmsg(u, mm, 0, 0));
  line("sendmmsg bad", sendmmsg(u, (struct mmsghdr *)0x10, 2, 0));
  struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "sock"};
  int n = socket(AF_UNIX, SOCK_STREAM, 0);
  line("connect unix missing", connect(n, (struct sockaddr *)&un, sizeof un));
  line("bind unix", bind(n, (struct sockaddr *)&un, sizeof un));
  socklen_t length = sizeof un;
  getsockname(n, (struct sockaddr *)&un, &length);
  printf("name %s %d\n", un.sun_path, (int)length);
  line("bind unix again", bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&un, sizeof un));
  struct sockaddr_un abstract = {.sun_family = AF_UNIX, .sun_path = "\0ap_fidelity"};
  line("bind abstract", bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&abstract, 14));
  line("bind short", bind(n, (struct sockaddr *)&un, 1));
  line("bind inet", bind(u, (struct sockaddr *)&a, sizeof a));
  line("socket family", socket(77, SOCK_STREAM, 0));
  line("socket type", socket(AF_INET, 77, 0));
  close(s), close(u), close(n);
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *list = NULL;
  printf("numeric %d\n", getaddrinfo("127.1", "80", &hints, &list));
  printf("numeric name %d\n", getaddrinfo("name", "80", &hints, &list));
  printf("null %d\n", getaddrinfo(NULL, "80", NULL, &list));
  printf("both null %d\n", getaddrinfo(NULL, NULL, NULL, &list));
  printf("long name %d\n", getaddrinfo(memset(calloc(1, 3000), 'x', 2900), NULL, NULL, &list));
  printf("localhost %d\n", getaddrinfo("localhost", NULL, NULL, &list));

  // Programs.
  char *none[] = {NULL};
  char *args[] = {"true", NULL};
  line("exec missing", execve("/missing", args, none));
  line("exec dir", execve("dir", args, none));
  line("exec plain file", execve("file", args, none));
  line("exec below file", execve("file/x", args, none));
  line("exec empty", execve("", args, none));
  line("exec bad path", execve((char *)0x10, args, none));
  line("exec bad argv", execve("/bin/true", (char **)0x10, none));
  line("exec bad envp", execve("/bin/true", args, (char **)0x10));
  char *bad[] = {"true", (char *)0x10, NULL};
  line("exec bad argument", execve("/bin/true", bad, none));
  char *large = malloc(200000);
  memset(large, 'x', 199999), large[199999] = 0;
  char *long_args[] = {"true", large, NULL};
  line("exec long argument", execve("/bin/true", long_args, none));
  line("execvp missing", execvp("no_such_program", args));
  int script = open("script", O_CREAT | O_WRONLY, 0755);
  (void)!write(script, "exit 3\n", 7);
  close(script);
  line("exec without format", execve("./script", args, none));
  for (int i = 0; i < 4; ++i) {
    static const char *programs[] = {"/bin/true", "missing", "./script", "/bin/sh"};
    pid_t pid = 0;
    const int r = (i % 2 ? posix_spawnp : posix_spawn)(&pid, programs[i], NULL, NULL, args, environ);
    int status = 0;
    if (r == 0) waitpid(pid, &status, 0);
    printf("spawn %s: %s %x\n", programs[i], name_of_errno(r), status);
  }
  printf("system %x %x %d\n", system("exit 3"), system("kill -9 $$"), system(NULL) != 0);
  printf("execvp script: ");
  const pid_t child = fork();
  if (child == 0) {
    setenv("PATH", ".:/bin", 1);
    execvp("script", args);
    _exit(9);
  }
  int status;
  waitpid(child, &status, 0);
  printf("%x\n", status);
  pthread_t thread;
  pthread_create(&thread, NULL, change_umask, NULL);
  pthread_join(thread, NULL);

  // No number left for a descriptor: what needs none goes on.
  struct rlimit limit, few;
  getrlimit(RLIMIT_NOFILE, &limit);
  few = limit;
  few.rlim_cur = 300;
  setrlimit(RLIMIT_NOFILE, &few);
  int last = -1, first = -1;
  for (int fd; (fd = open("/dev/null", O_RDONLY)) >= 0; last = fd)
    if (first < 0) first = fd;
  line("full open", open("file", O_RDONLY));
  line("full stat", stat("file", &st));
  line("full lstat", lstat("link", &st));
  line("full access", access("file", R_OK));
  line("full readlink", readlink("link", buffer, sizeof buffer));
  line("full mkdir", mkdir("full", 0700));
  line("full rename", rename("full", "fuller"));
  line("full rmdir", rmdir("fuller"));
  line("full symlink", symlink("x", "fully"));
  line("full unlink", unlink("fully"));
  line("full chmod", chmod("file", 0600));
  line("full truncate", truncate("file", 3));
  line("full utimensat", utimensat(AT_FDCWD, "file", NULL, 0));
  line("full link", link("file", "full"));
  line("full remove", remove("full"));
  line("full missing", stat("missing", &st));
  line("full socket", socket(AF_INET, SOCK_STREAM, 0));
  line("full exec missing", execve("/missing", args, none));
  setrlimit(RLIMIT_NOFILE, &limit);
  for (int fd = first; fd <= last; ++fd) close(fd);

  // Memory.
  line("munmap bad", munmap((void *)1, 4096));
  line("mprotect bad", mprotect((void *)0x1000, 4096, PROT_READ));
  line("mmap bad", mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
  line("madvise bad", madvise((void *)1, 4096, MADV_NORMAL));
  line("syscall unknown", syscall(1000));
  line("syscall close", syscall(SYS_close, 500));
  line("close bad", close(500));
  int by_stat = 0, by_flags = 0, by_name = 0, by_number = 0;
  for (int fd = 3; fd < 1024; ++fd) {
    struct statx sx;
    by_stat += fstat(fd, &st) == 0;
    by_flags += fcntl(fd, F_GETFD) >= 0;
    by_name += fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 && statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &sx) == 0;
    by_number += syscall(SYS_fstat, fd, &st) == 0 && syscall(SYS_fcntl, fd, F_GETFL, 0) >= 0;
  }
  printf("open numbers %d %d %d %d\n", by_stat, by_flags, by_name, by_number);
  line("fcntl owner", fcntl(file, F_GETOWN));
  line("fcntl bad", fcntl(file, 9999, 1));
  line("dup2", dup2(file, 60));
  line("close_range", close_range(50, 70, 0));
  line("write bad", write(60, "x", 1));
  errno = 77;
  close(open("file", O_RDONLY));
  printf("errno kept %d\n", errno);
  return 0;
}

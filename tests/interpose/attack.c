// SPDX-License-Identifier: Apache-2.0
//
// Ways around the boundary, one verb each. What must not happen prints `BROKEN ...`; a verb that ran to its end prints `done`.
// `attack VERB PROTECTED OPEN [more]`: two folders that hold a `file` each ("secret", "public").
#define _GNU_SOURCE
#include "newer.h"
#include "start.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/prctl.h>
#include <linux/seccomp.h>
#include <linux/filter.h>
#include <fcntl.h>
#include <link.h>
#include <mqueue.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static const char *protected_dir, *open_dir;
static char **more;
static char secret_path[400], public_path[400];
static atomic_int stop;

static int broken(const char *what) {
  printf("BROKEN %s\n", what);
  return 1;
}

// Whether this descriptor shows the secret.
static int shows_secret(int fd) {
  char text[7] = "";
  if (fd < 0) return 0;
  (void)!pread(fd, text, 6, 0);
  close(fd);
  return strcmp(text, "secret") == 0;
}

static int still_enforced(void) { return open(secret_path, O_RDONLY) == -1 && errno == EPERM; }

// --- another thread changes what an argument points at -----------------------------------------------------------------------
static char shared[400];
static void linger(void) {  // for no fixed time: two threads fall into step otherwise
  static unsigned random = 1;
  random = random * 1103515245u + 12345u;
  for (volatile unsigned i = random >> 19; i; --i) {
  }
}
static void *flip_path(void *unused) {
  (void)unused;
  while (!stop) {
    memcpy(shared, public_path, sizeof shared);
    linger();
    memcpy(shared, secret_path, sizeof shared);
    linger();
  }
  return NULL;
}
static int race_path(void) {
  pthread_t thread;
  memcpy(shared, public_path, sizeof shared);
  pthread_create(&thread, NULL, flip_path, NULL);
  int bad = 0, good = 0;
  for (int i = 0; i < 30000 && !bad; ++i) {
    const int fd = open(shared, O_RDONLY);
    good += fd >= 0;
    bad = shows_secret(fd);
  }
  stop = 1;
  pthread_join(thread, NULL);
  printf("opened %d\n", good);
  return bad ? broken("a path changed behind its check") : 0;
}

static struct sockaddr_in target;
static in_port_t ports[2];
static void *flip_port(void *unused) {
  (void)unused;
  while (!stop) {
    ((volatile struct sockaddr_in *)&target)->sin_port = ports[0];
    ((volatile struct sockaddr_in *)&target)->sin_port = ports[1];
  }
  return NULL;
}
// more: the allowed port, the refused one. The listener tells whether anything arrived at the second.
static int race_address(void) {
  target = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  ports[0] = htons((uint16_t)atoi(more[0]));
  ports[1] = htons((uint16_t)atoi(more[1]));
  pthread_t thread;
  pthread_create(&thread, NULL, flip_port, NULL);
  struct iovec v = {"x", 1};
  struct msghdr m = {.msg_name = &target, .msg_namelen = sizeof target, .msg_iov = &v, .msg_iovlen = 1};
  struct mmsghdr mm[3] = {{.msg_hdr = m}, {.msg_hdr = m}, {.msg_hdr = m}};
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  int sent = 0;
  for (int i = 0; i < 6000; ++i) {
    sent += sendto(fd, "x", 1, 0, (struct sockaddr *)&target, sizeof target) == 1;
    sent += sendmsg(fd, &m, 0) == 1;
    sent += sendmmsg(fd, mm, 3, 0) > 0;
    const int c = socket(AF_INET, SOCK_DGRAM, 0);
    if (connect(c, (struct sockaddr *)&target, sizeof target) == 0) sent += send(c, "x", 1, 0) == 1;
    close(c);
  }
  stop = 1;
  pthread_join(thread, NULL);
  printf("sent %d\n", sent);
  return 0;
}

// more: two markers; a rule lets touch make the first.
static char argument[400];
static void *flip_argument(void *unused) {
  (void)unused;
  while (!stop) {
    memcpy(argument, more[0], strlen(more[0]) + 1);
    memcpy(argument, more[1], strlen(more[1]) + 1);
  }
  return NULL;
}
static int race_argument(void) {
  pthread_t thread;
  strcpy(argument, more[0]);
  pthread_create(&thread, NULL, flip_argument, NULL);
  for (int i = 0; i < 300; ++i) {
    const pid_t pid = vfork();
    if (pid == 0) {
      char *argv[] = {"touch", argument, NULL};
      execve("/usr/bin/touch", argv, environ);
      _exit(1);
    }
    waitpid(pid, NULL, 0);
  }
  stop = 1;
  pthread_join(thread, NULL);
  return 0;
}

// --- the tree changes: a process without us exchanges `open/swap` between a folder and a link to the protected one --------------
static int race_tree(void) {
  char path[500], made[500];
  snprintf(path, sizeof path, "%s/swap/file", open_dir);
  int bad = 0, good = 0;
  for (int i = 0; i < 20000 && !bad; ++i) {
    const int fd = open(path, O_RDONLY);
    good += fd >= 0;
    bad = shows_secret(fd);
    if (i % 16 == 0) {
      snprintf(made, sizeof made, "%s/swap/made%d", open_dir, i);
      const int new_fd = open(made, O_CREAT | O_WRONLY, 0600);
      if (new_fd >= 0) close(new_fd);
      chmod(path, 0640);
      unlink(made);
      snprintf(made, sizeof made, "%s/swap/dir%d", open_dir, i);
      mkdir(made, 0755);
      rmdir(made);
    }
  }
  printf("opened %d\n", good);
  return bad ? broken("a tree changed behind the check") : 0;
}

// --- our own descriptors: between the check and the use another thread puts a file of its own in their place ---------------
static int swapped_fd, swapped_from, swapped_to;
static void *swap_numbers(void *unused) {
  (void)unused;
  while (!stop)
    for (int fd = swapped_from; fd < swapped_to; ++fd) {
      dup2(swapped_fd, fd);
      close(fd);
      close_range(fd, fd, 0);
      syscall(SYS_dup3, swapped_fd, fd, O_CLOEXEC);
      syscall(SYS_close, fd);
    }
  return NULL;
}
static int swap_descriptors(void) {
  char link[500];
  snprintf(link, sizeof link, "%s/link", open_dir);
  struct stat secret, st;
  swapped_fd = open(secret_path, O_RDONLY);  // reading is granted
  if (swapped_fd < 0 || fstat(swapped_fd, &secret)) return 1;
  int bad = 0, good = 0;
  static const int ranges[][2] = {{48, 52}, {10, 16}, {700, 702}};
  for (size_t r = 0; r < sizeof ranges / sizeof *ranges; ++r) {
    swapped_from = ranges[r][0];
    swapped_to = ranges[r][1];
    stop = 0;
    pthread_t thread;
    pthread_create(&thread, NULL, swap_numbers, NULL);
    for (int i = 0; i < 20000 && !bad; ++i) {
      const int fd = open(link, O_RDWR);
      if (fd >= 0 && !fstat(fd, &st)) {
        good += st.st_ino != secret.st_ino;
        bad = st.st_ino == secret.st_ino && st.st_dev == secret.st_dev && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
      }
      if (fd >= 0) close(fd);
      if (i % 4 == 0) chmod(link, 0600 + i % 64), truncate(link, 6);
    }
    stop = 1;
    pthread_join(thread, NULL);
  }
  if (!stat(secret_path, &st) && (st.st_mode != secret.st_mode || st.st_size != secret.st_size)) bad = 2;
  printf("opened %d\n", good);
  return bad ? broken("a descriptor of ours was replaced") : 0;
}

// --- what children are handed: written to, and exchanged, while it is made -----------------------------------------------------
static atomic_int hits;
// Inline: fcntl, and syscall() too, do not know what is ours.
static int seals_of(int fd) {
#ifdef __x86_64__
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "0"((long)SYS_fcntl), "D"((long)fd), "S"((long)F_GET_SEALS) : "rcx", "r11", "memory");
  return (int)result;
#else
  return fcntl(fd, F_GET_SEALS);
#endif
}
static void *write_to_memory_files(void *unused) {
  (void)unused;
  static const char evil[64] = "evil";
  while (!stop) {
    for (int fd = 3; fd < 260; ++fd) {
      const int seals = seals_of(fd);
      if (seals < 0) continue;
      for (off_t at = 0; at < 64 << 10; at += 4000) hits += pwrite(fd, evil, sizeof evil, at) > 0;
    }
  }
  return NULL;
}
static void *exchange_memory_files(void *unused) {
  (void)unused;
  const int low = memfd_create("evil", MFD_CLOEXEC | MFD_ALLOW_SEALING), evil = fcntl(low, F_DUPFD_CLOEXEC, 400);
  if (ftruncate(evil, 2 << 20)) return NULL;
  fcntl(evil, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  while (!stop)
    for (int fd = 3; fd < 260; ++fd)
      if (seals_of(fd) >= 0) dup2(evil, fd);
  return NULL;
}
static int handed_over(void) {
  pthread_t threads[2];
  pthread_create(&threads[0], NULL, write_to_memory_files, NULL);
  pthread_create(&threads[1], NULL, exchange_memory_files, NULL);
  int bad = 0, ran = 0;
  for (int i = 0; i < 10 && !bad; ++i) {
    int out[2], status = 0;
    if (pipe2(out, O_CLOEXEC)) return broken("pipe");
    const pid_t pid = fork();
    if (pid == 0) {
      dup2(out[1], 1);
      execl("/bin/cat", "cat", secret_path, public_path, NULL);
      _exit(77);
    }
    close(out[1]);
    char text[100] = "";
    for (ssize_t n, at = 0; at < 90 && (n = read(out[0], text + at, sizeof text - 1 - (size_t)at)) > 0;) at += n;
    close(out[0]);
    waitpid(pid, &status, 0);
    ran += strstr(text, "public") != NULL;
    bad = strstr(text, "secret") ? 1 : WIFSIGNALED(status) ? 2 : 0;
  }
  stop = 1;
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
  printf("ran %d hits %d\n", ran, hits);
  return bad == 1 ? broken("a child reads") : bad ? broken("a child died") : 0;
}

// --- descriptors: number 9 is the protected folder, opened by the parent before us ---------------------------------------------
static void *flip_descriptor(void *unused) {
  (void)unused;
  const int fd = open(open_dir, O_RDONLY | O_DIRECTORY);
  while (!stop) {
    dup2(fd, 50);
    dup2(9, 50);
  }
  return NULL;
}
static int inherited_directory(void) {
  if (shows_secret(openat(9, "file", O_RDONLY))) return broken("openat below an inherited folder");
  if (shows_secret(openat(9, "./../protected/file", O_RDONLY))) return broken("openat up and down");
  if (fchdir(9) == 0 && shows_secret(open("file", O_RDONLY))) return broken("a relative path in the protected folder");
  if (shows_secret(open("/proc/self/fd/9/file", O_RDONLY))) return broken("/proc/self/fd/9/file");
  if (shows_secret(open("/dev/fd/9/file", O_RDONLY))) return broken("/dev/fd/9/file");
  if (shows_secret(open("/proc/self/cwd/file", O_RDONLY))) return broken("/proc/self/cwd/file");
  char path[500];
  snprintf(path, sizeof path, "/proc/%d/fd/9/file", getppid());
  if (shows_secret(open(path, O_RDONLY))) return broken("the parent's descriptor");
  snprintf(path, sizeof path, "/proc/%d/root%s/file", getppid(), protected_dir);
  if (shows_secret(open(path, O_RDONLY))) return broken("the parent's root");
  snprintf(path, sizeof path, "/proc/self/task/%d/root%s/file", gettid(), protected_dir);
  if (shows_secret(open(path, O_RDONLY))) return broken("a task's root");
  if (fchmodat(9, "file", 0600, 0) == 0) return broken("fchmodat below it");
  if (unlinkat(9, "file", 0) == 0) return broken("unlinkat below it");
  if (mkdirat(9, "made", 0755) == 0) return broken("mkdirat below it");
  if (symlinkat("x", 9, "made") == 0) return broken("symlinkat below it");
  if (renameat(9, "file", AT_FDCWD, public_path) == 0) return broken("renameat out of it");
  if (linkat(9, "file", AT_FDCWD, "/var/tmp/ap_linked", 0) == 0) return broken("linkat out of it");
  if (fchmod(9, 0700) == 0) return broken("fchmod of it");
  if (mkdirat(9, "../protected/made", 0755) == 0) return broken("mkdirat around");
  pthread_t thread;
  pthread_create(&thread, NULL, flip_descriptor, NULL);
  int bad = 0;
  for (int i = 0; i < 20000 && !bad; ++i) {
    bad = shows_secret(openat(50, "file", O_RDONLY));
    if (i % 8 == 0 && mkdirat(50, "made_by_race", 0755) == 0) {
      char made[500];
      snprintf(made, sizeof made, "%s/made_by_race", protected_dir);
      unlinkat(50, "made_by_race", AT_REMOVEDIR);
    }
  }
  stop = 1;
  pthread_join(thread, NULL);
  return bad ? broken("dup2 behind the check") : 0;
}

// A thread with a descriptor table of its own: /proc/self/fd shows another's.
static void *own_table(void *unused) {  // what broke
  (void)unused;
  if (unshare(CLONE_FILES)) return NULL;
  char link[500];
  snprintf(link, sizeof link, "%s/to_file", open_dir);
  for (int i = 0; i < 2000; ++i)
    if (shows_secret(open(link, O_RDONLY))) return "unshare(CLONE_FILES)";
  return chmod(link, 0600) == 0 ? "chmod with a table of its own" : NULL;
}
static int thread_table(void) {
  // The table of the main thread is full of harmless files, for the numbers that the thread will get.
  for (int i = 0; i < 40; ++i) (void)!open(public_path, O_RDONLY);
  for (int i = 700; i < 720; ++i) dup2(5, i);
  pthread_t thread;
  void *result;
  pthread_create(&thread, NULL, own_table, NULL);
  pthread_join(thread, &result);
  return result ? broken(result) : 0;
}

// --- libc's pages --------------------------------------------------------------------------------------------------------------
static int find_libc(struct dl_phdr_info *info, size_t size, void *out) {
  (void)size;
  if (!strstr(info->dlpi_name, "libc.so.6")) return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i)
    if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X)) {
      ((uintptr_t *)out)[0] = (info->dlpi_addr + info->dlpi_phdr[i].p_vaddr) & ~4095ul;
      ((uintptr_t *)out)[1] = (info->dlpi_phdr[i].p_memsz + 4095) & ~4095ul;
      ((uintptr_t *)out)[2] = (uintptr_t)strdup(info->dlpi_name);
      ((uintptr_t *)out)[3] = info->dlpi_phdr[i].p_offset & ~4095ul;
    }
  return 1;
}
// Advice that the kernel knows and libc's own interface has no name for.
static int restore_libc_by_posix_madvise(void) {
  uintptr_t libc[4];
  dl_iterate_phdr(find_libc, libc);
  const int no_name[] = {24 /* MADV_DONTNEED_LOCKED */, 8 /* MADV_FREE */, 9 /* MADV_REMOVE */};
  for (int i = 0; i < 3; ++i)
    for (uintptr_t at = libc[0]; at < libc[0] + libc[1]; at += 4096) posix_madvise((void *)at, 4096, no_name[i]);
  return still_enforced() ? 0 : broken("posix_madvise");
}
static int remap_libc(void) {
  remap_file_pages((char *)((uintptr_t)&open & ~4095ul), 4096, 0, 0, 0);
  return errno == EPERM && still_enforced() ? 0 : broken("remap_file_pages is not decided");
}

// mq_close() closes whatever number it is given.
static int close_as_queue(void) {
  const int own = open(public_path, O_RDONLY);
  if (mq_close(own) != 0 || fcntl(own, F_GETFD) != -1) return broken("mq_close does not close");
  for (int fd = 3; fd < 65536; ++fd) mq_close(fd);
  for (int i = 0; i < 3; ++i) still_enforced();
  return 0;
}

// Dispatch of system calls to a handler of the program's: it could answer in the kernel's place.
static int user_dispatch(void) {
  static char selector;  // 0: let everything pass
  return prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 1 /* ON */, 0, 0, &selector) == 0 ? broken("user dispatch") : 0;
}

// A watch tells names; one on a whole file system hands out descriptors.
static int watch_by_fanotify(void) {
  const int watch = fanotify_init(FAN_CLASS_NOTIF | 0x200 /* FAN_REPORT_FID */ | 0xc00 /* DIR_FID, NAME */, O_RDONLY);
  if (watch < 0) return printf("SKIP fanotify_init %d\n", errno), 0;
  const uint64_t mask = FAN_CREATE | FAN_DELETE | FAN_OPEN | FAN_ONDIR | FAN_EVENT_ON_CHILD;
  if (fanotify_mark(watch, FAN_MARK_ADD, mask, AT_FDCWD, protected_dir) == 0) return broken("fanotify_mark");
  if (syscall(SYS_fanotify_mark, watch, FAN_MARK_ADD, mask, AT_FDCWD, protected_dir) == 0) return broken("raw fanotify_mark");
  const int parent = open(open_dir, O_PATH);
  if (fanotify_mark(watch, FAN_MARK_ADD, mask, parent, "../protected") == 0) return broken("fanotify_mark, relative");
  if (fanotify_mark(watch, FAN_MARK_ADD | 0x100 /* FILESYSTEM */, mask, AT_FDCWD, open_dir) == 0) return broken("fanotify_mark of the file system");
  if (fanotify_mark(watch, FAN_MARK_ADD, mask, AT_FDCWD, open_dir) != 0) return broken("fanotify_mark of what is granted is refused");
  return 0;
}

// A child that closes everything before its exec, inside libc.
static int close_from_in_child(void) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  char *argv[] = {"cat", secret_path, public_path, NULL};
  pid_t child;
  int status = 0;
  if (posix_spawn(&child, "/bin/cat", &actions, NULL, argv, environ) != 0) return broken("posix_spawn fails");
  waitpid(child, &status, 0);
  return 0;
}

static int restore_libc(void) {
  uintptr_t libc[4];
  dl_iterate_phdr(find_libc, libc);
  char *text = (char *)libc[0];
  char *page = (char *)((uintptr_t)&open & ~4095ul);
  const int fd = open((char *)libc[2], O_RDONLY);
  if (fd < 0) return broken("libc cannot be read any more");
  if (madvise(page, 4096, MADV_DONTNEED) == 0) return broken("madvise");
  if (madvise(text - 4096, libc[1] + 8192, MADV_DONTNEED) == 0) return broken("madvise around");
  if (syscall(SYS_madvise, page, 4096, MADV_DONTNEED) == 0) return broken("raw madvise");
  if (mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0) return broken("mprotect");
  if (syscall(SYS_mprotect, page, 4096, PROT_READ | PROT_WRITE) == 0) return broken("raw mprotect");
  if (pkey_mprotect(page, 4096, PROT_READ | PROT_WRITE, -1) == 0) return broken("pkey_mprotect");
  if (mmap(page, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, (off_t)(libc[3] + (uintptr_t)(page - text))) != MAP_FAILED) return broken("mmap over");
  if (mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) return broken("mmap over, anonymous");
  if (munmap(page, 4096) == 0) return broken("munmap");
  if (mremap(page, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) != MAP_FAILED) return broken("mremap away");
  void *mine = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mremap(mine, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, page) != MAP_FAILED) return broken("mremap over");
  if (syscall(SYS_remap_file_pages, page, 4096, 0, 0, 0) == 0) return broken("remap_file_pages");
  const char *files[] = {"/proc/self/mem", "/proc/thread-self/mem", NULL, NULL};
  char by_pid[64], by_task[64];
  snprintf(by_pid, sizeof by_pid, "/proc/%d/mem", getpid());
  snprintf(by_task, sizeof by_task, "/proc/self/task/%d/mem", gettid());
  files[2] = by_pid, files[3] = by_task;
  for (int i = 0; i < 4; ++i) {
    if (open(files[i], O_RDWR) >= 0 || open(files[i], O_WRONLY) >= 0) return broken(files[i]);
    if (syscall(SYS_openat, AT_FDCWD, files[i], O_RDWR) >= 0) return broken(files[i]);
  }
  const int proc = open("/proc/self", O_PATH);
  if (openat(proc, "mem", O_RDWR) >= 0) return broken("mem below /proc/self");
  int readable = open("/proc/self/mem", O_RDONLY);
  if (readable >= 0) {  // reading is harmless; reopening it for writing is not
    char again[64];
    snprintf(again, sizeof again, "/proc/self/fd/%d", readable);
    if (open(again, O_RDWR) >= 0) return broken("/proc/self/mem, reopened");
  }
  char one = (char)0xcc;
  struct iovec local = {&one, 1}, remote = {page, 1};
  if (process_vm_writev(getpid(), &local, 1, &remote, 1, 0) > 0) return broken("process_vm_writev");
  Dl_info own;
  Lmid_t id;
  (void)id;
  if (api && dladdr((void *)api, &own) && munmap((void *)((uintptr_t)own.dli_fbase), 4096) == 0) return broken("our own library");
  return still_enforced() ? 0 : broken("not enforced any more");
}

// --- children without an exec, in shared memory --------------------------------------------------------------------------------
static int child_reads(void *unused) {
  (void)unused;
  _exit(shows_secret(open(secret_path, O_RDONLY)) ? 1 : 0);
}
static char stack[65536] __attribute__((aligned(16)));
static int shared_memory_children(void) {
  int status = 0;
  pid_t pid = vfork();
  if (pid == 0) child_reads(NULL);
  waitpid(pid, &status, 0);
  if (status) return broken("a vfork child reads");
  pid = clone(child_reads, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
  waitpid(pid, &status, 0);
  if (status) return broken("a CLONE_VM child reads");
  pid = clone(child_reads, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
  if (pid > 0) return broken("a child beside us in the same memory");
#if defined(SYS_vfork) && !defined(__clang__)  // the parent returns by an address that its child has overwritten: gcc's code bears it
  pid = (pid_t)syscall(SYS_vfork);
  if (pid == 0) child_reads(NULL);
  waitpid(pid, &status, 0);
  if (status) return broken("a raw vfork child reads");
#endif
  pid = fork();
  if (pid == 0) child_reads(NULL);
  waitpid(pid, &status, 0);
  return status ? broken("a fork child reads") : still_enforced() ? 0 : broken("not enforced any more");
}

static int state_calls(void) {
  // A filter that lets everything pass, were it let in.
  struct sock_filter pass[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const struct sock_fprog filter = {1, pass};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0) return broken("prctl seccomp");
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0) return broken("seccomp");
  if (chroot(open_dir) == 0) return broken("chroot");
  if (syscall(SYS_chroot, open_dir) == 0) return broken("raw chroot");
  if (unshare(CLONE_NEWNS) == 0) return broken("unshare");
  if (unshare(CLONE_NEWUSER) == 0) return broken("unshare user");
  if (syscall(SYS_mount, protected_dir, open_dir, NULL, 4096 /* bind */, NULL) == 0) return broken("mount");
  if (syscall(428, AT_FDCWD, protected_dir, 1 /* OPEN_TREE_CLONE */) >= 0) return broken("open_tree");
  if (syscall(429, -1, "", AT_FDCWD, open_dir, 4) == 0 || errno == EBADF) return broken("move_mount");
  if (syscall(442, AT_FDCWD, open_dir, 0, NULL, 0) == 0 || errno == EINVAL) return broken("mount_setattr");
  if (acct(public_path) == 0) return acct(NULL), broken("acct");
  const struct rlimit core = {4096, RLIM_INFINITY};
  if (setrlimit(RLIMIT_CORE, &core) == 0) return broken("setrlimit");
  if (prlimit(0, RLIMIT_CORE, &core, NULL) == 0) return broken("prlimit");
  if (syscall(SYS_setrlimit, RLIMIT_CORE, &core) == 0) return broken("raw setrlimit");
  const int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
  if (syscall(SYS_pidfd_getfd, self, 0, 0) >= 0) return broken("pidfd_getfd");
  close(self);
  // What the kernel takes for a number: the low 32 bits. What nobody knew when this was written: ENOSYS.
  if (shows_secret((int)syscall(SYS_openat | 1L << 32, AT_FDCWD, secret_path, O_RDONLY))) return broken("a system call with high bits");
  if (shows_secret((int)syscall(SYS_openat | 1L << 63, AT_FDCWD, secret_path, O_RDONLY))) return broken("a negative number");
  if (shows_secret((int)syscall(SYS_openat | 0x40000000, AT_FDCWD, secret_path, O_RDONLY))) return broken("a number of x32");
  if (syscall(464, AT_FDCWD, secret_path, 0, "user.x", NULL, 0) != -1 || errno != ENOSYS) return broken("an unknown system call");
  if (syscall(SYS_getpid | 1L << 32) != getpid()) return broken("a harmless one with high bits");
  if (clone(child_reads, stack + sizeof stack, CLONE_NEWNS | SIGCHLD, NULL) > 0) return broken("clone into a namespace");
  return still_enforced() ? 0 : broken("not enforced any more");
}

// --- signals, small stacks, cancellation ---------------------------------------------------------------------------------------
static atomic_int handled, leaked;
static void on_signal(int number) {
  (void)number;
  const int kept = errno;
  ++handled;
  leaked += shows_secret(open(secret_path, O_RDONLY));
  close(open(public_path, O_RDONLY));
  errno = kept;
}
static int signals(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval timer = {.it_interval.tv_usec = 300, .it_value.tv_usec = 300};
  setitimer(ITIMER_REAL, &timer, NULL);
  for (int i = 0; i < 20000; ++i) {
    const int fd = open(public_path, O_RDONLY);
    if (fd < 0) return broken("a granted open fails under signals");
    close(fd);
    if (shows_secret(open(secret_path, O_RDONLY))) return broken("a denied open succeeds under signals");
  }
  timer = (struct itimerval){0};
  setitimer(ITIMER_REAL, &timer, NULL);
  printf("handled %d\n", handled);
  return leaked ? broken("a signal handler reads") : 0;
}
static void *small_stack(void *unused) {
  (void)unused;
  char link[500];
  snprintf(link, sizeof link, "%s/to_file", open_dir);
  for (int i = 0; i < 100; ++i) {
    close(open(public_path, O_RDONLY));
    if (shows_secret(open(link, O_RDONLY))) return (void *)1;
    rename(secret_path, public_path);
    link[0] = '/';
  }
  return NULL;
}
static int small_stacks(void) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 96 * 1024);
  pthread_t thread;
  void *result;
  pthread_create(&thread, &attributes, small_stack, NULL);
  pthread_join(thread, &result);
  return result ? broken("a link on a small stack") : 0;
}
static void *waits(void *fifo) {
  struct sockaddr_in a;
  (void)a;
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  a = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(fifo)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  connect(fd, (struct sockaddr *)&a, sizeof a);
  char block[65536] = "";
  for (;;) sendto(fd, block, sizeof block, MSG_NOSIGNAL, NULL, 0);
  return NULL;
}
// more: a port where nobody reads.
static int cancellation(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, waits, more[0]);
  usleep(100000);
  pthread_cancel(thread);
  struct timespec limit;
  clock_gettime(CLOCK_REALTIME, &limit);
  limit.tv_sec += 3;
  return pthread_timedjoin_np(thread, NULL, &limit) ? broken("a waiting send cannot be cancelled") : 0;
}

// --- floods -----------------------------------------------------------------------------------------------------------------------
static void *flood_one(void *unused) {
  (void)unused;
  for (int i = 0; i < 50000; ++i)
    if (open(secret_path, O_RDONLY) >= 0 || errno != EPERM) return (void *)1;
  return NULL;
}
static int flood(void) {
  pthread_t threads[4];
  void *result;
  int bad = 0;
  for (int i = 0; i < 4; ++i) pthread_create(&threads[i], NULL, flood_one, NULL);
  for (int i = 0; i < 4; ++i) pthread_join(threads[i], &result), bad |= result != NULL;
  if (api) api->flush();
  return bad ? broken("a flood gets through") : 0;
}

static int few_descriptors(void) {
  const struct rlimit limit = {8, 8};
  setrlimit(RLIMIT_NOFILE, &limit);
  char link[500];
  snprintf(link, sizeof link, "%s/to_file", open_dir);
  if (shows_secret(open(link, O_RDONLY))) return broken("a link with few descriptors");
  int fd, opened = 0;
  while ((fd = open(public_path, O_RDONLY)) >= 0) ++opened;
  if (errno != EMFILE) return broken("a full table gives another error");
  if (shows_secret(open(link, O_RDONLY))) return broken("a link with a full table");
  if (unlink(secret_path) == 0) return broken("unlink with a full table");
  printf("opened %d\n", opened);
  return 0;
}

// --- patched while other threads run the functions: started late, on purpose -----------------------------------------------------
static void *hammer_one(void *unused) {
  (void)unused;
  struct stat st;
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  while (!stop) {
    for (int i = 0; i < 10; ++i) {
      connect(fd, (struct sockaddr *)&a, sizeof a);
      sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof a);
      unlink("/var/tmp/ap_nothing");
      close(open(public_path, O_RDONLY));
      stat(public_path, &st);
      access(public_path, R_OK);
      close(fcntl(fd, F_DUPFD_CLOEXEC, 100));
      madvise((void *)((uintptr_t)stack & ~4095ul), 4096, MADV_NORMAL);
    }
  }
  return NULL;
}

static const struct {
  const char *name;
  int (*run)(void);
} verbs[] = {{"race_path", race_path}, {"race_address", race_address}, {"race_argument", race_argument}, {"race_tree", race_tree},
             {"inherited_directory", inherited_directory}, {"swap_descriptors", swap_descriptors}, {"thread_table", thread_table}, {"restore_libc", restore_libc},
             {"posix_madvise", restore_libc_by_posix_madvise}, {"remap_libc", remap_libc}, {"close_as_queue", close_as_queue},
             {"user_dispatch", user_dispatch}, {"fanotify", watch_by_fanotify}, {"close_from_in_child", close_from_in_child},
             {"shared_memory_children", shared_memory_children}, {"state_calls", state_calls}, {"signals", signals},
             {"small_stacks", small_stacks}, {"cancellation", cancellation}, {"handed_over", handed_over}, {"flood", flood}, {"few_descriptors", few_descriptors}};

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IONBF, 0);
  if (argc < 4) return 98;
  protected_dir = argv[2];
  open_dir = argv[3];
  more = argv + 4;
  snprintf(secret_path, sizeof secret_path, "%s/file", protected_dir);
  snprintf(public_path, sizeof public_path, "%s/file", open_dir);
  if (strcmp(argv[1], "hammer") == 0) {
    pthread_t threads[3];
    for (int i = 0; i < 3; ++i) pthread_create(&threads[i], NULL, hammer_one, NULL);
    usleep(2000);
    start_app_protect();
    usleep(2000);
    stop = 1;
    for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
    if (still_enforced()) printf("done\n");
    return 0;
  }
  start_app_protect();
  for (size_t i = 0; i < sizeof verbs / sizeof *verbs; ++i) {
    if (strcmp(verbs[i].name, argv[1])) continue;
    const int result = verbs[i].run();
    printf("done\n");
    return result;
  }
  return 97;
}

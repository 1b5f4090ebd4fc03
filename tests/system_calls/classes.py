# SPDX-License-Identifier: Apache-2.0
"""What is known of system calls: which need no decision, and which instructions of libc and its loader do no harm where
they stand. What line 2 itself decides comes from its own plan (print_plan), not from here."""

import re

# Numbers that line 2 leaves alone, by reason. What stands neither here nor in the plan fails the check.
HARMLESS = {
    "on a descriptor, which was decided when it was opened": """read pread64 readv preadv preadv2 pwrite64 pwritev lseek
        fstatfs fsync fdatasync syncfs sync sync_file_range ftruncate fallocate fadvise64 readahead getdents
        getdents64 flock fgetxattr flistxattr copy_file_range tee vmsplice cachestat dup pipe pipe2""",
    "on a socket that is there already": """accept accept4 listen recvfrom recvmsg recvmmsg getsockname getpeername
        getsockopt shutdown socketpair""",
    "waits and wakes": """futex futex_waitv futex_wake futex_wait futex_requeue poll ppoll select pselect6 epoll_create
        epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 nanosleep clock_nanosleep pause
        eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_settime timerfd_gettime inotify_init inotify_init1
        inotify_rm_watch fanotify_init wait4 waitid restart_syscall sched_yield membarrier""",
    "signals": """rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend
        rt_tgsigqueueinfo sigaltstack kill tkill tgkill pidfd_open pidfd_send_signal""",
    "time": """time gettimeofday clock_gettime clock_getres times getitimer setitimer alarm timer_create timer_settime
        timer_gettime timer_getoverrun timer_delete""",
    "asks about the process or the machine": """getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid
        getgroups getpgid getpgrp getsid getrlimit getrusage getpriority ioprio_get capget uname sysinfo getcpu getcwd
        get_robust_list get_mempolicy sched_getparam sched_getscheduler sched_getaffinity sched_getattr
        sched_get_priority_max sched_get_priority_min sched_rr_get_interval kcmp getrandom ustat sysfs lsm_get_self_attr
        lsm_list_modules statmount listmount mincore""",
    "about the process's own threads": """set_tid_address set_robust_list rseq arch_prctl modify_ldt set_thread_area
        get_thread_area exit sched_setparam sched_setscheduler sched_setaffinity sched_setattr setpriority ioprio_set
        set_mempolicy set_mempolicy_home_node mbind migrate_pages move_pages setpgid setsid""",
    "memory, without touching what is mapped": """brk msync mlock mlock2 munlock mlockall munlockall mseal
        map_shadow_stack pkey_alloc pkey_free shmget shmctl shmdt memfd_create memfd_secret userfaultfd process_mrelease""",
    "between processes, no file and no network": """msgget msgsnd msgrcv msgctl semget semop semctl semtimedop mq_open
        mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr add_key keyctl process_vm_readv""",
    "gives up rights, or needs them": """setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups
        capset landlock_create_ruleset landlock_add_rule landlock_restrict_self lsm_set_self_attr""",
    "where relative paths begin": "chdir fchdir umask",
    "of a context that cannot be had": "io_submit io_cancel io_destroy io_getevents io_pgetevents",
    "of a ring that the runtime made before the start (libuv's); no other can be had": "io_uring_enter io_uring_register",
    "needs a capability that no function has": """init_module finit_module delete_module kexec_load kexec_file_load reboot
        swapon swapoff sethostname setdomainname settimeofday clock_settime adjtimex clock_adjtime iopl ioperm syslog
        vhangup quotactl quotactl_fd bpf perf_event_open""",
    "not in today's kernels": """create_module get_kernel_syms query_module nfsservctl getpmsg putpmsg afs_syscall tuxcall
        security vserver _sysctl lookup_dcookie""",
}

# Numbers behind those that the system's headers may not know yet.
NEWER = """cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue statmount listmount lsm_get_self_attr
    lsm_set_self_attr lsm_list_modules mseal""".split()

# Instructions that make a decided call outside of a patched entry: (file, call, function, why). Function: the name that
# is exported at its beginning (or else the local one), "" where there is none. `?`: the number is no constant.
OWN = [
    ("libc.so.6", "?", "", "another thread's part of setuid and its like: the number is one of theirs"),
    ("libc.so.6", "writev", "", "libc's last words to standard error; gmon.out, which it opened by a patched entry"),
    ("libc.so.6", "writev", "herror", "a message to standard error"),
    ("libc.so.6", "close", "", "route sockets that libc opened for the length of one call"),
    ("libc.so.6", "ioctl", "tcsetattr", "requests of terminals alone"),
    ("libc.so.6", "ioctl", "tcgetattr", "requests of terminals alone"),
    ("libc.so.6", "ioctl", "tcdrain", "requests of terminals alone"),
    ("libc.so.6", "prlimit64", "getrlimit", "asks, sets nothing"),
    ("libc.so.6", "fcntl", "", "flags of descriptors that libc opened or was given: tells of no path"),
    ("ld-linux-x86-64.so.2", "fcntl", "", "the loader's: at start, of the three standard descriptors"),
    ("libc.so.6", "clone3", "", "threads, and the child of posix_spawn, whose exec is decided"),
    (
        "node",
        "?",
        "Builtins_StringPrototypeIndexOf",
        "no instruction: a table of V8's behind the code of the function (Node 14)",
    ),
    *(
        ("ld-linux-x86-64.so.2", call, "", "the loader's: at start, and for libraries that dlopen was granted")
        for call in "openat access newfstatat readlink mmap munmap close write writev execve exit_group open stat".split()
    ),
]
OPEN = [
    (
        "ld-linux-x86-64.so.2",
        "mprotect",
        "",
        "the loader's; also behind its private `__nptl_change_stack_perm`, which makes a thread's own stack executable: by"
        " `ctypes`, which can call it by name, new executable memory can be had",
    ),
]


def names():
    """number -> name, as the system's headers and NEWER tell."""
    table = {}
    with open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h") as header:
        for name, number in re.findall(r"#define __NR_(\w+) (\d+)", header.read()):
            table[int(number)] = name
    table.update({451 + i: name for i, name in enumerate(NEWER)})
    return table


def harmless():
    """name -> why."""
    return {name: why for why, text in HARMLESS.items() for name in text.split()}

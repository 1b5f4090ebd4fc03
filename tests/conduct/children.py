# SPDX-License-Identifier: Apache-2.0
"""What children do is the same under a policy that observes everything: output, errors, exit status, files left behind.

Each case is a program that Python, Node and `app-protect run` start: without us, then observed.
"""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from cpython import OBSERVE

HERE = pathlib.Path(__file__).resolve().parent
STARTERS = ("python", "node", "run")

# name, program ($TOOLS: programs built here), what must be installed
SHELL = [
    ("pipe and status", "echo a | tr a b; false | true; echo $? ${PIPESTATUS[@]}; (exit 3)", ""),
    ("status of the whole", "exit 42", ""),
    ("ends by a signal", "kill -9 $$", ""),
    ("a child ends by a signal", "sh -c 'kill -TERM $$'; echo $?; sh -c 'kill -SEGV $$' 2>&1; echo $?", ""),
    ("broken pipe", "yes | head -n 1; echo ${PIPESTATUS[@]}", ""),
    ("trap", "trap 'echo got TERM' TERM; kill -TERM $$; trap 'echo bye' EXIT", ""),
    (
        "background and wait",
        "for i in 1 2 3; do (sleep 0.0$i; exit $i) & done; for p in $(jobs -p); do wait $p; echo $?; done",
        "",
    ),
    ("here document", "cat <<X | sort\nb\na\nX\ncat <<< word", ""),
    (
        "process substitution",
        "diff <(printf 'a\\nb\\n') <(printf 'a\\nc\\n'); cat < <(echo in); echo out > >(cat); wait; sleep 0.1",
        "",
    ),
    ("coprocess", "coproc cat; echo x >&${COPROC[1]}; read -u ${COPROC[0]} y; echo $y", ""),
    ("named pipe", "mkfifo p; (echo through > p) & cat p; wait", ""),
    (
        "redirections",
        "exec 3>f 4<>g 57>h 255>i; echo 3 >&3; echo 57 >&57; cat f h; exec 3>&- 57>&-; echo x >&57; echo $?; ls",
        "",
    ),
    ("all numbers", 'for n in {10..80}; do eval "exec $n>o$n" || echo no $n; done; ls | wc -l; ls /dev/null', ""),
    ("few descriptors", "for n in 40 16 12 8 7 6 5 4; do (ulimit -n $n; cat /etc/hostname; echo $n $?); done 2>&1", ""),
    (
        "few descriptors, no shell",
        "prlimit --nofile=4:4 /bin/echo x; prlimit --nofile=5:5 sh -c 'cat /etc/hostname; exit 3'; echo $?",
        "prlimit",
    ),
    (
        "closed standard descriptors",
        "(exec 0<&- 1>&- 2>&-; $TOOLS/descriptors 3>&1 > seen); cat seen; (exec 0<&-; $TOOLS/descriptors)",
        "",
    ),
    (
        "inherited descriptors",
        "exec 5<$0 6<>x 9>y; $TOOLS/descriptors; python3 -c 'import os; print(os.fstat(5).st_size)' 5</dev/null",
        "",
    ),
    ("flags of standard descriptors", "$TOOLS/descriptors < /dev/null 2> e | cat; cat e", ""),
    ("empty environment", "env -i /usr/bin/env; env -i sh -c '/usr/bin/env | wc -l'; env -i A=1 /usr/bin/printenv", ""),
    ("environment", "/usr/bin/env | grep -v '^_=' | sort; printenv LD_PRELOAD; echo $?", ""),
    (
        "a preload of its own",
        "LD_PRELOAD=$TOOLS/preload.so /usr/bin/printenv LD_PRELOAD; LD_PRELOAD=$TOOLS/preload.so sh -c 'env | grep LD_'",
        "",
    ),
    ("a preload that is not there", "LD_PRELOAD=/nowhere/x.so /bin/echo x", ""),
    (
        "long arguments",
        "x=$(head -c 131000 /dev/zero | tr '\\0' x); /bin/echo $x | wc -c; /bin/echo x$x$x | wc -c; echo $?",
        "",
    ),
    (
        "large environment",
        "for i in {1..300}; do export V$i=$(printf '%01000d' $i); done; /usr/bin/env | wc -c; sh -c 'echo ${#V7}'",
        "",
    ),
    ("as many arguments as fit", "seq 1 200000 | xargs echo | wc", ""),
    ("many at once", "seq 1 40 | xargs -P 4 -I{} sh -c 'exit $(({} % 2))'; echo $?", ""),
    (
        "scripts",
        "printf '#!/bin/sh -e\\necho $0 $1\\nfalse\\necho no\\n' > s; chmod +x s; ./s a; echo $?; PATH=.:$PATH s b; echo $?",
        "",
    ),
    ("a script without an interpreter", "echo 'echo plain $1' > s; chmod +x s; ./s a; env ./s b; echo $?", ""),
    (
        "a script of a script",
        "printf '#!/bin/sh\\necho in $@\\n' > i; printf '#!'$PWD'/i x y\\n' > s; chmod +x i s; ./s z; echo $?",
        "",
    ),
    (
        "a script of nothing",
        "printf '#!/nowhere/x\\n' > s; chmod +x s; ./s; echo $?; printf '#!/bin/sh\\r\\n' > t; chmod +x t; ./t; echo $?",
        "",
    ),
    ("an empty program", ": > s; chmod +x s; ./s; echo $?; env ./s; echo $?", ""),
    (
        "not to be executed",
        "echo x > s; ./s; echo $?; /; echo $?; /nowhere/x; echo $?; no_such_program; echo $?; ./s/x; echo $?",
        "",
    ),
    ("another name", "exec -a other $TOOLS/arguments one two", ""),
    ("no name", "$TOOLS/no_name", ""),
    (
        "what it is",
        "(exec -a me $TOOLS/arguments); cat /proc/self/comm; tr '\\0' ' ' < /proc/self/cmdline; readlink /proc/self/exe",
        "",
    ),
    ("signals", "grep -E 'Sig(Blk|Ign|Cgt)|Threads|Seccomp:|NoNewPrivs|CoreDumping|Groups|Uid' /proc/self/status", ""),
    (
        "signals that are ignored",
        "trap '' INT HUP; grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status; nohup grep SigIgn /proc/self/status",
        "",
    ),
    ("limits", "ulimit -a; ulimit -s 4096; ulimit -c 0; cat /proc/self/limits", ""),
    (
        "masks and places",
        "umask 027; umask; touch f; stat -c %a f; cd /usr; pwd; sh -c 'pwd; cd ..; pwd'; readlink /proc/self/cwd",
        "",
    ),
    (
        "sessions and groups",
        "set -m; $TOOLS/group; setsid -w $TOOLS/group; set +m; $TOOLS/group & wait; (setsid -w setsid -w $TOOLS/group | cat)",
        "setsid",
    ),
    (
        "time limits",
        "timeout 0.1 sleep 5; echo $?; timeout -s KILL 0.1 sleep 5; echo $?; timeout 5 sh -c 'exit 4'; echo $?",
        "",
    ),
    ("priorities", "nice -n 5 nice; chrt -p $$ 2>&1 | sed 's/.*pid [0-9]*//'; ionice", ""),
    ("a terminal", "script -qec 'tty > /dev/null && test -t 1 && echo terminal' /dev/null", "script"),
    ("static program", "$TOOLS/static one; echo $?; $TOOLS/static; echo $?; cat f | $TOOLS/static x | cat", ""),
    (
        "static program in a pipe",
        "echo f > f; cat f | $TOOLS/static x < f | tr a-z A-Z; find . -name f -exec $TOOLS/static {} +; xargs $TOOLS/static < f",
        "",
    ),
    (
        "the loader as a program",
        "/lib64/ld-linux-x86-64.so.2 /bin/echo by the loader; ldd /bin/true | sed 's/(.*//'",
        "",
    ),
    ("libraries listed", "LD_TRACE_LOADED_OBJECTS=1 /bin/true | sed 's/(.*//'", ""),
    ("go", "$TOOLS/go_program one; echo $?", "go"),
    ("busybox", "busybox sh -c 'echo a | busybox tr a b; exit 3'; echo $?", "busybox"),
    (
        "set-uid",
        "su nobody -s /bin/sh -c 'id -un; echo $HOME; exit 3'; echo $?; mount | wc -l; ls -l /bin/su | cut -c1-10",
        "su",
    ),
    (
        "another user",
        "setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'id -u; cat /etc/shadow; su -c id < /dev/null'; echo $?",
        "setpriv",
    ),
    (
        "make",
        "printf 'all: a b c d\\na b c d:\\n\\t@sleep 0.02; echo $@ > $@; cat $@\\nx:\\n\\t@false\\n' > Makefile; make -s -j4 | sort; make -s -j2 x; echo $?",
        "make",
    ),
    (
        "make of make",
        "printf 'all: one two\\none two:\\n\\t@$(MAKE) -s -f Sub $@1 $@2\\n' > Makefile; printf '%%:\\n\\t@echo $@\\n' > Sub; make -s -j3 | sort",
        "make",
    ),
    (
        "compiler",
        "echo 'int main(void){return 7;}' > p.c; gcc -pipe -o p p.c && ./p; echo $?; gcc nothing.c; echo $?",
        "gcc",
    ),
    (
        "git",
        """export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_DATE=@0+0000 GIT_COMMITTER_DATE=@0+0000
git init -q -b main r; cd r; git config user.name n; git config user.email e@x
printf '#!/bin/sh\\necho hook\\n' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit
echo 1 > f; git add f; git commit -q -m one; git log --format=%H; cd ..; git clone -q r s; cat s/f
cd s; git gc -q; git fsck 2>&1; git -c alias.z='!echo alias $1' z y; git nonsense; echo $?""",
        "git",
    ),
    (
        "tar and compressors",
        "mkdir d; seq 1 5000 > d/a; ln -s a d/b; ln d/a d/c; tar cz d | tar tz; tar cf - d | gzip -9 | gzip -dc | tar xf - -C / --to-command=wc; tar cJf x d && tar xJf x -O d/a | md5sum",
        "tar xz",
    ),
    (
        "find and sort",
        "for i in {1..30}; do mkdir -p $((i % 4))/x; echo $i > $((i % 4))/x/$i; done; find . -type f -print0 | sort -z | xargs -0 cat | sort -n | tail -n 2; du -a . | wc -l",
        "",
    ),
    (
        "perl",
        'perl -e \'print `echo hi`; system("false"); print $? >> 8, qq{\\n}; open(P, "|cat"); print P "pipe\\n"; close P; $SIG{ALRM}=sub{print "alarm\\n"}; alarm 1; sleep 3; kill 9, $$\'',
        "perl",
    ),
    (
        "perl forks",
        'perl -e \'$| = 1; for (1..3) { my $p = fork; if (!$p) { exit $_ } waitpid $p, 0; print $? >> 8, "\\n" } exec "sh", "-c", "echo $ENV{X}"\'',
        "perl",
    ),
    (
        "ruby",
        'ruby -e \'puts `echo hi`; p system("exit 2"), $?.exitstatus; IO.popen(["cat"], "r+") { |f| f.puts 1; f.close_write; p f.read }; pid = fork { exit! 3 }; Process.wait pid; p $?.exitstatus; spawn("echo", "s", out: :err); Process.wait; Process.kill(:TERM, $$)\'',
        "ruby",
    ),
    (
        "java",
        'java -Xshare:auto -version 2>&1 | tail -n 1; echo \'class A{public static void main(String[] a)throws Exception{var p=new ProcessBuilder("sh","-c","echo from java; exit 5").inheritIO().start();System.out.println(p.waitFor());System.exit(6);}}\' > A.java; java A.java; echo $?',
        "java javac",
    ),
    (
        "python",
        'python3 -c \'import os, subprocess as s; print(s.run(["sh", "-c", "echo x; exit 3"]).returncode, os.spawnlp(os.P_WAIT, "sh", "sh", "-c", "exit 4"), os.system("kill -9 $$")); os.abort()\'',
        "python3",
    ),
    (
        "sqlite and locks",
        "flock l -c 'echo locked; flock -n l echo never; echo $?'; exec 9> m; flock 9; flock -n m true; echo $?",
        "flock",
    ),
    ("trace of calls", "strace -f -e trace=none -o /dev/null sh -c '/bin/echo traced'; echo $?", "strace"),
    ("sockets", "$TOOLS/sockets", ""),
    ("threads that start programs", "$TOOLS/threads", ""),
    ("in /opt", "$OPT/arguments a; $OPT/script b; echo $?", ""),
    ("dash", "dash -c 'exec 57>f; echo x >&57; cat f; a() { cat; }; echo y | a; kill -TERM $$'; echo $?", "dash"),
    (
        "mail of files",
        "cp -a /etc/skel s; mv s t; ln -s t u; rm -r u t; install -m 600 /etc/hostname h; stat -c '%a %s' h | cut -d' ' -f1; mktemp -p . aXXX | wc -c",
        "",
    ),
]

PROGRAMS = {
    "arguments": r"""int main(int c, char **v) { for (int i = 0; i < c; ++i) puts(v[i]); return c; }""",
    "no_name": r"""int main(void) { char *none[] = {NULL}, *env[] = {"A=1", NULL};
  execve("/bin/sh", none, env); perror("exec"); return 1; }""",
    "descriptors": r"""int main(void) { struct stat st; for (int fd = 0; fd < 1024; ++fd) if (!fstat(fd, &st) || fcntl(fd, F_GETFD) >= 0)
  printf("%d %x %x %o\n", fd, fcntl(fd, F_GETFD), fcntl(fd, F_GETFL), st.st_mode & S_IFMT); return 0; }""",
    "group": r"""int main(void) { printf("%d %d %d\n", getpid() == getpgrp(), getpid() == getsid(0), tcgetpgrp(0)); return 0; }""",
    "sockets": r"""int main(void) { struct sockaddr_in a = {.sin_family = AF_INET}; socklen_t n = sizeof a; char b[8] = "";
  int s = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), u[2]; a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bind(s, (void *)&a, n); listen(s, 1); getsockname(s, (void *)&a, &n); printf("%d\n", connect(c, (void *)&a, n));
  socketpair(AF_UNIX, SOCK_DGRAM, 0, u); send(u[0], "hello", 6, 0); recv(u[1], b, 8, 0); puts(b); int d = accept(s, NULL, NULL);
  if (!fork()) { char *v[] = {"sh", "-c", "echo by socket >&0", NULL}; dup2(d, 0); execv("/bin/sh", v); }
  wait(NULL); memset(b, 0, 8); recv(c, b, 7, 0); puts(b); a.sin_port = htons(1); c = socket(AF_INET, SOCK_STREAM, 0);
  printf("%d %s\n", connect(c, (void *)&a, n), strerror(errno)); return 0; }""",
    "threads": r"""static void *run(void *n) { char *v[] = {"sh", "-c", "exit 5", NULL}; pid_t p; long bad = 0; int s = 0; for (int i = 0; i < 8; ++i) {
  if (posix_spawn(&p, "/bin/sh", NULL, NULL, v, environ)) ++bad; else if (waitpid(p, &s, 0) != p || s != 5 << 8) ++bad;
  if (system("exit 6") != 6 << 8) ++bad; FILE *f = popen("echo x", "r"); if (!f || fgetc(f) != 'x' || pclose(f)) ++bad; } return (void *)bad; }
int main(void) { pthread_t t[4]; void *bad; for (int i = 0; i < 4; ++i) pthread_create(&t[i], NULL, run, NULL);
  for (int i = 0; i < 4; ++i) pthread_join(t[i], &bad), printf("%ld\n", (long)bad); return 0; }""",
    "preload.so": r"""__attribute__((constructor)) static void here(void) { fputs("preloaded\n", stderr); }""",
}
PROGRAMS["static"] = PROGRAMS["arguments"]
HEADERS = (
    """arpa/inet errno fcntl netinet/in pthread spawn stdio stdlib string sys/socket sys/stat sys/wait unistd""".split()
)
GO = 'package main\nimport ("fmt"; "os"; "os/exec")\nfunc main() { o, e := exec.Command("sh", "-c", "echo from go; exit 3").Output(); fmt.Println(os.Args[1:], string(o), e); os.Exit(9) }\n'


class Children:
    """All cases, started by each starter, without us and observed."""

    def __init__(self, build, stage, runtimes, kept, say=print):
        self.build, self.stage, self.kept, self.say = build, stage, kept, say
        self.python, self.node = runtimes["python"][-1]["path"], runtimes["node"][-1]["path"]
        self.opt = None

    def _tools(self, folder):
        folder.mkdir()
        begin = "#define _GNU_SOURCE\n" + "".join(f"#include <{name}.h>\n" for name in HEADERS)
        for name, text in PROGRAMS.items():
            options = {"static": ["-static"], "preload.so": ["-shared", "-fPIC"]}.get(name, [])
            words = ["gcc", "-w", "-O1", "-o", str(folder / name), "-x", "c", "-", "-pthread", *options]
            subprocess.run(words, input=(begin + text).encode(), check=True)
        if shutil.which("go"):
            (folder / "main.go").write_text(GO)
            own = {
                "HOME": str(folder),
                "GOCACHE": str(folder / "go-cache"),
                "CGO_ENABLED": "0",
                "PATH": os.environ["PATH"],
            }
            subprocess.run(
                ["go", "build", "-o", str(folder / "go_program"), str(folder / "main.go")], check=True, env=own
            )
            shutil.rmtree(folder / "go-cache", ignore_errors=True)
        script = folder / "script"
        script.write_text("#!/bin/sh\necho script $1\nexit 4\n")
        script.chmod(0o755)

    def _mode(self, name, observed):
        """The command that starts the cases."""
        if name == "node":
            return [
                self.node,
                *(["--require", str(self.stage / "app_protect/node.js")] if observed else []),
                str(HERE / "starter.js"),
            ]
        words = [self.python, str(HERE / "starter.py")]
        if name == "run" and observed:
            return [
                str(self.build / "bin" / "app-protect"),
                "run",
                "--policy",
                str(self.base / "policy.json"),
                "--",
                *words,
            ]
        return words

    def _run(self, starter, observed, cases):
        """name -> (status, output, errors, files)."""
        base = self.base / "run"
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir()
        tasks = []
        for number, (name, text, _) in enumerate(cases):
            folder = base / str(number)
            folder.mkdir()
            tasks.append({"name": name, "folder": str(folder), "words": ["bash", "-c", text]})
        (base / "cases").write_text(json.dumps(tasks))
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(base),
            "LANG": "C.UTF-8",
            "X": "set",
            "TOOLS": str(self.base / "tools"),
            "OPT": str(self.opt),
        }
        log = self.kept / f"children-{starter}.events"
        if observed:
            log.unlink(missing_ok=True)
            environment.update(TREND_AP_EVENT_LOG_FILE=str(log), TREND_AP_LOG_LEVEL="error")
            if starter != "run":
                environment.update(TREND_AP_POLICY=json.dumps(OBSERVE))
            if starter == "python":
                environment.update(APP_PROTECT_CONDUCT_STAGE=str(self.stage / "python"))
        words = [*self._mode(starter, observed), str(base / "cases"), str(base / "results")]
        done = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=600)
        if done.returncode or not (base / "results").exists():
            return {
                name: (f"the starter ended: {done.returncode}", done.stderr.decode(), "", "") for name, _, _ in cases
            }, 0
        results = {}
        for task in json.loads((base / "results").read_text()):
            folder = pathlib.Path(task["folder"])
            texts = [pathlib.Path(f"{folder}.{end}").read_bytes().decode("utf-8", "replace") for end in ("out", "err")]
            results[task["name"]] = (task["status"], *texts, self._files(folder))
        events = (
            log.read_text("utf-8", "replace").count('"policy":"create_child_process"')
            if observed and log.exists()
            else 0
        )
        return results, events

    @staticmethod
    def _files(folder):
        seen = []
        for path in sorted(folder.rglob("*")):
            if ".git" in path.parts or path.name in ("x", "index"):
                continue  # times, random names
            what = (
                os.readlink(path)
                if path.is_symlink()
                else hashlib.md5(path.read_bytes()).hexdigest()
                if path.is_file()
                else ""
            )
            seen.append(f"{oct(path.lstat().st_mode)} {path.relative_to(folder)} {what}")
        return "\n".join(re.sub(r"\baper?[A-Za-z0-9]{3}\b", "RANDOM", line) for line in seen)

    def run(self, starters=STARTERS):
        """(passed, failed, skipped)."""
        good = bad = 0
        absent = [(name, needs) for name, _, needs in SHELL if any(not shutil.which(each) for each in needs.split())]
        cases = [case for case in SHELL if case[0] not in [name for name, _ in absent]]
        for name, needs in absent:
            self.say(f"children: skipped {name}: {needs} not here")
        with tempfile.TemporaryDirectory(prefix="apx", dir="/var/tmp") as folder:
            self.base = pathlib.Path(folder).resolve()
            (self.base / "policy.json").write_text(json.dumps(OBSERVE))
            self._tools(self.base / "tools")
            self.opt = self.base / "tools"
            try:
                self.opt = pathlib.Path(tempfile.mkdtemp(prefix="ap-conduct-", dir="/opt"))
                for name in ("arguments", "script"):
                    shutil.copy(self.base / "tools" / name, self.opt)
            except OSError as why:
                self.say(f"children: nothing can be put into /opt: {why}")
            try:
                for starter in starters:
                    plain, _ = self._run(starter, False, cases)
                    observed, events = self._run(starter, True, cases)
                    differ = [name for name, _, _ in cases if plain[name] != observed[name]]
                    # A second look at what differs: some programs are not the same twice.
                    again = [case for case in cases if case[0] in differ]
                    second = [self._run(starter, mode, again)[0] for mode in (False, True)] if again else []
                    differ = [
                        name for name in differ if second[0][name] == plain[name] and second[1][name] != plain[name]
                    ]
                    for name in differ:
                        for what, a, b in zip(("status", "output", "errors", "files"), plain[name], observed[name]):
                            if a != b:
                                self.say(
                                    f"  DIFFERS {starter}, {name}, {what}:\n--- without us\n{str(a)[-1500:]}\n--- observed\n{str(b)[-1500:]}"
                                )
                    if events < len(cases):
                        self.say(f"  {starter}: {events} programs observed of at least {len(cases)}: no evidence")
                        bad += 1
                    bad += len(differ)
                    good += len(cases) - len(differ)
                    self.say(
                        f"children of {starter}: {len(cases)} cases, {len(differ)} differ, {events} observed programs"
                    )
            finally:
                if self.opt.parent == pathlib.Path("/opt"):
                    shutil.rmtree(self.opt, ignore_errors=True)
        return good, bad, len(absent)


if __name__ == "__main__":
    sys.exit("tests/conduct/run children")

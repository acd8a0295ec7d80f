#include "base/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#define ARCH 0 /* no filter matches: the child ends at once */
#endif

#define ALLOW(call)                                                                                \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##call, 0, 1),                                        \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* No opening, no sockets, no starting of programs, no memory that can be executed (mprotect). */
static int shut(void)
{
    static struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(read),
        ALLOW(pread64),
        ALLOW(lseek),
        ALLOW(write),
        ALLOW(brk),
        ALLOW(mmap),
        ALLOW(munmap),
        ALLOW(mremap),
        ALLOW(madvise),
        ALLOW(futex),
        ALLOW(sched_yield),
        ALLOW(getpid),
        ALLOW(sysinfo), /* how much memory there is, for qsort of more than 1,024 bytes */
        ALLOW(rt_sigreturn),
        ALLOW(exit),
        ALLOW(exit_group),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {sizeof rules / sizeof *rules, rules};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

static size_t memory_now(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f && fscanf(f, "%lu", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static int limit(int what, rlim_t most)
{
    return setrlimit((__rlimit_resource_t)what, &(struct rlimit){most, most});
}

static int write_all(int fd, const void *data, size_t n)
{
    const char *p = data;

    while (n) {
        ssize_t k = write(fd, p, n);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return -1;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

/* The child: an int with the code, then the answer, or the message of the error. */
_Noreturn static void child(const struct sandbox *s,
                            int (*work)(void *arg, struct buf *answer, struct err *e), void *arg,
                            int fd)
{
    struct buf answer = BUF_INIT;
    struct err e = {0};
    int rc;

    if (limit(RLIMIT_AS, memory_now() + s->most_memory) ||
        limit(RLIMIT_CPU, (rlim_t)s->most_seconds) || limit(RLIMIT_CORE, 0) ||
        limit(RLIMIT_NOFILE, 0) || shut()) {
        rc = ERR_DEVICE;
        (void)!write_all(fd, &rc, sizeof rc);
        _exit(1);
    }
    rc = work(arg, &answer, &e);
    if (!write_all(fd, &rc, sizeof rc))
        (void)!(rc ? write_all(fd, e.msg, strlen(e.msg)) : write_all(fd, answer.data, answer.len));
    _exit(0);
}

/* All that comes, up to most bytes; 1: there was more. */
static int read_all(int fd, size_t most, struct buf *out)
{
    char piece[65536];
    ssize_t n;

    while ((n = read(fd, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR)) {
        if (n > 0 && out->len + (size_t)n > most)
            return 1;
        if (n > 0)
            buf_add(out, piece, (size_t)n);
    }
    return 0;
}

static int judge(const struct sandbox *s, const struct buf *said, int status, int too_long,
                 struct buf *answer, struct err *e)
{
    int rc;

    if (too_long)
        return err_set(e, ERR_FORMAT, "%s: what is in it takes more than %zu bytes to tell",
                       s->name, s->most_answer);
    if (said->len < sizeof rc || (WIFSIGNALED(status) && said->len == 0))
        return err_set(e, ERR_FORMAT,
                       "%s: its reader was ended (%s): it asked for more than %zu MiB, %d s or "
                       "something that readers may not",
                       s->name, WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "no answer",
                       s->most_memory >> 20, s->most_seconds);
    memcpy(&rc, said->data, sizeof rc);
    if (rc == ERR_DEVICE && said->len == sizeof rc)
        return err_set(e, ERR_DEVICE,
                       "%s: this system has no seccomp, without which such files are not read",
                       s->name);
    if (rc)
        return err_set(e, rc, "%.*s", (int)(said->len - sizeof rc), said->data + sizeof rc);
    buf_add(answer, said->data + sizeof rc, said->len - sizeof rc);
    return 0;
}

int sandbox_run(const struct sandbox *s, int (*work)(void *arg, struct buf *answer, struct err *e),
                void *arg, struct buf *answer, struct err *e)
{
    struct buf said = BUF_INIT;
    int pipe_fd[2], status = 0, too_long, rc;
    pid_t pid;

    if (pipe(pipe_fd))
        return err_set(e, ERR_IO, "%s: no pipe: %s", s->name, strerror(errno));
    pid = fork();
    if (pid == 0) {
        close(pipe_fd[0]);
        child(s, work, arg, pipe_fd[1]);
    }
    close(pipe_fd[1]);
    if (pid < 0) {
        close(pipe_fd[0]);
        return err_set(e, ERR_IO, "%s: no child process: %s", s->name, strerror(errno));
    }
    too_long = read_all(pipe_fd[0], s->most_answer + sizeof(int), &said);
    close(pipe_fd[0]);
    if (too_long)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    rc = judge(s, &said, status, too_long, answer, e);
    buf_release(&said);
    return rc;
}

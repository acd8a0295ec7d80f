#include "base/manager.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/utf8.h"

enum { FIRST_FD = 3 }; /* SD_LISTEN_FDS_START */

/* Number of an environment variable, 0 where it is none. */
static int64_t number_of(const char *name)
{
    const char *text = getenv(name);
    int64_t n;

    return text && !parse_int(text, &n) && n > 0 ? n : 0;
}

int manager_socket(int *fd, struct err *e)
{
    int64_t n = number_of("LISTEN_PID") == getpid() ? number_of("LISTEN_FDS") : 0;

    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    *fd = n ? FIRST_FD : -1;
    return n > 1 ? err_set(e, ERR_USAGE, "listen: %lld sockets were given, one is served",
                           (long long)n)
                 : 0;
}

void manager_say(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = path ? strlen(path) : 0;

    if (n < 2 || n >= sizeof to.sun_path || !strchr("/@", path[0]))
        return;
    memcpy(to.sun_path, path, n);
    if (path[0] == '@') /* a name that is no file */
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&to,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
    close(fd);
}

double manager_watchdog_s(void)
{
    const char *pid = getenv("WATCHDOG_PID");

    return pid && number_of("WATCHDOG_PID") != getpid() ? 0
                                                        : (double)number_of("WATCHDOG_USEC") / 1e6;
}

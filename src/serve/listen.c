#include "serve/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/utf8.h"

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int bad_address(const char *text, struct err *e)
{
    return err_set(e, ERR_USAGE,
                   "listen: \"%.100s\" is no ADDR:PORT, [ADDR]:PORT or PORT with an IP address",
                   text);
}

static int read_address(const char *text, union address *a, struct err *e)
{
    const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;
    int64_t number;
    char ip[64] = "127.0.0.1";

    memset(a, 0, sizeof *a);
    if (colon)
        snprintf(ip, sizeof ip, "%.*s", (int)(colon - text), text);
    if (parse_int(port, &number) || number < 0 || number > 65535)
        return bad_address(text, e);
    size_t n = strlen(ip);
    if (n > 2 && ip[0] == '[' && ip[n - 1] == ']') {
        ip[n - 1] = '\0';
        a->v6.sin6_family = AF_INET6;
        a->v6.sin6_port = htons((uint16_t)number);
        return inet_pton(AF_INET6, ip + 1, &a->v6.sin6_addr) == 1 ? 0 : bad_address(text, e);
    }
    a->v4.sin_family = AF_INET;
    a->v4.sin_port = htons((uint16_t)number);
    return inet_pton(AF_INET, ip, &a->v4.sin_addr) == 1 ? 0 : bad_address(text, e);
}

/* What is said of an address that is bound. */
static int describe(struct listening *l, struct err *e)
{
    union address a;
    socklen_t n = sizeof a;
    char ip[INET6_ADDRSTRLEN];

    if (getsockname(l->fd, &a.any, &n))
        return err_set(e, ERR_IO, "listen: %s", strerror(errno));
    if (a.any.sa_family == AF_INET6) {
        l->local = IN6_IS_ADDR_LOOPBACK(&a.v6.sin6_addr);
        l->port = ntohs(a.v6.sin6_port);
        snprintf(l->host, sizeof l->host, "[%s]",
                 inet_ntop(AF_INET6, &a.v6.sin6_addr, ip, sizeof ip));
    } else if (a.any.sa_family == AF_INET) {
        l->local = ntohl(a.v4.sin_addr.s_addr) >> 24 == 127;
        l->port = ntohs(a.v4.sin_port);
        snprintf(l->host, sizeof l->host, "%s", inet_ntop(AF_INET, &a.v4.sin_addr, ip, sizeof ip));
    } else {
        return err_set(e, ERR_USAGE, "listen: the socket that was given is none of IP");
    }
    return 0;
}

int listen_at(struct listening *l, const char *text, struct err *e)
{
    union address a;
    const int on = 1;
    int rc;

    l->fd = -1;
    rc = read_address(text, &a, e);
    if (rc)
        return rc;
    l->fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd >= 0)
        setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (l->fd < 0 || bind(l->fd, &a.any, a.any.sa_family == AF_INET6 ? sizeof a.v6 : sizeof a.v4))
        rc = err_set(e, ERR_IO, "listen: %s: %s", text, strerror(errno));
    else
        rc = describe(l, e);
    if (rc && l->fd >= 0) {
        close(l->fd);
        l->fd = -1;
    }
    return rc;
}

int listen_on(struct listening *l, int fd, struct err *e)
{
    int type = 0, listens = 0;
    socklen_t n = sizeof type, n2 = sizeof listens;

    l->fd = fd;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) || type != SOCK_STREAM ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n2) || !listens) {
        l->fd = -1;
        return err_set(e, ERR_USAGE, "listen: what was given is no socket that listens");
    }
    int rc = describe(l, e);
    if (rc)
        l->fd = -1;
    else if (fcntl(fd, F_SETFL, O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC))
        rc = err_set(e, ERR_IO, "listen: %s", strerror(errno));
    return rc;
}

int listen_begin(struct listening *l, struct err *e)
{
    return listen(l->fd, 1024) ? err_set(e, ERR_IO, "listen: %s", strerror(errno)) : 0;
}

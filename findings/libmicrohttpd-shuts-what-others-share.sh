#!/bin/sh
# libmicrohttpd's MHD_stop_daemon shuts down a listening socket that it was lent, for all who hold it.
#
# MHD_OPTION_LISTEN_SOCKET takes a socket that somebody else opened, as systemd's socket activation hands it over. One expects that
# stopping the daemon closes this process's copy, as the manual says of the option, and that the address goes on to listen where
# another process, or a copy made by dup(), still has it: that is what socket activation is for. Measured with 0.9.75 on Debian 12,
# with a pool of threads: MHD_stop_daemon calls shutdown() on it, and shutdown is of the socket, not of the copy, so all copies
# stop listening and who calls is refused until somebody listens anew. MHD_quiesce_daemon before it gives the socket back,
# untouched. (With one thread and MHD_USE_ITC it is not shut down at all; with one and without ITC even after MHD_quiesce_daemon.)
. "$(dirname "$0")/desk.sh"
(cd "$desk" && apt-get -o APT::Sandbox::User=root download -qq libmicrohttpd12=0.9.75-6 libmicrohttpd-dev=0.9.75-6 &&
    for deb in *.deb; do dpkg -x "$deb" root || exit 1; done) || exit 2
lib=$(dirname "$(find "$desk/root" -name 'libmicrohttpd.so.12')")
cat >"$desk/main.c" <<'C'
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static enum MHD_Result answer(void *cls, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *data, size_t *n,
                              void **context)
{
    (void)cls, (void)url, (void)method, (void)version, (void)data, (void)n, (void)context;
    struct MHD_Response *r = MHD_create_response_from_buffer(2, "ok", MHD_RESPMEM_PERSISTENT);
    enum MHD_Result done = MHD_queue_response(c, 200, r);
    MHD_destroy_response(r);
    return done;
}

static int can_connect(const struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int ok = !connect(fd, (const struct sockaddr *)at, sizeof *at);
    close(fd);
    return ok;
}

/* 1: a copy of the socket still listens when the daemon was stopped. */
static int listens_after(int quiesce)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(fd, (struct sockaddr *)&at, sizeof at);
    listen(fd, 16);
    getsockname(fd, (struct sockaddr *)&at, &n);
    int copy = dup(fd);
    struct MHD_Daemon *d =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, answer, NULL,
                         MHD_OPTION_THREAD_POOL_SIZE, 2u, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_END);
    if (!d || !can_connect(&at))
        return -1;
    if (quiesce)
        close(MHD_quiesce_daemon(d));
    MHD_stop_daemon(d);
    int ok = can_connect(&at);
    close(copy);
    return ok;
}

int main(void)
{
    int stopped = listens_after(0), given_back = listens_after(1);

    printf("libmicrohttpd %s | a copy of the socket listens after MHD_stop_daemon: %d, "
           "after MHD_quiesce_daemon and MHD_stop_daemon: %d\n",
           MHD_get_version(), stopped, given_back);
    return stopped != 0 || given_back != 1;
}
C
cc -o "$desk/main" "$desk/main.c" -I"$(dirname "$(find "$desk/root" -name microhttpd.h)")" "$lib/libmicrohttpd.so.12" || exit 2
LD_LIBRARY_PATH=$lib "$desk/main" || { echo "the behaviour has changed" >&2; exit 1; }

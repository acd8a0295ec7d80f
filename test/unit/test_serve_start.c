/* The socket of systemd: calls that wait before the server starts are answered, and those that come
 * when it has ended wait for the next one. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serving.h"
#include "ztest.h"

enum { ROUNDS = 12, CALLS = 6 };

static int listening(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0 && !bind(fd, (struct sockaddr *)&at, n) && !listen(fd, 64));
    CHECK(!getsockname(fd, (struct sockaddr *)&at, &n));
    *port = ntohs(at.sin_port);
    return fd;
}

TEST(serve_answers_calls_that_waited_for_its_start)
{
    static const char *const ask[] = {"/healthz", "/metrics", "/v1/videos"};

    for (int round = 0; round < ROUNDS; round++) {
        struct serving s;
        int fd[CALLS];

        serving_options(&s, "start");
        s.o.listen_fd = listening(&s.port);
        int held = dup(s.o.listen_fd);
        for (int i = 0; i < CALLS; i++) {
            char text[128];
            int n = snprintf(text, sizeof text,
                             "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                             ask[i % 3]);
            fd[i] = serving_connect(&s);
            serving_send(fd[i], text, (size_t)n);
        }
        serving_start(&s);
        for (int i = 0; i < CALLS; i++) {
            struct answer a = {0};

            serving_receive(fd[i], 10, &a);
            CHECK_INT(a.status, 200);
            answer_release(&a);
            close(fd[i]);
        }
        serving_stop(&s, 0);
        close(serving_connect(&s));
        close(held);
    }
}

/* The end of a server that is asked meanwhile: calls come until its last thread has gone. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serving.h"
#include "ztest.h"

struct asker {
    pthread_t thread;
    struct sockaddr_in to;
    atomic_int over;
};

static void *ask_on(void *arg)
{
    static const char call[] = "POST /v1/videos HTTP/1.1\r\nHost: localhost\r\n"
                               "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    struct asker *a = arg;

    while (!atomic_load(&a->over)) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (!connect(fd, (struct sockaddr *)&a->to, sizeof a->to))
            for (int i = 0; i < 20; i++) /* none waits for the answer to the one before */
                serving_send(fd, call, sizeof call - 1);
        close(fd);
    }
    return NULL;
}

TEST(serve_ends_while_it_is_asked)
{
    enum { ROUNDS = 4, ASKERS = 4 };

    for (int i = 0; i < ROUNDS; i++) {
        struct asker a[ASKERS] = {0};
        struct serving s;

        serving_options(&s, "ends-asked");
        s.o.workers = 0;
        serving_start(&s);
        for (int k = 0; k < ASKERS; k++) {
            a[k].to =
                (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)s.port)};
            a[k].to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            CHECK(!pthread_create(&a[k].thread, NULL, ask_on, &a[k]));
        }
        usleep(100000);
        serving_stop(&s, 0);
        for (int k = 0; k < ASKERS; k++) {
            atomic_store(&a[k].over, 1);
            pthread_join(a[k].thread, NULL);
        }
    }
}

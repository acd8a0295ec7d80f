/* What is read again while the server serves: keys and names of models. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "serve/keys.h"
#include "serving.h"
#include "ztest.h"

#define ROW(tenant, key) "{\"tenant\":\"" tenant "\",\"key\":\"" key "\"}"
static const char ANN[] = "Authorization: Bearer a-key-of-ann-123456\r\n",
                  ANN_NEW[] = "Authorization: Bearer another-of-ann-12345\r\n",
                  BOB[] = "Authorization: Bearer a-key-of-bob-123456\r\n";

static void write_text(const char *path, const char *text)
{
    CHECK(!file_write(path, text, strlen(text), NULL));
}

static int status_of(const struct serving *s, const char *path, const char *headers)
{
    struct answer a = {0};

    serving_call(s, "GET", path, headers, NULL, &a);
    int status = a.status;
    answer_release(&a);
    return status;
}

/* A key that is gone is refused at once, also to who reads events by it; a tenant whose key is
 * another one has its films as before. A file that is wrong changes nothing. */
TEST(serve_reads_keys_again)
{
    char *path = ztest_in_tmp("reload-keys.json"), *id;
    struct serving s;
    struct answer a = {0};
    struct buf got = BUF_INIT;
    struct err e = {0};
    char text[200];

    write_text(path, "{\"keys\":[" ROW("ann", "a-key-of-ann-123456") "," ROW(
                         "bob", "a-key-of-bob-123456") "]}");
    serving_options(&s, "reload");
    s.o.keys = path;
    s.o.workers = 0;
    serving_start(&s);
    serving_call(&s, "POST", "/v1/videos", ANN, "{\"prompt\":\"a red ball\"}", &a);
    CHECK_INT(a.status, 200);
    id = answer_text(&a, "id");
    char *film = xasprintf("/v1/videos/%s", id);
    int fd = serving_connect(&s);
    int n =
        snprintf(text, sizeof text, "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n%s\r\n", BOB);
    serving_send(fd, text, (size_t)n);
    serving_hear(fd, &got, "retry:", 1);

    write_text(path, "{\"keys\":[" ROW("ann", "short") "]}");
    CHECK_INT(serve_reload(s.server, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "reload-keys.json");
    CHECK_INT(status_of(&s, film, ANN), 200);
    CHECK_INT(status_of(&s, "/v1/videos", BOB), 200);
    CHECK(!unlink(path));
    CHECK_INT(serve_reload(s.server, &e), ERR_IO);
    CHECK_INT(status_of(&s, film, ANN), 200);

    write_text(path, "{\"keys\":[" ROW("ann", "another-of-ann-12345") "]}");
    CHECK_INT(serve_reload(s.server, &e), 0);
    answer_release(&a);
    serving_receive(fd, 10, &a); /* to its end */
    CHECK_INT(status_of(&s, film, ANN), 401);
    CHECK_INT(status_of(&s, film, ANN_NEW), 200);
    CHECK_INT(status_of(&s, "/v1/videos", BOB), 401);
    close(fd);
    serving_stop(&s, 0);
    answer_release(&a);
    buf_release(&got);
    free(film);
    free(id);
    free(path);
}

/* Names of tenants stay where they are: others compare them by where they stand. */
TEST(serve_keeps_names_of_tenants)
{
    char *path = ztest_in_tmp("names-keys.json");
    struct keys *k;
    struct err e = {0};

    write_text(path, "{\"keys\":[" ROW("ann", "a-key-of-ann-123456") "]}");
    CHECK_INT(keys_open(&k, path, &e), 0);
    const char *ann = keys_tenant(k, "ann");
    write_text(path, "{\"keys\":[" ROW("bob", "a-key-of-bob-123456") "]}");
    CHECK_INT(keys_reload(k, &e), 0);
    CHECK(!keys_tenant(k, "ann"));
    CHECK_STR(ann, "ann");
    write_text(path, "{\"keys\":[" ROW("bob", "a-key-of-bob-123456") "," ROW(
                         "ann", "a-key-of-ann-123456") "]}");
    CHECK_INT(keys_reload(k, &e), 0);
    CHECK(keys_tenant(k, "ann") == ann);
    keys_free(&k);
    free(path);
}

TEST(serve_reads_names_of_models_again)
{
    char *path = ztest_in_tmp("reload-models.json");
    struct serving s;
    struct answer a = {0};
    struct err e = {0};

    write_text(path, "{\"models\": [\"ours-1\"]}");
    serving_options(&s, "reload-models");
    s.o.models = path;
    s.o.workers = 0;
    serving_start(&s);
    serving_post(&s, "/v1/videos", "{\"prompt\":\"a ball\",\"model\":\"ours-1\"}", &a);
    CHECK_INT(a.status, 200);
    CHECK(answer_is(&a, "model", "ours-1"));
    CHECK_INT(status_of(&s, "/v1/models/sora-2", NULL), 404);
    CHECK_INT(status_of(&s, "/v1/models/fixture", NULL), 200); /* its own name */

    write_text(path, "{\"models\": [\"ours 2\"]}");
    CHECK_INT(serve_reload(s.server, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "name 1");
    CHECK_INT(status_of(&s, "/v1/models/ours-1", NULL), 200);
    write_text(path, "{\"models\": [\"ours-2\", \"sora-2\"]}");
    CHECK_INT(serve_reload(s.server, &e), 0);
    CHECK_INT(status_of(&s, "/v1/models/ours-1", NULL), 404);
    answer_release(&a);
    serving_call(&s, "GET", "/v1/models", NULL, NULL, &a);
    CHECK(answer_is(&a, "data.0.id", "fixture"));
    CHECK(answer_is(&a, "data.1.id", "ours-2"));
    CHECK(answer_is(&a, "data.2.id", "sora-2"));
    serving_stop(&s, 0);
    answer_release(&a);
    free(path);
}

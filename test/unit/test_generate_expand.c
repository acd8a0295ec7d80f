/* A prompt in more words: by the rules of the shipped model, and by an endpoint that may answer
 * anything. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "fixture.h"
#include "generate/expand.h"
#include "generate/reading.h"
#include "http_server.h"
#include "net/net.h"
#include "ztest.h"
#include "zoetrope.h"

static const struct {
    const char *path, *content; /* NULL content: another body */
    int status;
    const char *body, *says; /* says: of the refusal; NULL: it is taken */
} answers[] = {
    {"/good", "a red ball, large and glossy, rolls slowly from the left", 200, NULL, NULL},
    {"/thinks", "<think>which ball?</think>\\n\\n\\\"a red ball rolls\\\"\\n", 200, NULL, NULL},
    {"/empty", " \\n ", 200, NULL, "an empty text"},
    {"/html", "<html><body>busy</body></html>", 200, NULL, "no description"},
    {"/page", NULL, 200, "<!DOCTYPE html><p>nginx", "the answer"},
    {"/bytes", "a \xff ball", 200, NULL, "the answer"},
    {"/refuses", NULL, 200,
     "{\"choices\": [{\"message\": {\"content\": null, \"refusal\": \"I cannot\"}}]}", "I cannot"},
    {"/cut", NULL, 200,
     "{\"choices\": [{\"finish_reason\": \"length\", \"message\": {\"content\": \"a red\"}}]}",
     "was cut"},
    {"/error", NULL, 200, "{\"error\": {\"message\": \"no such model\"}}", "choices"},
    {"/none", NULL, 200, "{\"choices\": []}", "is no prompt"},
    {"/key", NULL, 401, "{}", "status 401"},
    {"/silent", NULL, 0, NULL, "cannot"},
};
enum { N_ANSWERS = sizeof answers / sizeof *answers };

struct book {
    int asked;
    char token[80];
    struct buf body;
};

static void answer(void *user, const struct http_asked *q, struct buf *reply)
{
    struct book *b = user;
    struct buf text = BUF_INIT;

    b->asked++;
    snprintf(b->token, sizeof b->token, "%s", http_asked_field(q, "Authorization"));
    buf_clear(&b->body);
    buf_puts(&b->body, buf_str(&q->body));
    if (!strcmp(q->path, "/slow/v1/chat/completions"))
        usleep(800 * 1000);
    if (!strncmp(q->path, "/sorry", 6)) {
        buf_puts(&text,
                 "{\"choices\": [{\"message\": {\"content\": \"I am sorry, I cannot help\"}}]}");
        http_reply(reply, 200, "", text.data, text.len);
    }
    for (int i = 0; i < N_ANSWERS; i++) {
        size_t n = strlen(answers[i].path);

        if (strncmp(q->path, answers[i].path, n) || strcmp(q->path + n, "/v1/chat/completions") ||
            !answers[i].status)
            continue;
        if (answers[i].content)
            buf_printf(&text, "{\"choices\": [{\"message\": {\"content\": \"%s\"}}]}",
                       answers[i].content);
        else
            buf_puts(&text, answers[i].body);
        http_reply(reply, answers[i].status, "", text.data, text.len);
    }
    buf_release(&text);
}

TEST(expand_believes_a_prompt_alone)
{
    struct book book = {0};
    struct http_server *s;
    struct err e;

    if (!net_present())
        ztest_skip("without libcurl");
    s = http_server_new(answer, &book);
    for (int i = 0; i < N_ANSWERS; i++) {
        struct expand_wish w = {.url = http_server_url(s, answers[i].path),
                                .model = "m",
                                .key = "secret",
                                .prompt = "a \"red\" ball",
                                .seed = 3};
        struct buf out = BUF_INIT;
        int rc = expand_ask(&w, &out, &e);

        if (!rc != !answers[i].says || (!rc && !strstr(buf_str(&out), "red ball")) ||
            (rc && (out.len || (!strstr(e.msg, answers[i].says) && answers[i].status))))
            ztest_fail(__FILE__, __LINE__, "%s: %d \"%s\" %s", answers[i].path, rc, buf_str(&out),
                       rc ? e.msg : "");
        CHECK(!rc || !strstr(e.msg, "secret"));
        if (!strcmp(answers[i].path, "/thinks"))
            CHECK_STR(buf_str(&out), "a red ball rolls");
        buf_release(&out);
    }
    CHECK_STR(book.token, "Bearer secret");
    CHECK_CONTAINS(buf_str(&book.body), "\"model\": \"m\"");
    CHECK_CONTAINS(buf_str(&book.body), "a \\\"red\\\" ball");
    /* Told are the words of the world that is meant, in the language of the prompt. */
    static const struct {
        const char *prompt, *told, *other;
    } heard[] = {{"a lighthouse", "lighthouse", "dominoes"},
                 {"a red ball rolls", "dominoes", "lighthouse"},
                 {"\xe7\x81\xaf\xe5\xa1\x94", "\xe6\x82\xac\xe5\xb4\x96", "cliff"}};
    for (int i = 0; i < 3; i++) {
        struct expand_wish w = {.url = http_server_url(s, "/good"),
                                .model = "",
                                .prompt = heard[i].prompt,
                                .worlds = 3};
        struct buf out = BUF_INIT;
        CHECK_INT(expand_ask(&w, &out, &e), 0);
        CHECK_CONTAINS(buf_str(&book.body), heard[i].told);
        CHECK(!strstr(buf_str(&book.body), heard[i].other));
        buf_release(&out);
    }
    struct expand_wish slow = {
        .url = http_server_url(s, "/slow/v1/"), .model = "", .prompt = "a", .most_s = 0.2};
    struct buf out = BUF_INIT;
    CHECK(expand_ask(&slow, &out, &e) && !out.len);
    slow.url = "http://127.0.0.1:9";
    CHECK_INT(expand_ask(&slow, &out, &e), ERR_IO);
    http_server_free(&s);
    buf_release(&book.body);
}

static zt_job *job_of(const char *expand)
{
    const char *const set[] = {"model", fixture_dir(), "prompt", "a red ball", "seed",   "5",
                               "steps", "1",           "frames", "1",          "expand", expand};
    char error[768];
    zt_job *job;

    zt_job_new(&job, NULL);
    for (size_t i = 0; i < sizeof set / sizeof *set; i += 2)
        if (zt_job_set(job, set[i], set[i + 1], error, sizeof error))
            ztest_fail(__FILE__, __LINE__, "%s", error);
    CHECK_INT(zt_job_plan(job, error, sizeof error), 0);
    return job;
}

/* The recipe has the prompt that was drawn, so it asks nobody; a job that is planned again neither.
 */
TEST(expand_is_part_of_the_recipe)
{
    struct book book = {0};
    struct http_server *s;
    char error[768];
    zt_job *job;

    if (!net_present())
        ztest_skip("without libcurl");
    s = http_server_new(answer, &book);
    job = job_of(http_server_url(s, "/good"));
    CHECK_STR(zt_job_get(job, "expanded_prompt"), answers[0].content);
    CHECK(!zt_job_get(job, "expand_note"));
    CHECK_CONTAINS(zt_job_recipe(job), "\"prompt\": \"a red ball, large");
    CHECK_CONTAINS(zt_job_recipe(job), "\"typed_prompt\": \"a red ball\"");
    CHECK(!strstr(zt_job_recipe(job), "127.0.0.1"));
    CHECK_INT(zt_job_set(job, "seed", "6", error, sizeof error), 0);
    CHECK_INT(zt_job_plan(job, error, sizeof error), 0);
    CHECK_INT(book.asked, 1);
    char *recipe = xstrdup(zt_job_recipe(job));
    CHECK_INT(zt_job_set_json(job, recipe, error, sizeof error), 0);
    CHECK_INT(zt_job_set(job, "model", fixture_dir(), error, sizeof error), 0);
    CHECK_INT(zt_job_plan(job, error, sizeof error), 0);
    CHECK_INT(book.asked, 1);
    CHECK_INT(zt_job_set(job, "prompt", "a blue box", error, sizeof error), 0);
    CHECK_INT(zt_job_run(job, error, sizeof error), 0);
    CHECK_CONTAINS(zt_job_recipe(job), "\"prompt\": \"a blue box\"");
    CHECK(!strstr(zt_job_recipe(job), "typed_prompt")); /* what was said again is no more */
    CHECK(!zt_job_get(job, "expanded_prompt"));
    zt_job_free(&job);
    job = job_of(http_server_url(s, "/html"));
    CHECK(!zt_job_get(job, "expanded_prompt"));
    CHECK_CONTAINS(zt_job_get(job, "expand_note"), "drawn as typed");
    CHECK_CONTAINS(zt_job_recipe(job), "\"prompt\": \"a red ball\"");
    zt_job_free(&job);
    job = job_of(http_server_url(s, "/sorry")); /* a text, but nothing that could be drawn */
    CHECK(!zt_job_get(job, "expanded_prompt"));
    CHECK_CONTAINS(zt_job_get(job, "expand_note"), "drawn as typed");
    CHECK_CONTAINS(zt_job_recipe(job), "\"prompt\": \"a red ball\"");
    zt_job_free(&job);
    http_server_free(&s);
    buf_release(&book.body);
    free(recipe);
}

/* What the rules say reads as itself, whatever the seed: the film is the same with them. */
TEST(expand_by_rules_reads_as_itself)
{
    static const char *const prompts[] = {"a lighthouse",
                                          "a girl plays",
                                          "a red ball",
                                          "a monster",
                                          "an astronaut on the moon",
                                          "\xe4\xb8\x80\xe4\xb8\xaa\xe7\xba\xa2\xe7\x90\x83",
                                          "a woman in Tokyo",
                                          "a box and a blue ball collide"};
    int differ = 0, n = 0;

    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++)
        for (uint64_t seed = 0; seed < 50; seed++, n++) {
            struct buf once = BUF_INIT, twice = BUF_INIT, unknown = BUF_INIT;

            free(reading_prompt(prompts[i], 3, seed, NULL, &once, &unknown));
            free(reading_prompt(buf_str(&once), 3, seed + 1000, NULL, &twice, &unknown));
            differ += strcmp(buf_str(&once), buf_str(&twice)) != 0;
            buf_release(&once), buf_release(&twice), buf_release(&unknown);
        }
    printf("# %d of %d read otherwise\n", differ, n);
    CHECK_INT(differ, 0);
    zt_job *job = job_of("rules");
    CHECK_STR(zt_job_get(job, "expanded_prompt"), zt_job_get(job, "canonical_prompt"));
    zt_job_free(&job);
}

#include "generate/expand.h"

#include <string.h>

#include "base/jsonw.h"
#include "base/utf8.h"
#include "format/json.h"
#include "generate/clean.h"
#include "net/net.h"
#include "world/prompt_text.h"
#include "world/world.h"

enum { ANSWER_BYTES = 1 << 20, CONNECT_S = 5, MOST_TOKENS = 400 };

static const char TASK[] =
    "You write prompts for a text-to-video model. Say the user's prompt again as one fuller "
    "description in the same language, of at most 80 words, in one line: keep every thing, colour, "
    "number and movement that it names; add what it leaves open of the scene, the light, the "
    "weather, the camera and a few details. Answer with the description alone.";

int expand_is_url(const char *value)
{
    return !strncmp(value, "http://", 7) || !strncmp(value, "https://", 8);
}

/* The words of the world that the prompt is about, in the language of the prompt. */
static void tell_words(struct buf *out, const char *prompt, unsigned worlds)
{
    const struct world *w = world_meant(prompt, worlds);
    struct buf list = BUF_INIT;
    int lang = LANG_EN;

    if (!w)
        return;
    for (size_t at = 0, n = strlen(prompt), step; at < n; at += step) {
        uint32_t cp = 0;

        step = (size_t)utf8_decode(prompt + at, n - at, &cp);
        step += !step;
        lang = text_is_han(cp) ? LANG_ZH : lang;
    }
    w->known(lang, &list);
    buf_printf(out, " Use these words where you can, others mean nothing to the model: %s",
               buf_str(&list));
    buf_release(&list);
}

static void message(struct jsonw *w, const char *role, const char *text)
{
    jsonw_object(w, NULL);
    jsonw_string(w, "role", role);
    jsonw_string(w, "content", text);
    jsonw_end_object(w);
}

static void write_body(const struct expand_wish *wish, struct buf *out)
{
    struct buf task = BUF_INIT;
    struct jsonw w;

    buf_puts(&task, TASK);
    tell_words(&task, wish->prompt, wish->worlds);
    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "model", *wish->model ? wish->model : "default");
    jsonw_array(&w, "messages");
    message(&w, "system", buf_str(&task));
    message(&w, "user", wish->prompt);
    jsonw_end_array(&w);
    jsonw_int(&w, "seed", (int64_t)(wish->seed & 0x7fffffff));
    jsonw_int(&w, "max_tokens", MOST_TOKENS);
    jsonw_bool(&w, "stream", 0);
    jsonw_end_object(&w);
    buf_release(&task);
}

/* HOST, HOST/v1 and HOST/v1/chat/completions mean the same. */
static void whole_url(const char *url, struct buf *out)
{
    buf_puts(out, url);
    while (out->len && out->data[out->len - 1] == '/')
        out->data[--out->len] = 0;
    if (ends_with(buf_str(out), "/chat/completions"))
        return;
    buf_puts(out, ends_with(buf_str(out), "/v1") ? "/chat/completions" : "/v1/chat/completions");
}

/* Marks that stand around the whole text. */
static void strip(struct buf *text)
{
    static const char *const pairs[][2] = {
        {"\"", "\""}, {"\xe2\x80\x9c", "\xe2\x80\x9d"}, {"\xe3\x80\x8c", "\xe3\x80\x8d"}};

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        size_t n = strlen(pairs[i][0]), m = strlen(pairs[i][1]);

        if (text->len < n + m || strncmp(text->data, pairs[i][0], n) ||
            !ends_with(buf_str(text), pairs[i][1]))
            continue;
        memmove(text->data, text->data + n, text->len - n - m);
        text->len -= n + m;
        text->data[text->len] = 0;
    }
}

static int take_text(const char *content, struct buf *out, struct err *e)
{
    const char *thought = strstr(content, "</think>");
    struct buf text = BUF_INIT;
    int rc = 0;

    clean_prompt(thought ? thought + strlen("</think>") : content, 1, &text);
    strip(&text);
    if (!text.len)
        rc = err_set(e, ERR_FORMAT, "an empty text");
    else if (text.len > EXPAND_MOST_BYTES)
        rc = err_set(e, ERR_FORMAT, "a text of %zu bytes, %d are a prompt", text.len,
                     EXPAND_MOST_BYTES);
    else if (text.data[0] == '<' || text.data[0] == '{' || text.data[0] == '[')
        rc = err_set(e, ERR_FORMAT, "\"%.20s...\", which is no description", text.data);
    else
        buf_puts(out, buf_str(&text));
    buf_release(&text);
    return rc;
}

/* choices[0].message.content of an answer; fields that are missing are an error of the document. */
static int read_answer(const struct net_answer *a, struct buf *out, struct err *e)
{
    struct jdoc *doc;
    int rc = jdoc_parse(&doc, buf_str(&a->body), a->body.len, "the answer", e);

    if (rc)
        return ERR_FORMAT;
    struct jval choice = j_at_object(j_array(jdoc_root(doc), "choices"), 0),
                said = j_object(choice, "message");
    const char *end = j_string_or(choice, "finish_reason", "stop");

    if (j_has(said, "refusal"))
        rc = err_set(e, ERR_FORMAT, "a refusal: %.80s", j_string(said, "refusal"));
    else if (!strcmp(end, "content_filter") || !strcmp(end, "length"))
        rc = err_set(e, ERR_FORMAT, "a text that was cut (%s)", end);
    else if (!(rc = jdoc_status(doc, e)))
        rc = take_text(j_string(said, "content"), out, e);
    if (!rc && (rc = jdoc_status(doc, e)))
        buf_clear(out);
    jdoc_close(&doc);
    return rc ? ERR_FORMAT : 0;
}

int expand_ask(const struct expand_wish *w, struct buf *out, struct err *e)
{
    static const char *const fields[] = {"Content-Type: application/json", NULL};
    struct buf url = BUF_INIT, body = BUF_INIT;
    struct net_answer a;

    whole_url(w->url, &url);
    write_body(w, &body);
    const struct net_request r = {.url = buf_str(&url),
                                  .field = fields,
                                  .token = w->key,
                                  .body = body.data,
                                  .body_n_bytes = body.len,
                                  .most_bytes = ANSWER_BYTES,
                                  .most_s = w->most_s > 0 ? w->most_s : EXPAND_S,
                                  .connect_s = CONNECT_S,
                                  .rules = NET_PLAIN,
                                  .stop = w->stop};
    int rc = net_request(&a, &r, e);

    if (!rc && a.status / 100 != 2)
        rc = err_set(e, ERR_IO, "%s answers with status %d", buf_str(&url), a.status);
    else if (!rc && (rc = read_answer(&a, out, e)))
        err_prefix(e, "%s answers with what is no prompt", buf_str(&url));
    net_answer_release(&a);
    buf_release(&url);
    buf_release(&body);
    return rc;
}

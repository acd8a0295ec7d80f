/* plan_words.c - what is read of the prompt and of what shall not be seen, and the tokens of both.
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "generate/clean.h"
#include "generate/expand.h"
#include "generate/plan_inner.h"
#include "generate/reading.h"

/* Spaces alone, of either script, are no words. */
static int is_blank(const char *s)
{
    uint32_t cp;

    for (int len; *s; s += len) {
        len = utf8_decode(s, strlen(s), &cp);
        if (!len || !(cp == ' ' || (cp >= '\t' && cp <= '\r') || cp == 0xa0 || cp == 0x3000))
            return 0;
    }
    return 1;
}

const char *plan_typed(const struct plan *p, const struct request *r)
{
    const char *own = request_text(r, OPT_PROMPT);

    return is_blank(own) && p->typed ? p->typed : own;
}

int plan_words_any(const struct plan *p, const struct request *r)
{
    return !is_blank(plan_typed(p, r));
}

/* What the reader made of the prompt is what it can be said with. */
static void expand(struct plan *p, const struct request *r, const char *read)
{
    if (strcmp(request_text(r, OPT_EXPAND), EXPAND_RULES))
        return;
    if (p->info.worlds && !p->n_shots)
        p->expanded = xstrdup(read);
    else
        plan_note(p, xstrdup("expand: the rules know one prompt for the shipped model alone; the "
                             "words stay as typed (--expand URL asks a language model)"));
}

void plan_words_settle(struct plan *p, const struct request *r)
{
    struct buf text = BUF_INIT, negative = BUF_INIT, unknown = BUF_INIT, typed = BUF_INIT;

    clean_prompt(plan_typed(p, r), !p->info.worlds, &typed);
    if (p->n_shots)
        plan_shots_read(p, &text, &unknown);
    else
        plan_note(p,
                  reading_prompt(buf_str(&typed), p->info.worlds,
                                 p->own_reading ? p->reading_seed : p->seed,
                                 !p->seen && plan_is_shown(p, r) ? "" : p->seen, &text, &unknown));
    expand(p, r, buf_str(&text));
    if (!p->n_shots)
        p->blend = plan_camera_say(p, &p->camera, buf_str(&typed), &text);
    buf_clear(&typed);
    clean_prompt(r->value[OPT_NEGATIVE].set ? request_text(r, OPT_NEGATIVE) : p->info.negative,
                 !p->info.worlds, &typed);
    if (typed.len)
        reading_negative(buf_str(&typed), p->info.worlds, &negative, &unknown);
    if (plan_windows(p) > 1 && !p->n_shots)
        plan_note(p, xasprintf("the model has seen films of at most %d frames; these %d are drawn "
                               "in %d windows, each going on from the end of the one before",
                               p->info.frames, p->n_frames, plan_windows(p)));
    p->prompt = xstrdup(buf_str(&text));
    p->negative = xstrdup(buf_str(&negative));
    p->unknown = xstrdup(buf_str(&unknown));
    buf_release(&text);
    buf_release(&negative);
    buf_release(&unknown);
    buf_release(&typed);
}

/* What text encoder k does not read of a prompt is said, with the words from which on. */
static void note_unread(struct plan *p, const struct tokenizer *t, int k, const char *option,
                        const char *text)
{
    int most = prompt_tokens_most(&p->dit, k), shown = 48;
    size_t n = strlen(text), at = prompt_tokens_fit(t, text, most);

    if (at == n)
        return;
    at += text[at] == ' ';
    while (at + (size_t)shown < n && ((unsigned char)text[at + (size_t)shown] & 0xc0) == 0x80)
        shown--;
    plan_note(p,
              xasprintf("the %s is longer than the %d tokens that the model reads; not read from "
                        "\"%.*s%s\" on",
                        option, most, shown, text + at, at + (size_t)shown < n ? "..." : ""));
}

/* What is read of both texts. The process is measured without the tokenizers, as it is while the
 * film is drawn. */
int plan_words_tokens(struct plan *p, struct err *e)
{
    for (int k = 0; k < p->model->n_texts; k++) {
        struct tokenizer *t;
        int rc = bundle_tokenizer(&t, p->model, k, e);

        if (rc)
            return rc;
        const char *prompt = p->n_shots ? p->shot[plan_shots_tokens(p, t, k)].prompt : p->prompt;
        note_unread(p, t, k, "prompt", prompt);
        note_unread(p, t, k, "negative", p->negative);
        prompt_tokens_both(&p->words[k], t, prompt, p->negative, prompt_tokens_most(&p->dit, k));
        plan_camera_tokens(&p->words[k], t, &p->blend, prompt);
        tokenizer_free(&t);
    }
    plan_base_bytes();
    return 0;
}

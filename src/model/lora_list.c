#include "model/lora_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/machine.h"
#include "format/safetensors.h"
#include "model/lora.h"

enum { HIGH = 1, LOW = 2, MOST_PATH = 4096 };

struct spec {
    char path[MOST_PATH];
    struct lora_use use; /* expert: as it is asked about */
    int experts;
};

static int bad(const char *at, size_t n, const char *why, struct err *e)
{
    return err_set(e, ERR_USAGE,
                   "lora: \"%.*s\": %s; wanted is FILE[:STRENGTH][@high|@low][@FROM-TO], "
                   "several by commas",
                   (int)(n < 200 ? n : 200), at, why);
}

/* "0-50" or "0-50%": percents of the steps. 1: it is one. */
static int take_range(struct spec *s, const char *text, int *bad_range)
{
    char *end;
    double from = strtod(text, &end), to;

    if (end == text || *end != '-')
        return 0;
    text = end + 1;
    to = strtod(text, &end);
    end += *end == '%';
    if (end == text || *end)
        return 0;
    *bad_range = !(from >= 0 && from < to && to <= 100);
    s->use.from = from / 100;
    s->use.to = to / 100;
    return 1;
}

/* What stands behind the name: "@high", "@low", "@FROM-TO", in any order. */
static void take_marks(struct spec *s, int *bad_range)
{
    char *mark;

    while ((mark = strrchr(s->path, '@'))) {
        if (!strcmp(mark, "@high") || !strcmp(mark, "@low"))
            s->experts = mark[1] == 'h' ? HIGH : LOW;
        else if (!take_range(s, mark + 1, bad_range))
            return;
        *mark = 0;
    }
}

/* The next file of the list; *at moves on. */
static int next(const char **at, struct spec *s, struct err *e)
{
    size_t n = strcspn(*at, ",");
    const char *given = *at;
    char *mark, *end;
    int bad_range = 0;

    *s = (struct spec){.use = {.strength = 1, .to = 1}, .experts = HIGH | LOW};
    if (n == 0 || n >= sizeof s->path)
        return bad(given, n, "no file", e);
    memcpy(s->path, given, n);
    *at += n + (given[n] == ',');
    take_marks(s, &bad_range);
    if (bad_range)
        return bad(given, n, "FROM-TO are percents of the steps, 0 to 100, FROM below TO", e);
    mark = strrchr(s->path, ':');
    if (mark && mark[1]) {
        double v = strtod(mark + 1, &end);

        if (!*end && !(v >= -100 && v <= 100))
            return bad(given, n, "the strength must be from -100 to 100", e);
        if (!*end) {
            s->use.strength = v;
            *mark = 0;
        }
    }
    return *s->path ? 0 : bad(given, n, "no file", e);
}

static int add_hash(struct sha256 *h, const struct spec *s, struct err *e)
{
    char hex[65];
    struct st_file *f;
    int rc = st_open(&f, s->path, e);

    if (rc)
        return rc;
    rc = st_hash(f, NULL, hex, e);
    st_close(&f);
    sha256_add(h, hex, 64);
    sha256_add(h, &s->use.strength, sizeof s->use.strength);
    sha256_add(h, &s->experts, sizeof s->experts);
    if (s->use.from > 0 || s->use.to < 1) {
        sha256_add(h, &s->use.from, sizeof s->use.from);
        sha256_add(h, &s->use.to, sizeof s->use.to);
    }
    return rc;
}

/* One file and those transformers that it is for. */
static int to_experts(const struct bundle *b, const struct spec *s, int apply,
                      struct lora_report *worst, struct err *e)
{
    static const enum bundle_place place[2] = {PLACE_DENOISER, PLACE_DENOISER2};
    int rc = 0;

    *worst = (struct lora_report){0};
    for (int i = 0; !rc && i < b->n_denoisers; i++) {
        struct lora_report r = {0};
        struct lora_use use = s->use;

        use.expert = i + 1;
        if (b->n_denoisers > 1 && !(s->experts & (i ? LOW : HIGH)))
            continue;
        rc = (apply ? lora_apply : lora_check)(&b->part[place[i]], s->path, &use, &r, e);
        r.values += worst->values; /* of both */
        if (!rc && (i == 0 || r.unmatched >= worst->unmatched))
            *worst = r;
        worst->values = r.values;
    }
    return rc;
}

/* What the file changes, and what of it nothing is done with. */
static void tell(const struct spec *s, const struct lora_report *r,
                 void (*note)(void *user, const char *text), void *user)
{
    char *text =
        r->unmatched
            ? xasprintf("LoRA %s: %d layers are changed, %d of its %d tensors fit none (%s)",
                        s->path, r->matched, r->unmatched, r->tensors, r->names)
            : xasprintf("LoRA %s: %d layers are changed, each of its %d tensors is used", s->path,
                        r->matched, r->tensors);

    note(user, text);
    free(text);
}

int lora_list_check(const struct bundle *b, const char *list, char hash[65], int64_t *values,
                    void (*note)(void *user, const char *text), void *user, struct err *e)
{
    struct sha256 h;
    struct spec s;
    int rc = 0;

    sha256_init(&h);
    *values = 0;
    while (!rc && *list) {
        struct lora_report r = {0};

        rc = next(&list, &s, e);
        if (!rc && s.experts != (HIGH | LOW) && b->n_denoisers < 2)
            rc =
                err_set(e, ERR_USAGE, "lora: %s: there is one transformer, no high or low", s.path);
        if (!rc)
            rc = to_experts(b, &s, 0, &r, e);
        if (!rc)
            rc = add_hash(&h, &s, e);
        *values += r.values;
        if (!rc && note)
            tell(&s, &r, note, user);
    }
    sha256_hex(&h, hash);
    return rc;
}

int lora_list_apply(const struct bundle *b, const char *list, struct err *e)
{
    struct lora_report r;
    struct spec s;
    int rc = 0;

    while (!rc && *list) {
        rc = next(&list, &s, e);
        if (!rc)
            rc = to_experts(b, &s, 1, &r, e);
    }
    machine_trim_heap(); /* values of whole layers have passed through it */
    return rc;
}

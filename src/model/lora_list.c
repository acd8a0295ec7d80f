#include "model/lora_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "format/safetensors.h"
#include "model/lora.h"

enum { HIGH = 1, LOW = 2, MOST_PATH = 4096 };

struct spec {
    char path[MOST_PATH];
    double strength;
    int experts;
};

static int bad(const char *at, size_t n, const char *why, struct err *e)
{
    return err_set(e, ERR_USAGE,
                   "lora: \"%.*s\": %s; wanted is FILE[:STRENGTH][@high|@low], several by commas",
                   (int)(n < 200 ? n : 200), at, why);
}

/* The next file of the list; *at moves on. */
static int next(const char **at, struct spec *s, struct err *e)
{
    size_t n = strcspn(*at, ",");
    const char *given = *at;
    char *mark, *end;

    *s = (struct spec){.strength = 1, .experts = HIGH | LOW};
    if (n == 0 || n >= sizeof s->path)
        return bad(given, n, "no file", e);
    memcpy(s->path, given, n);
    *at += n + (given[n] == ',');
    mark = strrchr(s->path, '@');
    if (mark && (!strcmp(mark, "@high") || !strcmp(mark, "@low"))) {
        s->experts = mark[1] == 'h' ? HIGH : LOW;
        *mark = 0;
    }
    mark = strrchr(s->path, ':');
    if (mark && mark[1]) {
        double v = strtod(mark + 1, &end);

        if (!*end && !(v >= -100 && v <= 100))
            return bad(given, n, "the strength must be from -100 to 100", e);
        if (!*end) {
            s->strength = v;
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
    sha256_add(h, &s->strength, sizeof s->strength);
    sha256_add(h, &s->experts, sizeof s->experts);
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

        if (b->n_denoisers > 1 && !(s->experts & (i ? LOW : HIGH)))
            continue;
        rc = (apply ? lora_apply : lora_check)(&b->part[place[i]], s->path, s->strength, i + 1, &r,
                                               e);
        if (!rc && (i == 0 || r.unmatched >= worst->unmatched))
            *worst = r;
    }
    return rc;
}

int lora_list_check(const struct bundle *b, const char *list, char hash[65],
                    void (*note)(void *user, const char *text), void *user, struct err *e)
{
    struct sha256 h;
    struct spec s;
    int rc = 0;

    sha256_init(&h);
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
        if (!rc && r.unmatched && note) {
            char *text =
                xasprintf("LoRA %s: %d layers are changed, %d tensors fit none (%s%s)", s.path,
                          r.matched, r.unmatched, r.first, r.unmatched > 1 ? ", ..." : "");
            note(user, text);
            free(text);
        }
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
    return rc;
}

#include "model/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/machine.h"
#include "kern/int8.h"
#include "model/quant.h"
#include "model/store_inner.h"

/* Dimension i of w as files write it. */
int64_t store_dim(const struct weight *w, int i)
{
    return w->dim[!w->conv || i == 0 ? i : i == 1 ? w->rank - 1 : i - 1];
}

static int n_not_one(const int64_t *dim, int rank, int64_t *out)
{
    int n = 0;

    for (int i = 0; i < rank; i++)
        if (dim[i] != 1)
            out[n++] = dim[i];
    return n;
}

/* Shapes agree up to dimensions of 1; *first is where to begin in a tensor with too many rows. */
static int shape_fits(const struct weight *w, const struct st_tensor *t, int last_rows,
                      int64_t *first)
{
    int64_t want[ST_MAX_RANK], have[ST_MAX_RANK], wd[ST_MAX_RANK];
    int nw, nh;

    for (int i = 0; i < w->rank; i++)
        wd[i] = store_dim(w, i);
    *first = 0;
    nw = n_not_one(wd, w->rank, want);
    nh = n_not_one(t->dim, t->rank, have);
    if (nw == nh && !memcmp(want, have, sizeof *want * (size_t)nw))
        return 1;
    if (!last_rows || w->rank != t->rank || t->dim[0] <= wd[0] ||
        memcmp(wd + 1, t->dim + 1, sizeof *wd * (size_t)(w->rank - 1)))
        return 0;
    *first = t->n / t->dim[0] * (t->dim[0] - wd[0]);
    return 1;
}

static void shape_text(char *out, size_t size, const int64_t *dim, int rank)
{
    size_t n = 0;

    out[0] = 0;
    for (int i = 0; i < rank && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%lld", i ? "," : "", (long long)dim[i]);
}

/* Elements of one row (output channel) of w, in files and in memory. */
int64_t store_row(const struct weight *w)
{
    return weight_count(w) / w->dim[0];
}

/* Bytes want scales and 8-bit floats may have them; no other type has. */
static int wants_scale(const struct st_tensor *t)
{
    return t->type == DT_I8 ? 2 : !strncmp(t->type_name, "F8_E", 4);
}

/* Weight k, whose shape is right: scales are there where they must be, one for each row or one for
 * all. */
static int check_scale(const struct match *m, int k, struct err *e)
{
    const struct st_tensor *t = m->of[k], *s = m->scale[k];
    const struct stored_form *form = quant_form(&m->quant, t);
    int64_t row = store_row(m->set->all[k]), rows = t->n / row, dim[ST_MAX_RANK];
    const char *path = st_path(m->file, s ? s->shard : t->shard);
    char have[96];

    if (t->type == DT_OTHER && !form)
        return store_no_form(m->file, t, e);
    if (form && t->type == DT_I8 && row % form->block)
        return err_set(e, ERR_FORMAT,
                       "%s: tensor \"%s\" has rows of %lld values, its convrot_groupsize is %d",
                       path, t->name, (long long)row, form->block);
    if (!s && wants_scale(t) < 2)
        return 0;
    if (!s)
        return err_set(e, ERR_FORMAT,
                       "%s: tensor \"%s\" is I8 without scales: \"%s" INT8_SCALE
                       "\" of [%lld,1] must be there",
                       path, t->name, t->name, (long long)rows);
    if (!wants_scale(t))
        return err_set(e, ERR_FORMAT,
                       "%s: tensor \"%s\" scales \"%s\", which is %s and not I8 or F8", path,
                       s->name, t->name, t->type_name);
    if (s->type != DT_F32 && s->type != DT_BF16 && s->type != DT_F16)
        return err_set(e, ERR_FORMAT, "%s: tensor \"%s\" is %s, scales are F32, BF16 or F16", path,
                       s->name, s->type_name);
    if (s->n == 1 || (s->n == rows && n_not_one(s->dim, s->rank, dim) == 1))
        return 0;
    shape_text(have, sizeof have, s->dim, s->rank);
    return err_set(e, ERR_FORMAT,
                   "%s: tensor \"%s\" is [%s], the scales of \"%s\" are [%lld,1], [%lld] or []",
                   path, s->name, have, t->name, (long long)rows, (long long)rows);
}

/* All shapes, before any memory is taken for them. */
static int check_shapes(const struct match *m, int last_rows, struct err *e)
{
    for (int k = 0; k < m->set->n; k++) {
        const struct weight *w = m->set->all[k];
        const struct st_tensor *t = m->of[k];
        int64_t dim[ST_MAX_RANK];
        char want[96], have[96];
        const struct quant_layer *packed = quant_packed(&m->quant, t);

        if (packed) {
            if (quant_block_check(packed, m->file, t, m->scale[k], w->dim[0], store_row(w), e))
                return ERR_FORMAT;
            continue;
        }
        if (shape_fits(w, t, last_rows, &(int64_t){0})) {
            if (check_scale(m, k, e))
                return ERR_FORMAT;
            continue;
        }
        for (int i = 0; i < w->rank; i++)
            dim[i] = store_dim(w, i);
        shape_text(want, sizeof want, dim, w->rank);
        shape_text(have, sizeof have, t->dim, t->rank);
        if (w->conv && w->rank == 5 && w->dim[1] > 1 && t->rank == 4)
            return err_set(
                e, ERR_FORMAT,
                "%s: tensor \"%s\" is [%s] where a network for video has [%s]: these are "
                "weights for single pictures, without convolutions over time",
                st_path(m->file, t->shard), t->name, have, want);
        return err_set(e, ERR_FORMAT, "%s: tensor \"%s\" is [%s], the config wants [%s]",
                       st_path(m->file, t->shard), t->name, have, want);
    }
    return 0;
}

/* The scales of weight k, one for each of its rows, the first being row `row` of the tensor; NULL
 * where there are none. xmalloc'd. */
static int read_scales(const struct match *m, int k, int64_t row, float **out, struct err *e)
{
    const struct st_tensor *s = m->scale[k];
    int64_t rows = m->set->all[k]->dim[0], n, bad = 0;
    float *scale;
    int rc;

    *out = NULL;
    if (!s)
        return 0;
    scale = xmalloc(sizeof *scale * (size_t)rows);
    n = s->n == 1 ? 1 : rows;
    rc = st_read(m->file, s, s->n == 1 ? 0 : row, n, scale, DT_F32, e);
    while (!rc && bad < n && isfinite(scale[bad]) && scale[bad] >= 0)
        bad++;
    if (!rc && bad < n)
        rc = err_set(e, ERR_FORMAT,
                     "%s: tensor \"%s\": the scale of row %lld is %g, it must be finite and not "
                     "negative",
                     st_path(m->file, s->shard), s->name, (long long)(row + bad),
                     (double)scale[bad]);
    for (int64_t i = n; !rc && i < rows; i++)
        scale[i] = scale[0];
    if (rc)
        free(scale);
    else
        *out = scale;
    return rc;
}

static void report_bad(struct store_report *report, const struct weight *w, int64_t bad)
{
    if (!bad || !report)
        return;
    report->first_bad = report->n_bad ? report->first_bad : w->name;
    report->n_bad += bad;
}

/* Weight k remains in the file, if it can and is not to become something else. */
static int place_one(const struct match *m, struct st_file *f, int k, int last_rows, struct err *e)
{
    struct weight *w = m->set->all[k];
    const struct st_tensor *t = m->of[k];
    const struct stored_form *form = quant_packed(&m->quant, t) ? NULL : quant_form(&m->quant, t);
    const struct stored_form *wish = weight_wish(m->set, w);
    int64_t n = store_row(w), first;
    const char *data = form ? st_data(f, t, e) : NULL;
    float *scale;
    int rc = 0;

    if (form && !data)
        return ERR_IO;
    shape_fits(w, t, last_rows, &first);
    if (form)
        data += first / form->block * form->bytes;
    if (form && (!wish || wish == form) && weight_can_stay(w, form, data)) {
        rc = read_scales(m, k, first / n, &scale, e);
        if (!rc)
            weight_place(w, form, data, scale);
    } else if (wish) {
        weight_hold(w, wish);
    }
    w->form.int8 = wish && m->set->as.int8;
    return rc;
}

/* Weight k has memory of its own. */
static int load_one(const struct match *m, int k, int last_rows, struct store_report *report,
                    struct err *e)
{
    struct weight *w = m->set->all[k];
    float *scale = NULL;
    int64_t first, bad = 0;
    int rc = 0;

    shape_fits(w, m->of[k], last_rows, &first);
    if (!quant_packed(&m->quant, m->of[k]))
        rc = read_scales(m, k, first / store_row(w), &scale, e);
    if (!rc)
        rc = store_fill(m, k, first, scale, &bad, e);
    report_bad(report, w, bad);
    free(scale);
    return rc;
}

/* What is read must fit into what the machine has left: weights as they stay in the file (all, or
 * what their limit leaves of them), or with their masters and gradients. */
static int check_memory(const struct match *m, enum dtype type, int training, struct err *e)
{
    uint64_t limit = m->set->budget_bytes;
    uint64_t part = limit ? weight_set_resident(m->set, limit) : UINT64_MAX;
    double have = (double)machine_memory_bytes(), need = part < UINT64_MAX ? (double)part : 0;

    for (int k = 0; k < m->set->n; k++) {
        const struct weight *w = m->set->all[k];
        double more = training ? 4 + 4 * (w->type == DT_BF16) : 0; /* gradient, master */

        need += w->owner == OWNER_FILE && part == UINT64_MAX ? (double)m->of[k]->bytes : 0;
        need += (double)weight_own_bytes(w) + more * (double)weight_count(w);
    }
    if (need <= have)
        return 0;
    char wanted[32], free_now[32];

    format_bytes(wanted, sizeof wanted, need);
    format_bytes(free_now, sizeof free_now, have);
    return err_set(e, ERR_FIT, "%s: its weights need %s of memory as %s, %s are free", m->path,
                   wanted, dtype_name(type), free_now);
}

static int load_all(const struct match *m, struct st_file *f, int last_rows, enum dtype type,
                    int training, struct store_report *report, struct err *e)
{
    struct weight_set *s = m->set;
    int rc = 0;

    for (int k = 0; !rc && !training && k < s->n; k++)
        rc = place_one(m, f, k, last_rows, e);
    if (!rc)
        rc = check_memory(m, type, training, e);
    if (!rc)
        rc = weight_set_finish(s, training, e);
    for (int k = 0; !rc && k < s->n; k++) {
        s->all[k]->stored = m->of[k]->type;
        s->all[k]->stored_name = m->of[k]->type_name;
        if (s->all[k]->owner == OWNER_FILE) {
            report_bad(report, s->all[k], store_count_bad_stored(s->all[k]));
            weight_looked_at(s, s->all[k]);
        } else {
            rc = load_one(m, k, last_rows, report, e);
        }
    }
    return rc ? rc : st_same(f, e);
}

static int any_placed(const struct weight_set *s)
{
    int any = 0;

    for (int k = 0; k < s->n; k++)
        any |= s->all[k]->owner == OWNER_FILE;
    return any;
}

/* Opens dir and finds every weight in it; then they are all prepared, and load or survey goes on.
 * The file is the set's afterwards if any weight lies in it. */
static int with_match(struct weight_set *s, const char *dir, const struct store_names *names,
                      struct device *device, enum dtype type,
                      int (*go_on)(const struct match *m, struct st_file *f, void *arg,
                                   struct err *e),
                      void *arg, struct err *e)
{
    struct st_file *f;
    struct match m;
    int rc = st_open(&f, dir, e);

    if (rc)
        return rc;
    rc = match_init(&m, s, f, dir, names, e);
    if (!rc)
        rc = quant_read(&m.quant, f, e);
    if (!rc)
        rc = check_shapes(&m, names->last_rows, e);
    if (!rc) {
        weight_set_prepare(s, device, type);
        rc = go_on(&m, f, arg, e);
        if (any_placed(s))
            s->file = f;
    }
    match_release(&m);
    if (s->file != f)
        st_close(&f);
    return rc;
}

struct load {
    int last_rows, training;
    enum dtype type;
    struct store_report *report;
};

static int load_matched(const struct match *m, struct st_file *f, void *arg, struct err *e)
{
    const struct load *l = arg;

    return load_all(m, f, l->last_rows, l->type, l->training, l->report, e);
}

int store_load(struct weight_set *s, const char *dir, const struct store_names *names,
               struct device *device, enum dtype type, int training, struct store_report *report,
               struct err *e)
{
    struct load l = {names->last_rows, training, type, report};

    if (report)
        *report = (struct store_report){0};
    return with_match(s, dir, names, device, type, load_matched, &l, e);
}

/* ---- without loading ---- */

/* A fault brings the pages around it that lie in memory already, in whole pieces of this size
 * (mm/memory.c of Linux, fault_around_bytes). */
enum { FAULT_AROUND = 64 << 10 };

struct piece {
    int shard;
    uint64_t from, to; /* in units of FAULT_AROUND */
};

static int by_place(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;

    if (x->shard != y->shard)
        return x->shard - y->shard;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* Pages that are resident once all placed weights were used. */
static uint64_t mapped_bytes(const struct match *m)
{
    struct piece *all = xmalloc(sizeof *all * ((size_t)m->set->n + 1)), last = {-1, 0, 0};
    uint64_t sum = 0, unread = 0;
    int n = 0;

    for (int k = 0; k < m->set->n; k++) {
        const struct st_tensor *t = m->of[k];

        unread += weight_unread_bytes(m->set->all[k]);

        if (m->set->all[k]->owner == OWNER_FILE)
            all[n++] = (struct piece){t->shard, t->offset / FAULT_AROUND,
                                      (t->offset + t->bytes - 1) / FAULT_AROUND + 1};
    }
    qsort(all, (size_t)n, sizeof *all, by_place);
    for (int i = 0; i < n; i++) {
        uint64_t from = all[i].from;

        if (all[i].shard == last.shard && from < last.to)
            from = last.to < all[i].to ? last.to : all[i].to;
        sum += all[i].to - from;
        if (all[i].shard != last.shard || all[i].to > last.to)
            last = all[i];
    }
    free(all);
    return sum * FAULT_AROUND - unread;
}

struct survey {
    int last_rows;
    struct store_room *room;
};

static int survey_matched(const struct match *m, struct st_file *f, void *arg, struct err *e)
{
    const struct survey *v = arg;
    int rc = 0;

    for (int k = 0; !rc && k < m->set->n; k++)
        rc = place_one(m, f, k, v->last_rows, e);
    for (int k = 0; !rc && k < m->set->n; k++)
        v->room->own += weight_own_bytes(m->set->all[k]);
    v->room->mapped = mapped_bytes(m);
    return rc;
}

int store_survey(struct weight_set *s, const char *dir, const struct store_names *names,
                 struct device *device, enum dtype type, struct store_room *room, struct err *e)
{
    *room = (struct store_room){0};
    return with_match(s, dir, names, device, type, survey_matched,
                      &(struct survey){names->last_rows, room}, e);
}

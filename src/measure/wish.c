#include "measure/wish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "world/prompt.h"

static const char *const direction_names[DIRECTION_COUNT] = {
    [DIRECTION_RIGHT] = "right",
    [DIRECTION_LEFT] = "left",
    [DIRECTION_TOWARD] = "toward",
    [DIRECTION_AWAY] = "away",
};

static int same(const char *word, size_t len, const char *name)
{
    return name && strlen(name) == len && !memcmp(word, name, len);
}

static int take_word(struct wish *w, const char *word, size_t len, struct err *e)
{
    for (int i = 1; i < COLOR_COUNT; i++)
        if (same(word, len, slot_word(SLOT_COLOR, i)))
            return w->color = i, 0;
    for (int i = 1; i < SHAPE_DOMINOES; i++)
        if (same(word, len, slot_word(SLOT_SHAPE, i)))
            return w->shape = i, 0;
    for (int i = 1; i < DIRECTION_COUNT; i++)
        if (same(word, len, direction_names[i]))
            return w->direction = i, 0;
    return err_set(
        e, ERR_USAGE,
        "\"%.*s\" is neither a colour (red green blue yellow orange purple white black), "
        "a shape (ball box cone cylinder) nor a direction (right left toward away)",
        (int)(len < 40 ? len : 40), word);
}

int wish_parse(struct wish *w, const char *words, size_t len, struct err *e)
{
    size_t at = 0;
    int rc = 0;

    *w = (struct wish){0};
    while (!rc) {
        size_t end;

        while (at < len && (words[at] == ' ' || words[at] == '\r'))
            at++;
        for (end = at; end < len && words[end] != ' ' && words[end] != '\r';)
            end++;
        if (end == at)
            break;
        rc = take_word(w, words + at, end - at, e);
        at = end;
    }
    if (!rc && !w->color && !w->shape && !w->direction)
        rc = err_set(e, ERR_USAGE, "nothing is expected: say a colour, a shape, a direction");
    return rc;
}

static int take_line(struct wishes *w, const char *line, size_t len, struct err *e)
{
    const char *tab = memchr(line, '\t', len);
    struct wish wish;

    if (!len || line[0] == '#' || line[0] == '\r')
        return 0;
    if (!tab)
        return err_set(e, ERR_FORMAT, "there is no tab between the facts and the sentence");
    if (wish_parse(&wish, line, (size_t)(tab - line), e))
        return e->code = ERR_FORMAT;
    len -= (size_t)(tab + 1 - line);
    while (len && tab[len] == '\r')
        len--;
    if (!len)
        return err_set(e, ERR_FORMAT, "the sentence is empty");
    if (w->n == WISH_MAX)
        return err_set(e, ERR_FORMAT, "more than %d sentences", WISH_MAX);
    wish.text = xstrndup(tab + 1, len);
    w->item = xrealloc(w->item, ((size_t)w->n + 1) * sizeof *w->item);
    w->item[w->n++] = wish;
    return 0;
}

int wishes_read(struct wishes *w, const char *path, struct err *e)
{
    struct buf text = BUF_INIT;
    int rc = file_read(&text, path, 4 << 20, e), line = 0;
    const char *at = buf_str(&text), *end = at + text.len;

    *w = (struct wishes){0};
    while (!rc && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        stop = stop ? stop : end;
        line++;
        rc = take_line(w, at, (size_t)(stop - at), e);
        if (rc)
            rc = err_prefix(e, "%s, line %d", path, line);
        at = stop + 1;
    }
    if (!rc && !w->n)
        rc = err_set(e, ERR_FORMAT, "%s holds no sentences", path);
    buf_release(&text);
    if (rc)
        wishes_release(w);
    return rc;
}

void wishes_release(struct wishes *w)
{
    for (int i = 0; i < w->n; i++)
        free(w->item[i].text);
    free(w->item);
    *w = (struct wishes){0};
}

void wish_name(char *out, size_t size, int color, int shape, int direction)
{
    snprintf(out, size, "%s %s %s", color ? slot_word(SLOT_COLOR, color) : "?",
             shape ? slot_word(SLOT_SHAPE, shape) : "?",
             direction ? direction_names[direction] : "?");
}

void wish_facts(const struct wish *w, uint64_t seed, struct facts *f)
{
    struct buf text = BUF_INIT;

    world_canonical(w->text, seed, &text, f, NULL);
    buf_release(&text);
}

static int met(int asked, int seen)
{
    return !asked || asked == seen;
}

int wish_met(const struct wish *w, const struct sight *s)
{
    return met(w->color, s->color) && met(w->shape, s->shape) && met(w->direction, s->direction);
}

void tally_add(struct tally *t, const struct wish *w, const struct sight *s)
{
    t->films++;
    t->color += met(w->color, s->color);
    t->shape += met(w->shape, s->shape);
    t->direction += met(w->direction, s->direction);
    t->all += wish_met(w, s);
}

/* multipart.c - multipart/form-data as OpenAI's client sends it: fields, and a picture. */
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "serve/http.h"

enum { FIELDS = 32, FIELD_BYTES = 32 << 10, POST_BUFFER = 16 << 10 };

struct field {
    char name[32];
    struct buf text;
};

struct multipart {
    struct call *c;
    struct MHD_PostProcessor *post;
    struct field field[FIELDS];
    int n, bad;
};

static struct buf *upload_named(struct call *c, const char *name)
{
    for (int i = 0; i < CALL_UPLOADS; i++)
        if (!*c->upload[i].name || !strcmp(c->upload[i].name, name)) {
            snprintf(c->upload[i].name, sizeof c->upload[i].name, "%s", name);
            return &c->upload[i].data;
        }
    return NULL;
}

static struct buf *field_named(struct multipart *m, const char *name, uint64_t off)
{
    for (int i = 0; i < m->n; i++)
        if (!strcmp(m->field[i].name, name))
            return off ? &m->field[i].text : NULL; /* a second one of the name is refused */
    if (m->n == FIELDS)
        return NULL;
    snprintf(m->field[m->n].name, sizeof m->field[m->n].name, "%s", name);
    return &m->field[m->n++].text;
}

static enum MHD_Result take(void *cls, enum MHD_ValueKind kind, const char *key,
                            const char *filename, const char *type, const char *encoding,
                            const char *data, uint64_t off, size_t size)
{
    struct multipart *m = cls;
    struct buf *to;

    (void)kind, (void)type, (void)encoding;
    if (!key || strlen(key) >= sizeof m->field[0].name) {
        m->bad = 1;
        return MHD_NO;
    }
    to = filename ? upload_named(m->c, key) : field_named(m, key, off);
    if (!to || to->len != off || (!filename && off + size > FIELD_BYTES) || buf_reserve(to, size)) {
        m->bad = 1;
        return MHD_NO;
    }
    buf_add(to, data, size);
    return MHD_YES;
}

struct multipart *multipart_new(struct call *c)
{
    struct multipart *m = xcalloc(1, sizeof *m);

    m->c = c;
    m->post = MHD_create_post_processor(c->conn, POST_BUFFER, take, m);
    m->bad = !m->post;
    return m;
}

int multipart_add(struct multipart *m, const char *data, size_t n)
{
    if (!m->bad && MHD_post_process(m->post, data, n) != MHD_YES)
        m->bad = 1;
    return m->bad ? -1 : 0;
}

int multipart_end(struct multipart *m)
{
    struct jsonw w;

    if (m->post && MHD_destroy_post_processor(m->post) != MHD_YES)
        m->bad = 1;
    m->post = NULL;
    jsonw_init(&w, &m->c->body, 0);
    jsonw_object(&w, NULL);
    for (int i = 0; i < m->n && !m->bad; i++) {
        const char *text = buf_str(&m->field[i].text);
        size_t n = m->field[i].text.len;

        m->bad = strlen(text) != n || !utf8_valid(text, n, NULL) ||
                 !utf8_valid(m->field[i].name, strlen(m->field[i].name), NULL);
        if (!m->bad)
            jsonw_string(&w, m->field[i].name, text);
    }
    jsonw_end_object(&w);
    return m->bad ? -1 : 0;
}

void multipart_free(struct multipart **m)
{
    if (!*m)
        return;
    if ((*m)->post)
        MHD_destroy_post_processor((*m)->post);
    for (int i = 0; i < (*m)->n; i++)
        buf_release(&(*m)->field[i].text);
    free(*m);
    *m = NULL;
}

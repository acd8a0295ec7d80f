/* pull_list.c - which files a hub has. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"
#include "format/json.h"
#include "model/pull_inner.h"

enum { MOST_FILES = 10000, MOST_PAGES = 64, MOST_PATH = 512, MOST_LIST_BYTES = 32 << 20 };
#define MOST_FILE_BYTES (INT64_C(1) << 42)

/* ---- names ---- */

int pull_is_plain(const char *path)
{
    if (!*path || strlen(path) > MOST_PATH || !utf8_valid(path, strlen(path), NULL))
        return 0;
    for (const char *at = path;; at++) {
        size_t n = strcspn(at, "/");

        if (!n || n > 200 || *at == '.') /* "", ".", "..", and names that are hidden */
            return 0;
        for (size_t i = 0; i < n; i++)
            if ((unsigned char)at[i] < 0x20 || at[i] == 0x7f || strchr("\\:*?\"<>|", at[i]))
                return 0;
        at += n;
        if (!*at)
            return 1;
    }
}

/* Hidden files are of git, not of the model. */
static int is_hidden(const char *path)
{
    return *path == '.' ? strncmp(path, "..", 2) && path[1] && path[1] != '/'
                        : strstr(path, "/.") && !strstr(path, "/..") && !strstr(path, "/./");
}

static void add_encoded(struct buf *b, const char *s)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";

    for (; *s; s++)
        if (strchr(plain, *s))
            buf_putc(b, *s);
        else
            buf_printf(b, "%%%02X", (unsigned char)*s);
}

char *pull_url(const struct pull_request *r, const char *commit, const char *path)
{
    struct buf b = BUF_INIT;

    if (r->hub == HUB_MODELSCOPE)
        buf_printf(&b, "%s/api/v1/models/%s/repo?Revision=", r->base, r->name);
    else
        buf_printf(&b, "%s/%s/resolve/", r->base, r->name);
    add_encoded(&b, commit);
    buf_puts(&b, r->hub == HUB_MODELSCOPE ? "&FilePath=" : "/");
    add_encoded(&b, path);
    return buf_take(&b);
}

int pull_check_name(const struct pull_request *r, struct err *e)
{
    const char *slash = strchr(r->name, '/');
    size_t n =
        strspn(r->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/");

    if (!slash || strchr(slash + 1, '/') || r->name[n] || !pull_is_plain(r->name))
        return err_set(e, ERR_USAGE, "\"%s\" is no name of a model: ORG/NAME", r->name);
    if (r->revision && !pull_is_plain(r->revision))
        return err_set(e, ERR_USAGE, "revision \"%s\" is not allowed: a branch, tag or commit",
                       r->revision);
    return 0;
}

/* ---- asking ---- */

int pull_refused(const struct pull_request *r, const struct net_answer *a, struct err *e)
{
    char shown[256];
    int code = a->status == 404 || a->status == 401 || a->status == 403 ? ERR_USAGE : ERR_IO;

    net_shown(shown, sizeof shown, a->url);
    if (a->status == 401 || a->status == 403)
        return err_set(
            e, code,
            "%s: %d, the hub does not give it: there is no such model, or its conditions "
            "must be accepted on its page and %s",
            shown, a->status,
            r->token && *r->token ? "the token be one that may read it"
                                  : "a token be given in HF_TOKEN");
    if (a->status == 404)
        return err_set(e, code, "%s: 404, there is no such model, revision or file", shown);
    return err_set(e, code, "%s: the server answers %d", shown, a->status);
}

static int ask(struct net_answer *a, const struct pull_request *r, const char *url, struct err *e)
{
    struct net_request q = {.url = url,
                            .token = r->token,
                            .redirects = 5,
                            .most_bytes = MOST_LIST_BYTES,
                            .most_s = 120,
                            .stop = r->stop};
    int rc = net_request(a, &q, e);

    return !rc && a->status != 200 ? pull_refused(r, a, e) : rc;
}

/* ---- lists ---- */

struct taking {
    struct pull_list *l;
    const struct pull_request *r;
    struct err bad; /* of a name */
};

static void add_file(struct taking *t, const char *path, int64_t bytes, const char *sha256)
{
    struct pull_file f = {.bytes = bytes};

    if (is_hidden(path))
        return;
    if (!pull_is_plain(path)) {
        err_set(&t->bad, ERR_FORMAT, "%s: the hub names a file \"%.80s\", which is no plain path",
                t->r->name, path);
        return;
    }
    if (t->l->n == MOST_FILES) {
        err_set(&t->bad, ERR_FORMAT, "%s: more than %d files", t->r->name, MOST_FILES);
        return;
    }
    f.path = xstrdup(path);
    if (strlen(sha256) == 64 && strspn(sha256, "0123456789abcdef") == 64)
        memcpy(f.sha256, sha256, 65);
    t->l->file = xrealloc(t->l->file, sizeof f * (size_t)(t->l->n + 1));
    t->l->file[t->l->n++] = f;
}

/* [{"type": "file", "path": ..., "size": ..., "lfs": {"oid": SHA-256, "size": ...}}, ...] */
static void take_tree(void *arg, struct jval root)
{
    struct taking *t = arg;

    for (int i = 0; i < j_len(root); i++) {
        struct jval f = j_at_object(root, i);
        int large = j_has(f, "lfs");
        struct jval lfs = large ? j_object(f, "lfs") : f;

        if (!strcmp(j_string(f, "type"), "file"))
            add_file(t, j_string(f, "path"), j_int(lfs, "size", 0, MOST_FILE_BYTES),
                     large ? j_string(lfs, "oid") : "");
    }
}

/* {"Data": {"Files": [{"Type": "blob", "Path": ..., "Size": ..., "Sha256": ...}, ...]}} */
static void take_files(void *arg, struct jval root)
{
    struct taking *t = arg;
    struct jval list = j_array(j_object(root, "Data"), "Files");

    for (int i = 0; i < j_len(list); i++) {
        struct jval f = j_at_object(list, i);

        if (strcmp(j_string_or(f, "Type", "blob"), "tree"))
            add_file(t, j_string(f, "Path"), j_int(f, "Size", 0, MOST_FILE_BYTES),
                     j_string_or(f, "Sha256", ""));
    }
}

static int read_answer(struct taking *t, const struct net_answer *a,
                       void (*take)(void *arg, struct jval root), struct err *e)
{
    int rc = jdoc_take_text(buf_str(&a->body), a->body.len, t->r->name, take, t, e);

    if (!rc && t->bad.code) {
        *e = t->bad;
        rc = e->code;
    }
    return rc;
}

static void take_commit(void *arg, struct jval root)
{
    struct taking *t = arg;
    const char *sha = j_string(root, "sha");

    if (strlen(sha) < sizeof t->l->commit && pull_is_plain(sha))
        strcpy(t->l->commit, sha);
    else
        j_fail(root, "sha", "is no commit");
}

/* Pages of a list: Link: <ADDRESS>; rel="next". Mirrors hand on the address of the hub, so only
 * what stands behind its host counts. The caller frees; NULL: this was the last. */
static char *next_page(const struct net_answer *a, const struct pull_request *r)
{
    char *link = net_field(a, "link"), *url = NULL, *end, *path;

    if (link && *link == '<' && (end = strchr(link, '>')) && strstr(end, "rel=\"next\"")) {
        *end = '\0';
        path = strstr(link, "/api/models/");
        url = path ? xasprintf("%s%s", r->base, path) : NULL;
    }
    free(link);
    return url;
}

static int list_huggingface(struct taking *t, struct err *e)
{
    const struct pull_request *r = t->r;
    struct buf b = BUF_INIT;
    struct net_answer a;
    int rc;

    if (!*t->l->commit) {
        buf_printf(&b, "%s/api/models/%s/revision/", r->base, r->name);
        add_encoded(&b, r->revision ? r->revision : "main");
        rc = ask(&a, r, buf_str(&b), e);
        if (!rc)
            rc = read_answer(t, &a, take_commit, e);
        net_answer_release(&a);
        buf_release(&b);
        if (rc)
            return rc;
    }
    char *url =
        xasprintf("%s/api/models/%s/tree/%s?recursive=true", r->base, r->name, t->l->commit);
    rc = 0;
    for (int page = 0; !rc && url; page++) {
        char *next = NULL;

        rc = ask(&a, r, url, e);
        if (!rc)
            rc = read_answer(t, &a, take_tree, e);
        if (!rc)
            next = next_page(&a, r);
        if (!rc && next && page + 1 == MOST_PAGES)
            rc = err_set(e, ERR_FORMAT, "%s: its list of files does not end", r->name);
        net_answer_release(&a);
        free(url);
        url = next;
    }
    free(url);
    return rc;
}

static int list_modelscope(struct taking *t, struct err *e)
{
    const struct pull_request *r = t->r;
    struct buf b = BUF_INIT;
    struct net_answer a;
    int rc;

    if (!*t->l->commit) /* of a branch: this API names no commit of the whole */
        strncpy(t->l->commit, r->revision ? r->revision : "master", sizeof t->l->commit - 1);
    buf_printf(&b, "%s/api/v1/models/%s/repo/files?Recursive=true&Revision=", r->base, r->name);
    add_encoded(&b, t->l->commit);
    rc = ask(&a, r, buf_str(&b), e);
    if (!rc)
        rc = read_answer(t, &a, take_files, e);
    net_answer_release(&a);
    buf_release(&b);
    return rc;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct pull_file *)a)->path, ((const struct pull_file *)b)->path);
}

int pull_look(struct pull_list *l, const struct pull_request *r, struct err *e)
{
    struct taking t = {l, r, {0}};
    int rc = pull_check_name(r, e);

    if (!rc)
        rc = r->hub == HUB_MODELSCOPE ? list_modelscope(&t, e) : list_huggingface(&t, e);
    if (rc)
        return rc;
    if (!l->n)
        return err_set(e, ERR_FORMAT, "%s: the hub lists no files", r->name);
    qsort(l->file, (size_t)l->n, sizeof *l->file, by_path);
    for (int i = 1; i < l->n; i++)
        if (!strcmp(l->file[i].path, l->file[i - 1].path))
            return err_set(e, ERR_FORMAT, "%s: the hub lists %s twice", r->name, l->file[i].path);
    rc = pull_choose(l, r, e);
    for (int i = 0; !rc && i < l->n; i++)
        l->wanted_bytes += l->file[i].wanted ? l->file[i].bytes : 0;
    return rc;
}

void pull_list_release(struct pull_list *l)
{
    for (int i = 0; i < l->n; i++)
        free(l->file[i].path);
    free(l->file);
    *l = (struct pull_list){0};
}

/* ---- of the environment ---- */

const char *pull_endpoint(enum pull_hub hub)
{
    const char *set = getenv(hub == HUB_MODELSCOPE ? "MODELSCOPE_ENDPOINT" : "HF_ENDPOINT");

    if (set && *set)
        return set;
    return hub == HUB_MODELSCOPE ? "https://www.modelscope.cn" : "https://huggingface.co";
}

/* Slashes at the end are none of it. */
static int same_base(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);

    while (n && a[n - 1] == '/')
        n--;
    while (m && b[m - 1] == '/')
        m--;
    return n == m && !strncmp(a, b, n);
}

void pull_token(struct buf *out, enum pull_hub hub, const char *base)
{
    const char *token = getenv("HF_TOKEN"), *path = getenv("HF_TOKEN_PATH");
    const char *home = getenv("HF_HOME"), *user = getenv("HOME");
    struct err e;
    char *file;

    if (hub != HUB_HUGGINGFACE || !same_base(base, pull_endpoint(hub)))
        return;
    if (token && *token) {
        buf_puts(out, token);
        return;
    }
    if (path && *path)
        file = xstrdup(path);
    else if (home && *home)
        file = path_join(home, "token");
    else
        file = xasprintf("%s/.cache/huggingface/token", user ? user : "");
    if (file_read_regular(out, file, 4096, &e))
        buf_clear(out);
    while (out->len && strchr(" \r\n\t", out->data[out->len - 1]))
        out->data[--out->len] = '\0';
    free(file);
}

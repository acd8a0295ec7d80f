#include <string.h>

#include "serve/api.h"

static const struct route *const TABLES[] = {api_kling, api_kling2, api_openai,
                                             api_live,  api_page,   api_workers};

const struct route *route_at(int i)
{
    for (size_t t = 0; t < sizeof TABLES / sizeof *TABLES; t++)
        for (const struct route *r = TABLES[t]; r->path; r++)
            if (i-- == 0)
                return r;
    return NULL;
}

/* Letters, digits and a few marks: nothing that is a path or must be escaped. */
static size_t arg_length(const char *path)
{
    return strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
}

int route_matches(const struct route *r, const char *path, char arg[CALL_ARGS][CALL_ARG_BYTES])
{
    const char *want = r->path;
    int n = 0;

    while (*want) {
        if (want[0] == '{' && want[1] == '}') {
            size_t len = arg_length(path);

            if (!len || len >= CALL_ARG_BYTES || n == CALL_ARGS)
                return 0;
            memcpy(arg[n], path, len);
            arg[n++][len] = '\0';
            path += len;
            want += 2;
            if (want[0] == '.' && want[1]) { /* "{}.mp4": the ending is no part of it */
                size_t end = strlen(want);
                if (len <= end || strcmp(arg[n - 1] + len - end, want))
                    return 0;
                arg[n - 1][len - end] = '\0';
                want += end;
            }
        } else if (*want++ != *path++) {
            return 0;
        }
    }
    return !*path;
}

void route_methods(const char *path, struct buf *out)
{
    char arg[CALL_ARGS][CALL_ARG_BYTES];
    const struct route *r;

    for (int i = 0; (r = route_at(i)); i++) {
        if (!route_matches(r, path, arg) || (out->len && strstr(buf_str(out), r->method)))
            continue;
        buf_printf(out, "%s%s", out->len ? ", " : "", r->method);
        if (!strcmp(r->method, "GET"))
            buf_puts(out, ", HEAD");
    }
}

const struct route *route_find(const char *method, const char *path,
                               char arg[CALL_ARGS][CALL_ARG_BYTES], enum fault *f)
{
    const struct route *r;

    *f = FAULT_NOT_FOUND;
    if (!strcmp(method, "HEAD"))
        method = "GET";
    for (int i = 0; (r = route_at(i)); i++) {
        if (!route_matches(r, path, arg))
            continue;
        if (!strcmp(r->method, method))
            return r;
        *f = FAULT_METHOD;
    }
    return NULL;
}

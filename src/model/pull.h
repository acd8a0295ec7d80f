/* pull.h - the files of a model from a hub: Hugging Face's or ModelScope's API, or a mirror of it.
 *
 * Files come into the folder TO.pull, each as NAME.part, so that nobody takes it for a model, and
 * become TO by one rename when all are whole: sizes as listed, SHA-256 where the hub names it. A
 * pull that ended goes on where it was, from the same commit. Whatever a server answers is not
 * trusted: names are plain relative paths, sizes have caps, and the token goes to the hub alone
 * (net.h). Source: the HTTP API of huggingface_hub (tree, resolve) and of modelscope (repo/files,
 * repo). */
#ifndef MODEL_PULL_H
#define MODEL_PULL_H

#include <signal.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum pull_hub { HUB_HUGGINGFACE, HUB_MODELSCOPE };

struct pull_file {
    char *path; /* relative, of plain names; owned */
    int64_t bytes;
    char sha256[65]; /* "": the hub does not say */
    int wanted;      /* it is read by a loader of ours, or was asked for */
};
struct pull_list {
    char commit[128]; /* that all files are of */
    struct pull_file *file;
    int n;
    int64_t wanted_bytes;
};

struct pull_request {
    enum pull_hub hub;
    const char *base;     /* "https://huggingface.co", without a slash at the end */
    const char *name;     /* ORG/NAME */
    const char *revision; /* NULL: main, or master of ModelScope */
    const char *token;    /* NULL or "": none */
    const char *to;       /* the folder */
    int all;              /* every file */
    const char *files;    /* patterns of a shell with commas between; NULL: what loaders read */
    /* Bytes that came and that are wanted in this run, with the file; may be NULL. */
    void (*step)(void *user, const char *path, int64_t done, int64_t total);
    void *user;
    const volatile sig_atomic_t *stop; /* may be NULL */
};

/* What there is, and which of it would be taken. ERR_USAGE: no such name, or nothing tells which
 * files are wanted; ERR_IO, ERR_FORMAT. l is to be given to pull_list_release in either way. */
NODISCARD int pull_look(struct pull_list *l, const struct pull_request *r, struct err *e);
void pull_list_release(struct pull_list *l);
/* Fetch it. ERR_IO: no connection, no room on the disk, or `to` is there; ERR_CHECK: a file is not
 * what the hub says it is; ERR_CANCEL: the rest is fetched by the same call. */
NODISCARD int pull_run(const struct pull_request *r, struct err *e);

/* 1: a path that may be made below a folder. */
int pull_is_plain(const char *path);
/* Of an environment: where the hub is (HF_ENDPOINT, MODELSCOPE_ENDPOINT), static. */
const char *pull_endpoint(enum pull_hub hub);
/* HF_TOKEN, or the file of the hub's client (HF_TOKEN_PATH, HF_HOME/token); appended to out. It
 * belongs to the hub of HF_ENDPOINT: for any other base there is none. */
void pull_token(struct buf *out, enum pull_hub hub, const char *base);

#endif

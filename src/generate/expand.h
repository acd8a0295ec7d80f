/* expand.h - a short prompt becomes a fuller one by a language model: any endpoint that answers as
 * OpenAI's chat completions do (llama.cpp, Ollama, vLLM). What the built-in rules make of a prompt
 * is what the reader of the shipped model says anyway (reading.h).
 *
 * What comes back is believed only when it is one text of sensible length: no HTML, no refusal, not
 * cut, no control characters. Thoughts (<think>..</think>) and quotes around it are taken off.
 * Threads: any number at once. */
#ifndef GENERATE_EXPAND_H
#define GENERATE_EXPAND_H

#include <signal.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define EXPAND_RULES "rules"
enum { EXPAND_MOST_BYTES = 2000, EXPAND_S = 30 };

struct expand_wish {
    const char *url;    /* of the endpoint, of its /v1, or whole */
    const char *model;  /* "": the endpoint's own */
    const char *key;    /* "" or NULL: none is sent */
    const char *prompt; /* as typed */
    unsigned worlds;    /* that the model knows, whose words are told; 0: plain text */
    uint64_t seed;
    double most_s; /* 0: EXPAND_S */
    const volatile sig_atomic_t *stop;
};
/* 1: an address, not "rules" or "no". */
int expand_is_url(const char *value);
/* Appends the fuller prompt. ERR_IO: no answer; ERR_FORMAT: an answer of no use; ERR_CANCEL. */
NODISCARD int expand_ask(const struct expand_wish *w, struct buf *out, struct err *e);

#endif

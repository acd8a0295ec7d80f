/* tokenizer.h - unigram tokenizer: tokenizer.json (Hugging Face tokenizers, model type Unigram),
 * spiece.model (SentencePiece), and the latter inside a GGUF text encoder. Each file form gives
 * exactly what its own library gives; they differ where the files do: a tokenizer.json matches
 * special tokens in the text and appends the end token, a spiece.model does neither by itself. In a
 * folder it is the tokenizer of a T5, which appends the end token. Reference:
 * huggingface/tokenizers (models/unigram, normalizers/precompiled), google/sentencepiece. Files are
 * hostile: sizes, ids and offsets are checked. Thread-safety: after opening, any number of threads.
 */
#ifndef MODEL_TOKENIZER_H
#define MODEL_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct tokenizer;

/* path: a file (by its ending .json or .gguf, else a spiece.model), or a directory with
 * tokenizer.json (preferred) or spiece.model. ERR_IO, ERR_FORMAT.
 */
NODISCARD int tokenizer_open(struct tokenizer **out, const char *path, struct err *e);
/* That of a directory, which is kept while its file stays as it is and is no large one: who opens
 * it again gets the same one, to be freed by each. */
NODISCARD int tokenizer_open_kept(struct tokenizer **out, const char *dir, struct err *e);
void tokenizer_free(struct tokenizer **t);
struct st_file;
/* The spiece.model that a GGUF file holds, appended to out. ERR_FORMAT: there is none. */
NODISCARD int tokenizer_spiece_of_gguf(struct buf *out, const struct st_file *f, struct err *e);
/* The name of the file that is read in a directory; tokenizer.json where there is none. Static. */
const char *tokenizer_file(const char *dir);
int tokenizer_size(const struct tokenizer *t); /* ids are 0..size-1 */
int tokenizer_end(const struct tokenizer *t);  /* end token, -1 when there is none */
int tokenizer_id(const struct tokenizer *t, const char *piece); /* -1: there is none */
const char *tokenizer_piece(const struct tokenizer *t,
                            int id); /* "\xe2\x96\x81" marks a space before */

/* text: len bytes of UTF-8 (malformed bytes become U+FFFD). *ids: xmalloc'd, the caller frees; *n
 * its length. */
void tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, int32_t **ids,
                      int *n);

/* Write a tokenizer.json (for tokenizer_open and for Hugging Face tokenizers) of n pieces with
 * log-probabilities. The file begins with <pad>, </s>, <unk> as ids 0, 1, 2 and 256 byte pieces as
 * ids 3..258, then the given pieces as ids 259..; text is lower-cased and full-width forms become
 * ASCII before it is matched. */
NODISCARD int tokenizer_write(const char *path, const char *const *pieces, const double *scores,
                              int n, struct err *e);
/* The text of that file, appended to out. */
void tokenizer_text(struct buf *out, const char *const *pieces, const double *scores, int n);

#endif

/* clean.h - a prompt as it was meant, where it was copied from a web page or a word processor.
 *
 * As the reference pipelines do with ftfy and html.unescape: character references are undone (to
 * the end, unless the text has a "<" of its own; then twice), UTF-8 that was read as Latin-1 or
 * Windows-1252 is mended where the whole line is of that kind, ligatures are letters, full-width
 * forms are ASCII, half-width ones of other scripts whole, curly quotes are straight, control
 * characters and colours of terminals are gone. Soft hyphens are nothing
 * here, where the reference keeps them. Characters are not composed (NFC): the maps of tokenizers
 * do that. Pure, any thread. */
#ifndef GENERATE_CLEAN_H
#define GENERATE_CLEAN_H

#include "base/buf.h"

/* text: UTF-8. Appends to out, without white space at the ends; one_line: any white space within is
 * one space, as models of plain text were trained; else lines stay, which readers of sentences tell
 * apart. */
void clean_prompt(const char *text, int one_line, struct buf *out);

#endif

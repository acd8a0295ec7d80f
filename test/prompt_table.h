/* prompt_table.h - what the prompt reader is expected to understand, one sentence a row. */
#ifndef TEST_PROMPT_TABLE_H
#define TEST_PROMPT_TABLE_H

#include <stddef.h>

/* expected: the actor | the other object | event, direction, speed, surroundings | words not
 * understood, then what is drawn as something else ("pink as red"). */
struct prompt_row {
    const char *text, *expected;
};

void prompt_table_check(const struct prompt_row *rows, size_t n);

#endif

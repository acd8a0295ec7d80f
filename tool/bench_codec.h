/* bench_codec.h - autoencoders of `zoetrope bench`. */
#ifndef TOOL_BENCH_CODEC_H
#define TOOL_BENCH_CODEC_H

int bench_codec_knows(const char *name);
void bench_codec_help(void); /* a line for each */
/* argv[1] is a name that it knows. Returns the exit status. */
int bench_codec(int argc, char **argv);

#endif

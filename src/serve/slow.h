/* slow.h - threads for calls that wait: for a picture of another machine, a plan, the disk.
 *
 * The HTTP server's own threads hand such a call over and go on with others. Threads: any. */
#ifndef SERVE_SLOW_H
#define SERVE_SLOW_H

struct call;
struct slow;
/* run(c) on one of the threads, then done(c); but while it leaves c->again set, it is run again
 * after slow_wake, and at c->wait_until or the end a last time. */
struct slow *slow_new(void (*run)(struct call *c), void (*done)(struct call *c));
/* Finishes what it has; from then on slow_add is refused, and the rest does nothing. */
void slow_stop(struct slow *s);
void slow_free(struct slow **s); /* after slow_stop, when nobody calls any more */
/* 0, or -1: there are too many already. */
int slow_add(struct slow *s, struct call *c);

void slow_wake(struct slow *s); /* those who wait look again */
void slow_look(struct slow *s); /* those whose time is over do; called now and then */

#endif

/* coast.h - the line of the cliff, for those who walk along it and for the rays that meet it: the
 * land is where y > COAST_WIDE sin(COAST_TURN x + phase) + COAST_FINE sin(COAST_BEND x + 2 phase).
 */
#ifndef STORY_COAST_H
#define STORY_COAST_H

#define COAST_WIDE 4.2f /* m */
#define COAST_TURN 0.15f
#define COAST_FINE 0.9f
#define COAST_BEND 0.43f

#endif

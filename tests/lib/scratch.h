/* scratch.h - ends what one test made: blocks, folders, handlers. The runner calls it after each.
 */
#ifndef SOU_TESTS_SCRATCH_H
#define SOU_TESTS_SCRATCH_H

void scratch_drop(void);

#endif

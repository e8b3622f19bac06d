/* fence.h - the fence's file (R12): DIR/fence, two slots, outside the data directory and its
 * backups. Fills in the seam soud_fence_io of daemon/replica/replica.h. */
#ifndef SOUD_FENCE_H
#define SOUD_FENCE_H

#include "daemon/replica/replica.h"

struct soud_fence_file;

/* `state_dir` NULL or "": DATA.state beside the data directory. The directory is made when it is
 * not there, the file at the first write. SOU_EINPUT: inside the data directory, or open to others.
 */
int soud_fence_file_open(struct soud_fence_file **out, const char *data_dir, const char *state_dir,
			 struct sou_err *err);
void soud_fence_file_close(struct soud_fence_file *f);
void soud_fence_file_io(struct soud_fence_file *f, struct soud_fence_io *out);

/* /etc/machine-id hashed, or zero where there is none. */
struct sou_id soud_fence_machine(void);

#endif

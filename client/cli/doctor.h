/* doctor.h - the inside of `soukatsu doctor`: what is looked at becomes findings, each a message of
 * the catalogue with what happened, what is safe and what to do next. Nothing is changed. */
#ifndef SOUC_DOCTOR_H
#define SOUC_DOCTOR_H

#include <jansson.h>

#include "client/cli/context.h"
#include "daemon/diagnose.h"
#include "daemon/settings.h"

#define SOUC_FINDINGS_MAX 64u

struct souc_doctor {
	struct souc_context *cx;
	struct soud_options options; /* of the file, as far as it can be read */
	json_t *status, *digests;    /* owned; NULL: no daemon answers */
	char *metrics;               /* owned */
	struct soud_diagnosis *v;    /* owned; SOUC_FINDINGS_MAX */
	size_t count;                /* all; the first SOUC_FINDINGS_MAX are kept */
};

/* A finding with its arguments, in order; NULL ends them early. */
void souc_doctor_add(struct souc_doctor *d, enum sou_msg msg, const char *first, const char *second,
		     const char *third);
void souc_doctor_add_number(struct souc_doctor *d, enum sou_msg msg, long long number);

/* doctor_files.c: directory, modes, keys, settings, fence. False: there is no replica to go on
 * with. */
bool souc_doctor_files(struct souc_doctor *d);
/* doctor_files.c: what a running daemon would know better: room, and what the replica says. */
void souc_doctor_stopped(struct souc_doctor *d);
/* doctor_status.c: what the daemon says of itself (d->status). */
void souc_doctor_status(struct souc_doctor *d);

/* doctor_export.c: what was found and what the daemon says, for whoever helps: without texts,
 * names, addresses, keys and paths. What may be in it is listed there, member by member. The exit
 * status. */
int souc_doctor_export(struct souc_doctor *d, const char *path);

#endif

/* doctor_status.c - from what the daemon says of itself (GET /v1/status) to findings. */
#include <stdlib.h>
#include <string.h>

#include "client/cli/doctor.h"
#include "client/cli/say.h"
#include "daemon/plan/when.h"
#include "daemon/sync/sync.h"

/* Why the hub is not reached: what to do differs. */
static const struct {
	const char *reason;
	enum sou_msg msg;
} away[] = {
	{"link.no_address", SOU_MSG_DOCTOR_HUB_NAME}, {"link.refused", SOU_MSG_DOCTOR_HUB_PORT},
	{"link.tls", SOU_MSG_DOCTOR_HUB_TLS},         {"link.hub_key", SOU_MSG_DOCTOR_HUB_KEY},
	{"link.version", SOU_MSG_DOCTOR_HUB_VERSION}, {"link.instance", SOU_MSG_DOCTOR_INSTANCE},
	{"link.denied", SOU_MSG_DOCTOR_HUB_DENIED},
};

static void look_reason(struct souc_doctor *d, const json_t *link)
{
	const char *reason = souc_get(link, "reason");
	for (size_t i = 0; i < sizeof away / sizeof *away; i++) {
		if (strcmp(away[i].reason, reason) == 0) {
			souc_doctor_add(d, away[i].msg, NULL, NULL, NULL);
			return;
		}
	}
	if (reason[0] != '\0') /* no line, no answer, and what a later version may say */
		souc_doctor_add(d, SOU_MSG_DOCTOR_HUB_LINE, souc_get(link, "reason_label"), NULL,
				NULL);
}

static void look_silence(struct souc_doctor *d, const json_t *link)
{
	int64_t heard_ms, now = (int64_t)soud_wall_ms();
	if (!soud_when(souc_get(link, "last_contact"), &heard_ms) || now < heard_ms)
		return;
	int64_t days = (now - heard_ms) / 86400000;
	if (days >= SOU_DOCTOR_SILENT_DAYS)
		souc_doctor_add_number(d, SOU_MSG_DOCTOR_SILENT, days);
}

static void look_clock(struct souc_doctor *d, const json_t *link)
{
	long long ms = llabs(souc_get_int(link, "clock_ms")); /* null reads as 0 */
	if (ms >= SOU_DOCTOR_CLOCK_MS)
		souc_doctor_add_number(d, SOU_MSG_DOCTOR_CLOCK, ms / 1000);
}

static void look_link(struct souc_doctor *d)
{
	const json_t *link = json_object_get(d->status, "link");
	const json_t *counts = json_object_get(d->status, "counts");
	const char *state = souc_get(link, "state");
	long long unsent = souc_get_int(counts, "queued") + souc_get_int(counts, "local");
	bool hub = strcmp(state, "hub") == 0, connected = strcmp(state, "connected") == 0;
	if (strcmp(state, "withdrawn") == 0)
		souc_doctor_add(d, SOU_MSG_RIGHT_WITHDRAWN, NULL, NULL, NULL);
	else if (strcmp(state, "paused") == 0)
		souc_doctor_add(d, SOU_MSG_SYNC_PAUSED, NULL, NULL, NULL);
	else if (!hub)
		look_reason(d, link); /* connected and refused as another instance: said too */
	if (!hub && !connected)
		look_silence(d, link);
	if (!hub && !connected && unsent > 0)
		souc_doctor_add_number(d, SOU_MSG_DOCTOR_UNSENT, unsent);
	look_clock(d, link);
	if (souc_get(link, "refusal")[0] != '\0')
		souc_doctor_add(d, SOU_MSG_DOCTOR_REFUSED, souc_get(link, "refusal"), NULL, NULL);
	if (souc_get_int(link, "alarms") > 0)
		souc_doctor_add_number(d, SOU_MSG_DOCTOR_DIGEST, souc_get_int(link, "alarms"));
	if (souc_get_int(counts, "held") > 0)
		souc_doctor_add_number(d, SOU_MSG_DOCTOR_HELD, souc_get_int(counts, "held"));
}

static void look_replica(struct souc_doctor *d)
{
	const json_t *disk = json_object_get(d->status, "disk");
	const char *mode = souc_get(d->status, "mode"), *space = souc_get(disk, "state");
	char mib[24];
	(void)snprintf(mib, sizeof mib, "%lld MiB", souc_get_int(disk, "free_bytes") >> 20);
	if (strcmp(mode, "unconfirmed") == 0)
		souc_doctor_add(d, SOU_MSG_REPLICA_UNCONFIRMED, NULL, NULL, NULL);
	else if (strcmp(mode, "normal") != 0)
		souc_doctor_add(d, SOU_MSG_DOCTOR_DEGRADED, NULL, NULL, NULL);
	if (strcmp(space, "read_only") == 0)
		souc_doctor_add(d, SOU_MSG_REPLICA_READ_ONLY, mib, NULL, NULL);
	else if (strcmp(space, "low") == 0)
		souc_doctor_add_number(d, SOU_MSG_DOCTOR_SPACE,
				       souc_get_int(disk, "free_bytes") >> 20);
}

static void look_running_settings(struct souc_doctor *d)
{
	const json_t *config = json_object_get(d->status, "config"), *name;
	struct souc_buffer names = {0};
	size_t i;
	if (strcmp(souc_get(config, "state"), "refused") == 0)
		souc_doctor_add_number(d, SOU_MSG_DOCTOR_RELOAD, souc_get_int(config, "faults"));
	json_array_foreach (json_object_get(config, "restart"), i, name)
		souc_buffer_printf(&names, "%s%s", i > 0 ? ", " : "", json_string_value(name));
	if (names.len > 0)
		souc_doctor_add(d, SOU_MSG_DOCTOR_RESTART, names.text, NULL, NULL);
	souc_buffer_fini(&names);
}

void souc_doctor_status(struct souc_doctor *d)
{
	const char *theirs = souc_get(json_object_get(d->status, "software"), "version");
	if (strcmp(theirs, SOU_VERSION) != 0)
		souc_doctor_add(d, SOU_MSG_DOCTOR_VERSION, SOU_VERSION, theirs, NULL);
	look_replica(d);
	look_running_settings(d);
	look_link(d);
}

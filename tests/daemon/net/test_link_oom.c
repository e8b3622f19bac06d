/* test_link_oom.c - each allocation of our own fails once: links may end, nothing crashes, nothing
 * is lost on the way out. */
#include "tests/daemon/net/rig.h"
#include "tests/lib/fault.h"

#define TURNS 60

static void echo(struct soud_link *link, struct seen *seen, const struct sou_frame *frame)
{
	(void)seen;
	int rc = soud_link_send_frame(link, frame->kind, frame->body, frame->body_bytes);
	if (rc == SOU_ENOMEM)
		soud_link_abort(link, SOUD_LINK_END_NOMEM);
	else
		CHECK("R17", rc == SOU_OK || rc == SOU_ELIMIT);
}

/* The rig's own callbacks allocate; these count only. */
static void count_frame(struct soud_link *link, void *data, const struct sou_frame *frame)
{
	struct seen *seen = data;
	seen->frames++;
	if (seen->on_frame != NULL)
		seen->on_frame(link, seen, frame);
}

static void count_open(struct soud_link *link, void *data)
{
	((struct seen *)data)->opened++;
	((struct seen *)data)->link = link;
}

static void count_closed(struct soud_link *link, void *data, enum soud_link_end end,
			 const char *detail)
{
	(void)detail;
	struct seen *seen = data;
	seen->closed++;
	seen->end = end;
	if (seen->link == link)
		seen->link = NULL;
}

static void count_refused(struct soud_link *link, void *data, enum soud_link_end end,
			  const char *detail)
{
	(void)link;
	(void)end;
	(void)detail;
	((struct seen *)data)->refused++;
}

static const struct soud_link_cbs cbs = {
	.open_cb = count_open,
	.frame_cb = count_frame,
	.closed_cb = count_closed,
	.refused_cb = count_refused,
};

static uint64_t no_dice(void *random)
{
	(void)random;
	return 0;
}

TEST(link_oom, each_allocation)
{
	static uint8_t body[200000];
	int finished = 0;
	long before = 0;
	bool for_ever = false;
	FOR_EACH_FAULT (n) {
		fault_disarm(); /* the rig itself is not what is tried */
		for_ever = for_ever || n <= before;
		before = n;
		struct rig rig;
		rig_begin(&rig, NULL);
		soud_listen_close(rig.listen);
		rig.listen = NULL;
		rig.hub.on_frame = echo;
		struct soud_listen *listen = NULL;
		struct soud_dial *dial = NULL;
		fault_arm(n, for_ever);
		int rc = soud_listen_new(&listen, rig.net, rig.hub_tls, "127.0.0.1:0", &cbs,
					 &rig.hub, NULL);
		CHECK("listen", rc == SOU_OK || rc == SOU_ENOMEM);
		char at[32] = "127.0.0.1:1";
		if (rc == SOU_OK)
			snprintf(at, sizeof at, "127.0.0.1:%u", soud_listen_port(listen));
		const struct soud_dial_args args = {.net = rig.net,
						    .tls = rig.site_tls,
						    .hostport = at,
						    .pin = soud_tls_spki(rig.hub_tls),
						    .retry_ms_min = 1,
						    .retry_ms_max = 1,
						    .random_cb = no_dice,
						    .cbs = &cbs,
						    .data = &rig.site};
		rc = soud_dial_new(&dial, &args, NULL);
		CHECK("dial", rc == SOU_OK || rc == SOU_ENOMEM);
		if (dial != NULL)
			soud_dial_resume(dial);
		for (int i = 0; i < TURNS && rig.site.frames == 0; i++) {
			if (rig.site.link != NULL && soud_link_queued(rig.site.link) == 0) {
				rc = soud_link_send_frame(rig.site.link, 1, body, sizeof body);
				CHECK("send", rc == SOU_OK || rc == SOU_ENOMEM || rc == SOU_ESTATE);
			}
			rig_turn(&rig);
		}
		finished += rig.site.frames > 0;
		fault_disarm();
		soud_dial_close(dial);
		soud_listen_close(listen);
		rig_end(&rig, "R17 out of memory");
	}
	CHECK_INT("and one way through", finished, >, 0);
}

/* link_io.c - the bytes of a link. In: one shared read buffer, TLS, one shared plain buffer, frames
 * handed up from there; only a frame that is not whole yet is kept, in memory for what has come of
 * it. Out: plain bytes wait in chunks and are made into records when the socket takes them. */
#include <stdlib.h>
#include <string.h>

#include "daemon/net/link.h"
#include "daemon/net/link_inner.h"
#include "daemon/net/proxy.h"
#include "proto/crypto.h"
#include "proto/frame.h"
#include "proto/limits.h"

#define CHUNK_BYTES      4096u /* of memory, for what is smaller */
#define PART_BYTES_MIN   512u
#define RECORD_OVERHEAD  512u /* more than any record's header, tag and padding */
#define ALL_FULL_PERCENT 75u  /* of all links' memory: below, refused senders are called back */

struct out { /* ciphertext that the kernel did not take at once */
	uv_write_t request;
	struct soud_link *link;
	size_t n;
	uint8_t b[];
};

static void hold(struct soud_link *link, size_t n)
{
	link->net->stats.held_bytes += n;
}

static void let_go(struct soud_link *link, size_t n)
{
	SOU_ASSERT(link->net->stats.held_bytes >= n); /* I1 */
	link->net->stats.held_bytes -= n;
}

static bool all_full(const struct soud_link *link, size_t n)
{
	return link->net->stats.held_bytes + n > link->net->limits.links_bytes_max;
}

static void part_free(struct soud_link *link)
{
	free(link->part.p);
	let_go(link, link->part.cap);
	link->part.p = NULL;
	link->part.n = link->part.cap = 0;
}

static void head_free(struct soud_link *link)
{
	struct soud_chunk *chunk = link->head;
	link->head = chunk->next;
	if (link->head == NULL)
		link->tail = NULL;
	let_go(link, sizeof *chunk + chunk->cap);
	free(chunk);
}

void soud_link_free_bytes(struct soud_link *link)
{
	part_free(link);
	while (link->head != NULL)
		head_free(link);
}

/* ---- Out ---- */

static void on_write(uv_write_t *request, int status)
{
	struct out *out = request->data;
	struct soud_link *link = out->link;
	let_go(link, sizeof *out + out->n);
	link->out -= out->n;
	free(out);
	if (link->state == SOUD_LINK_DEAD)
		return;
	if (status != 0) {
		soud_link_end(link, SOUD_LINK_END_CUT, uv_strerror(status));
		return;
	}
	soud_link_flush(link);
	soud_link_watch(link);
}

/* I3: the stage is empty after it, on every way. */
static void push(struct soud_link *link)
{
	struct soud_tls_stage *stage = &link->net->stage;
	size_t n = stage->n;
	stage->n = 0;
	if (n == 0 || link->state == SOUD_LINK_DEAD)
		return;
	size_t sent = 0;
	if (link->out == 0) {
		uv_buf_t buf = uv_buf_init((char *)stage->b, (unsigned int)n);
		int rc = uv_try_write((uv_stream_t *)&link->tcp, &buf, 1);
		if (rc < 0 && rc != UV_EAGAIN) {
			soud_link_end(link, SOUD_LINK_END_CUT, uv_strerror(rc));
			return;
		}
		sent = rc > 0 ? (size_t)rc : 0;
	}
	if (sent == n)
		return;
	n -= sent;
	struct out *out = malloc(sizeof *out + n);
	if (out == NULL) {
		soud_link_end(link, SOUD_LINK_END_NOMEM, "");
		return;
	}
	out->link = link;
	out->n = n;
	memcpy(out->b, stage->b + sent, n);
	out->request.data = out;
	hold(link, sizeof *out + n);
	uv_buf_t buf = uv_buf_init((char *)out->b, (unsigned int)n);
	if (link->out == 0)
		link->taken_ms = uv_now(link->net->loop);
	link->out += n;
	int rc = uv_write(&out->request, (uv_stream_t *)&link->tcp, &buf, 1, on_write);
	if (rc != 0) {
		let_go(link, sizeof *out + n);
		link->out -= n;
		free(out);
		soud_link_end(link, SOUD_LINK_END_CUT, uv_strerror(rc));
	}
}

/* As many records as the stage takes. false: the link ended. */
static bool fill_stage(struct soud_link *link)
{
	struct soud_tls_stage *stage = &link->net->stage;
	while (link->head != NULL &&
	       sizeof stage->b - stage->n >= SOUD_TLS_RECORD_BYTES_MAX + RECORD_OVERHEAD) {
		struct soud_chunk *chunk = link->head;
		size_t took;
		const char *detail;
		if (soud_tls_conn_write(&link->conn, chunk->b + chunk->begin,
					chunk->end - chunk->begin, &took, &detail) != SOU_OK) {
			stage->n = 0;
			soud_link_end(link, SOUD_LINK_END_TLS, detail);
			return false;
		}
		chunk->begin += took;
		link->queued -= took;
		if (chunk->begin == chunk->end)
			head_free(link);
	}
	return true;
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
	(void)status; /* the end of the stream or the linger time follows in any case */
	free(request);
}

/* All is out: say goodbye, and wait for the peer's end so that nothing of ours is lost by a reset.
 */
static void finish(struct soud_link *link)
{
	link->fin_sent = true;
	soud_tls_conn_bye(&link->conn);
	push(link);
	if (link->state == SOUD_LINK_DEAD)
		return;
	uv_shutdown_t *request = malloc(sizeof *request);
	if (request == NULL || uv_shutdown(request, (uv_stream_t *)&link->tcp, on_shutdown) != 0) {
		free(request);
		soud_link_end(link, SOUD_LINK_END_LOCAL, "");
	}
}

static void drain(struct soud_link *link)
{
	const struct soud_net *net = link->net;
	uint64_t low = net->limits.links_bytes_max / 100 * ALL_FULL_PERCENT;
	if (!link->wants_drain || link->state != SOUD_LINK_OPEN ||
	    soud_link_queued(link) > SOUD_LINK_DRAIN_BYTES || net->stats.held_bytes > low)
		return;
	link->wants_drain = false;
	if (link->cbs->drain_cb != NULL)
		link->cbs->drain_cb(link, link->data);
}

void soud_link_flush(struct soud_link *link)
{
	if (link->state != SOUD_LINK_OPEN && link->state != SOUD_LINK_CLOSING)
		return;
	while (link->out == 0 && link->head != NULL) {
		if (!fill_stage(link))
			return;
		push(link);
		if (link->state == SOUD_LINK_DEAD)
			return;
	}
	if (link->state == SOUD_LINK_CLOSING && link->head == NULL && !link->fin_sent)
		finish(link);
	drain(link);
	soud_link_watch(link);
}

size_t soud_link_queued(const struct soud_link *link)
{
	return link->queued + link->out;
}

/* What is left of the link's memory beside one incoming frame and one stage. */
size_t soud_link_room(const struct soud_link *link)
{
	const struct soud_net *net = link->net;
	if (link->state != SOUD_LINK_OPEN || all_full(link, 0))
		return 0;
	size_t most = net->limits.link_bytes_max - SOU_FRAME_BODY_BYTES_MAX - SOUD_READ_BYTES;
	size_t used = soud_link_queued(link);
	uint64_t all = net->limits.links_bytes_max - net->stats.held_bytes;
	size_t room = used < most ? most - used : 0;
	return room < all ? room : (size_t)all;
}

static struct soud_chunk *chunk_new(size_t n)
{
	size_t cap = n > CHUNK_BYTES - sizeof(struct soud_chunk)
			     ? n
			     : CHUNK_BYTES - sizeof(struct soud_chunk);
	struct soud_chunk *chunk = malloc(sizeof *chunk + cap);
	if (chunk == NULL)
		return NULL;
	chunk->next = NULL;
	chunk->begin = chunk->end = 0;
	chunk->cap = cap;
	return chunk;
}

/* Two ranges, so that a frame's head needs no copy of its body. */
static int send2(struct soud_link *link, struct sou_span a, struct sou_span b)
{
	size_t n = a.n + b.n;
	if (link->state != SOUD_LINK_OPEN)
		return SOU_ESTATE;
	if (n == 0)
		return SOU_OK;
	if (n > soud_link_room(link)) {
		link->wants_drain = true;
		soud_link_watch(link);
		return SOU_ELIMIT;
	}
	if (link->tail == NULL || link->tail->cap - link->tail->end < n) {
		struct soud_chunk *chunk = chunk_new(n);
		if (chunk == NULL)
			return SOU_ENOMEM;
		hold(link, sizeof *chunk + chunk->cap);
		if (link->tail != NULL)
			link->tail->next = chunk;
		else
			link->head = chunk;
		link->tail = chunk;
	}
	struct soud_chunk *tail = link->tail;
	if (a.n > 0)
		memcpy(tail->b + tail->end, a.p, a.n);
	if (b.n > 0)
		memcpy(tail->b + tail->end + a.n, b.p, b.n);
	tail->end += n;
	link->queued += n;
	link->net->stats.frames_out_bytes += n;
	if (link->queued > SOUD_LINK_DRAIN_BYTES)
		link->wants_drain = true;
	if (soud_node_alone(&link->dirty))
		soud_net_dirty(link->net, &link->dirty);
	return SOU_OK;
}

int soud_link_send(struct soud_link *link, const void *bytes, size_t n)
{
	return send2(link, (struct sou_span){bytes, n}, (struct sou_span){NULL, 0});
}

int soud_link_send_frame(struct soud_link *link, uint8_t kind, const void *body,
			 uint32_t body_bytes)
{
	uint8_t head[SOU_FRAME_HEAD_BYTES];
	sou_frame_head(head, kind, body_bytes);
	return send2(link, (struct sou_span){head, sizeof head},
		     (struct sou_span){body, body_bytes});
}

/* ---- In ---- */

static void hand_up(struct soud_link *link, const struct sou_frame *frame)
{
	link->frames_in++;
	link->net->stats.frames_in++;
	if (link->cbs->frame_cb != NULL)
		link->cbs->frame_cb(link, link->data, frame);
}

/* Append to the frame under way; memory doubles with what came, never beyond the frame. */
static int part_put(struct soud_link *link, const uint8_t *bytes, size_t n, size_t frame_bytes)
{
	size_t need = link->part.n + n;
	if (need > link->part.cap) {
		size_t cap =
			link->part.cap * 2 > PART_BYTES_MIN ? link->part.cap * 2 : PART_BYTES_MIN;
		if (cap > frame_bytes)
			cap = frame_bytes;
		if (cap < need)
			cap = need;
		if (all_full(link, cap - link->part.cap))
			return SOU_ELIMIT;
		uint8_t *p = realloc(link->part.p, cap);
		if (p == NULL)
			return SOU_ENOMEM;
		hold(link, cap - link->part.cap);
		link->part.p = p;
		link->part.cap = cap;
	}
	SOU_ASSERT(link->part.p != NULL);
	memcpy(link->part.p + link->part.n, bytes, n);
	link->part.n = need;
	return SOU_OK;
}

/* Go on with the frame that is under way; takes from `in` what belongs to it. */
static int feed_part(struct soud_link *link, struct sou_span *in)
{
	uint32_t frame_bytes = SOU_FRAME_HEAD_BYTES;
	struct sou_span have = {link->part.p, link->part.n};
	if (sou_frame_size(have, &frame_bytes) == SOU_EPROTO)
		return SOU_EPROTO;
	size_t due = frame_bytes - link->part.n;
	size_t n = in->n < due ? in->n : due;
	int rc = part_put(link, in->p, n, frame_bytes);
	if (rc != SOU_OK)
		return rc;
	in->p += n;
	in->n -= n;
	have = (struct sou_span){link->part.p, link->part.n};
	if (sou_frame_size(have, &frame_bytes) == SOU_OK && frame_bytes > link->frame_bytes_max)
		return SOU_EPROTO;
	struct sou_frame frame;
	rc = sou_frame_next(&have, &frame);
	if (rc != SOU_OK)
		return rc; /* SOU_EAGAIN: the rest of the head, or of the body */
	hand_up(link, &frame);
	part_free(link);
	return SOU_OK;
}

static void feed(struct soud_link *link, struct sou_span in)
{
	int rc = SOU_OK;
	link->window_bytes += in.n;
	link->net->stats.frames_in_bytes += in.n;
	while (in.n > 0 && link->state == SOUD_LINK_OPEN && (rc == SOU_OK || rc == SOU_EAGAIN)) {
		if (link->part.p != NULL) {
			rc = feed_part(link, &in);
			continue;
		}
		struct sou_frame frame;
		uint32_t frame_bytes = SOU_FRAME_HEAD_BYTES;
		rc = sou_frame_size(in, &frame_bytes);
		if (rc == SOU_OK && frame_bytes > link->frame_bytes_max)
			rc = SOU_EPROTO;
		if (rc == SOU_OK)
			rc = sou_frame_next(&in, &frame);
		if (rc == SOU_OK) {
			hand_up(link, &frame);
		} else if (rc == SOU_EAGAIN) {
			rc = part_put(link, in.p, in.n, frame_bytes);
			break;
		}
	}
	if (rc == SOU_EPROTO)
		soud_link_end(link, SOUD_LINK_END_FRAME, "");
	else if (rc == SOU_ELIMIT)
		soud_link_end(link, SOUD_LINK_END_LIMIT, "memory for all links");
	else if (rc == SOU_ENOMEM)
		soud_link_end(link, SOUD_LINK_END_NOMEM, "");
}

/* The stream ended or the peer said goodbye. In mid-frame it is a break, whatever TLS says. */
static void ended(struct soud_link *link, bool orderly, const char *detail)
{
	bool whole = link->part.p == NULL;
	soud_link_end(link, orderly && whole ? SOUD_LINK_END_PEER : SOUD_LINK_END_CUT, detail);
}

static void read_plain(struct soud_link *link)
{
	struct soud_net *net = link->net;
	int rc = SOU_OK;
	const char *detail = "";
	while (rc == SOU_OK && link->state == SOUD_LINK_OPEN) {
		size_t n = 0, got;
		while (sizeof net->plain - n >= SOUD_TLS_RECORD_BYTES_MAX) {
			rc = soud_tls_conn_read(&link->conn, net->plain + n, sizeof net->plain - n,
						&got, &detail);
			if (rc != SOU_OK)
				break;
			n += got;
		}
		push(link); /* answers of TLS itself */
		feed(link, (struct sou_span){net->plain, n});
	}
	if (link->state != SOUD_LINK_OPEN || rc == SOU_EAGAIN)
		return;
	if (rc == SOU_ESTATE) {
		soud_tls_conn_bye(&link->conn);
		push(link);
		ended(link, true, "");
	} else {
		soud_link_end(link, rc == SOU_ELIMIT ? SOUD_LINK_END_LIMIT : SOUD_LINK_END_TLS,
			      detail);
	}
}

void soud_link_handshake(struct soud_link *link)
{
	const char *detail;
	int rc = soud_tls_conn_handshake(&link->conn, &detail);
	push(link); /* our flight, or the alert that says why not */
	if (link->state == SOUD_LINK_DEAD || rc == SOU_EAGAIN)
		return;
	if (rc == SOU_OK)
		soud_link_opened(link);
	else if (rc == SOU_EDENIED)
		soud_link_end(link, SOUD_LINK_END_PIN, "");
	else if (rc == SOU_ELIMIT)
		soud_link_end(link, SOUD_LINK_END_LIMIT, detail);
	else
		soud_link_end(link, SOUD_LINK_END_TLS, detail);
}

/* ---- Through a proxy ---- */

void soud_link_proxy_forget(struct soud_link *link)
{
	if (link->proxy.p != NULL)
		sou_cleanse(link->proxy.p, link->proxy.cap);
	sou_buf_fini(&link->proxy);
}

/* The request fits in the empty queue of a fresh socket; a proxy that does not take it whole is
 * none. */
void soud_link_proxy_ask(struct soud_link *link)
{
	soud_link_move(link, SOUD_LINK_PROXY);
	uv_buf_t buf = uv_buf_init((char *)link->proxy.p, (unsigned int)link->proxy.n);
	int rc = uv_try_write((uv_stream_t *)&link->tcp, &buf, 1);
	bool whole = rc >= 0 && (size_t)rc == link->proxy.n;
	soud_link_proxy_forget(link);
	if (!whole)
		soud_link_end(link, SOUD_LINK_END_PROXY, rc < 0 ? uv_strerror(rc) : "no answer");
	else if (soud_link_read_start(link) == SOU_OK)
		soud_link_watch(link);
}

/* TLS speaks first on our side: what a proxy sends behind its answer is nobody's (R18). */
static void proxy_answered(struct soud_link *link, const uint8_t *bytes, size_t n)
{
	struct soud_proxy_answer answer;
	size_t room = SOUD_PROXY_ANSWER_BYTES_MAX - link->proxy.n;
	sou_buf_put(&link->proxy, bytes, n < room ? n : room);
	if (link->proxy.failed) {
		soud_link_end(link, SOUD_LINK_END_NOMEM, "");
		return;
	}
	int rc = soud_proxy_answer(sou_buf_span(&link->proxy), &answer);
	if (rc == SOU_EAGAIN)
		return;
	if (rc != SOU_OK) {
		soud_link_end(link, SOUD_LINK_END_PROXY,
			      rc == SOU_ELIMIT ? "its answer is too long" : "it is no HTTP proxy");
		return;
	}
	bool more = answer.bytes < link->proxy.n || n > room;
	if (answer.status != 200 || more) {
		soud_link_end(link, SOUD_LINK_END_PROXY,
			      answer.status != 200 ? soud_proxy_status_text(answer.status)
						   : "it speaks behind its answer");
		return;
	}
	soud_link_proxy_forget(link);
	uv_read_stop((uv_stream_t *)&link->tcp);
	soud_link_start(link);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	(void)suggested;
	struct soud_link *link = handle->data;
	*buf = uv_buf_init((char *)link->net->read, sizeof link->net->read);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct soud_link *link = stream->data;
	if (n == 0 || link->state == SOUD_LINK_DEAD)
		return;
	if (n < 0 && link->state == SOUD_LINK_PROXY) {
		soud_link_end(link, SOUD_LINK_END_PROXY, "it closed the connection");
		return;
	}
	if (n < 0) {
		ended(link, false, n == UV_EOF ? "" : uv_strerror((int)n));
		return;
	}
	if (link->state == SOUD_LINK_CLOSING)
		return; /* thrown away */
	if (link->state == SOUD_LINK_PROXY) {
		proxy_answered(link, (const uint8_t *)buf->base, (size_t)n);
		return;
	}
	link->conn.in = (const uint8_t *)buf->base;
	link->conn.in_left = (size_t)n;
	if (link->state == SOUD_LINK_HANDSHAKE)
		soud_link_handshake(link);
	if (link->state == SOUD_LINK_OPEN)
		read_plain(link);
	link->conn.in = NULL; /* the shared buffer is the next link's */
	link->conn.in_left = 0;
	soud_link_watch(link);
}

int soud_link_read_start(struct soud_link *link)
{
	int rc = uv_read_start((uv_stream_t *)&link->tcp, on_alloc, on_read);
	if (rc == 0)
		return SOU_OK;
	soud_link_end(link, SOUD_LINK_END_CUT, uv_strerror(rc));
	return SOU_EIO;
}

void soud_link_pause(struct soud_link *link)
{
	if (link->state != SOUD_LINK_OPEN || link->paused)
		return;
	link->paused = true;
	uv_read_stop((uv_stream_t *)&link->tcp);
	soud_link_watch(link);
}

void soud_link_resume(struct soud_link *link)
{
	if (link->state == SOUD_LINK_DEAD || !link->paused)
		return;
	link->paused = false;
	if (soud_link_read_start(link) == SOU_OK)
		soud_link_watch(link);
}

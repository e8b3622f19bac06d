/* link_inner.h - the inside of link.h: link.c keeps its life, link_io.c its bytes. */
#ifndef SOUD_LINK_INNER_H
#define SOUD_LINK_INNER_H

#include <uv.h>

#include "daemon/net/link.h"
#include "daemon/net/net_inner.h"

enum soud_link_state {
	SOUD_LINK_PARKED,     /* accepted; nothing is read and no TLS memory taken */
	SOUD_LINK_CONNECTING, /* TCP under way */
	SOUD_LINK_PROXY,      /* asked; its answer is awaited */
	SOUD_LINK_HANDSHAKE,
	SOUD_LINK_OPEN,
	SOUD_LINK_CLOSING, /* input is thrown away, output leaves */
	SOUD_LINK_DEAD,    /* uv_close was called */
};

struct soud_chunk { /* plain bytes that wait for their record */
	struct soud_chunk *next;
	size_t begin, end, cap;
	uint8_t b[];
};

struct soud_link {
	uv_tcp_t tcp;
	uv_timer_t timer;     /* the session's */
	struct soud_net *net; /* borrowed, outlives it */
	struct soud_tls *tls; /* borrowed; used until the handshake begins */
	const struct soud_link_cbs *cbs;
	void *data;
	const struct soud_link_owner *owner_cbs; /* NULL: none, or it let go */
	void *owner;
	struct soud_node all, watched, dirty;
	struct soud_tls_conn conn;
	struct sou_hash pin; /* all zero: none */
	struct soud_addr addr;

	enum soud_link_state state;
	enum soud_link_end end; /* meaningful from CLOSING on */
	const char *detail;     /* static storage */
	bool outgoing, was_open, silent, paused, fin_sent;
	bool mid;         /* in mid-frame or mid-record: the slow window runs */
	bool wants_drain; /* drain_cb is owed */
	uint8_t handles;  /* not yet closed */

	uint64_t since_ms;  /* accept, connect, beginning of the handshake of a dial, or closing */
	uint64_t window_ms; /* beginning of the slow window, and what came in it */
	uint64_t window_bytes;
	uint64_t taken_ms; /* when the peer last took something; queue at that time */
	size_t taken_queue;
	uint64_t opened_ms, frames_in;
	uint32_t frame_bytes_max; /* head included */

	struct sou_buf proxy; /* owned; until PROXY is over: the request, then the answer so far */
	struct {              /* the beginning of a frame; p NULL when none is under way */
		uint8_t *p;
		size_t n, cap;
	} part;
	struct soud_chunk *head, *tail; /* owned */
	size_t queued;                  /* bytes in chunks */
	size_t out;                     /* ciphertext with the kernel's queue full, in uv_write */
};

/* link.c */
void soud_link_move(struct soud_link *link, enum soud_link_state to);
void soud_link_opened(struct soud_link *link);
/* DEAD, whatever it was. The end told is that of the first who closed. */
void soud_link_end(struct soud_link *link, enum soud_link_end end, const char *detail);
/* Enter or leave the list of links whose time runs. Called last in each way in. */
void soud_link_watch(struct soud_link *link);
void soud_link_tick(struct soud_link *link, uint64_t now_ms);

/* link_io.c */
void soud_link_handshake(struct soud_link *link);
int soud_link_read_start(struct soud_link *link);
void soud_link_proxy_ask(struct soud_link *link);
void soud_link_proxy_forget(struct soud_link *link); /* a password may stand in it */
void soud_link_flush(struct soud_link *link);        /* and drain_cb where owed */
void soud_link_free_bytes(struct soud_link *link);

#endif

/* state.h - the inside of the control socket, shared by server.c (sockets and loop), exchange.c (a
 * request from its headers to its sent answer) and request.c (what a handler may do with it).
 *
 *   READING ──whole, fits──▶ HANDLED ──answer──▶ ANSWERED ──sent──▶ gone
 *      └──does not fit──────────────────────────▲   (also: the server closes)
 *
 * `owed` says that a handler still has the request. It is freed when it is neither owed nor has a
 * connection: a handler may be late for a client that left and for a server that closed. */
#ifndef SOUD_HTTP_STATE_H
#define SOUD_HTTP_STATE_H

#include <microhttpd.h>

#include "daemon/http/server.h"

enum soud_request_state {
	SOUD_REQUEST_READING,  /* body is still arriving */
	SOUD_REQUEST_HANDLED,  /* its handler has it */
	SOUD_REQUEST_ANSWERED, /* response stands, waits to be sent */
};

struct soud_request {
	enum soud_request_state state;
	struct soud_http *http;            /* borrowed; NULL without a connection */
	struct MHD_Connection *connection; /* borrowed; NULL when it is gone */
	bool owed;                         /* a handler has it and must answer */
	bool suspended;                    /* the connection waits for the answer */
	bool on_stack;                     /* its handler is running */
	bool cut;                          /* close the connection after the answer */
	struct soud_route_match match;
	enum sou_lang lang;
	char *body_bytes; /* owned, wiped when freed */
	size_t body_len, body_cap;
	bool body_too_large;
	json_t *body, *query;          /* owned; query is an object of strings */
	struct MHD_Response *response; /* owned until sent */
	unsigned status;
	struct soud_request *next, **back; /* list of those with a connection */
};

struct soud_http {
	struct MHD_Daemon *mhd; /* owned */
	int listen_fd;
	char *path; /* owned; the socket, removed on close */
	uv_poll_t listen_poll, epoll_poll;
	uv_timer_t timer;        /* MHD's next deadline */
	uv_timer_t accept_timer; /* descriptors were used up: look again */
	unsigned handles_open;
	struct soud_handler handlers[SOUD_ROUTE_COUNT];
	struct soud_request *requests;
	bool closing;
	soud_http_closed_cb *closed_cb;
	void *closed_context;
};

/* request.c */
struct soud_request *soud_request_new(struct soud_http *http, struct MHD_Connection *connection);
/* The connection is gone: free, or leave it to the handler that owes an answer. */
void soud_request_detach(struct soud_request *req);
/* The server closes: answer 503 in the handler's place, which still owes its own answer. */
void soud_request_stop(struct soud_request *req);

/* exchange.c: libmicrohttpd's callbacks; `context` is the server. */
enum MHD_Result soud_exchange_access_cb(void *context, struct MHD_Connection *connection,
					const char *url, const char *method, const char *version,
					const char *bytes, size_t *len, void **slot);
void soud_exchange_completed_cb(void *context, struct MHD_Connection *connection, void **slot,
				enum MHD_RequestTerminationCode how);
/* The answer stands in the request: wake its connection, unless the callback above is about to see
 * it anyway. */
void soud_exchange_answered(struct soud_request *req);

/* server.c: run MHD from the loop as soon as possible. */
void soud_http_kick(struct soud_http *http);

#endif

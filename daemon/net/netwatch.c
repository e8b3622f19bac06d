/* netwatch.c - one rtnetlink socket on the groups that tell of links, addresses and routes. What
 * came is only a reason to try; nothing is concluded from it. */
#include "daemon/net/netwatch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "proto/limits.h"

#define DATAGRAM_BYTES_MAX 16384u /* more than the kernel puts into one notice */
#define DATAGRAMS_TURN_MAX 64     /* the socket is polled again for the rest */

struct soud_netwatch {
	uv_poll_t poll;
	uv_timer_t quiet; /* runs from the first notice of a burst */
	int handles, fd;
	void (*changed_cb)(void *data);
	void *data;
};

/* The payload of one message after its fixed part; `fixed` 0 bytes are never read. */
static bool is_gain(const struct nlmsghdr *head, const uint8_t *body, size_t n)
{
	if (head->nlmsg_type == RTM_NEWADDR && n >= sizeof(struct ifaddrmsg)) {
		struct ifaddrmsg addr;
		memcpy(&addr, body, sizeof addr);
		return (addr.ifa_flags & IFA_F_TENTATIVE) ==
		       0; /* another comes when it is usable */
	}
	if (head->nlmsg_type == RTM_NEWROUTE && n >= sizeof(struct rtmsg)) {
		struct rtmsg route;
		memcpy(&route, body, sizeof route);
		return route.rtm_type == RTN_UNICAST;
	}
	if (head->nlmsg_type == RTM_NEWLINK && n >= sizeof(struct ifinfomsg)) {
		struct ifinfomsg link;
		memcpy(&link, body, sizeof link);
		return (link.ifi_flags & IFF_RUNNING) != 0;
	}
	return false;
}

bool soud_netwatch_is_gain(const void *datagram, size_t n)
{
	const uint8_t *at = datagram;
	struct nlmsghdr head;
	while (n >= sizeof head) {
		memcpy(&head, at, sizeof head);
		if (head.nlmsg_len < sizeof head || head.nlmsg_len > n)
			return false;
		if (is_gain(&head, at + NLMSG_HDRLEN, head.nlmsg_len - NLMSG_HDRLEN))
			return true;
		size_t step = NLMSG_ALIGN((size_t)head.nlmsg_len);
		if (step > n)
			return false;
		at += step;
		n -= step;
	}
	return false;
}

static void on_quiet(uv_timer_t *timer)
{
	struct soud_netwatch *watch = timer->data;
	watch->changed_cb(watch->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)events;
	struct soud_netwatch *watch = poll->data;
	bool gain = status != 0;
	for (int i = 0; i < DATAGRAMS_TURN_MAX; i++) {
		uint8_t datagram[DATAGRAM_BYTES_MAX];
		struct sockaddr_nl from = {0};
		socklen_t from_bytes = sizeof from;
		ssize_t n = recvfrom(watch->fd, datagram, sizeof datagram, MSG_DONTWAIT,
				     (struct sockaddr *)&from, &from_bytes);
		if (n < 0 && errno == ENOBUFS)
			gain = true; /* notices were lost; any of them may have been one */
		else if (n < 0 && errno != EINTR)
			break;
		if (n > 0 && from.nl_pid == 0) /* the kernel */
			gain = gain || soud_netwatch_is_gain(datagram, (size_t)n);
	}
	if (gain && !uv_is_active((uv_handle_t *)&watch->quiet))
		uv_timer_start(&watch->quiet, on_quiet, SOU_NETWATCH_QUIET_MS, 0);
}

int soud_netwatch_new(struct soud_netwatch **out, struct uv_loop_s *loop,
		      void (*changed_cb)(void *data), void *data, struct sou_err *err)
{
	SOU_ASSERT(out != NULL);
	SOU_ASSERT(changed_cb != NULL);
	struct soud_netwatch *watch = calloc(1, sizeof *watch);
	if (watch == NULL)
		return sou_err_set(err, SOU_ENOMEM, "netwatch: no memory");
	watch->changed_cb = changed_cb;
	watch->data = data;
	const struct sockaddr_nl groups = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE |
			     RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE,
	};
	watch->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (watch->fd < 0 ||
	    bind(watch->fd, (const struct sockaddr *)&groups, sizeof groups) != 0 ||
	    uv_poll_init(loop, &watch->poll, watch->fd) != 0) {
		int rc = sou_err_set(err, SOU_EIO, "netwatch: %s", strerror(errno));
		if (watch->fd >= 0)
			close(watch->fd);
		free(watch);
		return rc;
	}
	uv_timer_init(loop, &watch->quiet);
	watch->poll.data = watch->quiet.data = watch;
	watch->handles = 2;
	uv_poll_start(&watch->poll, UV_READABLE, on_readable);
	*out = watch;
	return SOU_OK;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct soud_netwatch *watch = handle->data;
	if (--watch->handles > 0)
		return;
	close(watch->fd);
	free(watch);
}

void soud_netwatch_close(struct soud_netwatch *watch)
{
	if (watch == NULL)
		return;
	uv_close((uv_handle_t *)&watch->poll, on_handle_closed);
	uv_close((uv_handle_t *)&watch->quiet, on_handle_closed);
}

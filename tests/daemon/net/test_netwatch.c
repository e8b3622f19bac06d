/* test_netwatch.c - which notices of the kernel are a reason to try again, and one live one. */
#define _GNU_SOURCE /* unshare */
#include "daemon/net/netwatch.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "tests/lib/check.h"

struct message {
	struct nlmsghdr head;
	union {
		struct ifaddrmsg addr;
		struct rtmsg route;
		struct ifinfomsg link;
	} body;
};

#define MESSAGE(kind, what, ...)                                                                   \
	{                                                                                          \
		.head = {.nlmsg_type = (kind), .nlmsg_len = NLMSG_LENGTH(sizeof(what))}, .body = { \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

static const struct {
	const char *name;
	struct message message;
	bool gain;
} cases[] = {
	{"an address", MESSAGE(RTM_NEWADDR, struct ifaddrmsg, .addr = {.ifa_family = AF_INET}),
	 true},
	{"an address that is not usable yet",
	 MESSAGE(RTM_NEWADDR, struct ifaddrmsg, .addr = {.ifa_flags = IFA_F_TENTATIVE}), false},
	{"an address that went", MESSAGE(RTM_DELADDR, struct ifaddrmsg, .addr = {.ifa_flags = 0}),
	 false},
	{"a route", MESSAGE(RTM_NEWROUTE, struct rtmsg, .route = {.rtm_type = RTN_UNICAST}), true},
	{"a route to nowhere",
	 MESSAGE(RTM_NEWROUTE, struct rtmsg, .route = {.rtm_type = RTN_BLACKHOLE}), false},
	{"a route that went",
	 MESSAGE(RTM_DELROUTE, struct rtmsg, .route = {.rtm_type = RTN_UNICAST}), false},
	{"an interface that runs",
	 MESSAGE(RTM_NEWLINK, struct ifinfomsg, .link = {.ifi_flags = IFF_UP | IFF_RUNNING}), true},
	{"an interface without a cable",
	 MESSAGE(RTM_NEWLINK, struct ifinfomsg, .link = {.ifi_flags = IFF_UP}), false},
	{"an interface that went",
	 MESSAGE(RTM_DELLINK, struct ifinfomsg, .link = {.ifi_flags = IFF_RUNNING}), false},
};

TEST(netwatch, is_gain)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct message *m = &cases[i].message;
		struct test_bytes one = test_copy(m, m->head.nlmsg_len);
		CHECK_INT(cases[i].name, soud_netwatch_is_gain(one.b, one.n), ==, cases[i].gain);
		for (size_t n = 0; n < one.n; n++) { /* every truncation, under a sanitizer */
			struct test_bytes cut = test_copy(one.b, n);
			CHECK_INT(cases[i].name, soud_netwatch_is_gain(cut.b, n), ==, false);
		}
		/* Behind one that is none. */
		struct message none =
			MESSAGE(RTM_DELADDR, struct ifaddrmsg, .addr = {.ifa_flags = 0});
		size_t step = NLMSG_ALIGN(none.head.nlmsg_len);
		uint8_t *two = test_alloc(step + one.n);
		memcpy(two, &none, step);
		memcpy(two + step, one.b, one.n);
		CHECK_INT(cases[i].name, soud_netwatch_is_gain(two, step + one.n), ==,
			  cases[i].gain);
	}
}

TEST(netwatch, broken)
{
	static const uint32_t lengths[] = {0, 15, 23, 25, UINT32_MAX - 3, UINT32_MAX};
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct message m = cases[0].message;
		m.head.nlmsg_len = lengths[i];
		struct test_bytes bytes = test_copy(&m, 24);
		CHECK_INT("length of a message", soud_netwatch_is_gain(bytes.b, bytes.n), ==,
			  false);
	}
}

static void on_changed(void *data)
{
	++*(int *)data;
}

static void on_late(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

static bool set_loopback(bool up)
{
	struct ifreq request = {0};
	snprintf(request.ifr_name, sizeof request.ifr_name, "lo");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool done = ioctl(fd, SIOCGIFFLAGS, &request) == 0;
	request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
	done = done && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
	close(fd);
	return done;
}

/* In a network of its own, where loopback begins down. 0: as it should be; else what was not. */
static int watch_loopback(void)
{
	uv_loop_t loop;
	uv_timer_t late;
	bool is_late = false;
	int changed = 0;
	struct soud_netwatch *watch = NULL;
	uv_loop_init(&loop);
	uv_timer_init(&loop, &late);
	late.data = &is_late;
	uv_timer_start(&late, on_late, 10000, 0);
	if (soud_netwatch_new(&watch, &loop, on_changed, &changed, NULL) != SOU_OK)
		return 2;
	if (!set_loopback(true)) /* a link, two addresses and some routes */
		return 3;
	while (changed == 0 && !is_late)
		uv_run(&loop, UV_RUN_ONCE);
	if (changed != 1)
		return 4;
	set_loopback(false);
	uv_timer_start(&late, on_late, 600, 0);
	while (!is_late)
		uv_run(&loop, UV_RUN_ONCE);
	if (changed != 1)
		return 5;
	soud_netwatch_close(watch);
	uv_close((uv_handle_t *)&late, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop) == 0 ? 0 : 6;
}

#define NO_NAMESPACE 77

/* The namespace is the child's, so that the tests' own network stays what it is. */
TEST(netwatch, live)
{
	pid_t child = fork();
	REQUIRE("live", child >= 0);
	if (child == 0) {
		if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
			_exit(NO_NAMESPACE);
		_exit(watch_loopback());
	}
	int status;
	REQUIRE("live", waitpid(child, &status, 0) == child && WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_NAMESPACE)
		fprintf(stderr, "netwatch live: no network namespace here, not tried\n");
	else
		CHECK_INT("one notice for a burst, none when it goes", WEXITSTATUS(status), ==, 0);
}

TEST(netwatch, opens_and_closes)
{
	uv_loop_t loop;
	struct soud_netwatch *watch = NULL;
	int changed = 0;
	uv_loop_init(&loop);
	CHECK_INT("new", soud_netwatch_new(&watch, &loop, on_changed, &changed, NULL), ==, SOU_OK);
	soud_netwatch_close(watch);
	soud_netwatch_close(NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT("clean", uv_loop_close(&loop), ==, 0);
}

/* test_doctor.c - what the daemon says of itself, state by state, and what doctor makes of it: the
 * words of the findings and the exit status. Files and real daemons: tests/e2e/test_doctor.py. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keys/keys.h"
#include "tests/client/fake.h"
#include "tests/lib/check.h"

#define STATUS(version, mode, disk, config, link, counts)                                          \
	"{\"software\":{\"version\":\"" version "\"},\"mode\":\"" mode "\",\"disk\":" disk         \
	",\"config\":" config ",\"link\":" link ",\"counts\":" counts "}"
#define DISK(state)          "{\"state\":\"" state "\",\"free_bytes\":104857600}"
#define OK_DISK              DISK("ok")
#define CONFIG(state, names) "{\"state\":\"" state "\",\"faults\":2,\"restart\":[" names "]}"
#define OK_CONFIG            CONFIG("started", "")
#define LINK(state, more)    "{\"state\":\"" state "\"" more "}"
#define REASON(id)           ",\"reason\":\"" id "\",\"reason_label\":\"because\""
#define OK_LINK              LINK("connected", ",\"alarms\":0,\"clock_ms\":59999")
#define OK_COUNTS            "{\"queued\":0,\"local\":0,\"held\":0}"
#define OF_LINK(link)        STATUS(SOU_VERSION, "normal", OK_DISK, OK_CONFIG, link, OK_COUNTS)
#define AWAY(id)             OF_LINK(LINK("offline", REASON(id)))

static const struct {
	const char *name, *status, *ids;
	int exit;
} cases[] = {
	{"all is well", OF_LINK(OK_LINK), "", 0},
	{"the hub", OF_LINK(LINK("hub", "")), "", 0},
	{"another version", STATUS("0.0.9", "normal", OK_DISK, OK_CONFIG, OK_LINK, OK_COUNTS),
	 "doctor.version", 78},
	{"R12 unconfirmed",
	 STATUS(SOU_VERSION, "unconfirmed", OK_DISK, OK_CONFIG, OK_LINK, OK_COUNTS),
	 "replica.unconfirmed", 75},
	{"R21 recovering",
	 STATUS(SOU_VERSION, "recovering", OK_DISK, OK_CONFIG, OK_LINK, OK_COUNTS),
	 "doctor.degraded", 74},
	{"R21 degraded", STATUS(SOU_VERSION, "degraded", OK_DISK, OK_CONFIG, OK_LINK, OK_COUNTS),
	 "doctor.degraded", 74},
	{"R21 space low", STATUS(SOU_VERSION, "normal", DISK("low"), OK_CONFIG, OK_LINK, OK_COUNTS),
	 "doctor.space", 74},
	{"R21 read only",
	 STATUS(SOU_VERSION, "normal", DISK("read_only"), OK_CONFIG, OK_LINK, OK_COUNTS),
	 "replica.read_only", 74},
	{"a reload refused",
	 STATUS(SOU_VERSION, "normal", OK_DISK, CONFIG("refused", ""), OK_LINK, OK_COUNTS),
	 "doctor.reload", 78},
	{"settings that wait",
	 STATUS(SOU_VERSION, "normal", OK_DISK, CONFIG("reloaded", "\"listen\",\"connect\""),
		OK_LINK, OK_COUNTS),
	 "doctor.restart", 78},
	{"no name", AWAY("link.no_address"), "doctor.hub_name", 69},
	{"no port", AWAY("link.refused"), "doctor.hub_port", 69},
	{"no line", AWAY("link.unreachable"), "doctor.hub_line", 69},
	{"no answer", AWAY("link.timeout"), "doctor.hub_line", 69},
	{"a reason of a later version", AWAY("link.later"), "doctor.hub_line", 69},
	{"R18 no TLS", AWAY("link.tls"), "doctor.hub_tls", 76},
	{"R18 another key", AWAY("link.hub_key"), "doctor.hub_key", 76},
	{"another protocol", AWAY("link.version"), "doctor.hub_version", 76},
	{"R12 twice", AWAY("link.instance"), "doctor.instance", 78},
	{"R12 twice, and connected", OF_LINK(LINK("connected", REASON("link.instance"))),
	 "doctor.instance", 78},
	{"denied", AWAY("link.denied"), "doctor.hub_denied", 77},
	{"no reason yet", OF_LINK(LINK("connecting", ",\"reason\":null")), "", 0},
	{"R8 withdrawn", OF_LINK(LINK("withdrawn", "")), "right.withdrawn", 77},
	{"paused", OF_LINK(LINK("paused", "")), "sync.paused", 75},
	{"R14 silent",
	 OF_LINK(LINK("offline", ",\"last_contact\":\"2020-01-01T00:00:00.000+09:00\"")),
	 "doctor.silent", 69},
	{"R14 heard now, though long ago before",
	 OF_LINK(LINK("connected", ",\"last_contact\":\"2020-01-01T00:00:00.000+09:00\"")), "", 0},
	{"R15 behind the hub", OF_LINK(LINK("connected", ",\"clock_ms\":60000")), "doctor.clock",
	 78},
	{"R15 ahead of the hub", OF_LINK(LINK("connected", ",\"clock_ms\":-60000")), "doctor.clock",
	 78},
	{"R7 refused", OF_LINK(LINK("connected", ",\"refusal\":\"never-right P11.12\"")),
	 "doctor.refused", 77},
	{"R10 digests differ", OF_LINK(LINK("connected", ",\"alarms\":1")), "doctor.digest", 70},
	{"R1 held",
	 STATUS(SOU_VERSION, "normal", OK_DISK, OK_CONFIG, OK_LINK,
		"{\"queued\":0,\"local\":0,\"held\":3}"),
	 "doctor.held", 77},
	{"waits while connected",
	 STATUS(SOU_VERSION, "normal", OK_DISK, OK_CONFIG, OK_LINK, "{\"queued\":3}"), "", 0},
	{"waits offline",
	 STATUS(SOU_VERSION, "normal", OK_DISK, OK_CONFIG, LINK("offline", ""), "{\"queued\":3}"),
	 "doctor.unsent", 75},
	{"several, the first gives the status",
	 STATUS("0.0.9", "degraded", DISK("low"), OK_CONFIG, LINK("offline", REASON("link.tls")),
		"{\"local\":1,\"held\":1}"),
	 "doctor.version doctor.degraded doctor.space doctor.hub_tls doctor.unsent doctor.held",
	 78},
};

/* A directory in which the files are well. */
static void site_make(void)
{
	struct sou_hash key;
	const struct sou_span none = {NULL, 0};
	struct sou_err err = {0};
	const char *data = test_dir();
	REQUIRE("mode", chmod(data, 0700) == 0);
	REQUIRE("keys", soud_key_make(data, SOUD_KEY_SITE, 0, none, &key, NULL, &err) == SOU_OK);
	REQUIRE("keys", soud_key_make(data, SOUD_KEY_TLS, 0, none, &key, NULL, &err) == SOU_OK);
	REQUIRE("replica", chmod(test_file("replica.db", "", 0), 0600) == 0);
	REQUIRE("state", mkdir(test_path("state"), 0700) == 0);
	REQUIRE("fence", chmod(test_file("state/fence", "", 0), 0600) == 0);
	const char *conf = test_printf("state_dir = \"%s\"\n", test_path("state"));
	REQUIRE("settings", chmod(test_file("soukatsud.conf", conf, strlen(conf)), 0600) == 0);
}

static const char *ids_of(const char *out)
{
	json_t *reply = json_loads(out, 0, NULL);
	const json_t *finding;
	const char *ids = "";
	size_t i;
	REQUIRE("a reply", reply != NULL);
	json_array_foreach (json_object_get(reply, "findings"), i, finding)
		ids = test_printf("%s%s%s", ids, i > 0 ? " " : "",
				  json_string_value(json_object_get(finding, "id")));
	json_decref(reply);
	return ids;
}

TEST(doctor, status)
{
	site_make();
	struct fake *f = fake_start();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fake_answer(f, SOUD_R_STATUS, cases[i].status);
		struct fake_result r = fake_run(f, "en", 0, "", "--json doctor");
		CHECK_STR(cases[i].name, ids_of(r.out), cases[i].ids);
		CHECK_INT(cases[i].name, r.status, ==, cases[i].exit);
		CHECK_STR(cases[i].name, r.err, "");
		r = fake_run(f, "ja", 0, "", "doctor");
		CHECK_INT(cases[i].name, r.status, ==, cases[i].exit);
		CHECK(cases[i].name, strpbrk(r.out, "{}") == NULL);
	}
}

TEST(doctor, daemon_does_not_answer)
{
	site_make();
	struct fake *f = fake_start();
	fake_fail(f, SOUD_R_STATUS, 500, SOU_MSG_NO_MEMORY);
	struct fake_result r = fake_run(f, "en", 0, "", "--json doctor");
	CHECK_INT("status", r.status, ==, 75);
	CHECK("first", strncmp(ids_of(r.out), "doctor.daemon", 13) == 0);
}

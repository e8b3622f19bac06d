/* fake.h - a daemon for the command line's tests: the real control socket (so that every request is
 * held against routes.def), whose handlers give the answers that the test laid out and keep what
 * they were asked. Also runs `soukatsu` with captured streams. */
#ifndef SOU_TESTS_CLIENT_FAKE_H
#define SOU_TESTS_CLIENT_FAKE_H

#include <jansson.h>

#include "client/cli/context.h"
#include "daemon/http/server.h"

struct fake;

/* Serves `test_dir()`/control.sock until the test ends. */
struct fake *fake_start(void);

/* The answer to a route from now on: JSON text; or an error of the catalogue without arguments. */
void fake_answer(struct fake *f, enum soud_route_id route, const char *json);
void fake_fail(struct fake *f, enum soud_route_id route, int status, enum sou_msg msg);

/* What the last request of a route was: {"param":…,"query":{…},"body":{…}} with sorted members, or
 * NULL when it was not called since the last fake_run. Lives until the test ends. */
const char *fake_asked(struct fake *f, enum soud_route_id route);
/* Requests since the last fake_run. */
size_t fake_count(struct fake *f);

struct fake_result {
	int status;
	const char *out, *err;
};

/* Run `soukatsu --data test_dir() WORDS…` (without that --data where WORDS has one) (blank between;
 * a word in 'single quotes' may hold blanks) with `input` on standard input, in Japanese where
 * `lang` is "ja". `columns`: width of the terminal, 0 for none.
 */
struct fake_result fake_run(struct fake *f, const char *lang, size_t columns, const char *input,
			    const char *words);

#endif

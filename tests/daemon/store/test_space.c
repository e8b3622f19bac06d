/* test_space.c - the three states of a disk, the reserve, and how often a failed replica is opened
 * anew (R21). */
#include "daemon/store/space.h"

#include <sys/stat.h>
#include <unistd.h>

#include "daemon/reopen.h"
#include "tests/lib/check.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

struct disk {
	uint64_t free_bytes, all_bytes;
	bool deaf;
};

static int probe(void *ctx, const char *dir, uint64_t *free_bytes, uint64_t *all_bytes)
{
	const struct disk *d = ctx;
	(void)dir;
	*free_bytes = d->free_bytes;
	*all_bytes = d->all_bytes;
	return d->deaf ? SOU_EIO : SOU_OK;
}

static void free_space(void *s)
{
	soud_space_free(s);
}

static struct soud_space *space_on(struct disk *d, const char *dir)
{
	struct soud_space *s = NULL;
	REQUIRE("space", soud_space_new(&s, dir, probe, d, NULL) == SOU_OK);
	test_at_end(free_space, s);
	return s;
}

static bool reserve_there(const char *dir)
{
	struct stat st;
	return stat(test_printf("%s/reserve", dir), &st) == 0 && st.st_size == 16 * (off_t)MIB &&
	       (st.st_mode & 07777) == 0600 && (uint64_t)st.st_blocks * 512 >= 16 * MIB;
}

TEST(space, states)
{
	static const struct {
		const char *name;
		uint64_t free_bytes, all_bytes;
		enum soud_space_state state;
	} rows[] = {
		{"R21 enough", 512 * MIB, 10 * GIB, SOUD_SPACE_OK},
		{"R21 a byte less than 512 MiB", 512 * MIB - 1, 10 * GIB, SOUD_SPACE_LOW},
		{"R21 5 %", 1024 * MIB, 20 * GIB, SOUD_SPACE_OK},
		{"R21 a byte less than 5 %", 1024 * MIB - 1, 20 * GIB, SOUD_SPACE_LOW},
		{"R21 64 MiB", 64 * MIB, 10 * GIB, SOUD_SPACE_LOW},
		{"R21 a byte less", 64 * MIB - 1, 10 * GIB, SOUD_SPACE_READ_ONLY},
		{"R21 nothing", 0, 10 * GIB, SOUD_SPACE_READ_ONLY},
		{"R21 no disk at all", 0, 0, SOUD_SPACE_READ_ONLY},
		{"R21 all that there can be", UINT64_MAX, UINT64_MAX, SOUD_SPACE_OK},
	};
	struct disk d = {10 * GIB, 10 * GIB, false};
	struct soud_space *s = space_on(&d, test_dir());
	CHECK("the reserve is there at once", reserve_there(test_dir()));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		d.free_bytes = rows[i].free_bytes;
		d.all_bytes = rows[i].all_bytes;
		struct soud_space_now now = soud_space_look(s);
		CHECK_INT(rows[i].name, now.state, ==, rows[i].state);
		CHECK_U64(rows[i].name, now.free_bytes, ==, rows[i].free_bytes);
		bool full = rows[i].state == SOUD_SPACE_READ_ONLY;
		CHECK_INT(rows[i].name, soud_space_takes(s, SOUD_NEED_ENTRIES), ==, !full);
	}
	d.free_bytes = 10 * MIB;
	(void)soud_space_look(s);
	d.free_bytes = 10 * GIB;
	d.deaf = true;
	CHECK_INT("as it was when it cannot be asked", soud_space_look(s).state, ==,
		  SOUD_SPACE_READ_ONLY);
}

TEST(space, reserve_is_given_up_for_authority)
{
	struct disk d = {10 * GIB, 10 * GIB, false};
	const char *dir = test_dir();
	struct soud_space *s = space_on(&d, dir);
	d.free_bytes = 17 * MIB;
	CHECK("R21 entries wait", !soud_space_takes(s, SOUD_NEED_ENTRIES));
	CHECK("R21 positions do not", soud_space_takes(s, SOUD_NEED_MARKS));
	CHECK("R21 authority does not", soud_space_takes(s, SOUD_NEED_AUTHORITY));
	CHECK("R21 the reserve stays while there is as much", reserve_there(dir));
	d.free_bytes = 15 * MIB;
	CHECK("R21 entries wait", !soud_space_takes(s, SOUD_NEED_ENTRIES));
	CHECK("R21 positions wait", !soud_space_takes(s, SOUD_NEED_MARKS));
	CHECK("R21 it is not given up for them", reserve_there(dir));
	CHECK("R21 authority is taken", soud_space_takes(s, SOUD_NEED_AUTHORITY));
	CHECK("R21 for it the reserve is given up", !reserve_there(dir));
	CHECK("R21 and told", !soud_space_look(s).reserve);

	d.free_bytes = 64 * MIB + 16 * MIB - 1;
	CHECK_INT("R21 no way back before there is room for it", soud_space_look(s).state, ==,
		  SOUD_SPACE_READ_ONLY);
	d.free_bytes = 64 * MIB + 16 * MIB;
	CHECK_INT("R21 by itself", soud_space_look(s).state, ==, SOUD_SPACE_LOW);
	CHECK("R21 with a reserve", reserve_there(dir) && soud_space_look(s).reserve);
	CHECK("R21 and all is taken", soud_space_takes(s, SOUD_NEED_ENTRIES));
}

/* A reserve that is cut short, sparse or a link keeps no room: it is made anew, or is none. */
TEST(space, reserve_must_be_whole)
{
	struct disk d = {10 * GIB, 10 * GIB, false};
	const char *dir = test_dir();
	const char *path = test_printf("%s/reserve", dir);
	for (int i = 0; i < 3; i++) {
		(void)unlink(path);
		if (i == 0)
			(void)test_file("reserve", "short", 5);
		if (i == 1)
			REQUIRE("sparse",
				truncate(test_file("reserve", "", 0), 16 * (off_t)MIB) == 0);
		if (i == 2)
			REQUIRE("link", symlink("/dev/null", path) == 0);
		struct soud_space *s = NULL;
		d.free_bytes = 10 * MIB;
		REQUIRE("space", soud_space_new(&s, dir, probe, &d, NULL) == SOU_OK);
		CHECK("R21 it is none", !soud_space_look(s).reserve);
		d.free_bytes = GIB;
		CHECK("R21 made anew", soud_space_look(s).reserve && reserve_there(dir));
		soud_space_free(s);
	}
	CHECK("nothing is left beside", access(test_printf("%s/reserve.new", dir), F_OK) != 0);
}

/* R21: seldom, more and more seldom, and then no more. */
TEST(space, reopening_ends)
{
	struct soud_reopens r = {0};
	uint64_t now = 1000, last = 0;
	unsigned opened = 0, too_soon = 0;
	for (; !r.given_up && now < 4 * 3600000; now += 500) {
		if (!soud_reopen(&r, now, true))
			continue;
		too_soon += last != 0 && now - last < SOU_STORE_REOPEN_MS;
		last = now;
		opened++;
	}
	CHECK_INT("R21 so often", opened, ==, SOU_STORE_REOPENS_MAX);
	CHECK("R21 given up", r.given_up);
	CHECK_INT("R21 never at once", too_soon, ==, 0);
	CHECK("R21 a disk that is away for half an hour is waited for", now > 30u * 60000);
	CHECK("R21 for good", !soud_reopen(&r, now + 10 * 3600000u, true));

	r = (struct soud_reopens){0}; /* want of room alone: as long as it takes */
	opened = 0;
	for (now = 0; now < 4 * 3600000; now += 500)
		opened += soud_reopen(&r, now, false);
	CHECK_INT("R21 each five seconds", opened, ==, 4 * 720);
	CHECK("R21 never given up", !r.given_up);

	r = (struct soud_reopens){0}; /* now and then is not again and again */
	for (now = 0; now < 40u * 3600000; now += 1800000)
		CHECK("R21 one in half an hour", soud_reopen(&r, now, true));
}

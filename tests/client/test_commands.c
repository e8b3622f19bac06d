/* Each command against a daemon that answers what the test laid out: what was asked, what is
 * printed, the exit status. The requests pass the real server's check against routes.def. */
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/client/fake.h"
#include "tests/lib/check.h"

#define ID_A "1f3a0000000000000000000000000001"
#define ID_B "1f3b0000000000000000000000000002"
#define V_1  "9c1e0000000000000000000000000001"
#define V_2  "77ab0000000000000000000000000002"
#define SITE "{\"id\":\"" ID_A "\",\"name\":\"本館\",\"organisation\":\"tvac\"}"
#define VERSION(id, text)                                                                          \
	"{\"id\":\"" id "\",\"text\":" text ",\"by\":\"佐藤\",\"site\":" SITE                      \
	",\"at\":\"2023-09-01T10:05:00.123+09:00\",\"received_at\":null,\"state\":\"queued\","     \
	"\"proxy\":false}"
#define ITEM(id, order, versions, conflict)                                                        \
	"{\"id\":\"" id "\",\"round\":\"2023-08\",\"project\":\"p\",\"column\":\"achievement\","   \
	"\"organisation\":\"tvac\",\"order\":" order                                               \
	",\"text\":\"例の文章\",\"state\":\"queued\","                                         \
	"\"conflict\":" conflict                                                                   \
	",\"incomplete\":false,\"redacted\":false,\"versions\":[" versions "],\"held\":[]}"
#define ITEM_A ITEM(ID_A, "1", VERSION(V_1, "\"例の文章\""), "false")
#define ITEM_C ITEM(ID_A, "1", VERSION(V_1, "\"こちら\"") "," VERSION(V_2, "\"あちら\""), "true")
#define CONFLICT                                                                                   \
	"{\"id\":\"" ID_A "\",\"kind\":\"item\",\"field\":\"text\",\"scope\":\"org/tvac\","        \
	"\"resolvable\":true,\"item\":{\"round\":\"2023-08\",\"project\":\"p\",\"column\":"        \
	"\"achievement\","                                                                         \
	"\"organisation\":\"tvac\",\"order\":1},\"base\":null,\"versions\":[" VERSION(             \
		V_1, "\"こちら\"") "," VERSION(V_2, "\"あちら\"") "],\"proposal\":null}"
#define LINK                                                                                       \
	"{\"state\":\"connected\",\"address\":\"127.0.0.1:7443\",\"last_contact\":null,"           \
	"\"next_try\":null,\"reason\":null,\"reason_label\":null,\"links\":1}"

static const struct {
	const char *name, *words, *input;
	enum soud_route_id route; /* the act that is asked for */
	const char *reply;        /* of that route */
	const char *asked;        /* param, query, body of its request */
	const char *out;          /* stands in the output */
} act_cases[] = {
	{"U-5 status, what is to be done", "status", "", SOUD_R_STATUS,
	 "{\"site\":{\"roles\":[]},\"link\":" LINK
	 ",\"counts\":{\"conflicts\":1},\"plan\":null,\"todo\":[{\"round\":\"2023-08\",\"project\":"
	 "\"p\","
	 "\"title\":\"推進\",\"standing\":\"submitted\",\"changed_since\":true,\"due_at\":null},"
	 "{\"round\":\"2023-08\",\"project\":\"q\",\"title\":\"連携\",\"standing\":\"outstanding\","
	 "\"changed_since\":false}],\"disk\":{\"state\":\"ok\"},\"mode\":\"normal\"}",
	 "{\"body\":{},\"param\":null,\"query\":{}}",
	 "内容の食い違いを解いてください（soukatsu conflict list "
	 "で見られます）。\n提出が要るもの:\n"
	 "  2023-08 p (推進) 提出後に変更, 期限 -\n  2023-08 q (連携) 未提出, 期限 -\n"},
	{"status", "status", "", SOUD_R_STATUS,
	 "{\"site\":{\"organisation_name\":\"東社協\",\"name\":\"本部\",\"organisation\":\"hq\","
	 "\"roles\":[\"planner\"]},"
	 "\"link\":" LINK
	 ",\"counts\":{\"items\":25,\"queued\":2,\"held\":1},\"plan\":null,\"rounds\":[],"
	 "\"todo\":[],\"disk\":{\"state\":\"ok\",\"free_bytes\":1},\"mode\":\"normal\"}",
	 "{\"body\":{},\"param\":null,\"query\":{}}",
	 "この拠点の変更: 送信待ち 2, 保留 1\n段落: 25\nいま提出するものはありません。"},
	{"digest", "digest", "", SOUD_R_DIGEST,
	 "{\"rules\":1,\"authority\":{\"digest\":\"abcdefabcdefabcdefabcdef\",\"ops\":3},"
	 "\"scopes\":["
	 "{\"scope\":\"org/"
	 "tvac\",\"id\":\"x\",\"state\":\"0011223344556677889\",\"entries\":\"ffff\",\"entry_"
	 "count\":40,\"held_count\":0}]}",
	 "{\"body\":{},\"param\":null,\"query\":{}}", "org/tvac   0011223344556677  ffff"},
	{"item list", "item list --org tvac --column achievement", "", SOUD_R_ITEM_LIST,
	 "{\"items\":[" ITEM_A "]}",
	 "{\"body\":{},\"param\":null,\"query\":{\"column\":\"achievement\",\"organisation\":"
	 "\"tvac\"}}",
	 "1f3a0000  p/achievement/tvac/1  送信待ち  例の文章"},
	{"item add by text", "item add p achievement --text '例 ' --by 佐藤", "", SOUD_R_ITEM_ADD,
	 "{\"item\":" ITEM_A "}",
	 "{\"body\":{\"by\":\"佐藤\",\"column\":\"achievement\",\"project\":\"p\",\"text\":\"例 "
	 "\"},"
	 "\"param\":null,\"query\":{}}",
	 "段落を加えました: p/achievement/tvac/1 [1f3a0000] 送信待ち"},
	{"D-4 item add from input", "item add p c --file - --by x --org o --round r --order 2",
	 "㌻①Ⅳ～３髙﨑𠮷 \n", SOUD_R_ITEM_ADD, "{\"item\":" ITEM_A "}",
	 "{\"body\":{\"by\":\"x\",\"column\":\"c\",\"order\":2,\"organisation\":\"o\",\"project\":"
	 "\"p\","
	 "\"round\":\"r\",\"text\":\"㌻①Ⅳ～３髙﨑𠮷 \\n\"},\"param\":null,\"query\":{}}",
	 "段落を加えました"},
	{"empty text goes as it is", "item edit 1f3a --text '' --by x", "", SOUD_R_ITEM_EDIT,
	 "{\"item\":" ITEM_A "}",
	 "{\"body\":{\"by\":\"x\",\"text\":\"\"},\"param\":\"" ID_A "\",\"query\":{}}",
	 "書き直しました"},
	{"item edit with base", "item edit 1f3a --text a --base 9c1e --by x", "", SOUD_R_ITEM_EDIT,
	 "{\"item\":" ITEM_A "}",
	 "{\"body\":{\"base\":[\"" V_1 "\"],\"by\":\"x\",\"text\":\"a\"},\"param\":\"" ID_A
	 "\",\"query\":{}}",
	 "書き直しました"},
	{"item move", "item move p/achievement/tvac/1 3 --by x", "", SOUD_R_ITEM_MOVE,
	 "{\"item\":" ITEM_A "}",
	 "{\"body\":{\"by\":\"x\",\"order\":3},\"param\":\"" ID_A "\",\"query\":{}}",
	 "順番を変えました"},
	{"item remove", "item remove 1f3a --by x", "", SOUD_R_ITEM_REMOVE, "{\"item\":" ITEM_A "}",
	 "{\"body\":{\"by\":\"x\"},\"param\":\"" ID_A "\",\"query\":{}}", "段落を消しました"},
	{"submit", "submit p --nil next --nil challenge --by 佐藤", "", SOUD_R_SUBMIT,
	 "{\"submission\":{\"id\":\"" ID_B
	 "\",\"round\":\"2023-08\",\"project\":\"p\",\"organisation\":\"tvac\","
	 "\"standing\":\"submitted\",\"state\":\"queued\",\"late\":true,\"nil_columns\":[\"next\"],"
	 "\"items\":[{},{}]}}",
	 "{\"body\":{\"by\":\"佐藤\",\"nil_columns\":[\"next\",\"challenge\"],\"project\":\"p\"},"
	 "\"param\":null,\"query\":{}}",
	 "提出しました: 2023-08 p tvac [1f3b0000] 送信待ち\n  段落: 2\n  next: 記載事項なし\n  "
	 "期限後\n  提出を受け付けました。つながり次第、本部へ送ります。\n"},
	{"submit again", "submit p --by 佐藤", "", SOUD_R_SUBMIT,
	 "{\"submission\":{\"id\":\"" ID_B
	 "\",\"round\":\"2023-08\",\"project\":\"p\",\"organisation\":\"tvac\","
	 "\"standing\":\"submitted\",\"state\":\"received\",\"late\":false,\"nil_columns\":[],"
	 "\"items\":[{}]},\"unchanged\":true}",
	 "{\"body\":{\"by\":\"佐藤\",\"project\":\"p\"},\"param\":null,\"query\":{}}",
	 "すでにこの内容で提出されています: 2023-08 p tvac [1f3b0000] 本部が受領\n  段落: 1\n"},
	{"item list, none", "item list --column next", "", SOUD_R_ITEM_LIST, "{\"items\":[]}",
	 "{\"body\":{},\"param\":null,\"query\":{\"column\":\"next\"}}", "段落はまだありません。"},
	{"conflict list", "conflict list", "", SOUD_R_CONFLICT_LIST,
	 "{\"conflicts\":[" CONFLICT "]}", "{\"body\":{},\"param\":null,\"query\":{}}",
	 "p/achievement/tvac/1  text       2"},
	{"conflict list, none", "conflict list", "", SOUD_R_CONFLICT_LIST, "{\"conflicts\":[]}",
	 "{\"body\":{},\"param\":null,\"query\":{}}", "内容の食い違いはありません。"},
	{"conflict show", "conflict show 1f3a", "", SOUD_R_CONFLICT_LIST,
	 "{\"conflicts\":[" CONFLICT "]}",
	 "{\"body\":{},\"param\":null,\"query\":{\"id_prefix\":\"1f3a\"}}",
	 "soukatsu conflict resolve 1f3a0000 --use 77ab0000 --base 9c1e0000 --base 77ab0000 --by "
	 "名前"},
	{"conflict resolve by version", "conflict resolve 1f3a --use 77ab --by x", "",
	 SOUD_R_CONFLICT_RESOLVE, "{\"item\":" ITEM_A "}",
	 "{\"body\":{\"by\":\"x\",\"field\":\"text\",\"version\":\"" V_2 "\"},\"param\":\"" ID_A
	 "\",\"query\":{}}",
	 "食い違いを解きました: p/achievement/tvac/1"},
	{"conflict resolve by place and text",
	 "conflict resolve p/achievement/tvac/1 --file - --base 9c1e --base 77ab --by x", "両方",
	 SOUD_R_CONFLICT_RESOLVE, "{\"item\":" ITEM_A "}",
	 "{\"body\":{\"base\":[\"" V_1 "\",\"" V_2
	 "\"],\"by\":\"x\",\"field\":\"text\",\"text\":\"両方\"},"
	 "\"param\":\"" ID_A "\",\"query\":{}}",
	 "食い違いを解きました"},
	{"sync now", "sync now --wait 2m", "", SOUD_R_SYNC_NOW,
	 "{\"done\":true,\"sent\":2,\"received\":40,\"queued\":0,\"link\":" LINK "}",
	 "{\"body\":{\"wait_ms\":120000},\"param\":null,\"query\":{}}",
	 "送信 2, 受信 40, 送信待ち 0"},
	{"sync now, usual wait", "sync now", "", SOUD_R_SYNC_NOW, "{\"sent\":0}",
	 "{\"body\":{\"wait_ms\":10000},\"param\":null,\"query\":{}}", "同期しました"},
	{"sync pause", "sync pause", "", SOUD_R_SYNC_PAUSE, "{\"link\":{\"state\":\"paused\"}}",
	 "{\"body\":{},\"param\":null,\"query\":{}}", "同期は止めてあります"},
	{"sync resume", "sync resume", "", SOUD_R_SYNC_RESUME, "{\"link\":" LINK "}",
	 "{\"body\":{},\"param\":null,\"query\":{}}", "本部とつながっています 127.0.0.1:7443"},
	{"plan show", "plan show", "", SOUD_R_PLAN_SHOW,
	 "{\"plan\":{\"id\":\"x\",\"official_name\":\"令和4～6\",\"short_name\":\"３か年計画\","
	 "\"period_label\":\"令和４～６年度\","
	 "\"columns\":[{\"id\":\"next\",\"label\":\"今後\"}]},\"rounds\":[],\"pillars\":[{\"id\":"
	 "\"IV\",\"numeral\":\"Ⅳ\","
	 "\"title\":\"協働\",\"projects\":[{\"id\":\"p\",\"title\":\"推進\",\"plan_page\":30,"
	 "\"organisations\":[{\"id\":\"tvac\"},{\"id\":\"chiiki\"}]}]}],\"conflicts\":0}",
	 "{\"body\":{},\"param\":null,\"query\":{}}",
	 "Ⅳ 協働\n重点事業  名称  頁    担当\np         推進  p.30  tvac, chiiki"},
	{"plan import", "plan import - --by 鈴木", "{\"plan\":{\"id\":\"x\"}}", SOUD_R_PLAN_IMPORT,
	 "{\"plan\":\"x\",\"rounds\":1,\"pillars\":1,\"projects\":2,\"items_left_out\":25,"
	 "\"changed\":9}",
	 "{\"body\":{\"by\":\"鈴木\",\"document\":{\"plan\":{\"id\":\"x\"}}},\"param\":null,"
	 "\"query\":{}}",
	 "取り込みました: x (報告回 1, 柱 1, 重点事業 2, 変更 9)\n  "
	 "段落は取り込みません。書いた組織の拠点で"
	 "入れます: 25\n"},
	{"round list", "round list", "", SOUD_R_ROUND_LIST,
	 "{\"rounds\":[{\"id\":\"2023-08\",\"as_of_label\":\"８月末現在\",\"state\":\"closed\","
	 "\"due_at\":\"2023-09-15T17:00:00+09:00\"}]}",
	 "{\"body\":{},\"param\":null,\"query\":{}}",
	 "2023-08  ８月末現在  受付終了  2023-09-15 17:00"},
	{"round open", "round open 2023-08 --due 2023-09-15T17:00:00+09:00 --by x", "",
	 SOUD_R_ROUND_OPEN, "{\"round\":{\"id\":\"2023-08\",\"state\":\"open\"}}",
	 "{\"body\":{\"by\":\"x\",\"due_at\":\"2023-09-15T17:00:00+09:00\"},\"param\":\"2023-08\","
	 "\"query\":{}}",
	 "受付中"},
	{"round close", "round close 令和5 --by x", "", SOUD_R_ROUND_CLOSE,
	 "{\"round\":{\"id\":\"令和5\",\"state\":\"closed\"}}",
	 "{\"body\":{\"by\":\"x\"},\"param\":\"令和5\",\"query\":{}}", "受付終了"},
	{"org list", "org list", "", SOUD_R_ORG_LIST,
	 "{\"organisations\":[{\"id\":\"tvac\",\"name\":\"センター\",\"short_name\":\"TVAC\","
	 "\"parent\":\"hq\",\"code\":null}]}",
	 "{\"body\":{},\"param\":null,\"query\":{}}", "tvac  センター  TVAC  hq"},
	{"org import", "org import - --by x", "id,kind\n", SOUD_R_ORG_IMPORT,
	 "{\"added\":64,\"changed\":0,\"unchanged\":1,\"ops\":3}",
	 "{\"body\":{\"by\":\"x\",\"csv\":\"id,kind\\n\"},\"param\":null,\"query\":{}}",
	 "取り込みました: 追加 64, 変更 0, 変更なし 1"},
	{"site list", "site list", "", SOUD_R_SITE_LIST,
	 "{\"sites\":[{\"id\":\"" ID_A
	 "\",\"name\":\"本館\",\"organisation\":\"tvac\",\"roles\":[\"editor\",\"submitter\"],"
	 "\"state\":\"active\",\"self\":true,\"hub\":false,\"connected\":false,\"last_contact\":"
	 "null}]}",
	 "{\"body\":{},\"param\":null,\"query\":{}}",
	 "1f3a0000  tvac  本館  editor,submitter  登録済み [この拠点] 未接続  -"},
	{"invite", "invite --org tvac --name 本館 --role editor,submitter --expires 12h --by x", "",
	 SOUD_R_INVITE,
	 "{\"invite\":\"soukatsu-例\",\"id\":\"x\",\"expires_at\":\"2023-09-15T17:00:00+09:00\"}",
	 "{\"body\":{\"by\":\"x\",\"expires_s\":43200,\"name\":\"本館\",\"organisation\":\"tvac\","
	 "\"roles\":[\"editor\",\"submitter\"]},\"param\":null,\"query\":{}}",
	 "soukatsu-例\n"},
	{"table", "table --latest --org tvac --project p --round r", "", SOUD_R_TABLE,
	 "{\"title\":\"題\",\"basis\":\"latest\",\"columns\":[],\"pillars\":[],\"counts\":{}}",
	 "{\"body\":{},\"param\":null,\"query\":{\"latest\":\"true\",\"organisation\":\"tvac\","
	 "\"project\":\"p\",\"round\":\"r\"}}",
	 "題\n（提出前のものを含む"},
};
TEST(commands, acts)
{
	struct fake *f = fake_start();
	for (size_t i = 0; i < ARRAY_LEN(act_cases); i++) {
		const char *name = act_cases[i].name;
		fake_answer(f, SOUD_R_ITEM_LIST, "{\"items\":[" ITEM_A "]}");
		fake_answer(f, SOUD_R_CONFLICT_LIST, "{\"conflicts\":[" CONFLICT "]}");
		fake_answer(f, act_cases[i].route, act_cases[i].reply);
		struct fake_result r = fake_run(f, "ja", 0, act_cases[i].input, act_cases[i].words);
		CHECK_INT(name, r.status, ==, 0);
		CHECK_STR(name, fake_asked(f, act_cases[i].route), act_cases[i].asked);
		if (strstr(r.out, act_cases[i].out) == NULL)
			CHECK_STR(name, r.out, act_cases[i].out);
		CHECK(name, r.status == 0 || r.err[0] == '\0');
		/* With --json: what the daemon said, as one line. */
		const char *words = test_printf("--json %s", act_cases[i].words);
		r = fake_run(f, "ja", 0, act_cases[i].input, words);
		json_t *whole = json_loads(r.out, JSON_REJECT_DUPLICATES, NULL);
		CHECK_INT(name, r.status, ==, 0);
		CHECK(name, json_is_object(whole));
		CHECK_STR(name, strchr(r.out, '\n'), "\n");
		json_decref(whole);
	}
}

static const struct {
	const char *name, *words, *items, *conflicts;
	int status;
	const char *id; /* of the error */
	size_t calls;
} ref_cases[] = {
	{"item of no kind", "item show xyz", "", "", 65, "item.unknown", 0},
	{"three digits are too few", "item show 1f3", "", "", 65, "item.unknown", 0},
	{"33 digits are too many", "item show 1f3a00000000000000000000000000011", "", "", 65,
	 "item.unknown", 0},
	{"place of three parts", "item show p/achievement/tvac", "", "", 65, "item.unknown", 0},
	{"place of five parts", "item show p/achievement/tvac/1/2", "", "", 65, "item.unknown", 0},
	{"place with an empty part", "item show p//tvac/1", "", "", 65, "item.unknown", 0},
	{"place with order zero", "item show p/achievement/tvac/0", "", "", 65, "item.unknown", 0},
	{"no item", "item show 1f3a", "", "", 65, "item.unknown", 1},
	{"several items", "item show 1f3a", ITEM_A "," ITEM_A, "", 65, "id.ambiguous", 1},
	{"base that is not live", "item edit 1f3a --text a --base 0000 --by x", ITEM_A, "", 75,
	 "item.changed", 1},
	{"no conflict there", "conflict show 1f3a", ITEM_A, "", 65, "conflict.none", 1},
	{"no conflict in this field", "conflict resolve 1f3a --field place --use 77ab --by x",
	 ITEM_A, CONFLICT, 65, "conflict.none", 1},
	{"version not in conflict", "conflict resolve 1f3a --use 0000 --by x", ITEM_A, CONFLICT, 65,
	 "conflict.version", 1},
	{"version that fits two", "conflict resolve 1f3a --use abcd --by x", ITEM_A,
	 "{\"id\":\"" ID_A
	 "\",\"field\":\"text\",\"versions\":[{\"id\":\"abcd1\"},{\"id\":\"abcd2\"}]}",
	 65, "id.ambiguous", 1},
	{"a version came in unseen", "conflict resolve 1f3a --use 9c1e --base 9c1e --by x", ITEM_A,
	 CONFLICT, 75, "item.changed", 1},
	{"neither version nor text", "conflict resolve 1f3a --by x", ITEM_A, CONFLICT, 64,
	 "usage.missing", 0},
	{"version and text", "conflict resolve 1f3a --use 9c1e --text a --by x", ITEM_A, CONFLICT,
	 64, "usage.exclusive", 0},
};
TEST(commands, references)
{
	struct fake *f = fake_start();
	for (size_t i = 0; i < ARRAY_LEN(ref_cases); i++) {
		const char *name = ref_cases[i].name;
		fake_answer(f, SOUD_R_ITEM_LIST,
			    test_printf("{\"items\":[%s]}", ref_cases[i].items));
		fake_answer(f, SOUD_R_CONFLICT_LIST,
			    test_printf("{\"conflicts\":[%s]}", ref_cases[i].conflicts));
		struct fake_result r =
			fake_run(f, "en", 0, "", test_printf("--json %s", ref_cases[i].words));
		CHECK_INT(name, r.status, ==, ref_cases[i].status);
		json_t *error = json_loads(r.err, 0, NULL);
		CHECK_STR(name,
			  json_string_value(json_object_get(json_object_get(error, "error"), "id")),
			  ref_cases[i].id);
		json_decref(error);
		CHECK_STR(name, r.out, "");
		CHECK_INT(name, fake_count(f), ==, ref_cases[i].calls);
	}
}

/* What the daemon refuses is told in its three parts, and its exit status is ours. */
TEST(commands, refused)
{
	struct fake *f = fake_start();
	fake_fail(f, SOUD_R_SUBMIT, 409, SOU_MSG_ITEM_CONFLICT);
	struct fake_result r = fake_run(f, "ja", 0, "", "submit p --by x");
	CHECK_INT("R9 status", r.status, ==, 65);
	CHECK("U-6 what", strstr(r.err, "soukatsu: この段落は2か所で") != NULL);
	CHECK("U-6 safe", strstr(r.err, "いまの状態: どちらの文章も残っています。") != NULL);
	CHECK("U-6 next", strstr(r.err, "つぎに: soukatsu conflict show 例") != NULL);
	CHECK_STR("nothing on standard output", r.out, "");
	r = fake_run(f, "en", 0, "", "submit p --by x");
	CHECK("U-6 English", strstr(r.err, "soukatsu: This item was changed") != NULL);
	fake_fail(f, SOUD_R_ITEM_LIST, 403, SOU_MSG_RIGHT_SCOPE);
	r = fake_run(f, "en", 0, "", "item edit 1f3a --text a --by x");
	CHECK_INT("R7 refused while looking up", r.status, ==, 77);
	CHECK_INT("the act itself is not asked for", fake_count(f), ==, 1);
}

/* An answer that is none. */
TEST(commands, strange_answers)
{
	struct fake *f = fake_start();
	fake_answer(f, SOUD_R_STATUS, "[1]");
	struct fake_result r = fake_run(f, "en", 0, "", "status");
	CHECK_INT("no object", r.status, ==, EX_PROTOCOL);
	fake_answer(f, SOUD_R_STATUS, "{}");
	r = fake_run(f, "en", 0, "", "status");
	CHECK_INT("empty object", r.status, ==, 0);
	fake_answer(f, SOUD_R_TABLE, "{\"pillars\":7,\"columns\":{},\"counts\":[]}");
	r = fake_run(f, "en", 0, "", "table");
	CHECK_INT("other types", r.status, ==, 0);
	static const char *const all[] = {"item list",  "conflict list", "plan show",
					  "round list", "org list",      "site list",
					  "digest",     "sync now",      "sync pause"};
	for (size_t i = 0; i < SOUD_ROUTE_COUNT; i++)
		fake_answer(f, (enum soud_route_id)i,
			    "{\"items\":[1,null],\"conflicts\":[[]],\"plan\":[],\"rounds\":[0],"
			    "\"pillars\":[{}],"
			    "\"organisations\":[{\"id\":1}],\"sites\":[{}],\"scopes\":[null],"
			    "\"link\":null}");
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		CHECK_INT(all[i], fake_run(f, "en", 0, "", all[i]).status, ==, 0);
}

/* A partner's text cannot steer the terminal, in no command that shows one. */
TEST(commands, hostile_text)
{
	struct fake *f = fake_start();
	static const char evil[] = "\\u001b]0;x\\u0007\\u009b31m\\u202e";
	const char *item = test_printf(
		"{\"id\":\"" ID_A "\",\"project\":\"%s\",\"text\":\"%s\",\"state\":\"%s\","
		"\"versions\":[{\"id\":\"%s\",\"text\":\"%s\",\"by\":\"%s\",\"at\":\"%s%s\"}]}",
		evil, evil, evil, evil, evil, evil, evil, evil);
	const char *reply = test_printf(
		"{\"items\":[%s],\"item\":%s,\"conflicts\":[%s],\"title\":\"%s\",\"unassigned\":[%"
		"s],"
		"\"plan\":{\"short_name\":\"%s\"},\"rounds\":[{\"id\":\"%s\",\"as_of_label\":\"%"
		"s\"}],"
		"\"organisations\":[{\"id\":\"%s\",\"name\":\"%s\"}],\"sites\":[{\"id\":\"%s\","
		"\"name\":\"%s\"}],"
		"\"scopes\":[{\"scope\":\"%s\"}],\"site\":{\"name\":\"%s\"},\"submission\":{"
		"\"round\":\"%s\"},"
		"\"link\":{\"state\":\"%s\",\"address\":\"%s\"},\"invite\":\"%s\",\"round\":{"
		"\"id\":\"%s\"},"
		"\"columns\":[{\"id\":\"c\",\"label\":\"%s\"}],\"pillars\":[{\"heading\":\"%s\","
		"\"projects\":["
		"{\"title\":\"%s\",\"cells\":[{\"column\":\"c\",\"paragraphs\":[{\"text\":\"%s\","
		"\"attribution\":\"%s\"}]}]}]}]}",
		item, item, item, evil, item, evil, evil, evil, evil, evil, evil, evil, evil, evil,
		evil, evil, evil, evil, evil, evil, evil, evil, evil, evil);
	for (size_t i = 0; i < SOUD_ROUTE_COUNT; i++)
		fake_answer(f, (enum soud_route_id)i, reply);
	static const char *const all[] = {"status",
					  "digest",
					  "item list",
					  "item show 1f3a",
					  "item edit 1f3a --text a --by x",
					  "table",
					  "conflict list",
					  "conflict show 1f3a",
					  "plan show",
					  "round list",
					  "org list",
					  "site list",
					  "sync pause",
					  "submit p --by x",
					  "round close r --by x",
					  "invite --org o --name n --role r --by x"};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		for (int json = 0; json < 2; json++) {
			struct fake_result r =
				fake_run(f, "ja", 80, "",
					 test_printf("%s %s", json ? "--json" : "", all[i]));
			const char *text = test_printf("%s%s", r.out, r.err);
			CHECK_INT(all[i], r.status, ==, 0);
			CHECK(all[i], strchr(text, '\x1b') == NULL && strchr(text, '\a') == NULL);
			CHECK(all[i], strstr(text, "\xC2\x9B") == NULL);
			CHECK(all[i], json || strstr(text, "\xE2\x80\xAE") == NULL);
		}
	}
}

TEST(commands, files)
{
	struct fake *f = fake_start();
	struct fake_result r = fake_run(f, "en", 0, "", "item add p c --file /no/such --by x");
	CHECK_INT("file that is not there", r.status, ==, 66);
	r = fake_run(f, "en", 0, "\xFF", "item add p c --file - --by x");
	CHECK_INT("R2 not UTF-8", r.status, ==, 65);
	CHECK_INT("R2 nothing was asked", fake_count(f), ==, 0);
	r = fake_run(f, "en", 0, "{\n\"a\":1,\n}", "plan import - --by x");
	CHECK_INT("JSON that is none", r.status, ==, 65);
	CHECK("line is named", strstr(r.err, "line 3") != NULL);
	char *text = test_alloc(8194);
	memset(text, 'a', 8193);
	text[8193] = '\0';
	r = fake_run(f, "en", 0, text, "item add p c --file - --by x");
	CHECK_INT("R17 text one past", r.status, ==, 65);
	r = fake_run(f, "en", 0, "", test_printf("item add p c --by x --text %s", text));
	CHECK_INT("R17 text one past, given as word", r.status, ==, 65);
	CHECK("R17 says the limit", strstr(r.err, "8192") != NULL);
	text[8192] = '\0';
	fake_answer(f, SOUD_R_ITEM_ADD, "{\"item\":" ITEM_A "}");
	r = fake_run(f, "en", 0, text, "item add p c --file - --by x");
	CHECK_INT("R17 text at its limit", r.status, ==, 0);
}

TEST(commands, passphrase)
{
	struct fake *f = fake_start();
	fake_answer(f, SOUD_R_ORG_IMPORT, "{\"added\":1}");
	const char *csv = test_file("o.csv", "id\n", 3);
	int fds[2];
	REQUIRE("pipe", pipe(fds) == 0);
	REQUIRE("write", write(fds[1], "ひみつ 例\nrest", 18) == 18);
	close(fds[1]);
	struct fake_result r =
		fake_run(f, "en", 0, "",
			 test_printf("org import %s --passphrase-fd %d --by x", csv, fds[0]));
	close(fds[0]);
	CHECK_INT("R20 by descriptor", r.status, ==, 0);
	CHECK_STR("R20 first line, whole", fake_asked(f, SOUD_R_ORG_IMPORT),
		  "{\"body\":{\"by\":\"x\",\"csv\":\"id\\n\",\"passphrase\":\"ひみつ "
		  "例\"},\"param\":null,"
		  "\"query\":{}}");
	CHECK_INT("R20 asked once", fake_count(f), ==, 1);
	r = fake_run(f, "en", 0, "", test_printf("org import %s --passphrase-fd x --by x", csv));
	CHECK_INT("R20 no descriptor", r.status, ==, 64);
	r = fake_run(f, "en", 0, "",
		     test_printf("org import %s --passphrase-fd 999999 --by x", csv));
	CHECK_INT("R20 closed descriptor", r.status, ==, 64);
	fake_fail(f, SOUD_R_ORG_IMPORT, 403, SOU_MSG_PASSPHRASE_WRONG);
	r = fake_run(f, "en", 0, "", test_printf("org import %s --by x", csv));
	CHECK_INT("R20 another refusal asks nobody", r.status, ==, 77);
	CHECK("R20 and is told", strstr(r.err, "The passphrase is wrong.") != NULL);
}

static const char table_json[] =
	"{\"title\":\"総括表（例）\",\"basis\":\"submitted\",\"left_width\":4,"
	"\"columns\":[{\"id\":\"a\",\"label\":\"達成\",\"width\":8},{\"id\":\"n\",\"label\":"
	"\"今後\",\"width\":6}],"
	"\"pillars\":[{\"id\":\"IV\",\"heading\":\"Ⅳ "
	"例\",\"projects\":[{\"id\":\"p\",\"title\":\"推進\","
	"\"page_label\":\"（31 "
	"㌻）\",\"organisations_label\":\"地域福祉部、センター\",\"attributed\":true,"
	"\"organisations\":[{\"id\":\"chiiki\",\"short_name\":\"地域\",\"standing\":\"submitted\","
	"\"changed_since\":true,\"late\":true},"
	"{\"id\":\"tvac\",\"short_name\":\"TVAC\",\"standing\":\"outstanding\"},"
	"{\"id\":\"w\",\"short_name\":\"新宿\",\"standing\":\"out_of_scope\"}],"
	"\"cells\":[{\"column\":\"a\",\"nil\":[],\"paragraphs\":[{\"organisation\":\"chiiki\","
	"\"order\":1,"
	"\"text\":\"アンケートを実施した。\",\"attribution\":\"（地域福祉部）\",\"state\":"
	"\"received\"},"
	"{\"organisation\":\"chiiki\",\"order\":2,\"text\":\"例\",\"attribution\":\"（地域）\","
	"\"state\":\"queued\","
	"\"conflict\":true}]},{\"column\":\"n\",\"nil\":[\"chiiki\"],\"paragraphs\":[]}]}]}],"
	"\"unassigned\":[],\"counts\":{\"expected\":3,\"submitted\":1,\"outstanding\":1,\"out_of_"
	"scope\":1,"
	"\"conflicts\":1}}";

static const char table_text[] = "総括表（例）\n"
				 "\n"
				 "Ⅳ 例\n"
				 "┌──────────┬──────────────────┬──────────────┐\n"
				 "│          │ 達成             │ 今後         │\n"
				 "├──────────┼──────────────────┼──────────────┤\n"
				 "│ 推進     │ アンケートを実施 │ （地域：記載 │\n"
				 "│ （31     │ した。           │ 事項なし）   │\n"
				 "│ ㌻）     │ （地域福祉部）   │ （TVAC：未提 │\n"
				 "│          │ 例（地域）［内容 │ 出）         │\n"
				 "│ 地域福祉 │ の食い違い］［送 │ （新宿：閲覧 │\n"
				 "│ 部、セン │ 信待ち］         │ の範囲外）   │\n"
				 "│ ター     │ （TVAC：未提出） │              │\n"
				 "│ （地域： │ （新宿：閲覧の範 │              │\n"
				 "│ 提出後に │ 囲外）           │              │\n"
				 "│ 変更）   │                  │              │\n"
				 "│ （地域： │                  │              │\n"
				 "│ 期限後） │                  │              │\n"
				 "└──────────┴──────────────────┴──────────────┘\n"
				 "\n"
				 "提出済み 1/3, 未提出 1, 閲覧の範囲外 1, 内容の食い違い 1\n";

TEST(commands, table)
{
	struct fake *f = fake_start();
	fake_answer(f, SOUD_R_TABLE, table_json);
	struct fake_result r = fake_run(f, "ja", 0, "", "table");
	CHECK_INT("R-4 to R-7", r.status, ==, 0);
	CHECK_STR("R-4 to R-7", r.out, table_text);
	const char *path = test_path("out.txt");
	r = fake_run(f, "ja", 40, "", test_printf("table -o %s", path));
	CHECK_INT("to a file", r.status, ==, 0);
	CHECK_STR("to a file, nothing else", r.out, "");
	CHECK_STR("to a file, the terminal's width aside", (const char *)test_read(path).b,
		  table_text);
	r = fake_run(f, "ja", 0, "", "table --output /no/such/file");
	CHECK_INT("file that cannot be made", r.status, ==, 73);
	r = fake_run(f, "ja", 0, "", "table --format json");
	json_t *got = json_loads(r.out, 0, NULL), *want = json_loads(table_json, 0, NULL);
	CHECK("D-4 JSON as the daemon said it", json_equal(got, want));
	json_decref(got);
	json_decref(want);
	for (size_t columns = 1; columns < 60; columns += 7) {
		r = fake_run(f, "ja", columns, "", "table");
		CHECK_INT("narrow terminal", r.status, ==, 0);
	}
}

/* crowd_text.c - sentences as reports of councils have them: common words, numbers, dates and
 * names of places and people. They compress about 2.6 times at 1,000 records with zstd 3, as real
 * prose does; that is why names are drawn sign by sign. */
#include <stdio.h>
#include <string.h>

#include "tests/bench/crowd.h"

uint64_t crowd_draw(uint64_t *random)
{
	*random += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t z = *random;
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static const char signs[] =
	"青赤秋浅新荒有飯池石板今岩上植内梅江大岡荻奥小葛金神川北清国熊黒桑高河越坂桜佐沢塩品渋島杉"
	"鈴砂関瀬田多台竹立玉千中調月戸豊富内永長夏成西野白花羽浜原東平広深福藤船古本前町松丸三水南"
	"宮"
	"村目森八柳山湯吉横若和渡辺井橋泉谷台丘園林崎倉尾根場安久美幸恵光春明信正義仁文武道子男介"
	"郎";

static const char *const words[] = {
	"地域",     "福祉",       "支援",     "推進",       "住民",     "参加",     "相談",
	"体制",     "整備",       "取組み",   "課題",       "人材",     "確保",     "連携",
	"強化",     "会議",       "開催",     "活動",       "協働",     "検討",     "ボランティア",
	"施設",     "企業",       "調査",     "研修",       "情報",     "提供",     "広報",
	"災害",     "防災",       "訓練",     "子育て",     "高齢者",   "見守り",   "居場所",
	"つながり", "交流",       "講座",     "計画",       "評価",     "中間支援", "助成",
	"窓口",     "生活困窮",   "権利擁護", "成年後見",   "民生委員", "児童",     "学校",
	"学生",     "若者",       "担い手",   "発掘",       "育成",     "継続",     "拡充",
	"周知",     "オンライン", "動画",     "アンケート", "報告書",   "事例",     "共有",
	"試行"};

static const char *const links[] = {"の",   "を",     "に",       "が",       "は",
				    "と",   "や",     "で",       "も",       "から",
				    "への", "による", "について", "に向けた", "のための"};
static const char *const ends[] = {"した。",     "している。",   "を行った。",     "が必要である。",
				   "を進める。", "に取り組む。", "が増えている。", "を検討する。"};

struct writer {
	uint64_t *random;
	char *out;
	size_t n, room;
};

static void put(struct writer *w, const char *text, size_t bytes)
{
	if (w->n + bytes > w->room) {
		w->room = w->n; /* full: nothing shorter may follow */
		return;
	}
	memcpy(w->out + w->n, text, bytes);
	w->n += bytes;
}

static void put_word(struct writer *w, const char *word)
{
	put(w, word, strlen(word));
}

static void put_name(struct writer *w, unsigned count)
{
	while (count-- > 0)
		put(w, signs + crowd_draw(w->random) % ((sizeof signs - 1) / 3) * 3, 3);
}

static void put_number(struct writer *w)
{
	static const char *const units[] = {"名", "件", "回", "か所", "団体", "日", "％"};
	char text[24];
	snprintf(text, sizeof text, "%u", (unsigned)(crowd_draw(w->random) % 900 + 12));
	put_word(w, text);
	put_word(w, units[crowd_draw(w->random) % (sizeof units / sizeof *units)]);
}

static void put_part(struct writer *w)
{
	uint64_t kind = crowd_draw(w->random) % 16;
	if (kind < 12) {
		put_name(w, 2 + kind % 3);
		put_word(w, kind < 4 ? "地区" : kind < 8 ? "さん" : "会館");
	} else if (kind < 14) {
		put_number(w);
	} else {
		put_word(w, words[crowd_draw(w->random) % (sizeof words / sizeof *words)]);
	}
}

size_t crowd_text(uint64_t *random, size_t bytes, char *out)
{
	struct writer w = {random, out, 0, bytes};
	put_word(&w, "例 ");
	while (w.n < w.room) {
		unsigned parts = 2 + (unsigned)(crowd_draw(random) % 4);
		for (unsigned i = 0; i < parts; i++) {
			put_part(&w);
			put_word(&w, links[crowd_draw(random) % (sizeof links / sizeof *links)]);
		}
		put_word(&w, words[crowd_draw(random) % (sizeof words / sizeof *words)]);
		put_word(&w, ends[crowd_draw(random) % (sizeof ends / sizeof *ends)]);
	}
	return w.n;
}

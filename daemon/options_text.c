/* options_text.c - the table of settings as texts for people: --help, the sample file, the manual's
 * chapter. */
#include <string.h>

#include "config/duration.h"
#include "daemon/options.h"

static void print_range(FILE *out, const struct soud_option *o)
{
	char min[SOU_DURATION_TEXT_BYTES], max[SOU_DURATION_TEXT_BYTES];
	switch (o->type) {
	case SOUD_OPTION_TIME:
		sou_duration_text(o->min, min);
		sou_duration_text(o->max, max);
		fprintf(out, "%s..%s", min, max);
		break;
	case SOUD_OPTION_CHOICE:
		fputs(o->unit, out);
		break;
	case SOUD_OPTION_ADDRESS:
		fputs("HOST:PORT", out);
		break;
	case SOUD_OPTION_PATH:
		fputs("/PATH", out);
		break;
	}
}

static void print_dashed(FILE *out, const char *name)
{
	fputs("--", out);
	for (const char *p = name; *p != '\0'; p++)
		fputc(*p == '_' ? '-' : *p, out);
}

void soud_options_help(FILE *out, enum sou_lang lang)
{
	for (size_t i = 0; i < soud_option_count; i++) {
		const struct soud_option *o = &soud_option_table[i];
		fputs("  ", out);
		print_dashed(out, o->name);
		fputs(" (", out);
		print_range(out, o);
		fprintf(out, ")\n      %s [%s]\n", lang == SOU_LANG_JA ? o->ja : o->en,
			o->standard);
	}
}

void soud_options_sample(FILE *out)
{
	fputs("# soukatsud.conf - すべての設定と初めからの値。変えるものだけ # を外す。\n"
	      "# All settings with their defaults; remove the # of those you change.\n",
	      out);
	for (size_t i = 0; i < soud_option_count; i++) {
		const struct soud_option *o = &soud_option_table[i];
		fprintf(out, "\n# %s\n# %s\n# ", o->ja, o->en);
		print_range(out, o);
		fprintf(out, "\n#%s = \"%s\"\n", o->name, o->standard);
	}
}

void soud_options_manual(FILE *out)
{
	fputs("# 設定 Settings\n\n"
	      "`soukatsud.conf` のすべての設定です。`config/options.def` "
	      "から作られます（手で直しません）。\n"
	      "(All settings, generated from `config/options.def`.)\n\n"
	      "- 1行に1つ、`名前 = \"値\"` と書きます。`#` から行末までは注釈、`${NAME}` "
	      "は環境変数です。\n"
	      "- 時間は単位を付けて書きます: `500ms`、`30s`、`5m`、`12h`、`7d`。\n"
	      "- 同じ名前で、`soukatsud` の命令行にも書けます（`--backoff-min "
	      "500ms`）。命令行が勝ちます。\n"
	      "- 知らない名前、同じ名前の繰り返し、使えない値は、どれも断ります。`soukatsud --data "
	      "DIR "
	      "--check-config` は、\n  "
	      "起動せずに、すべての誤りを行番号とともに言います（誤りがあれば終了コード 78）。\n"
	      "- `SIGHUP` で読み直します。1つでも誤りがあれば、何も変えません（前の設定のまま動き、"
	      "記録と `status` に出ます）。\n"
	      "  「起動時」の設定は、変えても次の起動までは前の値で動きます（これも記録と `status` "
	      "に出ます）。\n\n"
	      "| 名前 | 値 | 初めの値 | 効くとき | 意味 | Meaning |\n|---|---|---|---|---|---|\n",
	      out);
	for (size_t i = 0; i < soud_option_count; i++) {
		const struct soud_option *o = &soud_option_table[i];
		fprintf(out, "| `%s` | ", o->name);
		print_range(out, o);
		fprintf(out, " | `\"%s\"` | %s | %s | %s |\n", o->standard,
			o->live ? "すぐ" : "起動時", o->ja, o->en);
	}
}

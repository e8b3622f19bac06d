/* test_verdict_rules.c - one small history for each sentence of P8.6 to P8.13 and P9 (R1, R7, R8,
 * R11), judged as written and in shuffled orders with settles in between. */
#include "tests/lib/check.h"
#include "tests/proto/script.h"

struct row {
	const char *name, *script, *expect;
};

/* Two editors w and x, a reviewer r, an anchoring hub h, each with a grant that is named after it.
 */
#define FOUR                                                                                       \
	"open W w; grant gw w e; open X x; grant gx x e; open R r; grant gr r v; open H h; grant " \
	"gh h n; "

static const struct row whole_cases[] = {
	{"P9.3 a chain down to the opening", FOUR "W a on W; W b on a", "a accepted; b accepted"},
	{"P9.3 a key that was never opened",
	 "open W w; grant g w e; mark m; open V w; back m; grant h w s; W a on W; V b on V",
	 "a accepted; b not-whole"},
	{"P9.3 header alone, and what stands on it", FOUR "W a on W; W b on a header; W c on b",
	 "a accepted; b not-whole; c not-whole"},
	{"P9.3 malformed, and what stands on it", FOUR "W a on W malformed; W b on a",
	 "a not-whole; b not-whole"},
	{"P9.3 too new holds itself alone", FOUR "W a on W toonew; W b on a",
	 "a too-new; b accepted"},
	{"P9.3 a value went without a redaction", FOUR "W a on W lacks(1); W b on a",
	 "a not-whole; b not-whole"},
	{"P9.3 a value went with one", FOUR "W a on W lacks(1); W b on a; redact a 1",
	 "a accepted; b accepted"},
	{"P9.3 another value is redacted", FOUR "W a on W lacks(1); redact a 2", "a not-whole"},
	{"P8.11 a redaction on a branch that a root op left",
	 FOUR "mark m; W a on W lacks(1); redact a 1; back m; root 1", "a accepted"},
	{"P9.3 eight epoch-opens",
	 FOUR "W a on W epoch; W b on a epoch; W c on b epoch; W d on c epoch; W e on d epoch; W f "
	      "on e epoch; W g on f "
	      "epoch; W i on g epoch; W j on i; W k on j epoch; W l on k",
	 "i accepted; j accepted; k not-whole; l not-whole"},
	{"P5.3 seq leaves one out", FOUR "W a on W; W b on a seq(3); W c on b",
	 "a accepted; b not-whole; c not-whole"},
	{"P5.3 hlc stands still", FOUR "W a on W hlc(5); W b on a hlc(5); W c on a hlc(6)",
	 "a accepted; b not-whole; c fork"},
	{"P5.3 after an epoch-open hlc may fall",
	 FOUR "W a on W hlc(5); W b on a hlc(9) epoch; W c on b hlc(3)",
	 "a accepted; b accepted; c accepted"},
	{"P5.3 first entry with seq 2", FOUR "W a on W seq(2)", "a not-whole"},
	{"P5.3 on another key's entry", FOUR "W a on W; X b on a", "a accepted; b not-whole"},
	{"P5.3 on another key's opening", FOUR "X a on W", "a not-whole"},
};

static const struct row authentic_cases[] = {
	{"P9.4 no signature", FOUR "W a on W unsigned", "a not-authentic"},
	{"P9.4 that of a descendant", FOUR "W a on W unsigned; W b on a unsigned; W c on b",
	 "a accepted; b accepted; c accepted"},
	{"P9.4 not that of a cousin", FOUR "W a on W; W b on a unsigned; W c on a",
	 "a accepted; b not-authentic; c accepted"},
	{"P9.4 through an epoch-open", FOUR "W a on W unsigned; W b on a epoch unsigned; W c on b",
	 "a accepted; b accepted; c accepted"},
	{"P9.4 not over a link that does not fit", FOUR "W a on W unsigned; W b on a seq(3)",
	 "a not-authentic; b not-whole"},
};

static const struct row place_cases[] = {
	{"P9.6 two on one place freeze both, not what is below",
	 FOUR "W a on W; W b on a; W c on a; W d on b", "a accepted; b fork; c fork; d fork"},
	{"P9.5 an unsigned header is no sibling", FOUR "W a on W; W b on a; W c on a unsigned",
	 "b accepted; c not-authentic"},
	{"P9.5 a header alone is one", FOUR "W a on W; W b on a; W c on a header",
	 "b fork; c not-whole"},
	{"P9.5 a malformed one too", FOUR "W a on W; W b on W malformed", "a fork; b not-whole"},
	{"P9.5 a misfit too", FOUR "W a on W; W b on a; W c on a seq(7)", "b fork; c not-whole"},
	{"P9.5 an epoch-open is none and has none",
	 FOUR "W a on W; W b on a; W c on a epoch; W d on c; W e on a epoch",
	 "b accepted; c accepted; d accepted; e accepted"},
	{"P9.6 a frozen chain freezes epochs opened on it",
	 FOUR "W a on W; W b on W; W c on a epoch; W d on c", "c fork; d fork"},
	{"P9.6 not another key", FOUR "W a on W; W b on W; open V w; V c on V",
	 "a fork; b fork; c accepted"},
	{"P9.5 anchored before the pair: the other side is held",
	 FOUR "W a on W; W b on a; H h on H anchor(b); W c on a; W d on b",
	 "a accepted; b accepted; c fork; d accepted; h accepted"},
	{"P9.5 both sides anchored", FOUR "W a on W; W b on W; H h on H anchor(a b)",
	 "a accepted; b accepted"},
	{"P9.5 of every anchor, not the last",
	 FOUR "W a on W; W b on W; H h on H anchor(a); H i on h anchor(b)",
	 "a accepted; b accepted"},
	{"P9.5 an anchor of what comes later",
	 FOUR "W a on W; W b on W; H h on H anchor(a); W c on a", "a accepted; b fork; c accepted"},
	{"P9.5 an anchor that is held", FOUR "W a on W; W b on W; H h on H anchor(a); cut H",
	 "a fork; h cut"},
	{"P9.5 an anchor that a fork freezes",
	 FOUR "W a on W; W b on W; H h on H anchor(a); H i on H", "a fork; b fork; h fork; i fork"},
	{"P9.5 by a site that never held it", FOUR "W a on W; W b on W; R h on R anchor(a)",
	 "a fork; h no-right"},
	{"P9.5 by its own site", FOUR "grant ga w n; W a on W; W b on a anchor(a); W c on W",
	 "a fork; c fork"},
	{"P8.11 held anchor on a branch once: no anchor covers it",
	 FOUR "mark m; grant ga w n; back m; grant gb x s; W a on W; W b on W; H h on H anchor(a)",
	 "a fork; b fork"},
	{"P8.11 of a branch that a root op left",
	 FOUR "mark m; grant ga w n; back m; root 1; W a on W; W b on W; H h on H anchor(a)",
	 "a fork; b fork"},
	{"P9.5 anchored is no cut's exception", FOUR "W a on W; H h on H anchor(a); cut W",
	 "a cut"},
};

static const struct row cut_cases[] = {
	{"P8.12 at the id and before", FOUR "W a on W; W b on a; W c on b; cut W at b",
	 "a accepted; b accepted; c cut"},
	{"P8.12 a scope that it does not list", FOUR "W a on W; cut W", "a cut"},
	{"P8.12 an empty list", FOUR "W a on W; cut W at", "a cut"},
	{"P8.12 an id that is not stored covers nothing", FOUR "W a on W; cut W at z", "a cut"},
	{"P8.12 nor one of another key", FOUR "W a on W; X b on X; cut W at b",
	 "a cut; b accepted"},
	{"P8.12 one id for each head", FOUR "W a on W; W b on a; W c on a; cut W at b c; W d on c",
	 "a accepted; b accepted; c accepted; d cut"},
	{"P8.12 covers epochs that the key opened",
	 FOUR "W a on W; W b on a epoch; W c on b; W d on c; cut W at c",
	 "a accepted; b accepted; c accepted; d cut"},
	{"P8.12 not another key", FOUR "W a on W; cut W; open V w; V b on V", "a cut; b accepted"},
	{"P8.12 a later one, lower", FOUR "W a on W; W b on a; cut W at b; recut W a",
	 "a accepted; b cut"},
	{"P8.12 a later one, higher", FOUR "W a on W; W b on a; cut W at a; recut W b",
	 "a accepted; b accepted"},
	{"P8.12 a decision of one branch", FOUR "W a on W; W b on W; decide W a; W c on a",
	 "a accepted; b decide; c decide"},
	{"P8.12 of both; a cut after it takes its place",
	 FOUR "W a on W; W b on W; decide W a b; cut W at a", "a accepted; b cut"},
	{"P8.11 restrictions of both branches",
	 FOUR "W a on W; W b on a; W c on b; mark m; cut W at b; back m; cut X",
	 "a accepted; b accepted; c cut-branch"},
	{"P8.11 and the trunk's with them",
	 FOUR "W a on W; W b on a; W c on b; cut W at b; mark m; recut W c; back m; recut W a",
	 "a accepted; b cut-branch; c cut-branch"},
	{"P8.11 a decision on a branch lifts no freeze",
	 FOUR "W a on W; W b on W; mark m; decide W a; back m; grant g x s",
	 "a fork; b cut-branch"},
	{"P8.11 a narrowing on a branch",
	 FOUR "W a on W; W b on a; mark m; narrow gw w e at a; back m; grant g x s",
	 "a accepted; b no-right"},
	{"P8.11 a too new one restricts nothing",
	 FOUR "W a on W; mark m; newercut W; back m; grant g x s", "a accepted"},
	{"P8.11 one upon it does", FOUR "W a on W; mark m; newer; cut W; back m; grant g x s",
	 "a cut-branch"},
	{"P8.11 a grant on a branch is none",
	 FOUR "mark m; grant g r e; back m; grant i x s; R a on R", "a no-right"},
	{"P8.11 an opening on a branch is none",
	 FOUR "mark m; open V w; back m; grant i x s; V a on V", "a not-whole"},
};

static const struct row right_cases[] = {
	{"P9.7 no grant", "open W w; W a on W", "a no-right"},
	{"P9.7 another role", "open W w; grant g w a; W a on W; W b on a approve",
	 "a no-right; b accepted"},
	{"P9.7 without ops any writing role",
	 "open W w; grant g w a; open X x; grant h x r; W a on W none; X b on X none",
	 "a accepted; b no-right"},
	{"P8.8 for of another organisation", FOUR "W a on W for(other)", "a no-right"},
	{"P7.5 an op that no row names", FOUR "R a on R approve", "a no-right"},
	{"P8.13 after: from there on",
	 "open W w; W a on W; W b on a; grant g w e after a; W c on b",
	 "a no-right; b accepted; c accepted"},
	{"P8.13 after an id that is not stored", "open W w; grant g w e after z; W a on W",
	 "a no-right"},
	{"P8.13 after the opening of its key", "open W w; grant g w e after W; W a on W",
	 "a accepted"},
	{"P8.13 after, but the key was opened later",
	 "open W w; W a on W; grant g w e after a; open V w; V b on V", "a no-right; b accepted"},
	{"P8.13 the key was opened before",
	 "open W w; W a on W; open V w; V b on V; grant g w e after a", "a no-right; b no-right"},
	{"P8.13 narrowed at an id", FOUR "W a on W; W b on a; narrow gw w e at a",
	 "a accepted; b no-right"},
	{"P8.13 not listed: ended", FOUR "W a on W; narrow gw w e", "a no-right"},
	{"P8.13 not listed, the rest stays", FOUR "W a on W; narrow gw w e rest", "a accepted"},
	{"P8.13 the latest counts",
	 FOUR "W a on W; W b on a; narrow gw w e at a; narrow gw w e at b",
	 "a accepted; b accepted"},
	{"P8.13 of another role",
	 "open W w; grant g w ea; W a on W; W b on a approve; narrow g w a at a",
	 "a accepted; b no-right"},
	{"P8.13 what it does not name stays",
	 "open W w; grant g w ea; W a on W approve; W b on a; narrow g w a at a",
	 "a accepted; b accepted"},
	{"P8.13 with for: of that organisation alone", FOUR "W a on W; narrow gw w e for other",
	 "a accepted"},
	{"P8.13 with for and nil: both",
	 FOUR "W a on W; W b on a; narrow gw w e at b; narrow gw w e for org at a",
	 "a accepted; b no-right"},
	{"P8.13 with for, then nil: both",
	 FOUR "W a on W; W b on a; narrow gw w e for org at a; narrow gw w e at b",
	 "a accepted; b no-right"},
	{"P8.13 of another grant", FOUR "grant g w e; W a on W; narrow gw w e", "a accepted"},
	{"P8.13 of another site", FOUR "W a on W; narrow gw x e", "a accepted"},
	{"P8.13 a new grant never widens an old one",
	 FOUR "W a on W; W b on a; narrow gw w e at a; W c on b; grant g w e after b; W d on c",
	 "b no-right; c accepted; d accepted"},
	{"P8.13 a pin for each key", FOUR "W a on W; open V w; V b on V; narrow gw w e at b",
	 "a no-right; b accepted"},
	{"P7.5 epoch-open and close: any role, ever",
	 FOUR "W a on W epoch; W b on a close; narrow gw w e; open Z z; Z c on Z epoch",
	 "a accepted; b accepted; c no-right"},
	{"P7.5 adopt and anchor need their role",
	 FOUR "W a on W adopt(z); W b on a anchor(z); W c on b heartbeat",
	 "a no-right; b no-right; c no-right"},
	{"P8.7 what an enrol grants", "enrol W w ev; W a on W; W b on a proxy",
	 "a accepted; b ground"},
	{"P8.7 what it does not", "enrol W w rn; W a on W; W b on a heartbeat",
	 "a no-right; b accepted"},
};

static const struct row ground_cases[] = {
	{"P9.8 a consent of another site", FOUR "W a on W consent; R b on R proxy cite(a)",
	 "a accepted; b accepted"},
	{"P9.8 none", FOUR "R b on R proxy", "b ground"},
	{"P9.8 for another entity",
	 FOUR "W a on W consent about(y); R b on R proxy about(z) cite(a)", "b ground"},
	{"P9.8 of its own site", FOUR "grant g r e; R a on R consent; R b on a proxy cite(a)",
	 "b ground"},
	{"P9.8 held", FOUR "R a on R consent; W c on W proxy cite(a); R b on a proxy cite(a)",
	 "a no-right; b ground; c no-right"},
	{"P9.8 a plain entry is none", FOUR "W a on W; R b on R proxy cite(a)", "b ground"},
	{"P9.8 all that is cited is accepted", FOUR "W a on W; X b on X cite(a); cut W",
	 "a cut; b ground"},
	{"P9.8 and stored here", FOUR "X b on X cite(z)", "b ground"},
	{"P9.8 a control entry may be cited", FOUR "X b on X; W a on W close; X c on b cite(a)",
	 "a accepted; c accepted"},
	{"P9.8 and held", FOUR "W a on W close; X c on X cite(a); cut W", "a cut; c ground"},
	{"P9.8 over several steps",
	 FOUR "W a on W; X b on X cite(a); W c on a cite(b); X d on b cite(c)", "d accepted"},
	{"P9.8 falls with the first",
	 FOUR "open Z z; grant g z e; Z a on Z; X b on X cite(a); W c on W cite(b); X d on b "
	      "cite(c); cut Z",
	 "a cut; b ground; c ground; d ground"},
	{"P9.10 a held entry does not hold its successors", FOUR "X a on X cite(z); X b on a",
	 "a ground; b accepted"},
	{"P9.9 adopted past a cut", FOUR "W a on W; cut W; R b on R adopt(a)", "a accepted"},
	{"P9.9 out of a fork", FOUR "W a on W; W b on W; R c on R adopt(a)", "a accepted; b fork"},
	{"P9.9 a right that ended, but was given",
	 FOUR "W a on W; narrow gw w e; R b on R adopt(a)", "a accepted"},
	{"P9.9 a right that was never given", FOUR "W a on W approve; R b on R adopt(a)",
	 "a no-right"},
	{"P9.9 not by its own site", FOUR "grant g w v; W a on W; W b on a adopt(a); narrow gw w e",
	 "a no-right"},
	{"P9.9 by an adoption that is held", FOUR "W a on W; cut W; X b on X adopt(a)",
	 "a cut; b no-right"},
	{"P9.9 with another for", FOUR "W a on W; cut W; R b on R adopt(a) for(other)",
	 "a cut; b no-right"},
	{"P9.9 not without grounds", FOUR "W a on W cite(z); cut W; R b on R adopt(a)", "a cut"},
	{"P9.9 no unsigned entry", FOUR "W a on W unsigned; cut W; R b on R adopt(a)",
	 "a not-authentic"},
	{"P9.9 none on a hole", FOUR "W a on W header; W b on a; cut W; R c on R adopt(b)",
	 "b not-whole"},
	{"P9.9 no control entry", FOUR "W a on W close; cut W; R b on R adopt(a)", "a cut"},
	{"P9.9 it serves as ground", FOUR "W a on W; cut W; R b on R adopt(a); X c on X cite(a)",
	 "a accepted; c accepted"},
};

static const struct row act_cases[] = {
	{"P9.11 a part alone is not shown", FOUR "W a on W part", "a accepted-"},
	{"P9.11 a whole act", FOUR "W a on W part; W b on a part; W c on b closes(a b)",
	 "a accepted; b accepted; c accepted"},
	{"P9.11 a part is missing", FOUR "W a on W part; W c on a closes(a z)",
	 "a accepted-; c accepted-"},
	{"P9.11 a part is held", FOUR "W a on W part; W b on a part approve; W c on b closes(a b)",
	 "a accepted-; b no-right; c accepted-"},
	{"P9.11 what it lists is no part", FOUR "W a on W part; W b on a; W c on b closes(a b)",
	 "a accepted-; b accepted; c accepted-"},
	{"P9.11 of another site", FOUR "W a on W part; X c on X closes(a)",
	 "a accepted-; c accepted-"},
	{"P9.11 the closing entry is held", FOUR "W a on W part; W c on a closes(a); cut W at a",
	 "a accepted-; c cut"},
	{"P9.11 adopted with its closing entry",
	 FOUR "W a on W part; W c on a closes(a); cut W at; R r on R adopt(a c)",
	 "a accepted; c accepted"},
	{"P9.11 by another key of the site", FOUR "W a on W part; open V w; V c on V closes(a)",
	 "a accepted; c accepted"},
	{"P9.11 closed twice", FOUR "W a on W part; W b on a closes(a); W c on b closes(a z)",
	 "a accepted; b accepted; c accepted-"},
};

static const struct row trunk_cases[] = {
	{"P8.10 an enrol beside an op",
	 "open W w; invite i e; mark m; join N n i; back m; grant g w e; W a on W; N b on N",
	 "a accepted; b not-whole"},
	{"P8.10 and the other way round",
	 "open W w; invite i e; mark m; grant g w e; mark o; back m; join N n i; back o; W a on W; "
	 "N b on N",
	 "a accepted; b not-whole"},
	{"P8.10 an op on an enrol, another beside it",
	 "open W w; invite i e; mark m; join N n i; grant h n s; back m; grant g w e; W a on W; N "
	 "b on N",
	 "a no-right; b not-whole"},
	{"P8.10 two enrols, an op on one",
	 "open W w; invite i e; invite j e; mark m; join N n i; back m; join O o j; grant g w e; "
	 "W a on W; N b on N; O c on O",
	 "a accepted; b not-whole; c accepted"},
	{"P8.10 two enrols alone: none yet",
	 "open W w; grant g w e; invite i e; invite j e; mark m; join N n i; back m; join O o j; "
	 "W a on W; N b on N; O c on O",
	 "a accepted; b not-whole; c not-whole"},
	{"P8.9 an invite is used once", "invite i e; join N n i; join O o i; N a on N; O b on O",
	 "a accepted; b not-whole"},
	{"P8.10 an op without effect is a branch as any other",
	 "open W w; mark m; grant g w e; back m; recover 0; W a on W", "a no-right"},
	{"P8.10 any root op settles",
	 "open W w; grant g w e; mark m; root 1; back m; narrow g w e; W a on W", "a accepted"},
	{"P8.10 the highest counter, known last",
	 "open W w; mark m; root 1; back m; grant g w e; root 2; W a on W", "a accepted"},
	{"P8.10 the highest counter, known first",
	 "open W w; mark m; grant g w e; root 2; back m; root 1; W a on W", "a accepted"},
	{"P8.10 two with one counter: only restrictions above",
	 "open W w; mark m; grant g w e; cut W at; root 1; back m; root 1; W a on W",
	 "a cut-branch"},
	{"P8.2 a root op whose counter is not above all below settles nothing",
	 "open W w; root 2; mark m; grant g w e; back m; recover 2; W a on W", "a no-right"},
	{"P8.10 one whose counter is",
	 "open W w; root 2; mark m; back m; recover 3; grant g w e; W a on W", "a accepted"},
	{"P8.6 too new: nothing from it on", "open W w; newer; grant g w e; W a on W",
	 "a no-right"},
	{"P8.6 redactions from it on",
	 "open W w; grant h w e; newer; W a on W lacks(1); redact a 1", "a accepted"},
};

/* In a project scope, where records of many organisations stand: a submitter w, a reviewer r. */
#define TWO "open W w; grant gw w s; open R r; grant gr r v; "

static const struct row project_cases[] = {
	{"P7.5 a submission", TWO "W a on W", "a accepted"},
	{"P7.5 an editor has no right here", "open W w; grant g w e; W a on W", "a no-right"},
	{"P8.8 whoever it is for", TWO "W a on W for(other)", "a accepted"},
	{"P9.9 for the same organisation", TWO "W a on W; cut W; R b on R adopt(a)",
	 "a accepted; b accepted"},
	{"P9.9 for another", TWO "W a on W for(other); cut W; R b on R adopt(a)",
	 "a cut; b accepted"},
	{"P9.9 that same other", TWO "W a on W for(other); cut W; R b on R adopt(a) for(other)",
	 "a accepted; b accepted"},
	{"P8.13 narrowed for one, not for another",
	 TWO "W a on W; W b on a for(other); narrow gw w s for other", "a accepted; b no-right"},
	{"P9.8 a submitter's consent", TWO "W a on W consent; R b on R proxy cite(a)",
	 "a accepted; b accepted"},
};

static void run_in(const struct row *rows, size_t count, bool project)
{
	for (size_t i = 0; i < count; i++)
		for (uint64_t seed = 0; seed < 12; seed++)
			script_check(rows[i].name, rows[i].script, rows[i].expect, project, seed);
}

static void run(const struct row *rows, size_t count)
{
	run_in(rows, count, false);
}

TEST(rules, whole)
{
	run(whole_cases, ARRAY_LEN(whole_cases));
}

TEST(rules, authentic)
{
	run(authentic_cases, ARRAY_LEN(authentic_cases));
}

TEST(rules, placed)
{
	run(place_cases, ARRAY_LEN(place_cases));
	run(cut_cases, ARRAY_LEN(cut_cases));
}

TEST(rules, entitled)
{
	run(right_cases, ARRAY_LEN(right_cases));
}

TEST(rules, grounds)
{
	run(ground_cases, ARRAY_LEN(ground_cases));
}

TEST(rules, shown)
{
	run(act_cases, ARRAY_LEN(act_cases));
}

TEST(rules, projects)
{
	run_in(project_cases, ARRAY_LEN(project_cases), true);
}

TEST(rules, trunk)
{
	run(trunk_cases, ARRAY_LEN(trunk_cases));
}

#!/usr/bin/env python3
"""The 総括表 of the real data, through real processes: what the sites wrote comes out at headquarters
item by item, the paper's every character is accounted for, a changed character changes the table by that
character, and `table` is what was last submitted while `--latest` is what may be read."""
import collections
import json
import os
import subprocess
import sys
import tempfile

import lib

CORP, LINK = "corporate-volunteering", "community-and-volunteer-link"
COLUMNS = ("achievement", "challenge", "next")
SHORT = {"chiiki": "（地域福祉部）", "tvac": "（TVAC）"}
DATA = json.load(open(os.path.join(lib.DATA, "soukatsu-2023-08.json"), encoding="utf-8"))
PAPER = open(os.path.join(lib.DATA, "soukatsu-2023-08.txt"), encoding="utf-8").read()


def soukatsu(site, *words, text=None, status=0):
    """Standard output of one command, as bytes; what it says where it is to be refused."""
    command = [os.path.join(lib.BUILD, "soukatsu"), "--data", site.data, *words]
    done = subprocess.run(command, input=text, capture_output=True, timeout=60,
                          env=dict(os.environ, LC_ALL="ja_JP.UTF-8"))
    assert done.returncode == status, (words, done.returncode, done.stderr.decode())
    return done.stdout if status == 0 else done.stderr


def paragraphs(site, *words):
    """(project, column, organisation, order, text, attribution) of each, as the table has them."""
    table = json.loads(soukatsu(site, "--json", "table", *words))
    return [(project["id"], cell["column"], p["organisation"], p["order"], p["text"], p["attribution"])
            for pillar in table["pillars"] for project in pillar["projects"]
            for cell in project["cells"] for p in cell["paragraphs"]]


def wanted(texts):
    """The same from the data; R-3 to R-6: an attribution only where several share the project."""
    rows = []
    for project in (CORP, LINK):
        for column in COLUMNS:
            for organisation in ("chiiki", "tvac"):
                rows += [(project, column, organisation, order, text,
                          SHORT[organisation] if project == LINK else None)
                         for order, text in enumerate(texts.get((project, column, organisation), []), 1)]
    return rows


def blankless(text):
    return "".join(text.split())


def drawn(site, *words):
    """(lines above the boxes, [[head, row] of each box as blankless cells], the last line)."""
    lines = soukatsu(site, "table", *words).decode().split("\n")
    above, boxes, last = [], [], ""
    for line in lines:
        if line.startswith("┌"):
            boxes.append([["", "", "", ""]])
        elif line.startswith("├"):
            boxes[-1].append(["", "", "", ""])
        elif line.startswith("│"):
            for i, cell in enumerate(line.strip("│").split("│")):
                boxes[-1][-1][i] += blankless(cell)
        elif line.startswith("└"):
            pass
        elif boxes:
            last += line
        else:
            above.append(line)
    return above, boxes, last


def take(paper, piece):
    """The paper without one occurrence of the piece, which must be there whole."""
    at = paper.find(piece)
    assert at >= 0, f"not on the paper: {piece}"
    return paper[:at] + "\n" + paper[at + len(piece):]


def check_paper(site):
    """Table, headings and page number are the paper's non-blank characters, each once."""
    above, boxes, last = drawn(site)
    rows = paragraphs(site)
    assert last.startswith("提出済み 3/3"), last
    assert len(boxes) == 2 and all(len(box) == 2 for box in boxes), boxes
    for project, (head, row) in zip((CORP, LINK), boxes):  # what is drawn is what the rows say
        for column, cell in zip(COLUMNS, row[1:]):
            said = "".join(blankless(r[4] + (r[5] or "")) for r in rows if r[:2] == (project, column))
            assert cell == said, (project, column, cell, said)
    pieces = [blankless(r[4] + (r[5] or "")) for r in rows]
    pieces += [blankless(line) for line in above if line.strip()]
    pieces += [cell for head, row in boxes for cell in [*head, row[0]] if cell]
    paper = blankless(PAPER)
    for piece in sorted(pieces, key=len, reverse=True):
        paper = take(paper, piece)
    assert paper.replace("\n", "") == "10", f"left over: {paper!r}"
    print(f"the paper: {len(blankless(PAPER))} characters in {len(pieces)} pieces and the page number")


def write(site, organisation):
    for item in DATA["items"]:
        if item["organisation"] == organisation:
            soukatsu(site, "item", "add", item["project"], item["column"], "--file", "-", "--by", "例",
                     text=item["text"].encode())


def edit(site, texts, key, order, text):
    place = "/".join((*key, str(order)))
    soukatsu(site, "item", "edit", place, "--file", "-", "--by", "例", text=text.encode())
    texts[key][order - 1] = text


def submit(site, *projects):
    for project in projects:
        soukatsu(site, "submit", project, "--by", "例")
    lib.level(site)


def characters(site, *words):
    return collections.Counter(soukatsu(site, "table", *words).decode())


def check_changes(hub, honkan, texts):
    """One character at a time: the table at headquarters changes by it and by nothing else."""
    key = (CORP, "next", "tvac")
    for name, change in (("𠮷", lambda t: t.replace("積", "𠮷", 1)), ("㌻", lambda t: t + "㌻"),
                         ("a trailing blank", lambda t: t + " "), ("a wide blank before", lambda t: "　" + t),
                         ("no NFC", lambda t: t + "か\u3099"), ("compatibility", lambda t: t + "①Ⅳ～３髙﨑㋿")):
        before, drawn_before = paragraphs(hub), characters(hub)
        old = texts[key][1]
        edit(honkan, texts, key, 2, change(old))
        submit(honkan, CORP)
        after = paragraphs(hub)
        assert after == wanted(texts), name
        changed = [i for i, (a, b) in enumerate(zip(before, after)) if a != b]
        assert len(changed) == 1 and after[changed[0]][4] == change(old), (name, changed)
        gained = characters(hub) - drawn_before
        new = collections.Counter(blankless(change(old))) - collections.Counter(blankless(old))
        for character, count in new.items():
            assert gained[character] == count, (name, character, gained[character], count)
        edit(honkan, texts, key, 2, old)
    submit(honkan, CORP)
    assert paragraphs(hub) == wanted(texts)


def check_submitted_and_latest(hub, honkan, chiiki, shinjuku, texts):
    """R9: `table` stands still until the next submission; --latest is what each site may read."""
    before = paragraphs(hub)
    soukatsu(honkan, "item", "add", LINK, "challenge", "--text", "例 未提出の段落", "--by", "例")
    soukatsu(honkan, "item", "move", f"{LINK}/next/tvac/3", "1", "--by", "例")
    lib.level(honkan)
    lib.level(chiiki)
    latest = {key: list(value) for key, value in texts.items()}
    latest[(LINK, "challenge", "tvac")].append("例 未提出の段落")
    latest[(LINK, "next", "tvac")].insert(0, latest[(LINK, "next", "tvac")].pop(2))
    for site in (hub, honkan, chiiki):
        responsible = (LINK,) if site is chiiki else (CORP, LINK)
        assert paragraphs(site) == [row for row in before if row[0] in responsible], site.name
    todo = f"{LINK} (地域福祉活動とボランティア活動の連携強化) 提出後に変更"
    assert todo in soukatsu(honkan, "status").decode(), "U-5: what is to be done"
    assert CORP not in soukatsu(honkan, "status").decode()
    assert "（TVAC：提出後に変更）" in drawn(hub)[1][1][1][0]
    assert paragraphs(hub, "--latest") == wanted(latest)
    own = [row for row in wanted(latest) if row[2] == "tvac"]
    assert [row for row in paragraphs(honkan, "--latest") if row[2] == "tvac"] == own
    for site in (chiiki, shinjuku):  # D-7: what TVAC has not submitted is nowhere at the others
        assert all("未提出の段落" not in row[4] for row in paragraphs(site, "--latest"))
    place = f"{LINK}/next/chiiki/1"  # R7: what one may not see is not said to be missing
    for words in (("item", "list", "--org", "chiiki"), ("item", "show", place),
                  ("item", "edit", place, "--text", "x", "--by", "例")):
        assert "閲覧の範囲外です。" in soukatsu(honkan, *words, status=77).decode(), words
    assert b"chiiki" in soukatsu(hub, "item", "list", "--org", "chiiki")
    assert paragraphs(shinjuku) == [] and paragraphs(shinjuku, "--latest") == []
    submit(honkan, LINK)
    assert paragraphs(hub) == wanted(latest)
    assert "提出後に変更" not in soukatsu(hub, "table").decode()
    texts.clear()
    texts.update(latest)


def run(root):
    hub, (honkan, chiiki, shinjuku) = lib.network(
        root, [("honkan", "tvac"), ("chiiki", "chiiki"), ("shinjuku", "w13104")])
    sites = [hub, honkan, chiiki, shinjuku]
    try:
        write(honkan, "tvac")
        write(chiiki, "chiiki")
        lib.level(honkan)
        assert paragraphs(hub) == [], "nothing is submitted yet"
        assert drawn(hub)[2].startswith("提出済み 0/3, 未提出 3")
        submit(honkan, CORP, LINK)
        submit(chiiki, LINK)
        texts = {}
        for item in DATA["items"]:
            texts.setdefault((item["project"], item["column"], item["organisation"]), []).append(item["text"])
        assert len(DATA["items"]) == 25 and paragraphs(hub) == wanted(texts)
        marks = [row[5] for row in paragraphs(hub) if row[0] == LINK]
        assert len(marks) == 17 and marks.count("（地域福祉部）") == 8 and marks.count("（TVAC）") == 9
        assert [row[5] for row in paragraphs(hub) if row[0] == CORP] == [None] * 8
        check_paper(hub)
        check_changes(hub, honkan, texts)
        check_submitted_and_latest(hub, honkan, chiiki, shinjuku, texts)
        print("headquarters' table holds")
    finally:
        for site in sites:
            if site.process is not None:
                site.end()


with tempfile.TemporaryDirectory() as folder:
    run(folder)
sys.exit(0)

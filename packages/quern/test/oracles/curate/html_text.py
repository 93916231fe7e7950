"""Holds the words of our texts of a dump's posts against those that Beautiful Soup finds in their HTML."""
import json, re, sys
from xml.etree.ElementTree import parse

from bs4 import BeautifulSoup

dump, texts = sys.argv[1:3]


def words(text):
    return re.findall(r"\w+", text)


ours = {}
with open(texts, encoding="utf8") as lines:
    for line in lines:
        question = json.loads(line)
        # The title comes first, on a line of its own.
        ours[question["id"]] = question["text"].split("\n\n", 1)[1] if "\n\n" in question["text"] else ""
        for answer in question["answers"]:
            ours[answer["id"]] = answer["text"]
different, posts = [], 0
for row in parse(f"{dump}/Posts.xml").getroot():
    if row.get("PostTypeId") not in ("1", "2"):
        continue
    posts += 1
    soup = BeautifulSoup(row.get("Body"), "html.parser")
    for items in soup.select("ol"):
        for number, item in enumerate(items.find_all("li", recursive=False), int(items.get("start", 1))):
            item.insert(0, f"{number}. ")
    expected = "".join(words(soup.get_text(" ")))
    joined = "".join(words(ours[f"beer.stackexchange.com/{row.get('Id')}"]))
    if joined != expected:
        different.append(f"{row.get('Id')}: {joined[:200]} / {expected[:200]}")
print(json.dumps({"posts": posts, "different": different}))

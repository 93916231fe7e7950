"""Holds the near-duplicates that a run left out against sets of runs of three words, made and compared here.

Prints the questions that are left although they share enough with another that is left, and the evidence that is wrong.
"""
import json, re, sys, unicodedata
from itertools import combinations

texts, dropped, least = sys.argv[1], sys.argv[2], float(sys.argv[3])


def shingles(text):
    plain = unicodedata.normalize("NFKC", text).lower()
    words = re.findall(r"[^\W_]+", plain)
    return {" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))}


def similarity(a, b):
    return len(a & b) / len(a | b)


with open(texts, encoding="utf8") as lines:
    sets = {question["id"]: shingles(question["text"]) for question in map(json.loads, lines)}
with open(dropped, encoding="utf8") as lines:
    gone = {each["id"]: each for each in map(json.loads, lines)}
left = [key for key in sets if key not in gone]
print(
    json.dumps(
        {
            "left": len(left),
            "alike": [[a, b] for a, b in combinations(left, 2) if similarity(sets[a], sets[b]) >= least],
            "wrong": [
                each
                for each in gone.values()
                if abs(similarity(sets[each["id"]], sets[each["like"]]) - each["similarity"]) > 0.00051
                or each["similarity"] < least
            ],
        }
    )
)

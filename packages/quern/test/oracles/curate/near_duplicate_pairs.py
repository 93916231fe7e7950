"""Finds the pairs of texts that share enough runs of three words, each with each, and those that MinHash finds.

Prints the pairs with their exact similarities, and the pairs of datasketch's LSH, which may miss some and have others.
"""
import json, sys, unicodedata
from itertools import combinations

from datasketch import MinHash, MinHashLSH

HAN = ("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH", "CJK RADICAL", "KANGXI RADICAL", "HANGZHOU NUMERAL")
OTHER_HAN = "\u3005\u3007\u303b"


def words(text):
    found, word = [], ""
    plain = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    for c in plain.lower() + " ":
        is_han = c in OTHER_HAN or unicodedata.name(c, "").startswith(HAN)
        if not is_han and unicodedata.category(c)[0] in "LMN":
            word += c
            continue
        if word:
            found.append(word)
            word = ""
        if is_han:
            found.append(c)
    return found


def runs(text):
    found = words(text)
    return {" ".join(found[i : i + 3]) for i in range(max(1, len(found) - 2))} if found else set()


def similarity(a, b):
    return len(a & b) / len(a | b) if a or b else 0


def min_hash(grams):
    made = MinHash(num_perm=128)
    made.update_batch([gram.encode("utf8") for gram in sorted(grams)])
    return made


with open(sys.argv[1], encoding="utf8") as file:
    given = json.load(file)
threshold = given["threshold"]
sets = [runs(text) for text in given["texts"]]
exact = [[i, j, similarity(sets[i], sets[j])] for i, j in combinations(range(len(sets)), 2)]

index = MinHashLSH(threshold=threshold, num_perm=128)
hashes = {i: min_hash(grams) for i, grams in enumerate(sets) if grams}
for i, made in hashes.items():
    index.insert(i, made)
lsh = sorted([i, j] for j, made in hashes.items() for i in index.query(made) if i < j)

print(json.dumps({"exact": [pair for pair in exact if pair[2] >= threshold], "lsh": lsh}))

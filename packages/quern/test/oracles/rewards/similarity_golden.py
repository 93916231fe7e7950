"""Golden values for src/reward/similarity-gain.ts: the published formula with NumPy, over the vectors of test/word-embedder.ts.

    python test/oracles/rewards/similarity_golden.py > test/golden/rewards/similarity.json

run in packages/quern; needs numpy. Agreement on real weights is checked by bench/reward.ts against sentence-transformers.
"""

import json
import re

import numpy as np

DIMENSIONS = 64
QUESTIONS = [
    "Why does bread go stale faster in the fridge than on the counter?",
    "How do birds find their way home over open sea?",
    "What makes some glues stick under water?",
]
POSITIVES = [
    ["Starch retrogradation is fastest just above freezing.", "Bread in the fridge goes stale as its starch turns back."],
    ["Pigeons and seabirds use the sun, smells over the sea and the field of the earth."],
    ["Mussels glue themselves to rocks under water with proteins.", "Most glues fail where water is.", "Stick to it!"],
]
COMPLETIONS = [
    "Starch in bread turns back to crystals, retrogradation, which is fastest in the cold of a fridge above freezing.",
    "Birds find home by the sun, by smells and by the magnetic field of the earth.",
    "Proteins of mussels stick to wet rocks.",
    "nothing of the kind",
]


def vector(text):
    found = np.zeros(DIMENSIONS)
    for word in re.findall(r"\w+", text.lower()):
        place = 0
        for letter in word:
            place = (place * 31 + ord(letter)) % DIMENSIONS
        found[place] += 1
    return found / np.linalg.norm(found)


def reward(query, completion, positives):
    documents = np.stack([vector(text) for text in positives])
    return float(10 * np.mean(documents @ vector(completion) - documents @ vector(query)))


print(
    json.dumps(
        [
            {"query": q, "completion": c, "positives": p, "reward": reward(q, c, p)}
            for q, p in zip(QUESTIONS, POSITIVES)
            for c in [*COMPLETIONS, q]
        ],
        indent=1,
    )
)

"""Golden values for src/search/rank-biased-overlap.ts, from the package rbo (its extrapolated form, equation 23).

    python -m venv venv && venv/bin/pip install -r test/oracles/overlap/requirements.txt
    venv/bin/python test/oracles/overlap/overlap_golden.py > test/golden/overlap/overlap.json

run in packages/quern. The same versions print the same file. Both rankings of a pair are of the same depth.
"""

import json
import random

import rbo

dice = random.Random(20251126)
cases = []
for depth in [1, 2, 3, 5, 10, 10, 10, 50, 100]:
    for pool in [depth, depth + 1, 2 * depth, 20 * depth]:
        for p in [0.5, 0.9, 0.98]:
            ids = [f"d{i}" for i in range(pool)]
            a, b = dice.sample(ids, depth), dice.sample(ids, depth)
            if dice.random() < 0.3:
                # Nearly the same: two neighbours change places.
                b = list(a)
                i = dice.randrange(depth)
                b[i - 1], b[i] = b[i], b[i - 1]
            overlap = rbo.RankingSimilarity(a, b).rbo_ext(p=p)
            cases.append({"a": a, "b": b, "p": p, "overlap": overlap})
print(json.dumps(cases))

"""Golden values for src/evaluate/rank-correlation.ts, from SciPy.

    venv/bin/python test/oracles/statistics/correlation_golden.py > test/golden/statistics/correlation.json

run in packages/quern, with the requirements of statistics_golden.py.
"""

import json

import numpy as np
from scipy import stats

rng = np.random.default_rng(20250602)


def case(n, decimals, noise):
    x = np.round(rng.normal(0, 1, n), decimals)
    y = np.round(x + rng.normal(0, noise, n), decimals)
    return {
        "x": x.tolist(),
        "y": y.tolist(),
        "kendall": stats.kendalltau(x, y).statistic,
        "spearman": stats.spearmanr(x, y).statistic,
    }


cases = [case(n, decimals, noise) for n in (2, 3, 5, 16, 201) for decimals in (0, 1, 6) for noise in (0.5, 5)]
print(json.dumps([each for each in cases if not np.isnan(each["kendall"])]))

"""Golden values for src/evaluate/statistics*.ts, from SciPy, statsmodels and mpmath.

    python -m venv venv && venv/bin/pip install -r test/oracles/statistics/requirements.txt
    venv/bin/python test/oracles/statistics/statistics_golden.py > test/golden/statistics/statistics.json

run in packages/quern. The same versions print the same file.
"""

import json

import mpmath
import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

rng = np.random.default_rng(20250601)


def paired(n, shift, zeros=0):
    """Values of n topics in [0, 1], of two decimals where n > 5, so that many differences agree; `zeros` topics tie."""
    decimals = 2 if n > 5 else 4
    baseline = np.round(rng.beta(1.2, 2.0, n), decimals)
    other = np.round(np.clip(baseline + rng.normal(shift, 0.15, n), 0, 1), decimals)
    other[:zeros] = baseline[:zeros]
    return baseline, other


def comparison(n, shift, zeros=0):
    baseline, other = paired(n, shift, zeros)
    d = other - baseline
    t = stats.ttest_rel(other, baseline)
    interval = t.confidence_interval(0.95)
    exact = np.count_nonzero(np.abs(d) >= 1e-9) <= 16 and n <= 18
    permutation = stats.permutation_test(
        (d,),
        np.sum,
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf if exact else 1_000_000,
        batch=10_000,
        rng=rng,
    )
    return {
        "baseline": baseline.tolist(),
        "other": other.tolist(),
        "difference": float(d.mean()),
        "t": float(t.statistic),
        "p": float(t.pvalue),
        "interval": [float(interval.low), float(interval.high)],
        "effectSize": float(d.mean() / d.std(ddof=1)),
        "randomisation": {"p": float(permutation.pvalue), "exact": bool(exact)},
    }


def bootstrap(n):
    values = np.round(rng.beta(1.2, 2.0, n), 3)
    interval = stats.bootstrap(
        (values,), np.mean, n_resamples=200_000, batch=10_000, method="percentile", rng=rng
    ).confidence_interval
    return {
        "values": values.tolist(),
        "interval": [float(interval.low), float(interval.high)],
        "standardError": float(values.std(ddof=1) / np.sqrt(n)),
    }


def holm(n):
    p = np.round(rng.beta(0.4, 2.0, n), 4)
    return {"p": p.tolist(), "adjusted": multipletests(p, method="holm")[1].tolist()}


def two_sided_p(t, df):
    """To 40 digits: SciPy 1.17 is off by 3e-11 at t = 1e-6, df = 1."""
    with mpmath.workdps(40):
        x = df / (df + mpmath.mpf(t) ** 2)
        return float(mpmath.betainc(mpmath.mpf(df) / 2, 0.5, 0, x, regularized=True))


degrees = [1, 2, 3, 5, 10, 19, 20, 75, 1383, 100_000]
print(
    json.dumps(
        {
            "student": [
                {"t": t, "degreesOfFreedom": df, "p": two_sided_p(t, df)}
                for df in degrees
                for t in [1e-6, 0.01, 0.3, 1.0, 1.96, 2.5, 4.0, 9.0, 30.0]
            ],
            "quantiles": [
                {"p": p, "degreesOfFreedom": df, "t": float(stats.t.isf(p / 2, df))}
                for df in degrees
                for p in [0.9, 0.05, 0.001]
            ],
            "comparisons": [
                comparison(n, shift, zeros)
                for n, shift, zeros in [
                    (2, 0.1, 0),
                    (3, 0.2, 0),
                    (5, 0.0, 1),
                    (10, 0.08, 0),
                    (16, 0.05, 0),
                    (18, 0.05, 3),
                    (30, 0.05, 4),
                    (76, 0.03, 10),
                    (120, 0.0, 0),
                ]
            ],
            "bootstraps": [bootstrap(n) for n in (12, 76)],
            "holm": [holm(n) for n in (1, 2, 5, 12)] + [
                {"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()}
                for p in ([0.01, 0.01, 0.01, 0.5, 0.5], [1.0, 1.0, 0.9])
            ],
        }
    )
)

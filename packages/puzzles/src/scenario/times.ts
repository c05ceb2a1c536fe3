import type { Rng } from "@gumshoe/core";

const MINUTES_PER_DAY = 24 * 60;
const STEPS_MIN = [15, 30, 60];

/**
 * Draws the times of a night, one step apart, in order. Midnight is always one of them, and so is the
 * step before it when there are two or more.
 */
export function drawTimes(rng: Rng, count: number): string[] {
  const stepMin = rng.pick(STEPS_MIN);
  let first = count > 1 ? -1 : 0;
  for (let left = count - 2; left > 0; left--) {
    if (rng.chance(0.5)) first--;
  }
  return Array.from({ length: count }, (_, index) => clockLabel((first + index) * stepMin));
}

/** Formats minutes after midnight (negative: before) as "11:45 PM". */
function clockLabel(minutes: number): string {
  const ofDay = ((minutes % MINUTES_PER_DAY) + MINUTES_PER_DAY) % MINUTES_PER_DAY;
  const hour = Math.floor(ofDay / 60);
  const twelve = hour % 12 === 0 ? 12 : hour % 12;
  const pad = (value: number) => String(value).padStart(2, "0");
  return `${pad(twelve)}:${pad(ofDay % 60)} ${hour < 12 ? "AM" : "PM"}`;
}

/** The colours of the style sheet, for what is drawn on a canvas or saved to a file. */
import { signal } from "@preact/signals";

/** Number of colours for curves; the ninth curve begins again with the first. */
const NUM_SERIES_COLORS = 8;

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Is true while the reader's system prefers dark; drawings are made again when it changes. */
export const isDark = signal(dark.matches);
dark.addEventListener("change", () => (isDark.value = dark.matches));

/** Returns the value of a custom property of the style sheet, e.g. `--grid`. */
export function styleColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Returns the custom property of a curve's colour. */
export function seriesColor(index: number): string {
  return `--series-${(index % NUM_SERIES_COLORS) + 1}`;
}

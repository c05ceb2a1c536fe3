import { formatReward } from "../terminal/format.js";
import { drawBar, type StatusLine } from "../terminal/progress-bar.js";

const BAR_WIDTH = 24;

/** Returns a listener that shows how many answers an evaluation has, and their score so far. */
export function showProgress(
  status: StatusLine,
  label = "",
): (done: number, total: number, score: number | null) => void {
  return (done, total, score) => {
    const shown = score === null ? "" : `  score ${formatReward(score)}`;
    status.set(`${label}${drawBar(done / total, BAR_WIDTH)}  ${done}/${total} answers${shown}`);
  };
}

import type { LossMetrics } from "@gumshoe/grpo";
import { type CompleteLaneRequest, laneKey } from "@gumshoe/protocol";

import { MalformedLaneError } from "../errors.js";

const DIGEST = /^[0-9a-f]{64}$/;
const MAX_WORKER_ID = 100;
const MAX_GROUP_KEY = 200;

/**
 * Checks a trainer's report of a lane, and returns its metrics. Sums may be infinite or NaN: the
 * run then ends as diverged.
 *
 * @param numLanes  lanes of the update
 * @throws MalformedLaneError
 */
export function checkLane(request: CompleteLaneRequest, numLanes: number): LossMetrics {
  const { update, lane, workerId, gradientDigest, metrics } = request;
  const refuse = (problem: string): never => {
    throw new MalformedLaneError(laneKey(update, lane), problem, workerId);
  };
  if (lane >= numLanes) refuse(`the update has ${numLanes} lanes`);
  if (workerId.length > MAX_WORKER_ID) refuse("the worker's id is too long");
  if (!DIGEST.test(gradientDigest)) refuse("the gradient's digest is no SHA-256");
  if (metrics === undefined) return refuse("its metrics are missing");
  const { logprobGapMax, logprobGapAt } = metrics;
  if (!Number.isFinite(logprobGapMax) || logprobGapMax < 0) {
    refuse(`the log-prob gap is ${logprobGapMax}`);
  }
  if ((logprobGapAt?.groupKey.length ?? 0) > MAX_GROUP_KEY) {
    refuse("the group of the log-prob gap has a name that is too long");
  }
  return { ...metrics, logprobGapAt: logprobGapAt ?? null };
}

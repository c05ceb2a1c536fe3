import { errorMessage } from "@gumshoe/core";
import { type LossMetrics } from "@gumshoe/grpo";
import { type CompleteLaneRequest, LaneMetrics, laneKey } from "@gumshoe/protocol";

import { MalformedLaneError } from "../errors.js";

const DIGEST = /^[0-9a-f]{64}$/;
const MAX_WORKER_ID = 100;
/** Longest place of a gap, in characters: `<group key> rollout <r> token <t>`. */
const MAX_PLACE = 200;

/**
 * Checks a trainer's report of a lane, and returns its metrics.
 *
 * @param numLanes  lanes of the update
 * @throws MalformedLaneError
 */
export function checkLane(request: CompleteLaneRequest, numLanes: number): LossMetrics {
  const { update, lane, workerId, gradientDigest, logprobGapMax, logprobGapAt } = request;
  const refuse = (problem: string): never => {
    throw new MalformedLaneError(laneKey(update, lane), problem, workerId);
  };
  if (lane >= numLanes) refuse(`the update has ${numLanes} lanes`);
  if (workerId.length > MAX_WORKER_ID) refuse("the worker's id is too long");
  if (!DIGEST.test(gradientDigest)) refuse("the gradient's digest is no SHA-256");
  if (!Number.isFinite(logprobGapMax) || logprobGapMax < 0) {
    refuse(`the log-prob gap is ${logprobGapMax}`);
  }
  if (logprobGapAt.length > MAX_PLACE) refuse("the place of the log-prob gap is too long");
  let json: unknown;
  try {
    json = JSON.parse(request.metricsJson);
  } catch (cause) {
    refuse(`its metrics are not JSON: ${errorMessage(cause).slice(0, MAX_PLACE)}`);
  }
  const parsed = LaneMetrics.safeParse(json);
  if (parsed.success) return parsed.data;
  const field = parsed.error.issues[0]?.path.map(String).join(".") ?? "";
  return refuse(`its metric ${field || "object"} is not what a trainer reports`);
}

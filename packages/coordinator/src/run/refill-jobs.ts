import type { Logger } from "@gumshoe/core";
import { type JobQueue, RedisKeyError } from "@gumshoe/queue";

import type { LaneCollector } from "../learn/lane-collector.js";
import type { GroupCollector } from "../sample/group-collector.js";
import { deadJobError } from "./dead-job-error.js";

/** Puts back open jobs that Redis has lost, and ends the run if a job failed for good. */
export async function refillJobs(
  { sampling, lanes }: { readonly sampling: GroupCollector; readonly lanes: LaneCollector },
  {
    rolloutQueue,
    gradientQueue,
    logger,
  }: {
    readonly rolloutQueue: JobQueue<"rollout">;
    readonly gradientQueue: JobQueue<"gradient">;
    readonly logger: Logger;
  },
): Promise<void> {
  try {
    const groups = await rolloutQueue.ensure(sampling.openJobs, (job) => sampling.isOpen(job));
    const open = await gradientQueue.ensure(lanes.openJobs);
    if (groups.dead.length > 0) sampling.fail(await deadJobError(rolloutQueue, groups.dead));
    if (open.dead.length > 0) lanes.fail(await deadJobError(gradientQueue, open.dead));
    const added = groups.added + open.added;
    if (added > 0) logger.info({ added }, "jobs that the queue had lost were added again");
    await rolloutQueue.checkKeys();
  } catch (error) {
    if (error instanceof RedisKeyError) {
      sampling.fail(error);
      lanes.fail(error);
    }
    logger.debug({ err: error }, "cannot compare the queues");
  }
}

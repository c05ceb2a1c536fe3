export { type Disposition, dispositionOf } from "./disposition.js";
export {
  FenceHeldError,
  JobWithdrawnError,
  LeaseLostError,
  RedisKeyError,
  RedisPasswordError,
  RedisRefusedError,
  RedisTlsError,
  RedisUnavailableError,
  WorkerStoppingError,
} from "./errors.js";
export { Fence, type FenceOptions } from "./fence.js";
export { jobKey } from "./job-id.js";
export { type DeadLetter, type JobCounts, JobQueue } from "./job-queue.js";
export {
  type JobContext,
  type JobHandler,
  JobWorker,
  type JobWorkerOptions,
} from "./job-worker.js";
export { readRedisTls, readRedisUrl, type RedisTls } from "./redis-url.js";
export { RedisLink, type RedisLinkOptions } from "./redis-link.js";

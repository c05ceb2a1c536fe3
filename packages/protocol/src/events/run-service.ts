import { type RunEvent, RunServiceService } from "../gen/gumshoe/v1/run.js";

const encoded = new WeakMap<RunEvent, Buffer>();

/** Encodes an event, and caches the bytes: one event may go to many watchers. */
function encodeRunEvent(event: RunEvent): Buffer {
  let bytes = encoded.get(event);
  if (bytes === undefined) {
    bytes = RunServiceService.watchRun.responseSerialize(event);
    encoded.set(event, bytes);
  }
  return bytes;
}

/** RunService; a RunEvent object that is sent again is not encoded again. */
export const RunService = {
  ...RunServiceService,
  watchRun: { ...RunServiceService.watchRun, responseSerialize: encodeRunEvent },
} as const;

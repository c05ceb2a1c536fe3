import { type RunEvent, RunServiceService } from "../gen/gumshoe/v1/run.js";

const encoded = new WeakMap<RunEvent, Buffer>();

/** Encodes an event; one that goes to many watchers is encoded once. */
function encodeRunEvent(event: RunEvent): Buffer {
  let bytes = encoded.get(event);
  if (bytes === undefined) {
    bytes = RunServiceService.watchRun.responseSerialize(event);
    encoded.set(event, bytes);
  }
  return bytes;
}

/** RunService; an event that is sent again, the same object, is not encoded again. */
export const RunService = {
  ...RunServiceService,
  watchRun: { ...RunServiceService.watchRun, responseSerialize: encodeRunEvent },
} as const;

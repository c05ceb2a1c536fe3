export { WatchLostError } from "./errors.js";
export { DEFAULT_ADDRESS, GumshoeClient, type GumshoeClientOptions } from "./gumshoe-client.js";
export { type RunInfo, type RunStateName } from "./run-info.js";
export { type WatchOptions } from "./watch.js";

export { MonitorAwayError } from "./errors.js";
export { Feeds, type FeedsOptions } from "./feed/feeds.js";
export {
  type Monitor,
  type MonitoredRun,
  type MonitorSession,
  type Outcome,
  type Point,
  type Position,
  type Work,
} from "./monitor.js";
export { type MonitorSettings, readMonitors } from "./monitor-settings.js";
export { openMonitors } from "./open-monitors.js";

/**
 * `npm run hostile -- --calls 10000 --flood-seconds 5`: sends a coordinator calls without the
 * token, then floods of frames, headers and connections. Measures its memory, its event-loop delay,
 * and the response time for a caller with the token. Prints one JSON document.
 *
 * - `eventLoopDelayMaxMs` is wall time: on a busy machine it includes waiting for a core.
 * - The coordinator and its Redis are separate processes, restarted for each flood.
 */
import { parseArgs } from "node:util";

import { floodGrpc, floodHttp } from "./hostile/calls.mjs";
import { CoordinatorProcess } from "./hostile/coordinator.mjs";
import { FLOODS } from "./hostile/floods.mjs";

const HELP = `Usage: npm run hostile -- [options]

Send a coordinator calls without the token, then floods; measure its memory and its event loop.

Options:
  --calls <n>          calls without the token (default: 10000)
  --flood-seconds <n>  of each flood, 0 for none (default: 5)
  --help               show this`;

/** Interval at which a caller with the token requests the status during a flood, in ms. */
const ASK_EVERY_MS = 100;

/** Makes calls with the token until `work` ends; returns the longest response time, in ms. */
async function askBeside(coordinator, work) {
  let isOver = false;
  const end = work.finally(() => (isOver = true));
  let longestMs = 0;
  while (!isOver) {
    const begunMs = performance.now();
    await coordinator.status();
    longestMs = Math.max(longestMs, performance.now() - begunMs);
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
  await end;
  return Math.round(longestMs);
}

async function tryFlood({ name, run }, seconds) {
  const coordinator = await CoordinatorProcess.start();
  try {
    await coordinator.status();
    const untilMs = performance.now() + seconds * 1000;
    const addresses = { grpc: coordinator.address, http: coordinator.httpAddress };
    const longestAnswerMs = await askBeside(coordinator, run(addresses, untilMs));
    const peakMb = coordinator.memoryMb("VmHWM");
    const { eventLoopDelayMaxMs } = await coordinator.status();
    const { numDescriptors: descriptors, numLogLines: logLines } = coordinator;
    return { name, peakMb, eventLoopDelayMaxMs, longestAnswerMs, descriptors, logLines };
  } finally {
    await coordinator.stop();
  }
}

async function tryCalls(numCalls) {
  const coordinator = await CoordinatorProcess.start();
  try {
    await coordinator.status();
    const before = coordinator.memoryMb("VmRSS");
    const begunMs = performance.now();
    const [answers] = await Promise.all([
      floodGrpc(coordinator.address, numCalls),
      floodHttp(coordinator.httpAddress, Math.ceil(numCalls / 50)),
    ]);
    const seconds = Number(((performance.now() - begunMs) / 1000).toFixed(1));
    const { eventLoopDelayMaxMs } = await coordinator.status();
    const [peak, after] = [coordinator.memoryMb("VmHWM"), coordinator.memoryMb("VmRSS")];
    const memoryMb = { before, peak, after };
    const logLines = coordinator.numLogLines;
    return { calls: numCalls, seconds, memoryMb, eventLoopDelayMaxMs, answers, logLines };
  } finally {
    await coordinator.stop();
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      calls: { type: "string", default: "10000" },
      "flood-seconds": { type: "string", default: "5" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return;
  }
  const calls = await tryCalls(Number(values.calls));
  const floods = [];
  const seconds = Number(values["flood-seconds"]);
  if (seconds > 0) for (const flood of FLOODS) floods.push(await tryFlood(flood, seconds));
  process.stdout.write(`${JSON.stringify({ ...calls, floods }, null, 2)}\n`);
}

await main();

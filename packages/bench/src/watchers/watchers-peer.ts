/**
 * The watchers of `gumshoe bench watchers`, in one process: each has its own connection, like
 * separate users. They only count events. Ends with its parent.
 */
import { RunService } from "@gumshoe/protocol";
import { RpcChannel, WATCH_GATHER_MS } from "@gumshoe/rpc";

import type { WatchersReport, WatchersRequest } from "./watchers.js";

const MICROSECONDS_PER_SECOND = 1e6;

function send(report: WatchersReport): void {
  process.send?.(report);
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / MICROSECONDS_PER_SECOND;
}

/**
 * Watches a run to its end; reports when all watchers have the first event, and the later counts.
 */
async function watch({ run, address, token, watchers }: WatchersRequest): Promise<void> {
  let numJoined = 0;
  let numEvents = 0;
  let startSeconds = 0;
  const join = () => {
    numJoined += 1;
    if (numJoined < watchers) return;
    send({ type: "joined", atMs: Date.now() });
    numEvents = 0;
    startSeconds = processorSeconds();
  };
  const seen = await Promise.all(
    Array.from({ length: watchers }, async () => {
      const channel = new RpcChannel(address, { token });
      const request = { name: run, fromEvent: 0, gatherMs: WATCH_GATHER_MS };
      const atMs: number[] = [];
      try {
        for await (const message of channel.client(RunService).watchRun(request)) {
          if (atMs.length === 0) join();
          numEvents += 1 + message.later.length;
          for (const event of [message, ...message.later]) atMs.push(event.atMs);
        }
      } finally {
        channel.close();
      }
      return atMs;
    }),
  );
  const seconds = processorSeconds() - startSeconds;
  send({ type: "ended", eventsAtMs: seen[0] ?? [], secondsPerEvent: seconds / numEvents });
}

process.on("disconnect", () => process.exit(0));
process.on("message", (request: WatchersRequest) => void watch(request));

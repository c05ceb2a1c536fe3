/** Servers of tasks that are away: a run waits for them, however long and often. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";

import { createLogger, systemClock } from "@gumshoe/core";
import { SourceAwayError } from "@gumshoe/environments";
import { afterEach, beforeEach, expect, test } from "vitest";

import { RunRetries, type RetryOptions } from "./run-retries.js";

let server: Server;
let error: SourceAwayError;
beforeEach(async () => {
  server = await listen(0);
  const { port } = server.address() as AddressInfo;
  const place = { field: "tasks.source.url", url: `http://127.0.0.1:${port}/task` };
  error = new SourceAwayError(place, "cannot be reached");
});
afterEach(end);

/** Starts a server that knows only POST, as many do. */
async function listen(port: number): Promise<Server> {
  const started = createServer((request, response) => {
    response.writeHead(request.method === "POST" ? 200 : 501).end();
  });
  started.listen(port, "127.0.0.1");
  await once(started, "listening");
  return started;
}

async function end(): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

function retriesWith(notes: (string | null)[]): RunRetries {
  return new RunRetries({
    record: { config: { name: "r" }, folder: tmpdir(), events: { lastNumber: 1 } },
    clock: {
      ...systemClock,
      sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 20), signal),
    },
    logger: createLogger("test", "silent"),
    untilRedis: () => Promise.resolve(),
    diskWaitMs: 0,
    onWait: (note: string | null) => notes.push(note),
  } as unknown as RetryOptions);
}

test("a server is waited for by its URL until it answers, however often it is away", async () => {
  const notes: (string | null)[] = [];
  const retries = retriesWith(notes);
  const { signal } = new AbortController();
  const { port } = server.address() as AddressInfo;
  await end();
  let isOver = false;
  const over = retries.after(error, 0, signal).then(() => (isOver = true));
  await systemClock.sleep(300);
  expect(isOver).toBe(false);
  expect(notes).toEqual([`tasks.source.url: ${error.url} cannot be reached`]);
  server = await listen(port);
  await over;
  expect(notes.at(-1)).toBeNull();
  for (let i = 0; i < 30; i++) await retries.after(error, 0, signal);
});

test("a run that is cancelled while its server is away stops waiting", async () => {
  await end();
  const stop = new AbortController();
  const waiting = retriesWith([]).after(error, 0, stop.signal);
  await systemClock.sleep(50);
  stop.abort(new Error("cancelled"));
  await expect(waiting).rejects.toThrow("cancelled");
  server = await listen(0);
});

import { afterEach, expect, test } from "vitest";

import { errnoOf } from "./disk.js";
import { ClusterError, InvalidArgumentError } from "./errors.js";
import { ThreadCalls } from "./thread-calls.js";

// Worker threads can only run built files.
const SERVER = new URL("../dist/index.js", import.meta.url).href;

interface Calls {
  double: { argument: number; answer: number };
  sum: { argument: Float32Array; answer: Float32Array };
  slow: { argument: null; answer: string };
  fail: { argument: "cluster" | "system" | "bug"; answer: null };
  end: { argument: null; answer: null };
  native: { argument: null; answer: null };
}

const PROGRAM = `
  import { spawnSync } from "node:child_process";
  import { readFileSync } from "node:fs";
  import { InvalidArgumentError, serveCalls } from ${JSON.stringify(SERVER)};
  const failures = {
    cluster: () => { throw new InvalidArgumentError("seed", "must be whole"); },
    system: () => readFileSync("/none/such"),
    bug: () => { throw new TypeError("a bug"); },
  };
  const notify = serveCalls({
    double: (value) => 2 * value,
    sum: (values) => values.map((value) => value + 1),
    slow: (_, { signal }) => new Promise(() => {
      notify("started");
      signal.addEventListener("abort", () => notify("aborted"));
    }),
    fail: (kind) => failures[kind](),
    end: () => process.exit(0),
    native: () => {
      notify("started");
      // As native code does, it cannot be ended before it returns.
      spawnSync("sleep", ["4"]);
    },
  });
`;

const threads: ThreadCalls<Calls, string>[] = [];
afterEach(() => Promise.all(threads.splice(0).map((thread) => thread.stop())));

function start(more: { onNotice?: (notice: string) => void; onLost?: () => void } = {}) {
  const module = new URL(`data:text/javascript,${encodeURIComponent(PROGRAM)}`);
  const toEndError = (problem: string) => new ClusterError("UNAVAILABLE", `the thread ${problem}`);
  const thread = new ThreadCalls<Calls, string>(module, { toEndError, ...more });
  threads.push(thread);
  return thread;
}

test("every call gets its own response, typed arrays included", async () => {
  const thread = start();
  const values = Float32Array.of(1, 2);
  const [four, sums] = await Promise.all([thread.call("double", 2), thread.call("sum", values)]);
  expect(four).toBe(4);
  expect(sums).toEqual(Float32Array.of(2, 3));
});

test("an error keeps its code, its details and the system error that caused it", async () => {
  const thread = start();
  const failed = (kind: "cluster" | "system" | "bug") =>
    thread.call("fail", kind).catch((error: unknown) => error as Error);
  const cluster = await failed("cluster");
  expect(cluster).toBeInstanceOf(ClusterError);
  expect(cluster).toMatchObject({ code: "INVALID_ARGUMENT", details: { field: "seed" } });
  expect((cluster as Error).message).toBe(
    new InvalidArgumentError("seed", "must be whole").message,
  );
  expect(errnoOf(await failed("system"))).toBe("ENOENT");
  const bug = await failed("bug");
  expect(bug).not.toBeInstanceOf(ClusterError);
  expect((bug as Error).stack).toContain("at Object.bug");
});

test("an aborted call rejects at once, and its handler's signal is aborted", async () => {
  const controller = new AbortController();
  const notices: string[] = [];
  let stopWaiting: () => void = () => undefined;
  const aborted = new Promise<void>((resolve) => (stopWaiting = resolve));
  const onNotice = (notice: string) => {
    notices.push(notice);
    if (notice === "started") controller.abort(new Error("not wanted"));
    else stopWaiting();
  };
  const call = start({ onNotice }).call("slow", null, { signal: controller.signal });
  await expect(call).rejects.toThrow("not wanted");
  await aborted;
  expect(notices).toEqual(["started", "aborted"]);
});

test("pending calls fail when the thread ends, and so do later ones", async () => {
  let numLost = 0;
  const ended = start({ onLost: () => (numLost += 1) });
  const open = ended.call("slow", null);
  await expect(ended.call("end", null)).rejects.toThrow("the thread has ended");
  await expect(open).rejects.toThrow("the thread has ended");
  await expect(ended.call("double", 1)).rejects.toThrow("the thread has ended");
  expect(numLost).toBe(1);

  const stopped = start({ onLost: () => (numLost += 1) });
  const unanswered = expect(stopped.call("slow", null)).rejects.toThrow("the thread was stopped");
  await stopped.stop();
  await unanswered;
  expect(numLost).toBe(1);
});

test("a thread that native code holds is waited for no longer than its budget", async () => {
  let isStarted: () => void = () => undefined;
  const started = new Promise<void>((resolve) => (isStarted = resolve));
  const thread = start({ onNotice: () => isStarted() });
  const unanswered = expect(thread.call("native", null)).rejects.toThrow("was stopped");
  await started;
  const begun = performance.now();
  await thread.stop(100);
  expect(performance.now() - begun).toBeLessThan(3000);
  await unanswered;
});

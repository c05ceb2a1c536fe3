/**
 * Entry point of a module's process: loads the module, then serves calls. The process may be killed at any
 * moment, even in the middle of the module's code.
 */
import { types } from "node:util";
import { Worker } from "node:worker_threads";

import { errorMessage, Rng } from "@gumshoe/core";

import type { ModuleTask, UserEnvironment } from "../user-environment.js";
import type { ModuleMessage, ModuleRequest, ModuleStart, Outcome } from "./messages.js";

/**
 * Kills this process once its parent is gone: after `kill -9` of the parent, a module that loops would run for
 * ever. A thread, since a loop keeps the event loop of the main thread from noticing.
 */
const WATCHDOG = `
  setInterval(() => {
    if (process.ppid !== ${process.ppid}) process.kill(process.pid, "SIGKILL");
  }, 500);
`;

// Protect against accidents: `kill(0)` would end all processes of the cluster on this machine.
const kill = process.kill.bind(process);
process.kill = (pid, signal) => {
  const isOfCluster = pid === process.ppid || pid <= 0;
  if (isOfCluster && signal !== 0) throw new Error("a module cannot end processes of the cluster");
  return kill(pid, signal);
};

let hasFailed = false;

/** After a failure no result counts: the call that it belongs to may be any of them. */
function post(message: ModuleMessage): void {
  if (!hasFailed) process.send?.(message);
}

process.on("uncaughtException", (error) => {
  if (hasFailed) return;
  process.send?.({ type: "failed", text: textOf(error) } satisfies ModuleMessage, () =>
    process.exit(1),
  );
  hasFailed = true;
});
process.on("disconnect", () => process.exit(0));
new Worker(WATCHDOG, { eval: true }).unref();

/** The methods that grade, of which a module has one. */
const GRADERS = ["grade", "gradeGroup", "step"] as const;

/** Loads the module; returns a text if it cannot be used. */
async function open({ url, part, options }: ModuleStart): Promise<UserEnvironment | string> {
  let exports: Record<string, unknown>;
  try {
    exports = (await import(url)) as Record<string, unknown>;
  } catch (error) {
    return `cannot be loaded: ${textOf(error)}`;
  }
  const { createEnvironment } = exports;
  if (typeof createEnvironment !== "function") {
    const found = Object.keys(exports).join(", ") || "nothing";
    return `must export a function createEnvironment, but exports ${found}`;
  }
  let made: unknown;
  try {
    made = await (createEnvironment as (options: unknown) => unknown)(options);
  } catch (error) {
    return `createEnvironment failed: ${textOf(error)}`;
  }
  const given = (made ?? {}) as Partial<UserEnvironment>;
  if (typeof given.task !== "function" && part === "environment") {
    return "createEnvironment must return an object with task()";
  }
  const names = part === "environment" ? GRADERS : GRADERS.filter((name) => name !== "step");
  const [first, second] = names.filter((name) => typeof given[name] === "function");
  if (first === undefined) {
    const listed = names.map((name) => `${name}()`).join(" or ");
    return `createEnvironment must return an object with ${listed}`;
  }
  if (second !== undefined) return `has both ${first}() and ${second}(): keep one of them`;
  return made as UserEnvironment;
}

/**
 * Characters of a result as JSON: eight times what a task's messages may have. Results wait in the heap of the
 * parent process, which no limit of the module bounds.
 */
const MAX_RESULT = 8_000_000;
/** Characters of an error's text. */
const MAX_TEXT = 10_000;

type Replacer = (key: string, value: unknown) => unknown;

/** Calls user code; the result takes a JSON round trip, as it will between processes. */
async function attempt(replacer: Replacer, work: () => unknown): Promise<Outcome> {
  try {
    const value = await work();
    const text = JSON.stringify(value, replacer) as string | undefined;
    if (text !== undefined && text.length > MAX_RESULT) {
      throw new RangeError(`returned ${text.length} characters as JSON, at most ${MAX_RESULT}`);
    }
    return { ok: true, value: text === undefined ? undefined : (JSON.parse(text) as unknown) };
  } catch (error) {
    return { ok: false, text: textOf(error) };
  }
}

/** Any value can be thrown, and converting it to text may throw as well. */
function textOf(error: unknown): string {
  try {
    return String(errorMessage(error)).slice(0, MAX_TEXT) || "an error without a message";
  } catch {
    return "something that has no text";
  }
}

/** JSON has no NaN and no Infinity: they become texts, which no check accepts as numbers. */
function keepNumbers(_key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return typeof value === "bigint" ? `${value}n` : value;
}

/** Objects that JSON writes as `{}`, or as an object of their bytes. */
const NO_JSON: Readonly<Record<string, (value: unknown) => boolean>> = {
  "a Map": types.isMap,
  "a Set": types.isSet,
  "a RegExp": types.isRegExp,
  "a Promise (await it)": types.isPromise,
  "an ArrayBuffer or a view of one": (value) =>
    types.isAnyArrayBuffer(value) || types.isArrayBufferView(value),
  "an Error": types.isNativeError,
};

/** Rejects values that JSON cannot represent: they would be changed or dropped silently. */
function onlyJson(key: string, value: unknown): unknown {
  const type = typeof value;
  if (type === "bigint" || type === "function" || type === "symbol") {
    throw new TypeError(`${key} is a ${type}: tasks and states are JSON`);
  }
  if (type === "number" && !Number.isFinite(value)) {
    throw new TypeError(`${key} is ${String(value)}: tasks and states are JSON`);
  }
  const kind = Object.entries(NO_JSON).find(([, isKind]) => isKind(value))?.[0];
  if (kind !== undefined) throw new TypeError(`${key} is ${kind}: tasks and states are JSON`);
  return value;
}

/** Runs a step; throws if JSON cannot represent its state, which comes back with the next one. */
async function step(
  user: UserEnvironment,
  { task, reply, turn }: Extract<ModuleRequest, { call: "step" }>,
): Promise<unknown> {
  const made: unknown = await user.step?.(task as ModuleTask, reply, turn);
  const { state } = (made ?? {}) as { readonly state?: unknown };
  JSON.stringify({ state }, onlyJson);
  return made;
}

function answer(user: UserEnvironment, id: number, request: ModuleRequest): void {
  const replacer = request.call === "task" ? onlyJson : keepNumbers;
  // Node.js reports an unhandled rejection before the next immediate runs, so that such a call yields
  // no result.
  const result = (index: number, work: () => unknown) =>
    void attempt(replacer, work).then((outcome) =>
      setImmediate(() => post({ type: "result", id, index, outcome })),
    );
  switch (request.call) {
    case "task": {
      const { index, key } = request;
      result(0, () => user.task({ index, rng: new Rng(...key) }));
      return;
    }
    case "grade":
      for (const [index, reply] of request.replies.entries()) {
        result(index, () => user.grade?.(structuredClone(request.task) as ModuleTask, reply));
      }
      return;
    case "gradeGroup":
      result(0, () => user.gradeGroup?.(request.task as ModuleTask, request.replies));
      return;
    case "step":
      result(0, () => step(user, request));
      return;
    case "goldReply":
      result(0, () => user.goldReply?.(request.task as ModuleTask, request.turn));
      return;
    default:
      request satisfies never;
  }
}

const NOTHING_LEFT: ModuleMessage = {
  type: "opened",
  problem: "waits for a promise that nothing will settle",
  hasGoldReply: false,
  hasStep: false,
  gradesGroups: false,
};

async function serve(start: ModuleStart): Promise<void> {
  // While the module is loaded, the channel to the parent does not keep the event loop running: an empty loop
  // means that the module will never be ready.
  const onNothingLeft = () => post(NOTHING_LEFT);
  process.once("beforeExit", onNothingLeft);
  process.channel?.unref();
  const user = await open(start);
  process.channel?.ref();
  process.off("beforeExit", onNothingLeft);
  if (typeof user !== "string") {
    process.on("message", ({ id, request }: { id: number; request: ModuleRequest }) =>
      answer(user, id, request),
    );
  }
  post({
    type: "opened",
    problem: typeof user === "string" ? user : null,
    hasGoldReply: typeof user !== "string" && typeof user.goldReply === "function",
    hasStep: typeof user !== "string" && typeof user.step === "function",
    gradesGroups: typeof user !== "string" && typeof user.gradeGroup === "function",
  });
}

process.once("message", (start: ModuleStart) => void serve(start));

import { describe, expect, test } from "vitest";
import { checkRunConfig } from "@gumshoe/config";
import { type RunEventBody, type WatchedEvent, WorkerStatus } from "@gumshoe/protocol";

import { RunView } from "./run-view.js";

const CONFIG = checkRunConfig({
  name: "first",
  type: "grpo",
  model: "m",
  iterations: 4,
  tasks: { source: { type: "generate" } },
});

function view(isScreen: boolean, sinceMs = 0) {
  const written: string[] = [];
  const terminal = {
    out: () => undefined,
    err: (text: string) => void written.push(text),
    isScreen,
    columns: 200,
  };
  const shown = new RunView(terminal, CONFIG, sinceMs);
  let number = 0;
  const show = (body: RunEventBody, atMs = 0) => {
    const event: WatchedEvent = { number: ++number, atMs, body };
    shown.show(event);
  };
  return { show, text: () => written.join(""), last: () => written.at(-1) ?? "", view: shown };
}

function iteration(i: number): RunEventBody[] {
  return [
    {
      type: "iteration-sampled",
      iteration: i,
      meanReward: 0.4 + i / 10,
      rollouts: 256,
      tokens: 5000,
      seconds: 2,
    },
    { type: "iteration-done", iteration: i, metrics: {} },
  ];
}

test("the first reasons for unscored answers are shown, each once", () => {
  const { show, text } = view(false);
  for (const reason of ["no checker", "no checker", "no ink", "late", "too late"]) {
    show({
      type: "group-done",
      groupKey: "0/train/0",
      blob: "b",
      meanReward: null,
      rewards: [null],
      tokens: 1,
      workerId: "w",
      finishes: {},
      unscoredReason: reason,
    });
  }
  const said = text().match(/could not be scored: .*/g);
  expect(said).toEqual(
    ["no checker", "no ink", "late"].map((one) => `could not be scored: ${one}`),
  );
});

describe("on a terminal", () => {
  test("the workers' status is shown in a line below, while it is known", () => {
    const { view: shown, show, last } = view(true);
    for (const body of iteration(0)) show(body);
    const trainer = WorkerStatus.create({ role: "trainer", state: "busy", tokensPerSecond: 7 });
    shown.showStatus([trainer], null);
    expect(last()).toMatch(
      /reward 0\.400.*\ntrainer 1 busy; in the last minute 0 sampled, 7 trained tokens\/s$/,
    );
    shown.showStatus(null, null);
    expect(last()).not.toContain("trainer");
  });

  test("the bar shows iterations, reward, speed and the remaining time", () => {
    const { view: shown, show, last } = view(true);
    for (const i of [0, 1]) for (const body of iteration(i)) show(body, 1000 * (i + 1));
    shown.showStatus(null, { secondsLeft: 2, used: null });
    expect(last()).toContain("2/4  reward 0.500  2,500 sampled tokens/s  0:02 left");
    expect(last()).toContain("█".repeat(12) + "░".repeat(12));
  });

  test("the bar shows the newest greedy score, how many answers reason, and their length", () => {
    const { show, last } = view(true);
    const interval = { reward: 0.4, low: 0.35, high: 0.45, count: 300 };
    show({
      type: "validation-done",
      iteration: 0,
      ...interval,
      greedy: interval,
      randomGuess: 0.4,
    });
    const [sampled] = iteration(0) as [RunEventBody];
    show(sampled);
    const metrics = { "graded.reasons": 0.27, meanAnswerTokens: 30.6 };
    show({ type: "iteration-done", iteration: 0, metrics });
    expect(last()).toContain(
      "reward 0.400  held-out greedy 0.400  27 % reason first  31 tokens/answer  2,500 sampled",
    );
  });

  test("a curriculum's move is printed, and the bar names the tier", () => {
    const { show, text, last } = view(true);
    const weights = { version: 0, digest: "" };
    for (const [i, tier] of (["mini", "mini", "easy"] as const).entries()) {
      show({ type: "iteration-planned", iteration: i, tasks: [], tier, weights });
    }
    expect(text().match(/tier \w+ from iteration \d+ on/g)).toEqual([
      "tier mini from iteration 1 on",
      "tier easy from iteration 3 on",
    ]);
    expect(last()).toContain("0/4  easy");
  });

  test("the current phase of an iteration is shown", () => {
    const { show, last } = view(true);
    show({ type: "progress", phase: "sampling", iteration: 0, done: 9, total: 16 });
    expect(last()).toContain("0/4  sampling 9/16");
    const note = "no reducer yet";
    show({ type: "progress", phase: "waiting", iteration: 0, done: 0, total: 0, note });
    expect(last()).toContain("waiting (no reducer yet)");
  });
});

describe("without a terminal", () => {
  test("an iteration is a line, at most every five seconds, and the last one always", () => {
    const { show, text } = view(false);
    for (const i of [0, 1, 2, 3]) for (const body of iteration(i)) show(body, 1000 + 2000 * i);
    const lines = text().trim().split("\n");
    expect(lines.map((line) => line.split("  ")[0])).toEqual(["1/4", "4/4"]);
  });

  test("a validation and a lost worker are lines", () => {
    const { show, text } = view(false);
    const interval = { low: 0.35, high: 0.45, count: 300 };
    const greedy = { reward: 0.6, ...interval };
    show({
      type: "validation-done",
      iteration: 0,
      reward: 0.4,
      ...interval,
      greedy,
      randomGuess: 0.41,
    });
    show({ type: "worker-lost", workerId: "w1", role: "trainer", job: "3/1", jobAgeMs: 4000 });
    expect(text()).toBe(
      "validation before training: reward 0.400 (95 %: 0.350 to 0.450, 300 held-out cases), " +
        "most likely answer 0.600, guessing 0.410\n" +
        "lost trainer w1; its job 3/1 (4 s old) goes to another\n",
    );
  });
});

test("warnings are shown, including earlier ones; a validation without a score has no mean", () => {
  const { show, text } = view(false, 5000);
  const message = "validation fell from 0.955 to 0.490";
  show({ type: "warning", iteration: 3, code: "validation-below-start", message }, 1000);
  const nothing = { reward: 0, low: 0, high: 0, count: 0, randomGuess: 0 };
  show({ type: "validation-done", iteration: 5, ...nothing }, 6000);
  expect(text()).toBe(
    "warning: validation fell from 0.955 to 0.490\n" +
      "validation after 5 iterations: nothing could be scored\n",
  );
});

test("earlier events are counted, but their examples are not shown", () => {
  const { show, text } = view(false, 5000);
  for (const body of iteration(0)) show(body, 1000);
  const example = { type: "example", iteration: 0, prompt: "Who?", reply: "A. x" } as const;
  show({ ...example, reward: 0.5 }, 1000);
  expect(text()).toBe("");
  for (const body of iteration(1)) show(body, 6000);
  show({ ...example, reward: null }, 6000);
  show({ ...example, reply: "too soon", reward: 1 }, 7000);
  expect(text()).toContain("2/4  reward 0.500");
  expect(text()).toContain("  | Who?\n  > A. x\n  reward could not be scored\n");
  expect(text()).not.toContain("too soon");
});

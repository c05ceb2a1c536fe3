/** `gumshoe eval` over tasks of several turns, as a process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, expect, test } from "vitest";

const PROGRAM = fileURLToPath(new URL("../../bin/gumshoe.js", import.meta.url));
const MODEL = fileURLToPath(new URL("../../../../models/rookie", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "eval-turns-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

writeFileSync(
  join(folder, "echo.mjs"),
  `export const createEnvironment = () => ({
    task: ({ index }) => ({ messages: [{ role: "user", content: "Count to " + index + "." }] }),
    async step(task, reply, { turn, state, isLast }) {
      // The later tasks are answered first.
      await new Promise((resolve) => setTimeout(resolve, reply.length % 7));
      const letters = (state ?? 0) + reply.length;
      if (isLast) return { reward: letters / 1000, metrics: { letters } };
      return { messages: [{ role: "user", content: "Go on." }], state: letters };
    },
  });`,
);

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function evaluate(...words: string[]): Promise<Ended> {
  const source = "{ type: module, module: ./echo.mjs }";
  const child = spawn(
    process.execPath,
    [PROGRAM, "eval", "--source", source, "--limit", "3", ...words],
    {
      cwd: folder,
    },
  );
  let [out, err] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (out += data.toString()));
  child.stderr.on("data", (data: Buffer) => (err += data.toString()));
  await once(child, "close");
  return { code: child.exitCode, out, err };
}

test("a local model converses, the same way again; the grades are kept with the replies", async () => {
  const limits = ["--max-turns", "3", "--turn-tokens", "8", "--max-tokens", "120"];
  const words = ["--model", MODEL, "--samples", "2", "--json", "--threads", "1", ...limits];
  const first = await evaluate(...words, "--replies", "replies.jsonl");
  expect(first).toMatchObject({ code: 0 });
  const result = JSON.parse(first.out) as Record<string, unknown>;
  const { accuracy, metrics } = result as {
    accuracy: { mean: number };
    metrics: Record<string, { mean: number }>;
  };
  expect(metrics["turns"]).toMatchObject({ mean: 3, count: 3 });
  expect(accuracy.mean).toBeCloseTo((metrics["letters"]?.mean ?? 0) / 1000, 9);
  const lines = readFileSync(join(folder, "replies.jsonl"), "utf8").trim().split("\n").slice(1);
  const kept = lines.map(
    (line) => JSON.parse(line) as { reply: string; grade: { reward: number } },
  );
  expect(kept.length).toBe(6);
  for (const { reply } of kept) expect(reply.match(/\[user\]\nGo on\./g)?.length).toBe(2);
  const again = await evaluate(...words);
  const from = await evaluate(...words, "--replies", "replies.jsonl");
  const same = ({ out }: Ended) => ({ ...(JSON.parse(out) as object), seconds: 0, replies: "" });
  expect(same(again)).toEqual(same(first));
  expect(same(from)).toEqual(same(first));
}, 60_000);

test("without a limit of turns, and at an endpoint, such tasks are refused", async () => {
  const missing = await evaluate("--model", MODEL);
  expect(missing.code).toBe(2);
  expect(missing.err).toContain("--max-turns: is missing: the module has step()");
  const remote = await evaluate("--endpoint", "http://127.0.0.1:9/v1", "--max-turns", "3");
  expect(remote.code).toBe(2);
  expect(remote.err).toContain("--endpoint: cannot be asked tasks of several turns");
}, 60_000);

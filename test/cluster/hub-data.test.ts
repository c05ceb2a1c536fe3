/** A run whose questions are a file of a data set on the hub, with real processes: the commit is a part of what it is. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, expect, test } from "vitest";

import { Gumshoe, ROOT } from "../support/gumshoe.js";
import { HubServer } from "../support/hub-server.js";

const COMMIT = "7ae557604adf67be50417f59c2c2f167def9a775";
const NEWER = "b".repeat(40);
const FILE = "main/train.parquet";

let gumshoe: Gumshoe;
let hub: HubServer;
beforeAll(async () => {
  [gumshoe, hub] = await Promise.all([Gumshoe.create(), HubServer.start()]);
});
afterAll(async () => {
  await Promise.all([gumshoe.close(), hub.stop()]);
});

/** Sums of a number with 1 to 20, as Parquet. */
function sums(first: number): Buffer {
  const numbers = Array.from({ length: 20 }, (_, i) => i + 1);
  const column = (name: string, data: string[]) => ({ name, data, type: "STRING" as const });
  const question = numbers.map((number) => `What is ${first} + ${number}?`);
  const answer = numbers.map((number) => `#### ${first + number}`);
  const columnData = [column("question", question), column("answer", answer)];
  return Buffer.from(parquetWriteBuffer({ columnData }));
}

test("a run takes its questions from the hub, and keeps the commit when it is continued", async () => {
  hub.datasets.set("owner/sums", { commit: COMMIT, files: { [FILE]: sums(1) } });
  const config = join(gumshoe.home, "sums.yaml");
  const source = (split: string) =>
    `{ type: file, file: "hf://datasets/owner/sums/${FILE}", prompt: question, grader: { type: number }, split: ${split} }`;
  const lines = [
    "type: grpo",
    `model: ${join(ROOT, "models/rookie")}`,
    "iterations: 1",
    `tasks: { source: ${source("[0, 15]")}, perIteration: 2 }`,
    `validation: { source: ${source("[15, 20]")}, count: 2 }`,
    "rollouts: { perTask: 2, maxAnswerTokens: 8 }",
  ];
  writeFileSync(config, lines.join("\n"));
  const env = { HF_ENDPOINT: hub.url, HF_HOME: join(gumshoe.home, "hf") };
  const first = await gumshoe.run([config], env);
  expect(hub.requests.map(({ path }) => path)).toEqual([FILE]);
  const record = readFileSync(join(gumshoe.home, "runs/sums/config.json"), "utf8");
  const file = `hf://datasets/owner/sums@${COMMIT}/${FILE}`;
  expect(JSON.parse(record)).toMatchObject({
    tasks: { source: { file } },
    validation: { source: { file } },
  });

  hub.datasets.set("owner/sums", { commit: NEWER, files: { [FILE]: sums(2) } });
  // What is here already needs no hub.
  const away = { ...env, HF_ENDPOINT: "http://127.0.0.1:1" };
  const again = gumshoe.start(["run", config, "--json"], away);
  expect((await again.result()).weightsDigest).toBe(first.weightsDigest);
  expect(again.err).toContain(`tasks.source.file ${file}: the commit that run sums began with`);

  // With another commit it is another run.
  const newer = join(gumshoe.home, "newer.yaml");
  writeFileSync(newer, lines.join("\n").replaceAll("owner/sums/", `owner/sums@${NEWER}/`));
  const other = await gumshoe.start(["run", newer, "--name", "sums"], env).ended;
  expect(other.err).toContain("run sums exists with another config: tasks.source.file is");
  expect(other.code).toBe(1);

  // The coordinator compares the file with what the hub has.
  const cache = join(env.HF_HOME, "hub/datasets--owner--sums/snapshots", COMMIT, FILE);
  writeFileSync(cache, sums(3));
  const changed = await gumshoe.start(["run", config, "--name", "changed"], away).ended;
  expect(changed.err).toContain(`the hub cannot be reached; ${file} is used`);
  expect(changed.err).toContain(
    `tasks.source.file: the file in the hub cache is not what the hub has for ${file}`,
  );

  rmSync(env.HF_HOME, { recursive: true });
  hub.datasets.delete("owner/sums");
  const lost = await gumshoe.start(["run", config, "--name", "lost"], env).ended;
  expect(lost.code).toBe(2);
  expect(lost.err).toContain(`tasks.source.file: datasets/owner/sums: is not on ${hub.url}`);
}, 180_000);

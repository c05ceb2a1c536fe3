/** Entry point of the thread that reads answers for the API: see ReadingThread, which starts it. */
import { ClusterError, serveCalls } from "@gumshoe/core";
import { openTokenizer, readAssets, type Tokenizer } from "@gumshoe/engine";
import { parseGroupKey, type RolloutResult, SubmitGroupRequest } from "@gumshoe/protocol";

import { BlobStore } from "../ledger/blob-store.js";
import type { PartRequest, ReadingCalls } from "./calls.js";
import { groupContent, sliceText, taskOfJson, tokenPage } from "./read-group.js";
import { searchAnswers } from "./search-answers.js";
import { type FileTask, TaskFiles } from "./task-files.js";
import { rolloutFile } from "../sample/rollout-files.js";

/** Tokenizers that are kept in memory. */
const MAX_TOKENIZERS = 4;
/** Characters of a prompt by which people recognise a task. */
const PROMPT_SHOWN = 200;

const tokenizers = new Map<string, Promise<Tokenizer>>();
const files = new TaskFiles();

function tokenizerOf(dir: string): Promise<Tokenizer> {
  let tokenizer = tokenizers.get(dir);
  if (tokenizer === undefined) {
    tokenizer = readAssets(dir).then((assets) => openTokenizer({ dir, assets, config: null }));
    tokenizers.set(dir, tokenizer);
    tokenizer.catch(() => tokenizers.delete(dir));
    const [oldest] = tokenizers.keys();
    if (tokenizers.size > MAX_TOKENIZERS && oldest !== undefined) tokenizers.delete(oldest);
  }
  return tokenizer;
}

async function blobOf(folder: string, name: string): Promise<Buffer> {
  return (await BlobStore.open(folder)).get(name);
}

async function rolloutOf({ blobs, blob, index }: PartRequest): Promise<RolloutResult> {
  const { rollouts } = SubmitGroupRequest.decode(await blobOf(blobs, blob));
  const found = rollouts[index];
  if (found === undefined) throw new ClusterError("NOT_FOUND", `there is no answer ${index}`);
  return found;
}

/** Maps the tasks of a file; null when there is no such file. */
async function mapTasks<T>(
  file: string,
  map: (task: FileTask) => T,
): Promise<Record<string, T> | null> {
  const tasks = await files.read(file);
  if (tasks === null) return null;
  return Object.fromEntries([...tasks].map(([key, task]) => [key, map(task)]));
}

serveCalls<ReadingCalls>({
  readGroup: async (request) => {
    const { blobs, blob, file, groupKey, taskJson, model, tokens } = request;
    const task =
      taskJson === null ? ((await files.read(file))?.get(groupKey) ?? null) : taskOfJson(taskJson);
    // Without the model's folder there is still the text.
    const tokenizer = tokens ? await tokenizerOf(model).catch(() => null) : null;
    return groupContent(request, { bytes: await blobOf(blobs, blob), task, tokenizer });
  },
  readTokens: async (request) => {
    const { from, limit, model } = request;
    return tokenPage(await rolloutOf(request), await tokenizerOf(model), from, limit);
  },
  readText: async (request) => {
    const { text } = await rolloutOf(request);
    const { from, limit } = request;
    return { from, total: text.length, text: sliceText(text, from, from + limit) };
  },
  search: (request) =>
    searchAnswers(request, {
      blob: (name) => blobOf(request.blobs, name),
      taskOf: async (groupKey) => {
        const { iteration, kind } = parseGroupKey(groupKey);
        const file = rolloutFile(request.folder, kind, iteration);
        return (await files.read(file))?.get(groupKey)?.task ?? null;
      },
      nowMs: () => performance.now(),
    }),
  tasks: (file) => mapTasks(file, ({ task }) => task),
  prompts: (file) =>
    mapTasks(file, ({ prompt, sha256 }) => ({
      prompt: sliceText(prompt, 0, PROMPT_SHOWN),
      sha256,
    })),
});

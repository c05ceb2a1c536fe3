/** The commands of scripts/debug.mjs; each returns an exit code. */
import { planUpdates } from "../../packages/grpo/dist/index.js";
import { openModelFolder, openTokenizer } from "../../packages/engine/dist/index.js";
import { SetUpError } from "../setup/step.mjs";
import { encodePrompt, loadModel, sample } from "./model.mjs";
import { partsOf } from "./run-folder.mjs";

/** Stream numbers in the random key of a group: see coordinator/src/plan/group-planner.ts. */
const STREAMS = { train: 1, validation: 2, report: 3 };

const print = (value) => process.stdout.write(`${value}\n`);
const numbers = (values) => JSON.stringify([...values]);

async function tokenizerOf(run) {
  const source = await openModelFolder(run.config.model);
  const tokenizer = await openTokenizer(source);
  await source.close();
  return tokenizer;
}

/** Prints a group: the prompt, then each answer with its tokens and log-probs. */
export async function showGroup(run, [key]) {
  const tokenizer = await tokenizerOf(run);
  print(run.prompt(key));
  for (const [index, { tokens, logprobs, reward, finish }] of run.group(key).entries()) {
    print(`\nanswer ${index}: reward ${reward}, finish ${finish}`);
    print(tokenizer.decode([...tokens]));
    print(`tokens   ${numbers(tokens)}\nlogprobs ${numbers(logprobs)}`);
  }
  return 0;
}

/**
 * Samples a group of an iteration again in this process, and compares it with the submitted one.
 */
export async function replayGroup(run, [key], { threads }) {
  const { iteration, kind, index } = partsOf(key);
  const stored = run.group(key);
  const { config } = run;
  if (config.type !== "grpo" || kind !== "train") throw new SetUpError("only groups of training");
  const { model, tokenizer, close } = await loadModel(run.weightsOf(iteration), { threads });
  try {
    const promptIds = encodePrompt(tokenizer, config, run.prompt(key));
    const room = model.config.maxPositions - promptIds.length;
    const made = sample(model, {
      id: key,
      promptIds,
      count: stored.length,
      temperature: config.rollouts.temperature,
      maxNewTokens: Math.min(config.rollouts.maxAnswerTokens, room),
      stopTokenIds: [...tokenizer.stopTokenIds],
      seed: [config.seed, STREAMS[kind], iteration, index],
      earlyStop: config.rollouts.earlyStop,
    });
    return compare(stored, made);
  } finally {
    close();
  }
}

function compare(stored, made) {
  const tokens = stored.reduce((total, answer) => total + answer.tokens.length, 0);
  for (const [index, { tokens: ids, logprobs }] of stored.entries()) {
    const other = made[index];
    const length = Math.max(ids.length, other.tokens.length);
    for (let t = 0; t < length; t++) {
      if (ids[t] === other.tokens[t] && logprobs[t] === other.logprobs[t]) continue;
      const [was, is] = [
        `${ids[t]} at ${logprobs[t]}`,
        `${other.tokens[t]} at ${other.logprobs[t]}`,
      ];
      print(`answer ${index}, token ${t}: ${was} in the run, ${is} now`);
      return 1;
    }
  }
  print(
    `${stored.length} answers with ${tokens} tokens: the same tokens and log-probs, bit for bit`,
  );
  return 0;
}

/** Prints the packs of a lane, recomputed from the groups in the ledger. */
export async function showLane(run, [iteration, update, lane]) {
  const { config } = run;
  if (config.type !== "grpo") throw new SetUpError("only lanes of runs of type grpo");
  const tokenizer = await tokenizerOf(run);
  const groups = Array.from({ length: config.tasks.perIteration }, (_, index) => {
    const key = `${iteration}/train/${index}`;
    const promptTokens = Int32Array.from(encodePrompt(tokenizer, config, run.prompt(key)));
    return { key, promptTokens, rollouts: run.group(key) };
  });
  const { updatesPerIteration, lanes, maxPackTokens, advantage, loss } = config;
  const { truncated, aggregation } = loss;
  const rules = { advantage, truncated, aggregation, updatesPerIteration, lanes, maxPackTokens };
  const packs = planUpdates(groups, rules).updates[update]?.lanes[lane];
  if (packs === undefined) throw new SetUpError(`there is no lane ${lane} in update ${update}`);
  const plain = (_key, value) => (ArrayBuffer.isView(value) ? [...value] : value);
  for (const pack of packs) print(JSON.stringify(pack, plain));
  return 0;
}

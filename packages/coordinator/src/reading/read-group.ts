import type { Answer, QuestionScore, TokenPage } from "@gumshoe/api";
import { type Group, sampledIndices, selectAnswers, shapeRewards } from "@gumshoe/grpo";
import {
  bytesToFloats,
  bytesToTokens,
  type RolloutResult,
  SubmitGroupRequest,
} from "@gumshoe/protocol";
import type { Tokenizer } from "@gumshoe/engine";
import { grade, type GraderName, readTask } from "@gumshoe/puzzles";

import { readGroup as decodeGroup } from "../sample/stored-group.js";
import type { GroupContent, GroupRequest } from "./calls.js";
import type { FileTask } from "./task-files.js";
import { tokenTexts } from "./token-texts.js";

/** Tokens of an answer that come with its group. */
const TOKENS_OF_GROUP = 2000;

/** What the parts of a group are read with. */
export interface GroupSources {
  readonly bytes: Buffer;
  readonly task: Pick<FileTask, "task" | "prompt" | "answer"> | null;
  /** Null when its tokens are not wanted, or the model's folder is gone. */
  readonly tokenizer: Tokenizer | null;
}

/** Builds a group from its blob and its task. */
export function groupContent(request: GroupRequest, sources: GroupSources): GroupContent {
  const { bytes, task, tokenizer } = sources;
  const { weights, rollouts } = SubmitGroupRequest.decode(bytes);
  const group = decodeGroup(bytes, new Uint8Array(0));
  const advantages = advantagesOf(group, request);
  const solution = solutionOf(task?.answer);
  return {
    task: task?.task ?? null,
    prompt: task?.prompt ?? "",
    solution: task?.answer ?? null,
    weights: { version: weights?.version ?? 0, digest: weights?.digest ?? "" },
    samples: rollouts.map((rollout, index) => ({
      ...answerOf(rollout, index, request.characters),
      advantage: advantages.get(index) ?? null,
      questions: questionsOf(rollout.text, solution, request.grader),
      tokens: tokenizer === null ? null : tokenPage(rollout, tokenizer, 0, TOKENS_OF_GROUP),
    })),
  };
}

/** Reads the task of a group that is still being sampled. */
export function taskOfJson(json: string): Pick<FileTask, "task" | "prompt" | "answer"> {
  const { task, fields } = readTask(json);
  const prompt = task.messages.map(({ content }) => content).join("\n\n");
  return { task: task.id, prompt, answer: fields["solution"] ?? fields["answer"] ?? null };
}

/** Returns tokens of an answer with their texts and log-probs. */
export function tokenPage(
  rollout: RolloutResult,
  tokenizer: Tokenizer,
  from: number,
  limit: number,
): TokenPage {
  const ids = bytesToTokens(rollout.tokens);
  const part = ids.subarray(from, from + limit);
  return {
    from,
    total: ids.length,
    texts: tokenTexts(tokenizer, part),
    logprobs: tokenLogprobs(rollout, ids).slice(from, from + limit),
  };
}

/** Returns the log-prob of each token; null for tokens that were given. */
function tokenLogprobs({ logprobs, segments }: RolloutResult, tokens: Int32Array) {
  const known = bytesToFloats(logprobs);
  if (segments.length === 0) return [...known];
  const all = new Array<number | null>(tokens.length).fill(null);
  const indices = sampledIndices({ tokens, segments });
  for (const [i, index] of indices.entries()) all[index] = known[i] ?? null;
  return all;
}

function answerOf(
  rollout: RolloutResult,
  index: number,
  characters: number,
): Omit<Answer, "advantage" | "questions" | "tokens"> {
  const { text, finish, reward, gradingError, metrics } = rollout;
  const logprobs = bytesToFloats(rollout.logprobs);
  return {
    index,
    reward: reward ?? null,
    gradingError: gradingError === "" ? null : gradingError,
    finish,
    numTokens: logprobs.length,
    numCharacters: text.length,
    text: sliceText(text, 0, characters),
    isWhole: text.length <= characters,
    meanLogprob: logprobs.length === 0 ? null : finite(mean(logprobs)),
    metrics: Object.fromEntries(
      Object.entries(metrics).filter(([, value]) => Number.isFinite(value)),
    ),
  };
}

/** Cuts a text without cutting a character of two units in half. */
export function sliceText(text: string, from: number, to: number): string {
  return text.slice(from, to).replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, "\ufffd");
}

/** Returns the advantages of the answers that are learned from; 0 for all of a group with equal rewards. */
function advantagesOf(group: Group, { rules, overlong }: GroupRequest): Map<number, number> {
  if (rules === null) return new Map();
  const [trained = group] = overlong === null ? [] : shapeRewards([group], overlong);
  const selected = selectAnswers(trained, rules);
  if (selected.pack !== null) {
    return new Map(selected.pack.answers.map(({ rollout, advantage }) => [rollout, advantage]));
  }
  if (selected.dropped !== "zero-variance") return new Map();
  return new Map(
    group.rollouts.flatMap(({ reward }, i) => (reward === null ? [] : [[i, 0] as const])),
  );
}

/** Returns the answer by question, where the right answer has that form. */
function solutionOf(answer: unknown): Record<string, string> | null {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) return null;
  const entries = Object.entries(answer);
  if (entries.length === 0 || !entries.every(([, value]) => typeof value === "string")) return null;
  return answer as Record<string, string>;
}

function questionsOf(
  reply: string,
  solution: Record<string, string> | null,
  grader: GraderName | null,
): QuestionScore[] | null {
  if (solution === null || grader === null) return null;
  return grade(reply, solution, { grader }).questions.map(
    ({ letter, given, expected, correct }) => ({
      question: letter,
      expected,
      given,
      score: correct ? 1 : 0,
    }),
  );
}

function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

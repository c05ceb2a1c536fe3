import type { AnswerQuery, FoundAnswer } from "@gumshoe/api";
import {
  parseGroupKey,
  type RolloutResult,
  sampledCount,
  SubmitGroupRequest,
} from "@gumshoe/protocol";

import type { SearchRequest, SearchResult } from "./calls.js";
import { sliceText } from "./read-group.js";

/** Time for which one request searches, in ms. */
const SEARCH_MS = 400;
const EXCERPT_CHARACTERS = 300;
/** Characters of an excerpt before the first word. */
const EXCERPT_LEAD = 80;

/** What a search reads. */
export interface SearchSources {
  readonly blob: (name: string) => Promise<Buffer>;
  readonly taskOf: (groupKey: string) => Promise<string | null>;
  readonly nowMs: () => number;
}

/** Searches groups in their order until enough answers are found, or the time is over. */
export async function searchAnswers(
  request: SearchRequest,
  { blob, taskOf, nowMs }: SearchSources,
): Promise<SearchResult> {
  const { groups, query, limit } = request;
  const words = wordsOf(query.words ?? "");
  const endsAtMs = nowMs() + SEARCH_MS;
  const answers: FoundAnswer[] = [];
  let rollout = request.firstRollout;
  for (const [searchedGroups, { number, groupKey, blob: name }] of groups.entries()) {
    if (searchedGroups > 0 && nowMs() > endsAtMs) {
      return { answers, searchedGroups, next: { number, rollout: 0 } };
    }
    const { rollouts, weights } = SubmitGroupRequest.decode(await blob(name));
    for (; rollout < rollouts.length; rollout++) {
      const result = rollouts[rollout] as RolloutResult;
      if (!fits(result, query) || !hasWords(result.text, words)) continue;
      if (answers.length === limit) {
        return { answers, searchedGroups, next: { number, rollout } };
      }
      const { iteration, kind, index: group } = parseGroupKey(groupKey);
      answers.push({
        iteration,
        kind,
        group,
        index: rollout,
        task: await taskOf(groupKey),
        reward: result.reward ?? null,
        finish: result.finish,
        numTokens: sampledCount(result),
        version: weights?.version ?? 0,
        excerpt: excerptOf(result.text, words),
      });
    }
    rollout = 0;
  }
  return { answers, searchedGroups: groups.length, next: null };
}

function fits(result: RolloutResult, query: AnswerQuery): boolean {
  const { reward, finish } = result;
  const { minReward, maxReward, minTokens, maxTokens, scored } = query;
  const length = sampledCount(result);
  if (query.finish !== undefined && finish !== query.finish) return false;
  if (scored !== undefined && (reward !== undefined) !== (scored === "true")) return false;
  if (minTokens !== undefined && length < minTokens) return false;
  if (maxTokens !== undefined && length > maxTokens) return false;
  if (minReward === undefined && maxReward === undefined) return true;
  if (reward === undefined) return false;
  return reward >= (minReward ?? -Infinity) && reward <= (maxReward ?? Infinity);
}

/** Splits the words of a search; quotes hold a phrase together. */
function wordsOf(text: string): string[] {
  return [...text.toLowerCase().matchAll(/"([^"]+)"|([^\s"]+)/g)].map(
    ([, phrase, word]) => phrase ?? word ?? "",
  );
}

function hasWords(text: string, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const lower = text.toLowerCase();
  return words.every((word) => lower.includes(word));
}

function excerptOf(text: string, words: readonly string[]): string {
  const [first = ""] = words;
  const at = Math.max(0, text.toLowerCase().indexOf(first) - EXCERPT_LEAD);
  return sliceText(text, at, at + EXCERPT_CHARACTERS);
}

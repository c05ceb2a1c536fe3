import type {
  AnswerQuery,
  FoundAnswers,
  Group,
  GroupKind,
  GroupPath,
  GroupQuery,
  PartQuery,
  TaskHistory,
  TextPage,
  TokenPage,
} from "@gumshoe/api";
import { heldOutConfig, readsClueAnswers, singleSources } from "@gumshoe/config";
import { groupKey, parseGroupKey, type RunEventOf, type WatchedEvent } from "@gumshoe/protocol";

import { UnknownGroupError } from "../errors.js";
import { decoupledWeights } from "../learn/decoupled-weights.js";
import { overlongRule } from "../learn/overlong-rule.js";
import { tokenizerFolder } from "../plan/run-model.js";
import type { GroupContent, GroupRequest, SearchedGroup } from "../reading/calls.js";
import type { ReadingThread } from "../reading/reading-thread.js";
import type { RunManager } from "../run/run-manager.js";
import type { RunRecord } from "../run/run-record.js";
import { rolloutFile } from "../sample/rollout-files.js";
import { groupEventOf, groupRow } from "./group-table.js";
import type { RunHistory } from "./run-history.js";

const DEFAULT_CHARACTERS = 20_000;
const DEFAULT_PART = 10_000;
const DEFAULT_PAGE = 50;
/** Groups that one request of a search may read. */
const SEARCHED_AT_ONCE = 2000;
/** Validations whose answers to one task are shown: the newest. */
const HISTORY_SHOWN = 40;

/** A group of a run. */
interface Place {
  readonly iteration: number;
  readonly kind: GroupKind;
  readonly group: number;
}

/** Reads the answers of runs. */
export class AnswerViews {
  readonly #reading: ReadingThread;
  readonly #runs: RunManager;

  constructor(reading: ReadingThread, runs: RunManager) {
    this.#reading = reading;
    this.#runs = runs;
  }

  /** Returns the ids of the tasks of an iteration's groups, as far as they are known. */
  async taskIds(
    record: RunRecord,
    kind: GroupKind,
    iteration: number,
  ): Promise<(key: string) => string | null> {
    const file = rolloutFile(record.folder, kind, iteration);
    const tasks = await this.#reading.call("tasks", file);
    return (key) => {
      if (tasks !== null) return tasks[key] ?? null;
      const json = this.#openTask(record, key);
      return json === null ? null : String((JSON.parse(json) as { id?: unknown }).id);
    };
  }

  /** @throws UnknownGroupError */
  async group(
    record: RunRecord,
    history: RunHistory,
    { path, query }: { readonly path: GroupPath; readonly query: GroupQuery },
  ): Promise<Group> {
    const event = eventOf(record, history, path);
    const content = await this.#content(record, event, query);
    const { task, prompt, solution, weights, samples } = content;
    const { workerId } = event.body as RunEventOf<"group-done">;
    const row = groupRow(record.config, event, task);
    return { ...row, prompt, solution, weights, workerId, samples };
  }

  /** Returns part of an answer's tokens. @throws UnknownGroupError, ClusterError NOT_FOUND */
  tokens(record: RunRecord, history: RunHistory, part: Part): Promise<TokenPage> {
    return this.#reading.call("readTokens", partRequest(record, history, part));
  }

  /** Returns part of an answer's text. @throws UnknownGroupError, ClusterError NOT_FOUND */
  text(record: RunRecord, history: RunHistory, part: Part): Promise<TextPage> {
    return this.#reading.call("readText", partRequest(record, history, part));
  }

  /** Returns a page of the answers that fit a query. */
  async search(record: RunRecord, query: AnswerQuery, signal: AbortSignal): Promise<FoundAnswers> {
    const { groups, firstRollout, more } = candidates(record, query);
    const limit = Math.max(1, query.limit ?? DEFAULT_PAGE);
    const { folder, blobs } = placesOf(record);
    const found = await this.#reading.call(
      "search",
      { folder, blobs, groups, firstRollout, query, limit },
      signal,
    );
    const { answers, searchedGroups } = found;
    const next = found.next ?? (more === null ? null : { number: more, rollout: 0 });
    return {
      answers,
      searchedGroups,
      next: next === null ? null : `${next.number}.${next.rollout}`,
    };
  }

  /** @throws UnknownGroupError */
  async taskHistory(
    record: RunRecord,
    history: RunHistory,
    { task, query }: { readonly task: number; readonly query: GroupQuery },
  ): Promise<TaskHistory> {
    const count = record.config.validation?.count ?? 0;
    const iterations = [...new Set(history.validations.map(({ iteration }) => iteration))];
    const shown: TaskHistory["history"] = [];
    let last: GroupContent | null = null;
    for (const iteration of iterations.slice(-HISTORY_SHOWN)) {
      const read = async (group: number) => {
        const place = { iteration, kind: "validation" as const, group };
        const event = groupEventOf(record, history, place);
        return event === undefined ? null : this.#content(record, event, query);
      };
      const sampled = task < count ? await read(task) : null;
      if (sampled === null) continue;
      last = sampled;
      const greedy = await read(count + task);
      const { version } = sampled.weights;
      shown.push({ iteration, version, sampled: sampled.samples, greedy: greedy?.samples ?? [] });
    }
    if (last === null) throw new UnknownGroupError(record.config.name, `held-out task ${task}`);
    const { task: id, prompt, solution } = last;
    return { task, id, prompt, solution, history: shown };
  }

  /** Returns the prompts of a run's newest validation, by task; none when it has no file yet. */
  async heldOutPrompts(record: RunRecord, history: RunHistory) {
    const run = record.config.name;
    const iteration = history.validations.at(-1)?.iteration ?? 0;
    const file = rolloutFile(record.folder, "validation", iteration);
    const found = (await this.#reading.call("prompts", file)) ?? {};
    const count = record.config.validation?.count ?? 0;
    const prompts = Object.entries(found)
      .map(([key, prompt]) => ({ task: parseGroupKey(key).index, ...prompt }))
      .filter(({ task }) => task < count);
    return { run, iteration, prompts };
  }

  #openTask(record: RunRecord, key: string): string | null {
    const run = record.config.name;
    return record.hasEnded ? null : (this.#runs.activeDriver(run)?.sampling.taskJson(key) ?? null);
  }

  #content(record: RunRecord, event: WatchedEvent, query: GroupQuery): Promise<GroupContent> {
    const { config, folder } = record;
    const body = event.body as RunEventOf<"group-done">;
    const { iteration, kind } = parseGroupKey(body.groupKey);
    const request: GroupRequest = {
      blobs: placesOf(record).blobs,
      blob: body.blob,
      file: rolloutFile(folder, kind, iteration),
      groupKey: body.groupKey,
      taskJson: this.#openTask(record, body.groupKey),
      model: tokenizerFolder(record.located, folder),
      rules:
        config.type === "grpo" && kind === "train"
          ? {
              advantage: config.advantage,
              truncated: config.loss.truncated,
              decoupled: decoupledWeights(config),
            }
          : null,
      overlong: overlongRule(config),
      grader: graderOf(record, kind),
      characters: query.characters ?? DEFAULT_CHARACTERS,
      tokens: query.tokens ?? false,
    };
    return this.#reading.call("readGroup", request);
  }
}

/** Part of an answer that is wanted. */
export interface Part {
  readonly path: Place & { readonly index: number };
  readonly query: PartQuery;
}

function partRequest(record: RunRecord, history: RunHistory, { path, query }: Part) {
  const event = eventOf(record, history, path);
  return {
    blobs: placesOf(record).blobs,
    blob: (event.body as RunEventOf<"group-done">).blob,
    index: path.index,
    model: tokenizerFolder(record.located, record.folder),
    from: query.from ?? 0,
    limit: query.limit ?? DEFAULT_PART,
  };
}

function placesOf({ folder, blobs }: RunRecord) {
  return { folder, blobs: blobs.folder };
}

/** @throws UnknownGroupError */
function eventOf(record: RunRecord, history: RunHistory, place: Place): WatchedEvent {
  const event = groupEventOf(record, history, place);
  if (event !== undefined) return event;
  const key = groupKey(place.iteration, place.kind, place.group);
  throw new UnknownGroupError(record.config.name, `group ${key}`);
}

/** The grader of the built-in environments; a module grades by itself, question by question or not. */
function graderOf({ config }: RunRecord, kind: GroupKind) {
  const trained = config.type === "grpo" ? config.tasks.source : null;
  const source = kind === "train" ? trained : (heldOutConfig(config, kind)?.source ?? null);
  if (source === null) return null;
  if (!singleSources("", source).every((single) => readsClueAnswers(single.source))) return null;
  return config.type === "grpo" ? config.tasks.grader : config.grader;
}

/** Returns the groups that a search reads, those that rule themselves out by their rewards left out. */
function candidates(record: RunRecord, query: AnswerQuery) {
  const [number = "", rollout = "0"] = (query.cursor ?? "").split(".");
  const isNewestFirst = query.order !== "oldest";
  const step = isNewestFirst ? -1 : 1;
  const last = record.events.lastNumber;
  const start = number === "" ? (isNewestFirst ? last : 1) : Number(number);
  const groups: SearchedGroup[] = [];
  let more: number | null = null;
  for (let at = start; at >= 1 && at <= last; at += step) {
    const body = record.events.at(at)?.body;
    if (body?.type !== "group-done" || !mayFit(body, query)) continue;
    if (groups.length === SEARCHED_AT_ONCE) {
      more = at;
      break;
    }
    groups.push({ number: at, groupKey: body.groupKey, blob: body.blob });
  }
  const firstRollout = groups[0]?.number === start ? Number(rollout) : 0;
  return { groups, firstRollout, more };
}

function mayFit({ groupKey: key, rewards }: RunEventOf<"group-done">, query: AnswerQuery): boolean {
  const { iteration, kind } = parseGroupKey(key);
  if (query.kind !== undefined && kind !== query.kind) return false;
  if (iteration < (query.from ?? 0) || iteration > (query.to ?? Infinity)) return false;
  if (query.minReward === undefined && query.maxReward === undefined) return true;
  const [least, most] = [query.minReward ?? -Infinity, query.maxReward ?? Infinity];
  return rewards.some((reward) => reward !== null && reward >= least && reward <= most);
}

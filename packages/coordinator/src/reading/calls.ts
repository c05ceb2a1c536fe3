import type { Answer, AnswerQuery, FoundAnswer, TextPage, TokenPage } from "@gumshoe/api";
import type { AnswerRules, OverlongRule } from "@gumshoe/grpo";
import type { GraderName } from "@gumshoe/puzzles";

/** Where a group's answers are stored. */
export interface StoredAnswers {
  readonly blobs: string;
  /** Name of the group's blob. */
  readonly blob: string;
}

/** A group to be read, with what its run knows about it. */
export interface GroupRequest extends StoredAnswers {
  /** The file of `rollouts/` with its task. */
  readonly file: string;
  readonly groupKey: string;
  /** The task as JSON, for a group whose file is not written yet; null to read the file. */
  readonly taskJson: string | null;
  /** Folder with the tokenizer. */
  readonly model: string;
  /** The rules of advantages; null for none, e.g. in a validation. */
  readonly rules: AnswerRules | null;
  /** The run's length penalty, which comes before advantages; null for none. */
  readonly overlong: OverlongRule | null;
  /** How replies are graded question by question; null where the environment does not report it. */
  readonly grader: GraderName | null;
  readonly characters: number;
  readonly tokens: boolean;
}

/** A group as it is read: its prompt once, and its answers. */
export interface GroupContent {
  readonly task: string | null;
  /** Empty when neither file nor task is there. */
  readonly prompt: string;
  readonly solution: unknown;
  readonly weights: { readonly version: number; readonly digest: string };
  readonly samples: Answer[];
}

/** Part of an answer that is wanted. */
export interface PartRequest extends StoredAnswers {
  readonly index: number;
  readonly model: string;
  readonly from: number;
  readonly limit: number;
}

/** A group in which answers are searched. */
export interface SearchedGroup {
  /** Number of its event in the ledger. */
  readonly number: number;
  readonly groupKey: string;
  readonly blob: string;
}

/** A search: the groups in the order in which they are read. */
export interface SearchRequest {
  readonly blobs: string;
  /** Folder of the run. */
  readonly folder: string;
  readonly groups: readonly SearchedGroup[];
  /** Index of the first rollout of the first group. */
  readonly firstRollout: number;
  readonly query: AnswerQuery;
  readonly limit: number;
}

/** Where a search ends: the next rollout, or null when all groups were read. */
export interface SearchResult {
  readonly answers: FoundAnswer[];
  readonly searchedGroups: number;
  readonly next: { readonly number: number; readonly rollout: number } | null;
}

/** The methods of the thread that reads answers for the API. */
export interface ReadingCalls {
  readGroup: { argument: GroupRequest; answer: GroupContent };
  readTokens: { argument: PartRequest; answer: TokenPage };
  readText: { argument: PartRequest; answer: TextPage };
  search: { argument: SearchRequest; answer: SearchResult };
  /** Ids of the tasks in a file of `rollouts/`, by group key; null when there is no such file. */
  tasks: { argument: string; answer: Record<string, string> | null };
  /** First characters and SHA-256 of the prompts in a file of `rollouts/`, by group key. */
  prompts: {
    argument: string;
    answer: Record<string, { readonly prompt: string; readonly sha256: string }> | null;
  };
}

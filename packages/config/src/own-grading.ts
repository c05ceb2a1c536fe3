import type { SingleSource } from "./mixed-sources.js";
import type { SingleSourceConfig } from "./task-source.js";

/** Returns whether the grades of a source may have several rewards: whether code of a user makes them. */
export function hasOwnGrades(source: SingleSourceConfig): boolean {
  if (source.type === "module" || source.type === "http") return true;
  return source.type === "file" && source.grader.type === "module";
}

/** Returns whether a grader of clue answers, `tasks.grader`, reads the replies to a source's tasks. */
export function readsClueAnswers({ type }: SingleSourceConfig): boolean {
  return type === "generate" || type === "dataset" || type === "zebra";
}

/** A module that a source names, and what its code makes. */
export interface NamedModule {
  readonly module: string;
  readonly makes: "tasks" | "grades";
}

/** Returns the modules that a source names. */
export function modulesOf({ source }: SingleSource): NamedModule[] {
  if (source.type === "module") return [{ module: source.module, makes: "tasks" }];
  if (source.type !== "file" || source.grader.type !== "module") return [];
  return [{ module: source.grader.module, makes: "grades" }];
}

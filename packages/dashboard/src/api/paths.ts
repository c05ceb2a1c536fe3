/** Paths of the API and of the page, with their parts escaped. */
import type { GroupKind } from "@gumshoe/api";

/** Which group of answers. */
export interface GroupPlace {
  readonly run: string;
  readonly iteration: number;
  readonly kind: GroupKind;
  readonly group: number;
}

/** Returns the API's path of a run, or of a part of it. */
export function runApi(run: string, part = ""): string {
  return `/api/runs/${encodeURIComponent(run)}${part}`;
}

/** Returns the API's path of a group. */
export function groupApi({ run, iteration, kind, group }: GroupPlace): string {
  return runApi(run, `/iterations/${iteration}/${kind}/${group}`);
}

/** Returns the page's path of a run, or of a part of it. */
export function runHref(run: string, part = ""): string {
  return `/runs/${encodeURIComponent(run)}${part}`;
}

/** Returns the page's path of a group. */
export function groupHref({ run, iteration, kind, group }: GroupPlace): string {
  return runHref(run, `/groups/${iteration}/${kind}/${group}`);
}

/** Returns the kind of groups that an address names; those that are learned from where it names none. */
export function kindOf(text: string | undefined): GroupKind {
  return text === "validation" || text === "report" ? text : "train";
}

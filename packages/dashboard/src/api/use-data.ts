/** Data of the API in components: loaded, changed by news, tried again after a failure. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { z } from "zod";

import { resets } from "./live.js";
import { get, type Problem } from "./request.js";

const RETRY_MS = 2000;

/** Data, and what is known about them. */
export interface Data<T> {
  /** Null before the first answer. */
  readonly value: T | null;
  readonly problem: Problem | null;
  /** Replaces the value by a function of it, e.g. when news arrive. */
  readonly change: (to: (value: T) => T) => void;
}

interface Held<T> {
  readonly path: string | null;
  readonly value: T | null;
  readonly problem: Problem | null;
}

/**
 * Loads data from a path: again when path or version change, and when news were missed. A failure is
 * tried again while the coordinator is away.
 *
 * @param path     null loads nothing
 * @param version  a number that grows when the data have changed
 */
export function useData<T>(path: string | null, schema: z.ZodType<T>, version = 0): Data<T> {
  const held = useSignal<Held<T>>({ path: null, value: null, problem: null });
  useEffect(() => {
    if (path === null) return;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async () => {
      const outcome = await get(path, schema, abort.signal);
      if (abort.signal.aborted) return;
      if (outcome.ok) {
        held.value = { path, value: outcome.value, problem: null };
        return;
      }
      const before = held.peek();
      const value = before.path === path ? before.value : null;
      held.value = { path, value, problem: outcome.problem };
      if (outcome.problem.kind === "away") timer = setTimeout(() => void load(), RETRY_MS);
    };
    void load();
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [path, version, resets.value]);
  const change = (to: (value: T) => T) => {
    const { path: loaded, value, problem } = held.peek();
    if (loaded === path && value !== null) held.value = { path, value: to(value), problem };
  };
  const { path: loaded, value, problem } = held.value;
  return loaded === path ? { value, problem, change } : { value: null, problem: null, change };
}

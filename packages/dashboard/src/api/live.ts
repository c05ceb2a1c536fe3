/**
 * News of the coordinator: one stream of server-sent events for each visible tab.
 *
 * - A browser opens six connections to a host over HTTP/1.1, so a hidden tab closes its stream, and
 *   a view of one run follows the stream of that run only.
 * - The browser resumes a broken stream with `Last-Event-ID`. A stream that the page opens again, e.g.
 *   when the tab becomes visible, names the last event in its address.
 * - Where more was missed than the stream repeats, `resets` grows, and all data are loaded again.
 */
import { ClusterMessages, type RunMessageName, RunMessages } from "@gumshoe/api";
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { z } from "zod";

import { isLoggedIn } from "./request.js";

/** `live`: news arrive; `away`: the coordinator does not answer; `hidden`: the tab is not visible. */
export const connection = signal<"live" | "away" | "hidden">("hidden");
/** Grows when news were missed. */
export const resets = signal(0);

const RETRY_MS = 1500;
const MESSAGES = { ...ClusterMessages, ...RunMessages };
type MessageName = keyof typeof MESSAGES;
type MessageOf<Name extends MessageName> = z.infer<(typeof MESSAGES)[Name]>;
type Listener = (message: unknown) => void;

const listeners = new Map<MessageName, Set<Listener>>();
let target: { readonly path: string; lastId: string } | null = null;
let source: EventSource | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;

/**
 * Follows the stream of a run, or of the cluster, while the calling view is shown.
 *
 * @param run    null for the cluster
 * @param after  number of the newest event that is known; null waits until there is one
 */
export function useNews(run: string | null, after: number | null = 0): void {
  const isReady = after !== null;
  useEffect(() => {
    if (!isReady) return;
    const path = run === null ? "/api/live" : `/api/runs/${encodeURIComponent(run)}/live`;
    target = { path, lastId: run === null ? "" : String(after) };
    const follow = () => {
      close("hidden");
      if (document.visibilityState === "visible") open();
    };
    document.addEventListener("visibilitychange", follow);
    follow();
    return () => {
      document.removeEventListener("visibilitychange", follow);
      close("hidden");
      target = null;
    };
  }, [run, isReady]);
}

/** Calls a function with every message of a kind while the component is shown. */
export function useMessage<Name extends MessageName>(
  name: Name,
  listen: (message: MessageOf<Name>) => void,
  inputs: readonly unknown[],
): void {
  useEffect(() => {
    const found = listeners.get(name) ?? new Set();
    listeners.set(name, found);
    const listener = listen as Listener;
    found.add(listener);
    return () => void found.delete(listener);
  }, inputs);
}

function open(): void {
  if (target === null) return;
  const { path, lastId } = target;
  const opened = new EventSource(lastId === "" ? path : `${path}?after=${lastId}`);
  source = opened;
  opened.addEventListener("open", () => (connection.value = "live"));
  for (const name of Object.keys(MESSAGES) as MessageName[]) {
    opened.addEventListener(name, (event) => receive(name, event));
  }
  opened.addEventListener("error", () => {
    connection.value = "away";
    // The browser gives up after an answer that is not a stream: refused, or of a proxy.
    if (opened.readyState !== EventSource.CLOSED) return;
    close("away");
    timer = setTimeout(() => {
      void isLoggedIn().then((isIn) => {
        if (isIn && source === null) open();
      });
    }, RETRY_MS);
  });
}

function close(state: "away" | "hidden"): void {
  clearTimeout(timer);
  source?.close();
  source = null;
  connection.value = state;
}

function receive(name: MessageName, event: MessageEvent<unknown>): void {
  if (event.lastEventId !== "" && target !== null) target.lastId = event.lastEventId;
  const parsed = MESSAGES[name].safeParse(parseJson(String(event.data)));
  if (!parsed.success) return;
  if (name === ("reset" satisfies RunMessageName)) resets.value += 1;
  for (const listener of listeners.get(name) ?? []) listener(parsed.data);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

import type { IncomingMessage, ServerResponse } from "node:http";

import { type Route, ROUTES, type RouteName } from "@gumshoe/api";
import { InvalidArgumentError } from "@gumshoe/core";
import type { z } from "zod";

type Routes = typeof ROUTES;
type OutputOf<T, K extends string> =
  T extends Record<K, infer S> ? (S extends z.ZodType ? z.output<S> : undefined) : undefined;
type AnswerOf<R> = R extends { response: infer S }
  ? S extends z.ZodType
    ? z.input<S>
    : void
  : void;

/** A request to a route, parsed by its schemas. */
export interface RouteRequest<R> {
  readonly params: OutputOf<R, "params">;
  readonly query: OutputOf<R, "query">;
  readonly body: OutputOf<R, "body">;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
}

/** A handler for each route: returns the JSON answer, or sends its own where the route has no JSON. */
export type RouteHandlers = {
  readonly [N in RouteName]: (
    request: RouteRequest<Routes[N]>,
  ) => Promise<AnswerOf<Routes[N]>> | AnswerOf<Routes[N]>;
};

/** A route that fits a path, with the values of its parameters as text. */
export interface RouteMatch {
  readonly name: RouteName;
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

interface Pattern {
  readonly name: RouteName;
  readonly route: Route;
  readonly parts: readonly string[];
}

/** Those with fewer parameters come first: `timeline` is no kind of group. */
const PATTERNS: readonly Pattern[] = (Object.entries(ROUTES) as [RouteName, Route][])
  .map(([name, route]) => ({ name, route, parts: route.path.split("/") }))
  .sort((a, b) => numParams(a) - numParams(b));

function numParams({ parts }: Pattern): number {
  return parts.filter((part) => part.startsWith("{")).length;
}

/**
 * Finds the route of a path.
 *
 * @returns  the routes of the path by method; empty when there is none
 */
export function matchRoutes(path: string): Map<string, RouteMatch> {
  const parts = path.split("/");
  const matches = new Map<string, RouteMatch>();
  for (const { name, route, parts: wanted } of PATTERNS) {
    const params = matchParts(wanted, parts);
    if (params !== null && !matches.has(route.method)) {
      matches.set(route.method, { name, route, params });
    }
  }
  return matches;
}

function matchParts(
  wanted: readonly string[],
  parts: readonly string[],
): Record<string, string> | null {
  if (wanted.length !== parts.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    const given = parts[i] ?? "";
    if (!part.startsWith("{")) {
      if (part !== given) return null;
    } else {
      const text = decode(given);
      if (text === null || text === "") return null;
      params[part.slice(1, -1)] = text;
    }
  }
  return params;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Parses a part of a request by its schema. @throws InvalidArgumentError naming the field */
export function parsePart(schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join(".") ?? "";
  throw new InvalidArgumentError(field === "" ? "body" : field, issue?.message ?? "is wrong");
}

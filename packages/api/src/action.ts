import { z } from "zod";

/** A run to be submitted. */
export const SubmitBody = z.strictObject({
  config: z.string().max(65_536).describe("the config as YAML or JSON"),
});
/** A run to be submitted. */
export type SubmitBody = z.infer<typeof SubmitBody>;

/** The new priority of a run. */
export const PriorityBody = z.strictObject({
  priority: z.int().describe("-100 to 100; runs of a higher priority run first"),
});
/** The new priority of a run. */
export type PriorityBody = z.infer<typeof PriorityBody>;

/** The body of a request that needs none. */
export const EmptyBody = z.strictObject({});
/** The body of a request that needs none. */
export type EmptyBody = z.infer<typeof EmptyBody>;

/** How a browser logs in: with the cluster's token, or the one-time code of a link. */
export const LoginBody = z.union([
  z.strictObject({ token: z.string().max(1000) }),
  z.strictObject({ code: z.string().max(200) }),
]);
/** How a browser logs in. */
export type LoginBody = z.infer<typeof LoginBody>;

/** The answer to a login or logout. */
export const Done = z.object({ ok: z.literal(true) });

/** A one-time code for a link. */
export const LoginCode = z.object({
  code: z.string(),
  path: z.string().describe("path of the page with the code"),
  expiresInSeconds: z.number(),
});
/** A one-time code for a link. */
export type LoginCode = z.infer<typeof LoginCode>;

/** Why a request failed. */
export const Problem = z.object({
  error: z.object({
    code: z.string().describe("one of the project's error codes, e.g. NOT_FOUND"),
    message: z.string(),
    field: z.string().nullable().describe("path, query or config field that is wrong"),
  }),
});
/** Why a request failed. */
export type Problem = z.infer<typeof Problem>;

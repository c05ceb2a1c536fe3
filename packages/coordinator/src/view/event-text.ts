import type { RunEventKind } from "@gumshoe/api";
import type { ValidationResult } from "@gumshoe/config";
import type { RunEventBody } from "@gumshoe/protocol";

const REWARD_DIGITS = 3;
const DIGEST_SHOWN = 12;

/** Describes an event for a run's history; null for one that is not listed there. */
export function eventText(body: RunEventBody): { kind: RunEventKind; text: string } | null {
  switch (body.type) {
    case "run-submitted":
      return { kind: "submitted", text: "submitted" };
    case "run-forked": {
      const { run, iteration, digest } = body;
      const text = `forked from ${run} after ${iteration} iterations, weights ${short(digest)}`;
      return { kind: "forked", text };
    }
    case "run-started":
      return { kind: "started", text: `started from weights ${short(body.weights.digest)}` };
    case "run-resumed":
      return { kind: "resumed", text: `resumed at weight version ${body.weights.version}` };
    case "run-paused":
      return {
        kind: "paused",
        text: `paused at weight version ${body.weights.version}: another run uses the workers`,
      };
    case "run-prioritized":
      return { kind: "prioritized", text: `priority ${body.priority}` };
    case "checkpoint-written":
      return {
        kind: "checkpoint",
        text: `checkpoint after ${body.iteration} iterations, weights ${short(body.digest)}`,
      };
    case "validation-done":
      return { kind: "validation", text: resultText("validation", body) };
    case "report-done":
      return { kind: "report", text: resultText("report", body) };
    case "iteration-planned":
      return body.tier === undefined ? null : { kind: "tier", text: `tier ${body.tier}` };
    case "worker-lost":
      return { kind: "worker-lost", text: `${body.role} ${body.workerId} lost${causeText(body)}` };
    case "worker-ended":
      return {
        kind: "worker-ended",
        text: `${body.role} ${body.workerId} had died: ${body.cause}`,
      };
    case "warning":
      return { kind: "warning", text: body.message };
    case "run-done":
      return { kind: "done", text: `done: weights ${short(body.result.weightsDigest)}` };
    case "run-failed":
      return { kind: "failed", text: `failed: ${body.error}` };
    case "run-stuck":
      return { kind: "stuck", text: `stuck: ${body.error}` };
    case "run-cancelled":
      return { kind: "cancelled", text: "cancelled" };
    case "inputs-recorded":
    case "groups-replaced":
    case "group-done":
    case "iteration-sampled":
    case "update-done":
    case "iteration-done":
    case "example":
    case "progress":
      return null;
    default:
      return body satisfies never;
  }
}

function resultText(what: string, result: ValidationResult): string {
  const { iteration, reward, low, high, count } = result;
  const of = `${what} after ${iteration} iterations`;
  if (count === 0) return `${of}: no answer could be scored`;
  const range = `${low.toFixed(REWARD_DIGITS)} to ${high.toFixed(REWARD_DIGITS)}`;
  return `${of}: ${reward.toFixed(REWARD_DIGITS)} (${range})`;
}

function causeText({ job, cause }: { job: string; cause?: string | undefined }): string {
  const at = job === "" ? "" : ` at job ${job}`;
  return `${at}${cause === undefined ? "" : `: ${cause}`}`;
}

function short(digest: string): string {
  return digest.slice(0, DIGEST_SHOWN);
}

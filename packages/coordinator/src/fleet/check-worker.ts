import { InvalidArgumentError, isAddress } from "@gumshoe/core";
import {
  type HeartbeatRequest,
  type RegisterRequest,
  type ReportEndRequest,
  WORKER_ROLES,
  WORKER_STATES,
} from "@gumshoe/protocol";

/**
 * Most characters of the texts that a worker sends about itself: they are stored, logged and shown.
 */
const MAX_CHARACTERS = {
  worker_id: 100,
  host: 255,
  device: 100,
  address: 300,
  job: 200,
  end: 500,
  waiting_for: 500,
} as const;
const MAX_JOBS = 100;

/**
 * @throws InvalidArgumentError naming the field of a registration that no worker of this project
 *   would send
 */
export function checkRegistration(request: RegisterRequest): void {
  checkText("worker_id", request.workerId);
  checkText("host", request.host);
  checkText("device", request.device);
  checkText("address", request.address);
  checkChoice("role", request.role, WORKER_ROLES);
  if (isAddress(request.address, 1)) return;
  throw new InvalidArgumentError("address", "is not host:port");
}

/**
 * @throws InvalidArgumentError naming the field of a heartbeat that no worker of this project would
 *   send
 */
export function checkHeartbeat(request: HeartbeatRequest): void {
  if (request.job !== "") checkText("job", request.job);
  if (request.waitingFor !== "") checkText("waiting_for", request.waitingFor);
  if (request.activeJobs.length > MAX_JOBS) {
    throw new InvalidArgumentError("active_jobs", `has more than ${MAX_JOBS} jobs`);
  }
  for (const job of request.activeJobs) checkText("job", job);
  checkChoice("state", request.state, WORKER_STATES);
  const { tokensPerSecond } = request;
  if (Number.isFinite(tokensPerSecond) && tokensPerSecond >= 0) return;
  throw new InvalidArgumentError("tokens_per_second", `is ${tokensPerSecond}`);
}

/** @throws InvalidArgumentError naming the field of a report that no supervisor of ours sends */
export function checkReport({ role, host, end }: ReportEndRequest): void {
  checkChoice("role", role, WORKER_ROLES);
  checkText("host", host);
  checkText("end", end);
}

function checkText(field: keyof typeof MAX_CHARACTERS, text: string): void {
  const limit = MAX_CHARACTERS[field];
  if (text === "") throw new InvalidArgumentError(field, "is empty");
  if (text.length > limit) {
    throw new InvalidArgumentError(field, `has ${text.length} characters; the limit is ${limit}`);
  }
}

function checkChoice(field: string, text: string, choices: readonly string[]): void {
  if (choices.includes(text)) return;
  throw new InvalidArgumentError(field, `is not one of ${choices.join(", ")}`);
}

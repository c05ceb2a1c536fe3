/**
 * Faults for a cluster that trains. A fault returns a line that describes it, null if it could not
 * be applied, and throws SoakError when the cluster responded wrongly.
 */
import { kill } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { call } from "./command.mjs";

const MOST_HANG_MS = 15_000;
const MOST_REDIS_PAUSE_MS = 12_000;
const MOST_FULL_MS = 8_000;

/** Thrown when a call that must be rejected was accepted, or a response was wrong. */
export class SoakError extends Error {}

/** The faults with their weights; `ends` means that the command is restarted afterwards. */
export const TROUBLES = [
  { name: "kill", weight: 6, act: killOne },
  { name: "hang", weight: 2, act: hangOne },
  { name: "leave", weight: 2, act: leave },
  { name: "pause-redis", weight: 2, act: pauseRedis },
  { name: "full-disk", weight: 2, act: fillDisk },
  { name: "cancel", weight: 2, act: cancel, ends: true },
  { name: "wrong-calls", weight: 2, act: callWrongly },
  { name: "kill-command", weight: 1, act: killCommand, ends: true },
  { name: "interrupt-command", weight: 1, act: interruptCommand, ends: true },
];

async function killCommand({ command }) {
  command.child.kill("SIGKILL");
  return "kill-command";
}

async function interruptCommand({ command }) {
  command.child.kill("SIGINT");
  return "interrupt-command";
}

/** Chooses a running process of the cluster. */
async function choose({ home, command, random, isMortal }, pattern = /./) {
  const alive = await home.processesSoon(() => command.isRunning);
  const among = alive.filter(({ name }) => pattern.test(name) && isMortal(name));
  return among.length === 0 ? null : random.pick(among);
}

function signal({ pid }, name) {
  try {
    kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

async function killOne(context) {
  const victim = await choose(context);
  if (victim === null) return null;
  return signal(victim, "SIGKILL") ? `kill ${victim.name}` : `${victim.name} had just gone`;
}

async function leave(context) {
  const victim = await choose(context, /^(inference|trainer|reducer)/);
  if (victim === null) return null;
  return signal(victim, "SIGTERM") ? `leave ${victim.name}` : `${victim.name} had just gone`;
}

/** Suspends a process, and resumes it later, unless it was replaced meanwhile. */
async function hang(context, { pattern, mostMs }) {
  const victim = await choose(context, pattern);
  if (victim === null || !signal(victim, "SIGSTOP")) return null;
  const hangMs = context.random.below(mostMs);
  setTimeout(() => signal(victim, "SIGCONT"), hangMs).unref();
  return `hang ${victim.name} for ${hangMs} ms`;
}

function hangOne(context) {
  return hang(context, { pattern: /./, mostMs: MOST_HANG_MS });
}

function pauseRedis(context) {
  return hang(context, { pattern: /^redis/, mostMs: MOST_REDIS_PAUSE_MS });
}

async function fillDisk({ home, random }) {
  if (!home.isOwnDisk) return null;
  const fullMs = random.below(MOST_FULL_MS);
  const makeRoom = home.fill();
  await sleep(fullMs);
  makeRoom();
  return `full disk for ${fullMs} ms`;
}

/** Cancels the run; after another submission it must resume to the same weights. */
async function cancel({ home, run, command }) {
  if (home.processes().length === 0 || !command.isRunning) return null;
  const { code, messages } = await call(["cancel", run, "--home", home.folder]);
  if (code !== 0 && /Error:|at .*\.js:/.test(messages)) throw new SoakError(`cancel: ${messages}`);
  if (code !== 0) return null;
  // The command that watches the run ends by itself.
  return "cancel";
}

/** Makes calls that must always be rejected: a known name with another config, unknown runs. */
async function callWrongly({ home, run, config, otherConfig }) {
  if (home.processes().length === 0) return null;
  const where = ["--home", home.folder];
  const calls = await Promise.all([
    call(["submit", otherConfig, "--name", run, ...where]),
    call(["cancel", "no-such-run", ...where]),
    call(["watch", "no-such-run", ...where]),
    call(["submit", config, "--name", "Not A Name", ...where]),
  ]);
  const accepted = calls.findIndex(({ code }) => code === 0);
  if (accepted >= 0) throw new SoakError(`wrong call ${accepted} was accepted`);
  return "wrong calls";
}

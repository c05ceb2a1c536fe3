/** The gumshoe command as a child process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { env, execPath } from "node:process";

import { ROOT } from "../setup/step.mjs";

const PROGRAM = join(ROOT, "packages/cli/bin/gumshoe.js");
/** Time limit of commands that execute no run, in ms. */
const CALL_DEADLINE_MS = 300_000;

/** One call of the command; `ended` resolves with its exit code, output and messages. */
export class Command {
  constructor(args) {
    this.child = spawn(execPath, [PROGRAM, ...args], {
      cwd: ROOT,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.output = "";
    this.messages = "";
    this.child.stdout.on("data", (data) => (this.output += data));
    this.child.stderr.on("data", (data) => (this.messages += data));
    this.ended = once(this.child, "close").then(() => ({
      code: this.child.exitCode,
      output: this.output,
      messages: this.messages,
    }));
  }

  get isRunning() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }
}

/** Runs the command to its end, or kills it after a time, in ms: its exit code is then null. */
export async function call(args, deadlineMs = CALL_DEADLINE_MS) {
  const command = new Command(args);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    command.child.kill("SIGKILL");
  }, deadlineMs);
  const ended = await command.ended;
  clearTimeout(timer);
  if (!isLate) return ended;
  return { ...ended, messages: `${ended.messages}\nit was killed after ${deadlineMs} ms` };
}

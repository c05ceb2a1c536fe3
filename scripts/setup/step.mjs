/** One step of the set-up: prints its title, and finally its duration. */
import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A problem that the user can solve; printed without a stack trace. */
export class SetUpError extends Error {}

/** Runs `work` under a line such as `set-up: dependencies ... 12.3 s`. */
export async function step(title, work) {
  const startedAt = performance.now();
  process.stderr.write(`set-up: ${title} ... `);
  try {
    await work();
  } catch (error) {
    process.stderr.write("failed\n");
    throw error;
  }
  process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
}

/**
 * Runs a program to its end; returns its exit code and its output, both streams together. The
 * output is printed only if it failed.
 */
export function runQuietly(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      ...options,
    });
    const chunks = [];
    child.stdout.on("data", (chunk) => chunks.push(chunk));
    child.stderr.on("data", (chunk) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({ code: code ?? 128, signal, output: Buffer.concat(chunks).toString("utf8") });
    });
  });
}

/** Runs a program to its end. @throws SetUpError with its output when it fails */
export async function mustRun(program, args, options = {}) {
  const { code, output } = await runQuietly(program, args, options);
  if (code !== 0) {
    throw new SetUpError(`${output.trimEnd()}\n\n${program} ${args.join(" ")} failed (${code})`);
  }
  return output;
}

/** Runs a program with inherited stdin and stdout; returns its exit code. */
export function runOpenly(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: "inherit", ...options });
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 128));
  });
}

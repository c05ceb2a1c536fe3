import { spawnSync } from "node:child_process";

const NAMES = ["tensorboard", "mlflow", "wandb", "trackio", "opentelemetry"] as const;

/** The Python that the tests of monitors use; GUMSHOE_MONITOR_PYTHON names one with the packages. */
export const MONITOR_PYTHON = process.env["GUMSHOE_MONITOR_PYTHON"] ?? "python3";

const FIND = `
import importlib.util
print([n for n in ${JSON.stringify(NAMES)} if importlib.util.find_spec(n)])
`;

const found = spawnSync(MONITOR_PYTHON, ["-c", FIND], { encoding: "utf8" }).stdout;

/** Whether a package is installed; the tests that need another are skipped. */
export function hasPackage(name: (typeof NAMES)[number]): boolean {
  return found.includes(`'${name}'`);
}

/** Runs a program that prints JSON, in a folder. @throws Error with what it printed */
export function runPython<T>(
  program: string,
  words: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): T {
  const { status, stdout, stderr } = spawnSync(MONITOR_PYTHON, ["-c", program, ...words], {
    encoding: "utf8",
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
  });
  if (status !== 0) throw new Error(stderr.slice(-2000));
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as T;
}

/** Runs with misbehaving modules; each must end as failed, without affecting anything else. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const TASK = `task: ({ rng }) => ({ messages: [{ role: "user", content: String(rng.below(99)) }] })`;

const MODULES = {
  "throws-late": `setTimeout(() => { throw new Error("late"); }, 50);
    const later = (value) => new Promise((resolve) => setTimeout(resolve, 500, value));
    export const createEnvironment = () => ({ ${TASK}, grade: () => later({ reward: 0 }) });`,
  "rejects-late": `export const createEnvironment = () => ({ ${TASK},
    grade: () => { void Promise.reject(new Error("unheard")); return { reward: 0 }; } });`,
  "never-scores": `export const createEnvironment = () => ({ ${TASK}, grade: () => ({ reward: true }) });`,
  "infinite-reward": `export const createEnvironment = () => ({ ${TASK},
    grade: () => ({ reward: 1 / 0 }) });`,
  exits: `export const createEnvironment = () => ({ ${TASK}, grade: () => process.exit(0) });`,
};

/** Names of these runs. */
export const POISONS = Object.keys(MODULES);

/** Writes a module and a config that uses it; returns the config's path. */
export function writePoison(folder, name, model) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.mjs`), MODULES[name]);
  const config = {
    name,
    type: "grpo",
    model,
    iterations: 2,
    tasks: { source: { type: "module", module: `./${name}.mjs`, seed: 1 }, perIteration: 2 },
    rollouts: { perTask: 4, maxAnswerTokens: 8 },
    updatesPerIteration: 1,
  };
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(config));
  return file;
}

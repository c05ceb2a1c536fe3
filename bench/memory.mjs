/**
 * How much memory a run takes: the peak of the proportional set size (PSS: pages that processes share are
 * counted once, divided among them) of every process of a `gumshoe` command, and of their sum. Linux only.
 *
 *   node bench/memory.mjs [--json] run CONFIG --inference 1 --trainers 1 --reducers 1
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { clearInterval, setInterval } from "node:timers";
import { fileURLToPath } from "node:url";

const COMMAND = join(fileURLToPath(new URL("..", import.meta.url)), "packages/cli/bin/gumshoe.js");
/** Time between two looks: a reducer's step of a large model takes longer. */
const EVERY_MS = 200;
const GIB_KIB = 2 ** 20;

/** Reads a file of /proc; empty when the process is gone. */
function readProc(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}

/** The processes below one, itself included. */
function descendants(root) {
  const parents = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const stat = readProc(pid, "stat");
    // After the name, which may hold anything: state, then the parent.
    const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    parents.set(Number(pid), Number(parent));
  }
  const isBelow = (pid) => {
    for (let at = pid; at > 1; at = parents.get(at) ?? 0) if (at === root) return true;
    return false;
  };
  return [...parents.keys()].filter(isBelow);
}

/** What a process is: the role of a worker, or the program. */
function roleOf(pid) {
  const words = readProc(pid, "cmdline");
  const role = /GUMSHOE_ROLE=(\w+)/.exec(readProc(pid, "environ"))?.[1];
  if (words.includes("worker/dist/main")) return role ?? "worker";
  return /coordinator\/dist\/main/.test(words)
    ? "coordinator"
    : /redis/.test(words)
      ? "redis"
      : "command";
}

/** GiB of each role now. */
function look(root) {
  const roles = {};
  for (const pid of descendants(root)) {
    const pss = /^Pss:\s+(\d+)/m.exec(readProc(pid, "smaps_rollup"))?.[1];
    const role = roleOf(pid);
    if (pss !== undefined) roles[role] = (roles[role] ?? 0) + Number(pss) / GIB_KIB;
  }
  return roles;
}

const words = process.argv.slice(2);
const asJson = words.includes("--json");
const child = spawn(process.execPath, [COMMAND, ...words.filter((word) => word !== "--json")], {
  stdio: ["ignore", asJson ? "ignore" : "inherit", "inherit"],
});
const peaks = { all: 0 };
let atPeak = {};
const timer = setInterval(() => {
  const roles = look(child.pid);
  const all = Object.values(roles).reduce((sum, one) => sum + one, 0);
  if (all > peaks.all) atPeak = roles;
  for (const [role, gib] of Object.entries({ ...roles, all })) {
    peaks[role] = Math.max(peaks[role] ?? 0, gib);
  }
}, EVERY_MS);
child.on("exit", (code) => {
  clearInterval(timer);
  const rounded = (roles) =>
    Object.fromEntries(Object.entries(roles).map(([role, gib]) => [role, Number(gib.toFixed(2))]));
  const result = { peakGiB: rounded(peaks), atPeakOfAllGiB: rounded(atPeak) };
  console.log(asJson ? JSON.stringify(result) : result);
  process.exitCode = code ?? 1;
});

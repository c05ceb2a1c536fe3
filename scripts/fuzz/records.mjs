/** Records of this machine, which a crash or another program may have changed: ledgers, checkpoints, jobs, logs. */
import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ProcessLock, systemClock } from "@gumshoe/core";

import { Home } from "../../packages/cli/dist/local/home.js";
import { readManifest } from "../../packages/coordinator/dist/checkpoint/manifest.js";
import { Ledger } from "../../packages/coordinator/dist/ledger/ledger.js";
import { parseLine } from "../../packages/coordinator/dist/ledger/ledger-line.js";
import { applyEvent, newRunState } from "../../packages/coordinator/dist/run/run-state.js";
import { readJob } from "../../packages/queue/dist/read-job.js";
import { makeFolder, parseJson, textOf } from "./files.mjs";

const DIGEST = "0".repeat(64);
const lines = textOf("test/ledgers/events-0.1.0.jsonl").trim().split("\n");

function withChecksum(json) {
  return `${createHash("sha256").update(json).digest("hex").slice(0, 8)} ${json}`;
}

const ledgerLines = {
  name: "ledger-lines",
  open: async () => {
    const values = lines.map((line) => JSON.parse(line.slice(9)));
    return {
      words: values.map(({ body }) => `"${body.type}"`),
      // Most of them with their checksum, as a line without it is not read further.
      make: (mutator) =>
        mutator.chance(0.8) ? withChecksum(mutator.json(values)) : mutator.text(lines),
      read: (line) => {
        const number = Number(/"n":(\d{1,3})/.exec(line)?.[1] ?? 1);
        const { event, reason } = parseLine(line, number);
        if (event !== null) applyEvent(newRunState(), event);
        else if (reason === "") throw new Error("is refused without a reason");
      },
    };
  },
};

const ledgers = {
  name: "ledgers",
  open: async () => {
    const folder = makeFolder();
    return {
      words: lines.slice(0, 3),
      make: (mutator) => {
        const some = lines.slice(0, 2 + mutator.random.below(6)).join("\n");
        return mutator.chance(0.5)
          ? mutator.changedText(`${some}\n`)
          : `${some}\n${mutator.text(lines)}`;
      },
      read: async (text) => {
        writeFileSync(join(folder.path, "events.jsonl"), text);
        const mayWrite = async () => undefined;
        const options = { folder: folder.path, clock: systemClock, mayWrite };
        const { ledger, events } = await Ledger.open(options);
        await ledger.close();
        const state = newRunState();
        for (const event of events) applyEvent(state, event);
      },
      close: () => folder.remove(),
    };
  },
};

const manifests = {
  name: "manifests",
  open: async () => {
    const folder = makeFolder();
    const valid = {
      iteration: 1,
      update: 2,
      digest: DIGEST,
      configHash: DIGEST,
      files: { "config.json": 10, "model.safetensors": 20 },
      optimizer: DIGEST,
      sha256: { "config.json": DIGEST },
    };
    return {
      words: Object.keys(valid),
      make: (mutator) =>
        mutator.chance(0.8) ? mutator.json([valid]) : mutator.text([JSON.stringify(valid)]),
      read: async (text) => {
        writeFileSync(join(folder.path, "manifest.json"), text);
        const { manifest } = await readManifest(folder.path);
        for (const name of Object.keys(manifest.files)) {
          if (/(^|\/)\.\.?(\/|$)|^\/|\0/.test(name)) throw new Error(`takes the name ${name}`);
        }
      },
      close: () => folder.remove(),
    };
  },
};

const jobs = {
  name: "jobs",
  open: async () => {
    const valid = [
      { run: "tiny", groupKey: "0/train/1", kind: "train" },
      { run: "tiny", update: 1, lane: 0, plan: "a-1" },
    ];
    return {
      words: ["run", "groupKey", "kind", "update", "lane", "plan", "0/validation/1"],
      make: (mutator) => mutator.json(valid),
      read: (text) => {
        let data = text;
        try {
          data = JSON.parse(text);
        } catch {
          // BullMQ keeps JSON alone.
        }
        readJob(text.length % 2 === 0 ? "rollout" : "gradient", data);
      },
    };
  },
};

const homes = {
  name: "homes",
  open: async () => {
    const folder = makeFolder();
    const home = new Home(folder.path);
    const cluster = { address: "127.0.0.1:1", pid: 1, processes: [] };
    const holder = { host: "h", pid: 2 ** 22 + 1, started: "1", claim: "x" };
    const lock = join(folder.path, "cluster.lock");
    return {
      words: ["address", "pid", "processes", "started", "claim"],
      make: (mutator) => mutator.json([cluster, holder]),
      read: (text) => {
        writeFileSync(join(folder.path, "cluster.json"), text);
        home.runningCluster();
        // The lock of a living process is waited for.
        if (parseJson(text, isOfLivingProcess) === true) return;
        writeFileSync(lock, text);
        ProcessLock.take(lock).release();
      },
      close: () => folder.remove(),
    };
  },
};

function isOfLivingProcess(value) {
  const pid = typeof value === "number" ? value : value?.pid;
  return Number.isInteger(pid) && existsSync(`/proc/${pid}`);
}

export const RECORDS = [ledgerLines, ledgers, manifests, jobs, homes];

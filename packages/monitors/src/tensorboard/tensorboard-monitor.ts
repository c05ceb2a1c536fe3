import { appendFile, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";

import type { Clock } from "@gumshoe/core";

import type { Monitor, MonitoredRun, MonitorSession, Point } from "../monitor.js";
import { fileHeader, scalarRecord } from "./event-file.js";

/**
 * Writes event files into `tensorboard/` of a run's folder: `tensorboard --logdir <home>/runs` shows all
 * runs. Every session writes a new file, so that a record torn by a crash ends only its own file.
 */
export class TensorBoardMonitor implements Monitor {
  readonly name = "tensorboard";
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async open(run: MonitoredRun, { next: saved }: { next: number }): Promise<MonitorSession> {
    const folder = join(run.folder, "tensorboard");
    // A user who removes the folder gets all of it again.
    const next = (await isFolder(folder)) ? saved : 0;
    // Not recursive: the folder of a removed run must not be made again.
    if (next === 0) await mkdir(folder).catch(ignoreExisting);
    const nowMs = this.#clock.now();
    // TensorBoard reads the files of a folder in the order of their names.
    const seconds = String(Math.floor(nowMs / 1000)).padStart(10, "0");
    const file = join(folder, `events.out.tfevents.${seconds}.gumshoe.${process.pid}.${next}`);
    await appendFile(file, fileHeader(nowMs, next), { flag: "ax" });
    const append = (points: readonly Point[]) =>
      appendExisting(file, Buffer.concat(points.map(scalarRecord)));
    return { next, send: append, finish: () => Promise.resolve(), close: () => undefined };
  }
}

/** Appends to a file; one that was removed is not created again, since it would lack its header. */
async function appendExisting(file: string, bytes: Buffer): Promise<void> {
  await stat(file);
  await appendFile(file, bytes);
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

import { randomUUID } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { writeWhole } from "@gumshoe/core";
import { z } from "zod";

import type { Position } from "../monitor.js";

const StoredPosition = z.object({
  id: z.string().min(1),
  next: z.int().min(0),
  hasEnded: z.boolean(),
});

/** Returns the folder of the monitors' files in a run's folder. */
export function monitorFolder(runFolder: string): string {
  return join(runFolder, "monitors");
}

/** Returns the position of a run that a monitor does not have yet. */
export function newPosition(): Position {
  return { id: randomUUID().replaceAll("-", ""), next: 0, hasEnded: false };
}

/** Reads how far a run was sent to a monitor; null if it never was, or if the file is damaged. */
export async function readPosition(runFolder: string, monitor: string): Promise<Position | null> {
  try {
    const text = await readFile(fileOf(runFolder, monitor), "utf8");
    return StoredPosition.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/**
 * Replaces the file. It is not durable against a loss of power: with an older position, a monitor
 * gets points again that it has.
 *
 * @throws WriteFailedError, or the system's error when the run's folder is gone
 */
export async function writePosition(
  runFolder: string,
  monitor: string,
  position: Position,
): Promise<void> {
  const file = fileOf(runFolder, monitor);
  // Not recursive: the folder of a removed run must not be made again.
  await mkdir(dirname(file)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await writeWhole(file, `${JSON.stringify(position)}\n`);
}

function fileOf(runFolder: string, monitor: string): string {
  return join(monitorFolder(runFolder), `${monitor}.json`);
}

import type { WorkerStatus } from "@gumshoe/protocol";

/** Cores and GPUs of the machines of a fleet. */
export interface Machines {
  readonly cores: number;
  readonly gpus: number;
}

const CPU = /^cpu x(\d+)/;

/**
 * Adds up what a fleet occupies. The workers of one host share its cores, so a host counts with the largest
 * number of threads of one of its workers; a GPU counts once, however many workers it has.
 */
export function machinesOf(
  workers: readonly Pick<WorkerStatus, "host" | "device" | "state">[],
): Machines {
  const cores = new Map<string, number>();
  const gpus = new Set<string>();
  for (const { host, device, state } of workers) {
    if (state === "lost") continue;
    const threads = CPU.exec(device)?.[1];
    if (threads === undefined) gpus.add(`${host} ${device}`);
    else cores.set(host, Math.max(cores.get(host) ?? 0, Number(threads)));
  }
  return { cores: [...cores.values()].reduce((sum, count) => sum + count, 0), gpus: gpus.size };
}

import { mkdir } from "node:fs/promises";

import { monitorFolder } from "../feed/position-file.js";
import type { Monitor, MonitoredRun, MonitorSession, Position } from "../monitor.js";
import { BridgeProcess } from "./bridge-process.js";

/** How the Python client of a monitor is started. */
export interface PythonMonitorSettings {
  readonly name: "wandb" | "trackio";
  readonly python: string;
  readonly project: string;
  /** Environment of the client, with its own variables such as WANDB_API_KEY. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Sends metrics to Weights & Biases or Trackio through the user's own Python client, in a process of its
 * own for each run. The client keeps its files in `monitors/` of the run's folder.
 */
export class PythonMonitor implements Monitor {
  readonly #settings: PythonMonitorSettings;

  constructor(settings: PythonMonitorSettings) {
    this.#settings = settings;
  }

  get name(): string {
    return this.#settings.name;
  }

  async open(run: MonitoredRun, { id, next: saved }: Position): Promise<MonitorSession> {
    const { name: client, python, project, env } = this.#settings;
    const folder = monitorFolder(run.folder);
    await mkdir(folder, { recursive: true });
    const bridge = new BridgeProcess({ python, client, folder, env });
    const { name, config } = run;
    try {
      const order = { project, name, id, config, next: saved };
      const { next = saved } = await bridge.call({ open: order });
      return {
        next,
        send: async (points) => {
          const rows = points.map(({ step, atMs, metrics }) => [step, atMs / 1000, metrics]);
          await bridge.call({ points: rows });
        },
        finish: async (outcome) => {
          await bridge.call({ finish: outcome === "done" ? 0 : 1 });
        },
        close: () => bridge.close(),
      };
    } catch (error) {
      bridge.close();
      throw error;
    }
  }
}

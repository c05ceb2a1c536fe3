import {
  type FleetService,
  type PackService,
  type RolloutService,
  type RpcHandlers,
} from "@gumshoe/protocol";

import { NotWantedError } from "../errors.js";
import { type Fleet } from "../fleet/fleet.js";
import { type RunManager } from "../run/run-manager.js";

/** The handlers of FleetService. */
export function fleetHandlers(fleet: Fleet): RpcHandlers<typeof FleetService> {
  return {
    register: async (request) => {
      fleet.register(request);
      return { heartbeatIntervalMs: fleet.heartbeatIntervalMs };
    },
    heartbeat: async (request) => {
      fleet.heartbeat(request);
      return { heartbeatIntervalMs: fleet.heartbeatIntervalMs };
    },
    leave: async ({ workerId }) => {
      fleet.leave(workerId);
      return {};
    },
  };
}

/** The handlers of RolloutService. */
export function rolloutHandlers(runs: RunManager): RpcHandlers<typeof RolloutService> {
  return {
    getRunAssets: async ({ run }) => {
      const { model } = runs.driver(run);
      if (model === null) throw new NotWantedError(`run ${run}`);
      const configJson = JSON.stringify(runs.get(run).config);
      return { configJson, modelFiles: { ...model.assets } };
    },
    fetchGroup: async ({ run, groupKey }) => runs.driver(run).sampling.fetch(groupKey),
    submitGroup: async (request) => {
      await runs.driver(request.run).sampling.submit(request);
      return {};
    },
  };
}

/** The handlers of PackService. */
export function packHandlers(runs: RunManager): RpcHandlers<typeof PackService> {
  return {
    fetchLane: async ({ run, update, lane }) => runs.driver(run).lanes.fetch(update, lane),
    completeLane: async (request) => {
      runs.driver(request.run).lanes.complete(request);
      return {};
    },
  };
}

import {
  type FleetService,
  type PackService,
  type RolloutService,
  type RpcHandlers,
} from "@gumshoe/protocol";

import { type Fleet } from "../fleet/fleet.js";
import { type RunManager } from "../run/run-manager.js";

/** The handlers of FleetService. */
export function fleetHandlers(fleet: Fleet, runs: RunManager): RpcHandlers<typeof FleetService> {
  return {
    register: async (request) => {
      fleet.register(request);
      return { heartbeatIntervalMs: fleet.heartbeatIntervalMs };
    },
    heartbeat: async (request) => {
      const role = fleet.heartbeat(request);
      const withdrawnJobs = request.jobsInHand.filter((key) => !runs.isWanted(role, key));
      return { heartbeatIntervalMs: fleet.heartbeatIntervalMs, withdrawnJobs };
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
    getRunAssets: async ({ run }) => runs.driver(run).assets.files,
    fetchGroup: async ({ run, groupKey }) => {
      const { sampling, assets } = runs.driver(run);
      return { ...sampling.fetch(groupKey), assetsDigest: assets.digest };
    },
    submitGroup: async (request) => {
      await runs.driver(request.run).sampling.submit(request);
      return {};
    },
  };
}

/** The handlers of PackService. */
export function packHandlers(runs: RunManager): RpcHandlers<typeof PackService> {
  return {
    fetchLane: async ({ run, update, lane }) => {
      const { lanes, assets } = runs.driver(run);
      return { ...lanes.fetch(update, lane), assetsDigest: assets.digest };
    },
    completeLane: async (request) => {
      runs.driver(request.run).lanes.complete(request);
      return {};
    },
  };
}

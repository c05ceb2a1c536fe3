import { ClusterError, type Logger } from "@gumshoe/core";
import type { FleetService, PackService, RolloutService } from "@gumshoe/protocol";
import type { RpcHandlers } from "@gumshoe/rpc";

import type { Fleet } from "../fleet/fleet.js";
import type { RunManager } from "../run/run-manager.js";

/** The handlers of FleetService. */
export function fleetHandlers(fleet: Fleet, runs: RunManager): RpcHandlers<typeof FleetService> {
  return {
    register: async (request) => {
      fleet.register(request);
      return { heartbeatIntervalMs: fleet.heartbeatIntervalMs };
    },
    heartbeat: async (request) => {
      const role = fleet.heartbeat(request);
      const withdrawnJobs = request.activeJobs.filter((key) => !runs.isWanted(role, key));
      return { heartbeatIntervalMs: fleet.heartbeatIntervalMs, withdrawnJobs };
    },
    leave: async ({ workerId }) => {
      fleet.leave(workerId);
      return {};
    },
    reportEnd: async (report) => {
      fleet.reportEnd(report);
      return {};
    },
  };
}

/** The handlers of RolloutService. */
export function rolloutHandlers(
  runs: RunManager,
  logger: Logger,
): RpcHandlers<typeof RolloutService> {
  return {
    getRunAssets: async ({ run }) => runs.driver(run).assets.files,
    fetchGroup: async ({ run, groupKey }) => {
      const { sampling, assets } = runs.driver(run);
      return { ...sampling.fetch(groupKey), assetsDigest: assets.digest };
    },
    submitGroup: async (request) => {
      const { workerId, run, groupKey } = request;
      await runs
        .driver(run)
        .sampling.submit(request)
        .catch((error: unknown) => refuse(logger, { workerId, run, groupKey }, error));
      return {};
    },
  };
}

/** The handlers of PackService. */
export function packHandlers(runs: RunManager, logger: Logger): RpcHandlers<typeof PackService> {
  return {
    fetchLane: async ({ run, update, lane }) => {
      const { lanes, assets } = runs.driver(run);
      return { ...lanes.fetch(update, lane), assetsDigest: assets.digest };
    },
    completeLane: async (request) => {
      const { workerId, run, update, lane } = request;
      try {
        runs.driver(run).lanes.complete(request);
      } catch (error) {
        refuse(logger, { workerId, run, update, lane }, error);
      }
      return {};
    },
  };
}

/** Logs a rejected submission of a worker, and rethrows the error. */
function refuse(logger: Logger, handedIn: Record<string, unknown>, error: unknown): never {
  if (error instanceof ClusterError && error.code === "INVALID_ARGUMENT") {
    logger.warn(handedIn, `rejected what a worker submitted: ${error.message}`);
  }
  throw error;
}

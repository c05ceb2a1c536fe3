import { ClusterError } from "@gumshoe/core";

import {
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
  type HealthService,
} from "../gen/grpc/health/v1/health.js";
import { type RpcHandlers } from "./handlers.js";

/** The handlers of the standard health check: what is served, is well. */
export function healthHandlers(services: ReadonlySet<string>): RpcHandlers<typeof HealthService> {
  const isKnown = (name: string) => name === "" || services.has(name);
  return {
    check: async ({ service }) => {
      if (!isKnown(service)) {
        throw new ClusterError("NOT_FOUND", "there is no service of this name");
      }
      return { status: ServingStatus.SERVING };
    },
    watch: async function* ({ service }, { signal }): AsyncGenerator<HealthCheckResponse> {
      yield { status: isKnown(service) ? ServingStatus.SERVING : ServingStatus.SERVICE_UNKNOWN };
      // It does not change while this process serves.
      if (!signal.aborted) {
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      }
    },
  };
}

import { ClusterError } from "@gumshoe/core";
import {
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
  type HealthService,
} from "@gumshoe/protocol";

import type { RpcHandlers } from "./handlers.js";
import type { ServingState } from "./serving-state.js";

/** The handlers of the standard health check: all services share the server's status. */
export function healthHandlers(
  services: ReadonlySet<string>,
  state: ServingState,
): RpcHandlers<typeof HealthService> {
  const status = () => (state.isServing ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
  const isKnown = (name: string) => name === "" || services.has(name);
  return {
    check: async ({ service }) => {
      if (!isKnown(service)) {
        throw new ClusterError("NOT_FOUND", "there is no service of this name");
      }
      return { status: status() };
    },
    watch: async function* ({ service }, { signal }): AsyncGenerator<HealthCheckResponse> {
      for (let sent: ServingStatus | null = null; !signal.aborted;) {
        const now = isKnown(service) ? status() : ServingStatus.SERVICE_UNKNOWN;
        if (now !== sent) yield { status: now };
        sent = now;
        // The status may have changed while the response was being written.
        if (!isKnown(service) || status() === sent) await state.change(signal);
      }
    },
  };
}

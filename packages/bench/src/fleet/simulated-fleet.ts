import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** One process of simulated workers. */
export interface FleetPeerRequest {
  /** Prefix of its workers' names: `<name>-1`, `<name>-2` and so on. */
  readonly name: string;
  readonly workers: number;
  /** host:port of the coordinator. */
  readonly coordinator: string;
  readonly token: string;
  readonly redisUrl: string;
  /** Prefix of the cluster's keys in Redis. */
  readonly cluster: string;
  /** Mean time of a worker per group, in ms. */
  readonly groupMs: number;
}

/** Inference workers without computation, many per process, that use the real protocol. */
export class SimulatedFleet {
  readonly #peers: ChildProcess[] = [];

  /** Starts a process of workers; resolves when all of them have registered. */
  async add(request: FleetPeerRequest): Promise<ChildProcess> {
    const program = fileURLToPath(new URL("fleet-peer.js", import.meta.url));
    const peer = fork(program, [JSON.stringify(request)]);
    this.#peers.push(peer);
    const failed = once(peer, "exit").then(() => {
      throw new Error(`the process ${request.name} of simulated workers ended`);
    });
    // The process also ends after `ready`, when no caller awaits this promise any more.
    failed.catch(() => undefined);
    await Promise.race([once(peer, "message"), failed]);
    return peer;
  }

  /** Unregisters all workers, and ends their processes. */
  async stop(): Promise<void> {
    await Promise.all(this.#peers.map(end));
  }
}

async function end(peer: ChildProcess): Promise<void> {
  if (peer.exitCode !== null || peer.signalCode !== null) return;
  const exited = once(peer, "exit");
  peer.kill("SIGTERM");
  await exited;
}

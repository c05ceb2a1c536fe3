import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** One process of simulated workers. */
export interface FleetPeerRequest {
  /** Begins the names of its workers: they are called `<name>-1`, `<name>-2` and so on. */
  readonly name: string;
  readonly workers: number;
  /** host:port of the coordinator. */
  readonly coordinator: string;
  readonly token: string;
  readonly redisUrl: string;
  /** Prefix of the cluster's keys in Redis. */
  readonly cluster: string;
  /** Mean time that a worker takes for a group, in ms. */
  readonly groupMs: number;
}

/** Inference workers that compute nothing, many to a process, on the real wire. */
export class SimulatedFleet {
  readonly #peers: ChildProcess[] = [];

  /** Starts a process of workers; resolves when all of them have joined. */
  async add(request: FleetPeerRequest): Promise<ChildProcess> {
    const program = fileURLToPath(new URL("fleet-peer.js", import.meta.url));
    const peer = fork(program, [JSON.stringify(request)]);
    this.#peers.push(peer);
    const failed = once(peer, "exit").then(() => {
      throw new Error(`the process ${request.name} of simulated workers ended`);
    });
    // It ends later, too, when the workers have joined: then the promise has no reader.
    failed.catch(() => undefined);
    await Promise.race([once(peer, "message"), failed]);
    return peer;
  }

  /** Lets all workers leave, and ends their processes. */
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

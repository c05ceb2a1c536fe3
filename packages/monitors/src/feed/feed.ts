import { errorMessage } from "@gumshoe/core";

import { MonitorAwayError } from "../errors.js";
import type { Monitor, MonitoredRun, MonitorSession, Position } from "../monitor.js";
import { newPosition, readPosition, writePosition } from "./position-file.js";
import { within } from "./within.js";

/** Points per call of a monitor. */
const MAX_POINTS = 50;
/** Time for one call of a monitor, in ms: a client that starts Python and logs in needs seconds. */
const CALL_WITHIN_MS = 60_000;

/**
 * Sends the points of one run to one monitor, from where it stopped.
 *
 * - The position is stored after the monitor has the points: a crash between sends them again, which
 *   every monitor tolerates, because a point has its step.
 * - A monitor that was away, a coordinator that was killed, and a run that was resumed are one case:
 *   the session is opened again, and says which point it wants next.
 */
export class Feed {
  readonly run: MonitoredRun;
  readonly monitor: Monitor;
  #position: Position | null = null;
  #session: MonitorSession | null = null;

  constructor(run: MonitoredRun, monitor: Monitor) {
    this.run = run;
    this.monitor = monitor;
  }

  /**
   * Sends what the run has and the monitor has not.
   *
   * @returns  whether the run's end was sent: nothing follows, unless the run is resumed
   * @throws   MonitorAwayError; the next call begins where this one ended
   */
  async catchUp(): Promise<boolean> {
    try {
      return await this.#catchUp();
    } catch (error) {
      this.close();
      throw new MonitorAwayError(this.monitor.name, errorMessage(error), error);
    }
  }

  close(): void {
    this.#session?.close();
    this.#session = null;
  }

  async #catchUp(): Promise<boolean> {
    const { run } = this;
    // Read before the points: once the run has ended, it has all of them.
    const { outcome } = run;
    const position = await this.#known();
    if (outcome !== null && position.hasEnded) return true;
    const isIdle = outcome === null && run.points(position.next, 1).length === 0;
    if (isIdle || run.isRemoved) return false;
    const session = (this.#session ??= await this.#open(position));
    for (;;) {
      const points = run.points((await this.#known()).next, MAX_POINTS);
      const last = points.at(-1);
      if (last === undefined || run.isRemoved) break;
      await within(CALL_WITHIN_MS, session.send(points));
      await this.#store({ id: position.id, next: last.step + 1, hasEnded: false });
    }
    if (outcome === null || run.isRemoved) return false;
    await within(CALL_WITHIN_MS, session.finish(outcome));
    await this.#store({ ...(await this.#known()), hasEnded: true });
    this.close();
    return true;
  }

  /** The id is stored before the first contact, so that a crash leaves no run that is not found again. */
  async #open(position: Position): Promise<MonitorSession> {
    await this.#store({ ...position, hasEnded: false });
    const session = await within(CALL_WITHIN_MS, this.monitor.open(this.run, position));
    await this.#store({ ...position, next: session.next, hasEnded: false });
    return session;
  }

  async #known(): Promise<Position> {
    const { run, monitor } = this;
    this.#position ??= (await readPosition(run.folder, monitor.name)) ?? newPosition();
    return this.#position;
  }

  async #store(position: Position): Promise<void> {
    await writePosition(this.run.folder, this.monitor.name, position);
    this.#position = position;
  }
}

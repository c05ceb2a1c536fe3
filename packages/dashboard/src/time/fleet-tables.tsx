/** Queues, workers and coordinator as tables. */
import type { Fleet, Queue, Worker } from "@gumshoe/api";
import { Fragment } from "preact";

import { formatBytes, formatCount, formatNumber, formatSeconds, NONE } from "../figures/format.js";

const TONES: Readonly<Record<string, string>> = {
  busy: "live",
  idle: "good",
  starting: "warn",
  draining: "warn",
  lost: "bad",
};

/** Draws the tables. */
export function FleetTables({ fleet }: { readonly fleet: Fleet }) {
  const { queues, redisProblem, workers, coordinator, tokensPerSecond } = fleet;
  return (
    <>
      {redisProblem !== null && <p class="notice warn">{redisProblem}</p>}
      <div class="columns">
        {queues !== null && <Queues queues={queues} />}
        <section class="card">
          <header>
            <h2>Load</h2>
          </header>
          <dl class="pairs body">
            {Object.entries(tokensPerSecond).map(([role, rate]) => (
              <Fragment key={role}>
                <dt>Tokens per second, {role}</dt>
                <dd>{formatNumber(rate, 3)}</dd>
              </Fragment>
            ))}
            <dt>Coordinator’s event loop, 99 % within</dt>
            <dd>{formatNumber(coordinator.eventLoopDelayP99Ms, 3)} ms</dd>
            <dt>Its longest garbage collection</dt>
            <dd>{formatNumber(coordinator.gcPauseMaxMs, 3)} ms</dd>
            <dt>Its memory</dt>
            <dd>{formatBytes(coordinator.memoryBytes)}</dd>
            <dt>Its processor time</dt>
            <dd>{formatSeconds(coordinator.cpuSeconds)}</dd>
          </dl>
        </section>
      </div>
      <section class="card scroll-x" tabIndex={0} aria-label="Workers">
        <header>
          <h2>Workers</h2>
        </header>
        {workers.length === 0 && <p class="empty">No worker has registered</p>}
        {workers.length > 0 && <Workers workers={workers} />}
      </section>
    </>
  );
}

function Queues({ queues }: { readonly queues: readonly Queue[] }) {
  return (
    <section class="card scroll-x" tabIndex={0} aria-label="Queues">
      <header>
        <h2>Queues</h2>
      </header>
      <table class="table">
        <thead>
          <tr>
            <th>Queue</th>
            <th class="number">Waiting</th>
            <th class="number">Running</th>
            <th class="number">Oldest waits</th>
            <th class="number">Workers wanted</th>
          </tr>
        </thead>
        <tbody>
          {queues.map(({ name, role, waiting, active, oldestMs, workersWanted }) => (
            <tr key={name}>
              <td title={`for workers of the role ${role}`}>
                <b>{name}</b>
              </td>
              <td class="number">{formatCount(waiting)}</td>
              <td class="number">{formatCount(active)}</td>
              <td class="number">{oldestMs === null ? NONE : formatSeconds(oldestMs / 1000)}</td>
              <td class="number">{formatCount(workersWanted)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Workers({ workers }: { readonly workers: readonly Worker[] }) {
  return (
    <table class="table">
      <thead>
        <tr>
          <th>Worker</th>
          <th>Role</th>
          <th>State</th>
          <th>Host</th>
          <th>Device</th>
          <th>Job</th>
          <th class="number">Tokens/s</th>
          <th class="number">Weights</th>
          <th class="number">Machine’s memory</th>
          <th class="number">Jobs done</th>
        </tr>
      </thead>
      <tbody>
        {workers.map((worker) => (
          <WorkerRow key={worker.workerId} worker={worker} />
        ))}
      </tbody>
    </table>
  );
}

function WorkerRow({ worker }: { readonly worker: Worker }) {
  const { workerId, role, host, pid, device, state, job, jobAgeMs, tokensPerSecond } = worker;
  const { memoryBytes, weightVersion, jobsDone, ended } = worker;
  return (
    <tr>
      <td class="mono">{workerId}</td>
      <td>{role}</td>
      <td>
        <span class={`badge ${TONES[state] ?? ""}`}>{state}</span>{" "}
        {ended !== "" && <span class="muted">{ended}</span>}
      </td>
      <td title={`process ${pid}`}>{host}</td>
      <td>{device}</td>
      <td class="mono">
        {job === "" ? NONE : job}{" "}
        {job !== "" && <span class="muted">{formatSeconds(jobAgeMs / 1000)}</span>}
      </td>
      <td class="number">{tokensPerSecond > 0 ? formatNumber(tokensPerSecond, 3) : NONE}</td>
      <td class="number">{weightVersion}</td>
      <td class="number">{formatBytes(memoryBytes)}</td>
      <td class="number">{formatCount(jobsDone)}</td>
    </tr>
  );
}

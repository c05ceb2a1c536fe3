/** An iteration as lanes, one for each worker: what it did when, and when it was idle. */
import type { Phase, SpanKind, Timeline, WorkerTimeline } from "@gumshoe/api";

import { formatMoment, formatSeconds, formatShare } from "../figures/format.js";

/** The numbers of the colours. */
const COLORS: Readonly<Record<SpanKind, number>> = {
  sampling: 1,
  grading: 6,
  learning: 2,
  reducing: 3,
  checkpoint: 4,
};
const PHASE_COLORS: Readonly<Record<Phase["phase"], number>> = {
  sampling: 1,
  learning: 2,
  checkpoint: 4,
  other: 7,
};
const NUM_TICKS = 6;

/** Draws the lanes. */
export function TimelineCard(props: {
  readonly timeline: Timeline;
  readonly last: number;
  readonly onIteration: (iteration: number) => void;
}) {
  const { timeline, last, onIteration } = props;
  const { workers, iteration, startedAtMs, lengthMs, complete } = timeline;
  return (
    <section class="card timeline">
      <header>
        <h2>Iteration {iteration}</h2>
        <span class="muted">
          {formatSeconds(lengthMs / 1000)} from {formatMoment(startedAtMs)}
          {!complete && ", in progress"}
        </span>
        <span class="toolbar end">
          <button
            class="button"
            type="button"
            aria-label="Previous iteration"
            disabled={iteration <= 0}
            onClick={() => onIteration(iteration - 1)}
          >
            ←
          </button>
          <button
            class="button"
            type="button"
            aria-label="Next iteration"
            disabled={iteration >= last}
            onClick={() => onIteration(iteration + 1)}
          >
            →
          </button>
        </span>
      </header>
      <div
        class="body scroll-x"
        tabIndex={0}
        role="group"
        aria-label={`Timeline of iteration ${iteration}`}
      >
        <ol class="lanes">
          <PhaseLane timeline={timeline} />
          {workers.map((worker) => (
            <WorkerLane key={worker.workerId} worker={worker} lengthMs={lengthMs} />
          ))}
          <li class="ticks" aria-hidden="true">
            {Array.from({ length: NUM_TICKS + 1 }, (_, i) => (
              <span key={i} style={{ left: `${(i / NUM_TICKS) * 100}%` }}>
                {formatSeconds((lengthMs * i) / NUM_TICKS / 1000)}
              </span>
            ))}
          </li>
        </ol>
        {workers.length === 0 && <p class="empty">No work of this iteration is recorded</p>}
        <ul class="toolbar keys">
          {Object.entries(COLORS).map(([kind, color]) => (
            <li key={kind}>
              <i class={`span-${color}`} /> {kind}
            </li>
          ))}
          <li>
            <i class="idle" /> idle
          </li>
        </ul>
      </div>
    </section>
  );
}

function PhaseLane({ timeline: { phases, lengthMs } }: { readonly timeline: Timeline }) {
  return (
    <li class="lane phases">
      <span class="who">phase</span>
      <span class="track">
        {phases.map(({ phase, fromMs, toMs }) => (
          <Bar
            key={`${phase} ${fromMs}`}
            color={PHASE_COLORS[phase]}
            title={`${phase}, ${formatSeconds((toMs - fromMs) / 1000)}`}
            from={fromMs / lengthMs}
            to={toMs / lengthMs}
          />
        ))}
      </span>
      <span />
    </li>
  );
}

function WorkerLane(props: { readonly worker: WorkerTimeline; readonly lengthMs: number }) {
  const { worker, lengthMs } = props;
  const { workerId, role, host, device, busyShare, spans } = worker;
  return (
    <li class="lane">
      <span class="who" title={[workerId, host, device].filter(Boolean).join(", ")}>
        {role} <span class="muted">{workerId}</span>
      </span>
      <span class="track">
        {spans.map(({ kind, fromMs, toMs, job }) => (
          <Bar
            key={`${kind} ${job} ${fromMs}`}
            color={COLORS[kind]}
            title={`${kind} ${job}, ${formatSeconds((toMs - fromMs) / 1000)}`}
            from={fromMs / lengthMs}
            to={toMs / lengthMs}
          />
        ))}
      </span>
      <span class="busy muted">{formatShare(busyShare)} busy</span>
    </li>
  );
}

function Bar(props: {
  readonly color: number;
  readonly title: string;
  readonly from: number;
  readonly to: number;
}) {
  const { color, title, from, to } = props;
  return (
    <i
      class={`span-${color}`}
      title={title}
      style={{ left: `${from * 100}%`, width: `${Math.max(0, to - from) * 100}%` }}
    />
  );
}

/** The state of a run, in one word with a colour. */

const TONES: Readonly<Record<string, string>> = {
  running: "live",
  queued: "",
  done: "good",
  cancelled: "warn",
  failed: "bad",
  stuck: "bad",
};

/** Draws the state of a run. */
export function RunState({ state }: { readonly state: string }) {
  return <span class={`badge ${TONES[state] ?? ""}`}>{state}</span>;
}

/** Draws a bar that is filled by a share of a whole. */
export function Progress(props: {
  readonly done: number;
  readonly total: number;
  readonly label: string;
}) {
  const { done, total, label } = props;
  const share = total > 0 ? Math.min(1, done / total) : 0;
  return (
    <span
      class="progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={done}
    >
      <span style={{ width: `${share * 100}%` }} />
    </span>
  );
}

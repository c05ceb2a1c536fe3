/** The menu of a chart that saves it as a file. */
import { FILE_KINDS, saveChart, type SavedChart } from "./save-chart.js";

/** Draws the menu; it opens without script. */
export function ChartMenu({ chart }: { readonly chart: () => SavedChart | null }) {
  return (
    <details class="menu" onKeyDown={closeOnEscape} onFocusOut={closeWhenLeft}>
      <summary aria-label="Save this chart" title="Save this chart">
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
          <path
            d="M8 2v8M4.5 7 8 10.5 11.5 7M3 13.5h10"
            fill="none"
            stroke="currentColor"
            stroke-width="1.5"
          />
        </svg>
      </summary>
      <div class="choices">
        {FILE_KINDS.map((kind) => (
          <button
            key={kind}
            type="button"
            onClick={(event) => {
              const shown = chart();
              if (shown !== null) void saveChart(shown, kind);
              event.currentTarget.closest("details")?.removeAttribute("open");
            }}
          >
            {kind.toUpperCase()}
          </button>
        ))}
      </div>
    </details>
  );
}

function closeOnEscape(event: KeyboardEvent): void {
  if (event.key !== "Escape" || !(event.currentTarget instanceof HTMLDetailsElement)) return;
  event.currentTarget.open = false;
  event.currentTarget.querySelector("summary")?.focus();
}

function closeWhenLeft(event: FocusEvent): void {
  const menu = event.currentTarget;
  if (!(menu instanceof HTMLDetailsElement)) return;
  if (!(event.relatedTarget instanceof Node && menu.contains(event.relatedTarget)))
    menu.open = false;
}

/** Where the time of a run goes: an iteration by worker, the queues and the fleet. */
import { type RunDetail, Timeline } from "@gumshoe/api";

import { runApi } from "../api/paths.js";
import { useData } from "../api/use-data.js";
import { WhenLoaded } from "../shell/states.js";
import { useQuery } from "../shell/view.js";
import { LiveFleet } from "./cluster-view.js";
import { TimelineCard } from "./timeline-card.js";

/** Draws timeline, queues and fleet. */
export function TimeTab({ run }: { readonly run: RunDetail }) {
  const [query, change] = useQuery();
  const last = Math.max(0, run.iterationsDone - 1);
  const iteration = Math.max(0, Math.trunc(Number(query["iteration"] ?? last)) || 0);
  const path = runApi(run.name, `/iterations/${iteration}/timeline`);
  const data = useData(path, Timeline);
  return (
    <>
      <WhenLoaded data={data}>
        {(timeline) => (
          <TimelineCard
            timeline={timeline}
            last={last}
            onIteration={(to) => change({ iteration: String(to) })}
          />
        )}
      </WhenLoaded>
      <LiveFleet />
    </>
  );
}

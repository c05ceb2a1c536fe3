/** The workers of the cluster, its queues, and the load of its coordinator. */
import { Fleet } from "@gumshoe/api";

import { useMessage, useNews } from "../api/live.js";
import { useData } from "../api/use-data.js";
import { WhenLoaded } from "../shell/states.js";
import { useTitle } from "../shell/view.js";
import { FleetTables } from "./fleet-tables.js";

/** Draws the cluster. */
export function ClusterView() {
  useTitle("Cluster");
  useNews(null);
  return (
    <>
      <div class="title">
        <h1>Cluster</h1>
      </div>
      <LiveFleet />
    </>
  );
}

/** Draws queues and workers, kept up to date by the stream of the view. */
export function LiveFleet() {
  const data = useData("/api/fleet", Fleet);
  useMessage("fleet", (fleet) => data.change(() => fleet), []);
  return <WhenLoaded data={data}>{(fleet) => <FleetTables fleet={fleet} />}</WhenLoaded>;
}

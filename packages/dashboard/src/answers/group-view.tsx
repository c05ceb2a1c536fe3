/** A group: its prompt once, and its answers side by side. */
import { Group } from "@gumshoe/api";
import { useRoute } from "preact-iso";

import { useNews } from "../api/live.js";
import { groupApi, groupHref, type GroupPlace, kindOf, runHref } from "../api/paths.js";
import { useData } from "../api/use-data.js";
import { WhenLoaded } from "../shell/states.js";
import { useTitle } from "../shell/view.js";
import { Answers } from "./answers.js";
import { TaskCards } from "./task-cards.js";

/** Draws the group that the address names. */
export function GroupView() {
  const { params } = useRoute();
  const kind = kindOf(params["kind"]);
  const place: GroupPlace = {
    run: params["run"] ?? "",
    iteration: Number(params["iteration"]),
    kind,
    group: Number(params["group"]),
  };
  const data = useData(`${groupApi(place)}?tokens=true`, Group);
  useNews(null);
  useTitle(`${place.run} · group ${place.iteration}/${place.group}`);
  return (
    <>
      <Heading place={place} group={data.value} />
      <WhenLoaded data={data}>
        {(group) => (
          <>
            <TaskCards prompt={group.prompt} solution={group.solution} />
            <Answers place={place} answers={group.samples} />
          </>
        )}
      </WhenLoaded>
    </>
  );
}

function Heading({ place, group }: { readonly place: GroupPlace; readonly group: Group | null }) {
  const { run, iteration, kind } = place;
  const answers = `/answers?iteration=${iteration}${kind === "train" ? "" : `&kind=${kind}`}`;
  return (
    <div class="title">
      <p class="crumbs">
        <a href={runHref(run)}>{run}</a> /{" "}
        <a href={runHref(run, answers)}>
          {kind === "train" ? "iteration" : kind} {iteration}
        </a>{" "}
        /
      </p>
      <h1>{group?.task ?? `group ${place.group}`}</h1>
      <div class="end">
        {group !== null && (
          <>
            <span class="tag" title={group.weights.digest}>
              weights {group.weights.version} · {group.weights.digest.slice(0, 10)}
            </span>
            <span class="tag">sampled by {group.workerId}</span>
            {!group.learns && kind === "train" && <span class="tag warn">no gradient</span>}
          </>
        )}
        {kind === "validation" && (
          <a class="button" href={runHref(run, `/held-out/${place.group}`)}>
            Through the iterations
          </a>
        )}
        <a
          class="button"
          aria-label="Previous group"
          href={groupHref({ ...place, group: Math.max(0, place.group - 1) })}
        >
          ←
        </a>
        <a
          class="button"
          aria-label="Next group"
          href={groupHref({ ...place, group: place.group + 1 })}
        >
          →
        </a>
      </div>
    </div>
  );
}

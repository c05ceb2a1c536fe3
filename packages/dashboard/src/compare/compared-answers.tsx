/** The answers of several runs to one held-out task, side by side. */
import { type Comparison, Group } from "@gumshoe/api";
import { useSignal } from "@preact/signals";

import { AnswerCard } from "../answers/answer-card.js";
import { groupApi, groupHref, type GroupPlace } from "../api/paths.js";
import { useData } from "../api/use-data.js";
import { WhenLoaded } from "../shell/states.js";
import { Section } from "../shell/view.js";

/** Draws a choice of a common task, and each run's newest answers to it. */
export function ComparedAnswers({
  comparison: { commonTasks },
}: {
  readonly comparison: Comparison;
}) {
  const index = useSignal(0);
  const task = commonTasks[index.value];
  return (
    <>
      <Section title="Answers to the same held-out task">
        {commonTasks.length > 0 && (
          <label class="field">
            Task
            <select
              class="input"
              value={index}
              onChange={(event) => (index.value = Number(event.currentTarget.value))}
            >
              {commonTasks.map(({ prompt, places }, i) => (
                <option key={i} value={i}>
                  {places[0]?.task ?? i}: {prompt.slice(0, 60)}
                </option>
              ))}
            </select>
          </label>
        )}
      </Section>
      {task === undefined && <p class="card empty">The runs have no held-out task in common</p>}
      {task !== undefined && (
        <div class="columns">
          {task.places.map(({ run, iteration, group }) => (
            <NewestAnswers key={run} place={{ run, iteration, kind: "validation", group }} />
          ))}
        </div>
      )}
    </>
  );
}

function NewestAnswers({ place }: { readonly place: GroupPlace }) {
  const data = useData(groupApi(place), Group);
  return (
    <section class="stack" aria-label={`Answers of ${place.run}`}>
      <h3>
        <a href={groupHref(place)}>{place.run}</a>{" "}
        <span class="muted">before iteration {place.iteration}</span>
      </h3>
      <WhenLoaded data={data}>
        {({ samples }) =>
          samples.map((answer) => (
            <AnswerCard key={answer.index} place={place} answer={answer} isHeat={false} words="" />
          ))
        }
      </WhenLoaded>
    </section>
  );
}

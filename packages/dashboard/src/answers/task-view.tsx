/** A held-out task through the iterations: how the run's answers to it change. */
import { type TaskAnswers, TaskHistory } from "@gumshoe/api";
import { useSignal } from "@preact/signals";
import { useRoute } from "preact-iso";

import { useNews } from "../api/live.js";
import { type GroupPlace, runApi, runHref } from "../api/paths.js";
import { useData } from "../api/use-data.js";
import { Chart } from "../chart/chart.js";
import type { Curve } from "../chart/curve.js";
import type { Range } from "../chart/plot-options.js";
import { WhenLoaded } from "../shell/states.js";
import { useTitle } from "../shell/view.js";
import { AnswerCard } from "./answer-card.js";
import { TaskCards } from "./task-cards.js";

const CHARACTERS = 6000;

/** Draws the task that the address names. */
export function TaskView() {
  const { params } = useRoute();
  const run = params["run"] ?? "";
  const task = Number(params["task"]);
  const data = useData(runApi(run, `/held-out/${task}?characters=${CHARACTERS}`), TaskHistory);
  useNews(null);
  useTitle(`${run} · held-out task ${task}`);
  return (
    <>
      <div class="title">
        <p class="crumbs">
          <a href={runHref(run)}>{run}</a> / <a href={runHref(run, "/held-out")}>held-out tasks</a>{" "}
          /
        </p>
        <h1>{data.value?.id ?? `task ${task}`}</h1>
      </div>
      <WhenLoaded data={data}>
        {({ prompt, solution, history }) => (
          <>
            <TaskCards prompt={prompt} solution={solution} />
            <RewardChart history={history} />
            {history.map((answers) => (
              <Row key={answers.iteration} run={run} task={task} answers={answers} />
            ))}
          </>
        )}
      </WhenLoaded>
    </>
  );
}

function RewardChart({ history }: { readonly history: readonly TaskAnswers[] }) {
  const zoom = useSignal<Range | null>(null);
  const x = history.map(({ iteration }) => iteration);
  const curve = (label: string, color: number, kind: "sampled" | "greedy"): Curve => ({
    label,
    color,
    x,
    y: history.map((answers) => meanReward(answers[kind])),
    dots: true,
  });
  return (
    <Chart
      title="Reward of this task"
      curves={[curve("sampled", 0, "sampled"), curve("greedy", 1, "greedy")]}
      axis="iteration"
      style={{ isLog: false, smoothing: 0 }}
      zoom={zoom}
      syncKey="task"
    />
  );
}

function meanReward(answers: TaskAnswers["sampled"]): number | null {
  const scored = answers.flatMap(({ reward }) => (reward === null ? [] : [reward]));
  return scored.length === 0 ? null : scored.reduce((sum, one) => sum + one, 0) / scored.length;
}

function Row(props: {
  readonly run: string;
  readonly task: number;
  readonly answers: TaskAnswers;
}) {
  const { run, task, answers } = props;
  const { iteration, version, sampled, greedy } = answers;
  const place: GroupPlace = { run, iteration, kind: "validation", group: task };
  return (
    <section class="stack" aria-label={`Before iteration ${iteration}`}>
      <div class="section">
        <h2>Before iteration {iteration}</h2>
        <span class="muted">weights {version}</span>
      </div>
      <div class="answers">
        {greedy.map((answer) => (
          <AnswerCard
            key="greedy"
            place={place}
            answer={answer}
            isHeat={false}
            words=""
            label="greedy"
          />
        ))}
        {sampled.map((answer) => (
          <AnswerCard key={answer.index} place={place} answer={answer} isHeat={false} words="" />
        ))}
      </div>
    </section>
  );
}

/** One run: its state, and its parts behind tabs. */
import type { RunDetail } from "@gumshoe/api";
import { useRoute } from "preact-iso";

import { useNews } from "../api/live.js";
import { runHref } from "../api/paths.js";
import { useRun } from "../api/run-data.js";
import { AnswersTab } from "../answers/answers-tab.js";
import { HeldOutTab } from "../answers/held-out-tab.js";
import { SearchTab } from "../answers/search-tab.js";
import { WhenLoaded } from "../shell/states.js";
import { useTitle } from "../shell/view.js";
import { TimeTab } from "../time/time-tab.js";
import { ChartsTab } from "./charts-tab.js";
import { CheckpointsTab } from "./checkpoints-tab.js";
import { ConfigTab } from "./config-tab.js";
import { HistoryTab } from "./history-tab.js";
import { RunFigures } from "./run-figures.js";
import { RunHeading } from "./run-heading.js";

const TABS = [
  { name: "charts", title: "Charts", View: ChartsTab, hasAnswers: false },
  { name: "answers", title: "Answers", View: AnswersTab, hasAnswers: true },
  { name: "held-out", title: "Held-out tasks", View: HeldOutTab, hasAnswers: true },
  { name: "search", title: "Search", View: SearchTab, hasAnswers: true },
  { name: "time", title: "Time", View: TimeTab, hasAnswers: false },
  { name: "checkpoints", title: "Checkpoints", View: CheckpointsTab, hasAnswers: false },
  { name: "history", title: "History", View: HistoryTab, hasAnswers: false },
  { name: "config", title: "Config", View: ConfigTab, hasAnswers: false },
] as const;

/** Draws the run that the address names. */
export function RunView() {
  const { params } = useRoute();
  const name = params["run"] ?? "";
  return <Run key={name} name={name} tab={params["tab"] ?? "charts"} />;
}

function Run({ name, tab }: { readonly name: string; readonly tab: string }) {
  const data = useRun(name);
  useNews(name, data.value?.lastEvent ?? null);
  const current = TABS.find((one) => one.name === tab) ?? TABS[0];
  useTitle(`${name} · ${current.title}`);
  return (
    <WhenLoaded data={data}>
      {(run) => (
        <>
          <RunHeading run={run} />
          <RunFigures run={run} />
          <Tabs run={run} current={current.name} />
          <current.View run={run} />
        </>
      )}
    </WhenLoaded>
  );
}

function Tabs({ run, current }: { readonly run: RunDetail; readonly current: string }) {
  const shown = TABS.filter(({ hasAnswers }) => !hasAnswers || run.type !== "sft");
  return (
    <nav class="tabs" aria-label="Parts of the run">
      {shown.map(({ name, title }) => (
        <a
          key={name}
          href={runHref(run.name, name === "charts" ? "" : `/${name}`)}
          aria-current={name === current ? "page" : undefined}
        >
          {title}
        </a>
      ))}
    </nav>
  );
}

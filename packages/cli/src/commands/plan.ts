import type { FieldValue } from "@gumshoe/config";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { readBilledRun, withPlanFiles } from "../plan/billed-run.js";
import { describePlan, planOf } from "../plan/describe-plan.js";
import { loadRunConfig } from "../run/load-config.js";
import { shownCommand } from "../terminal/shown-command.js";
import { writeResult } from "../terminal/terminal.js";
import type { FleetOptions } from "./fleet-size.js";
import { withExamples, withFleetSize, withJson, withSetFields } from "./options.js";

interface PlanOptions extends FleetOptions {
  readonly set?: readonly FieldValue[];
  readonly json?: boolean;
}

/** Adds `gumshoe plan`: the memory that a run will take, before anything is loaded. */
export function addPlanCommand(program: Command, context: Context): void {
  const command = program
    .command("plan")
    .description(
      "Say how much memory a run takes, by role and in all, and whether it fits here. Nothing is loaded: of a model " +
        "on the hub only the text files are fetched.",
    )
    .argument("<config>", "run config, YAML or JSON");
  withExamples(
    withJson(withFleetSize(withSetFields(command))),
    "gumshoe plan runs/first.yaml",
    "gumshoe plan runs/first.yaml --trainers 2 --set maxPackTokens=1024 --json",
  );
  command.action(async (file: string, options: PlanOptions) => {
    const given = loadRunConfig(file, null, options.set ?? []);
    const again = shownCommand(context.env, ["plan", file]);
    const config = await withPlanFiles(given, { again, context });
    const { inference, trainers, reducers } = options;
    const plan = planOf(await readBilledRun(config), { inference, trainers, reducers });
    writeResult(context.terminal, options, { value: plan, text: () => describePlan(plan) });
  });
}

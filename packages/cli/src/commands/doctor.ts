import type { Command } from "commander";

import type { Context } from "../context.js";
import { examine } from "../doctor/examine.js";
import type { Finding } from "../doctor/finding.js";
import { MachineProblemError } from "../errors.js";
import { Home } from "../local/home.js";
import { writeResult } from "../terminal/terminal.js";
import { withExamples, withHome, withJson } from "./options.js";

const MARKS: Record<Finding["verdict"], string> = { ok: "ok  ", warning: "WARN", problem: "BAD " };

/** Adds `gumshoe doctor`: checks that this machine meets Gumshoe's requirements. */
export function addDoctorCommand(program: Command, context: Context): void {
  const command = program
    .command("doctor")
    .description(
      "Look at everything that Gumshoe needs of this machine, and at the Redis that " +
        "GUMSHOE_REDIS_URL names.",
    );
  withExamples(withJson(withHome(command, context)), "gumshoe doctor");
  command.action(async (options: { home: string; json?: boolean }) => {
    const findings = await examine({ env: context.env, home: new Home(options.home) });
    writeResult(context.terminal, options, {
      value: { ok: findings.every(({ verdict }) => verdict !== "problem"), findings },
      text: () => findings.map(describe).join("\n"),
    });
    const problems = findings.filter(({ verdict }) => verdict === "problem");
    if (problems.length > 0) throw new MachineProblemError(problems.map(({ name }) => name));
  });
}

function describe({ name, verdict, detail, advice }: Finding): string {
  const line = `${MARKS[verdict]} ${name.padEnd(13)} ${detail}`;
  return advice === null ? line : `${line}\n     -> ${advice}`;
}

import type { Command } from "commander";

import type { Context } from "../context.js";
import { addCheckCommand } from "./puzzle-check.js";
import { addGenerateCommand } from "./puzzle-generate.js";
import { addGradeCommand } from "./puzzle-grade.js";
import { addShowCommand } from "./puzzle-show.js";
import { addSolveCommand } from "./puzzle-solve.js";

/** Adds `gumshoe puzzle`: generates, shows, solves, checks and grades cases. */
export function addPuzzleCommand(program: Command, context: Context): void {
  const puzzle = program
    .command("puzzle")
    .description("Make cases, show, solve and check them, grade replies.");
  addGenerateCommand(puzzle, context);
  addShowCommand(puzzle, context);
  addSolveCommand(puzzle, context);
  addCheckCommand(puzzle, context);
  addGradeCommand(puzzle, context);
}

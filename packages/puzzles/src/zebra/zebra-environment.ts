import { type Environment, firstWanted, type TaskGrade } from "../environment/environment.js";
import { Solution } from "../environment/parse-field.js";
import { parseTask, type Task, taskSchema } from "../environment/task.js";
import { TierError } from "../errors.js";
import { grade, type GraderName } from "../grading/grade.js";
import { goldReply } from "../grading/replies.js";
import { voteReply } from "../grading/vote-reply.js";
import type { SolverFactory } from "../solver/sat-solver.js";
import { hashCase } from "../tasks/task.js";
import { generateZebra, type ZebraName } from "./generate-zebra.js";
import type { ZebraSize } from "./row.js";

/** Specifies an endless series of zebra puzzles. */
export interface ZebraSeries extends ZebraSize {
  seed: number;
}

/** A zebra puzzle as a task. */
export interface ZebraTask extends Task {
  /** Answer by letter. */
  solution: Readonly<Record<string, string>>;
}

const ZebraTaskFields = taskSchema({ solution: Solution });

/** Creates the zebra puzzle environment. */
export function zebraEnvironment(
  { houses, attributes, seed }: ZebraSeries,
  grader: GraderName,
): Environment<ZebraTask> {
  return {
    source: ({ exclude, solver } = {}) => ({
      size: null,
      task(index) {
        const name = { houses, attributes, seed, index };
        const task = firstWanted(exclude, (attempt) => makeTask({ ...name, attempt }, solver));
        if (task === null) throw new TierError("exclude", "leaves no zebra puzzle in many tries");
        return task;
      },
    }),
    readTask: (json) => parseTask(ZebraTaskFields, json),
    grade: ({ solution }, reply) => gradeZebra(solution, reply, grader),
    goldReply: ({ solution }) => goldReply(solution),
    voteReply: ({ solution }, replies) => voteReply(replies, solution, grader),
  };
}

function makeTask(name: ZebraName, solver: SolverFactory | undefined): ZebraTask {
  const { houses, attributes, seed, index } = name;
  const { prompt, solution } = generateZebra(name, solver);
  return {
    id: `zebra-${houses}x${attributes}-${seed}-${index}`,
    contentHash: hashCase(prompt, solution),
    messages: [{ role: "user", content: prompt }],
    solution,
    // Each answer is one of as many values as there are houses.
    randomGuessLevel: 1 / houses,
  };
}

function gradeZebra(
  solution: Readonly<Record<string, string>>,
  reply: string,
  grader: GraderName,
): TaskGrade {
  const { score, allCorrect, questions } = grade(reply, solution, { grader });
  const answered = questions.filter(({ given }) => given !== null).length;
  return {
    reward: score,
    metrics: { allCorrect: allCorrect ? 1 : 0, answered: answered / questions.length },
  };
}

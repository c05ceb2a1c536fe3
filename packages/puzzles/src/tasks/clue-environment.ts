import type { Environment } from "../environment/environment.js";
import type { GraderName } from "../grading/grade.js";
import { carelessReply, goldReply, hastyReply } from "../grading/replies.js";
import { voteReply } from "../grading/vote-reply.js";
import { searchTracedReply } from "../trace/trace-text.js";
import { gradeTask } from "./grade-task.js";
import { createTaskSource, type TaskSourceSpec } from "./task-source.js";
import { type CaseTask, caseTaskFromJson } from "./task.js";

/** Creates the Temporal Clue environment: generated cases, or those of a file. */
export function clueEnvironment(spec: TaskSourceSpec, grader: GraderName): Environment<CaseTask> {
  return {
    source: (options) => createTaskSource(spec, options),
    readTask: caseTaskFromJson,
    grade: (task, reply) => gradeTask(task, reply, grader),
    goldReply: ({ solution }) => goldReply(solution),
    tracedReply: ({ messages, solution }, options) =>
      searchTracedReply({ prompt: messages.at(-1)?.content ?? "", solution }, options),
    carelessReply,
    hastyReply,
    voteReply: ({ solution }, replies) => voteReply(replies, solution, grader),
  };
}

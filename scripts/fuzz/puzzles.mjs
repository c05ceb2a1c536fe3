/** Puzzles: files of cases, prompts that are solved, replies and their graders, tasks on the wire. */
import { createEnvironment, grade, parseDataset, solvePrompt, taskToJson } from "@gumshoe/puzzles";

import { gradeReplies, parseReplies } from "../../packages/cli/dist/puzzle/replies.js";
import { jsonOf } from "./files.mjs";

const records = jsonOf("test/golden/temporal-clue/val.json");
const SOLUTION = { A: "Mrs. White", B: "Lead Pipe", C: "09:00 PM", D: "Cloak Room" };

function checkScore(score) {
  if (!(score >= 0 && score <= 1)) throw new Error(`gives the score ${score}`);
}

const graders = {
  name: "graders",
  open: async () => {
    const zebra = createEnvironment(
      { type: "zebra", houses: 3, attributes: 2, seed: 1 },
      { grader: "fixed" },
    );
    const task = zebra.source().task(0);
    const valid = [
      "A. Mrs. White\nB. Lead Pipe\nC. 9 pm\nD. Cloak Room",
      "<think>A. x</think>\n**A.** (Mrs. White)\n| C | 21:00 |",
      zebra.goldReply(task),
    ];
    const answers = ["Mrs. White", "12:00 AM", "midnight", "**", "A. ", "B) ", "Answer "];
    return {
      words: [...answers, "<think>", "</think>"],
      make: (mutator) => mutator.text(valid),
      read: async (reply) => {
        for (const grader of ["fixed", "seed"]) {
          checkScore(grade(reply, SOLUTION, { grader }).score);
        }
        checkScore((await zebra.grade(task, reply)).reward);
      },
    };
  },
};

const cases = {
  name: "cases",
  open: async () => {
    const short = records
      .slice(0, 2)
      .map((record) => ({ ...record, prompt: record.prompt.slice(0, 200) }));
    const valid = [JSON.stringify(short), short.map((one) => JSON.stringify(one)).join("\n")];
    return {
      words: ['"num_clues"', '"prompt"', '"solution"', '"A"', "[{", "}]", "},{", "\n{"],
      make: (mutator) => (mutator.chance(0.5) ? mutator.json([short]) : mutator.text(valid)),
      read: async (text) => {
        const found = parseDataset(text);
        const environment = createEnvironment(
          { type: "dataset", records: found },
          { grader: "fixed" },
        );
        const task = environment.source().task(0);
        environment.readTask(taskToJson(task));
        checkScore((await environment.grade(task, text)).reward);
      },
    };
  },
};

const tasks = {
  name: "tasks",
  open: async () => {
    const spec = { type: "dataset", records: records.slice(0, 1) };
    const environment = createEnvironment(spec, { grader: "fixed" });
    const zebra = createEnvironment(
      { type: "zebra", houses: 3, attributes: 2, seed: 1 },
      { grader: "fixed" },
    );
    const valid = [environment, zebra].map((one) => {
      const task = one.source().task(0);
      return { ...task, messages: [{ role: "user", content: "Who?" }] };
    });
    return {
      words: Object.keys(valid[0]),
      make: (mutator) => ({ isZebra: mutator.chance(0.5), text: mutator.json(valid) }),
      read: async ({ isZebra, text }) => {
        const own = isZebra ? zebra : environment;
        checkScore((await own.grade(own.readTask(text), "A. Mrs. White")).reward);
      },
    };
  },
};

const prompts = {
  name: "prompts",
  open: async () => {
    const valid = records
      .map(({ prompt }) => prompt)
      .sort((a, b) => a.length - b.length)
      .slice(0, 3);
    return {
      words: [
        ...valid[0].match(/\w+ ?/g),
        ...["Suspects: ", "\n- ", "\nA. ", "?\n", "W ", " E\n", "1. "],
      ],
      make: (mutator) => mutator.text(valid),
      read: (prompt) => solvePrompt(prompt),
    };
  },
};

const replies = {
  name: "replies",
  open: async () => {
    const lines = [
      { index: 0, reply: "A. x" },
      { index: 1, reply: "B. y" },
    ];
    const valid = ['["A. x", "B. y"]', lines.map((line) => JSON.stringify(line)).join("\n")];
    return {
      words: ['{"index":', ',"reply":', "}\n", '["', '","', '{"index":0,"reply":"A. x"}\n'],
      make: (mutator) =>
        mutator.chance(0.5)
          ? lines.map((line) => mutator.json([line])).join("\n")
          : mutator.text(valid),
      read: (text) => {
        const found = parseReplies(text, 2);
        checkScore(gradeReplies(records, found, "fixed").mean);
      },
    };
  },
};

export const PUZZLES = [graders, cases, tasks, prompts, replies];

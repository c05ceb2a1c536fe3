/** User environments: their modules' source, and results of a module's `grade()`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  checkGrade,
  checkGroupGrades,
} from "../../packages/environments/dist/module/check-grade.js";
import { checkStep } from "../../packages/environments/dist/module/check-step.js";
import { isModuleMessage } from "../../packages/environments/dist/module/messages.js";
import { digestOfModule } from "../../packages/environments/dist/module/source-files.js";
import { makeFolder, parseJson, textOf } from "./files.mjs";

const modules = {
  name: "modules",
  open: async () => {
    const folder = makeFolder();
    const file = join(folder.path, "module.mjs");
    const valid = [
      'import { readFileSync } from "node:fs";\nimport x from "./other.mjs";\nexport default x;\n',
      'const a = await import("./module.mjs");\nnew URL("./data.json", import.meta.url);\n',
      textOf("docs/environments.md"),
    ];
    const keywords = ["import ", "export ", "from ", "import(", "new URL(", "import.meta.url"];
    return {
      words: [...keywords, '"./a.mjs"', "`${", "/*", "*/", "//", "/a/"],
      make: (mutator) => mutator.text(valid),
      read: (source) => {
        writeFileSync(file, source);
        return digestOfModule("tasks.source.module", file);
      },
      close: () => folder.remove(),
    };
  },
};

const grades = {
  name: "grades",
  open: async () => {
    const valid = { reward: 0.5, metrics: { length: 3 }, reason: "no" };
    const outcomes = [
      { ok: true, value: valid },
      { ok: false, text: "no" },
    ];
    const message = { type: "result", id: 1, index: 0, outcome: outcomes[0] };
    return {
      words: ["reward", "rewards", "good", "messages", "metrics", "reason", "NaN", "Infinity"],
      make: (mutator) => mutator.json([...outcomes, message]),
      read: (text) =>
        parseJson(text, (value) => {
          if (isModuleMessage(value)) return;
          // The outcome's own fields are written by the module's process, whose code is trusted.
          const outcome = value?.ok === true ? value : { ok: true, value };
          const step = checkStep(outcome, { isLast: false, weights: null });
          const grades = [
            checkGrade(outcome, { origin: "grade()", weights: null }),
            checkGrade(outcome, { origin: "grade()", weights: { good: 1 } }),
            ...checkGroupGrades(outcome, { origin: "gradeGroup()", weights: null, count: 2 }),
            ...(step.type === "grade" ? [step.grade] : []),
          ];
          for (const { reward, reason } of grades) {
            if (reward === null ? typeof reason === "string" : Number.isFinite(reward)) continue;
            throw new Error(`takes the reward ${reward}, reason ${reason}`);
          }
        }),
    };
  },
};

export const ENVIRONMENTS = [modules, grades];

import { expect, test } from "vitest";

import { caseRecord } from "./case-record.js";
import { checkRecord } from "./check-record.js";
import { generateCase } from "./generate-case.js";
import { parseDataset } from "./tasks/dataset.js";
import { measureDifficulty } from "./trace/difficulty.js";

const made = generateCase({ tier: "easy", style: "dataset", seed: 2, index: 3 });

test("a record is read back without change and passes its check", () => {
  const difficulty = measureDifficulty(made);
  const record = caseRecord(made, difficulty);
  const [read] = parseDataset(JSON.stringify(record));
  expect(read).toEqual({
    num_clues: record.num_clues,
    prompt: made.prompt,
    solution: made.solution,
  });
  expect(checkRecord(record)).toEqual([]);
  expect(record.id).toBe("easy-dataset-2-3");
  expect(record.difficulty).toMatchObject({ numClues: made.clues.length });
});

import { expect, test } from "vitest";

import { drawNight } from "./board-text.js";

test("the board shows every room with its pieces, and marks the scene of the murder", () => {
  const setting = {
    suspects: ["Mrs. White", "Mr. Green"],
    weapons: ["Rope"],
    rooms: ["Hall", "Study", "Library"],
    columns: 2,
    times: ["11:45 PM", "12:00 AM"],
    motives: [],
    motiveCounts: [],
  };
  const truth = {
    places: [
      [0, 1],
      [2, 2],
      [0, 1],
      [1, 1],
    ],
    motiveOf: [],
    murder: { suspect: 0, weapon: 0, room: 1, time: 1 },
  };
  expect(drawNight(setting, truth)).toBe(
    [
      "11:45 PM",
      "+--------------+--------------+",
      "| Hall         | Study        |",
      "|   Mrs. White |   Rope       |",
      "|   Mr. Boddy  |              |",
      "+--------------+--------------+",
      "| Library      |",
      "|   Mr. Green  |",
      "+--------------+",
      "",
      "12:00 AM",
      "+--------------+--------------+",
      "| Hall         | Study *      |",
      "|              |   Mrs. White |",
      "|              |   Mr. Boddy  |",
      "|              |   Rope       |",
      "+--------------+--------------+",
      "| Library      |",
      "|   Mr. Green  |",
      "+--------------+",
    ].join("\n"),
  );
});

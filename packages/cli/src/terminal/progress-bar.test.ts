import { describe, expect, test } from "vitest";

import { drawBar, StatusLine } from "./progress-bar.js";

function screen(isScreen: boolean, columns = 80) {
  const written: string[] = [];
  return { written, isScreen, columns, err: (text: string) => void written.push(text) };
}

test("a bar is filled in proportion to its share, and never beyond its ends", () => {
  expect([-1, 0, 0.5, 1, 7].map((share) => drawBar(share, 4))).toEqual([
    "░░░░",
    "░░░░",
    "██░░",
    "████",
    "████",
  ]);
});

describe("StatusLine", () => {
  test("permanent lines are printed above the status, which is redrawn below", () => {
    const terminal = screen(true);
    const line = new StatusLine(terminal);
    line.set("50 %");
    line.print("a note");
    expect(terminal.written.join("")).toBe("\r\x1b[2K50 %\r\x1b[2Ka note\n\r\x1b[2K50 %");
  });

  test("control characters in external text are escaped", () => {
    const terminal = screen(true);
    const line = new StatusLine(terminal);
    line.set("at\x1b[2J");
    line.print("\x9b2Jgone");
    expect(terminal.written).toEqual([
      "\r\x1b[2Kat\\u001b[2J",
      "\r\x1b[2K",
      "\\u009b2Jgone\n",
      "\r\x1b[2Kat\\u001b[2J",
    ]);
  });

  test("a status of two lines is redrawn from its first line", () => {
    const terminal = screen(true);
    const line = new StatusLine(terminal);
    line.set("50 %\nbusy");
    line.set("60 %\nidle");
    line.clear();
    expect(terminal.written).toEqual([
      "\r\x1b[2K50 %\nbusy",
      "\r\x1b[2K\x1b[1A\x1b[2K60 %\nidle",
      "\r\x1b[2K\x1b[1A\x1b[2K",
    ]);
  });

  test("unchanged text is not redrawn, and long text is wrapped at words to the terminal's width", () => {
    const terminal = screen(true, 30);
    const line = new StatusLine(terminal);
    line.set("reward 0.500  31 tokens per answer");
    line.set("reward 0.500  31 tokens per answer");
    line.clear();
    expect(terminal.written).toEqual([
      "\r\x1b[2Kreward 0.500  31 tokens per\nanswer",
      "\r\x1b[2K\x1b[1A\x1b[2K",
    ]);
  });

  test("without a terminal only permanent lines are written", () => {
    const terminal = screen(false);
    const line = new StatusLine(terminal);
    line.set("50 %");
    line.print("a note");
    line.clear();
    expect(terminal.written).toEqual(["a note\n"]);
  });
});

import { describe, expect, test } from "vitest";

import { drawBar, StatusLine } from "./progress-bar.js";

function screen(isScreen: boolean, columns = 80) {
  const written: string[] = [];
  return { written, isScreen, columns, err: (text: string) => void written.push(text) };
}

test("a bar is filled by its share, and never beyond its ends", () => {
  expect([-1, 0, 0.5, 1, 7].map((share) => drawBar(share, 4))).toEqual([
    "░░░░",
    "░░░░",
    "██░░",
    "████",
    "████",
  ]);
});

describe("StatusLine", () => {
  test("lines that stay go above the status, which is drawn again below", () => {
    const terminal = screen(true);
    const line = new StatusLine(terminal);
    line.set("50 %");
    line.print("a note");
    expect(terminal.written.join("")).toBe("\r\x1b[2K50 %\r\x1b[2Ka note\n\r\x1b[2K50 %");
  });

  test("control characters of a foreign text are written out", () => {
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

  test("a status of two lines is drawn anew from its first line", () => {
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

  test("the same text is not drawn twice, and a long one is cut to the screen", () => {
    const terminal = screen(true, 30);
    const line = new StatusLine(terminal);
    line.set("x".repeat(50));
    line.set("x".repeat(50));
    expect(terminal.written).toEqual([`\r\x1b[2K${"x".repeat(29)}`]);
  });

  test("without a screen only the lines that stay are written", () => {
    const terminal = screen(false);
    const line = new StatusLine(terminal);
    line.set("50 %");
    line.print("a note");
    line.clear();
    expect(terminal.written).toEqual(["a note\n"]);
  });
});

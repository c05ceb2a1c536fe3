/** Logs: the filter that takes secrets out of every line, the tail of a file, and texts for a terminal. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { ClusterError, createLogger, printable, shownValue } from "@gumshoe/core";

import { lastComplaint } from "../../packages/cli/dist/local/log-tail.js";
import { formatTable } from "../../packages/cli/dist/terminal/table.js";
import { makeFolder } from "./files.mjs";

const SECRET = "s3cret";

const logFilter = {
  name: "log-filter",
  open: async () => {
    let line = "";
    const logger = createLogger("fuzz", "info", { write: (text) => (line = text) });
    const valid = [
      `cannot reach redis://user:${SECRET}@host:6379/0 from here`,
      `refused: authorization: Bearer ${SECRET}`,
    ];
    return {
      words: ["://", "redis://", "@", "Bearer ", "bearer ", ":", "/", '\\"', "Bearer a"],
      make: (mutator) => mutator.text(valid),
      read: (text) => {
        logger.warn({ err: new ClusterError("INTERNAL", text, { details: { text } }), text }, text);
        const { msg } = JSON.parse(line);
        if (typeof msg !== "string") throw new Error("has no message");
        logger.warn(`redis://:${SECRET}@${text}`);
        if (line.includes(SECRET) && !text.includes(SECRET)) throw new Error("shows a secret");
      },
    };
  },
};

const logTails = {
  name: "log-tails",
  open: async () => {
    const folder = makeFolder();
    const file = join(folder.path, "x.log");
    const line = { level: 50, msg: "lost", err: { message: "no", code: "X" } };
    return {
      words: ['{"level":50', '"msg":', '"err":', "error", "\n"],
      make: (mutator) =>
        mutator.chance(0.5)
          ? mutator.json([line])
          : mutator.text([`${JSON.stringify(line)}\nsome error\n`]),
      read: (text) => {
        writeFileSync(file, text);
        const complaint = lastComplaint(file);
        if (complaint !== null && typeof complaint !== "string") {
          throw new Error(`gives a ${typeof complaint}`);
        }
      },
      close: () => folder.remove(),
    };
  },
};

const shownTexts = {
  name: "shown-texts",
  open: async () => ({
    words: ["\x1b]0;x\x07", "\x1b[31m", "\r", "\x7f"],
    make: (mutator) => mutator.text(["one\ttwo", "\x1b[2Jgone"]),
    read: (text) => {
      // eslint-disable-next-line no-control-regex -- these are what a terminal takes for commands
      if (/[\0-\x08\x0b-\x1f\x7f-\x9f]/.test(printable(text))) throw new Error("shows controls");
      formatTable(["name"], [[text]]);
      if (shownValue(text).length > 90) throw new Error("shows a long value");
    },
  }),
};

export const LOGS = [logFilter, logTails, shownTexts];

import { expect, test } from "vitest";

import { defaultHome } from "./options.js";
import { startedText } from "./up.js";

test("a running cluster names the command that submits to it, and to no other", () => {
  const command = (home: string) => startedText("127.0.0.1:7071", home, {}).split(": ").at(-1);
  expect(command("/other/home")).toBe(
    "npx gumshoe submit runs/first.yaml --home /other/home --watch",
  );
  expect(command(defaultHome({}))).toBe("npx gumshoe submit runs/first.yaml --watch");
  expect(startedText("127.0.0.1:7071", "/other/home", {})).toContain(
    "the cluster is ready: 127.0.0.1:7071, home /other/home\n",
  );
});

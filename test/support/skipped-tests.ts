import { relative } from "node:path";

import type { Reporter, TestModule, Vitest } from "vitest/node";

/** Lists the tests that were skipped, after the summary, with their number: a machine may lack what they need. */
export class SkippedTests implements Reporter {
  #vitest: Vitest | null = null;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const { config } = this.#vitest ?? {};
    // Tests that were deselected by name count as skipped too.
    if (config === undefined || config.testNamePattern !== undefined) return;
    const skipped = modules.flatMap((module) =>
      [...module.children.allTests("skipped")].map((test) => {
        const result = test.result();
        const note =
          result.state === "skipped" && result.note !== undefined ? `: ${result.note}` : "";
        return `  ${relative(config.root, module.moduleId)} > ${test.fullName}${note}`;
      }),
    );
    if (skipped.length === 0) return;
    const count = `${skipped.length} ${skipped.length === 1 ? "test was" : "tests were"} skipped`;
    process.stdout.write(`\n${count}, because this machine lacks what they need:\n`);
    process.stdout.write(`${skipped.join("\n")}\n`);
  }
}

import { TemplateError } from "../errors.js";
import { Budget } from "./budget.js";
import { globals } from "./globals.js";
import { parseTemplate } from "./parse-template.js";
import { Renderer } from "./renderer.js";
import { Scope } from "./scope.js";
import type { Body } from "./syntax-tree.js";
import { fromJson, ObjectValue } from "./values.js";

/**
 * A Jinja template, rendered as Transformers renders chat templates: trimmed blocks, loop controls, Python's values
 * and texts, the immutable sandbox.
 *
 * - An unsupported construct is an error that names it, so a prompt is never silently different.
 * - It reads neither clock nor machine, and its cost is bounded.
 */
export class Template {
  private constructor(private readonly body: Body) {}

  /** @throws TemplateError naming the line */
  static parse(source: string): Template {
    return new Template(guarded(() => parseTemplate(source)));
  }

  /**
   * @param variables  JSON values by name
   * @param date       `YYYY-MM-DD` for `strftime_now`; null if there is none
   * @throws TemplateError naming the line; TemplateDateError when the template needs a date
   */
  render(variables: Readonly<Record<string, unknown>>, date: string | null): string {
    const budget = new Budget(guarded(() => JSON.stringify(variables).length));
    const scope = new Scope(null);
    for (const [name, value] of globals(budget, date)) scope.set(name, value);
    scope.set("self", new ObjectValue("TemplateReference", () => undefined));
    const context = new Scope(scope);
    for (const [name, value] of Object.entries(variables)) context.set(name, fromJson(value));
    return guarded(() => new Renderer(budget).template(this.body, context));
  }
}

/** Long chains of operators nest without brackets and can overflow the stack. */
function guarded<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof RangeError) throw new TemplateError("nests too deeply");
    throw error;
  }
}

/** Generates the API pages of the published packages from their sources with typedoc. */
import { join } from "node:path";

import { Application, LogLevel, TypeDocReader } from "typedoc";

import { ROOT } from "../setup/step.mjs";

const OURS = "@gumshoe/";
/** Messages are exported as types only: their codecs are not part of the API. */
const NOT_REACHABLE = new Set(["MessageFns"]);

/**
 * Reads the sources; returns typedoc's model, and the problems found by typedoc and these checks.
 */
export async function readApi() {
  const problems = [];
  const app = await Application.bootstrap({}, [new TypeDocReader()]);
  const log = app.logger.log.bind(app.logger);
  app.logger.log = (message, level) => {
    if (level >= LogLevel.Warn) problems.push(message);
    else log(message, level);
  };
  const project = await app.convert();
  if (project === undefined) return { app, project: null, problems };
  app.validate(project);
  const types = unexportedTypes(app.serializer.projectToObject(project, ROOT));
  return { app, project, problems: [...problems, ...types] };
}

/** Lists types of this repository that exports refer to and that users cannot import. */
function unexportedTypes(api) {
  const found = new Set();
  const visit = (value, place) => {
    if (typeof value !== "object" || value === null) return;
    const { type, target, package: owner = "", name } = value;
    const isOutside = type === "reference" && typeof target === "object" && owner.startsWith(OURS);
    if (isOutside && !NOT_REACHABLE.has(name)) {
      found.add(`${place} refers to ${name} of ${owner}, which is not exported`);
    }
    const inner = typeof name === "string" && value.kind !== undefined ? `${place}.${name}` : place;
    for (const part of Object.values(value)) visit(part, inner);
  };
  for (const module of api.children ?? []) {
    for (const child of module.children ?? []) visit(child, module.name);
  }
  return [...found];
}

/** Writes the pages; returns the problems. */
export async function writeApi(folder) {
  const { app, project, problems } = await readApi();
  if (project !== null && problems.length === 0)
    await app.generateDocs(project, join(ROOT, folder));
  return problems;
}

import { join } from "node:path";

import { ROOT } from "./gumshoe.js";

/** Folder of the small model of the repository. */
export const ROOKIE = join(ROOT, "models/rookie");

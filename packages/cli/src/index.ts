export { runCommandLine } from "./command-line.js";
export { type Context } from "./context.js";

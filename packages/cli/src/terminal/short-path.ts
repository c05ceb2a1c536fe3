import { isAbsolute, relative } from "node:path";

/** Returns the path relative to a folder that it lies in; the absolute path for others. */
export function shortPath(path: string, folder: string): string {
  const inside = relative(folder, path);
  return inside === "" || inside.startsWith("..") || isAbsolute(inside) ? path : inside;
}

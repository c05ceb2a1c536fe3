import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Where a library of NVIDIA's may be. */
export interface LibraryPlaces {
  /** Its path, when it is known: nothing else is tried. */
  readonly library?: string | null | undefined;
  /** Variables of the process: CUDA_HOME, CUDA_PATH, VIRTUAL_ENV, CONDA_PREFIX. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** Folders that hold its files, looked into last. */
  readonly folders?: readonly string[];
}

/** How a library is called. */
export interface LibraryNames {
  /** File names, the preferred first. */
  readonly files: readonly string[];
  /** Its folders within `site-packages/nvidia` of a Python environment. */
  readonly packages: readonly string[];
}

/**
 * Lists where a library is looked for, in order: the given path, the system's library path, CUDA_HOME, the NVIDIA
 * packages of the active Python environment, the given folders.
 */
export function libraryPaths(names: LibraryNames, places: LibraryPlaces): string[] {
  if (places.library !== undefined && places.library !== null) return [places.library];
  const { environment = {}, folders = [] } = places;
  const all = [
    ...toolkitFolders(environment),
    ...pythonFolders(environment, names.packages),
    ...folders,
  ];
  const inFolders = all.flatMap((folder) => {
    const there = namesIn(folder);
    return names.files.filter((name) => there.includes(name)).map((name) => join(folder, name));
  });
  return [...names.files, ...inFolders];
}

/** Lists the files of a folder; none when it cannot be read. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function toolkitFolders(environment: NodeJS.ProcessEnv): string[] {
  const roots = given(environment["CUDA_HOME"], environment["CUDA_PATH"], "/usr/local/cuda");
  return roots.flatMap((root) => [join(root, "lib64"), join(root, "targets/x86_64-linux/lib")]);
}

function pythonFolders(environment: NodeJS.ProcessEnv, packages: readonly string[]): string[] {
  const roots = given(environment["VIRTUAL_ENV"], environment["CONDA_PREFIX"]);
  return roots.flatMap((root) => {
    const versions = namesIn(join(root, "lib")).filter((name) => /^python3\.\d+$/.test(name));
    const site = versions.map((name) => join(root, "lib", name, "site-packages/nvidia"));
    return [
      ...site.flatMap((folder) => packages.map((name) => join(folder, name))),
      join(root, "lib"),
    ];
  });
}

function given(...values: readonly (string | undefined)[]): string[] {
  return values.filter((value) => value !== undefined).filter((value) => value !== "");
}

import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";

/** Versions of NVRTC that are looked for, newest first. */
const MAJORS = [13, 12] as const;

/** Where NVRTC may be. */
export interface NvrtcPlaces {
  /** Its path, when it is known: nothing else is tried. */
  readonly library?: string | null;
  /** Variables of the process: CUDA_HOME, CUDA_PATH, VIRTUAL_ENV, CONDA_PREFIX. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Folders that hold its files, looked into last. */
  readonly folders?: readonly string[];
  /** The newest major version that the driver can load code of, e.g. 12; default: any. */
  readonly newestMajor?: number;
}

/**
 * Lists where NVRTC is looked for, in order: the given path, the system's library path, CUDA_HOME, the NVIDIA
 * packages of the active Python environment, the given folders.
 */
export function nvrtcPaths(places: NvrtcPlaces): string[] {
  if (places.library !== undefined && places.library !== null) return [places.library];
  const { newestMajor = Infinity } = places;
  const names = MAJORS.filter((major) => major <= newestMajor).map(
    (major) => `libnvrtc.so.${major}`,
  );
  const folders = [
    ...toolkitFolders(places.environment ?? {}),
    ...pythonFolders(places.environment ?? {}),
    ...(places.folders ?? []),
  ];
  const inFolders = folders.flatMap((folder) =>
    names.filter((name) => namesIn(folder).includes(name)).map((name) => join(folder, name)),
  );
  return [...names, ...inFolders];
}

/** Lists the files that NVRTC looks for by name only, which are in its own folder. */
export function builtinsBeside(library: string): string[] {
  const folder = dirname(library);
  return namesIn(folder)
    .filter((name) => /^libnvrtc-builtins\.so\.\d+\.\d+/.test(name))
    .map((name) => join(folder, name));
}

function toolkitFolders(environment: NodeJS.ProcessEnv): string[] {
  const roots = [environment["CUDA_HOME"], environment["CUDA_PATH"], "/usr/local/cuda"];
  return roots
    .filter((root) => root !== undefined)
    .filter((root) => root !== "")
    .flatMap((root) => [join(root, "lib64"), join(root, "targets/x86_64-linux/lib")]);
}

/** Folders of the packages nvidia-cuda-nvrtc (13) and nvidia-cuda-nvrtc-cu12, and of Conda's. */
function pythonFolders(environment: NodeJS.ProcessEnv): string[] {
  const roots = [environment["VIRTUAL_ENV"], environment["CONDA_PREFIX"]]
    .filter((root) => root !== undefined)
    .filter((root) => root !== "");
  return roots.flatMap((root) => [
    ...namesIn(join(root, "lib"))
      .filter((name) => /^python3\.\d+$/.test(name))
      .flatMap((name) => {
        const packages = join(root, "lib", name, "site-packages/nvidia");
        return [join(packages, "cu13/lib"), join(packages, "cuda_nvrtc/lib")];
      }),
    join(root, "lib"),
  ]);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";

import { parseHubModel } from "@gumshoe/config";
// `import type` leaves no import behind.
import type { ServedCheckpoint } from "@gumshoe/coordinator";
import { InvalidArgumentError } from "@gumshoe/core";
import { hubCacheFolder } from "@gumshoe/hub";
import type { AdaptedFolders } from "@gumshoe/serve";

import { readCheckpointName } from "../commands/checkpoint-name.js";
import type { Context } from "../context.js";
import { Home } from "../local/home.js";
import { adaptedFolders } from "../model/adapted-model.js";
import { runFolderOf } from "../run/run-files.js";

/** A model to serve, as it is now. */
export interface FoundModel {
  readonly folders: AdaptedFolders;
  /** What it is, for people. */
  readonly title: string;
  /** Changes when another model is to be served. */
  readonly key: string;
}

/** Where the model that is served comes from. */
export interface ModelSource {
  /** Name of the model in requests, if no option says. */
  readonly name: string;
  /** Whether `find` may find another model later. */
  readonly isMoving: boolean;
  /** Finds the model that is to be served now. @throws InvalidArgumentError, UnknownCheckpointError and others */
  find(): Promise<FoundModel>;
}

/** The options that name a model. */
export interface ModelSourceOptions {
  readonly model?: string;
  readonly adapter?: string;
  readonly run?: string;
  readonly home: string;
}

/** Returns the source that the options name. @throws InvalidArgumentError */
export function modelSource(options: ModelSourceOptions, context: Context): ModelSource {
  if (options.run === undefined) return namedModel(options, context);
  if (options.model !== undefined || options.adapter !== undefined) {
    const other = options.model === undefined ? "--adapter" : "--model";
    throw new InvalidArgumentError("--run", `cannot be given together with ${other}`);
  }
  return runCheckpoints(options.run, options.home, context);
}

function namedModel(
  options: Pick<ModelSourceOptions, "model" | "adapter">,
  context: Context,
): ModelSource {
  const named = options.model ?? options.adapter;
  if (named === undefined) {
    throw new InvalidArgumentError("--model", "is missing", {
      suggestion: "give --model FOLDER, --adapter FOLDER or --run NAME",
    });
  }
  const isHub = options.model !== undefined && !existsSync(named) && parseHubModel(named) !== null;
  const name = isHub ? named : basename(resolve(context.workingFolder, named));
  const title = [options.model, options.adapter].filter((text) => text !== undefined).join(" + ");
  const find = async () => ({ folders: await adaptedFolders(options, context), title, key: title });
  return { name, isMoving: false, find };
}

function runCheckpoints(text: string, homeFolder: string, { env }: Context): ModelSource {
  const named = readCheckpointName(text, { field: "--run", otherwise: "best" });
  const { run, checkpoint: which } = named;
  const folder = runFolderOf(new Home(homeFolder), run);
  const find = async (): Promise<FoundModel> => {
    // Loaded when it is needed: the coordinator's libraries take longer to load than most commands take to run.
    const { findServedCheckpoint } = await import("@gumshoe/coordinator");
    const found = await findServedCheckpoint(folder, which, hubCacheFolder(env));
    return {
      folders: { folder: found.folder, adapter: found.adapter },
      title: describeCheckpoint(run, found),
      key: `${found.iteration} ${found.digest}`,
    };
  };
  return { name: run, isMoving: which === "best" || which === "latest", find };
}

function describeCheckpoint(run: string, { iteration, reward }: ServedCheckpoint): string {
  const what = iteration === 0 ? "the model that it started from" : `checkpoint ${iteration}`;
  const validated = reward === null ? "" : `, validation reward ${reward.toFixed(3)}`;
  return `run ${run}, ${what}${validated}`;
}

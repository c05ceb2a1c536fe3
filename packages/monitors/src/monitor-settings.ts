import { InvalidArgumentError, readSecret, readVariable } from "@gumshoe/core";

import type { MlflowSettings } from "./mlflow/mlflow-api.js";
import { type OtlpSettings, readOtlp } from "./opentelemetry/otlp-settings.js";
import type { PythonMonitorSettings } from "./python/python-monitor.js";

type Environment = Readonly<Record<string, string | undefined>>;

const NAMES = ["tensorboard", "mlflow", "opentelemetry", "wandb", "trackio"] as const;
const DEFAULT_PROJECT = "gumshoe";

/** The monitors of a coordinator. */
export interface MonitorSettings {
  readonly tensorboard: boolean;
  readonly mlflow: MlflowSettings | null;
  readonly opentelemetry: OtlpSettings | null;
  readonly python: readonly PythonMonitorSettings[];
}

/**
 * Reads GUMSHOE_MONITORS, a list such as `tensorboard,wandb`, and the variables that the users of each
 * monitor know: MLFLOW_TRACKING_URI, WANDB_PROJECT and so on.
 *
 * @throws InvalidArgumentError, naming the variable
 */
export function readMonitors(env: Environment): MonitorSettings {
  const listed = (readVariable(env, "GUMSHOE_MONITORS") ?? "").split(/[\s,]+/);
  const names = new Set(listed.filter((name) => name !== ""));
  for (const name of names) {
    if (NAMES.some((known) => known === name)) continue;
    throw new InvalidArgumentError(
      "GUMSHOE_MONITORS",
      `there is no monitor ${name.slice(0, 50)}: name ${NAMES.join(", ")}, separated by commas`,
    );
  }
  const python = readVariable(env, "GUMSHOE_MONITOR_PYTHON") ?? "python3";
  // The client needs no secret of the cluster.
  const own = Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith("GUMSHOE_")),
  );
  return {
    tensorboard: names.has("tensorboard"),
    mlflow: names.has("mlflow") ? readMlflow(env) : null,
    opentelemetry: names.has("opentelemetry") ? readOtlp(env) : null,
    python: (["wandb", "trackio"] as const)
      .filter((name) => names.has(name))
      .map((name) => {
        const project = readVariable(env, `${name.toUpperCase()}_PROJECT`) ?? DEFAULT_PROJECT;
        return { name, python, project, env: own };
      }),
  };
}

function readMlflow(env: Environment): MlflowSettings {
  const name = "MLFLOW_TRACKING_URI";
  const url = readVariable(env, name) ?? "";
  if (!/^https?:\/\/[^\s/]/.test(url) || !URL.canParse(url)) {
    throw new InvalidArgumentError(name, "the monitor mlflow needs the URL of its server in it");
  }
  if (new URL(url).username !== "") {
    throw new InvalidArgumentError(
      name,
      "put the user in MLFLOW_TRACKING_USERNAME, not into the URL",
    );
  }
  return {
    url: url.replace(/\/+$/, ""),
    experiment: readVariable(env, "MLFLOW_EXPERIMENT_NAME") ?? DEFAULT_PROJECT,
    authorization: readAuthorization(env),
  };
}

function readAuthorization(env: Environment): string | null {
  const token = readSecret(env, "MLFLOW_TRACKING_TOKEN");
  if (token !== null) return `Bearer ${token}`;
  const user = readVariable(env, "MLFLOW_TRACKING_USERNAME");
  if (user === null) return null;
  const password = readSecret(env, "MLFLOW_TRACKING_PASSWORD") ?? "";
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

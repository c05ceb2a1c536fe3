import type { Clock, Logger } from "@gumshoe/core";

import type { Monitor } from "./monitor.js";
import type { MonitorSettings } from "./monitor-settings.js";
import { MlflowMonitor } from "./mlflow/mlflow-monitor.js";
import { OpenTelemetryMonitor } from "./opentelemetry/opentelemetry-monitor.js";
import { PythonMonitor } from "./python/python-monitor.js";
import { TensorBoardMonitor } from "./tensorboard/tensorboard-monitor.js";

/** Makes the monitors that the settings name. */
export function openMonitors(
  settings: MonitorSettings,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Monitor[] {
  const { tensorboard, mlflow, opentelemetry, python } = settings;
  return [
    ...(tensorboard ? [new TensorBoardMonitor(clock)] : []),
    ...(mlflow === null ? [] : [new MlflowMonitor(mlflow)]),
    ...(opentelemetry === null ? [] : [new OpenTelemetryMonitor(opentelemetry, logger)]),
    ...python.map((one) => new PythonMonitor(one)),
  ];
}

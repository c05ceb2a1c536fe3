import type { Clock } from "@gumshoe/core";

import type { Monitor } from "./monitor.js";
import type { MonitorSettings } from "./monitor-settings.js";
import { MlflowMonitor } from "./mlflow/mlflow-monitor.js";
import { PythonMonitor } from "./python/python-monitor.js";
import { TensorBoardMonitor } from "./tensorboard/tensorboard-monitor.js";

/** Makes the monitors that the settings name. */
export function openMonitors(settings: MonitorSettings, clock: Clock): Monitor[] {
  const { tensorboard, mlflow, python } = settings;
  return [
    ...(tensorboard ? [new TensorBoardMonitor(clock)] : []),
    ...(mlflow === null ? [] : [new MlflowMonitor(mlflow)]),
    ...python.map((one) => new PythonMonitor(one)),
  ];
}

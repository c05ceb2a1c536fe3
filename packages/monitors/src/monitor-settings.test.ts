import { expect, test } from "vitest";

import { readMonitors } from "./monitor-settings.js";

test("without the variable there are no monitors", () => {
  expect(readMonitors({})).toEqual({
    tensorboard: false,
    mlflow: null,
    opentelemetry: null,
    python: [],
  });
  expect(readMonitors({ GUMSHOE_MONITORS: " , " }).tensorboard).toBe(false);
});

test("monitors read the variables that their users know", () => {
  const env = {
    GUMSHOE_MONITORS: "tensorboard,mlflow trackio",
    MLFLOW_TRACKING_URI: "https://mlflow.example/base/",
    MLFLOW_TRACKING_USERNAME: "ann",
    MLFLOW_TRACKING_PASSWORD: "secret",
    TRACKIO_PROJECT: "deduction",
  };
  const { tensorboard, mlflow, python } = readMonitors(env);
  expect(tensorboard).toBe(true);
  const authorization = "Basic YW5uOnNlY3JldA==";
  const url = "https://mlflow.example/base";
  expect(mlflow).toEqual({ url, experiment: "gumshoe", authorization });
  expect(python).toMatchObject([{ name: "trackio", project: "deduction", python: "python3" }]);
});

test("a client gets no secret of the cluster", () => {
  const env = { GUMSHOE_MONITORS: "wandb", GUMSHOE_TOKEN: "t", WANDB_API_KEY: "k" };
  expect(readMonitors(env).python[0]?.env).toEqual({ WANDB_API_KEY: "k" });
});

test("what is wrong is named, without the secret", () => {
  const read = (env: Record<string, string>) => () => readMonitors(env);
  expect(read({ GUMSHOE_MONITORS: "tensorbord" })).toThrow("GUMSHOE_MONITORS: there is no monitor");
  const mlflow = { GUMSHOE_MONITORS: "mlflow" };
  expect(read(mlflow)).toThrow("MLFLOW_TRACKING_URI");
  expect(read({ ...mlflow, MLFLOW_TRACKING_URI: "databricks" })).toThrow("MLFLOW_TRACKING_URI");
  const withUser = { ...mlflow, MLFLOW_TRACKING_URI: "http://ann:secret@host" };
  expect(read(withUser)).toThrow("MLFLOW_TRACKING_USERNAME");
  expect(read(withUser)).not.toThrow("secret");
});

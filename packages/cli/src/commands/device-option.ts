import { openDevice, parseDeviceName } from "@gumshoe/gpu";
import type { Device } from "@gumshoe/kernels";
import { type Command, Option } from "commander";

import type { Context } from "../context.js";
import { defaultDevice } from "./options.js";

/** What computes in this process. */
export interface DeviceChoice {
  readonly device: string;
  /** Of the CPU; default: all cores. */
  readonly threads?: number;
}

/** Adds `--device`, as one name; the default is GUMSHOE_DEVICE, or the CPU. */
export function withDevice(command: Command, { env }: Context): Command {
  const option = new Option("--device <name>", "what computes: cpu, or cuda:N for GPU N");
  return command.addOption(option.default(defaultDevice(env)));
}

/**
 * Returns what opens the chosen device.
 *
 * @throws InvalidArgumentError naming `--device`
 */
export function deviceOpener({ device, threads }: DeviceChoice, { env }: Context): () => Device {
  const name = parseDeviceName("--device", device);
  const about = threads === undefined ? {} : { threads };
  return () => openDevice(name, { ...about, environment: env });
}

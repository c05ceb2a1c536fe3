import { arch } from "node:os";

import { InvalidArgumentError } from "@gumshoe/core";
import { CudaDriver, fetchNvrtc, nvrtcWheel, wheelFolder } from "@gumshoe/cuda";
import { type Command } from "commander";

import { type Context } from "../context.js";
import { formatBytes } from "../terminal/format.js";
import { drawBar, StatusLine } from "../terminal/progress-bar.js";
import { writeResult } from "../terminal/terminal.js";
import { withExamples, withJson } from "./options.js";

const BAR_WIDTH = 30;

/** Adds `gumshoe cuda`: what GPUs need besides their driver. */
export function addCudaCommand(program: Command, context: Context): void {
  const cuda = program.command("cuda").description("What NVIDIA GPUs need besides their driver.");
  const command = cuda
    .command("fetch")
    .description(
      "Fetch NVRTC, the compiler of GPU kernels, as one pinned package of a Python package index, and check its " +
        "SHA-256. PIP_INDEX_URL and XDG_CACHE_HOME are honoured.",
    );
  withExamples(withJson(command), "gumshoe cuda fetch");
  command.action(async (options: { json?: boolean }) => {
    const fetched = await fetchCompiler(context);
    writeResult(context.terminal, options, {
      value: fetched,
      text: () =>
        fetched.isNew
          ? `NVRTC ${fetched.version} is in ${fetched.folder}, its hash checked`
          : `NVRTC ${fetched.version} is in ${fetched.folder} already`,
    });
  });
}

async function fetchCompiler({ env, terminal }: Context) {
  const wheel = process.platform === "linux" ? nvrtcWheel(arch(), driverMajor()) : null;
  if (wheel === null) {
    const problem = `there is no NVRTC for ${process.platform} on ${arch()} and this driver`;
    throw new InvalidArgumentError("cuda fetch", problem);
  }
  const folder = wheelFolder(wheel.version, env);
  const line = new StatusLine(terminal);
  try {
    const isNew = await fetchNvrtc({
      wheel,
      folder,
      index: env["PIP_INDEX_URL"] || null,
      onProgress: ({ receivedBytes, totalBytes }) => {
        const bytes = `${formatBytes(receivedBytes)} of ${formatBytes(totalBytes)}`;
        line.set(`NVRTC ${drawBar(receivedBytes / totalBytes, BAR_WIDTH)} ${bytes}`);
      },
    });
    return { version: wheel.version, folder, isNew };
  } finally {
    line.clear();
  }
}

/** Returns the major version of CUDA that the driver supports; Infinity where there is no driver. */
function driverMajor(): number {
  try {
    return Number(CudaDriver.open().version.split(".")[0]);
  } catch {
    // The newest is fetched, e.g. while a container image is built.
    return Infinity;
  }
}

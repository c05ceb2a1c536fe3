import { arch } from "node:os";

import { InvalidArgumentError } from "@gumshoe/core";
import { CudaDriver, fetchNvrtc, nvrtcWheel, wheelFolder } from "@gumshoe/cuda";
import { compileKernels } from "@gumshoe/gpu";
import { type Command, InvalidArgumentError as WrongOption } from "commander";

import type { Context } from "../context.js";
import { formatBytes } from "../terminal/format.js";
import { drawBar, StatusLine } from "../terminal/progress-bar.js";
import { writeResult } from "../terminal/terminal.js";
import { folderName, wholeNumber, withExamples, withJson } from "./options.js";

const BAR_WIDTH = 30;

/** Adds `gumshoe cuda`: what GPUs need besides their driver. */
export function addCudaCommand(program: Command, context: Context): void {
  const cuda = program.command("cuda").description("What NVIDIA GPUs need besides their driver.");
  addCompileCommand(cuda, context);
  const command = cuda
    .command("fetch")
    .description(
      "Fetch NVRTC, the compiler of GPU kernels, as one pinned package of a Python package index, and check its " +
        "SHA-256. PIP_INDEX_URL and XDG_CACHE_HOME are honoured.",
    )
    .option(
      "--major <n>",
      "newest major version of CUDA; default: the driver's",
      wholeNumber(12, 99),
    );
  withExamples(withJson(command), "gumshoe cuda fetch");
  command.action(async (options: { json?: boolean; major?: number }) => {
    const fetched = await fetchCompiler(context, options.major ?? driverMajor());
    writeResult(context.terminal, options, {
      value: fetched,
      text: () =>
        fetched.isNew
          ? `NVRTC ${fetched.version} is in ${fetched.folder}, its hash checked`
          : `NVRTC ${fetched.version} is in ${fetched.folder} already`,
    });
  });
}

/** Adds `gumshoe cuda compile`. */
function addCompileCommand(cuda: Command, { env, terminal }: Context): void {
  const command = cuda
    .command("compile")
    .description(
      "Compile the GPU kernels beforehand, as for a container image. Elsewhere workers compile them " +
        "for their own GPU when they start first.",
    )
    .requiredOption(
      "--arch <list>",
      "compute capabilities, such as 80,90 for 8.0 and 9.0",
      readList,
    )
    .option("--out <folder>", "where they go; default: where workers look for them", folderName);
  withExamples(withJson(command), "gumshoe cuda compile --arch 80,86,89,90,100,120");
  command.action((options: { arch: readonly number[]; out?: string; json?: boolean }) => {
    const { arch: capabilities, out } = options;
    const place = out === undefined ? {} : { folder: out };
    const numFiles = compileKernels({ capabilities, environment: env, ...place });
    writeResult(terminal, options, {
      value: { capabilities, numFiles },
      text: () => `${numFiles} files of kernels are compiled for ${capabilities.join(", ")}`,
    });
  });
}

function readList(text: string): readonly number[] {
  const all = text.split(",").map((part) => (/^\d{2,3}$/.test(part.trim()) ? Number(part) : null));
  if (all.includes(null)) throw new WrongOption("It must be a list such as 80,90.");
  return all.filter((one) => one !== null);
}

async function fetchCompiler({ env, terminal }: Context, newestMajor: number) {
  const wheel = process.platform === "linux" ? nvrtcWheel(arch(), newestMajor) : null;
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

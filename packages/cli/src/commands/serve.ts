import { randomBytes } from "node:crypto";
import { once } from "node:events";

import {
  checkToken,
  createLogger,
  InvalidArgumentError,
  type Logger,
  readSecret,
} from "@gumshoe/core";
import { namedDevices } from "@gumshoe/gpu";
import { isLoopback } from "@gumshoe/rpc";
import { ModelServer, SamplerThread, ServedModel } from "@gumshoe/serve";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { followSource } from "../serve/follow-source.js";
import { type FoundModel, modelSource } from "../serve/model-source.js";
import { readTlsIdentity, type TlsIdentity } from "../serve/tls-identity.js";
import { listenForStop } from "../terminal/stop-signal.js";
import { writeResult } from "../terminal/terminal.js";
import { withExamples } from "./options.js";
import {
  checkAddress,
  KEY_VARIABLE,
  limitsOf,
  type ServeOptions,
  withServeOptions,
} from "./serve-options.js";

/** How long open requests may take to end after Ctrl-C, in ms. */
const DRAIN_MS = 10_000;
const KEY_BYTES = 24;
/** Fewer characters can be guessed, and are found in texts that have nothing to do with them. */
const MIN_KEY_LENGTH = 16;

/** Adds `gumshoe serve`: serves a model by an OpenAI-compatible API. */
export function addServeCommand(program: Command, context: Context): void {
  const command = program
    .command("serve")
    .description(
      "Serve a model by an OpenAI-compatible API until Ctrl-C: /v1/chat/completions, /v1/completions, /v1/models.",
    );
  withExamples(
    withServeOptions(command, context),
    "gumshoe serve --model models/rookie",
    "gumshoe serve --run first --listen 0.0.0.0:8000",
    "gumshoe serve --adapter .gumshoe/runs/lora/checkpoints/24 --no-key",
  );
  command.action((options: ServeOptions) => serve(options, context));
}

/** @throws InvalidArgumentError and the errors of loading; SamplerLostError when the sampler's thread ends */
async function serve(options: ServeOptions, context: Context): Promise<void> {
  checkAddress(options);
  const { terminal } = context;
  const key = options.key ? chosenKey(context) : null;
  const tls = readTlsIdentity(options, new Date(context.clock.now()));
  const scheme = tls === null ? "http" : "https";
  const source = modelSource(options, context);
  const devices = namedDevices("--device", options.device);
  const logger = createLogger("serve", options.logLevel);
  const found = await source.find();
  const stop = listenForStop(() =>
    terminal.err("\nstopping: open requests may end; once more to stop at once\n"),
  );
  const lost = new AbortController();
  const threads = devices.map(
    (device) =>
      new SamplerThread(
        {
          device,
          threads: options.threads ?? null,
          environment: context.env,
          kvCacheTokens: options.kvCacheTokens ?? null,
        },
        (error) => lost.abort(error),
      ),
  );
  const load = ({ folders, title }: FoundModel) => ServedModel.load(threads, folders, title);
  try {
    terminal.err(`loading ${found.title}\n`);
    const name = options.name ?? source.name;
    const model = await load(found);
    const parts = { name, model, key: key?.text ?? null, tls, logger, context };
    const server = makeServer(options, parts);
    const url = `${scheme}://${await server.listen(options.listen)}/v1`;
    writeResult(terminal, options, {
      value: { url, key: key?.isMade === true ? key.text : null, name },
      text: () => startedText({ url, name, title: found.title, key }),
    });
    const end = AbortSignal.any([stop.signal, lost.signal]);
    const following = source.isMoving
      ? followSource(
          source,
          found,
          {
            serve: async (next) => server.use(await load(next)),
            print: (line) => terminal.err(`${line}\n`),
            everyMs: options.every * 1000,
            clock: context.clock,
          },
          end,
        )
      : null;
    if (!end.aborted) await once(end, "abort");
    await server.stop(lost.signal.aborted ? 0 : DRAIN_MS);
    await following;
    if (lost.signal.aborted) throw lost.signal.reason;
  } finally {
    await Promise.all(threads.map((thread) => thread.stop()));
    stop.dispose();
  }
}

function makeServer(
  options: ServeOptions,
  parts: {
    name: string;
    model: ServedModel;
    key: string | null;
    tls: TlsIdentity | null;
    logger: Logger;
    context: Context;
  },
): ModelServer {
  const { name, model, key, tls, logger, context } = parts;
  return new ModelServer({
    name,
    model,
    key,
    tls,
    limits: limitsOf(options),
    chat: { variables: options.template ?? {}, date: options.date ?? null },
    clock: context.clock,
    logger,
  });
}

interface Key {
  readonly text: string;
  /** Whether it was made now, so that it must be shown. */
  readonly isMade: boolean;
}

function chosenKey({ env }: Context): Key {
  const given = readSecret(env, KEY_VARIABLE);
  if (given === null) {
    return { text: `gs-${randomBytes(KEY_BYTES).toString("base64url")}`, isMade: true };
  }
  checkToken(KEY_VARIABLE, given);
  if (given.length < MIN_KEY_LENGTH) {
    const problem = `has ${given.length} characters, of which a key needs ${MIN_KEY_LENGTH}`;
    throw new InvalidArgumentError(KEY_VARIABLE, problem, {
      suggestion: "leave it out, and one is made",
    });
  }
  return { text: given, isMade: false };
}

/** Describes the address, the key, and who can read the traffic. */
function startedText(served: {
  url: string;
  name: string;
  title: string;
  key: Key | null;
}): string {
  const { url, name, title, key } = served;
  const lines = [`serving ${title} as ${name}: ${url}`];
  if (key === null) lines.push("no API key is needed: only this machine can ask");
  else if (key.isMade) lines.push(`API key: ${key.text}`);
  else lines.push(`API key: that of ${KEY_VARIABLE}`);
  const { protocol, hostname } = new URL(url);
  if (protocol === "http:" && !isLoopback(hostname)) {
    lines.push(
      "NOT PRIVATE: without TLS, who can read the traffic can read the key; give it --tls-cert and --tls-key, or put a proxy with TLS before it",
    );
  }
  return lines.join("\n");
}

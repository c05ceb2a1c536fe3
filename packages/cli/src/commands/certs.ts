import { join } from "node:path";

import type { Command } from "commander";

import type { Context } from "../context.js";
import { formatTable } from "../terminal/table.js";
import { writeResult } from "../terminal/terminal.js";
import { wholeNumber, withExamples, withHome, withJson } from "./options.js";

const MOST_DAYS = 3650;
const DEFAULT_DAYS = 365;

interface CertsOptions {
  readonly home: string;
  readonly host: string[];
  readonly days: number;
  readonly renew?: boolean;
  readonly json?: boolean;
}

/** Adds `gumshoe certs`: creates a cluster's TLS certificates. */
export function addCertsCommand(program: Command, context: Context): void {
  const command = program
    .command("certs")
    .description("Make an authority and certificates, for clusters of several machines.")
    .argument("[folder]", "folder to make; default: certs in the home")
    .option("--host <name...>", "more names or addresses of coordinator and Redis", [])
    .option("--days <n>", "days that they are valid", wholeNumber(1, MOST_DAYS), DEFAULT_DAYS)
    .option("--renew", "new certificates by the authority that is in the folder");
  withExamples(
    withJson(withHome(command, context)),
    "gumshoe certs certs --host gpu-1.lan",
    "gumshoe certs certs --renew",
  );
  command.action(async (given: string | undefined, options: CertsOptions) => {
    const folder = given ?? join(options.home, "certs");
    const { host: hosts, days, renew = false } = options;
    // Imported here, because the library takes longer to load than most commands take to run.
    const { makeCertificates } = await import("../certs/certificate-folder.js");
    const made = await makeCertificates({ folder, hosts, days, renew });
    writeResult(context.terminal, options, {
      value: { folder, certificates: made },
      text: () =>
        [
          formatTable(
            ["for", "folder", "valid until"],
            made.map(({ role, folder, validTo }) => [role, folder, validTo.slice(0, 10)]),
          ),
          "",
          `Every process takes its own: start them with GUMSHOE_TLS=${folder}, and Redis with those of redis.`,
          `A worker's machine needs ${join(folder, "worker")} alone, a client's ${join(folder, "client")}.`,
          `Keep ${join(folder, "ca", "key.pem")} to yourself: who has it can join.`,
        ].join("\n"),
    });
  });
}

import { InvalidArgumentError, readVariable } from "@gumshoe/core";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where traces are sent. */
export interface OtlpSettings {
  /** URL that traces are posted to. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether bodies are compressed by gzip. */
  readonly compresses: boolean;
  /** Time for the collector to answer one request, in ms. */
  readonly timeoutMs: number;
  /** Attributes of the resource, `service.name` among them. */
  readonly resource: Readonly<Record<string, string>>;
}

const PREFIX = "OTEL_EXPORTER_OTLP_";
const DEFAULT_ENDPOINT = "http://localhost:4318";
const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 50_000;
/** Name of an HTTP header (RFC 9110). */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * Reads the variables of the OpenTelemetry specification for an OTLP exporter of traces. A variable for traces,
 * such as OTEL_EXPORTER_OTLP_TRACES_HEADERS, comes before the one for all signals.
 *
 * @throws InvalidArgumentError, naming the variable, without its value where it may be a secret
 */
export function readOtlp(env: Environment): OtlpSettings {
  checkProtocol(env);
  for (const kind of ["CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE"]) {
    const found = variable(env, kind);
    if (found === null) continue;
    const instead = "is not supported: NODE_EXTRA_CA_CERTS adds an authority";
    throw new InvalidArgumentError(found.name, instead);
  }
  return {
    url: readUrl(env),
    headers: readHeaders(env),
    compresses: readCompression(env),
    timeoutMs: readTimeout(env),
    resource: readResource(env),
  };
}

/** Finds the variable for traces, or the one for all signals. */
function variable(env: Environment, kind: string): { name: string; value: string } | null {
  for (const name of [`${PREFIX}TRACES_${kind}`, `${PREFIX}${kind}`]) {
    const value = readVariable(env, name);
    if (value !== null) return { name, value };
  }
  return null;
}

function checkProtocol(env: Environment): void {
  const found = variable(env, "PROTOCOL");
  if (found === null || found.value === "http/json") return;
  const wanted =
    "is not http/json, the protocol that traces are sent by; collectors accept it at port 4318";
  throw new InvalidArgumentError(found.name, `${found.value.slice(0, 50)} ${wanted}`);
}

function readUrl(env: Environment): string {
  const name = `${PREFIX}TRACES_ENDPOINT`;
  const whole = readVariable(env, name);
  if (whole !== null) return checkUrl(name, whole);
  const base = readVariable(env, `${PREFIX}ENDPOINT`) ?? DEFAULT_ENDPOINT;
  return `${checkUrl(`${PREFIX}ENDPOINT`, base).replace(/\/+$/, "")}/v1/traces`;
}

function checkUrl(name: string, url: string): string {
  if (!/^https?:\/\/[^\s/]/.test(url) || !URL.canParse(url)) {
    throw new InvalidArgumentError(name, "is no URL such as http://collector:4318");
  }
  if (new URL(url).username === "") return url;
  throw new InvalidArgumentError(name, `put credentials into ${PREFIX}HEADERS, not into the URL`);
}

function readHeaders(env: Environment): Record<string, string> {
  const found = variable(env, "HEADERS");
  return found === null ? {} : readPairs(found, (name) => HEADER_NAME.test(name));
}

function readCompression(env: Environment): boolean {
  const found = variable(env, "COMPRESSION");
  if (found === null || found.value === "none") return false;
  if (found.value === "gzip") return true;
  throw new InvalidArgumentError(found.name, "is neither gzip nor none");
}

function readTimeout(env: Environment): number {
  const found = variable(env, "TIMEOUT");
  if (found === null) return DEFAULT_TIMEOUT_MS;
  const ms = Number(found.value);
  if (Number.isInteger(ms) && ms >= 1 && ms <= MAX_TIMEOUT_MS) return ms;
  const wanted = `is no number of milliseconds from 1 to ${MAX_TIMEOUT_MS}`;
  throw new InvalidArgumentError(found.name, wanted);
}

function readResource(env: Environment): Record<string, string> {
  const name = "OTEL_RESOURCE_ATTRIBUTES";
  const value = readVariable(env, name);
  const attributes = value === null ? {} : readPairs({ name, value }, () => true);
  const service = readVariable(env, "OTEL_SERVICE_NAME");
  if (service !== null) attributes["service.name"] = service;
  return { "service.name": "gumshoe", ...attributes };
}

/** Reads `name=value,name=value`, with percent-encoded values. */
function readPairs(
  { name, value }: { name: string; value: string },
  isName: (text: string) => boolean,
): Record<string, string> {
  const pairs = value.split(",").filter((pair) => pair.trim() !== "");
  return Object.fromEntries(
    pairs.map((pair, i) => {
      const at = pair.indexOf("=");
      const [key, encoded] = [pair.slice(0, Math.max(0, at)).trim(), pair.slice(at + 1).trim()];
      const decoded = decode(encoded);
      const isGood = key !== "" && isName(key) && decoded !== null && !/[\r\n\0]/.test(decoded);
      if (isGood) return [key, decoded];
      throw new InvalidArgumentError(name, `part ${i + 1} is not of the form name=value`);
    }),
  );
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** The config of a run, and what identifies the run. */
import type { RunDetail } from "@gumshoe/api";
import { useSignal } from "@preact/signals";
import { Fragment } from "preact";

import { formatBytes, formatMoment, NONE } from "../figures/format.js";
import { fieldsOf } from "./config-fields.js";

/** Draws the config. */
export function ConfigTab({ run }: { readonly run: RunDetail }) {
  const words = useSignal("");
  const fields = fieldsOf(run.config ?? {}).filter(([field]) =>
    field.toLowerCase().includes(words.value.toLowerCase()),
  );
  return (
    <div class="columns">
      <div class="stack">
        <Identity run={run} />
        <Inputs run={run} />
      </div>
      <section class="card">
        <header>
          <h2>Config</h2>
          <a class="button end" href={`/new?like=${encodeURIComponent(run.name)}`}>
            New run like this
          </a>
          <input
            class="input"
            type="search"
            placeholder="Filter the fields"
            aria-label="Filter the fields of the config"
            value={words}
            onInput={(event) => (words.value = event.currentTarget.value)}
          />
        </header>
        <dl class="pairs body mono">
          {fields.map(([field, text]) => (
            <Fragment key={field}>
              <dt>{field}</dt>
              <dd>{text}</dd>
            </Fragment>
          ))}
        </dl>
      </section>
    </div>
  );
}

function Identity({ run }: { readonly run: RunDetail }) {
  return (
    <section class="card">
      <header>
        <h2>Run</h2>
      </header>
      <dl class="pairs body">
        <dt>Type</dt>
        <dd>{run.type ?? NONE}</dd>
        <dt>Model</dt>
        <dd>{run.model}</dd>
        <dt>Digest of the result</dt>
        <dd class="mono">{run.weightsDigest ?? NONE}</dd>
        <dt>Newest weights</dt>
        <dd class="mono">
          {run.weights === null ? NONE : `${run.weights.version} · ${run.weights.digest}`}
        </dd>
        <dt>Run it again with</dt>
        <dd class="mono">{run.command}</dd>
        {run.attempts.map(({ atMs, kind, weights }) => (
          <Fragment key={atMs}>
            <dt>{kind}</dt>
            <dd>
              {formatMoment(atMs)}{" "}
              {weights !== null && <span class="muted">with weights {weights.version}</span>}
            </dd>
          </Fragment>
        ))}
        {run.warnings.map((warning) => (
          <Fragment key={warning}>
            <dt>Warning</dt>
            <dd>{warning}</dd>
          </Fragment>
        ))}
      </dl>
    </section>
  );
}

function Inputs({ run }: { readonly run: RunDetail }) {
  return (
    <section class="card scroll-x" tabIndex={0} aria-label="What it reads">
      <header>
        <h2>What it reads</h2>
      </header>
      <table class="table">
        <thead>
          <tr>
            <th>Input</th>
            <th class="number">Size</th>
            <th>SHA-256</th>
          </tr>
        </thead>
        <tbody>
          {run.inputs.map(({ name, file, bytes, sha256 }) => (
            <tr key={name}>
              <td title={file ?? undefined}>{name}</td>
              <td class="number">{formatBytes(bytes)}</td>
              <td class="mono" title={sha256}>
                {sha256.slice(0, 16)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

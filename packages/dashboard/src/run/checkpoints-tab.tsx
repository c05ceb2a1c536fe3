/** The checkpoints of a run, to download. */
import { type Checkpoint, CheckpointList, type RunDetail } from "@gumshoe/api";

import { runApi } from "../api/paths.js";
import { useData } from "../api/use-data.js";
import { formatBytes, formatFixed } from "../figures/format.js";
import { WhenLoaded } from "../shell/states.js";

/** Draws the checkpoints, the newest first. */
export function CheckpointsTab({ run }: { readonly run: RunDetail }) {
  const data = useData(runApi(run.name, "/checkpoints"), CheckpointList, run.iterationsDone);
  return (
    <WhenLoaded data={data}>
      {({ checkpoints, downloadCommand }) => (
        <>
          <section class="card scroll-x" tabIndex={0} aria-label="Checkpoints">
            {checkpoints.length === 0 && <p class="empty">No checkpoint is written yet</p>}
            {checkpoints.length > 0 && <CheckpointTable checkpoints={checkpoints} />}
          </section>
          {checkpoints.length > 0 && (
            <p class="muted">
              Download the best one with <code>{downloadCommand}</code>
            </p>
          )}
        </>
      )}
    </WhenLoaded>
  );
}

function CheckpointTable({ checkpoints }: { readonly checkpoints: readonly Checkpoint[] }) {
  return (
    <table class="table">
      <thead>
        <tr>
          <th>After iteration</th>
          <th class="number">Validation</th>
          <th class="number">Weights</th>
          <th>Digest</th>
          <th class="number">Size</th>
          <th>Folder</th>
          <th>Files</th>
        </tr>
      </thead>
      <tbody>
        {checkpoints.map(({ iteration, weights, latest, best, reward, bytes, folder, files }) => (
          <tr key={iteration}>
            <td>
              <b>{iteration}</b> {best && <span class="badge good">best</span>}{" "}
              {latest && <span class="badge live">newest</span>}
            </td>
            <td class="number">{formatFixed(reward)}</td>
            <td class="number">{weights.version}</td>
            <td class="mono" title={weights.digest}>
              {weights.digest.slice(0, 16)}
            </td>
            <td class="number">{formatBytes(bytes)}</td>
            <td class="mono muted">{folder}</td>
            <td>
              <details>
                <summary>{files.length} files</summary>
                <ul>
                  {files.map(({ name, bytes: size, path, sha256 }) => (
                    <li key={name} title={`SHA-256 ${sha256}`}>
                      <a href={path} download={name}>
                        {name}
                      </a>{" "}
                      <span class="muted">{formatBytes(size)}</span>
                    </li>
                  ))}
                </ul>
              </details>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

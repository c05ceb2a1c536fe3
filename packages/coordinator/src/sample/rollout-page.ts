import { InvalidArgumentError } from "@gumshoe/core";
import {
  type ListRolloutsRequest,
  type ListRolloutsResponse,
  parseGroupKey,
  type Rollout,
  type RolloutResult,
  SubmitGroupRequest,
  sampledCount,
} from "@gumshoe/protocol";

import type { RunRecord } from "../run/run-record.js";

const DEFAULT_PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 500;
/** Most characters of a page: most gRPC libraries reject messages over 4 MiB. */
const MAX_PAGE_CHARACTERS = 1_000_000;

/** The position where a page begins: a group, by its index in the ledger, and an answer in it. */
interface Place {
  readonly group: number;
  readonly rollout: number;
}

/**
 * Returns a page of a run's answers, in the order in which their groups were recorded, so that a
 * page does not change while the run adds groups.
 *
 * @throws InvalidArgumentError naming the field
 */
export async function rolloutPage(
  record: RunRecord,
  request: ListRolloutsRequest,
): Promise<ListRolloutsResponse> {
  const wants = groupFilter(request);
  const pageSize = Math.min(MAX_PAGE_SIZE, request.pageSize || DEFAULT_PAGE_SIZE);
  const from = readToken(request.pageToken);
  const rollouts: Rollout[] = [];
  let characters = 0;
  const groups = [...record.state.groups];
  for (let group = from.group; group < groups.length; group++) {
    const [key, blob] = groups[group] as [string, string];
    if (!wants(key)) continue;
    const stored = SubmitGroupRequest.decode(await record.blobs.get(blob));
    for (let index = group === from.group ? from.rollout : 0; ; index++) {
      const result = stored.rollouts[index];
      if (result === undefined) break;
      if (rollouts.length === pageSize || characters > MAX_PAGE_CHARACTERS) {
        return { rollouts, nextPageToken: `${group}.${index}` };
      }
      rollouts.push(toRollout(result, { index, stored }));
      characters += result.text.length;
    }
  }
  return { rollouts, nextPageToken: "" };
}

function groupFilter({ iteration, kind }: ListRolloutsRequest): (key: string) => boolean {
  if (!["", "train", "validation", "report"].includes(kind)) {
    throw new InvalidArgumentError("kind", `${kind} is not train, validation or report`);
  }
  return (key) => {
    const group = parseGroupKey(key);
    return (
      (iteration === undefined || group.iteration === iteration) &&
      (kind === "" || group.kind === kind)
    );
  };
}

function readToken(token: string): Place {
  if (token === "") return { group: 0, rollout: 0 };
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(token);
  if (match === null) {
    throw new InvalidArgumentError("page_token", "is not the next_page_token of a page");
  }
  return { group: Number(match[1]), rollout: Number(match[2]) };
}

function toRollout(
  result: RolloutResult,
  { index, stored }: { index: number; stored: SubmitGroupRequest },
): Rollout {
  const { text, reward, gradingError, finish, metrics } = result;
  const { groupKey, weights } = stored;
  const numTokens = sampledCount(result);
  return { text, reward, gradingError, finish, metrics, groupKey, index, weights, numTokens };
}

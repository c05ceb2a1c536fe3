/** The clients of `gumshoe bench serve`: each message is a round of streams. Ends with its parent. */
import { Agent, request } from "node:http";

/** The streams of a round. */
export interface Round {
  readonly newTokens: number;
  /** Token ids; each prompt is a stream. */
  readonly prompts: readonly (readonly number[])[];
}

/** What a round took. */
export interface RoundResult {
  readonly numTokens: number;
  readonly seconds: number;
}

const [address = "", key = ""] = process.argv.slice(2);
const agent = new Agent({ keepAlive: false });

/** Reads a stream to its end; returns the number of tokens by its usage. */
function readStream(prompt: readonly number[], seed: number, maxTokens: number): Promise<number> {
  const body = JSON.stringify({
    prompt,
    seed,
    max_tokens: maxTokens,
    stream: true,
    stream_options: { include_usage: true },
  });
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const sent = request(
      `http://${address}/v1/completions`,
      { method: "POST", agent, headers },
      (response) => {
        let tail = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => (tail = (tail + text).slice(-1000)));
        response.on("error", reject);
        response.on("end", () => {
          const tokens = /"completion_tokens":(\d+)/.exec(tail)?.[1];
          if (tokens === undefined) reject(new Error(`no usage in ${tail}`));
          else resolve(Number(tokens));
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

async function run({ prompts, newTokens }: Round): Promise<RoundResult> {
  const begunAtMs = performance.now();
  const counts = await Promise.all(prompts.map((ids, seed) => readStream(ids, seed, newTokens)));
  const numTokens = counts.reduce((sum, count) => sum + count, 0);
  return { numTokens, seconds: (performance.now() - begunAtMs) / 1000 };
}

process.on("message", (round: Round) => void run(round).then((result) => process.send?.(result)));
process.on("disconnect", () => process.exit(0));

/**
 * The other side of `gumshoe bench wire`: a process that holds a vector and serves it at two addresses,
 * streamed at the first, by files in memory at the second. Ends with its parent.
 */
import { MemoryFiles, RpcServer, serveTensor, TensorService } from "@gumshoe/protocol";

const [token = "", elements = "0"] = process.argv.slice(2);
const held = { start: 0, values: new Float32Array(Number(elements)).fill(1.5) };

const addresses: string[] = [];
for (const files of [undefined, new MemoryFiles()]) {
  const server = new RpcServer({ token });
  server.serve(TensorService, { pullTensor: (request) => serveTensor(request, held, files) });
  addresses.push(await server.listen("127.0.0.1:0"));
}
process.on("disconnect", () => process.exit(0));
process.send?.(addresses);

// Another process on the same GPU: opens the memory and the event of its parent, doubles the numbers, and reports
// what it did. argv: the driver's library, JSON { memory, event, bytes } with base64 handles.
import { CudaDriver } from "@gumshoe/cuda";

const [, , library, message] = process.argv;
const { memory, event, bytes } = JSON.parse(message);
const handleOf = (text) => new Uint8Array(Buffer.from(text, "base64"));

const context = CudaDriver.open({ library }).gpu(0).createContext();
const shared = context.openMemory(handleOf(memory), bytes);
const written = context.openEvent(handleOf(event));
const stream = context.createStream();
const pinned = context.allocatePinned(bytes);
stream.waitFor(written);
stream.download({ memory: pinned }, shared.address);
stream.synchronize();
const values = [...pinned.floats];
pinned.floats.set(values.map((value) => value * 2));
stream.upload(shared.address, { memory: pinned });
stream.synchronize();
context.dispose();
process.stdout.write(JSON.stringify({ values }));

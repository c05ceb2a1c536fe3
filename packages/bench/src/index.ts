export { BENCHES, type BenchName } from "./benches.js";
export { type BenchCluster, type BenchWorkers, type StartCluster } from "./cluster.js";
export { type ShapeName, SHAPES } from "./engine/shapes.js";
export { BenchRunFailedError } from "./errors.js";
export { type Figure } from "./figure.js";
export { type FleetPeerRequest, SimulatedFleet } from "./fleet/simulated-fleet.js";
export { describeMachine, type Machine } from "./machine.js";
export { type BenchSettings } from "./settings.js";

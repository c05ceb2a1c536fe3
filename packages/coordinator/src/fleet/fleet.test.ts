import { type Clock, createLogger } from "@gumshoe/core";
import { PROTOCOL_VERSION, type RegisterRequest, type WorkerStatus } from "@gumshoe/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Fleet } from "./fleet.js";

let nowMs = 0;
const clock: Clock = {
  now: () => nowMs,
  monotonicMs: () => nowMs,
  sleep: () => Promise.resolve(),
};
const logger = createLogger("fleet", "silent");

beforeEach(() => {
  nowMs = 0;
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

function passTime(ms: number): void {
  for (let passed = 0; passed < ms; passed += 50) {
    nowMs += 50;
    vi.advanceTimersByTime(50);
  }
}

const worker = (workerId: string, more: Partial<RegisterRequest> = {}): RegisterRequest => ({
  workerId,
  role: "reducer",
  host: "a",
  pid: 1,
  device: "cpu x1",
  memoryBytes: 1,
  address: `127.0.0.1:${workerId}`,
  protocolVersion: PROTOCOL_VERSION,
  ...more,
});

const vitals = {
  state: "idle",
  job: "",
  jobAgeMs: 0,
  weightVersion: 0,
  jobsDone: 0,
  tokensPerSecond: 0,
  tokensDone: 0,
  activeJobs: [],
  waitingFor: "",
};

test("a worker whose heartbeats stop is lost once", () => {
  const fleet = new Fleet({ clock, logger, lostAfterMs: 3000 });
  const departures: [string, boolean][] = [];
  fleet.onDeparture(({ workerId }, { lost }) => departures.push([workerId, lost]));
  fleet.start();
  fleet.register(worker("1"));
  passTime(2900);
  expect(departures).toEqual([]);
  passTime(600);
  expect(departures).toEqual([["1", true]]);
  fleet.stop();
});

test("a job's age grows without heartbeats, until its worker is lost", () => {
  const fleet = new Fleet({ clock, logger, lostAfterMs: 3000 });
  const lost: WorkerStatus[] = [];
  fleet.onDeparture((status) => lost.push(status));
  fleet.start();
  fleet.register(worker("1"));
  passTime(500);
  fleet.heartbeat({ ...vitals, workerId: "1", state: "busy", job: "a/0/train/3", jobAgeMs: 200 });
  passTime(1000);
  expect(fleet.statuses()).toMatchObject([{ state: "busy", job: "a/0/train/3", jobAgeMs: 1200 }]);
  passTime(60_000);
  expect(lost).toMatchObject([{ state: "busy", job: "a/0/train/3" }]);
  const [{ jobAgeMs } = { jobAgeMs: 0 }] = lost;
  expect(jobAgeMs).toBeGreaterThan(3200);
  expect(jobAgeMs).toBeLessThan(4000);
  expect(fleet.statuses()).toMatchObject([{ state: "lost", job: "a/0/train/3", jobAgeMs }]);
  fleet.stop();
});

test("a worker whose heartbeats stopped is listed as lost for a minute, one that left is not listed", () => {
  const fleet = new Fleet({ clock, logger, lostAfterMs: 3000 });
  fleet.start();
  fleet.register(worker("1"));
  fleet.register(worker("2", { pid: 2 }));
  fleet.leave("2");
  passTime(3500);
  const states = () => fleet.statuses().map(({ workerId, state }) => [workerId, state]);
  expect(states()).toEqual([["1", "lost"]]);
  fleet.register(worker("1"));
  expect(states()).toEqual([["1", "starting"]]);
  passTime(70_000);
  expect(states()).toEqual([]);
  fleet.stop();
});

test("the speed of a role is the sum over its registered workers", () => {
  const fleet = new Fleet({ clock, logger, lostAfterMs: 3000 });
  fleet.start();
  for (const [id, role] of [
    ["1", "inference"],
    ["2", "inference"],
    ["3", "trainer"],
  ] as const) {
    fleet.register(worker(id, { role }));
    fleet.heartbeat({ ...vitals, workerId: id, tokensPerSecond: 10 });
  }
  expect(fleet.tokensPerSecond("inference")).toBe(20);
  fleet.leave("1");
  expect(fleet.tokensPerSecond("inference")).toBe(10);
  passTime(3500);
  expect(fleet.tokensPerSecond("inference")).toBe(0);
  fleet.stop();
});

test("a large fleet sends heartbeats at longer intervals, still short enough not to be lost", () => {
  const fleet = new Fleet({ clock, logger, lostAfterMs: 3000 });
  fleet.register(worker("1"));
  expect(fleet.heartbeatIntervalMs).toBe(500);
  for (let i = 2; i <= 300; i++) fleet.register(worker(String(i), { pid: i }));
  expect(fleet.heartbeatIntervalMs).toBe(1000);
});

test("a heartbeat of an unknown worker is answered with a request to register", () => {
  const fleet = new Fleet({ clock, logger, lostAfterMs: 3000 });
  const heartbeat = { ...vitals, workerId: "9" };
  expect(() => fleet.heartbeat(heartbeat)).toThrow("register first");
});

test("a restarted process replaces its earlier registration", () => {
  const fleet = new Fleet({ clock, logger, lostAfterMs: 3000 });
  const ids = () =>
    fleet
      .members("reducer")
      .map(({ registration }) => registration.workerId)
      .sort();
  fleet.register(worker("1", { address: "a:7071" }));
  fleet.register(worker("2", { address: "a:7072" }));
  expect(ids()).toEqual(["1", "2"]);
  fleet.register(worker("3", { address: "a:7071" }));
  expect(ids()).toEqual(["2", "3"]);
});

test("a worker of another version is refused", () => {
  const fleet = new Fleet({ clock, logger, lostAfterMs: 3000 });
  expect(() => fleet.register(worker("1", { protocolVersion: 99 }))).toThrow("speaks version 99");
});

test("no worker is lost for heartbeats missed while the coordinator was suspended", () => {
  const fleet = new Fleet({ clock, logger, lostAfterMs: 3000 });
  fleet.start();
  fleet.register(worker("1"));
  passTime(500);
  nowMs += 10_000;
  passTime(500);
  expect(fleet.members("reducer")).toHaveLength(1);
  passTime(3500);
  expect(fleet.members("reducer")).toHaveLength(0);
  fleet.stop();
});

test("a worker of another host that announces a taken address is rejected while the first one is alive", () => {
  const fleet = new Fleet({ clock, logger, lostAfterMs: 3000 });
  fleet.start();
  const address = "127.0.0.1:7071";
  const beat = () => fleet.heartbeat({ ...vitals, workerId: "1" });
  fleet.register(worker("1", { host: "a", address }));
  for (let tries = 0; tries < 20; tries++) {
    expect(() => fleet.register(worker("2", { host: "b", address }))).toThrow(
      "worker 1 on a has the address 127.0.0.1:7071 already",
    );
    passTime(500);
    beat();
  }
  expect(fleet.statuses().map(({ workerId }) => workerId)).toEqual(["1"]);
  // The first worker's heartbeats stop: its address is free once it counts as lost.
  passTime(3500);
  fleet.register(worker("2", { host: "b", address }));
  expect(fleet.has("2")).toBe(true);
  fleet.stop();
});

test("a displaced worker that is still alive does not take its address back from its successor", () => {
  const fleet = new Fleet({ clock, logger, lostAfterMs: 3000 });
  fleet.start();
  const address = "127.0.0.1:7071";
  fleet.register(worker("1", { address }));
  fleet.register(worker("2", { address }));
  expect(fleet.has("1")).toBe(false);
  for (let tries = 0; tries < 200; tries++) {
    expect(() => fleet.register(worker("1", { address }))).toThrow("has the address");
    passTime(500);
    fleet.heartbeat({ ...vitals, workerId: "2" });
  }
  expect(fleet.has("2")).toBe(true);
  fleet.leave("2");
  fleet.register(worker("1", { address }));
  fleet.stop();
});

test("a worker whose supervisor says how it ended is lost at once, with the cause", () => {
  const fleet = new Fleet({ clock, logger, lostAfterMs: 3000 });
  const departures: unknown[] = [];
  fleet.onDeparture(({ workerId }, leaving) => departures.push([workerId, leaving]));
  fleet.register(worker("1", { pid: 10 }));
  fleet.register(worker("2", { pid: 11 }));
  fleet.register(worker("3", { pid: 10, host: "b" }));
  passTime(50);
  fleet.reportEnd({ role: "reducer", host: "a", pid: 10, end: "SIGKILL" });
  fleet.reportEnd({ role: "reducer", host: "a", pid: 12, end: "SIGKILL" });
  const leaving = { lost: true, memberMs: 50, cause: "SIGKILL" };
  expect(departures).toEqual([["1", leaving]]);
  const lost = fleet.statuses().find(({ workerId }) => workerId === "1");
  expect(lost).toMatchObject({ state: "lost", ended: "SIGKILL" });
});

test("the cause of a loss that was noticed before is told once", () => {
  const fleet = new Fleet({ clock, logger, lostAfterMs: 3000 });
  const causes: string[] = [];
  fleet.onCause(({ workerId }, cause) => causes.push(`${workerId}: ${cause}`));
  fleet.start();
  fleet.register(worker("1", { pid: 10 }));
  passTime(4000);
  expect(fleet.has("1")).toBe(false);
  const report = { role: "reducer", host: "a", pid: 10, end: "exit code 1" };
  fleet.reportEnd(report);
  fleet.reportEnd(report);
  expect(causes).toEqual(["1: exit code 1"]);
  fleet.stop();
});

test("a report that no supervisor sends is refused", () => {
  const fleet = new Fleet({ clock, logger, lostAfterMs: 3000 });
  const report = { role: "reducer", host: "a", pid: 10, end: "x".repeat(501) };
  expect(() => fleet.reportEnd(report)).toThrow("end: has 501 characters");
  expect(() => fleet.reportEnd({ ...report, role: "x" })).toThrow("role: is not one of");
});

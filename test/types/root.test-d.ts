import { expectTypeOf, test } from "vitest";
import { createGuard, findExecutionStopped, MachineID } from "../../src/index.ts";
import type {
  AuthorityUnavailableError,
  Boundary,
  Decision,
  ExecutionStoppedError,
  FailureAnswer,
  Guard,
  GuardCode,
  GuardEvent,
  ValidateAnswer,
} from "../../src/index.ts";

const client = new MachineID({ orgKey: "org_types" });
const guard = createGuard(client, { deviceId: "a" });

test("protect returns what its body returns, awaited", () => {
  expectTypeOf(guard.protect({ kind: "tool" }, () => 7)).toEqualTypeOf<Promise<number>>();
  expectTypeOf(guard.protect({ kind: "tool" }, async () => "x")).toEqualTypeOf<Promise<string>>();
  expectTypeOf(guard.run().protect({ kind: "task" }, () => undefined)).toEqualTypeOf<
    Promise<undefined>
  >();
});

test("the body is handed a signal and the fencing token", () => {
  void guard.protect({ kind: "tool" }, (signal, { fence, decision }) => {
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
    expectTypeOf(fence).toEqualTypeOf<number | undefined>();
    expectTypeOf(decision).toEqualTypeOf<Decision>();
  });
});

test("a check resolves with an allow and nothing else", () => {
  expectTypeOf(guard.check({ kind: "model" })).toEqualTypeOf<Promise<Decision>>();
  expectTypeOf<Decision["allowed"]>().toEqualTypeOf<true>();
});

test("boundaries are a closed list", () => {
  expectTypeOf<{ kind: "tool"; name: string }>().toExtend<Boundary>();
  // @ts-expect-error -- no such boundary
  void guard.check({ kind: "thought" });
  // @ts-expect-error -- there is no way to fail open
  createGuard(client, { deviceId: "a", failOpen: true });
  // @ts-expect-error -- there is no enforcement that enforces nothing
  createGuard(client, { deviceId: "a", enforcement: "none" });
});

test("answers are what the API sends, failures included", () => {
  expectTypeOf(client.validate("a")).toEqualTypeOf<Promise<ValidateAnswer | FailureAnswer>>();
  expectTypeOf<ValidateAnswer["allowed"]>().toEqualTypeOf<boolean>();
  expectTypeOf<FailureAnswer["allowed"]>().toEqualTypeOf<false>();
});

test("errors narrow by class and by code", () => {
  expectTypeOf(findExecutionStopped(new Error("x"))).toEqualTypeOf<
    ExecutionStoppedError | undefined
  >();
  expectTypeOf<AuthorityUnavailableError["code"]>().toEqualTypeOf<GuardCode>();
});

test("events narrow by type", () => {
  const seen = (event: GuardEvent): void => {
    if (event.type === "check") expectTypeOf(event.durationMs).toEqualTypeOf<number>();
    if (event.type === "stop") expectTypeOf(event.error).toEqualTypeOf<ExecutionStoppedError>();
  };
  expectTypeOf(createGuard(client, { deviceId: "a", onEvent: seen })).toEqualTypeOf<Guard>();
});

import { createGuard, MachineID } from "../../src/index.ts";
import type { Guard, GuardOptions } from "../../src/index.ts";

/* What runs in the page: a guard, and work under it that goes on until it is stopped. */

export interface PageOptions {
  readonly baseUrl: string;
  readonly orgKey: string;
  readonly deviceId: string;
  readonly enforcement: GuardOptions["enforcement"];
  readonly checkTimeoutMs?: number;
}

let guard: Guard | undefined;
/** Codes that bodies were stopped with, in order. */
const stops: unknown[] = [];
let bodies = 0;

function guarded(): Guard {
  if (guard === undefined) throw new Error("begin was not called");
  return guard;
}

const codeOf = (error: unknown): unknown => Reflect.get(Object(error), "code") ?? String(error);

/** What a test does in the page. */
export const scene = {
  begin({ baseUrl, orgKey, ...options }: PageOptions): void {
    guard = createGuard(new MachineID({ orgKey, baseUrl }), { register: false, ...options });
  },

  /** Runs a body that only says that it ran; its code where it was refused. */
  async work(): Promise<unknown> {
    try {
      return await guarded().protect({ kind: "tool", name: "click" }, () => ((bodies += 1), "ran"));
    } catch (error) {
      return codeOf(error);
    }
  },

  /** Starts a body that goes on until it is stopped; resolves when it has begun. */
  goOn: (): Promise<void> =>
    new Promise((begun, refused) => {
      const body = (signal: AbortSignal): Promise<never> =>
        new Promise((_resolve, reject) => {
          bodies += 1;
          begun();
          signal.addEventListener("abort", () => {
            stops.push(codeOf(signal.reason));
            reject(signal.reason as Error);
          });
        });
      guarded().protect({ kind: "tool", name: "stream" }, body).catch(refused);
    }),

  told: () => ({ status: guarded().status, stops, bodies }),
};

Object.assign(globalThis, { scene });

import type { LeaseAnswer } from "../../wire/index.ts";
import { textFrame } from "./text-frame.ts";

/** What is sent over the channel. The same to many is made once, as the bytes that travel. */

type Of<Type extends LeaseAnswer["type"]> = Extract<LeaseAnswer, { type: Type }>;

/** The decision on one device. */
export interface DeviceAnswer {
  readonly deviceId: string;
  readonly code: string;
}

/** Decisions by device, all of one request. */
function decisionsJson(decided: readonly DeviceAnswer[], requestId: string): string {
  const each = decided.map(
    ({ deviceId, code }) =>
      `${JSON.stringify(deviceId)}:{"allowed":${code === "ALLOW"},"code":"${code}","request_id":"${requestId}"}`,
  );
  return `{${each.join(",")}}`;
}

/** What an answer has besides its decisions. */
export interface AnswerTerms {
  readonly n: number;
  readonly version: number;
  readonly termMs: number;
  readonly requestId: string;
}

export function grantFrame(terms: AnswerTerms, decided: readonly DeviceAnswer[]): string {
  const { n, version, termMs, requestId } = terms;
  return `{"type":"grant","n":${n},"ttl_ms":${termMs},"version":${version},"decisions":${decisionsJson(decided, requestId)}}`;
}

export function decisionFrame(terms: AnswerTerms, decided: readonly DeviceAnswer[]): string {
  const { n, version, termMs, requestId } = terms;
  return `{"type":"decision","n":${n},"version":${version},"valid_ms":${termMs},"decisions":${decisionsJson(decided, requestId)}}`;
}

/** What a stop says, besides whom it concerns. */
export interface StopNews {
  readonly version: number;
  readonly code: string;
  /** Of the call that made it, where that is known. */
  readonly requestId: string | null;
  /** How long acknowledging it is to wait, in milliseconds. @default 0 */
  readonly ackAfterMs?: number;
}

/** Makes the frames of one change: for the same devices it is the same frame. */
export class ChangeFrames {
  readonly #head: string;
  readonly #made = new Map<string, Buffer>();

  private constructor(head: Omit<Of<"stop">, "devices"> | Omit<Of<"allow">, "devices">) {
    this.#head = JSON.stringify(head).slice(0, -1);
  }

  static ofStop({ version, code, requestId, ackAfterMs = 0 }: StopNews): ChangeFrames {
    const request = requestId === null ? {} : { request_id: requestId };
    const after = ackAfterMs > 0 ? { ack_after_ms: ackAfterMs } : {};
    return new ChangeFrames({ type: "stop", version, code, ...request, ...after });
  }

  static ofRestore(version: number): ChangeFrames {
    return new ChangeFrames({ type: "allow", version });
  }

  /** The frame for a session that has to do with these devices. */
  for(deviceIds: readonly string[]): Buffer {
    const devices = JSON.stringify(deviceIds);
    const known = this.#made.get(devices);
    if (known !== undefined) return known;
    const frame = textFrame(`${this.#head},"devices":${devices}}`);
    this.#made.set(devices, frame);
    return frame;
  }
}

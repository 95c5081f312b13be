/** What `isInstance` looks for, so that it also knows errors of another copy of this package. */
interface MarkedClass<E> {
  readonly marker: symbol;
  readonly prototype: E;
}

/** Base of every error this package throws. `code` is stable; switch on it. */
export class MachineIDError extends Error {
  static readonly marker: symbol = Symbol.for("machineid.error");
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "MachineIDError";
    this.code = code;
    for (let type: unknown = new.target; isMarkedClass(type); type = Object.getPrototypeOf(type)) {
      Object.defineProperty(this, type.marker, { value: true, configurable: true });
    }
  }

  /** `instanceof` that also holds across copies of this package. */
  static isInstance<E>(this: MarkedClass<E>, error: unknown): error is E {
    return typeof error === "object" && error !== null && Reflect.get(error, this.marker) === true;
  }
}

const isMarkedClass = (type: unknown): type is MarkedClass<unknown> =>
  typeof type === "function" && typeof Reflect.get(type, "marker") === "symbol";

export type ArgumentCode =
  | "ORG_KEY_MISSING"
  | "ORG_KEY_INVALID"
  | "DEVICE_ID_INVALID"
  | "BASE_URL_INVALID"
  | "BASE_URL_INSECURE"
  | "TIMEOUT_INVALID"
  | "OPTION_INVALID";

/** An argument that can never work, refused before any request. The mend is in the message. */
export class InvalidArgumentError extends MachineIDError {
  static override readonly marker: symbol = Symbol.for("machineid.error.argument");
  declare readonly code: ArgumentCode;

  constructor(code: ArgumentCode, message: string) {
    super(code, message);
    this.name = "InvalidArgumentError";
  }
}

export type RequestErrorCode =
  | "AUTHORITY_UNREACHABLE"
  | "AUTHORITY_TIMEOUT"
  | "AUTHORITY_MALFORMED"
  | "RECEIPT_INVALID";

export interface RequestErrorDetails {
  readonly method: string;
  readonly path: string;
  /** HTTP status, when there was an answer. */
  readonly status?: number | undefined;
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

/**
 * A call that brought no JSON answer: the network failed, the deadline passed,
 * what came back was not JSON or too large, or it was a decision without a valid
 * receipt though `authorityKey` asks for one. Any other answer in JSON is never
 * an error of the client, whatever its status.
 */
export class RequestError extends MachineIDError {
  static override readonly marker: symbol = Symbol.for("machineid.error.request");
  declare readonly code: RequestErrorCode;
  readonly method: string;
  readonly path: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;

  constructor(code: RequestErrorCode, problem: string, details: RequestErrorDetails) {
    const { method, path, status, requestId, cause } = details;
    const context = [
      status === undefined ? undefined : `status ${status}`,
      requestId === undefined ? undefined : `request ${requestId}`,
    ].filter((part) => part !== undefined);
    const suffix = context.length === 0 ? "" : ` (${context.join(", ")})`;
    super(code, `${method} ${path}: ${problem}${suffix}`, cause === undefined ? {} : { cause });
    this.name = "RequestError";
    this.method = method;
    this.path = path;
    this.status = status;
    this.requestId = requestId;
  }
}

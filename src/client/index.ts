export { DEFAULT_BASE_URL, DEFAULT_TIMEOUT_MS, MachineID } from "./client.ts";
export type { CallOptions, MachineIDOptions } from "./client.ts";
export { InvalidArgumentError, MachineIDError, RequestError } from "./errors.ts";
export type { ArgumentCode, RequestErrorCode } from "./errors.ts";
export type { Answer } from "./exchange.ts";
export type { Fetch } from "./fetch-transport.ts";
export { checkDeviceId, checkTimeout } from "./options.ts";
export { AnswerTooLargeError } from "./transport.ts";
export type { Transport, TransportAnswer, TransportRequest } from "./transport.ts";

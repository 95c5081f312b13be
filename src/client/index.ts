export { DEFAULT_BASE_URL, DEFAULT_TIMEOUT_MS, MachineID } from "./client.ts";
export type { MachineIDOptions } from "./client.ts";
export type {
  BatchOptions,
  CallOptions,
  ChangeOptions,
  DeviceSelection,
  ListDevicesOptions,
  RegisterOptions,
  RestoreBatchOptions,
  RestoreOptions,
} from "./call.ts";
export type { NewKey, OrgKeys, RotateKeyOptions } from "./keys.ts";
export type { OrgControl } from "./org.ts";
export { InvalidArgumentError, MachineIDError, RequestError } from "./errors.ts";
export type { ArgumentCode, RequestErrorCode } from "./errors.ts";
export { exchange } from "./exchange.ts";
export type { Answer } from "./exchange.ts";
export { createFetchTransport } from "./fetch-transport.ts";
export type { Fetch } from "./fetch-transport.ts";
export { checkBaseUrl, checkDeviceId, checkTimeout } from "./options.ts";
export { AnswerTooLargeError } from "./transport.ts";
export type { Transport, TransportAnswer, TransportRequest } from "./transport.ts";

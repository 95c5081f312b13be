export type { OrgAudit } from "./audit.ts";
export type { AuthorityKey, PublicKey } from "./authority-key.ts";
export { MachineID } from "./client.ts";
export { DEFAULT_BASE_URL, DEFAULT_TIMEOUT_MS } from "./machine-id-options.ts";
export type { MachineIDOptions } from "./machine-id-options.ts";
export type {
  AuditOptions,
  BatchOptions,
  CallOptions,
  ChangeOptions,
  DeviceSelection,
  ListDevicesOptions,
  PageOptions,
  RegisterOptions,
  RestoreBatchOptions,
  RestoreOptions,
  StopBatchOptions,
  StopOptions,
} from "./call.ts";
export type { NewKey, OrgKeys, RotateKeyOptions } from "./keys.ts";
export type { OrgControl } from "./org.ts";
export type { Pages } from "./pages.ts";
export { InvalidArgumentError, MachineIDError, RequestError } from "./errors.ts";
export type { ArgumentCode, RequestErrorCode } from "./errors.ts";
export { exchange } from "./exchange.ts";
export type { Answer } from "./exchange.ts";
export { createFetchTransport } from "./fetch-transport.ts";
export type { Fetch } from "./fetch-transport.ts";
export type { Channel, ChannelHandlers, OpenLeaseChannel } from "./channel.ts";
export { checkBaseUrl, checkDeviceId, checkOrgKey, checkTimeout } from "./options.ts";
export { AnswerTooLargeError } from "./transport.ts";
export type { Transport, TransportAnswer, TransportRequest } from "./transport.ts";
export { WeakCache } from "./weak-cache.ts";

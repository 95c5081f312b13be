export { createMachineIDServer } from "./server.ts";
export type { MachineIDServerOptions } from "./server.ts";
export { createGateway } from "./gate/gateway.ts";
export type { Gateway, GatewayOptions, Upstream } from "./gate/gateway.ts";
export { guardServer } from "./gate/guard-server.ts";
export type { GuardableServer } from "./gate/guard-server.ts";
export type { GateOptions } from "./gate/policy.ts";
export type { AnyTransport } from "./gate/transport.ts";

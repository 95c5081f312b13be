export { createMachineIDServer } from "./server.ts";
export type { MachineIDServerOptions } from "./server.ts";

export { createMachineIDServer } from "./server.ts";
export type { MachineIDServerOptions } from "./server.ts";
export { MACHINEID_TOOLS } from "./tool-names.ts";
export type { MachineIDToolName } from "./tool-names.ts";

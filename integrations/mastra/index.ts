export { guardAgent } from "./agent.ts";
export { guardModel } from "./model.ts";
export { ToolRefusedError } from "../shared/tool-refused-error.ts";
export { guardTool, guardTools } from "./tool.ts";
export type { GuardToolOptions } from "./tool.ts";

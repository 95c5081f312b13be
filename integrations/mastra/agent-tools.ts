import type { Guard } from "../../src/index.ts";
import { isFunction, isObject } from "../shared/gated-view.ts";
import { replaceMethod } from "./replace-method.ts";
import { guardTool, guardTools } from "./tool.ts";
import { guardWorkflows } from "./workflow.ts";

/** Gates a set of tools, but for those that ask already. */
export type GateTools = (tools: unknown) => unknown;

/** Gates every tool that an agent gives to its loop, whatever list it comes from. */
export function gateTools(guard: Guard, agent: object): GateTools {
  /** What runs one of the agent's own tools or a toolset's: those ask themselves. */
  const known = new WeakSet<object>();
  const note = (tools: unknown): unknown => {
    for (const { execute } of toolsOf(tools)) if (isObject(execute)) known.add(execute);
    return tools;
  };
  replaceMethod(agent, "listTools", (original) => async (...args) => {
    const tools: unknown = await original(...args);
    return isObject(tools) ? guardEach(guard, tools) : tools;
  });
  replaceMethod(
    agent,
    "listAssignedTools",
    (original) =>
      async (...args) =>
        note(await original(...args)),
  );
  replaceMethod(agent, "listWorkflows", (original) => async (...args) => {
    const workflows: unknown = await original(...args);
    return isObject(workflows) ? guardWorkflows(guard, workflows) : workflows;
  });
  replaceMethod(
    agent,
    "listWorkflowTools",
    (original) =>
      async (...args) =>
        note(await original(...args)),
  );
  replaceMethod(
    agent,
    "listToolsets",
    (original) =>
      async (given, ...rest) =>
        note(await original(guardToolsets(guard, given), ...rest)),
  );
  const gateUnknown: GateTools = (tools) => {
    if (!isObject(tools)) return tools;
    const entries = Object.entries(tools).map(([name, tool]: [string, unknown]) => {
      if (!isObject(tool)) return [name, tool];
      const execute: unknown = Reflect.get(tool, "execute");
      if (!isFunction(execute) || known.has(execute)) return [name, tool];
      const gated: object = { ...guardTool(guard, tool, { name }) };
      note({ gated });
      return [name, gated];
    });
    return Object.fromEntries(entries);
  };
  // Inside the agent's own hooks, so that nothing of theirs comes between an allow and the tool.
  replaceMethod(
    agent,
    "wrapToolsWithHooks",
    (original) =>
      (tools, ...rest) =>
        note(original(gateUnknown(tools), ...rest)),
  );
  replaceMethod(
    agent,
    "convertTools",
    (original) =>
      async (...args) =>
        gateUnknown(await original(...args)),
  );
  return gateUnknown;
}

/** A plain record, as Mastra copies and merges sets of tools. */
function guardEach(guard: Guard, tools: object): object {
  return Object.fromEntries(Object.entries(guardTools(guard, tools)));
}

/** The sets of tools that one call brings along. */
function guardToolsets(guard: Guard, given: unknown): unknown {
  const toolsets: unknown = isObject(given) ? Reflect.get(given, "toolsets") : undefined;
  if (!isObject(given) || !isObject(toolsets)) return given;
  const entries = Object.entries(toolsets).map(([name, tools]: [string, unknown]) => [
    name,
    isObject(tools) ? guardEach(guard, tools) : tools,
  ]);
  return { ...given, toolsets: Object.fromEntries(entries) };
}

function toolsOf(tools: unknown): readonly { readonly execute?: unknown }[] {
  return isObject(tools) ? Object.values(tools).filter(isObject) : [];
}

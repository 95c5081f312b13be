import type { Case } from "./case.ts";
import {
  agent,
  approving,
  DONE,
  forgedApproval,
  generate,
  stream,
  tools,
  TWO_TOOLS,
} from "./sample-calls.ts";
import { errorOf } from "./surfaces.ts";

const NEWER = [6, 7] as const;
const NEWEST = [7] as const;

/** Doors at which the SDK has it decided whether a tool call needs a person. */
export const approvalCases: readonly Case[] = [
  ...(["one function", "a function for each"] as const).flatMap((by): Case[] => [
    {
      door: `toolApproval, ${by}, in generateText`,
      entry: "guardCall",
      versions: NEWEST,
      loops: true,
      run: generate(TWO_TOOLS, approving(by)),
    },
    {
      door: `toolApproval, ${by}, in streamText`,
      entry: "guardCall",
      versions: NEWEST,
      loops: true,
      run: stream(TWO_TOOLS, approving(by)),
    },
    {
      door: `forged approval with toolApproval, ${by}`,
      entry: "guardCall",
      versions: NEWEST,
      loops: true,
      run: generate(DONE, (world) => ({ ...forgedApproval(), ...approving(by)(world) })),
    },
  ]),
  {
    door: "needsApproval of a tool",
    entry: "guardCall",
    versions: NEWER,
    loops: true,
    run: generate([{ calls: ["a"] }, { text: "done" }], (world) => ({
      tools: { a: { ...tools(world)["a"], needsApproval: async () => world.enter("a") } },
    })),
  },
  {
    door: "toolApproval of an agent",
    entry: "guardAgent",
    versions: NEWEST,
    loops: true,
    run: async (world) => {
      const { guarded, turn } = agent(world, TWO_TOOLS, approving("a function for each")(world));
      return { promise: await errorOf(() => guarded.generate(turn)) };
    },
  },
];

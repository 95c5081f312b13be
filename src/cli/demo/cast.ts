import { loadAiSdk } from "./ai-sdk-performer.ts";
import { loadLangChain } from "./langchain-performer.ts";
import type { Performer } from "./performer.ts";
import { workerPerformer } from "./worker-performer.ts";

/** Who is on the stage. */
export interface Member {
  readonly title: string;
  readonly framework: string;
  readonly deviceId: string;
  readonly performer: Performer;
}

/** A framework that is not installed. */
export interface Missing {
  readonly title: string;
  readonly framework: string;
  readonly install: string;
}

export interface Cast {
  readonly members: readonly [Member, ...Member[]];
  readonly missing: readonly Missing[];
}

const FRAMEWORKS = [
  {
    title: "LangChain agent",
    framework: "langchain",
    install: "npm install langchain @langchain/core",
    load: loadLangChain,
  },
  { title: "AI SDK agent", framework: "ai-sdk", install: "npm install ai", load: loadAiSdk },
];

const worker = (deviceId: string): Member => ({
  title: "plain worker",
  framework: "none",
  deviceId,
  performer: workerPerformer,
});

/** Loads what is installed. A plain worker takes part always, and two where nothing else does. */
export async function assemble(): Promise<Cast> {
  const members: Member[] = [];
  const missing: Missing[] = [];
  for (const { load, title, framework, install } of FRAMEWORKS) {
    const performer = await ifInstalled(load);
    if (performer === undefined) missing.push({ title, framework, install });
    else members.push({ title, framework, deviceId: `demo:${framework}`, performer });
  }
  const [first = worker("demo:worker-1"), ...rest] = members;
  return { members: [first, ...rest, worker("demo:worker")], missing };
}

async function ifInstalled(load: () => Promise<Performer>): Promise<Performer | undefined> {
  try {
    return await load();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

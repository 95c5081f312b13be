import { gates } from "./gates.ts";
import { serverDoors } from "./servers.ts";

/** Ways into the work of an MCP server, for the suite and for the coverage page. */
export interface Door {
  /** What would begin, or how it came to be there. */
  readonly door: string;
  /** What gates it. */
  readonly entry: string;
  /** Versions of the SDK that the server is of. */
  readonly versions: readonly (1 | 2)[];
  readonly closed: boolean;
  /** How a refusal reaches the client. */
  readonly surfaces: string;
  readonly note?: string;
}

const RESULT = "a result with isError and the fixed payload";
const ERROR = "an error of code -32050 with the fixed payload";
const NOTES: Readonly<Record<string, string>> = {
  resources: "with the option resources",
  prompts: "with the option prompts",
  tasks: "a task that goes on is cancelled with tasks/cancel",
};

const closed: readonly Door[] = Object.entries(gates).flatMap(([entry, gate]) =>
  Object.entries(serverDoors).map(([door, { versions }]) => ({
    door,
    entry,
    versions: versions.filter((version) => gate.versions.includes(version)),
    closed: true,
    surfaces: door in NOTES ? ERROR : RESULT,
    ...(NOTES[door] === undefined ? {} : { note: NOTES[door] }),
  })),
);

const open: readonly Door[] = [
  {
    door: "a tool's function called by the application itself",
    entry: "",
    versions: [1, 2],
    closed: false,
    surfaces: "not asked",
    note: "the gate stands at the transports; use guard.protect() or guardFunction() there",
  },
  {
    door: "work that a tool left behind when it answered",
    entry: "",
    versions: [1, 2],
    closed: false,
    surfaces: "not asked",
    note: "a call is over with its answer, unless it is a task; behind machineid gate the process ends with its session",
  },
  {
    door: "a task that goes on after its session is closed",
    entry: "",
    versions: [1, 2],
    closed: false,
    surfaces: "not asked",
    note: "there is no connection left to cancel it on; asking for its result is refused",
  },
  {
    door: "questions to a person (elicitation) that a server asks a client for",
    entry: "",
    versions: [1, 2],
    closed: false,
    surfaces: "not asked",
    note: "they begin no work; sampling does, and is asked about",
  },
  {
    door: "a task whose request was cancelled before it was answered",
    entry: "",
    versions: [1],
    closed: false,
    surfaces: "not asked",
    note: "servers of SDK 1.x do not answer cancelled requests, so that nobody can name the task; its handler's signal aborts",
  },
];

export const doors: readonly Door[] = [...closed, ...open];

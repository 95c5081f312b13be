import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";

/**
 * Installs the packed package beside the lowest supported version of each
 * framework, alone in a folder of its own, and goes through its doors: allowed,
 * revoked, revoked on the way, and without an authority. The highest versions are
 * those that the suites run with; `--highest` takes them here too.
 *
 *     node scripts/check-peers.ts [--highest] [NAME…]
 *     node scripts/check-peers.ts NAME --use ai@6.0.3     with other versions
 */
const ROOT = join(import.meta.dirname, "..");
const AT_ONCE = 2;
/** For one run through the doors, which takes two seconds: a door that hangs is no door. */
const TIMEOUT_MS = 60_000;

interface Manifest {
  readonly version: string;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

interface Check {
  /** The file in `scripts/peers` that goes through the doors. */
  readonly name: string;
  readonly label: string;
  readonly packages: readonly string[];
}

const read = (path: string): Manifest =>
  JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as Manifest;
const { devDependencies, peerDependencies } = read(ROOT);

const pinned = (name: string): string => `${name}@${devDependencies[name] ?? "missing"}`;
/** The first version that a range allows: each `||` part begins with `>=`. */
const lowestOf = (name: string): string[] =>
  (peerDependencies[name] ?? "")
    .split("||")
    .map((part) => `${name}@${/>=([\d.]+)/.exec(part)?.[1] ?? "missing"}`);

/** LangGraph 1.0 brings a checkpointer that needs at least this one. */
const CORE_OF_LANGGRAPH = "@langchain/core@1.1.48";

/** Which frameworks go together. */
const TOGETHER: Readonly<Record<string, readonly string[]>> = {
  "langchain-core": ["@langchain/core"],
  langchain: ["@langchain/core", "@langchain/langgraph", "langchain"],
  "openai-agents": ["@openai/agents"],
  mastra: ["@mastra/core"],
  "claude-agent": ["@anthropic-ai/claude-agent-sdk"],
  mcp: ["@modelcontextprotocol/sdk"],
};

const checks: readonly Check[] = [
  ...Object.entries(TOGETHER).flatMap(([name, packages]): Check[] => [
    {
      name,
      label: "lowest",
      packages: packages.flatMap((each) =>
        name === "langchain" && each === "@langchain/core" ? [CORE_OF_LANGGRAPH] : lowestOf(each),
      ),
    },
    { name, label: "highest", packages: packages.map(pinned) },
  ]),
  {
    name: "langchain-classic",
    label: "alone",
    packages: [pinned("@langchain/core"), "@langchain/classic@1.0.50"],
  },
  ...lowestOf("ai").map((lowest): Check => ({ name: "ai", label: "lowest", packages: [lowest] })),
  ...["ai5", "ai6", "ai"].map((alias): Check => {
    const version = (devDependencies[alias] ?? "").replace("npm:ai@", "");
    return { name: "ai", label: "highest", packages: [`ai@${version}`] };
  }),
];

const {
  values: { highest, use },
  positionals: names,
} = parseArgs({
  allowPositionals: true,
  options: { highest: { type: "boolean" }, use: { type: "string", multiple: true } },
});
const chosen = checks.filter(
  ({ name, label }) =>
    (names.length === 0 || names.includes(name)) && (highest === true || label !== "highest"),
);
const queue: Check[] =
  use === undefined ? [...chosen] : names.map((name) => ({ name, label: "chosen", packages: use }));

const folder = mkdtempSync(join(tmpdir(), "machineid-peers-"));
const run = promisify(execFile);
let failures = 0;

async function go(
  { name, label, packages }: Check,
  target: string,
  tarball: string,
): Promise<string> {
  cpSync(join(ROOT, "scripts/peers"), target, { recursive: true });
  writeFileSync(join(target, "package.json"), '{ "private": true, "type": "module" }\n');
  const flags = ["--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"];
  const options = { cwd: target, maxBuffer: 1e8 };
  const more = label === "chosen" ? ["--force"] : [];
  // The SDK has the whole of Claude Code among its optional dependencies.
  if (name === "claude-agent") more.push("--omit=optional");
  await run("npm", ["install", ...flags, ...more, tarball, ...packages], options);
  const major = name === "ai" ? read(join(target, "node_modules/ai")).version.split(".")[0] : "";
  const env = { ...process.env, PEER_MAJOR: major, NODE_NO_WARNINGS: "1" };
  const limited = { ...options, env, timeout: TIMEOUT_MS };
  const { stdout } = await run(process.execPath, [`${name}.ts`], limited);
  return stdout;
}

async function work(tarball: string): Promise<void> {
  for (let check = queue.shift(); check !== undefined; check = queue.shift()) {
    const { name, label, packages } = check;
    const target = mkdtempSync(join(folder, `${name}-`));
    const title = `${name}, ${label}: ${packages.join(" ")}`;
    try {
      const doors = await go(check, target, tarball);
      process.stdout.write(`ok   ${title}\n${doors}`);
    } catch (error) {
      failures += 1;
      const { stdout = "", stderr = String(error) } = error as { stdout?: string; stderr?: string };
      process.stdout.write(`FAIL ${title}\n${stdout}${stderr}\n`);
    }
    rmSync(target, { recursive: true, force: true });
  }
}

try {
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], { cwd: ROOT });
  const tarball = join(folder, readdirSync(folder).find((file) => file.endsWith(".tgz")) ?? "");
  if (queue.length === 0) throw new Error("There is no such check");
  await Promise.all(Array.from({ length: AT_ONCE }, () => work(tarball)));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;

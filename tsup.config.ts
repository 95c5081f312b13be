import { relative, resolve } from "node:path";
import { defineConfig } from "tsup";
import type { Options } from "tsup";
import { writeNotices } from "./scripts/notices.ts";

const shared: Options = {
  format: "esm",
  target: "node22",
  platform: "node",
  removeNodeProtocol: false,
  splitting: true,
  outDir: "dist",
};

const LIBRARY: Readonly<Record<string, string>> = {
  index: "src/index.ts",
  events: "src/events/index.ts",
  langchain: "integrations/langchain/index.ts",
  "ai-sdk": "integrations/ai-sdk/index.ts",
  mcp: "integrations/mcp/index.ts",
  "openai-agents": "integrations/openai-agents/index.ts",
  mastra: "integrations/mastra/index.ts",
  "claude-agent": "integrations/claude-agent/index.ts",
};

/**
 * The library as files. Its inner modules are files of their own too, though not
 * exported, so that the command line can use them without a second copy.
 */
const LIBRARY_FILES: Readonly<Record<string, string>> = {
  ...LIBRARY,
  client: "src/client/index.ts",
  guard: "src/guard/index.ts",
  // Apart from the client, which loads it only to verify receipts.
  "authority-key": "src/client/authority-key.ts",
  // What a guard and its client load only for leases: named, so that its size can be watched.
  features: "src/client/features.ts",
  "dispatcher-transport": "src/client/dispatcher-transport.ts",
  telemetry: "src/guard/telemetry.ts",
  lease: "src/guard/lease/index.ts",
  "lease-channel": "src/client/lease-channel.ts",
  receipt: "src/client/receipt.ts",
};

const AUTHORITY: Readonly<Record<string, string>> = {
  authority: "src/authority/index.ts",
  testing: "src/testing/index.ts",
};

/** What runs everywhere: it depends on zod, ws and the user's own frameworks. */
const library: Options = {
  ...shared,
  name: "library",
  entry: LIBRARY_FILES,
  // Types of all entries come from one program, so that each class is declared once.
  dts: { entry: { ...LIBRARY, ...AUTHORITY } },
  sourcemap: true,
};

/**
 * What runs on Node alone: the authority and the command line. The packages they
 * are made of are bundled, so that an SDK does not drag a server's dependencies
 * behind it; their notices go along. The library's own entries are not bundled
 * again, so that there is one copy of every class.
 */
const node: Options = {
  ...shared,
  name: "node",
  entry: { ...AUTHORITY, cli: "src/cli/main.ts" },
  metafile: true,
  // Most of it is other people's code, that nobody reads here: names stay, for errors and their stacks.
  esbuildOptions(options) {
    options.minifyWhitespace = true;
  },
  banner: {
    // CommonJS packages inside the bundle load Node's modules by require.
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  esbuildPlugins: [
    {
      name: "one-copy-of-the-library",
      setup(build) {
        build.onResolve({ filter: /\.ts$/ }, ({ path, resolveDir }) => {
          const file = relative(import.meta.dirname, resolve(resolveDir, path));
          const entry = Object.entries(LIBRARY_FILES).find(([, source]) => source === file);
          return entry === undefined ? undefined : { path: `./${entry[0]}.js`, external: true };
        });
      },
    },
  ],
  onSuccess: () => writeNotices("dist"),
};

export default defineConfig([library, node]);

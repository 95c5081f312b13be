import { relative } from "node:path";
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

/** What runs everywhere: it depends on zod and on the user's own frameworks. */
const library: Options = {
  ...shared,
  name: "library",
  entry: {
    index: "src/index.ts",
    langchain: "integrations/langchain/index.ts",
    "ai-sdk": "integrations/ai-sdk/index.ts",
    mcp: "integrations/mcp/index.ts",
  },
  dts: true,
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
  entry: {
    authority: "src/authority/index.ts",
    testing: "src/testing/index.ts",
    cli: "src/cli/main.ts",
  },
  dts: {
    entry: { authority: "src/authority/index.ts", testing: "src/testing/index.ts" },
  },
  metafile: true,
  banner: {
    // CommonJS packages inside the bundle load Node's modules by require.
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  esbuildPlugins: [
    {
      name: "one-copy-of-the-library",
      setup(build) {
        build.onResolve({ filter: /\/index\.ts$/ }, ({ path, resolveDir }) => {
          const file = relative(
            import.meta.dirname,
            new URL(path, `file://${resolveDir}/`).pathname,
          );
          const entry = Object.entries(library.entry ?? {}).find(([, source]) => source === file);
          return entry === undefined ? undefined : { path: `./${entry[0]}.js`, external: true };
        });
      },
    },
  ],
  onSuccess: () => writeNotices("dist"),
};

export default defineConfig([library, node]);

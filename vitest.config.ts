import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/postgres-setup.ts"],
    // What hangs is ended; what is slow on a busy machine is not.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

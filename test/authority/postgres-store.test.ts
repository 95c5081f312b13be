import { describe } from "vitest";
import { postgresStore } from "../../src/authority/index.ts";
import { createDatabase } from "../support/postgres.ts";
import type { TestDatabase } from "../support/postgres.ts";
import { storeSuite } from "./store-suite.ts";

describe("on a real server", () => {
  storeSuite("PostgreSQL", () => {
    let database: TestDatabase | undefined;
    return {
      async open(again) {
        if (again === undefined) database = await createDatabase();
        return postgresStore({ url: database?.url ?? "" });
      },
    };
  });
});
